// SPDX-License-Identifier: Apache-2.0
/* SQL of the index of books; the functions are in schemas/sql/0031_store_books.sql. */
#include "services/storage/sql_book.h"

#include <string.h>

#include "services/storage/sql.h"

static const struct db_sql CLAIM = {
	"store_book_claim", "select version_id, tries from store.book_claim($1, $2, $3)"};
static const struct db_sql BEGIN = {"store_book_begin", "select store.book_begin($1)"};
static const struct db_sql COMPARE = {"store_book_compare",
	"select ord, entry_id, gone from store.book_compare($1, $2, $3, $4, $5)"};
static const struct db_sql CONTENTS = {
	"store_book_contents", "select store.book_put_entries($1, $2, $3, $4, $5)"};
static const struct db_sql WORDS = {
	"store_book_words", "select store.book_put_words($1, $2, $3, $4, $5)"};
static const struct db_sql PRESENCE = {
	"store_book_presence", "select store.book_put_presence($1, $2, $3, $4, $5, $6)"};
static const struct db_sql LISTS = {
	"store_book_lists", "select store.book_put_lists($1, $2, $3, $4, $5)"};
static const struct db_sql DONE = {
	"store_book_done", "select store.book_done($1, $2, $3, $4, $5, $6, $7, $8)"};
static const struct db_sql REINDEX = {
	"store_book_reindex", "select last, versions from store.book_reindex($1, $2, 20, $3)"};
static const struct db_sql SWEEP = {"store_book_sweep", "select store.book_sweep($1, $2, 2000)"};
static const struct db_sql WAITING = {"store_book_waiting",
	"select count(*) from (select 1 from store.book_queue where tenant_id = $1 limit 100000) "
	"q"};

#define EPOCH "timestamptz 'epoch'"
#define NOW "timestamptz '294276-12-31'" /* later than any but infinity */
static const struct db_sql SEARCH = {"store_book_search",
	"select s.part, s.entry_id, case when s.until_at = 'infinity' then 9223372036854775807"
	" else (extract(epoch from s.until_at) * 1000000)::bigint end, s.id, s.word,"
	" p.device_id, d.name, d.site, p.slot, l.name, p.number, p.key, e.name, e.record,"
	" p.since_at, p.since_gen, nullif(p.until_at, 'infinity'), v.id, v.run_id, u.id, u.run_id,"
	" p.since_gen = (select min(b.generation) from store.book b"
	"   where b.device_id = p.device_id and b.state = 'indexed'),"
	" (select count(*) from (select 1 from store.book_queue where tenant_id = $1 limit 1000) q)"
	" from store.book_search($1, $2, $3, $4, $5, case when $17::text is null then $6::uuid[]"
	"   else array(select x from fleet.scope_devices($17) x where $6::uuid[] is null"
	"    or x = any ($6) order by x) end, $7,"
	"   coalesce($8::timestamptz, " NOW
	"), coalesce($9::timestamptz, 'infinity'), $10, $11, $12,"
	"   case when $13::bigint = 9223372036854775807 then timestamptz 'infinity'"
	"     else " EPOCH " + $13::bigint * interval '1 microsecond' end, $14, $15, $16)"
	" with ordinality as s(part, word, entry_id, until_at, id, ord)"
	" left join store.book_presence p on p.id = s.id"
	" left join store.book_device d on d.device_id = p.device_id"
	" left join store.book_entry e on e.id = p.entry_id"
	" left join store.book_list l on l.device_id = p.device_id and l.slot = p.slot"
	" left join store.version v on v.device_id = p.device_id and v.kind = 'address_book'"
	"   and v.generation = p.since_gen and v.state <> 'failed'"
	" left join store.version u on u.device_id = p.device_id and u.kind = 'address_book'"
	"   and u.generation = p.until_gen and u.state <> 'failed'"
	" order by s.ord"};

/* ---- reading versions into the index ---- */

static void fill_claim(struct db_args *a, void *arg)
{
	const unsigned *n = arg;
	db_uuid(a, &app.tenant);
	db_int(a, *n);
	db_int(a, (int64_t)app.config->book_claim_ms);
}

void sql_book_claim(unsigned *n, db_fn fn)
{
	db_query(app.service->db, &CLAIM, fill_claim, fn, n);
}

void sql_add_book_begin(struct txn *t, const struct uuid *version)
{
	db_uuid(db_add(t, &BEGIN), version);
}

/* Appends one array parameter with an element for each of n. */
#define ARRAY(a, n, call)                                                                          \
	do {                                                                                       \
		db_array(a);                                                                       \
		for (size_t i = 0; i < (n); i++)                                                   \
			call;                                                                      \
		db_array_end(a);                                                                   \
	} while (0)

