// SPDX-License-Identifier: Apache-2.0
/* What a ledger changed, written in arrays: one statement a table. */
#include <stdio.h>
#include <string.h>

#include "services/lock/sql.h"

static const struct db_sql write_devices = {"write_devices",
	"update lock.device d set last_token = u.token, profile = u.profile, profile_revision = "
	"u.rev"
	" from unnest($1::uuid[], $2::bigint[], $3::text[], $4::int[]) u(id, token, profile, rev)"
	" where d.device_id = u.id and d.device_id = any($1)"};
static const struct db_sql add_requests = {"add_requests",
	"insert into lock.request (id, digest, session, kind, op, direction, state, devices, "
	"holding,"
	" first_token, ticket, wait_until, asked_at, ended_at, job, attempt, answer, holder, "
	"workflow)"
	" select u.id, u.digest, u.session, u.kind, u.op, u.direction, u.state, u.devices::uuid[],"
	" u.holding, u.first_token, u.ticket, u.wait_until, u.asked, u.ended, u.job, u.attempt,"
	" u.answer, u.holder, u.workflow from unnest($1::uuid[], $2::bytea[], $3::uuid[], "
	"$4::smallint[], $5::text[],"
	" $6::smallint[], $7::smallint[], $8::text[], $9::int[], $10::bigint[], $11::bigint[],"
	" $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::uuid[], $16::int[],"
	" $17::bytea[], $18::text[], $19::uuid[]) u(id, digest, session, kind, op, direction, "
	"state, devices, holding,"
	" first_token, ticket, wait_until, asked, ended, job, attempt, answer, holder, workflow)"};
static const struct db_sql change_requests = {"change_requests",
	"update lock.request r set state = u.state, holding = u.holding, first_token = "
	"u.first_token,"
	" asked_at = u.asked, ended_at = u.ended, answer = coalesce(u.answer, r.answer)"
	" from unnest($1::uuid[], $2::smallint[], $3::int[], $4::bigint[], $5::timestamptz[],"
	" $6::timestamptz[], $7::bytea[]) u(id, state, holding, first_token, asked, ended, answer)"
	" where r.id = u.id and r.id = any($1)"};
/* One element per group of devices that were granted alike. */
static const struct db_sql add_held = {"add_held",
	"insert into lock.held (device_id, request, token, session, job, kind, op, direction, "
	"items,"
	" strict, state, granted_at, lease_ms, expires_at, profile, profile_revision, probe,"
	" quarantine_ms, quarantine_max_ms, max_hold_ms, quarantined_at, quarantine_until)"
	" select d.id, u.request, d.token, u.session, u.job, u.kind, u.op, u.direction,"
	" case u.items when '' then '{}' else string_to_array(u.items, ',') end, u.strict, u.state,"
	" $1::timestamptz, u.lease, u.expires, u.profile, u.rev, u.probe, u.q, u.q_max,"
	" u.max_hold, u.quarantined, u.q_until from unnest($2::text[], $3::uuid[], $4::text[],"
	" $5::uuid[], $6::uuid[], $7::smallint[], $8::text[], $9::smallint[], $10::text[],"
	" $11::boolean[], $12::smallint[], $13::int[], $14::timestamptz[], $15::text[], $16::int[],"
	" $17::smallint[], $18::int[], $19::int[], $20::int[], $21::timestamptz[],"
	" $22::timestamptz[]) u(devices, request, tokens, session, job, kind, op, direction, items,"
	" strict, state, lease, expires, profile, rev, probe, q, q_max, max_hold, quarantined,"
	" q_until), unnest(u.devices::uuid[], u.tokens::bigint[]) d(id, token)"};
static const struct db_sql change_held = {"change_held",
	"update lock.held h set state = u.state, quarantined_at = u.since, quarantine_until = "
	"u.until,"
	" clear = u.clear, failed_probes = u.failed"
	" from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::timestamptz[], $5::timestamptz[],"
	" $6::boolean[], $7::smallint[]) u(device, request, state, since, until, clear, failed)"
	" where h.device_id = u.device and h.request = u.request and h.device_id = any($1)"};
static const struct db_sql remove_held = {"remove_held",
	"delete from lock.held h using unnest($1::uuid[], $2::uuid[]) u(device, request)"
	" where h.device_id = u.device and h.request = u.request and h.device_id = any($1)"};
