// SPDX-License-Identifier: Apache-2.0
/* Reads committed books into the index (docs/spec/storage.md section 17). The commit left a row in
 * the queue; whoever claims it reads the version from the vault, compares it with what stands on
 * the device by the index, and writes the difference together with the end of the queue row. So a
 * crash at any moment leaves either the row or the effect. Per device in order of generations. */
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/book/norm.h"
#include "common/clock/clock.h"
#include "services/storage/book_work.h"
#include "services/storage/record.h"
#include "services/storage/sql_book.h"
#include "services/storage/version_book.h"

#define READERS 2      /* versions in hand: connections and threads are left to the commits */
#define TRIES_MAX 20   /* claims of one version: then it is taken for one that kills its reader */
#define PIECE 500      /* contents in one statement */
#define WRITE_TRIES 10 /* of the transaction, when others are in its way */

/* A version on its way into the index. */
struct reader {
	struct book_work work;
	struct uuid version;
	int64_t tries;
	unsigned writes;
	bool torn;
	struct stored_item *items;
	size_t items_n;
	/* made on the work pool */
	struct version_book read;
	struct fault fault;
	struct book *book; /* normal */
	struct book_hashes hashes;
	struct book_row *rows;
	size_t rows_n;
	/* from the comparison */
	struct txn *txn;
	const struct book_row **opened, **unknown;
	int64_t *gone;
	size_t opened_n, unknown_n, gone_n;
	size_t piece; /* of unknown, that were sent */
	struct arena arena;
	/* the contents of a piece; made on the work pool */
	struct arena piece_arena;
	struct book_content *contents;
	size_t contents_n;
	struct book_word *words;
	size_t words_n, words_cap;
};

static struct {
	unsigned running, want;
	bool claiming, again;
	uint64_t poll_ms, sweep_ms; /* monotonic: when next */
	struct metric *indexed, *faulty, *waiting;
} ix;

static void claim(void);

/* ---- on the work pool: from the vault to rows ---- */

static int by_identity(const void *a, const void *b)
{
	const struct book_row *x = a, *y = b;
	int c = strcmp(x->slot, y->slot);
	if (c == 0)
		c = strcmp(x->key, y->key);
	return c != 0 ? c : memcmp(x->hash, y->hash, sizeof(x->hash));
}

static void add_row(struct reader *r, const struct book_list *l, const struct book_entry *e)
{
	struct book_hashes h;
	struct book_row *row = &r->rows[r->rows_n++];
	entry_hash(e, NULL, &h);
	*row = (struct book_row){.slot = record_text(&r->arena, l->slot, 64),
		.key = record_text(&r->arena, e->key, 256),
		.number = (int64_t)record_number(e),
		.entry = e};
	memcpy(row->hash, h.pub, sizeof(row->hash));
}

/* What stands twice in one list under one key is one row. */
static void unique_rows(struct reader *r)
{
	size_t kept = 0;
	qsort(r->rows, r->rows_n, sizeof(*r->rows), by_identity);
	for (size_t i = 0; i < r->rows_n; i++)
		if (kept == 0 || by_identity(&r->rows[kept - 1], &r->rows[i]) != 0)
			r->rows[kept++] = r->rows[i];
	r->rows_n = kept;
}

static void make_rows(struct reader *r)
{
	r->book = book_normal_view(r->read.book, NULL);
	book_hash(r->book, NULL, &r->hashes);
	r->rows = mem_alloc((r->book->n_entries + (size_t)1) * sizeof(*r->rows));
	for (uint32_t i = 0; i < r->book->n_lists; i++)
		for (uint32_t k = 0; k < r->book->list[i].n_entries; k++)
			add_row(r, &r->book->list[i], &r->book->list[i].entry[k]);
	unique_rows(r);
}

static void read_work(void *arg)
{
	struct reader *r = arg;
	CRASHPOINT("index.claimed");
	if (version_book_read(r->items, r->items_n, &r->read, &r->fault) < 0)
		return;
	if (r->read.book != NULL && !r->read.broken && !r->torn)
		make_rows(r);
	CRASHPOINT("index.read");
}

/* ---- on the work pool: contents of a piece ---- */

struct wording {
	struct reader *r;
	unsigned of;
};

