// SPDX-License-Identifier: Apache-2.0
/* All SQL of the lock service. Rows come and go in arrays: one statement serves a whole batch. */
#include "services/lock/sql.h"

#include <stdlib.h>
#include <string.h>

#include "services/lock/profile.h"

/* ---- reading ---- */

/* Arrays, worked out once: whatever the planner believes of the tables, their keys are used. */
#define ROWS                                                                                       \
	"any($1::uuid[] || array(select unnest(r.devices) from lock.request r"                     \
	" where r.id = any($2::uuid[])))"
#define DEVICES                                                                                    \
	"select device_id, last_token, profile, profile_revision from lock.device"                 \
	" where device_id = " ROWS " order by device_id"
#define REQUESTS                                                                                   \
	"select id, digest, session, kind, op, direction, state, devices, holding, first_token,"   \
	" ticket, wait_until, asked_at, job, attempt,"                                             \
	" case when id = any($3::uuid[]) then answer end, holder, workflow"                        \
	" from lock.request where id = any($2::uuid[]"                                             \
	" || array(select request from lock.held where device_id = " ROWS ")"                      \
	" || array(select request from lock.waiting where $4 and device_id = " ROWS "))"           \
	" order by id"

static const struct db_sql lock_devices = {"lock_devices", DEVICES " for update"};
static const struct db_sql lock_rows = {"lock_rows",
	"select count(*) from (select 1 from lock.device where device_id = " ROWS
	" order by device_id for update) d"};
/* A device that was never locked has no row and gets none: as if new. */
static const struct db_sql look_at_devices = {"look_at_devices",
	"select u.id, coalesce(d.last_token, 0), coalesce(d.profile, 'generic'),"
	" coalesce(d.profile_revision, 1) from unnest($1::uuid[]) u(id)"
	" left join lock.device d on d.device_id = u.id where $2::uuid[] is not null order by 1"};
static const struct db_sql lock_requests = {"lock_requests", REQUESTS " for update"};
static const struct db_sql look_at_requests = {"look_at_requests", REQUESTS};
/* Everything else a decision needs, in one statement, once the device rows are ours. class: 0 the
 * only time that counts, and the timeline; 1 held, 2 waiting, 3 shadow, 4 standing. since:
 * quarantined or prepared. */
static const struct db_sql read_rest = {"read_rest",
	"with d as materialized (select $1::uuid[] || array(select unnest(r.devices)"
	" from lock.request r where r.id = any($2::uuid[])) as ids)"
	" select 0 as class, null::uuid as device, null::uuid as request, null as op,"
	" null::smallint as direction, null::boolean as strict, lock.timeline() as number,"
	" clock_timestamp() as until, null::smallint as kind, null::smallint as state,"
	" null::int as lease_ms, null::smallint as probe, null::int as quarantine_ms,"
	" null::int as quarantine_max_ms, null::timestamptz as since,"
	" null::timestamptz as quarantine_until, null::boolean as clear,"
	" null::smallint as failed_probes, null as destination"
	" union all select 1, device_id, request, op, direction, strict, token, expires_at, kind,"
	" state, lease_ms, probe, quarantine_ms, quarantine_max_ms, quarantined_at,"
	" quarantine_until, clear, failed_probes, null"
	" from lock.held where device_id = any((select ids from d)::uuid[])"
	" union all select 2, device_id, request, op, direction, strict, ticket, wait_until, null,"
	" null, null, null, null, null, null, null, null, null, null"
	" from lock.waiting where device_id = any((select ids from d)::uuid[])"
	" union all select 3, device_id, null, op, null, null, null, until, null, null, null, null,"
	" null, null, null, null, null, null, null"
	" from lock.shadow where device_id = any((select ids from d)::uuid[])"
	" union all select 4, device_id, null, 'sync', null, null, null, null, role, state, null,"
	" null, null, null, prepared_at, null, null, null, destination"
	" from lock.standing where device_id = any((select ids from d)::uuid[])"};
/* Numbers for new waiters, drawn while the device rows are ours. */
static const struct db_sql draw_tickets = {
	"draw_tickets", "select nextval('lock.ticket') from generate_series(1, $1::int)"};
enum { CLASS_CLOCK, CLASS_HELD, CLASS_WAITING, CLASS_SHADOW, CLASS_STANDING };
enum {
	COL_CLASS,
	COL_DEVICE,
	COL_REQUEST,
	COL_OP,
	COL_DIRECTION,
	COL_STRICT,
	COL_NUMBER,
	COL_UNTIL,
	COL_KIND,
	COL_STATE,
	COL_LEASE,
	COL_PROBE,
	COL_QUARANTINE,
	COL_QUARANTINE_MAX,
	COL_SINCE,
	COL_QUARANTINE_UNTIL,
	COL_CLEAR,
	COL_FAILED_PROBES,
	COL_DESTINATION,
};

void sql_uuids(struct db_args *a, const struct uuid *ids, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_uuid(a, &ids[i]);
	db_array_end(a);
}

