// SPDX-License-Identifier: Apache-2.0
/* All SQL of the sync service. */
#include "services/sync/sql.h"

#define GROUP_COLUMNS                                                                              \
	"g.id, g.name, g.note, g.version, "                                                        \
	"(select count(*) from sync.member m where m.group_id = g.id), "                           \
	"(select m.device_id from sync.member m where m.group_id = g.id and m.role in (2, 4)), "   \
	"g.request "
#define MEMBER_COLUMNS                                                                             \
	"m.device_id, m.device_name, m.role, m.state, m.destination, m.seen_at, m.version, "       \
	"m.group_id, m.request "
/* a group g that has members, all of them within */
#define ALL_IN(scope)                                                                              \
	"coalesce((select bool_and(fleet.in_scope(m.device_id, " scope "))"                        \
	" from sync.member m where m.group_id = g.id), false)"
#define BY_REFERENCE "(g.id = $1::uuid or g.name = $2::text) "

const struct db_sql SQL_GROUP_LIST = {"sync_group_list",
	"select " GROUP_COLUMNS "from sync.sync_group g "
	"where ($1::text is null or g.name > $1::text) and ($3::text is null or " ALL_IN(
		"$3") ") "
		      "order by g.name limit $2::bigint"};

const struct db_sql SQL_IN_SCOPE = {"sync_in_scope",
	"select coalesce(bool_and($5::text is null or " ALL_IN(
		"$5") "), false),"
		      " $3::uuid is null or $5::text is null or fleet.in_scope($3::uuid, $5),"
		      " coalesce(bool_and(" ALL_IN(
			      "$4::text") "), false)"
					  " and ($3::uuid is null or fleet.in_scope($3::uuid, $4))"
					  " from sync.sync_group g where " BY_REFERENCE};

const struct db_sql SQL_GROUP_FIND = {
	"sync_group_find", "select " GROUP_COLUMNS "from sync.sync_group g where " BY_REFERENCE};

const struct db_sql SQL_GROUP_LOCK = {"sync_group_lock",
	"select g.id, g.version, g.request from sync.sync_group g where " BY_REFERENCE
	"for update"};

const struct db_sql SQL_GROUP_INSERT = {"sync_group_insert",
	"insert into sync.sync_group (id, name, note) values ($1, $2, coalesce($3, '')) "
	"on conflict (id) do nothing"};

const struct db_sql SQL_GROUP_UPDATE = {"sync_group_update",
	"update sync.sync_group set name = coalesce($2, name), note = coalesce($3, note), "
	"version = version + 1, request = $4 where id = $1"};

const struct db_sql SQL_GROUP_DELETE = {
	"sync_group_delete", "delete from sync.sync_group where id = $1"};

const struct db_sql SQL_MEMBERS = {"sync_members",
	"select " MEMBER_COLUMNS "from sync.member m join sync.sync_group g on g.id = m.group_id "
	"where " BY_REFERENCE "order by m.device_name, m.device_id"};

const struct db_sql SQL_MEMBER_DEVICE = {
	"sync_member_device", "select " MEMBER_COLUMNS "from sync.member m where m.device_id = $1"};

const struct db_sql SQL_MEMBER_PUT = {"sync_member_put",
	"with back as (delete from sync.departed where device_id = $1) "
	"insert into sync.member as m "
	"(device_id, group_id, device_name, role, state, destination, seen_at, request) "
	"values ($1, $2, coalesce($3, ''), $4, $5, coalesce($6, ''), $7, $8) "
	"on conflict (device_id) do update set device_name = excluded.device_name, "
	"role = excluded.role, state = excluded.state, destination = excluded.destination, "
	"seen_at = excluded.seen_at, request = excluded.request, version = m.version + 1 "
	"where m.group_id = excluded.group_id returning m.version"};

const struct db_sql SQL_MEMBER_REMOVE = {"sync_member_remove",
	"with gone as (delete from sync.member where device_id = $1 returning device_id) "
	"insert into sync.departed (device_id) select device_id from gone "
	"on conflict (device_id) do nothing"};

const struct db_sql SQL_TELL_LIST = {"sync_tell_list",
	"select t.device_id, t.role, t.state, t.destination, t.departed from ("
	"select device_id, role, state, destination, false as departed from sync.member "
	"union all select device_id, 1, 1, '', true from sync.departed) t "
	"where $1::uuid is null or t.device_id > $1::uuid order by t.device_id limit $2::bigint"};

const struct db_sql SQL_TELL_DEPARTED = {
	"sync_tell_departed", "delete from sync.departed where device_id = $1"};
