// SPDX-License-Identifier: Apache-2.0
/* Address books that are tables: a row for each entry (or for each of its destinations), columns
 * found by name (AB-11). A format is data: a table of columns, and hooks for the few things that
 * are no column. Reading, writing over a base file and writing anew are here, once for all of them.
 *
 * Writing over a base: the base is read again; entries are matched by list and key; where a column
 * would say the same for the entry of the base and for the new one the cell keeps its bytes, else
 * it is written in its own style (AB-10). A new file is the same over a base without rows. Pure. */
#pragma once

#include "common/base/map.h"
#include "common/book/codec.h"
#include "common/book/engines/table.h"

#define SHEET_LOOK 12

struct sheet;
struct writer;

enum column_flags {
	COLUMN_QUOTED = 1,   /* in rows of our own */
	COLUMN_REQUIRED = 2, /* without it this is not such a file */
	COLUMN_DEFINES = 4,  /* a value here makes the destination exist */
	COLUMN_SECRET = 8,   /* of the destination; field is 0 */
	COLUMN_OWN = 16,     /* the row hook reads it, put writes it: neither field nor extra */
	COLUMN_SWITCH =
		32, /* "1" makes the machine take a block of columns: only ever switched on */
};

/* What a row of the file is about. Its destinations are those from first on. */
struct record {
	struct book_list *list;
	struct book_entry *entry;
	uint32_t first;
	bool again; /* the entry has rows before this one */
};

/* What a row to be written is about. */
struct about {
	const struct book *book;
	const struct book_list *list;
	const struct book_entry *entry;
	const char *scheme; /* of the file's cipher texts, or NULL */
	bool reveal;        /* clear secrets may be said */
	bool picked;        /* only these destinations, else all of the entry */
	const struct book_dest *pick[DEST_KINDS];
};

/* What a column's put is asked for. */
struct saying {
	const struct about *about;
	const struct column *column;
	const struct book_dest *dest; /* of the column's kind, or NULL */
	void *state;                  /* of the format */
	struct buf *text;
};

struct column {
	const char *name;
	enum dest_kind kind; /* whose field; lines of one name, for several kinds, stand together */
	enum book_field field;
	unsigned flags;
	const char *protocol; /* of a DEST_FILE: only this one; NULL = any */
	const char *none;     /* the text that stands for absent; NULL = "" */
	const char *idle;     /* the text in rows without that destination; no extra */
	const char *tag;      /* a tag of this system instead of a field */
	unsigned block;       /* of columns that a row may switch off; 0 = none */
	/* NULL = the field as it stands. true: text is dealt with; false: it is an extra. */
	bool (*get)(
		struct sheet *s, const struct record *r, const struct column *c, const char *text);
	/* The text, in y->text if it must be made; NULL = nothing to say. */
	const char *(*put)(const struct saying *y);
};

struct format {
	const struct column *column;
	size_t n_columns;
	const char *family;
	const char *number, *key;     /* columns that name an entry, or NULL */
	const char *look[SHEET_LOOK]; /* others whose place hooks want to know */
	char delimiter;               /* 0 = comma, semicolon or tab, as the heading has it */
	bool brackets;                /* cells are written [so] */
	bool quote_all;               /* cells of our own, empty ones, too */
	const char *prefix;           /* of columns that are extras in new files, or NULL */
	bool row_per_dest;            /* destinations of one kind have a row each */
	bool one_dest;                /* an entry has one at most */
	bool tags, members;           /* its columns say them */
	const char *yes;              /* of new booleans; no goes with it: "on", "TRUE", "1" */

	/* The charset of the file, -1 after sheet_wrong. NULL = UTF-8, or its mark's. */
	int (*charset)(struct sheet *s);
	/* The name by which a column of the file is known here. NULL = its own. */
	const char *(*rename)(struct sheet *s, const char *name);
	/* For each line before the heading: 1 = this is the heading. NULL = the first line is. */
	int (*preamble)(struct sheet *s, struct span line);
	/* Is the row something else than an entry, kept as it is? NULL = none is. */
	bool (*skip)(struct sheet *s);
	/* For each row that has text: gives r its list and entry (sheet_add), and the destination
	 * where no column defines it. 1, or 0 = not an entry, kept as it is. */
	int (*row)(struct sheet *s, struct record *r);
	void (*done)(struct sheet *s);
	bool (*blank)(const char *text); /* other texts that mean absent */

	/* A file without rows, for a book. */
	void (*fresh)(struct encoder *e, struct buf *out);
	/* Before anything is written. */
	void (*plan)(struct writer *w);
	/* A line before the heading: true when the hook wrote it, or left it out. */
	bool (*line)(struct writer *w, struct span line);
};

#define NO_ENTRY UINT32_MAX
#define SHEET_LISTS_MAX 1000u
#define SHEET_ROWS_MAX (2 * BOOK_ENTRIES_MAX)

