// SPDX-License-Identifier: Apache-2.0
/* SQL of the outbox: what the gateway takes and has taken, and jobs that failed. Ends of runs are
 * written by the trigger sched.run_told(), those of devices by SQL_DEVICE_EFFECT. */
#include "services/scheduler/sql.h"

/* ids: they are somebody else's now */
const struct db_sql SQL_OUTBOX_DONE = {
	"outbox_done", "delete from sched.outbox where id = any ($1::uuid[])"};
/* kinds that somebody wants */
const struct db_sql SQL_OUTBOX_WANT = {"outbox_want",
	"insert into sched.wanted (kind) select k from unnest($1::text[]) k"
	" where not exists (select from sched.wanted w where w.kind = k) on conflict do nothing"};
/* limit, ms, bytes → id, kind, subject, at, data: the oldest that nobody has now, as many as go
 * into one message; ours for so long. Names that are too many for an event are left out of it. */
const struct db_sql SQL_OUTBOX_TAKE = {"outbox_take",
	"with pick as materialized (select id, 300 + octet_length(data::text) as n"
	"   from sched.outbox where free_at <= clock_timestamp() order by id limit $1::int"
	"   for update skip locked),"
	" fit as (select id from (select id, row_number() over w as place, sum(n) over w as bytes"
	"   from pick window w as (order by id)) x where place = 1 or bytes <= $3::bigint),"
	" took as (update sched.outbox set grows = false, free_at = clock_timestamp() + "
	"$2::bigint"
	"  * interval '1 millisecond' where id = any (array(select id from fit))"
	"  returning id, kind, subject, at, data)"
	" select id, kind, subject, at, (case when octet_length(data::text) > 65536 then data -"
	"  'jobs' - 'list' else data end)::text from took order by id"};
/* jobs that ended in this transaction, names of their causes: one event for each run, the first 50
 * by name */
const struct db_sql SQL_OUTBOX_FAILED = {"outbox_failed",
	"with x as materialized (select j.run, j.id, j.device, j.device_name, j.state, x.cause,"
	"   j.reason, row_number() over (partition by j.run order by j.id) as place"
	"  from unnest($1::uuid[], $2::text[]) x(job, cause) join sched.job j on j.id = x.job"
	"  where j.state in (12, 13) and exists (select from sched.wanted where kind = "
	"'job.failed'))"
	" insert into sched.outbox (kind, subject, data)"
	" select 'job.failed', 'run/' || r.id, jsonb_build_object('run', r.id, 'task', r.task,"
	"  'task_name', r.task_name, 'failed', t.n, 'jobs', t.jobs)"
	" from (select run, count(*) as n, jsonb_agg(jsonb_strip_nulls(jsonb_build_object("
	"   'job', id, 'device', device, 'device_name', device_name, 'state',"
	"   case state when 12 then 'failed' else 'dead' end, 'cause', cause, 'reason', reason))"
	"   order by place) filter (where place <= 50) as jobs from x group by run) t"
	" join sched.run r on r.id = t.run"};
/* events at most, ms → how many were lost, how many wait, for how many seconds (FL-81) */
const struct db_sql SQL_OUTBOX_PURGE = {"outbox_purge",
	"select lost, waiting, oldest_s from sched.outbox_purge($1::bigint, $2::bigint)"};
/* → devices that are told (FL-2) */
const struct db_sql SQL_TELL_CONFLICTS = {"tell_conflicts", "select sched.tell_conflicts()"};
/* days → devices that are told (FL-79) */
const struct db_sql SQL_TELL_OVERDUE = {"tell_overdue", "select sched.tell_overdue($1::int)"};