static const struct db_sql add_waiting = {"add_waiting",
	"insert into lock.waiting (device_id, ticket, request, kind, op, direction, strict,"
	" wait_until, since) select d.id, u.ticket, u.request, u.kind, u.op, u.direction, u.strict,"
	" u.until, $1::timestamptz from unnest($2::bigint[], $3::uuid[], $4::smallint[], "
	"$5::text[],"
	" $6::smallint[], $7::boolean[], $8::timestamptz[], $9::text[])"
	" u(ticket, request, kind, op, direction, strict, until, devices),"
	" unnest(u.devices::uuid[]) d(id)"};
static const struct db_sql remove_waiting = {"remove_waiting",
	"delete from lock.waiting w using unnest($1::uuid[], $2::bigint[]) u(device, ticket)"
	" where w.device_id = u.device and w.ticket = u.ticket and w.device_id = any($1)"};
static const struct db_sql clear_shadows = {
	"clear_shadows", "delete from lock.shadow where device_id = any($1::uuid[])"};
static const struct db_sql add_shadows = {"add_shadows",
	"insert into lock.shadow (device_id, op, seen_at, until)"
	" select distinct on (u.device, u.op) u.device, u.op, $1::timestamptz, u.until"
	" from unnest($2::uuid[], $3::text[], $4::timestamptz[]) u(device, op, until)"};
static const struct db_sql clear_standing = {
	"clear_standing", "delete from lock.standing where device_id = any($1::uuid[])"};
static const struct db_sql add_standing = {"add_standing",
	"insert into lock.standing (device_id, role, state, destination, prepared_at, since)"
	" select u.device, u.role, u.state, u.destination, u.prepared, $1::timestamptz"
	" from unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::text[], $6::timestamptz[])"
	" u(device, role, state, destination, prepared)"};
static const struct db_sql add_history = {"add_history",
	"insert into lock.history (at, request, event, op, devices, tokens, detail)"
	" select $1::timestamptz, u.request, u.event, u.op, u.devices::uuid[], u.tokens::bigint[],"
	" u.detail from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],"
	" $7::text[]) u(request, event, op, devices, tokens, detail)"};

/* ---- columns: one array each, over the rows that a test chooses ---- */

#define COLUMN(a, each, condition, add)                                                            \
	do {                                                                                       \
		db_array(a);                                                                       \
		each                                                                               \
		{                                                                                  \
			if (condition)                                                             \
				add;                                                               \
		}                                                                                  \
		db_array_end(a);                                                                   \
	} while (0)

/* ---- devices ---- */

static void put_devices(struct txn *t, const struct ledger *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->devices_n; i++)
		n += l->devices[i].changed;
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &write_devices);
#define EACH for (const struct ledger_device *d = l->devices; d < l->devices + l->devices_n; d++)
	COLUMN(a, EACH, d->changed, db_uuid(a, &d->id));
	COLUMN(a, EACH, d->changed, db_int(a, (int64_t)d->last_token));
	COLUMN(a, EACH, d->changed, db_text(a, d->profile->name));
	COLUMN(a, EACH, d->changed, db_int(a, d->profile->revision));
#undef EACH
}

/* ---- requests ---- */

static const char *uuids_text(struct arena *arena, const struct uuid *ids, size_t n)
{
	char *text = arena_alloc(arena, n * UUID_TEXT + 3);
	char *at = text;

	bug_if(!text);
	*at++ = '{';
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			*at++ = ',';
		(void)uuid_format(&ids[i], at);
		at += UUID_TEXT - 1;
	}
	*at++ = '}';
	*at = '\0';
	return text;
}

static const char *numbers_text(struct arena *arena, const uint64_t *numbers, size_t n)
{
	size_t size = n * 21 + 3, at = 1;
	char *text = arena_alloc(arena, size);

	bug_if(!text);
	text[0] = '{';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%llu", i > 0 ? "," : "",
			(unsigned long long)numbers[i]);
	(void)snprintf(text + at, size - at, "}");
	return text;
}

static struct span encoded(struct arena *arena, const struct m_lock_answer *answer)
{
	struct buf b = BUF_INIT;
	struct msg_header header = {.protocol = MSG_PROTOCOL};
	struct span copy = {NULL, 0};

	if (answer == NULL)
		return copy;
	msg_encode(&b, &m_lock_answer_desc, &header, answer);
	bug_if(b.err);
	copy = (struct span){arena_dup(arena, b.p, b.n), b.n};
	buf_fini(&b);
	return copy;
}

#define EACH for (size_t i = 0; i < l->request_n; i++)
#define R l->request_list[i]

