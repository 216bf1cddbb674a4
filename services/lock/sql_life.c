// SPDX-License-Identifier: Apache-2.0
/* Statements beside the ledger: renewal, what is due, profiles, lists for people. */
#include <string.h>

#include "services/lock/sql_write.h"

/* Rows are made on first use, always in ascending order: two instances never wait in a circle. */
const struct db_sql sql_add_devices = {"add_devices",
	"insert into lock.device (device_id) select id from unnest($1::uuid[]) u(id) order by id"
	" on conflict do nothing"};

const struct db_sql sql_clock = {"watch_clock",
	"select (extract(epoch from clock_timestamp()) * 1000)::bigint, lock.timeline()"};

/* lock.held is read whole, once, for no index may know when a lease ends; and through its key:
 * there the rows that are gone are skipped, however many there were. */
const struct db_sql sql_due = {"due_devices",
	"with c as materialized (select clock_timestamp() as now)"
	" select device_id from lock.held, c"
	" where device_id >= '00000000-0000-0000-0000-000000000000'"
	" and (state = 2 and expires_at <= now and lease_ms <= $2::bigint"
	"  or state in (3, 4) and quarantine_until <= now"
	"   and quarantine_until - quarantined_at <= $2 * interval '1 ms'"
	"   and (clear or probe = 3 or probe = 2 and failed_probes > 1)"
	"  or state = 3 and quarantined_at + quarantine_max_ms * interval '1 ms' <= now)"
	" union select w.device_id from c, lock.request r join lock.waiting w on w.request = r.id"
	" where r.state = 1 and (r.wait_until <= now"
	"  or r.asked_at + $1::bigint * interval '1 ms' <= now)"
	" order by 1 limit 1000"};

/* The clock stands in subqueries: an index is not asked for what may change from row to row. */
#define NOW "(select clock_timestamp())"
const struct db_sql sql_purge = {"purge",
	"with r as (delete from lock.request where id = any(array(select id from lock.request"
	"  where asked_at < " NOW " - interval '24 hours'"
	"  and ended_at < " NOW " - interval '24 hours' limit 100000))),"
	" s as (delete from lock.shadow where until < " NOW " - interval '1 minute')"
	" delete from lock.history where ctid = any(array(select ctid from lock.history"
	"  where at < " NOW " - interval '30 days' limit 100000))"};
#undef NOW

/* ---- renewal: the device rows are ours before anything is prolonged (I4) ---- */

static const struct db_sql renew = {"renew",
	"update lock.held h"
	" set expires_at = clock_timestamp() + h.lease_ms * interval '1 ms'"
	" from unnest($1::uuid[], $2::uuid[], $3::bigint[]) u(session, request, token)"
	" join lock.request r on r.id = u.request and r.session = u.session"
	"  and r.first_token = u.token and r.state = 2,"
	" unnest(r.devices) d(id)"
	" where h.device_id = d.id and h.request = r.id and h.state = 2"
	" and clock_timestamp() < h.granted_at + h.max_hold_ms * interval '1 ms'"
	" returning u.session, u.request, u.token, h.lease_ms"};

void sql_locks(struct db_args *a, const struct sql_lock *locks, size_t n)
{
#define EACH for (size_t i = 0; i < n; i++)
	COLUMN(a, EACH, true, db_uuid(a, &locks[i].session));
	COLUMN(a, EACH, true, db_uuid(a, &locks[i].request));
	COLUMN(a, EACH, true, db_int(a, (int64_t)locks[i].token));
#undef EACH
}

void sql_renew(struct txn *t, const struct uuid *requests, const struct sql_lock *locks, size_t n)
{
	const struct sql_keys keys = {.requests = requests, .requests_n = n};

	sql_lock_rows(t, &keys);
	sql_locks(db_add(t, &renew), locks, n);
}

uint64_t sql_renewed(const struct db_result *r, int row, struct sql_lock *ret)
{
	*ret = (struct sql_lock){
		db_get_uuid(r, row, 0), db_get_uuid(r, row, 1), (uint64_t)db_get_int(r, row, 2)};
	return (uint64_t)db_get_int(r, row, 3);
}

