// SPDX-License-Identifier: Apache-2.0
/* SQL of the storage service; the functions of schemas/sql/0030_store.sql make the checks. */
#include "services/storage/sql.h"

#include <string.h>

#include "services/storage/sql_book.h"

#define RESERVED_MS ((int64_t)15 * 60 * 1000) /* of a quota, by a stream */

static const struct db_sql BEGIN_VERSION = {"store_begin_version",
	"select verdict, id, generation, entries, bytes_plain, bytes_stored, flags,"
	" case when verdict = '' then store.reserve($9, $3, $1, $2, $10) else '' end"
	" from store.begin_version($1, $2, $3, $4, $5, $6, $7, $8)"};
static const struct db_sql STAGE_VERSION = {"store_stage_version",
	"select verdict, id, generation, entries, bytes_plain, bytes_stored, flags,"
	" prev_generation, prev_digest, now_at from store.stage_version("
	"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"};
static const struct db_sql FIND_OBJECTS = {"store_find_objects",
	"select oid, incarnation, plain_len, stored_len, cipher_digest, version_id, item_no,"
	" wrapped_key, kek_id, wrapped_dek from store.find_objects($1, $2)"};
static const struct db_sql PUT_OBJECTS = {
	"store_put_objects", "select store.put_objects($1, $2, $3, $4, $5, $6, $7)"};