static void add_word(int kind, const char *word, void *arg)
{
	const struct wording *w = arg;
	struct reader *r = w->r;
	const char *text = arena_strdup(&r->piece_arena, word);
	if (text == NULL)
		return;
	if (r->words_n == r->words_cap) {
		r->words_cap = r->words_cap * 2 + 256;
		r->words = mem_realloc(r->words, r->words_cap * sizeof(*r->words));
	}
	r->words[r->words_n++] = (struct book_word){w->of, kind, text};
}

/* As people may read it in the database; parsed again for an answer. */
static const char *record_json(struct arena *a, const struct book_entry *e)
{
	struct m_entry entry;
	record_content(a, e, RECORD_SMALL, &entry);
	json_t *json = msg_to_json(&m_entry_desc, &entry);
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	const char *kept = text == NULL ? NULL : arena_strdup(a, text);
	free(text);
	json_decref(json);
	return kept == NULL ? "{}" : kept;
}

static void contents_work(void *arg)
{
	struct reader *r = arg;
	arena_reset(&r->piece_arena);
	r->contents_n = size_min(PIECE, r->unknown_n - r->piece);
	r->words_n = 0;
	for (size_t i = 0; i < r->contents_n; i++) {
		const struct book_row *row = r->unknown[r->piece + i];
		struct wording w = {r, (unsigned)i};
		r->contents[i] = (struct book_content){.row = row,
			.kinds = record_kinds(row->entry),
			.name = record_text(&r->piece_arena, entry_name(row->entry), 1024),
			.record = record_json(&r->piece_arena, row->entry)};
		if (record_words(row->entry, add_word, &w) < 0)
			return; /* found by the words it has */
	}
}

/* ---- the end of a reader ---- */

static void forget_comparison(struct reader *r)
{
	free(r->opened);
	free(r->unknown);
	free(r->gone);
	r->opened = r->unknown = NULL;
	r->gone = NULL;
	r->opened_n = r->unknown_n = r->gone_n = r->piece = 0;
}

/* The queue row decides what was done; what was not is claimed again. */
static void reader_end(struct reader *r)
{
	forget_comparison(r);
	book_wipe(r->book);
	book_free(r->book);
	version_book_fini(&r->read);
	arena_fini(&r->arena);
	arena_fini(&r->piece_arena);
	free(r->contents);
	free(r->words);
	free(r->rows);
	free(r->items);
	free(r);
	ix.running--;
	claim();
}

static void reader_failed(struct reader *r, const char *what, const struct fault *f)
{
	log_error(L("book not read into the index"), L_UUID("version", &r->version),
		L_STR("step", what), L_FAULT(f));
	reader_end(r);
}

/* ---- writing ---- */

static void write_begin(struct reader *r);

static void write_failed(struct reader *r, const struct fault *f)
{
	/* 23503: a content that nobody used was swept away under us */
	if ((db_transient(f) || strcmp(f->reason, "23503") == 0) && ++r->writes < WRITE_TRIES)
		write_begin(r);
	else
		reader_failed(r, "write", f);
}

static void written(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct reader *r = arg;
	(void)t;
	(void)res;
	(void)n;
	if (f != NULL) {
		write_failed(r, f);
		return;
	}
	CRASHPOINT("index.written");
	metric_add(r->read.broken ? ix.faulty : ix.indexed, 1);
	log_debug(L("book read into the index"), L_UUID("version", &r->version),
		L_INT("entries", r->rows_n), L_INT("opened", r->opened_n),
		L_INT("closed", r->gone_n), L_INT("faults", r->read.n_faults));
	reader_end(r);
}

static void read_fault(const struct version_fault *from, struct m_book_fault *ret)
{
	*ret = (struct m_book_fault){.item = from->item,
		.code = (uint64_t)from->f.code,
		.warning = from->f.warning,
		.line = from->f.line,
		.column = from->f.column,
		.where = from->f.where,
		.reason = from->f.reason,
		.text = from->f.text};
}

