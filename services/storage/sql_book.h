// SPDX-License-Identifier: Apache-2.0
/* The index of books: schemas/sql/0031_store_books.sql. */
#pragma once

#include "common/book/book.h"
#include "services/storage/books/query.h"
#include "services/storage/storage.h"

/* ---- reading versions into the index ---- */

/* Up to *n versions for us: rows version, tries. fn's arg is n. */
void sql_book_claim(unsigned *n, db_fn fn);

/* An entry of a book as the index compares it. Strings belong to the book. */
struct book_row {
	const char *slot, *key;
	int64_t number; /* 0 = none */
	uint8_t hash[32];
	const struct book_entry *entry; /* normal */
};

/* The verdict (go gone later rebuild), then rows ord entry_id gone: what of these is not there. */
void sql_add_book_begin(struct txn *t, const struct uuid *version);
void sql_add_book_compare(
	struct txn *t, const struct uuid *version, const struct book_row *rows, size_t n);

/* Contents that the index has not, with their words. */
struct book_content {
	const struct book_row *row;
	unsigned kinds;
	const char *name, *record;
};
struct book_word {
	unsigned of; /* index of its content */
	int kind;
	const char *word;
};
void sql_add_book_contents(struct txn *t, const struct book_content *contents, size_t n);
void sql_add_book_words(struct txn *t, const struct book_content *contents, size_t n,
	const struct book_word *words, size_t words_n);
void sql_add_book_presence(struct txn *t, const struct uuid *version, const int64_t *gone,
	size_t gone_n, const struct book_row *const *opened, size_t opened_n);
void sql_add_book_lists(struct txn *t, const struct uuid *version, const struct book *b);

struct book_outcome {
	const char *state;   /* indexed fault opaque torn */
	const uint8_t *hash; /* NULL = none */
	size_t lists, entries, opened, closed, faults;
	const struct m_book_fault *fault; /* NULL = none */
	const char *device_name, *site, *model;
};
void sql_add_book_done(struct txn *t, const struct uuid *version, const struct book_outcome *o);

/* The next devices are read again, or forgotten: last device (NULL = that was all). */
struct sql_reindex {
	struct uuid after;
	bool drop;
};
void sql_book_reindex(struct sql_reindex *r, db_fn fn);
/* Contents that stand nowhere go: the id up to which was looked (NULL = that was all). */
struct sql_sweep {
	int64_t after;
};
void sql_book_sweep(struct sql_sweep *s, db_fn fn);
/* How many wait, at most 100,000. */
void sql_book_waiting(db_fn fn);

/* ---- asking ---- */

/* Where a page of a search ended. */
struct search_at {
	int64_t part, entry, until_us, id; /* part 0 = begin */
	const char *word;
};
#define UNTIL_NOW INT64_MAX /* still there */

struct sql_search {
	struct call *call;
	struct query query;
	const char *site;
	int64_t from_ms, to_ms; /* intervals that end after, begin not after; INT64_MAX = now */
	struct search_at at;
	unsigned limit; /* one row more is asked for */
};
/* fn's arg is the sql_search. */
void sql_book_search(struct sql_search *s, db_fn fn);
struct sql_found {
	struct search_at at; /* at.id 0: stopped here, nothing found; strings of the result */
	struct m_found_entry entry;
	const char *record;
};
void sql_found_read(struct db_result *r, int row, struct sql_found *ret);
/* Versions not yet read, at most 1,000; 0 when nothing was found. */
uint64_t sql_search_waiting(struct db_result *r);
/* Columns of sql_version_read from `at` on; NULL when nobody looked at it yet. */
struct m_book_state *sql_book_state_read(struct db_result *r, int row, int at, struct arena *a);
