// SPDX-License-Identifier: Apache-2.0
/* SQL of notices. */
#include "services/gateway/sql_notify.h"

#define MS(n) "clock_timestamp() + " n "::bigint * interval '1 millisecond'"
#define BY_REF(t, n) "(" t ".id::text = lower(" n ") or lower(" t ".name) = lower(" n "))"

/* Nobody takes what goes to a webhook that is switched off. */
#define SWITCHED_ON                                                                                \
	"(s.webhook is null or exists (select from gate.webhook h where h.id = s.webhook and "     \
	"h.active))"

/* ---- on its way ---- */

const struct db_sql SQL_NOTICE_WANT = {"gate_notice_want",
	"select k from unnest($1::text[]) k where exists (select from gate.subscription s cross "
	"join"
	" unnest(s.kinds) p where s.active and (p = k or (right(p, 1) = '*' and"
	" starts_with(k, left(p, -1)))) and " SWITCHED_ON ")"};

/* An event that was put before goes nowhere a second time. What is for the audit trail goes nowhere
 * else. */
const struct db_sql SQL_NOTICE_PUT = {"gate_notice_put",
	"with e as (select e.id, e.kind, e.subject, e.at, e.data::jsonb as data from unnest("
	"   $1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])"
	"   e(id, kind, subject, at, data)),"
	" a as materialized (select gate.audit_event(e.id, e.data) as new from e"
	"  where e.kind like 'audit.%'),"
	" w as materialized (select e.id, s.id as subscription, s.webhook, s.digest"
	"  from e join gate.subscription s on gate.wants(s, e.kind, e.data) and " SWITCHED_ON
	"  where e.kind not like 'audit.%'),"
	" n as (insert into gate.notice (id, kind, subject, at, data) select id, kind, subject, at,"
	"  data from e where exists (select from w where w.id = e.id)"
	"  on conflict do nothing returning id),"
	" q as materialized (select subscription, count(*) as n from gate.delivery"
	"  where state = 'queued' and subscription in (select subscription from w) group by 1),"
	" d as (insert into gate.delivery (notice, subscription, webhook, state, due_at, cause)"
	"  select x.id, x.subscription, x.webhook, case when x.place > x.room then 'dead' else"
	"   'queued' end, x.due, case when x.place > x.room then 'queue_full' else '' end"
	"  from (select w.*, $9::bigint - coalesce(q.n, 0) as room,"
	"    row_number() over (partition by w.subscription order by w.id) as place,"
	"    (array[$6::timestamptz, $7, $8])[w.digest] as due from w join n using (id)"
	"   left join q using (subscription)) x"
	"  returning 1) select (select count(*) from d), (select count(*) from a)"};

/* One gateway at a time, so that all of them keep the rate together. What is taken is tried again
 * when nobody says what became of it. */
const struct db_sql SQL_WEBHOOK_CLAIM = {"gate_webhook_claim",
	"with turn as materialized (select case when pg_try_advisory_xact_lock(hashtextextended("
	"   'carnet webhooks', 0)) then greatest(0, $1::bigint - (select count(*) from "
	"gate.delivery"
	"   where webhook is not null and tried_at > clock_timestamp() - interval '1 second'))"
	"   else 0 end as n),"
	" pick as materialized (select d.notice, d.subscription from gate.delivery d"
	"  where d.state = 'queued' and d.webhook is not null and d.due_at <= clock_timestamp()"
	"   and exists (select from gate.webhook w where w.id = d.webhook and w.active)"
	"  order by d.due_at limit (select n from turn) for update skip locked),"
	" took as (update gate.delivery d set tried_at = clock_timestamp(), attempts = d.attempts "
	"+ 1,"
	"  begun_at = coalesce(d.begun_at, clock_timestamp()), due_at = " MS(
		"$2") "  from pick p where d.notice = p.notice and d.subscription = p.subscription"
		      "  returning d.*)"
		      " select t.notice, t.subscription, t.attempts, (1000 * extract(epoch from "
		      "clock_timestamp() - t.begun_at))::bigint, n.kind, n.subject, n.at, "
		      "n.data::text,"
		      " w.id, w.url, w.key_id, w.key, case when w.old_until > clock_timestamp() "
		      "then w.old_key "
		      "end,"
		      " w.token_header, w.token, w.proxy from took t join gate.notice n on n.id = "
		      "t.notice"
		      " join gate.webhook w on w.id = t.webhook"};