static void add_done(struct reader *r)
{
	struct m_book_fault fault;
	struct book_outcome o = {.state = "indexed",
		.lists = r->book == NULL ? 0 : r->book->n_lists,
		.entries = r->book == NULL ? 0 : r->book->n_entries,
		.hash = r->book == NULL ? NULL : r->hashes.pub,
		.opened = r->opened_n,
		.closed = r->gone_n,
		.faults = r->read.n_faults,
		.device_name = r->read.device_name,
		.site = r->read.site,
		.model = r->read.model};
	if (r->read.n_kept > 0) {
		read_fault(&r->read.fault[0], &fault);
		o.fault = &fault;
	}
	if (r->read.broken)
		o.state = "fault";
	else if (r->torn)
		o.state = "torn";
	else if (r->book == NULL)
		o.state = "opaque";
	sql_add_book_done(r->txn, &r->version, &o);
}

static void write_end(struct reader *r)
{
	if (r->opened_n > 0 || r->gone_n > 0)
		sql_add_book_presence(
			r->txn, &r->version, r->gone, r->gone_n, r->opened, r->opened_n);
	if (r->book != NULL)
		sql_add_book_lists(r->txn, &r->version, r->book);
	add_done(r);
	CRASHPOINT("index.commit");
	db_commit(r->txn, written, r);
}

static void write_piece(void *arg);

static void piece_sent(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct reader *r = arg;
	(void)res;
	(void)n;
	if (f != NULL) {
		write_failed(r, f);
		return;
	}
	r->txn = t;
	r->piece += r->contents_n;
	if (r->piece < r->unknown_n)
		loop_work(app.service->loop, contents_work, write_piece, r);
	else
		write_end(r);
}

static void write_piece(void *arg)
{
	struct reader *r = arg;
	sql_add_book_contents(r->txn, r->contents, r->contents_n);
	sql_add_book_words(r->txn, r->contents, r->contents_n, r->words, r->words_n);
	db_step(r->txn, piece_sent, r);
}

static void take_comparison(struct reader *r, struct db_result *res)
{
	size_t rows = (size_t)db_rows(res);
	forget_comparison(r);
	r->opened = mem_alloc((rows + 1) * sizeof(struct book_row *));
	r->unknown = mem_alloc((rows + 1) * sizeof(struct book_row *));
	r->gone = mem_alloc((rows + 1) * sizeof(*r->gone));
	for (int i = 0; i < (int)rows; i++) {
		size_t ord = (size_t)db_get_int(res, i, 0);
		if (ord == 0 || ord > r->rows_n) {
			r->gone[r->gone_n++] = db_get_int(res, i, 2);
			continue;
		}
		const struct book_row *row = &r->rows[ord - 1];
		r->opened[r->opened_n++] = row;
		if (db_is_null(res, i, 1))
			r->unknown[r->unknown_n++] = row;
	}
}

/* All versions of the device wait again, from the first on. */
static void rebuilt(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)res;
	(void)n;
	(void)f; /* then it is claimed again, and tried again */
	reader_end(arg);
}

static void compared(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct reader *r = arg;
	if (f != NULL) {
		write_failed(r, f);
		return;
	}
	const char *verdict = db_get_text(res[0], 0, 0);
	r->txn = t;
	if (strcmp(verdict, "rebuild") == 0) {
		db_commit(t, rebuilt, r);
	} else if (strcmp(verdict, "go") != 0) {
		db_rollback(t);
		reader_end(r);
	} else if (n == 1) {
		write_end(r);
	} else {
		take_comparison(r, res[1]);
		if (r->unknown_n == 0) {
			write_end(r);
			return;
		}
		if (r->contents == NULL)
			r->contents = mem_alloc(PIECE * sizeof(*r->contents));
		loop_work(app.service->loop, contents_work, write_piece, r);
	}
}

static void begun(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct reader *r = arg;
	(void)res;
	(void)n;
	if (f != NULL) {
		write_failed(r, f);
		return;
	}
	sql_add_book_begin(t, &r->version);
	if (r->book != NULL)
		sql_add_book_compare(t, &r->version, r->rows, r->rows_n);
	db_step(t, compared, r);
}

static void write_begin(struct reader *r)
{
	forget_comparison(r);
	db_begin(app.service->db, begun, r);
}

/* ---- claiming ---- */