static const struct db_sql COMMIT_VERSION = {"store_commit_version",
	"select store.commit_version($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	" $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"};
static const struct db_sql SIGNED = {"store_signed",
	"update store.version set signed_at = clock_timestamp()"
	" where id = any($1::uuid[]) and signed_at is null"};

#define VERSION_COLUMNS                                                                            \
	"v.id, v.device_id, v.kind, v.generation, v.state, v.run_id, v.job_id, v.token, v.serial," \
	" v.entries, v.bytes_plain, v.bytes_stored, array_to_string(v.flags, ','), v.created_at,"  \
	" v.verified_at, v.committed_at, v.digest, h.version_id is not null, h.last_check_at,"     \
	" v.format, v.note, b.state, b.at, b.lists, b.entries, b.opened, b.closed, b.faults,"      \
	" b.hash, b.fault_code, b.fault_item, b.fault_line, b.fault_column, b.fault_where,"        \
	" b.fault_reason, b.fault_text, v.family, v.model, v.firmware, v.language, v.charset,"     \
	" v.device_name, (select k.password_id from store.version_key k where k.version_id = "     \
	"v.id), v.held_until, coalesce(v.protected_until > clock_timestamp(), false),"             \
	" nullif(v.protected_until, 'infinity'), (select max(d.at) from store.drill d"             \
	" where d.device_id = v.device_id and d.kind = v.kind and d.version_id = v.id"             \
	" and d.outcome = 'equal')"
#define VERSION_FROM                                                                               \
	" from store.version v left join store.head h on h.device_id = v.device_id"                \
	" and h.kind = v.kind and h.version_id = v.id left join store.book b on b.version_id = "   \
	"v.id"

static const struct db_sql LIST = {"store_list",
	"with m as (select v.id" VERSION_FROM " where v.tenant_id = $1"
	" and ($2::uuid is null or v.device_id = $2) and ($3::text is null or v.kind = $3)"
	" and ($4::uuid is null or v.run_id = $4) and (not $5 or h.version_id is not null)"
	" and ($8::text is null or v.device_id in (select fleet.scope_devices($8)))"
	" and v.state in ('committed','condemned','erased'))"
	" select " VERSION_COLUMNS ", (select count(*) from m)" VERSION_FROM
	" where v.id in (select id from m) and ($6::uuid is null or v.id < $6)"
	" order by v.id desc limit $7"};
/* versions, tenant, device or null, scope of what is touched, of what is seen or null → whether all
 * are seen, and may be touched; what is not there is neither */
static const struct db_sql IN_SCOPE = {"store_in_scope",
	"select coalesce(bool_and($5::text is null or coalesce(fleet.in_scope(x.device, $5), "
	"false)), true), coalesce(bool_and(coalesce(fleet.in_scope(x.device, $4), false)), true)"
	" from (select (select v.device_id from store.version v where v.tenant_id = $2"
	"  and v.id = r.id) as device from unnest($1::uuid[]) r(id)"
	"  union all select $3::uuid where $3::uuid is not null) x"};
static const struct db_sql GET = {"store_get",
	"select " VERSION_COLUMNS ", 1" VERSION_FROM " where v.tenant_id = $1 and v.id = $2"};
static const struct db_sql AT = {"store_at",
	"select " VERSION_COLUMNS ", 1" VERSION_FROM " where v.tenant_id = $1"
	" and v.device_id = $2 and v.kind = $3 and v.state in ('committed','condemned')"
	" and not v.flags && array['torn','partial'] and v.committed_at <= coalesce("
	"$4::timestamptz, 'infinity') order by v.generation desc offset $5 limit 1"};
static const struct db_sql HEAD = {"store_head",
	"select " VERSION_COLUMNS ", 1" VERSION_FROM " where v.tenant_id = $1"
	" and v.device_id = $2 and v.kind = 'distribution' and h.version_id is not null"};
static const struct db_sql MANIFEST = {"store_manifest",
	"select v.manifest, v.signature from store.version v where v.tenant_id = $1"
	" and v.id = $2 and v.state in ('committed','condemned')"};
static const struct db_sql DISTRIBUTIONS = {"store_distributions",
	"select " VERSION_COLUMNS ", 1" VERSION_FROM " where v.tenant_id = $1"
	" and v.kind = 'distribution' and h.version_id is not null"
	" and ($2::text is null or v.device_name = $2 or v.device_id::text = lower($2))"
	" and ($3::text is null or v.device_id in (select sched.books_seen($3)))"
	" order by v.device_name, v.id limit 1001"};
static const struct db_sql GET_ITEMS = {"store_get_items",
	"select o.oid, b.incarnation, o.plain_len, b.stored_len, b.cipher_digest, o.version_id,"
	" o.item_no, o.wrapped_key, k.kek_id, k.wrapped_dek, o.item, o.role, o.kind, o.entries"
	" from store.version v join store.version_object o on o.version_id = v.id"
	" join store.object b on b.tenant_id = o.tenant_id and b.oid = o.oid"
	" left join store.version_key k on k.version_id = v.id"
	" where v.tenant_id = $1 and v.id = $2 order by o.item_no"};
static const struct db_sql VAULT_FIND = {
	"store_vault_find", "select id from store.vault where tenant_id = $1 and name = $2"};
static const struct db_sql VAULT_PUT = {"store_vault_put",
	"insert into store.vault as v (id, tenant_id, name, kind, role, min_protocol, protocol,"
	" placement, placement_override, durability, state, last_seen_at)"
	" values ($1, $2, $3, 'dir', 'primary', $4, $4, $5, $6, 'strong', 'ready', "
	"clock_timestamp())"
	" on conflict (id) do update set placement = excluded.placement,"
	" placement_override = excluded.placement_override, state = 'ready',"
	" last_seen_at = clock_timestamp()"};
static const struct db_sql VAULT_LIST = {"store_vault_list",
	"select v.id, v.name, v.kind, v.role, v.state, v.placement, v.placement_override,"
	" v.last_seen_at, c.good, c.newest, c.waiting, c.bad, v.cause, v.detail, v.place,"
	" v.account, v.pin, v.durability, v.passport, v.passport_at, v.sender, v.recipients,"
	" coalesce(v.needs, 0), coalesce(v.has, 0) from "
	"store.vault v cross join "
	"lateral (select"
	" count(*) filter (where state = 'verified') as good, max(verified_at) as newest,"
	" count(*) filter (where state in ('queued','written')) as waiting,"
	" count(*) filter (where state in ('damaged','missing')) as bad"
	" from store.copy where vault_id = v.id) c where v.tenant_id = $1 order by v.name "
	"limit 64"};
static const struct db_sql UNSIGNED = {"store_unsigned",
	"select id, device_id, kind, generation, manifest, signature from store.version"
	" where state = 'committed' and signed_at is null and ($1::uuid is null"
	" and committed_at < clock_timestamp() - interval '10 s' or id = $1)"
	" order by committed_at limit 100"};
static const struct db_sql EXPIRE = {"store_expire",
	"update store.version v set state = 'failed', note = 'abandoned'"
	" where v.state in ('staged','written','verified')"
	" and v.created_at < clock_timestamp() - interval '24 h'"
	" and not exists (select 1 from lock.check(v.device_id, v.token, v.request))"};
static const struct db_sql EXIST = {"store_exist",
	"select id from store.version where id = any($1::uuid[])"
	" and state in ('committed','condemned','erased')"};

static void add_texts(struct db_args *a, const char *const *texts, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, texts[i]);
	db_array_end(a);
}