/* ---- profiles ---- */

const struct db_sql sql_profiles = {"profiles",
	"select name, revision, strict, shared_export, probe, quarantine_ms, quarantine_max_ms,"
	" max_hold_ms, shadow_ttl_ms, window_required, window_at_start,"
	" array_to_string(denied, ',') from lock.profile order by name, revision"};
const struct db_sql sql_profile_cells = {"profile_cells",
	"select name, revision, op, run_during_import_export, import_export_during_run,"
	" effect_on_operation, effect_on_import_export from lock.profile_cell"};
/* $1 name, $2 the member `lock` of its file. What is there of that revision stays as it is. */
const struct db_sql sql_put_family = {"put_family",
	"with given as (select $1::text as name, x.* from jsonb_to_record($2::jsonb) x(revision "
	"int,"
	" strict boolean, shared_export boolean, probe text, quarantine_ms int,"
	" quarantine_max_ms int, max_hold_ms int, shadow_ttl_ms int, window_required boolean,"
	" window_at_start boolean, denied jsonb)),"
	" put as (insert into lock.profile (name, revision, strict, shared_export, probe,"
	" quarantine_ms, quarantine_max_ms, max_hold_ms, shadow_ttl_ms, window_required,"
	" window_at_start, denied) select name, revision, coalesce(strict, false),"
	" coalesce(shared_export, false),"
	" array_position(array['required', 'best_effort', 'none'], coalesce(probe, 'required')),"
	" coalesce(quarantine_ms, 60000), coalesce(quarantine_max_ms, 900000),"
	" coalesce(max_hold_ms, 3600000), coalesce(shadow_ttl_ms, 15000),"
	" coalesce(window_required, true), coalesce(window_at_start, false),"
	" array(select jsonb_array_elements_text(coalesce(denied, '[]'))) from given"
	" on conflict do nothing returning name, revision)"
	" insert into lock.profile_cell (name, revision, op, run_during_import_export,"
	" import_export_during_run, effect_on_operation, effect_on_import_export)"
	" select put.name, put.revision, o.key, c.* from put,"
	" jsonb_each(coalesce($2::jsonb -> 'operations', '{}')) o,"
	" jsonb_to_record(o.value) c(run_during_import_export text, import_export_during_run text,"
	" effect_on_operation text, effect_on_import_export text)"};

static uint32_t denied_ops(const char *list)
{
	uint32_t bits = 0;
	char op[64];

	while (*list != '\0') {
		size_t n = strcspn(list, ",");
		if (n < sizeof(op)) {
			memcpy(op, list, n);
			op[n] = '\0';
			bits |= UINT32_C(1) << op_find(op);
		}
		list += n + (list[n] == ',');
	}
	return bits & ~UINT32_C(1);
}

void sql_profile_row(const struct db_result *r, int row, struct lock_profile *p, struct arena *a)
{
	lock_profile_generic(p);
	p->name = arena_strdup(a, db_get_text(r, row, 0));
	p->revision = (uint32_t)db_get_int(r, row, 1);
	p->strict = db_get_bool(r, row, 2);
	p->shared_export = db_get_bool(r, row, 3);
	p->probe = (enum lock_probe)db_get_int(r, row, 4);
	p->quarantine_ms = (uint32_t)db_get_int(r, row, 5);
	p->quarantine_max_ms = (uint32_t)db_get_int(r, row, 6);
	p->max_hold_ms = (uint32_t)db_get_int(r, row, 7);
	p->shadow_ttl_ms = (uint32_t)db_get_int(r, row, 8);
	p->window_required = db_get_bool(r, row, 9);
	p->window_at_start = db_get_bool(r, row, 10);
	p->denied = denied_ops(db_get_text(r, row, 11));
}

static void set_cell(enum matrix_cell *cell, const char *word)
{
	if (strcmp(word, "yes") == 0)
		*cell = MATRIX_CELL_YES;
	else if (strcmp(word, "no") == 0)
		*cell = MATRIX_CELL_NO;
	else if (strcmp(word, "partial") == 0)
		*cell = MATRIX_CELL_PARTIAL;
}