static void read_done(void *arg)
{
	struct reader *r = arg;
	if (r->fault.code != 0)
		reader_failed(r, "read", &r->fault); /* the vault may be there again later */
	else
		write_begin(r);
}

static void give_up(struct reader *r)
{
	static struct version_fault fault = {.item = "",
		.f = {.code = CN_CRASH_LIMIT,
			.where = "",
			.reason = "crash_limit",
			.text = "reading it never came to an end"}};
	r->read.fault = &fault;
	r->read.n_faults = r->read.n_kept = 1;
	r->read.broken = true;
	write_begin(r);
}

static void got(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct reader *r = arg;
	struct m_version v;
	(void)t;
	if (f != NULL) {
		reader_failed(r, "catalogue", f);
		return;
	}
	bug_if(n != 2);
	if (db_rows(res[0]) > 0) {
		sql_version_read(res[0], 0, &r->arena, &v);
		for (size_t i = 0; i < v.flags_n; i++)
			r->torn = r->torn || strcmp(v.flags[i], "torn") == 0;
	}
	r->items_n = (size_t)db_rows(res[1]);
	r->items = mem_alloc((r->items_n + 1) * sizeof(*r->items));
	for (size_t i = 0; i < r->items_n; i++)
		stored_item_read(res[1], (int)i, &r->items[i]);
	if (r->tries > TRIES_MAX) {
		give_up(r);
		return;
	}
	r->work = (struct book_work){.work = read_work,
		.done = read_done,
		.arg = r,
		.bytes = version_book_bytes(r->items, r->items_n)};
	book_work(&r->work);
}

static void get(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct reader *r = arg;
	(void)res;
	(void)n;
	if (f != NULL) {
		reader_failed(r, "catalogue", f);
		return;
	}
	sql_add_get(t, &r->version);
	db_commit(t, got, r);
}

static void reader_start(const struct uuid *version, int64_t tries)
{
	struct reader *r = mem_alloc(sizeof(*r));
	r->version = *version;
	r->tries = tries;
	arena_init(&r->arena, 0);
	arena_init(&r->piece_arena, 0);
	ix.running++;
	db_begin(app.service->db, get, r);
}

static void claimed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	ix.claiming = false;
	for (int i = 0; f == NULL && i < db_rows(res[0]); i++) {
		struct uuid version = db_get_uuid(res[0], i, 0);
		reader_start(&version, db_get_int(res[0], i, 1));
	}
	if (ix.again && f == NULL)
		claim();
}

static void claim(void)
{
	unsigned most = app.open > 0 ? 1 : READERS; /* storing comes first */
	ix.again = ix.claiming;
	if (ix.claiming || ix.running >= most || !app.config->book_index ||
		app.place_fault.code != 0 || app.service->stopping)
		return;
	ix.claiming = true;
	ix.want = most - ix.running;
	sql_book_claim(&ix.want, claimed);
}

void index_kick(void)
{
	claim();
}

/* ---- once in a while ---- */

static void counted(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (f == NULL)
		metric_set(ix.waiting, db_get_int(res[0], 0, 0));
}

static struct sql_sweep sweep;

static void swept(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (f != NULL || db_is_null(res[0], 0, 0)) {
		sweep.after = 0;
		return;
	}
	sweep.after = db_get_int(res[0], 0, 0);
	sql_book_sweep(&sweep, swept);
}

void index_sweep(void)
{
	if (sweep.after == 0)
		sql_book_sweep(&sweep, swept);
}

void index_tick(uint64_t now_ms)
{
	if (now_ms < ix.poll_ms)
		return;
	ix.poll_ms = now_ms + (uint64_t)app.config->book_poll_ms;
	sql_book_waiting(counted);
	claim();
	if (ix.sweep_ms == 0)
		ix.sweep_ms = now_ms;
	if (now_ms - ix.sweep_ms < INDEX_SWEEP_MS)
		return;
	ix.sweep_ms = now_ms;
	index_sweep();
}

void index_start(void)
{
	ix.indexed = metric_counter(
		"carnet_books_indexed_total", "", "versions whose book was read into the index");
	ix.faulty = metric_counter(
		"carnet_books_faulty_total", "", "versions whose book could not be read");
	ix.waiting = metric_gauge("carnet_books_waiting", "", "versions not yet read");
}