const struct db_sql SQL_WEBHOOK_TOLD = {"gate_webhook_told",
	"with d as (update gate.delivery set state = $4, due_at = " MS(
		"$5") ", status = $6::int,"
		      "  cause = $7, detail = $8 where notice = $1 and subscription = $2"
		      "  and attempts = $3::int and state = 'queued')"
		      " update gate.webhook set last_at = clock_timestamp(), last_status = $6::int "
		      "where id = $9"};
/* One gateway at a time, so that all of them keep the limit together; what waits for its turn
 * becomes one mail. tried_at names what was claimed. */
const struct db_sql SQL_MAIL_CLAIM = {"gate_mail_claim",
	"with turn as materialized (select pg_try_advisory_xact_lock(hashtextextended('carnet "
	"mails', 0))"
	"  and (select count(*) from gate.mailing where at > clock_timestamp() - interval '24 "
	"hours')"
	"  < $1::bigint as ours),"
	" s as materialized (select s.* from gate.subscription s where s.active"
	"  and (select ours from turn) and exists (select from gate.delivery d"
	"   where d.subscription = s.id and d.webhook is null and d.state = 'queued'"
	"   and d.due_at <= clock_timestamp()) order by s.id limit 1 for update skip locked),"
	" took as (update gate.delivery d set tried_at = statement_timestamp(),"
	"  attempts = d.attempts + 1, begun_at = coalesce(d.begun_at, statement_timestamp()),"
	"  due_at = " MS(
		"$2") " from s where d.subscription = s.id and d.webhook is null"
		      "  and d.state = 'queued' and d.due_at <= clock_timestamp() returning d.*),"
		      " m as (insert into gate.mailing (id, subscription) select $3::uuid, id from "
		      "s"
		      "  where exists (select from took))"
		      " select n.id, n.kind, n.subject, n.at, n.data::text, s.id, s.name, "
		      "s.language, s.urgent,"
		      " to_json(s.mail)::text, max(t.attempts) over (), (1000 * extract(epoch from"
		      " clock_timestamp() - min(t.begun_at) over ()))::bigint, t.tried_at::text,"
		      " count(*) over () from took t join gate.notice n on n.id = t.notice cross "
		      "join s"
		      " order by n.id limit $4::bigint"};
/* A mail that did not go does not count. */
const struct db_sql SQL_MAIL_TOLD = {"gate_mail_told",
	"with m as (delete from gate.mailing where id = $7::uuid and $3 <> 'done')"
	" update gate.delivery set state = $3, due_at = " MS(
		"$4") ", cause = $5, detail = $6"
		      " where subscription = $1::uuid and webhook is null and state = 'queued'"
		      " and tried_at = $2::timestamptz"};
/* Switched off meanwhile, or never its turn in a week: by due_at, which moves on with each attempt.
 */
const struct db_sql SQL_NOTICE_AGE = {"gate_notice_age",
	"update gate.delivery d set state = 'dead', cause = case when x.off then 'switched_off' "
	"else"
	" 'too_old' end from (select d.notice, d.subscription, not (s.active and " SWITCHED_ON
	") as off"
	"  from gate.delivery d join gate.subscription s on s.id = d.subscription"
	"  where d.state = 'queued' and d.due_at < clock_timestamp() - $1::bigint * interval"
	"   '1 millisecond' and (d.due_at < clock_timestamp() - interval '7 days'"
	"   or not (s.active and " SWITCHED_ON ")) limit 10000 for update of d skip locked) x"
	" where d.notice = x.notice and d.subscription = x.subscription"};
