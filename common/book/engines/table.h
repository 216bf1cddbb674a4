// SPDX-License-Identifier: Apache-2.0
/* Delimited text (CSV, TSV) read row by row without losing a byte: where each cell stands, how it
 * was quoted, what it says. The bytes of all rows, one after the other, are the file (AB-9).
 *
 * Works on bytes: UTF-8, Windows-1252 and Windows-31J, none of whose characters holds a quote, a
 * delimiter or a line end in its bytes. UTF-16 is made UTF-8 first, whole, and back at the end.
 * Memory is one row's, whatever the file. Not thread-safe, pure. */
#pragma once

#include "common/base/ascii.h"
#include "common/base/buf.h"
#include "common/book/book.h"
#include "common/text/charset.h"

struct table_cell {
	struct span raw; /* as it stands, with its quotes */
	bool quoted;
	const char *text; /* NULL = not asked for yet */
	size_t n;         /* bytes of it */
};

/* What is wrong with the row that table_next stopped at. */
struct table_wrong {
	int code;
	const char *reason;
	const char *text;
	size_t offset; /* in the file */
};

struct table {
	struct span file; /* without its byte order mark; borrowed, or the UTF-8 made of UTF-16 */
	enum charset charset; /* of file: never UTF-16 */
	enum charset outside; /* of the file as it came */
	size_t bom;           /* bytes of its mark */
	size_t field_max;     /* bytes of a cell, 64 KiB; the caller may allow more */
	size_t line_max;      /* of a row, 1 MiB */
	char delimiter;
	bool brackets;   /* each cell is written [so]: its text is what stands between */
	bool has_nul;    /* somewhere in the file: rows are looked at */
	bool bad_utf8;   /* the same */
	struct buf wide; /* owner of file when it was UTF-16 */

	/* the row at hand */
	size_t begin, end, next; /* where it begins, where its line end does, what comes after */
	uint32_t line;           /* of its first byte, from 1 */
	uint32_t next_line;
	size_t outside_at, counted; /* of UTF-16: where offset counted of file stood in it */
	struct table_cell cell[BOOK_COLUMNS_MAX];
	uint32_t n;
	struct table_wrong wrong;

	char *scratch; /* texts of this row, NUL-terminated */
	size_t scratch_n, scratch_cap;
	struct buf convert;
};

/* Reads a mark and, if it is UTF-16, converts. charset: when there is no mark. 0, or -1 and
 * t->wrong (CN_CHARSET_ERROR, CN_RESPONSE_TOO_BIG); table_fini in any case. */
int table_init(struct table *t, struct span file, enum charset charset, char delimiter) must_check;
void table_fini(struct table *t);
/* Back to the first row. */
void table_rewind(struct table *t);

/* The next line as a whole, without cells: for what stands before the heading. Then table_again, to
 * read it as a row after all. */
int table_next_line(struct table *t) must_check;
void table_again(struct table *t);
/* 1 and the next row, 0 at the end, -1 and t->wrong; after that table_skip goes to the line after
 * the one where the bad row begins. */
int table_next(struct table *t) must_check;
void table_skip(struct table *t);
/* Has the row no text at all: blank, or nothing but delimiters? */
bool table_row_empty(const struct table *t);
/* What a cell says: UTF-8, unquoted, NUL-terminated, until the next row. NULL: bytes outside the
 * charset or no brackets, and t->wrong. */
const char *table_text(struct table *t, uint32_t cell);
/* The row without its line end. */
struct span table_line(const struct table *t);
struct span table_eol(const struct table *t);

/* Where the row at hand begins in the file as it came. */
size_t table_offset(struct table *t);
/* Line, column and byte of an offset that is not before the row at hand. */
void table_place(const struct table *t, size_t offset, struct book_fault *f);

/* Writes a cell, quoted when asked or when it must be. text is UTF-8. 0, or -1 when the charset
 * has not all of its characters. */
int table_put(struct buf *out, enum charset charset, char delimiter, const char *text,
	bool quoted) must_check;
