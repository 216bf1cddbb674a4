// SPDX-License-Identifier: Apache-2.0
/* Column lists that several statements share; rows.c reads them in this order. */
#pragma once

/* The object that is meant by $1 uuid or $2 name, or two of them; an id counts more than a name
 * that looks like one. */
#define SQL_IDS_OF(table)                                                                          \
	"(array(select i.id from " table " i where i.id = $1::uuid union all"                      \
	" select i.id from " table " i where i.name = $2::text and not exists (select from " table \
	" n where n.id = $1::uuid) limit 2))"

/* Another device in use is spoken to at the same place (FL-2). Looked up, never stored. */
#define SQL_IN_CONFLICT                                                                            \
	"(d.state in (2, 3) and exists (select from fleet.device o where o.endpoint = d.endpoint"  \
	" and o.id <> d.id and o.state in (2, 3)))"
#define SQL_STATE_CAUSE                                                                            \
	"case when d.state = 2 and d.half_written then 'half_written'"                             \
	" when d.state = 2 and " SQL_IN_CONFLICT " then 'address_conflict' else d.state_cause end"
#define SQL_DEVICE_COLUMNS                                                                         \
	"d.id, d.name, d.vendor, d.family, d.model, d.serial, d.mac, d.device_uuid, d.address,"    \
	" d.ports::text, d.firmware, d.type, d.display_language, d.charset,"                       \
	" case when d.time_zone <> '' then d.time_zone else s.time_zone end, d.site, s.region,"    \
	" d.labels::text, d.capabilities::text, d.managed_by, d.state, d.version, d.simulated,"    \
	" d.clear_text, d.accept_clear_text_secrets, d.allow_unproven, d.tls_pin, d.pool,"         \
	" " SQL_STATE_CAUSE ", l.success_at, l.state, d.created_at, d.strict_interlock"
#define SQL_DEVICE_COLUMNS_N 33
/* And what only those need who show one. */
#define SQL_ALARMS_WITH(default_login)                                                             \
	"to_jsonb(array_remove(array[case when " SQL_IN_CONFLICT " then 'address_conflict' end,"   \
	" case when d.state <> 5 and " default_login " then 'default_credential' end], null))"
#define SQL_ALARMS SQL_ALARMS_WITH("fleet.default_login(d.id, d.site, d.ip)")
/* The same where all devices are looked at: the logins are looked through once. */
#define SQL_ALARMS_OF_ALL SQL_ALARMS_WITH("d.id in (select fleet.default_logins())")
#define SQL_DEVICE_SHOWN                                                                           \
	SQL_DEVICE_COLUMNS ", store.proven_at(d.id), " SQL_ALARMS                                  \
			   "::text, d.repin, d.repin_by, d.repin_at"
#define SQL_DEVICE_SHOWN_N (SQL_DEVICE_COLUMNS_N + 5)
#define SQL_DEVICE_TABLES                                                                          \
	"fleet.device d left join fleet.site s on s.name = d.site"                                 \
	" left join fleet.last l on l.device = d.id"

#define SQL_TASK_COLUMNS                                                                           \
	"d.id, d.name, d.kind, d.active, d.schedule::text, d.targets::text, d.settings::text,"     \
	" d.retry::text, d.password_sealed, d.version, d.owner, d.created_at, d.next_at, "         \
	"d.last_run,"                                                                              \
	" (select r.state from sched.run r where r.id = d.last_run), d.approved, d.built_in"
#define SQL_TASK_COLUMNS_N 17

#define SQL_RUN_COLUMNS                                                                            \
	"r.id, r.task, r.task_name, r.kind, r.state, r.opened_at, r.ended_at, r.added, r.removed," \
	" r.rerun_of, r.cause, r.due_at, r.deadline_at, r.phase, r.plan, r.plan_hash,"             \
	" r.totals::text, r.applied_by, r.wave, r.waves, r.confirm_until, r.confirmed, r.reverts," \
	" r.state_cause, r.follows, r.no_windows, r.saved_added, r.saved_removed, r.as_it_was,"    \
	" r.missed"
#define SQL_RUN_COLUMNS_N 30