/* ---- storing ---- */

static void fill_begin(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct m_store_begin *ask = call->body;
	db_uuid(a, &ask->device);
	db_text(a, kind_word(ask->kind));
	db_uuid(a, &ask->run);
	db_int(a, (int64_t)ask->token);
	db_uuid(a, &ask->request);
	db_text(a, ask->op);
	add_texts(a, ask->items, ask->items_n);
	db_bool(a, ask->read_back);
	db_uuid(a, &app.tenant);
	db_int(a, RESERVED_MS);
}

void sql_begin(struct call *call, db_fn fn)
{
	db_query(app.service->db, &BEGIN_VERSION, fill_begin, fn, call);
}

void sql_known_read(struct db_result *r, bool staged, struct sql_known *ret)
{
	*ret = (struct sql_known){.verdict = db_get_text(r, 0, 0)};
	ret->stored.version = db_get_uuid(r, 0, 1);
	ret->stored.generation = (uint64_t)db_get_int(r, 0, 2);
	ret->stored.entries = (uint64_t)db_get_int(r, 0, 3);
	ret->stored.bytes_plain = (uint64_t)db_get_int(r, 0, 4);
	ret->stored.bytes_stored = (uint64_t)db_get_int(r, 0, 5);
	ret->flags = db_get_text(r, 0, 6);
	if (!staged) {
		ret->quota = db_get_text(r, 0, 7);
		return;
	}
	ret->prev_generation = (uint64_t)db_get_int(r, 0, 7);
	ret->prev_digest = db_get_bytes(r, 0, 8);
	ret->now_ms = (uint64_t)db_get_time_ms(r, 0, 9);
}

/* Native items in the order of their names, as the catalogue compares them. */
static size_t natives_by_name(const struct draft *d, const struct item *out[static MANIFEST_ITEMS])
{
	size_t n = 0;
	for (size_t i = 0; i < d->n_items; i++) {
		if (d->items[i]->role != MANIFEST_NATIVE)
			continue;
		size_t at = n++;
		for (; at > 0 && strcmp(out[at - 1]->name, d->items[i]->name) > 0; at--)
			out[at] = out[at - 1];
		out[at] = d->items[i];
	}
	return n;
}

void sql_add_stage(struct txn *t, const struct draft *d, const struct uuid *version)
{
	const struct item *natives[MANIFEST_ITEMS];
	size_t n = natives_by_name(d, natives);
	struct db_args *a = db_add(t, &STAGE_VERSION);
	db_uuid(a, version);
	db_uuid(a, &app.tenant);
	db_uuid(a, &d->ask.device);
	db_text(a, kind_word(d->ask.kind));
	db_uuid(a, &d->ask.run);
	db_uuid(a, &d->ask.job);
	db_int(a, (int64_t)d->ask.attempt);
	db_int(a, (int64_t)d->ask.token);
	db_uuid(a, &d->ask.request);
	db_text(a, d->ask.op);
	add_texts(a, d->ask.items, d->ask.items_n);
	db_text(a, d->ask.serial);
	db_text(a, d->ask.format);
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, natives[i]->name);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_bytes(a, (struct span){natives[i]->oid, OID_LEN});
	db_array_end(a);
	db_bool(a, d->ask.read_back);
	/* what people see in lists: the same stands sealed in the meta item */
	const char *const about[] = {d->ask.family, d->ask.model, d->ask.firmware, d->ask.language,
		d->ask.charset, d->ask.device_name};
	add_texts(a, about, array_len(about));
}

void sql_add_find_objects(struct txn *t, const struct draft *d)
{
	struct db_args *a = db_add(t, &FIND_OBJECTS);
	db_uuid(a, &app.tenant);
	db_array(a);
	for (size_t i = 0; i < d->n_items; i++)
		db_bytes(a, (struct span){d->items[i]->oid, OID_LEN});
	db_array_end(a);
}

