// SPDX-License-Identifier: Apache-2.0
/* All SQL of the gateway. */
#include "services/gateway/sql.h"

const struct db_sql SQL_SESSION_FIND = {"gate_session_find",
	"update gate.session s set seen_at = clock_timestamp() "
	"from gate.person p "
	"where s.digest = $1 and p.id = s.person_id and p.active "
	"and s.seen_at > clock_timestamp() - $2::bigint * interval '1 millisecond' "
	"and s.created_at > clock_timestamp() - $3::bigint * interval '1 millisecond' "
	"returning p.name, p.role, s.csrf, "
	"s.created_at + $3::bigint * interval '1 millisecond', p.scope"};

const struct db_sql SQL_TOKEN_FIND = {"gate_token_find",
	"with t as (select id, name, role, expires_at, used_at, scope from gate.token "
	"where digest = $1 and (expires_at is null or expires_at > clock_timestamp())), "
	"u as (update gate.token set used_at = clock_timestamp() from t where token.id = t.id "
	"and (t.used_at is null or t.used_at < clock_timestamp() - interval '1 minute')) "
	"select name, role, expires_at, scope, id from t"};

const struct db_sql SQL_PERSON_FIND = {"gate_person_find",
	"select id, password, role, name, scope from gate.person where lower(name) = "
	"lower($1) and active"};

const struct db_sql SQL_SESSION_MAKE = {"gate_session_make",
	"with old as (delete from gate.session "
	"where seen_at < clock_timestamp() - $4::bigint * interval '1 millisecond' "
	"or created_at < clock_timestamp() - $5::bigint * interval '1 millisecond') "
	"insert into gate.session (digest, csrf, person_id) values ($1, $2, $3) "
	"returning created_at + $5::bigint * interval '1 millisecond'"};

const struct db_sql SQL_SESSION_END = {
	"gate_session_end", "delete from gate.session where digest = $1"};

const struct db_sql SQL_STANDINGS = {"gate_standings",
	"select coalesce(t.role, p.role), coalesce(t.scope, p.scope) "
	"from unnest($1::bytea[]) with ordinality x(digest, place) "
	"left join gate.token t on t.digest = x.digest "
	"and (t.expires_at is null or t.expires_at > clock_timestamp()) "
	"left join gate.session s on s.digest = x.digest "
	"and s.seen_at > clock_timestamp() - $2::bigint * interval '1 millisecond' "
	"and s.created_at > clock_timestamp() - $3::bigint * interval '1 millisecond' "
	"left join gate.person p on p.id = s.person_id and p.active order by x.place"};

const struct db_sql SQL_SETUP_CHECK = {"gate_setup_check",
	"select 1 from gate.setup where digest = $1 and expires_at > clock_timestamp()"};

const struct db_sql SQL_SETUP_USE = {"gate_setup_use",
	"with used as (delete from gate.setup where digest = $1 and expires_at > clock_timestamp() "
	"returning 1) "
	"insert into gate.person (id, name, role, password, break_glass) "
	"select $2, $3, 'admin', $4, true from used returning id"};

const struct db_sql SQL_SETUP_OPEN = {"gate_setup_open",
	"insert into gate.setup (digest, expires_at) "
	"select $1, clock_timestamp() + $2::int * interval '1 minute' "
	"where not exists (select 1 from gate.person) "
	"on conflict (one) do update set digest = excluded.digest, "
	"expires_at = excluded.expires_at where setup.expires_at < clock_timestamp() "
	"returning 1"};

const struct db_sql SQL_PERSON_LIST = {"gate_person_list",
	"select id, name, role, active, created_at, version, scope from gate.person "
	"where $1::text is null or name > $1 order by name limit $2::bigint"};

const struct db_sql SQL_PERSON_CREATE = {"gate_person_create",
	"insert into gate.person (id, name, role, password, scope) values ($1, $2, $3, $4, $5) "
	"on conflict do nothing "
	"returning id, name, role, active, created_at, version, scope"};

const struct db_sql SQL_PERSON_UPDATE = {"gate_person_update",
	"update gate.person set role = coalesce($3, role), password = coalesce($4, password), "
	"active = coalesce($5::boolean, active), scope = coalesce($6, scope), version = version + "
	"1 "
	"where (id::text = lower($1) or lower(name) = lower($1)) "
	"and ($2::bigint = 0 or version = $2::bigint) "
	"and not (break_glass and (coalesce($3, 'admin') <> 'admin' or not coalesce($5::boolean, "
	"true) or coalesce($6, '') <> '')) "
	/* a role alone would count everywhere: that is said with the assignments */
	"and not ($3 is not null and $6 is null and scope <> '') "
	"returning id, name, role, active, created_at, version, scope"};