static void set_effect(enum matrix_effect *effect, const char *word)
{
	static const char *const words[] = {[MATRIX_EFFECT_NONE] = "none",
		[MATRIX_EFFECT_BLOCK] = "block",
		[MATRIX_EFFECT_PAUSE] = "pause",
		[MATRIX_EFFECT_DEFER] = "defer",
		[MATRIX_EFFECT_REFUSE] = "refuse",
		[MATRIX_EFFECT_REFUSE_ITEMS] = "refuse_items"};

	for (unsigned i = 0; i < array_len(words); i++)
		if (strcmp(words[i], word) == 0)
			*effect = (enum matrix_effect)i;
}

void sql_profile_cell(const struct db_result *r, int row, struct lock_profile *p)
{
	unsigned op = op_find(db_get_text(r, row, 2));

	if (strcmp(p->name, db_get_text(r, row, 0)) != 0 ||
		p->revision != (uint32_t)db_get_int(r, row, 1) || op == OP_UNKNOWN)
		return;
	set_cell(&p->cells[op].during_ie, db_get_text(r, row, 3));
	set_cell(&p->cells[op].beside, db_get_text(r, row, 4));
	set_effect(&p->cells[op].on_op, db_get_text(r, row, 5));
	set_effect(&p->cells[op].on_ie, db_get_text(r, row, 6));
}

/* ---- for people ---- */

#define ENTRY                                                                                      \
	"select device_id, request, kind, op, direction, state, token, session, job, items, "      \
	"since,"                                                                                   \
	" (extract(epoch from until - clock_timestamp()) * 1000)::bigint, ticket, holder from "    \
	"lock.entry"

const struct db_sql sql_list = {"list_locks", ENTRY
	" where ($1::uuid is null or device_id = $1) and ($2::smallint = 0 or state = $2)"
	" and ($5::text is null or device_id in (select fleet.scope_devices($5)))"
	" order by since desc, device_id, class, ticket, op offset $3::bigint limit $4::bigint"};
const struct db_sql sql_get = {"get_lock",
	ENTRY " where request = $1 and ($2::text is null"
	      " or device_id in (select fleet.scope_devices($2))) order by device_id, class"};
const struct db_sql sql_in_scope = {"lock_in_scope",
	"select coalesce(bool_and($4::text is null or fleet.in_scope(x.id, $4)), true),"
	" coalesce(bool_and(fleet.in_scope(x.id, $3)), true) from (select unnest($1::uuid[]) as id"
	"  union select unnest(r.devices) from lock.request r where r.id = any ($2::uuid[])) x"};

static const char *const *split_items(const char *list, struct arena *arena, size_t *ret_n)
{
	const char **items = arena_array(arena, LOCK_ITEMS_MAX, sizeof(*items));
	size_t n = 0;

	bug_if(!items);
	while (*list != '\0' && n < LOCK_ITEMS_MAX) {
		size_t len = strcspn(list, ",");
		items[n++] = arena_strndup(arena, list, len);
		list += len + (list[len] == ',');
	}
	*ret_n = n;
	return items;
}

struct m_lock sql_lock_row(const struct db_result *r, int row, struct arena *arena)
{
	int64_t left = db_get_int(r, row, 11);
	struct m_lock lock = {
		.device = db_get_uuid(r, row, 0),
		.request = db_get_uuid(r, row, 1),
		.kind = (enum lock_kind)db_get_int(r, row, 2),
		.op = arena_strdup(arena, db_get_text(r, row, 3)),
		.direction = (enum lock_direction)db_get_int(r, row, 4),
		.state = (enum lock_state)db_get_int(r, row, 5),
		.token = (uint64_t)db_get_int(r, row, 6),
		.session = db_get_uuid(r, row, 7),
		.job = db_get_uuid(r, row, 8),
		.since = db_get_time_ms(r, row, 10),
		.remaining_ms = left > 0 ? (uint64_t)left : 0,
		.ticket = (uint64_t)db_get_int(r, row, 12),
		.holder = arena_strdup(arena, db_get_text(r, row, 13)),
	};

	lock.items = split_items(db_get_text(r, row, 9), arena, &lock.items_n);
	return lock;
}
