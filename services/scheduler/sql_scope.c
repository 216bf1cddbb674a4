// SPDX-License-Identifier: Apache-2.0
/* SQL of scopes (fleet.md FL-69); its functions are those of schemas/sql/0060 and 0068. */
#include "services/scheduler/sql.h"

/* groups, sites → as asked, then of a group: id, name, kind */
const struct db_sql SQL_SCOPE_FIND = {"scope_find",
	"select x.ref, g.id, g.name, g.kind from unnest($1::text[]) x(ref)"
	" join fleet.device_group g on g.name = x.ref or g.id::text = lower(x.ref)"
	" union all select s.name, null, null, null from fleet.site s where s.name = any "
	"($2::text[])"};

/* ---- what a request names: seen, and within what may be touched ----
 * $1 name or id, $2 scope of what is touched, $3 scope of what is seen or null (everything). What
 * is not there is for the handler to say. */

#define IS_ID " ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"
#define THE_ID "case when $1::text" IS_ID " then $1::uuid end"
#define NAMED(table)                                                                               \
	" from " table " i where i.id = " THE_ID                                                   \
	" or (i.name = $1 and not exists (select from " table " n where n.id = " THE_ID "))"
#define BY_ID(table) " from " table " i where i.id = $1::uuid"
#define ANSWER(seen, within, from)                                                                 \
	"select coalesce(bool_and($3::text is null or (" seen ")), true),"                         \
	" coalesce(bool_and(" within "), true)" from
/* $4, $5: serial and family of a device that is made, $6 address of one that is made or moved: not
 * one whose backups are kept, and no address where others see a device. */
#define FREE(serial, family, address)                                                              \
	"(" serial " is null or " family " is null or fleet.backed_up(" serial ", " family         \
	") is null) and fleet.may_stand(null, " address ", $2)"

/* Names of devices are not unique: of several one is looked at among those that are seen; the third
 * column is its id where the name alone would mean others, too. */
const struct db_sql SQL_SCOPE_DEVICE = {"scope_device",
	"select coalesce(bool_or(i.seen), true),"
	" coalesce(bool_and(fleet.in_scope(i.id, $2)) filter (where i.seen), true) and " FREE(
		"$4::text", "$5::text", "$6::text") ", case when count(*) > 1 and"
						    " count(*) filter (where i.seen) = 1 then "
						    "(array_agg(i.id) filter (where i.seen))[1] end"
						    " from (select i.id, $3::text is null or "
						    "fleet.in_scope(i.id, $3) as seen" NAMED(
							    "fleet.device") ") i"};
const struct db_sql SQL_SCOPE_GROUP = {"scope_group",
	ANSWER("i.id in (select fleet.seen_groups($3))", "i.id in (select fleet.seen_groups($2))",
		NAMED("fleet.device_group"))};
/* only what was saved within the scope */
const struct db_sql SQL_SCOPE_OWN_GROUP = {"scope_own_group",
	ANSWER("i.id in (select fleet.seen_groups($3))", "i.id in (select fleet.own_groups($2))",
		NAMED("fleet.device_group"))};
const struct db_sql SQL_SCOPE_TASK = {
	"scope_task", ANSWER("i.id in (select sched.scope_tasks($3))",
			      "i.id in (select sched.scope_tasks($2))", NAMED("sched.task"))};
const struct db_sql SQL_SCOPE_RUN = {"scope_run",
	ANSWER("sched.run_within(i.id, $3)", "sched.run_within(i.id, $2)", BY_ID("sched.run"))};
const struct db_sql SQL_SCOPE_JOB = {
	"scope_job", ANSWER("sched.run_within(i.run, $3) and fleet.in_scope(i.device, $3)",
			     "sched.run_within(i.run, $2) and fleet.in_scope(i.device, $2)",
			     BY_ID("sched.job"))};
const struct db_sql SQL_SCOPE_WINDOW = {"scope_window",
	ANSWER("i.id in (select sched.windows_seen($3))",
		"(select sched.places_within(coalesce(array_agg(w.device), '{}'),"
		" coalesce(array_agg(w.grp), '{}'), coalesce(array_agg(w.site), '{}'),"
		" coalesce(array_agg(w.task), '{}'), $2) from sched.time_window_on w where w.win = "
		"i.id)",
		NAMED("sched.time_window"))};
