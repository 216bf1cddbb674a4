// SPDX-License-Identifier: Apache-2.0
/* Grants and releases decided before their rows are read (ahead.c): each statement does what its
 * guess was right for and names it; of everything else it changes nothing. The device rows are
 * taken by the statement before, so both see what stands on them now, and where it stands. Rows are
 * found one by one, in scalar subqueries: whatever the planner believes of the tables, their keys
 * are used. */
#include <assert.h>

#include "services/lock/sql_write.h"

#define ASKED                                                                                      \
	"select u.*, u.ids::uuid[] as devices, clock_timestamp() as now,"                          \
	" lock.timeline() << 48 as least from unnest($1::uuid[], $2::bytea[], $3::uuid[],"         \
	" $4::smallint[], $5::text[], $6::smallint[], $7::text[], $8::uuid[], $9::int[],"          \
	" $10::bytea[], $11::text[], $12::uuid[], $13::text[], $14::boolean[], $15::int[],"        \
	" $16::text[], $17::int[], $18::smallint[], $19::int[], $20::int[], $21::int[])"           \
	" u(id, digest, session, kind, op, direction, ids, job, attempt, answer, holder,"          \
	" workflow, items, strict, lease, profile, rev, probe, q, q_max, max_hold)"
/* Nothing stands on the devices, and they have the profile that was decided with. */
#define OF "s where s.device_id = any(a.devices)"
#define FREE                                                                                       \
	"select a.* from a where (select true from lock.request r where r.id = a.id) is null"      \
	" and (select true from lock.held " OF " limit 1) is null"                                 \
	" and (select true from lock.waiting " OF " limit 1) is null"                              \
	" and (select true from lock.standing " OF " limit 1) is null"                             \
	" and (select true from lock.shadow " OF " and until > clock_timestamp() limit 1) is null" \
	" and (select count(*) from lock.device " OF " and s.profile = a.profile"                  \
	" and s.profile_revision = a.rev) = cardinality(a.devices)"
/* The rule of lock_next_token. */
#define TAKEN                                                                                      \
	"update lock.device d set last_token = greatest(d.last_token + 1, a.least)"                \
	" from (select *, (select s.ctid from lock.device s where s.device_id = u.device) as at"   \
	" from (select *, unnest(devices) as device from free) u) a where d.ctid = a.at"           \
	" returning d.device_id, d.last_token, a.id, a.session, a.job, a.kind, a.op,"              \
	" a.direction, a.items, a.strict, a.now, a.lease, a.profile, a.rev, a.probe, a.q,"         \
	" a.q_max, a.max_hold"
#define TOLD                                                                                       \
	"select a.*, g.tokens from (select id, array_agg(last_token order by device_id) as tokens" \
	" from taken group by id) g join free a on a.id = g.id"
#define INTO_HELD                                                                                  \
	"insert into lock.held (device_id, request, token, session, job, kind, op, direction,"     \
	" items, strict, granted_at, lease_ms, expires_at, profile, profile_revision, probe,"      \
	" quarantine_ms, quarantine_max_ms, max_hold_ms) select device_id, id, last_token,"        \
	" session, job, kind, op, direction, case items when '' then '{}' else"                    \
	" string_to_array(items, ',') end, strict, now, lease, now + lease * interval '1 ms',"     \
	" profile, rev, probe, q, q_max, max_hold from taken"
#define INTO_REQUEST                                                                               \
	"insert into lock.request (id, digest, session, kind, op, direction, state, devices,"      \
	" holding, first_token, ticket, asked_at, job, attempt, answer, holder, workflow)"         \
	" select id, digest, session, kind, op, direction, 2, devices, cardinality(devices),"      \
	" tokens[1], 0, now, job, attempt, answer, holder, workflow from told"
#define INTO_HISTORY                                                                               \
	"insert into lock.history (at, request, event, op, devices, tokens)"                       \
	" select now, id, 'granted', op, devices, tokens from told"
static const struct db_sql take_free = {"take_free",
	"with a as materialized (" ASKED "), free as materialized (" FREE "), taken as (" TAKEN
	"), told as materialized (" TOLD "), h as (" INTO_HELD "), r as (" INTO_REQUEST
	"), y as (" INTO_HISTORY ") select id, tokens from told"};

/* The whole of a live request, and nobody waits for one of its devices. */
static const struct db_sql give_back = {"give_back",
	"with r as materialized (select r.id, r.session, r.first_token, r.op, r.devices,"
	" clock_timestamp() as now"
	" from unnest($1::uuid[], $2::uuid[], $3::bigint[]) u(session, request, token)"
	" join lock.request r on r.id = u.request and r.session = u.session"
	" and r.first_token = u.token and r.state = 2 and r.holding = cardinality(r.devices)"
	" where (select true from lock.waiting w where w.device_id = any(r.devices) limit 1) is "
	"null),"
	" h as (delete from lock.held h using (select (select s.ctid from lock.held s"
	" where s.device_id = d.device and s.request = d.id) as at"
	" from (select id, unnest(devices) as device from r) d) d where h.ctid = d.at),"
	" q as (update lock.request q set state = 5, holding = 0, ended_at = r.now from r"
	" where q.id = r.id),"
	" y as (insert into lock.history (at, request, event, op, devices)"
	" select now, id, 'released', op, devices from r)"
	" select id, session, first_token, op, devices from r"};
static_assert(LOCK_STATE_LIVE == 2 && LOCK_STATE_RELEASED == 5, "states stand in the statements");

void sql_take_free(struct txn *t, const struct ledger *l)
{
	struct db_args *a = db_add(t, &take_free);

#define EACH for (size_t i = 0; i < l->request_n; i++)
#define R l->request_list[i]
#define D ledger_device(l, &R->devices[0])
#define H D->held[0]
#define F D->life[0]
	COLUMN(a, EACH, true, db_uuid(a, &R->id));
	COLUMN(a, EACH, true, db_bytes(a, R->digest));
	COLUMN(a, EACH, true, db_uuid(a, &R->session));
	COLUMN(a, EACH, true, db_int(a, R->kind));
	COLUMN(a, EACH, true, db_text(a, op_id(R->use.op)));
	COLUMN(a, EACH, true, db_int(a, R->use.direction));
	COLUMN(a, EACH, true, db_text(a, sql_uuids_text(l->arena, R->devices, R->devices_n)));
	COLUMN(a, EACH, true, db_uuid(a, &R->job));
	COLUMN(a, EACH, true, db_int(a, (int64_t)R->attempt));
	COLUMN(a, EACH, true, db_bytes(a, sql_answer_bytes(l->arena, R->answer)));
	COLUMN(a, EACH, true, db_text(a, R->holder));
	COLUMN(a, EACH, true, db_uuid(a, &R->workflow));
	COLUMN(a, EACH, true, db_text(a, F.items));
	COLUMN(a, EACH, true, db_bool(a, H.use.strict));
	COLUMN(a, EACH, true, db_int(a, F.lease_ms));
	COLUMN(a, EACH, true, db_text(a, F.profile->name));
	COLUMN(a, EACH, true, db_int(a, F.profile->revision));
	COLUMN(a, EACH, true, db_int(a, F.probe));
	COLUMN(a, EACH, true, db_int(a, F.quarantine_ms));
	COLUMN(a, EACH, true, db_int(a, F.quarantine_max_ms));
	COLUMN(a, EACH, true, db_int(a, F.max_hold_ms));
#undef EACH
#undef R
#undef D
#undef H
#undef F
}

void sql_give_back(struct txn *t, const struct sql_lock *locks, size_t n)
{
	sql_locks(db_add(t, &give_back), locks, n);
}
