// SPDX-License-Identifier: Apache-2.0
/* SQL of scopes (fleet.md FL-69); its functions are those of schemas/sql/0060_fleet_scope.sql. */
#include "services/scheduler/sql.h"

/* groups, sites → as asked, then of a group: id, name, kind */
const struct db_sql SQL_SCOPE_FIND = {"scope_find",
	"select x.ref, g.id, g.name, g.kind from unnest($1::text[]) x(ref)"
	" join fleet.device_group g on g.name = x.ref or g.id::text = lower(x.ref)"
	" union all select s.name, null, null, null from fleet.site s where s.name = any "
	"($2::text[])"};