static size_t count_requests(const struct ledger *l, enum ledger_change change)
{
	size_t n = 0;

	EACH n += R->change == change;
	return n;
}

static void put_new_requests(struct txn *t, const struct ledger *l)
{
	const enum ledger_change want = LEDGER_NEW;

	if (count_requests(l, want) == 0)
		return;
	struct db_args *a = db_add(t, &add_requests);
	COLUMN(a, EACH, R->change == want, db_uuid(a, &R->id));
	COLUMN(a, EACH, R->change == want, db_bytes(a, R->digest));
	COLUMN(a, EACH, R->change == want, db_uuid(a, &R->session));
	COLUMN(a, EACH, R->change == want, db_int(a, R->kind));
	COLUMN(a, EACH, R->change == want, db_text(a, op_id(R->use.op)));
	COLUMN(a, EACH, R->change == want, db_int(a, R->use.direction));
	COLUMN(a, EACH, R->change == want, db_int(a, R->state));
	COLUMN(a, EACH, R->change == want,
		db_text(a, uuids_text(l->arena, R->devices, R->devices_n)));
	COLUMN(a, EACH, R->change == want, db_int(a, R->holding));
	COLUMN(a, EACH, R->change == want, db_int(a, (int64_t)R->first_token));
	COLUMN(a, EACH, R->change == want, db_int(a, (int64_t)R->ticket));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->wait_until_ms));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->asked_ms));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->ended ? l->now_ms : 0));
	COLUMN(a, EACH, R->change == want, db_uuid(a, &R->job));
	COLUMN(a, EACH, R->change == want, db_int(a, (int64_t)R->attempt));
	COLUMN(a, EACH, R->change == want, db_bytes(a, encoded(l->arena, R->answer)));
	COLUMN(a, EACH, R->change == want, db_text(a, R->holder));
	COLUMN(a, EACH, R->change == want, db_uuid(a, &R->workflow));
}

static void put_changed_requests(struct txn *t, const struct ledger *l)
{
	const enum ledger_change want = LEDGER_CHANGED;

	if (count_requests(l, want) == 0)
		return;
	struct db_args *a = db_add(t, &change_requests);
	COLUMN(a, EACH, R->change == want, db_uuid(a, &R->id));
	COLUMN(a, EACH, R->change == want, db_int(a, R->state));
	COLUMN(a, EACH, R->change == want, db_int(a, R->holding));
	COLUMN(a, EACH, R->change == want, db_int(a, (int64_t)R->first_token));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->asked_ms));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->ended ? l->now_ms : 0));
	COLUMN(a, EACH, R->change == want, db_bytes(a, encoded(l->arena, R->answer)));
}

/* New in a queue: requests that began to wait in this transaction. */
static bool began_to_wait(const struct ledger_request *r)
{
	return r->change == LEDGER_NEW && r->state == LOCK_STATE_WAITING;
}

static void put_waiting(struct txn *t, const struct ledger *l)
{
	size_t n = 0;

	EACH n += began_to_wait(R);
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &add_waiting);
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, began_to_wait(R), db_int(a, (int64_t)R->ticket));
	COLUMN(a, EACH, began_to_wait(R), db_uuid(a, &R->id));
	COLUMN(a, EACH, began_to_wait(R), db_int(a, R->kind));
	COLUMN(a, EACH, began_to_wait(R), db_text(a, op_id(R->use.op)));
	COLUMN(a, EACH, began_to_wait(R), db_int(a, R->use.direction));
	COLUMN(a, EACH, began_to_wait(R), db_bool(a, R->use.strict));
	COLUMN(a, EACH, began_to_wait(R), db_time_ms(a, R->wait_until_ms));
	COLUMN(a, EACH, began_to_wait(R),
		db_text(a, uuids_text(l->arena, R->devices, R->devices_n)));
}
#undef EACH
#undef R

/* ---- what stands on the devices ---- */

#define EACH                                                                                       \
	for (size_t i = 0; i < l->devices_n; i++)                                                  \
		for (size_t k = 0; k < l->devices[i].held_n; k++)
#define D (&l->devices[i])
#define H (&l->devices[i].held[k])
#define F (&l->devices[i].life[k])

static size_t count_held(const struct ledger *l, enum ledger_change change)
{
	size_t n = 0;

	EACH n += F->request != NULL && F->change == change;
	return n;
}

