// SPDX-License-Identifier: Apache-2.0
/* SQL of keys: rotation, orders to erase. */
#include "services/storage/sql_keys.h"

#include <string.h>

static const struct db_sql REWRAP_NEXT = {"store_rewrap_next",
	"select k.version_id, k.kek_id, k.wrapped_dek, v.device_id, v.kind, v.generation"
	" from store.version v join store.version_key k on k.version_id = v.id"
	" where v.tenant_id = $1 and (k.kek_id < $2 or k.kek_id > $2) and k.wrapped_dek is not null"
	" and ($3::uuid is null or k.version_id > $3) order by k.version_id limit $4"
	" for update of v, k skip locked"};
static const struct db_sql REWRAPPED = {"store_rewrapped",
	"update store.version_key k set kek_id = $1, wrapped_dek = u.w,"
	" rewrapped_at = clock_timestamp() from unnest($2::uuid[], $3::bytea[]) as u(id, w)"
	" where k.version_id = u.id and k.wrapped_dek is not null"};

#define ORDER_COLUMNS                                                                              \
	"o.id, o.device_id, o.version_id, o.reason, o.asked_by, o.asked_at, o.approved_by,"        \
	" o.approved_at, o.executed_at, o.versions,"                                               \
	" (select count(*) from store.copy c join store.version v on v.id = c.version_id"          \
	"  where (v.device_id = o.device_id or v.id = o.version_id)"                               \
	"  and c.state = 'erase_pending'),"                                                        \
	" o.approved_at is null and o.asked_at < clock_timestamp() - interval '7 days'"
static const struct db_sql ERASE_ASK = {
	"store_erase_ask", "select store.erase_ask($1, $2, $3, $4, $5, $6)"};
static const struct db_sql ERASE_APPROVE = {
	"store_erase_approve", "select store.erase_approve($1, $2, $3)"};
static const struct db_sql ERASE_GET = {"store_erase_get",
	"select " ORDER_COLUMNS " from store.erase_order o where o.tenant_id = $1 and o.id = $2"};
static const struct db_sql ERASE_LIST = {"store_erase_list",
	"select " ORDER_COLUMNS " from store.erase_order o where o.tenant_id = $1"
	" order by o.asked_at desc, o.id desc limit 500"};

/* ---- rotation ---- */

void sql_add_rewrap_next(struct txn *t, const struct uuid *after, size_t n)
{
	struct db_args *a = db_add(t, &REWRAP_NEXT);
	db_uuid(a, &app.tenant);
	db_uuid(a, &app.keys.kek_id);
	db_uuid(a, after);
	db_int(a, (int64_t)n);
}

void sql_rewrap_read(struct db_result *r, int row, struct rewrap *ret)
{
	struct span wrapped = db_get_bytes(r, row, 2);
	struct uuid device = db_get_uuid(r, row, 3);
	*ret = (struct rewrap){.version = db_get_uuid(r, row, 0),
		.kek = db_get_uuid(r, row, 1),
		.slot = {.fd = -1}};
	if (wrapped.n == WRAPPED_LEN)
		memcpy(ret->wrapped, wrapped.p, WRAPPED_LEN);
	vault_manifest_name(ret->stone, &device, db_get_text(r, row, 4),
		(uint64_t)db_get_int(r, row, 5), &ret->version, "erased");
}

void sql_add_rewrapped(struct txn *t, const struct rewrap *batch, size_t n)
{
	struct db_args *a = db_add(t, &REWRAPPED);
	db_uuid(a, &app.keys.kek_id);
	db_array(a);
	for (size_t i = 0; i < n; i++)
		if (!batch[i].unknown)
			db_uuid(a, &batch[i].version);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < n; i++)
		if (!batch[i].unknown)
			db_bytes(a, (struct span){batch[i].wrapped, WRAPPED_LEN});
	db_array_end(a);
}

/* ---- orders to erase ---- */

static void fill_ask(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct m_erase_ask *ask = call->body;
	db_uuid(a, &app.tenant);
	db_uuid(a, &call->header.request);
	db_uuid(a, &ask->device);
	db_uuid(a, &ask->version);
	db_text(a, ask->reason);
	db_text(a, call->header.actor);
}

void sql_erase_ask(struct call *call, db_fn fn)
{
	db_query(app.service->db, &ERASE_ASK, fill_ask, fn, call);
}

static void fill_approve(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, &((const struct m_erase_approve *)call->body)->id);
	db_text(a, call->header.actor);
}

void sql_erase_approve(struct call *call, db_fn fn)
{
	db_query(app.pruner, &ERASE_APPROVE, fill_approve, fn, call);
}

static void fill_order(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, call->desc == &m_erase_ask_desc
			   ? &call->header.request
			   : &((const struct m_erase_approve *)call->body)->id);
}

void sql_erase_get(struct call *call, db_fn fn)
{
	db_query(app.service->db, &ERASE_GET, fill_order, fn, call);
}

static void fill_list(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
}

void sql_erase_list(struct call *call, db_fn fn)
{
	db_query(app.service->db, &ERASE_LIST, fill_list, fn, call);
}

void sql_erase_read(struct db_result *r, int row, struct m_erase_order *ret)
{
	*ret = (struct m_erase_order){.id = db_get_uuid(r, row, 0),
		.device = db_get_uuid(r, row, 1),
		.version = db_get_uuid(r, row, 2),
		.reason = db_get_text(r, row, 3),
		.asked_by = db_get_text(r, row, 4),
		.asked_at = db_get_time_ms(r, row, 5),
		.approved_by = db_get_text(r, row, 6),
		.approved_at = db_get_time_ms(r, row, 7),
		.executed_at = db_get_time_ms(r, row, 8),
		.versions = (uint64_t)db_get_int(r, row, 9),
		.keys_left = (uint64_t)db_get_int(r, row, 10),
		.expired = db_get_bool(r, row, 11)};
}
