// SPDX-License-Identifier: Apache-2.0
/* Reads committed books into the index (docs/spec/storage.md section 16). The commit left a row in
 * the queue; whoever claims it reads the version from the vault, compares it with what stands on
 * the device by the index, and writes the difference together with the end of the queue row. So a
 * crash at any moment leaves either the row or the effect. Per device in order of generations. */
#include <stdlib.h>
#include <string.h>

#include "services/storage/books/index_reader.h"

#define READERS 2    /* versions in hand: connections and threads are left to the commits */
#define TRIES_MAX 20 /* claims of one version: then it is taken for one that kills its reader */

static struct {
	unsigned running, want;
	bool claiming, again;
	uint64_t poll_ms, sweep_ms; /* monotonic: when next */
	struct metric *indexed, *faulty, *waiting;
} ix;

static void claim(void);

/* ---- the end of a reader ---- */

void reader_end(struct reader *r, bool written)
{
	if (written)
		metric_add(r->read.broken ? ix.faulty : ix.indexed, 1);
	reader_forget_comparison(r);
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

void reader_failed(struct reader *r, const char *step, const struct fault *f)
{
	log_error(L("book not read into the index"), L_UUID("version", &r->version),
		L_STR("step", step), L_FAULT(f));
	reader_end(r, false);
}

/* ---- claiming ---- */

static void read_version(void *arg)
{
	reader_read(arg);
}

static void read_done(void *arg)
{
	struct reader *r = arg;
	if (r->fault.code != 0)
		reader_failed(r, "read", &r->fault); /* the vault may be there again later */
	else
		reader_write(r);
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
	reader_write(r);
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
	r->work = (struct book_work){.work = read_version,
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