static void put_changed_held(struct txn *t, const struct ledger *l)
{
	if (count_held(l, LEDGER_CHANGED) == 0)
		return;
	struct db_args *a = db_add(t, &change_held);
#define WANTED (F->request != NULL && F->change == LEDGER_CHANGED)
	COLUMN(a, EACH, WANTED, db_uuid(a, &D->id));
	COLUMN(a, EACH, WANTED, db_uuid(a, &H->request));
	COLUMN(a, EACH, WANTED, db_int(a, H->state));
	COLUMN(a, EACH, WANTED, db_time_ms(a, F->quarantined_ms));
	COLUMN(a, EACH, WANTED, db_time_ms(a, F->quarantine_until_ms));
	COLUMN(a, EACH, WANTED, db_bool(a, F->clear));
	COLUMN(a, EACH, WANTED, db_int(a, F->failed_probes));
#undef WANTED
}

static void clear_devices(
	struct txn *t, const struct ledger *l, const struct db_sql *sql, size_t flag)
{
	struct db_args *a = NULL;

	for (size_t i = 0; i < l->devices_n; i++) {
		const bool *changed = (const bool *)((const char *)D + flag);
		if (!*changed)
			continue;
		if (a == NULL) {
			a = db_add(t, sql);
			db_array(a);
		}
		db_uuid(a, &D->id);
	}
	if (a != NULL)
		db_array_end(a);
}

static void put_shadows(struct txn *t, const struct ledger *l)
{
	size_t n = 0;

#define WANTED (H->kind == LOCK_KIND_SHADOW && D->shadows_changed)
	clear_devices(t, l, &clear_shadows, offsetof(struct ledger_device, shadows_changed));
	EACH n += WANTED;
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &add_shadows);
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, WANTED, db_uuid(a, &D->id));
	COLUMN(a, EACH, WANTED, db_text(a, op_id(H->use.op)));
	COLUMN(a, EACH, WANTED, db_time_ms(a, H->until_ms));
#undef WANTED
}

static void put_standing(struct txn *t, const struct ledger *l)
{
	size_t n = 0;

#define WANTED (H->kind == LOCK_KIND_STANDING && D->standing_changed)
	clear_devices(t, l, &clear_standing, offsetof(struct ledger_device, standing_changed));
	EACH n += WANTED;
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &add_standing);
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, WANTED, db_uuid(a, &D->id));
	COLUMN(a, EACH, WANTED, db_int(a, H->role));
	COLUMN(a, EACH, WANTED, db_int(a, H->sync_state));
	COLUMN(a, EACH, WANTED, db_text(a, H->destination));
	COLUMN(a, EACH, WANTED, db_time_ms(a, H->prepared_ms));
#undef WANTED
}
#undef EACH
#undef D
#undef H
#undef F

/* ---- new locks, written once for all devices that were granted alike ---- */

struct group {
	const struct lock_held *held; /* of the first device */
	const struct ledger_life *life;
	struct uuid *devices;
	uint64_t *tokens;
	size_t n;
};

static bool is_alike(const struct group *g, const struct lock_held *h, const struct ledger_life *f)
{
	return f->profile == g->life->profile && strcmp(f->items, g->life->items) == 0 &&
	       h->state == g->held->state && f->quarantine_until_ms == g->life->quarantine_until_ms;
}

static size_t find_new(const struct ledger_device *d, const struct ledger_request *r)
{
	size_t i = 0;

	while (i < d->held_n && (d->life[i].request != r || d->life[i].change != LEDGER_NEW))
		i++;
	return i;
}

/* The new locks of a request, in runs that are alike. */
static void add_groups(
	const struct ledger *l, const struct ledger_request *r, struct group *groups, size_t *n)
{
	struct group *g = NULL;

	for (size_t i = 0; i < r->devices_n; i++) {
		const struct ledger_device *d = ledger_device(l, &r->devices[i]);
		size_t at = d ? find_new(d, r) : 0;

		if (!d || at == d->held_n)
			continue;
		if (!g || !is_alike(g, &d->held[at], &d->life[at])) {
			g = &groups[(*n)++];
			*g = (struct group){.held = &d->held[at], .life = &d->life[at]};
			g->devices = arena_array(l->arena, r->devices_n - i, sizeof(*g->devices));
			g->tokens = arena_array(l->arena, r->devices_n - i, sizeof(*g->tokens));
			bug_if(!g->devices || !g->tokens);
		}
		g->devices[g->n] = d->id;
		g->tokens[g->n++] = d->life[at].token;
	}
}

