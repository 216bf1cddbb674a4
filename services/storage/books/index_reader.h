// SPDX-License-Identifier: Apache-2.0
/* A version on its way into the index: what index.c, index_read.c and index_write.c share. It
 * belongs to one step at a time. */
#pragma once

#include "common/book/norm.h"
#include "services/storage/books/book_work.h"
#include "services/storage/books/version_book.h"
#include "services/storage/sql_book.h"

#define PIECE 500 /* contents in one statement */

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

/* ---- index_read.c: on the work pool ---- */

/* From the vault to rows. */
void reader_read(struct reader *r);
/* The next contents that the index has not. */
void reader_contents(struct reader *r);

/* ---- index_write.c ---- */

/* Compares and writes, then reader_end. */
void reader_write(struct reader *r);
void reader_forget_comparison(struct reader *r);

/* ---- index.c ---- */

/* written: its effect is in the index. The queue row decides what was done; what was not is claimed
 * again. */
void reader_end(struct reader *r, bool written);
void reader_failed(struct reader *r, const char *step, const struct fault *f);