void sql_object_read(struct db_result *r, int row, struct sql_object *ret)
{
	*ret = (struct sql_object){
		.oid = db_get_bytes(r, row, 0),
		.incarnation = (uint64_t)db_get_int(r, row, 1),
		.plain_len = (uint64_t)db_get_int(r, row, 2),
		.stored_len = (uint64_t)db_get_int(r, row, 3),
		.cipher = db_get_bytes(r, row, 4),
		.has_key = !db_is_null(r, row, 9),
		.version = db_get_uuid(r, row, 5),
		.item_no = (unsigned)db_get_int(r, row, 6),
		.wrapped_key = db_get_bytes(r, row, 7),
		.kek = db_get_uuid(r, row, 8),
		.wrapped_dek = db_get_bytes(r, row, 9),
	};
	if (ret->oid.n != OID_LEN || ret->cipher.n != SHA256_LEN ||
		ret->wrapped_key.n != WRAPPED_LEN || ret->wrapped_dek.n != WRAPPED_LEN)
		ret->has_key = false;
}

/* One array over the items of drafts that are new to the catalogue. */
enum column { OIDS, INCARNATIONS, KINDS, PLAIN, STORED, CIPHERS };

static void add_column(struct db_args *a, enum column c, struct draft *const *drafts, size_t n)
{
	db_array(a);
	for (size_t k = 0; k < n; k++)
		for (size_t j = 0; j < drafts[k]->n_items; j++) {
			const struct item *i = drafts[k]->items[j];
			if (i->place == PLACE_KNOWN)
				continue;
			switch (c) {
			case OIDS:
				db_bytes(a, (struct span){i->oid, OID_LEN});
				break;
			case INCARNATIONS:
				db_int(a, (int64_t)i->incarnation);
				break;
			case KINDS:
				db_text(a, object_kind_name(i->kind));
				break;
			case PLAIN:
				db_int(a, (int64_t)spool_size(i->plain));
				break;
			case STORED:
				db_int(a, (int64_t)i->sealed.stored_len);
				break;
			case CIPHERS:
				db_bytes(a, (struct span){i->sealed.cipher, SHA256_LEN});
				break;
			}
		}
	db_array_end(a);
}

void sql_add_put_objects(struct txn *t, struct draft *const *drafts, size_t n)
{
	struct db_args *a = db_add(t, &PUT_OBJECTS);
	db_uuid(a, &app.tenant);
	for (int c = OIDS; c <= CIPHERS; c++)
		add_column(a, (enum column)c, drafts, n);
}

/* Appends one array parameter with an element per item. */
#define EACH_ITEM(a, d, call)                                                                      \
	do {                                                                                       \
		db_array(a);                                                                       \
		for (size_t n_ = 0; n_ < (d)->n_items; n_++) {                                     \
			const struct item *i = (d)->items[n_];                                     \
			call;                                                                      \
		}                                                                                  \
		db_array_end(a);                                                                   \
	} while (0)

static void add_items(struct db_args *a, const struct draft *d)
{
	static const char *const roles[] = {"", "native", "canonical", "meta"};
	const struct manifest_item *m = d->sealed_items;
	EACH_ITEM(a, d, db_text(a, i->name));
	EACH_ITEM(a, d, db_text(a, roles[i->role]));
	EACH_ITEM(a, d, db_text(a, object_kind_name(i->kind)));
	EACH_ITEM(a, d, db_bytes(a, (struct span){i->oid, OID_LEN}));
	EACH_ITEM(a, d, db_int(a, (int64_t)i->incarnation));
	EACH_ITEM(a, d, db_int(a, (int64_t)i->replaces));
	EACH_ITEM(a, d, db_bytes(a, (struct span){i->sealed.cipher, SHA256_LEN}));
	EACH_ITEM(a, d, (void)i; db_bytes(a, (struct span){m[n_].key, WRAPPED_LEN}));
	EACH_ITEM(a, d, db_int(a, (int64_t)spool_size(i->plain)));
	EACH_ITEM(a, d, db_int(a, (int64_t)i->sealed.stored_len));
	EACH_ITEM(a, d, db_int(a, (int64_t)i->entries));
}

void sql_add_commit(struct txn *t, const struct draft *d)
{
	struct db_args *a = db_add(t, &COMMIT_VERSION);
	db_uuid(a, &d->version);
	db_uuid(a, &app.vault.id);
	db_bytes(a, buf_span(&d->manifest));
	db_bytes(a, (struct span){d->digest, SHA256_LEN});
	db_bytes(a, (struct span){d->signature, 64});
	db_time_ms(a, (int64_t)d->verified_ms);
	add_texts(a, d->flags, d->n_flags);
	db_int(a, (int64_t)d->result.entries);
	db_int(a, (int64_t)d->result.bytes_plain);
	db_int(a, (int64_t)d->result.bytes_stored);
	db_uuid(a, &app.keys.kek_id);
	db_bytes(a, (struct span){d->wrapped_dek, WRAPPED_LEN});
	db_uuid(a, &d->ask.password_id);
	add_items(a, d);
}