static void put_new_held(struct txn *t, const struct ledger *l)
{
	size_t most = 0, n = 0;

	for (size_t i = 0; i < l->request_n; i++)
		most += l->request_list[i]->holding;
	struct group *groups = arena_array(l->arena, most + 1, sizeof(*groups));

	bug_if(!groups);
	for (size_t i = 0; i < l->request_n; i++)
		add_groups(l, l->request_list[i], groups, &n);
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &add_held);
#define EACH for (const struct group *g = groups; g < groups + n; g++)
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, true, db_text(a, uuids_text(l->arena, g->devices, g->n)));
	COLUMN(a, EACH, true, db_uuid(a, &g->held->request));
	COLUMN(a, EACH, true, db_text(a, numbers_text(l->arena, g->tokens, g->n)));
	COLUMN(a, EACH, true, db_uuid(a, &g->life->request->session));
	COLUMN(a, EACH, true, db_uuid(a, &g->life->request->job));
	COLUMN(a, EACH, true, db_int(a, g->held->kind));
	COLUMN(a, EACH, true, db_text(a, op_id(g->held->use.op)));
	COLUMN(a, EACH, true, db_int(a, g->held->use.direction));
	COLUMN(a, EACH, true, db_text(a, g->life->items));
	COLUMN(a, EACH, true, db_bool(a, g->held->use.strict));
	COLUMN(a, EACH, true, db_int(a, g->held->state));
	COLUMN(a, EACH, true, db_int(a, g->life->lease_ms));
	COLUMN(a, EACH, true, db_time_ms(a, g->held->until_ms));
	COLUMN(a, EACH, true, db_text(a, g->life->profile->name));
	COLUMN(a, EACH, true, db_int(a, g->life->profile->revision));
	COLUMN(a, EACH, true, db_int(a, g->life->probe));
	COLUMN(a, EACH, true, db_int(a, g->life->quarantine_ms));
	COLUMN(a, EACH, true, db_int(a, g->life->quarantine_max_ms));
	COLUMN(a, EACH, true, db_int(a, g->life->max_hold_ms));
	COLUMN(a, EACH, true, db_time_ms(a, g->life->quarantined_ms));
	COLUMN(a, EACH, true, db_time_ms(a, g->life->quarantine_until_ms));
#undef EACH
}

/* ---- what left, and what happened ---- */

static void put_gone(struct txn *t, const struct ledger *l)
{
#define EACH for (size_t i = 0; i < l->gone_held_n; i++)
	if (l->gone_held_n > 0) {
		struct db_args *a = db_add(t, &remove_held);
		COLUMN(a, EACH, true, db_uuid(a, &l->gone_held[i].device));
		COLUMN(a, EACH, true, db_uuid(a, &l->gone_held[i].request));
	}
#undef EACH
#define EACH for (size_t i = 0; i < l->gone_waiting_n; i++)
	if (l->gone_waiting_n > 0) {
		struct db_args *a = db_add(t, &remove_waiting);
		COLUMN(a, EACH, true, db_uuid(a, &l->gone_waiting[i].device));
		COLUMN(a, EACH, true, db_int(a, (int64_t)l->gone_waiting[i].ticket));
	}
#undef EACH
}

static void put_history(struct txn *t, const struct ledger *l)
{
	if (l->events_n == 0)
		return;
	struct db_args *a = db_add(t, &add_history);
#define EACH for (const struct ledger_event *e = l->events; e < l->events + l->events_n; e++)
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, true, e->request ? db_uuid(a, &e->request->id) : db_null(a));
	COLUMN(a, EACH, true, db_text(a, e->word));
	COLUMN(a, EACH, true, db_text(a, e->request ? op_id(e->request->use.op) : ""));
	COLUMN(a, EACH, true, db_text(a, uuids_text(l->arena, e->devices, e->n)));
	COLUMN(a, EACH, true, db_text(a, numbers_text(l->arena, e->tokens, e->tokens ? e->n : 0)));
	COLUMN(a, EACH, true, db_text(a, e->detail));
#undef EACH
}

void sql_write(struct txn *t, const struct ledger *l)
{
	put_devices(t, l);
	put_gone(t, l);
	put_new_requests(t, l);
	put_changed_requests(t, l);
	put_waiting(t, l);
	put_new_held(t, l);
	put_changed_held(t, l);
	put_shadows(t, l);
	put_standing(t, l);
	put_history(t, l);
}
