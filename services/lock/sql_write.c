// SPDX-License-Identifier: Apache-2.0
/* What a ledger changed, written in arrays: one statement a table. What stands on the devices is
 * in sql_held.c. */
#include "services/lock/sql_write.h"

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
static const struct db_sql add_history = {"add_history",
	"insert into lock.history (at, request, event, op, devices, tokens, detail)"
	" select $1::timestamptz, u.request, u.event, u.op, u.devices::uuid[], u.tokens::bigint[],"
	" u.detail from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],"
	" $7::text[]) u(request, event, op, devices, tokens, detail)"};

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

struct span sql_answer_bytes(struct arena *arena, const struct m_lock_answer *answer)
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
		db_text(a, sql_uuids_text(l->arena, R->devices, R->devices_n)));
	COLUMN(a, EACH, R->change == want, db_int(a, R->holding));
	COLUMN(a, EACH, R->change == want, db_int(a, (int64_t)R->first_token));
	COLUMN(a, EACH, R->change == want, db_int(a, (int64_t)R->ticket));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->wait_until_ms));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->asked_ms));
	COLUMN(a, EACH, R->change == want, db_time_ms(a, R->ended ? l->now_ms : 0));
	COLUMN(a, EACH, R->change == want, db_uuid(a, &R->job));
	COLUMN(a, EACH, R->change == want, db_int(a, (int64_t)R->attempt));
	COLUMN(a, EACH, R->change == want, db_bytes(a, sql_answer_bytes(l->arena, R->answer)));
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
	COLUMN(a, EACH, R->change == want, db_bytes(a, sql_answer_bytes(l->arena, R->answer)));
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
		db_text(a, sql_uuids_text(l->arena, R->devices, R->devices_n)));
}
#undef EACH
#undef R

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
	COLUMN(a, EACH, true, db_text(a, sql_uuids_text(l->arena, e->devices, e->n)));
	COLUMN(a, EACH, true,
		db_text(a, sql_numbers_text(l->arena, e->tokens, e->tokens ? e->n : 0)));
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
	sql_write_held(t, l);
	put_history(t, l);
}