static struct span hash_of(const struct book_row *r)
{
	return (struct span){r->hash, sizeof(r->hash)};
}

void sql_add_book_compare(
	struct txn *t, const struct uuid *version, const struct book_row *rows, size_t n)
{
	struct db_args *a = db_add(t, &COMPARE);
	db_uuid(a, version);
	ARRAY(a, n, db_text(a, rows[i].slot));
	ARRAY(a, n, db_text(a, rows[i].key));
	ARRAY(a, n, db_int(a, rows[i].number));
	ARRAY(a, n, db_bytes(a, hash_of(&rows[i])));
}

void sql_add_book_contents(struct txn *t, const struct book_content *contents, size_t n)
{
	struct db_args *a = db_add(t, &CONTENTS);
	db_uuid(a, &app.tenant);
	ARRAY(a, n, db_bytes(a, hash_of(contents[i].row)));
	ARRAY(a, n, db_int(a, contents[i].kinds));
	ARRAY(a, n, db_text(a, contents[i].name));
	ARRAY(a, n, db_text(a, contents[i].record));
}

void sql_add_book_words(struct txn *t, const struct book_content *contents, size_t n,
	const struct book_word *words, size_t words_n)
{
	struct db_args *a = db_add(t, &WORDS);
	db_uuid(a, &app.tenant);
	ARRAY(a, n, db_bytes(a, hash_of(contents[i].row)));
	ARRAY(a, words_n, db_int(a, (int64_t)words[i].of + 1));
	ARRAY(a, words_n, db_int(a, words[i].kind));
	ARRAY(a, words_n, db_text(a, words[i].word));
}

void sql_add_book_presence(struct txn *t, const struct uuid *version, const int64_t *gone,
	size_t gone_n, const struct book_row *const *opened, size_t opened_n)
{
	struct db_args *a = db_add(t, &PRESENCE);
	db_uuid(a, version);
	ARRAY(a, gone_n, db_int(a, gone[i]));
	ARRAY(a, opened_n, db_text(a, opened[i]->slot));
	ARRAY(a, opened_n, db_text(a, opened[i]->key));
	ARRAY(a, opened_n, db_int(a, opened[i]->number));
	ARRAY(a, opened_n, db_bytes(a, hash_of(opened[i])));
}

void sql_add_book_lists(struct txn *t, const struct uuid *version, const struct book *b)
{
	struct db_args *a = db_add(t, &LISTS);
	db_uuid(a, version);
	ARRAY(a, b->n_lists, db_text(a, b->list[i].slot));
	ARRAY(a, b->n_lists, db_text(a, list_kind_name(b->list[i].kind)));
	ARRAY(a, b->n_lists, db_text(a, b->list[i].name));
	ARRAY(a, b->n_lists, db_int(a, b->list[i].n_entries));
}

void sql_add_book_done(struct txn *t, const struct uuid *version, const struct book_outcome *o)
{
	static const struct m_book_fault none = {.item = ""};
	const struct m_book_fault *f = o->fault == NULL ? &none : o->fault;
	const size_t counts[] = {o->lists, o->entries, o->opened, o->closed};
	const uint64_t numbers[] = {f->code, f->line, f->column};
	const char *const words[] = {f->item, f->where, f->reason, f->text};
	const char *const device[] = {o->device_name, o->site, o->model};
	struct db_args *a = db_add(t, &DONE);
	db_uuid(a, version);
	db_text(a, o->state);
	db_bytes(a, (struct span){o->hash, o->hash == NULL ? 0 : 32});
	ARRAY(a, array_len(counts), db_int(a, (int64_t)counts[i]));
	db_int(a, (int64_t)o->faults);
	ARRAY(a, array_len(numbers), db_int(a, (int64_t)numbers[i]));
	ARRAY(a, array_len(words), db_text(a, words[i]));
	ARRAY(a, array_len(device), db_text(a, device[i]));
}

static void fill_reindex(struct db_args *a, void *arg)
{
	static const char nil[] = "00000000-0000-0000-0000-000000000000";
	const struct sql_reindex *r = arg;
	db_uuid(a, &app.tenant);
	if (uuid_is_nil(&r->after))
		db_text(a, nil);
	else
		db_uuid(a, &r->after);
	db_bool(a, !r->drop);
}

void sql_book_reindex(struct sql_reindex *r, db_fn fn)
{
	db_query(app.service->db, &REINDEX, fill_reindex, fn, r);
}

static void fill_sweep(struct db_args *a, void *arg)
{
	const struct sql_sweep *s = arg;
	db_uuid(a, &app.tenant);
	db_int(a, s->after);
}

