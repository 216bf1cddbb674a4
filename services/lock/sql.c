// SPDX-License-Identifier: Apache-2.0
/* All SQL of the lock service. Rows come and go in arrays: one statement serves a whole batch. */
#include "services/lock/sql.h"

#include <string.h>

#include "services/lock/profile.h"

/* ---- reading ---- */

/* Arrays, worked out once: whatever the planner believes of the tables, their keys are used. */
#define ROWS                                                                                       \
	"any(array(select unnest($1::uuid[]) union select unnest(r.devices) from lock.request r"   \
	" where r.id = any($2::uuid[])))"
#define DEVICES                                                                                    \
	"select device_id, last_token, profile, profile_revision from lock.device"                 \
	" where device_id = " ROWS " order by device_id"
#define REQUESTS                                                                                   \
	"select id, digest, session, kind, op, direction, state, devices, holding, first_token,"   \
	" ticket, wait_until, asked_at, job, attempt,"                                             \
	" case when id = any($3::uuid[]) then answer end, holder, workflow"                        \
	" from lock.request where id = any(array(select unnest($2::uuid[])"                        \
	" union select request from lock.held where device_id = " ROWS                             \
	" union select request from lock.waiting where $4 and device_id = " ROWS "))"              \
	" order by id"

static const struct db_sql lock_devices = {"lock_devices", DEVICES " for update"};
/* A device that was never locked has no row and gets none: as if new. */
static const struct db_sql look_at_devices = {"look_at_devices",
	"select u.id, coalesce(d.last_token, 0), coalesce(d.profile, 'generic'),"
	" coalesce(d.profile_revision, 1) from unnest($1::uuid[]) u(id)"
	" left join lock.device d on d.device_id = u.id where $2::uuid[] is not null order by 1"};
static const struct db_sql lock_requests = {"lock_requests", REQUESTS " for update"};
static const struct db_sql look_at_requests = {"look_at_requests", REQUESTS};
static const struct db_sql read_held = {"read_held",
	"select device_id, request, kind, op, direction, strict, state, token, lease_ms,"
	" expires_at, probe, quarantine_ms, quarantine_max_ms, quarantined_at, quarantine_until,"
	" clear, failed_probes"
	" from lock.held where device_id = " ROWS " order by device_id, token"};
static const struct db_sql read_waiting = {"read_waiting",
	"select device_id, request, op, direction, strict, ticket, wait_until"
	" from lock.waiting where device_id = " ROWS " order by device_id, ticket"};
static const struct db_sql read_facts = {"read_facts",
	"select device_id, op, until, null::smallint, null::smallint, null, null::timestamptz"
	" from lock.shadow where device_id = " ROWS
	" union all select device_id, 'sync', null, role, state, destination, prepared_at"
	" from lock.standing where device_id = " ROWS};
/* After the device rows are ours: the only time that counts, and numbers for new waiters. */
static const struct db_sql read_clock = {"read_clock",
	"select clock_timestamp(), lock.timeline(), nextval('lock.ticket')"
	" from generate_series(1, $1::int)"
	" union all select clock_timestamp(), lock.timeline(), null where $1 = 0"};

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

void sql_read(struct txn *t, const struct sql_keys *k, bool lock)
{
	add_read(t, lock ? &lock_devices : &look_at_devices, k);
	struct db_args *a = add_read(t, lock ? &lock_requests : &look_at_requests, k);

	sql_uuids(a, k->replays, k->replays_n);
	db_bool(a, k->waiters);
	add_read(t, &read_held, k);
	add_read(t, &read_waiting, k);
	add_read(t, &read_facts, k);
	db_int(db_add(t, &read_clock), (int64_t)k->tickets);
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
static const struct uuid *parse_uuids(struct arena *arena, const char *text, size_t *ret_n)
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
	row.devices = parse_uuids(l->arena, db_get_text(r, i, 7), &row.devices_n);
	row.answer = decode_answer(l, db_get_bytes(r, i, 15));
	ledger_add_request(l, &row);
}