const struct db_sql SQL_NOTICE_PURGE = {"gate_notice_purge",
	"with old as materialized (select id from gate.notice n where taken_at < clock_timestamp()"
	"   - interval '7 days' and not exists (select from gate.delivery d where d.notice = n.id"
	"   and (d.state = 'queued' or d.tried_at > clock_timestamp() - interval '30 days'"
	"    and d.state = 'dead')) limit 10000),"
	" gone as (delete from gate.delivery d using old where d.notice = old.id),"
	" mails as (delete from gate.mailing where at < clock_timestamp() - interval '2 days')"
	" select count(*) from old"};
const struct db_sql SQL_NOTICE_PURGED = {"gate_notice_purged",
	"delete from gate.notice n where taken_at < clock_timestamp() - interval '7 days'"
	" and not exists (select from gate.delivery d where d.notice = n.id)"};
const struct db_sql SQL_NOTICE_TEST = {"gate_notice_test",
	"with s as (select * from gate.subscription s where " BY_REF(
		"s", "$2") "),"
			   " n as (insert into gate.notice (id, kind, subject, at, data) select "
			   "$1, 'test',"
			   "  'subscription/' || s.id, clock_timestamp(), "
			   "jsonb_build_object('subscription', s.name)"
			   "  from s returning id)"
			   " insert into gate.delivery (notice, subscription, webhook, due_at)"
			   " select $1, s.id, s.webhook, clock_timestamp() from s cross join n "
			   "returning 1"};

/* ---- webhooks ---- */

#define COUNT(column, id, word)                                                                    \
	"(select count(*) from gate.delivery d where d." column " = " id " and d.state = '" word   \
	"')"
#define WEBHOOK                                                                                    \
	"w.id, w.name, w.url, w.active, coalesce(w.token_header, ''), w.token is not null, "       \
	"w.key_id, case when w.old_until > clock_timestamp() then w.old_until end, w.version, "    \
	"w.created_at, w.last_at, w.last_status, " COUNT("webhook", "w.id", "queued") ", " COUNT(  \
		"webhook", "w.id", "dead") ", w.proxy"

const struct db_sql SQL_WEBHOOK_LIST = {
	"gate_webhook_list", "select " WEBHOOK " from gate.webhook w order by lower(w.name)"};
const struct db_sql SQL_WEBHOOK_CREATE = {"gate_webhook_create",
	"insert into gate.webhook as w (id, name, url, active, token_header, token, key_id, key, "
	"proxy)"
	" values ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, $9) on conflict do nothing"
	" returning " WEBHOOK};
const struct db_sql SQL_WEBHOOK_FIND = {"gate_webhook_find",
	"select w.id, w.version from gate.webhook w where " BY_REF("w", "$1") " for update"};
const struct db_sql SQL_WEBHOOK_UPDATE = {"gate_webhook_update",
	"update gate.webhook w set url = coalesce($2, w.url), active = coalesce($3::boolean, "
	"w.active),"
	" token_header = nullif(coalesce($4, w.token_header), ''), token = case when $4 = '' then "
	"null else coalesce($5, w.token) end, proxy = coalesce($6, w.proxy), version = w.version + "
	"1 where w.id = $1"
	" returning " WEBHOOK};
const struct db_sql SQL_WEBHOOK_ROTATE = {"gate_webhook_rotate",
	"update gate.webhook w set old_key = w.key, old_until = " MS(
		"$4") ", key_id = $2,"
		      " key = $3, version = w.version + 1 where w.id = $1 returning " WEBHOOK};
const struct db_sql SQL_WEBHOOK_DELETE = {
	"gate_webhook_delete", "delete from gate.webhook where id = $1"};

/* ---- subscriptions ---- */