const struct db_sql SQL_SCOPE_CREDENTIAL = {"scope_credential",
	ANSWER("i.id in (select fleet.credentials_seen($3))",
		"sched.places_within(array[i.device], array[i.grp], array[i.site], '{}', $2)",
		NAMED("fleet.credential"))};
const struct db_sql SQL_SCOPE_SET = {"scope_set",
	ANSWER("i.id in (select sched.sets_seen($3))",
		"sched.places_within(array(select m.device from sched.dist_set_device m"
		" where m.dist_set = i.id), array(select m.grp from sched.dist_set_group m"
		" where m.dist_set = i.id), '{}', '{}', $2)",
		NAMED("sched.dist_set"))};
const struct db_sql SQL_SCOPE_CANDIDATE = {"scope_candidate",
	"select coalesce(bool_and($3::text is null or i.id in (select fleet.candidates_seen($3))),"
	" true), coalesce(bool_and(i.id in (select fleet.candidates_seen($2)) and " FREE(
		"coalesce($4::text, i.serial)", "coalesce($5::text, i.family)",
		"coalesce($6::text, i.address)") "), true) from fleet.candidate i"
						 " where i.id = case when $1::text" IS_ID
						 " then $1::uuid end or i.address = $1"};

/* distribution book, scope or null → whether a set that is seen has it, or everything is */
const struct db_sql SQL_SCOPE_BOOK = {"scope_book",
	"select $2::text is null or $1::uuid is null or exists (select from sched.dist_set d"
	" where d.book = $1 and d.id in (select sched.sets_seen($2)))"};

/* device, site or null, scopes → whether one of them would reach the device there, and does not yet
 */
const struct db_sql SQL_DEVICE_WIDENS = {
	"device_widens", "select fleet.widens($1::uuid, $2, $3::text[])"};

/* group, devices and groups that it shall list too, scope, whether own groups count: by a right
 * that reaches the group, those within must be all of them, else the right would reach further →
 * whether it would */
const struct db_sql SQL_SCOPE_WIDENS = {"scope_widens",
	"with dev as materialized (select x from fleet.scope_devices($4) x)"
	" select ($1::uuid in (select fleet.scope_groups($4)) or ($5 and $1::uuid in (select"
	"  fleet.own_groups($4)))) and (exists (select from"
	"  unnest($2::uuid[]) n where n not in (select x from dev)) or exists (select from"
	"  fleet.groups_below($3::uuid[]) b join fleet.group_device m on m.grp = b.id"
	"  where m.device not in (select x from dev)))"};

/* task, scope of what is touched, of what is seen or null, source or null → targets outside, names
 * of those that are seen, whether the source lies within, and the steps of a batch */
const struct db_sql SQL_SCOPE_TARGETS = {"scope_targets",
	"select count(d.id), coalesce(left(string_agg(d.name, ', ' order by d.name) filter (where"
	"  $3::text is null or d.id in (select fleet.scope_devices($3))), 200), ''),"
	" $4::uuid is null or fleet.in_scope(store.device_of($4), $2),"
	" not exists (select from sched.task b cross join"
	"  jsonb_array_elements_text(b.settings->'steps') s where b.id = $1::uuid"
	"  and s::uuid not in (select sched.scope_tasks($2)))"
	" from (select x.id, x.name from sched.task t cross join unnest(t.saved_list) l(id)"
	"  join fleet.device x on x.id = l.id where t.id = $1::uuid"
	"  and x.id not in (select fleet.scope_devices($2))) d"};

/* run, scope of who starts it */
const struct db_sql SQL_RUN_NARROW = {"run_narrow",
	"update sched.run set scopes = scopes || $2::text where id = $1::uuid"
	" and xmin = pg_current_xact_id()::xid"};

const char SQL_WITHIN_DEVICES[] = "d.id in (select fleet.scope_devices(";
const char SQL_WITHIN_GROUPS[] = "d.id in (select fleet.seen_groups(";
const char SQL_WITHIN_SETS[] = "d.id in (select sched.sets_seen(";
const char SQL_WITHIN_CANDIDATES[] = "d.id in (select fleet.candidates_seen(";
const char SQL_WITHIN_TASKS[] = "d.id in (select sched.scope_tasks(";