/* What each row of the file is about. */
struct row_ref {
	uint32_t list, entry;
	uint32_t first, n_dests;
};

struct sheet_column {
	const char *name;         /* in the file, of the book's arena */
	const char *extra;        /* of the extra that holds what has no other place */
	const struct column *def; /* NULL = not a column of this format */
	uint32_t n_defs;
};

/* A file being read. */
struct sheet {
	const struct format *format;
	struct decoder *d;
	struct table t;
	struct sheet_column col[BOOK_COLUMNS_MAX];
	uint32_t n_cols;
	uint32_t cell;           /* at hand */
	int number_col, key_col; /* -1 = none */
	int look[SHEET_LOOK];    /* -1 = none */
	uint32_t heading;        /* its row, from 0 */
	const char *scheme;      /* of cipher texts in this file, or NULL */
	unsigned off;            /* bits of blocks that the row at hand switches off: set by row */
	void *state;             /* of the format */
	struct row_ref *ref;
	uint32_t n_refs, cap_refs;
	uint64_t *seen; /* numbers of each list */
	size_t n_seen, cap_seen;
	bool defines; /* some column makes destinations */
	bool stop;    /* strict, and something was wrong */
};

/* Where an entry of the new book stands. */
struct target {
	const struct book_list *list;
	const struct book_entry *entry;
	uint32_t base_rows; /* 0 = the base has it not */
	uint32_t rows;      /* of these, passed so far */
	/* row_per_dest: which destinations stand in rows, where to look for the next of a kind */
	uint8_t *taken;
	uint32_t next[DEST_KINDS], rest;
};

/* A book on its way into a file. */
struct writer {
	struct encoder *e;
	const struct format *format;
	struct sheet base; /* its table runs a second time over the rows */
	struct decoder base_of;
	struct decode_options base_opts;
	struct buf made;       /* the base, when none was given */
	struct target *target; /* every entry of the new book, in order */
	uint8_t *taken;        /* every destination of it */
	struct map by_key;     /* list and key to target */
	struct buf out;        /* in the charset of the table, without mark */
	struct buf text, old;  /* what puts say */
	struct buf key;
	struct span eol;    /* of lines that end */
	const char *scheme; /* of cipher texts in the new file, or NULL */
	void *state;        /* of the format */
	bool failed;
};

/* A codec's decode and encode. state: NULL, or the format's own struct, zeroed; in encode it is
 * used for the base, too. */
int sheet_decode(struct decoder *d, const struct format *f, void *state) must_check;
int sheet_encode(struct encoder *e, const struct codec *codec, const struct format *f,
	void *state) must_check;
/* A codec's holds, as far as columns tell. */
bool sheet_holds(const struct format *f, enum dest_kind kind, enum book_field field);

/* The same in steps. sheet_fini in any case. */
int sheet_read(struct sheet *s, struct decoder *d, const struct format *f, void *state) must_check;
void sheet_fini(struct sheet *s);

/* ---- inside of writing ---- */

/* What the profile has for absent, or "". */
const char *sheet_default(const struct encoder *e, enum dest_kind kind, enum book_field field);
/* 0, or -1 and CN_UNSUPPORTED_OPERATION "no_place" with what the file has no column for. */
int sheet_has_place(struct writer *w, const struct book_entry *e) must_check;
/* Reads e->out from there and compares it with e->book, passwords apart. */
int sheet_verify(struct encoder *e, const struct codec *codec, const struct format *f,
	size_t from) must_check;

/* ---- for hooks that read ---- */

/* Notes a fault at a cell, or at the row: cell -1. */
void sheet_wrong(struct sheet *s, int cell, int code, const char *reason, const char *fmt, ...)
	printf_like(5, 6);
void sheet_odd(struct sheet *s, int cell, const char *reason, const char *text);
/* The place of a column that the format knows, or -1. */
int sheet_column(const struct sheet *s, const char *name);
/* What a cell says; "" for none; NULL after a fault. */
const char *sheet_text(struct sheet *s, int cell);
/* The list of that slot, made if need be. */
struct book_list *sheet_list(
	struct sheet *s, const char *slot, enum list_kind kind, const char *name);
/* An entry of that list with key and number from their columns. 0, or -1 after a fault. */
int sheet_add(struct sheet *s, struct record *r, struct book_list *l) must_check;
/* A number without its leading zeros; NULL when it is none. */
const char *plain_number(const char *text);

/* ---- for hooks that write ---- */

/* The target of an entry of the base, or NULL. */
struct target *writer_target(
	struct writer *w, const struct book_list *l, const struct book_entry *e);
/* The line of column names of a new file: the first n of the format, then the names of extras
 * that are no column. */
void writer_heading(const struct encoder *e, const struct format *f, size_t n, struct buf *out);
/* Adds text in the charset of the file. */
void writer_add(struct writer *w, const char *text);