#define SUBSCRIPTION                                                                               \
	"s.id, s.name, to_json(s.kinds)::text, to_json(s.states)::text, to_json(s.tasks)::text, "  \
	"coalesce((select w.name from gate.webhook w where w.id = s.webhook), ''), "               \
	"to_json(s.mail)::text, s.language, s.digest, s.urgent, s.active, s.version, "             \
	"s.created_at, s.made_by, " COUNT("subscription", "s.id", "queued") ", " COUNT(            \
		"subscription", "s.id", "dead") ", s.changes"
#define HOOK(n) "(select w.id from gate.webhook w where " BY_REF("w", n) ")"

const struct db_sql SQL_SUBSCRIPTION_LIST = {"gate_subscription_list",
	"select " SUBSCRIPTION " from gate.subscription s order by lower(s.name)"};
const struct db_sql SQL_SUBSCRIPTION_CREATE = {"gate_subscription_create",
	"insert into gate.subscription as s (id, name, kinds, states, tasks, webhook, mail, "
	"language, digest, urgent, active, changes, made_by) values ($1, $2, $3::text[], "
	"$4::text[], "
	"$5::text[], " HOOK("$6") ", $7::text[], $8, $9::smallint, $10::boolean, $11::boolean, "
				  "$12::int, $13) on conflict do nothing returning " SUBSCRIPTION};
const struct db_sql SQL_SUBSCRIPTION_FIND = {"gate_subscription_find",
	"select s.id, s.version from gate.subscription s where " BY_REF("s", "$1") " for update"};
const struct db_sql SQL_SUBSCRIPTION_UPDATE = {"gate_subscription_update",
	"update gate.subscription s set name = coalesce($2, s.name), kinds = coalesce($3::text[],"
	" s.kinds), states = coalesce($4::text[], s.states), tasks = coalesce($5::text[], s.tasks),"
	" webhook = case when $6::text is not null then " HOOK(
		"$6") " when $7::text[] is not null "
		      "then null else s.webhook end, mail = case when $7::text[] is not null then "
		      "$7 when "
		      "$6::text is not null then '{}' else s.mail end, language = coalesce($8, "
		      "s.language),"
		      " digest = coalesce($9::smallint, s.digest), urgent = coalesce($10::boolean, "
		      "s.urgent),"
		      " active = coalesce($11::boolean, s.active), changes = coalesce($12::int, "
		      "s.changes), version = s.version + 1 where "
		      "s.id = $1"
		      " returning " SUBSCRIPTION};
const struct db_sql SQL_SUBSCRIPTION_DELETE = {
	"gate_subscription_delete", "delete from gate.subscription where id = $1"};

/* ---- dead letters ---- */

#define DEAD_WHERE(hook, sub)                                                                      \
	" d.state = 'dead' and (" hook "::text is null or d.webhook = " HOOK(                      \
		hook) ")"                                                                          \
		      " and (" sub "::text is null or exists (select from gate.subscription s"     \
		      " where s.id = d.subscription and " BY_REF("s", sub) "))"
const struct db_sql SQL_DEAD_LIST = {"gate_dead_list",
	"select n.id, s.name, coalesce(w.name, ''), n.kind, n.subject, n.at, d.tried_at, "
	"d.attempts, d.status, d.cause, d.detail, count(*) over () from gate.delivery d"
	" join gate.notice n on n.id = d.notice join gate.subscription s on s.id = d.subscription"
	" left join gate.webhook w on w.id = d.webhook where" DEAD_WHERE(
		"$1", "$2") " order by n.id desc limit $3::bigint"};
const struct db_sql SQL_DEAD_REPLAY = {"gate_dead_replay",
	"with d as (update gate.delivery d set state = 'queued', due_at = clock_timestamp(),"
	"  begun_at = null, attempts = 0, cause = '', detail = '', status = 0 where" DEAD_WHERE(
		"$2", "$3") "  and (cardinality($1::uuid[]) = 0 or d.notice = any ($1::uuid[])) "
			    "returning 1)"
			    " select count(*) from d"};
