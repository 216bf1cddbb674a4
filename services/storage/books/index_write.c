// SPDX-License-Identifier: Apache-2.0
/* One transaction: what stands on the device by the index is compared with what was read, and the
 * difference is written together with the end of the queue row. */
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/storage/books/index_reader.h"

#define ROWS 5000      /* of presence in one statement */
#define WRITE_TRIES 10 /* of the transaction, when others are in its way */

void reader_forget_comparison(struct reader *r)
{
	free(r->opened);
	free(r->unknown);
	free(r->gone);
	r->opened = r->unknown = NULL;
	r->gone = NULL;
	r->opened_n = r->unknown_n = r->gone_n = r->piece = 0;
}

static void write_failed(struct reader *r, const struct fault *f)
{
	/* 2350x: a content that nobody used was swept away under us */
	if ((db_transient(f) || strncmp(f->reason, "2350", 4) == 0) && ++r->writes < WRITE_TRIES)
		reader_write(r);
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
	log_debug(L("book read into the index"), L_UUID("version", &r->version),
		L_INT("entries", r->rows_n), L_INT("opened", r->opened_n),
		L_INT("closed", r->gone_n), L_INT("faults", r->read.n_faults));
	reader_end(r, true);
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
	if (r->gone_n > 0)
		sql_add_book_presence(r->txn, &r->version, r->gone, r->gone_n, NULL, 0);
	for (size_t at = 0; at < r->opened_n; at += ROWS)
		sql_add_book_presence(r->txn, &r->version, NULL, 0, r->opened + at,
			size_min(ROWS, r->opened_n - at));
	if (r->book != NULL)
		sql_add_book_lists(r->txn, &r->version, r->book);
	add_done(r);
	CRASHPOINT("index.commit");
	db_commit(r->txn, written, r);
}

static void write_piece(void *arg);

static void contents(void *arg)
{
	reader_contents(arg);
}

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
		loop_work(app.service->loop, contents, write_piece, r);
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
	reader_forget_comparison(r);
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
	reader_end(arg, false);
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
		reader_end(r, false);
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
		loop_work(app.service->loop, contents, write_piece, r);
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

void reader_write(struct reader *r)
{
	reader_forget_comparison(r);
	db_begin(app.service->db, begun, r);
}