static struct db_args *add_read(struct txn *t, const struct db_sql *sql, const struct sql_keys *k)
{
	struct db_args *a = db_add(t, sql);

	sql_uuids(a, k->devices, k->devices_n);
	sql_uuids(a, k->requests, k->requests_n);
	return a;
}

void sql_lock_rows(struct txn *t, const struct sql_keys *k)
{
	add_read(t, &lock_rows, k);
}

void sql_read(struct txn *t, const struct sql_keys *k, bool lock)
{
	add_read(t, lock ? &lock_devices : &look_at_devices, k);
	struct db_args *a = add_read(t, lock ? &lock_requests : &look_at_requests, k);

	sql_uuids(a, k->replays, k->replays_n);
	db_bool(a, k->waiters);
	add_read(t, &read_rest, k);
	if (k->tickets > 0)
		db_int(db_add(t, &draw_tickets), (int64_t)k->tickets);
}

static void load_devices(struct ledger *l, const struct db_result *r)
{
	l->devices = arena_array(l->arena, (size_t)db_rows(r) + 1, sizeof(*l->devices));
	bug_if(!l->devices);
	for (int i = 0; i < db_rows(r); i++)
		ledger_add_device(l, &(struct ledger_device){.id = db_get_uuid(r, i, 0),
					     .last_token = (uint64_t)db_get_int(r, i, 1),
					     .profile = profile_revision(db_get_text(r, i, 2),
						     (uint32_t)db_get_int(r, i, 3))});
}

/* "{a,b}" of our own writing */
const struct uuid *sql_parse_uuids(struct arena *arena, const char *text, size_t *ret_n)
{
	const char *end = text + strlen(text);
	size_t n = 0, most = (size_t)(end - text) / (UUID_TEXT - 1) + 1;
	struct uuid *ids = arena_array(arena, most, sizeof(*ids));
	char one[UUID_TEXT] = "";

	bug_if(!ids);
	for (const char *at = text; end - at >= UUID_TEXT; at += UUID_TEXT) {
		memcpy(one, at + 1, UUID_TEXT - 1);
		if (uuid_parse(one, &ids[n]) == 0)
			n++;
	}
	*ret_n = n;
	return ids;
}

uint64_t *sql_parse_numbers(struct arena *arena, const char *text, size_t *ret_n)
{
	uint64_t *numbers = arena_array(arena, strlen(text) / 2 + 1, sizeof(*numbers));
	char *at;

	bug_if(!numbers);
	for (*ret_n = 0; *text != '\0' && *text != '}' && text[1] != '}'; text = at)
		numbers[(*ret_n)++] = strtoull(text + 1, &at, 10);
	return numbers;
}

static const struct m_lock_answer *decode_answer(struct ledger *l, struct span bytes)
{
	const struct msg_desc *desc;
	struct msg_header header;
	struct fault f = FAULT_INIT;
	void *body;
	uint8_t *copy = bytes.n ? arena_dup(l->arena, bytes.p, bytes.n) : NULL;

	if (!copy ||
		msg_decode((struct span){copy, bytes.n}, l->arena, &desc, &header, &body, &f) ||
		desc != &m_lock_answer_desc)
		return NULL;
	return body;
}

static void load_request(struct ledger *l, struct db_result *r, int i)
{
	struct span digest = db_get_bytes(r, i, 1);
	struct ledger_request row = {.id = db_get_uuid(r, i, 0),
		.session = db_get_uuid(r, i, 2),
		.kind = (enum lock_kind)db_get_int(r, i, 3),
		.use = {.op = op_find(db_get_text(r, i, 4)),
			.direction = (enum lock_direction)db_get_int(r, i, 5)},
		.state = (enum lock_state)db_get_int(r, i, 6),
		.holding = (uint32_t)db_get_int(r, i, 8),
		.first_token = (uint64_t)db_get_int(r, i, 9),
		.ticket = (uint64_t)db_get_int(r, i, 10),
		.wait_until_ms = db_get_time_ms(r, i, 11),
		.asked_ms = db_get_time_ms(r, i, 12),
		.job = db_get_uuid(r, i, 13),
		.attempt = (uint64_t)db_get_int(r, i, 14)};

	row.holder = arena_strdup(l->arena, db_get_text(r, i, 16));
	row.workflow = db_get_uuid(r, i, 17);
	row.digest = (struct span){arena_dup(l->arena, digest.p, digest.n), digest.n};
	row.devices = sql_parse_uuids(l->arena, db_get_text(r, i, 7), &row.devices_n);
	row.answer = decode_answer(l, db_get_bytes(r, i, 15));
	ledger_add_request(l, &row);
}

static struct lock_use load_use(const struct db_result *r, int i)
{
	return (struct lock_use){.op = op_find(db_get_text(r, i, COL_OP)),
		.direction = (enum lock_direction)db_get_int(r, i, COL_DIRECTION),
		.strict = db_get_bool(r, i, COL_STRICT)};
}

