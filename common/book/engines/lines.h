// SPDX-License-Identifier: Apache-2.0
/* Text of `attribute: value` lines in records, read and changed without losing a byte: what
 * canon_abk and ldif have in common (docs/spec/address-books.md 4.2, 4.3; AB-9, AB-10). Nothing is
 * judged here; codecs say what is wrong. Pure. */
#pragma once

#include "common/base/map.h"
#include "common/book/codec.h"

/* ---- reading ---- */

enum line_kind {
	LINE_BLANK,
	LINE_COMMENT,   /* begins with # */
	LINE_TEXT,      /* `name: value` */
	LINE_BASE64,    /* `name:: value` */
	LINE_URL,       /* `name:< value` */
	LINE_MALFORMED, /* no colon, or the continuation of nothing */
};

struct line {
	enum line_kind kind;
	struct span whole; /* with its continuation lines and line ends */
	struct span name;  /* before the colon; of what has none, the whole first line */
	struct span value; /* behind the mark, the first space too; unfolded; without line end */
	uint32_t number;   /* from 1 */
	bool folded;       /* has continuation lines */
	bool crlf;         /* how its last line ends */
	bool cut;          /* value is longer than BOOK_FIELD_MAX and ends there */
	bool longest;      /* a physical line passes BOOK_LINE_MAX */
};

struct lines {
	struct span file;
	size_t at;           /* bytes read */
	uint32_t number;     /* lines read */
	bool ldif;           /* `version: 1` is a record of its own */
	struct arena *arena; /* of values that were folded; when it is full they are cut */
};

/* false = the file is over. */
bool lines_next(struct lines *l, struct line *ret_line) must_check;
/* Where byte p of the file stands: fills line, column and byte. near: a line before it or its own.
 */
void lines_place(const struct line *near, const uint8_t *p, struct book_fault *place);

/* A run of lines up to a blank one and with all blank ones behind it. Comments before the first
 * attribute are a record of their own. */
#define LINES_MAX 200000u
#define RECORD_MAX ((size_t)32 * 1024 * 1024)

struct record {
	struct span whole;
	struct line *line; /* without the blank ones */
	uint32_t n, cap;
	uint32_t number; /* line where it begins */
	bool attributes; /* has more than comments */
	bool crlf;       /* how its first line ends */
	bool closed;     /* a blank line ends it */
	bool many;       /* more than LINES_MAX lines or RECORD_MAX bytes; not all are in line */
};

/* The next record; r is reused, its memory too (free(r->line) at the end). false = over. */
bool lines_record(struct lines *l, struct record *r) must_check;

/* ---- writing ---- */

/* What a record says of an entry, line by line, in the order of a fresh record. */
struct said {
	const char *name;
	const char *value; /* UTF-8 */
	bool base64;       /* value is base64 already, kept as bytes */
	bool folded;       /* value has its line ends and continuation spaces */
	bool implied;      /* follows from others: in an old record only where it stands already */
};

struct saids {
	struct said *v;
	uint32_t n, cap;
	struct arena *arena;
};

void saids_add(struct saids *s, const char *name, const char *value);
struct said *saids_last(struct saids *s); /* to set its flags */

struct lines_writer;

/* A format of such records, and how it is written over a base file. */
struct lines_format {
	bool ldif;
	/* Called once before anything is written; NULL = nothing to do. */
	void (*prepare)(struct lines_writer *w);
	/* What a record says of e. old: the record it came from, NULL = a fresh one. */
	void (*say)(struct lines_writer *w, const struct book_list *l, const struct book_entry *e,
		const struct record *old, struct saids *ret);
	/* Adds one line. old: the line it replaces, or NULL. -1 and the fault. */
	int (*put)(struct lines_writer *w, const struct said *s, const struct line *old);
	/* A record of the base that is no entry: a preamble, a container. Adds what it becomes. */
	int (*other)(struct lines_writer *w, const struct record *r);
	/* Lists that the base has not: their heads. */
	int (*open)(struct lines_writer *w, const struct book_list *l);
	/* Is this what the line says? */
	bool (*says)(struct lines_writer *w, const struct line *l, const struct said *s);
	/* Lines that say nothing of their own: never touched. */
	bool (*silent)(const struct line *l);
	/* The value proper, without the space that fills; n = 0 where the line says nothing. */
	struct span (*value)(const struct line *l);
};

struct lines_writer {
	struct encoder *e;
	const struct codec *codec;
	const struct lines_format *format;
	struct book *base;              /* decoded again; NULL = fresh */
	struct map was, is;             /* lists by slot */
	struct arena arena;             /* of one record */
	const struct book_list *list;   /* being written */
	const struct book_entry *entry; /* being written */
	bool crlf;                      /* how lines end here */
	bool closed;                    /* a blank line stands before what comes next */
};

/* Lists of the base and of the book by their slots; NULL = none. */
struct book_list *lines_was(const struct lines_writer *w, const char *slot);
struct book_list *lines_is(const struct lines_writer *w, const char *slot);

/* The whole book, over the base where there is one. e, codec and format are set. */
int lines_encode(struct lines_writer *w) must_check;

/* A record of the base that said `was` and shall say `is`. */
int lines_change(struct lines_writer *w, const struct record *r, const struct saids *was,
	const struct saids *is) must_check;
/* A fresh record, and the blank line behind it. */
int lines_fresh(struct lines_writer *w, const struct saids *is) must_check;
void lines_end(const struct lines_writer *w); /* a line end */
/* A blank line, unless one stands there: a record begins. */
void lines_close(struct lines_writer *w);
