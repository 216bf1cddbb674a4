// SPDX-License-Identifier: Apache-2.0
/* SQL of discovery: the jobs of such a run, and what they found. */
#include "gen/msg.h"
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* ---- runs ---- */

/* run → where it looks */
const struct db_sql SQL_RUN_DISCOVERY = {"run_discovery",
	"select coalesce(settings->'discover', '{}')::text from sched.run where id = $1::uuid"};
/* run, names, where, pools, held, targets or null = all (a rerun chooses) → state, jobs, pool. Its
 * "device" comes of place and pool: two runs never look at one stretch at the same time, and a run
 * says what is new since the last one. */
const struct db_sql SQL_OPEN_SLICES = {"open_slices",
	"with base as (select uuid_send(sched.uuid7()) as b),"
	" s as materialized (select x.*, md5(x.pool || ' ' || x.place)::uuid as device"
	"  from unnest($2::text[], $3::text[], $4::text[]) x(name, place, pool)),"
	" ins as (insert into sched.job (id, run, device, state, cause, pool, family, created_at,"
	"   device_name, address, type, via)"
	"  select " SQL_JOB_ID ", $1::uuid, s.device, case when $5 then 1 else 2 end, 0, s.pool,"
	"   'discovery', statement_timestamp(), s.name, s.place, 1, '' from s cross join base"
	"  where $6::uuid[] is null or s.device = any ($6::uuid[])"
	"  on conflict do nothing"
	"  returning id, state, cause, pool, family, device)," SQL_OPEN_QUEUES};

/* worker, job, attempt, JSON array of struct candidate: only of a job that this worker has → how
 * many */
const struct db_sql SQL_CANDIDATES_FOUND = {"candidates_found",
	"select fleet.candidates_found($4::jsonb, a.run) from sched.active a where a.job = $2::uuid"
	" and a.attempt = $3::int and a.worker = $1::uuid and a.state in (4, 5)"};

/* ---- candidates ---- */

#define CANDIDATE_COLUMNS                                                                          \
	"d.id, d.address, d.ports::text, d.name, d.vendor, d.family, d.model, d.serial, d.mac,"    \
	" d.device_uuid, d.location, d.description, d.object_id, d.firmware, d.printer,"           \
	" to_json(d.found_by)::text, to_json(d.services)::text, d.credential, d.simulated,"        \
	" d.pool, d.site, d.state, d.device, d.device_name, d.device_address, d.run,"              \
	" d.first_seen, d.last_seen, d.seen, d.version, d.ignored_why, d.ipp_path, d.tls_pin"

const char SQL_CANDIDATE_LIST[] =
	"select " CANDIDATE_COLUMNS ", count(*) over () from fleet.candidate_now d ";
#define BY_REF                                                                                     \
	" where d.id = any (array(select i.id from fleet.candidate i where i.id = $1::uuid"        \
	" union all select i.id from fleet.candidate i where i.address = $2::text limit 2))"
/* id, address */
const struct db_sql SQL_CANDIDATE_GET = {
	"candidate_get", "select " CANDIDATE_COLUMNS " from fleet.candidate_now d" BY_REF};
const struct db_sql SQL_CANDIDATE_LOCK = {
	"candidate_lock", "select d.id from fleet.candidate d" BY_REF " for update"};
/* id, why */
const struct db_sql SQL_CANDIDATE_IGNORE = {"candidate_ignore",
	"update fleet.candidate set state = 4, ignored_why = coalesce($2, ''),"
	" version = version + 1 where id = $1::uuid"};
/* id, device: if it was made */
const struct db_sql SQL_CANDIDATE_ENROLLED = {"candidate_enrolled",
	"update fleet.candidate set state = 5, device = $2::uuid, ignored_why = '',"
	" version = version + 1 where id = $1::uuid and exists (select from fleet.device d"
	" where d.id = $2::uuid)"};

const struct filter_field FILTER_CANDIDATES[] = {
	{"address", FILTER_ADDRESS, NULL, "d.address"},
	{"name", FILTER_STRING, NULL, "d.name"},
	{"vendor", FILTER_STRING, NULL, "d.vendor"},
	{"family", FILTER_STRING, NULL, "d.family"},
	{"model", FILTER_STRING, NULL, "d.model"},
	{"serial", FILTER_STRING, NULL, "d.serial"},
	{"mac", FILTER_STRING, NULL, "d.mac"},
	{"device_uuid", FILTER_STRING, NULL, "d.device_uuid"},
	{"location", FILTER_STRING, NULL, "d.location"},
	{"description", FILTER_STRING, NULL, "d.description"},
	{"site", FILTER_STRING, NULL, "d.site"},
	{"pool", FILTER_STRING, NULL, "d.pool"},
	{"printer", FILTER_BOOL, NULL, "d.printer"},
	{"simulated", FILTER_BOOL, NULL, "d.simulated"},
	{"found_by", FILTER_STRING, NULL, "array_to_string(d.found_by, ' ')"},
	{"services", FILTER_STRING, NULL, "array_to_string(d.services, ' ')"},
	{"state", FILTER_WORD, candidate_state_words, "d.state"},
	{"run", FILTER_STRING, NULL, "coalesce(d.run::text, '')"},
	{"device_name", FILTER_STRING, NULL, "coalesce(d.device_name, '')"},
	{"first_seen", FILTER_TIME, NULL, "d.first_seen"},
	{"last_seen", FILTER_TIME, NULL, "d.last_seen"},
	{NULL, FILTER_STRING, NULL, NULL},
};