static void load_held(struct ledger *l, const struct db_result *r, int i)
{
	struct uuid device = db_get_uuid(r, i, 0);
	struct ledger_device *d = ledger_device(l, &device);
	struct lock_held held = {.request = db_get_uuid(r, i, 1),
		.kind = (enum lock_kind)db_get_int(r, i, 2),
		.use = {.op = op_find(db_get_text(r, i, 3)),
			.direction = (enum lock_direction)db_get_int(r, i, 4),
			.strict = db_get_bool(r, i, 5)},
		.state = (enum lock_state)db_get_int(r, i, 6),
		.until_ms = db_get_time_ms(r, i, 9)};
	struct ledger_life life = {.request = ledger_request(l, &held.request),
		.token = (uint64_t)db_get_int(r, i, 7),
		.lease_ms = (uint32_t)db_get_int(r, i, 8),
		.probe = (enum lock_probe)db_get_int(r, i, 10),
		.quarantine_ms = (uint32_t)db_get_int(r, i, 11),
		.quarantine_max_ms = (uint32_t)db_get_int(r, i, 12),
		.quarantined_ms = db_get_time_ms(r, i, 13),
		.quarantine_until_ms = db_get_time_ms(r, i, 14),
		.clear = db_get_bool(r, i, 15),
		.failed_probes = (uint32_t)db_get_int(r, i, 16)};

	if (d)
		ledger_add_held(l, d, &held, &life);
}

static void load_waiter(struct ledger *l, const struct db_result *r, int i)
{
	struct uuid device = db_get_uuid(r, i, 0);
	struct ledger_device *d = ledger_device(l, &device);
	struct lock_waiter w = {.request = db_get_uuid(r, i, 1),
		.use = {.op = op_find(db_get_text(r, i, 2)),
			.direction = (enum lock_direction)db_get_int(r, i, 3),
			.strict = db_get_bool(r, i, 4)},
		.ticket = (uint64_t)db_get_int(r, i, 5),
		.until_ms = db_get_time_ms(r, i, 6)};

	if (d)
		ledger_add_waiter(l, d, &w);
}

static void load_fact(struct ledger *l, const struct db_result *r, int i)
{
	struct uuid device = db_get_uuid(r, i, 0);
	struct ledger_device *d = ledger_device(l, &device);
	bool shadow = db_is_null(r, i, 3);
	struct lock_held fact = {.kind = shadow ? LOCK_KIND_SHADOW : LOCK_KIND_STANDING,
		.use = {.op = op_find(db_get_text(r, i, 1)), .direction = LOCK_DIRECTION_NONE},
		.state = LOCK_STATE_LIVE,
		.until_ms = db_get_time_ms(r, i, 2),
		.role = (enum sync_role)db_get_int(r, i, 3),
		.sync_state = (enum sync_state)db_get_int(r, i, 4),
		.destination = arena_strdup(l->arena, db_get_text(r, i, 5)),
		.prepared_ms = db_get_time_ms(r, i, 6)};
	struct ledger_life none = {.request = NULL};

	if (d)
		ledger_add_held(l, d, &fact, &none);
}

static void load_clock(struct ledger *l, const struct db_result *r)
{
	uint64_t *tickets = arena_array(l->arena, (size_t)db_rows(r), sizeof(*tickets));

	bug_if(!tickets);
	l->now_ms = db_get_time_ms(r, 0, 0);
	l->timeline = (uint64_t)db_get_int(r, 0, 1);
	for (int i = 0; i < db_rows(r) && !db_is_null(r, i, 2); i++)
		tickets[l->tickets_n++] = (uint64_t)db_get_int(r, i, 2);
	l->tickets = tickets;
}

void sql_load(struct ledger *l, struct db_result **results)
{
	load_devices(l, results[0]);
	for (int i = 0; i < db_rows(results[1]); i++)
		load_request(l, results[1], i);
	for (int i = 0; i < db_rows(results[2]); i++)
		load_held(l, results[2], i);
	for (int i = 0; i < db_rows(results[3]); i++)
		load_waiter(l, results[3], i);
	for (int i = 0; i < db_rows(results[4]); i++)
		load_fact(l, results[4], i);
	load_clock(l, results[5]);
}