#define SQL_TARGET_COLUMNS                                                                         \
	"j.id, j.run, j.device, j.device_name, j.address, j.type, j.via,"                          \
	" coalesce(h.state, j.state), j.cause, j.reason, j.detail, j.device_text,"                 \
	" coalesce(h.attempt, j.attempt), j.errors, j.crashes, j.deferrals, j.deferred_ms,"        \
	" j.created_at, coalesce(j.started_at, h.claimed_at), j.ended_at,"                         \
	" case when h.job is null then j.not_before end,"                                          \
	" (1000 * extract(epoch from coalesce(j.started_at, h.claimed_at, j.ended_at)"             \
	"  - j.created_at))::bigint,"                                                              \
	" j.lock_ms, j.device_ms, j.store_ms, j.version, j.generation, j.entries, j.bytes,"        \
	" j.lists::text, j.firmware, j.language, coalesce(h.worker, j.worker),"                    \
	" coalesce(h.token, j.token),"                                                             \
	" coalesce((select s.kind from sched.run_step s where s.run = j.run and s.part = j.part)," \
	" r.kind), j.plan::text,"                                                                  \
	" j.report::text, j.pre_image, j.step, j.wave, j.restarted,"                               \
	" case r.kind when 'batch' then j.part + 1 end"
#define SQL_TARGET_COLUMNS_N 42
/* And whether whoever asks may see entries of its device's book: they lie within this scope, null =
 * everywhere. */
#define SQL_TARGET_READ(scope)                                                                     \
	", " scope "::text is null or j.device in (select fleet.scope_devices(" scope "))"
#define SQL_TARGET_TABLES                                                                          \
	"sched.job j join sched.run r on r.id = j.run left join sched.active h on h.job = j.id"
/* A job leaves its worker: its row "a" of sched.active is deleted, giving these columns beside
 * others, and its own row "j" takes them over from those rows, named "f". */
#define SQL_HELD                                                                                   \
	"a.job as held_job, a.state as held, a.attempt as held_attempt, a.worker as held_by,"      \
	" a.token as held_token, a.claimed_at"
#define SQL_FROM_HELD                                                                              \
	" held = f.held, attempt = f.held_attempt, worker = f.held_by, token = f.held_token,"      \
	" started_at = coalesce(j.started_at, f.claimed_at)"

/* How each statement that makes jobs ends: "ins" are the jobs, $1 is the run → state, jobs, pool.
 * A held job is due at infinity. */
#define SQL_OPEN_QUEUES                                                                            \
	" queued as (insert into sched.ready select pool, family, id, device from ins"             \
	"  where state = 2),"                                                                      \
	" held as (insert into sched.later (job, due_at) select id, 'infinity' from ins"           \
	"  where state = 1),"                                                                      \
	" history as (insert into sched.history (run, at, from_state, to_state, attempt, cause, "  \
	"jobs)"                                                                                    \
	"  select $1::uuid, statement_timestamp(), 1, state, 0, cause, array_agg(id) from ins"     \
	"  where state > 7 group by state, cause),"                                                \
	" counted as (insert into sched.run_count (run, state, n)"                                 \
	"  select $1::uuid, state, count(*) from ins group by state)"                              \
	" select state, count(*), pool from ins group by state, pool"
/* Ids of jobs: those of one run differ in their last four bytes only, so they are made quickly and
 * stand together in the index. Needs "base". */
#define SQL_JOB_ID                                                                                 \
	"encode(overlay(base.b placing int4send((row_number() over ())::int) from 13 for 4),"      \
	" 'hex')::uuid"

/* Of the run $1 that is opened: the devices that lie within all scopes that bound it, when any do
 * (FL-69), and whether the device d lies outside. */
#define SQL_OPEN_WITHIN                                                                            \
	" bound as materialized (select scopes from sched.run where id = $1::uuid),"               \
	" within as materialized (select x.id from bound cross join unnest(scopes) s"              \
	"  cross join lateral fleet.scope_devices(s) x(id) group by x.id"                          \
	"  having count(*) = (select cardinality(scopes) from bound)),"
#define SQL_OPEN_OUTSIDE                                                                           \
	"(select cardinality(scopes) from bound) > 0 and d.id not in (select id from within)"
/* Of the run $1 that is opened: no rerun. What was chosen to run again is asked again, whatever a
 * check said before (FL-63). */
#define SQL_OPEN_FIRST " and (select rerun_of from sched.run where id = $1::uuid) is null"
