// SPDX-License-Identifier: Apache-2.0
/* SQL of rebuild-catalogue. */
#include "services/storage/sql_rebuild.h"

static const struct db_sql BEGIN = {
	"rebuild_begin", "select why, named from store.rebuild_begin($1, $2, $3, $4)"};
static const struct db_sql VERSION = {"rebuild_version",
	"select store.rebuild_version($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	" $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)"};
static const struct db_sql CHAIN = {"rebuild_chain", "select store.rebuild_chain($1, $2, $3)"};

static const char *const roles[] = {"", "native", "canonical", "meta"};

void sql_add_rebuild_begin(struct txn *t, const struct vault *v, const char *name)
{
	struct db_args *a = db_add(t, &BEGIN);
	db_uuid(a, &v->tenant);
	db_uuid(a, &v->id);
	db_text(a, name);
	db_int(a, VAULT_PROTOCOL);
}

static void add_bytes(struct db_args *a, const uint8_t *p, size_t n)
{
	db_bytes(a, (struct span){p, n});
}

/* Appends one array parameter with an element per item. */
#define EACH_ITEM(a, mv, call)                                                                     \
	do {                                                                                       \
		db_array(a);                                                                       \
		for (size_t n = 0; n < (mv)->m.items_n; n++) {                                     \
			const struct manifest_item *i = &(mv)->m.items[n];                         \
			call;                                                                      \
		}                                                                                  \
		db_array_end(a);                                                                   \
	} while (0)

static void add_items(struct db_args *a, const struct medium_version *mv)
{
	EACH_ITEM(a, mv, db_text(a, i->name));
	EACH_ITEM(a, mv, db_text(a, roles[i->role]));
	EACH_ITEM(a, mv, db_text(a, object_kind_name(i->kind)));
	EACH_ITEM(a, mv, add_bytes(a, i->oid, OID_LEN));
	EACH_ITEM(a, mv, db_int(a, (int64_t)i->incarnation));
	EACH_ITEM(a, mv, add_bytes(a, i->sealed.cipher, SHA256_LEN));
	EACH_ITEM(a, mv, add_bytes(a, i->key, i->key_n));
	EACH_ITEM(a, mv, db_int(a, (int64_t)i->plain_len));
	EACH_ITEM(a, mv, db_int(a, (int64_t)i->sealed.stored_len));
	EACH_ITEM(a, mv, (void)i; db_int(a, (int64_t)mv->entries[n]));
	EACH_ITEM(a, mv, (void)i; db_bool(a, mv->there[n]));
}

void sql_add_rebuild_version(struct txn *t, const struct vault *v, const struct medium_version *mv)
{
	const char *const about[] = {mv->serial, mv->format, mv->family, mv->model, mv->firmware,
		mv->language, mv->charset, mv->device_name};
	const struct manifest *m = &mv->m;
	struct db_args *a = db_add(t, &VERSION);
	db_uuid(a, &v->tenant);
	db_uuid(a, &v->id);
	db_uuid(a, &m->version);
	db_uuid(a, &m->device);
	db_text(a, m->kind);
	db_int(a, (int64_t)m->generation);
	db_uuid(a, &m->run);
	db_int(a, (int64_t)m->token);
	db_uuid(a, &m->request);
	add_bytes(a, m->prev_digest, SHA256_LEN);
	db_bytes(a, buf_span(&mv->text));
	add_bytes(a, mv->digest, SHA256_LEN);
	add_bytes(a, mv->signature, SIGNATURE);
	db_time_ms(a, (int64_t)m->made_ms);
	db_time_ms(a, (int64_t)m->verified_ms);
	db_array(a);
	for (size_t i = 0; i < m->flags_n; i++)
		db_text(a, m->flags[i]);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < array_len(about); i++)
		db_text(a, about[i]);
	db_array_end(a);
	db_uuid(a, &mv->password);
	db_uuid(a, &mv->kek);
	add_bytes(a, mv->erased ? NULL : mv->wrapped_dek, WRAPPED_LEN);
	add_items(a, mv);
}

void sql_add_rebuild_chain(
	struct txn *t, const struct uuid *device, const char *kind, uint64_t token)
{
	struct db_args *a = db_add(t, &CHAIN);
	db_uuid(a, device);
	db_text(a, kind);
	db_int(a, (int64_t)token);
}