static void load_held(struct ledger *l, struct ledger_device *d, const struct db_result *r, int i)
{
	struct lock_held held = {.request = db_get_uuid(r, i, COL_REQUEST),
		.kind = (enum lock_kind)db_get_int(r, i, COL_KIND),
		.use = load_use(r, i),
		.state = (enum lock_state)db_get_int(r, i, COL_STATE),
		.until_ms = db_get_time_ms(r, i, COL_UNTIL)};
	struct ledger_life life = {.request = ledger_request(l, &held.request),
		.token = (uint64_t)db_get_int(r, i, COL_NUMBER),
		.lease_ms = (uint32_t)db_get_int(r, i, COL_LEASE),
		.probe = (enum lock_probe)db_get_int(r, i, COL_PROBE),
		.quarantine_ms = (uint32_t)db_get_int(r, i, COL_QUARANTINE),
		.quarantine_max_ms = (uint32_t)db_get_int(r, i, COL_QUARANTINE_MAX),
		.quarantined_ms = db_get_time_ms(r, i, COL_SINCE),
		.quarantine_until_ms = db_get_time_ms(r, i, COL_QUARANTINE_UNTIL),
		.clear = db_get_bool(r, i, COL_CLEAR),
		.failed_probes = (uint32_t)db_get_int(r, i, COL_FAILED_PROBES)};

	ledger_add_held(l, d, &held, &life);
}

static void load_waiter(struct ledger *l, struct ledger_device *d, const struct db_result *r, int i)
{
	struct lock_waiter w = {.request = db_get_uuid(r, i, COL_REQUEST),
		.use = load_use(r, i),
		.ticket = (uint64_t)db_get_int(r, i, COL_NUMBER),
		.until_ms = db_get_time_ms(r, i, COL_UNTIL)};

	ledger_add_waiter(l, d, &w);
}

static void load_shadow(struct ledger *l, struct ledger_device *d, const struct db_result *r, int i)
{
	const struct ledger_life none = {.request = NULL};
	struct lock_held fact = {.kind = LOCK_KIND_SHADOW,
		.use = {.op = op_find(db_get_text(r, i, COL_OP)), .direction = LOCK_DIRECTION_NONE},
		.state = LOCK_STATE_LIVE,
		.until_ms = db_get_time_ms(r, i, COL_UNTIL)};

	ledger_add_held(l, d, &fact, &none);
}

static void load_standing(
	struct ledger *l, struct ledger_device *d, const struct db_result *r, int i)
{
	const struct ledger_life none = {.request = NULL};
	struct lock_held fact = {.kind = LOCK_KIND_STANDING,
		.use = {.op = OP_SYNC, .direction = LOCK_DIRECTION_NONE},
		.state = LOCK_STATE_LIVE,
		.role = (enum sync_role)db_get_int(r, i, COL_KIND),
		.sync_state = (enum sync_state)db_get_int(r, i, COL_STATE),
		.destination = arena_strdup(l->arena, db_get_text(r, i, COL_DESTINATION)),
		.prepared_ms = db_get_time_ms(r, i, COL_SINCE)};

	ledger_add_held(l, d, &fact, &none);
}

typedef void (*load_fn)(
	struct ledger *l, struct ledger_device *d, const struct db_result *r, int i);
static const load_fn loads[] = {
	[CLASS_HELD] = load_held,
	[CLASS_WAITING] = load_waiter,
	[CLASS_SHADOW] = load_shadow,
	[CLASS_STANDING] = load_standing,
};

static void load_rest(struct ledger *l, const struct db_result *r)
{
	for (int i = 0; i < db_rows(r); i++) {
		int64_t class = db_get_int(r, i, COL_CLASS);
		struct uuid id = db_get_uuid(r, i, COL_DEVICE);
		struct ledger_device *d = ledger_device(l, &id);

		if (class == CLASS_CLOCK) {
			l->now_ms = db_get_time_ms(r, i, COL_UNTIL);
			l->timeline = (uint64_t)db_get_int(r, i, COL_NUMBER);
		} else if (d) {
			loads[class](l, d, r, i);
		}
	}
}

static void load_tickets(struct ledger *l, const struct db_result *r)
{
	uint64_t *tickets = arena_array(l->arena, (size_t)db_rows(r), sizeof(*tickets));

	bug_if(!tickets);
	for (int i = 0; i < db_rows(r); i++)
		tickets[i] = (uint64_t)db_get_int(r, i, 0);
	l->tickets = tickets;
	l->tickets_n = (size_t)db_rows(r);
}

void sql_load(struct ledger *l, struct db_result **results, size_t n)
{
	load_devices(l, results[0]);
	for (int i = 0; i < db_rows(results[1]); i++)
		load_request(l, results[1], i);
	load_rest(l, results[2]);
	if (n > 3)
		load_tickets(l, results[3]);
}