static void fill_ids(struct db_args *a, void *arg)
{
	const struct sql_ids *ids = arg;
	db_array(a);
	for (size_t i = 0; i < ids->n; i++)
		db_uuid(a, &ids->ids[i]);
	db_array_end(a);
}

/* Of what nobody waits for: the next round of recovery repeats it. */
void sql_ignore(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)f;
	(void)arg;
}

/* Only now a passport may name them. */
static void signed_noted(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	app.passport.wanted |= f == NULL;
}

void sql_signed(const struct uuid *ids, size_t n)
{
	struct sql_ids all = {ids, n}; /* read at once */
	db_query(app.service->db, &SIGNED, fill_ids, signed_noted, &all);
}

void sql_exist(struct sql_ids *ids, db_fn fn)
{
	db_query(app.service->db, &EXIST, fill_ids, fn, ids);
}

/* ---- reading ---- */

static void fill_list(struct db_args *a, void *arg)
{
	const struct sql_list_ask *l = arg;
	const struct m_version_list *ask = l->call->body;
	db_uuid(a, &app.tenant);
	db_uuid(a, &ask->device);
	db_text(a, ask->kind == 0 ? NULL : kind_word(ask->kind));
	db_uuid(a, &ask->run);
	db_bool(a, ask->heads);
	db_uuid(a, &l->before);
	db_int(a, (int64_t)l->limit + 1);
	db_text(a, l->call->scope);
}

void sql_list(struct sql_list_ask *ask, db_fn fn)
{
	db_query(app.service->db, &LIST, fill_list, fn, ask);
}

static void fill_in_scope(struct db_args *a, void *arg)
{
	const struct sql_scope *s = arg;
	db_array(a);
	for (size_t i = 0; i < array_len(s->versions); i++)
		if (s->versions[i] != NULL)
			db_uuid(a, s->versions[i]);
	db_array_end(a);
	db_uuid(a, &app.tenant);
	if (s->device == NULL)
		db_null(a);
	else
		db_uuid(a, s->device);
	db_text(a, s->call->scope);
	db_text(a, s->call->sees);
}

void sql_in_scope(struct sql_scope *ask, db_fn fn)
{
	db_query(app.service->db, &IN_SCOPE, fill_in_scope, fn, ask);
}

static void fill_at(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct m_version_at *ask = call->body;
	db_uuid(a, &app.tenant);
	db_uuid(a, &ask->device);
	db_text(a, kind_word(ask->kind));
	db_time_ms(a, ask->at);
	db_int(a, (int64_t)ask->back);
}

void sql_at(struct call *call, db_fn fn)
{
	db_query(app.service->db, &AT, fill_at, fn, call);
}

/* Statements whose callback belongs to somebody else: their arguments are read at once. */
static const struct uuid *head_of; /* or whose manifest it is */
static const char *named, *seen_by;

static void fill_head(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, head_of);
}

void sql_head(const struct uuid *id, void *arg, db_fn fn)
{
	head_of = id;
	db_query(app.service->db, &HEAD, fill_head, fn, arg);
}

void sql_manifest(const struct uuid *id, void *arg, db_fn fn)
{
	head_of = id;
	db_query(app.service->db, &MANIFEST, fill_head, fn, arg);
}

static void fill_named(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_text(a, named);
	db_text(a, seen_by);
}

void sql_distributions(const char *name, const char *scope, void *arg, db_fn fn)
{
	named = name;
	seen_by = scope;
	db_query(app.service->db, &DISTRIBUTIONS, fill_named, fn, arg);
}

void sql_add_get(struct txn *t, const struct uuid *id)
{
	const struct db_sql *const both[] = {&GET, &GET_ITEMS};
	for (size_t i = 0; i < array_len(both); i++) {
		struct db_args *a = db_add(t, both[i]);
		db_uuid(a, &app.tenant);
		db_uuid(a, id);
	}
}