const struct db_sql SQL_PERSON_WHY = {"gate_person_why",
	"select version, break_glass, scope <> '' from gate.person "
	"where id::text = lower($1) or lower(name) = lower($1)"};

const struct db_sql SQL_PERSON_LEAVE = {"gate_person_leave",
	"with gone as (delete from gate.session using gate.person p where person_id = p.id "
	"and (p.id::text = lower($1) or lower(p.name) = lower($1))) "
	"select sched.tasks_stopped(p.name) from gate.person p "
	"where p.id::text = lower($1) or lower(p.name) = lower($1)"};

/* The newest first: their ids say when they were made. */
const struct db_sql SQL_TOKEN_LIST = {"gate_token_list",
	"select id, name, role, made_by, created_at, expires_at, used_at, scope from gate.token "
	"where $1::text is null or id::text < $1 order by id::text desc limit $2::bigint"};

const struct db_sql SQL_TOKEN_CREATE = {"gate_token_create",
	"insert into gate.token as t (id, digest, name, role, made_by, expires_at, scope) "
	"values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do update set digest = $2 "
	"returning id, name, role, made_by, created_at, expires_at, used_at, scope"};

const struct db_sql SQL_TOKEN_UPDATE = {"gate_token_update",
	"update gate.token set role = coalesce($2, role), scope = coalesce($3, scope) "
	"where id = $1 and not ($2::text is not null and $3::text is null and scope <> '') "
	"returning id, name, role, made_by, created_at, expires_at, used_at, scope"};

const struct db_sql SQL_TOKEN_THERE = {
	"gate_token_there", "select 1 from gate.token where id = $1"};

const struct db_sql SQL_TOKEN_DELETE = {
	"gate_token_delete", "delete from gate.token where id = $1"};

const struct db_sql SQL_REQUEST_SAME = {"gate_request_same",
	"with old as (delete from gate.request where id in (select o.id from gate.request o "
	"where o.at < clock_timestamp() - interval '24 hours' and o.id <> $1 order by o.at "
	"limit 100 for update skip locked)) "
	"insert into gate.request as q (id, digest) values ($1, $2) "
	"on conflict (id) do update set at = clock_timestamp() returning q.digest = $2"};

/* The canonical text of an entry, made here: a function of the database could be another one by
 * the time somebody verifies. */
#define ENTRY                                                                                      \
	"a.seq, to_char(a.at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), a.actor, "  \
	"a.origin, a.verb, a.object, a.outcome, a.trace"
#define TEXT                                                                                       \
	"case when a.scope is not null then json_build_array(" ENTRY                               \
	", encode(a.digest, 'hex'), a.scope)::text "                                               \
	"when a.digest is null then json_build_array(" ENTRY ")::text "                            \
	"else json_build_array(" ENTRY ", encode(a.digest, 'hex'))::text end"

const struct db_sql SQL_AUDIT_APPEND = {"gate_audit_append",
	"select gate.audit_append($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
	"$6::uuid[], $7::bytea[], $8::text[])"};

const struct db_sql SQL_AUDIT_LIST = {"gate_audit_list",
	"select a.seq, a.at, a.actor, a.origin, a.verb, a.object, a.outcome, a.trace, a.hash, "
	"a.digest, case when $3 then " TEXT " end from gate.audit a "
	"where a.seq < $1::bigint order by a.seq desc limit $2::bigint"};

const struct db_sql SQL_AUDIT_HEAD = {"gate_audit_head",
	"select h.seq, h.hash, (select coalesce(max(seq), 0) from gate.audit), coalesce(c.seq, 0), "
	"c.hash, c.key, c.signature, coalesce(c.at < clock_timestamp() - $1::bigint * "
	"interval '1 millisecond', true) from gate.audit_head h "
	"left join lateral (select * from gate.audit_checkpoint order by seq desc limit 1) c on "
	"true"};

const struct db_sql SQL_AUDIT_WALK = {"gate_audit_walk",
	"select t.seq, substr(t.text, strpos(t.text, ',')), t.hash, c.hash, c.key, c.signature "
	"from (select a.seq, a.hash, " TEXT " as text from gate.audit a "
	"where a.seq > $1::bigint and a.seq <= $2::bigint order by a.seq limit $3::bigint) t "
	"left join gate.audit_checkpoint c on c.seq = t.seq order by t.seq"};

const struct db_sql SQL_AUDIT_MARK = {"gate_audit_mark",
	"insert into gate.audit_checkpoint (seq, hash, key, signature) values ($1, $2, $3, $4) "
	"on conflict (seq) do nothing"};