void sql_book_sweep(struct sql_sweep *s, db_fn fn)
{
	db_query(app.service->db, &SWEEP, fill_sweep, fn, s);
}

void sql_book_waiting(db_fn fn)
{
	db_query(app.service->db, &WAITING, sql_fill_tenant, fn, NULL);
}

/* ---- asking ---- */

static void fill_time(struct db_args *a, int64_t ms)
{
	if (ms == UNTIL_NOW)
		db_null(a);
	else
		db_time_ms(a, ms);
}

static void fill_search(struct db_args *a, void *arg)
{
	const struct sql_search *s = arg;
	const struct m_entry_search *ask = s->call->body;
	const struct query_range *r = s->query.range;
	db_uuid(a, &app.tenant);
	ARRAY(a, s->query.n, db_int(a, r[i].term));
	ARRAY(a, s->query.n, db_int(a, r[i].kind));
	ARRAY(a, s->query.n, db_text(a, r[i].lo));
	ARRAY(a, s->query.n, db_text(a, r[i].hi));
	if (ask->device_n == 0)
		db_null(a);
	else
		ARRAY(a, ask->device_n, db_uuid(a, &ask->device[i]));
	db_text(a, s->site);
	fill_time(a, s->from_ms);
	fill_time(a, s->to_ms);
	db_int(a, s->at.part);
	db_text(a, s->at.word == NULL ? "" : s->at.word);
	db_int(a, s->at.entry);
	db_int(a, s->at.until_us);
	db_int(a, s->at.id);
	db_int(a, (int64_t)s->limit + 1);
	db_int(a, (int64_t)app.config->search_budget_ms);
	db_text(a, s->call->scope);
}

void sql_book_search(struct sql_search *s, db_fn fn)
{
	db_query(app.service->db, &SEARCH, fill_search, fn, s);
}

void sql_found_read(struct db_result *r, int row, struct sql_found *ret)
{
	*ret = (struct sql_found){.at = {.part = db_get_int(r, row, 0),
					  .entry = db_get_int(r, row, 1),
					  .until_us = db_get_int(r, row, 2),
					  .id = db_get_int(r, row, 3),
					  .word = db_get_text(r, row, 4)},
		.record = db_get_text(r, row, 13)};
	ret->entry = (struct m_found_entry){
		.device = db_get_uuid(r, row, 5),
		.device_name = db_get_text(r, row, 6),
		.site = db_get_text(r, row, 7),
		.list = db_get_text(r, row, 8),
		.list_name = db_get_text(r, row, 9),
		.number = (uint64_t)db_get_int(r, row, 10),
		.key = db_get_text(r, row, 11),
		.name = db_get_text(r, row, 12),
		.since = db_get_time_ms(r, row, 14),
		.since_generation = (uint64_t)db_get_int(r, row, 15),
		.until = db_get_time_ms(r, row, 16),
		.since_version = db_get_uuid(r, row, 17),
		.since_run = db_get_uuid(r, row, 18),
		.until_version = db_get_uuid(r, row, 19),
		.until_run = db_get_uuid(r, row, 20),
		.first = db_get_bool(r, row, 21),
	};
}

uint64_t sql_search_waiting(struct db_result *r)
{
	return db_rows(r) == 0 ? 0 : (uint64_t)db_get_int(r, 0, 22);
}

struct m_book_state *sql_book_state_read(struct db_result *r, int row, int at, struct arena *a)
{
	struct m_book_state *s = arena_alloc(a, sizeof(*s));
	struct m_book_fault *f = arena_alloc(a, sizeof(*f));
	if (s == NULL || f == NULL || db_is_null(r, row, at))
		return NULL;
	*s = (struct m_book_state){.state = db_get_text(r, row, at),
		.at = db_get_time_ms(r, row, at + 1),
		.lists = (uint64_t)db_get_int(r, row, at + 2),
		.entries = (uint64_t)db_get_int(r, row, at + 3),
		.opened = (uint64_t)db_get_int(r, row, at + 4),
		.closed = (uint64_t)db_get_int(r, row, at + 5),
		.faults = (uint64_t)db_get_int(r, row, at + 6),
		.hash = db_get_bytes(r, row, at + 7)};
	if (s->faults == 0)
		return s;
	*f = (struct m_book_fault){.code = (uint64_t)db_get_int(r, row, at + 8),
		.item = db_get_text(r, row, at + 9),
		.line = (uint64_t)db_get_int(r, row, at + 10),
		.column = (uint64_t)db_get_int(r, row, at + 11),
		.where = db_get_text(r, row, at + 12),
		.reason = db_get_text(r, row, at + 13),
		.text = db_get_text(r, row, at + 14)};
	s->fault = f;
	return s;
}