/* "a,b" → a list in the arena. */
size_t sql_flags(const char *list, struct arena *a, const char *const **ret)
{
	const char **flags = arena_array(a, MANIFEST_FLAGS, sizeof(*flags));
	char *rest = arena_strdup(a, list), *word;
	size_t n = 0;
	bug_if(flags == NULL || rest == NULL);
	while (n < MANIFEST_FLAGS && (word = strsep(&rest, ",")) != NULL)
		if (word[0] != 0)
			flags[n++] = word;
	*ret = flags;
	return n;
}

static int state_number(const char *word)
{
	for (const struct msg_enum_word *w = version_state_words; w->word != NULL; w++)
		if (strcmp(w->word, word) == 0)
			return w->number;
	return 0;
}

void sql_version_read(struct db_result *r, int row, struct arena *a, struct m_version *ret)
{
	*ret = (struct m_version){
		.id = db_get_uuid(r, row, 0),
		.device = db_get_uuid(r, row, 1),
		.kind = kind_number(db_get_text(r, row, 2)),
		.generation = (uint64_t)db_get_int(r, row, 3),
		.state = (enum version_state)state_number(db_get_text(r, row, 4)),
		.run = db_get_uuid(r, row, 5),
		.job = db_get_uuid(r, row, 6),
		.token = (uint64_t)db_get_int(r, row, 7),
		.serial = db_get_text(r, row, 8),
		.entries = (uint64_t)db_get_int(r, row, 9),
		.bytes_plain = (uint64_t)db_get_int(r, row, 10),
		.bytes_stored = (uint64_t)db_get_int(r, row, 11),
		.created_at = db_get_time_ms(r, row, 13),
		.verified_at = db_get_time_ms(r, row, 14),
		.committed_at = db_get_time_ms(r, row, 15),
		.digest = db_get_bytes(r, row, 16),
		.head = db_get_bool(r, row, 17),
		.last_check_at = db_get_time_ms(r, row, 18),
		.format = db_get_text(r, row, 19),
		.note = db_get_text(r, row, 20),
		.book = sql_book_state_read(r, row, 21, a),
		.family = db_get_text(r, row, 36),
		.model = db_get_text(r, row, 37),
		.firmware = db_get_text(r, row, 38),
		.language = db_get_text(r, row, 39),
		.charset = db_get_text(r, row, 40),
		.device_name = db_get_text(r, row, 41),
		.password_id = db_get_uuid(r, row, 42),
		.held_until = db_get_time_ms(r, row, 43),
		.protected = db_get_bool(r, row, 44),
		.protected_until = db_get_time_ms(r, row, 45),
		.proven_at = db_get_time_ms(r, row, 46),
	};
	ret->flags_n = sql_flags(db_get_text(r, row, 12), a, &ret->flags);
}

uint64_t sql_list_total(struct db_result *r)
{
	return db_rows(r) == 0 ? 0 : (uint64_t)db_get_int(r, 0, 47);
}

void sql_item_read(struct db_result *r, int row, struct sql_item *ret)
{
	sql_object_read(r, row, &ret->object);
	ret->name = db_get_text(r, row, 10);
	ret->role = db_get_text(r, row, 11);
	ret->kind = db_get_text(r, row, 12);
	ret->entries = (uint64_t)db_get_int(r, row, 13);
}

/* ---- the vault, recovery ---- */

static void fill_vault_name(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_text(a, app.config->vault_name);
}

void sql_vault_find(db_fn fn)
{
	db_query(app.service->db, &VAULT_FIND, fill_vault_name, fn, NULL);
}

static void fill_vault(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.vault.id);
	db_uuid(a, &app.tenant);
	db_text(a, app.vault.name);
	db_int(a, VAULT_PROTOCOL);
	db_text(a, app.placement);
	db_text(a, app.same_disk ? app.config->accept_same_disk : NULL);
}

void sql_vault_put(db_fn fn)
{
	db_query(app.service->db, &VAULT_PUT, fill_vault, fn, NULL);
}

void sql_fill_tenant(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
}

void sql_vault_list(db_fn fn, void *arg)
{
	db_query(app.service->db, &VAULT_LIST, sql_fill_tenant, fn, arg);
}

/* arg begins with the id wanted, nil = all */
static void fill_only(struct db_args *a, void *arg)
{
	db_uuid(a, arg);
}

void sql_unsigned(struct uuid *only, db_fn fn)
{
	db_query(app.service->db, &UNSIGNED, fill_only, fn, only);
}

void sql_expire(void)
{
	db_query(app.service->db, &EXPIRE, NULL, sql_ignore, NULL);
}
