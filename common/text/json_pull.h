// SPDX-License-Identifier: Apache-2.0
/* JSON (RFC 8259) read token by token, with the place of every one. A tree of the whole text
 * (jansson's) would cost forty times its size for a file of brackets, and would no longer know
 * where a well-formed but wrong member stands. Strict: no comment, no trailing comma, no NUL, no
 * lone surrogate, nothing after the end. Memory: one string. Numbers are kept as they are written.
 * Duplicate names are the reader's to see. Not thread-safe. */
#pragma once

#include "common/base/buf.h"

#define PULL_DEPTH_MAX 64u

enum pull_token {
	PULL_END, /* of the text, after one whole value; from then on always */
	PULL_OBJECT,
	PULL_OBJECT_END,
	PULL_ARRAY,
	PULL_ARRAY_END,
	PULL_NAME, /* of a member */
	PULL_STRING,
	PULL_NUMBER,
	PULL_TRUE,
	PULL_FALSE,
	PULL_NULL,
	PULL_WRONG, /* from then on always; reason and wrong say what, the place where */
};

struct pull {
	struct span in;
	size_t string_max; /* bytes of a name or string */
	/* the last token */
	struct buf text;    /* of NAME and STRING without escapes, of NUMBER as written */
	size_t offset;      /* where it begins, in bytes of the text */
	uint32_t line;      /* from 1 */
	const char *reason; /* of WRONG: "malformed", "nul", "charset", "too_deep", "too_long" … */
	const char *wrong;  /* a sentence */

	size_t at;         /* what is not read yet */
	size_t line_begin; /* offset of the line */
	uint64_t arrays;   /* bit per depth: 1 = array */
	uint32_t depth;
	int expect; /* enum in json_pull.c */
	size_t column_at;
	uint32_t column; /* in characters, of column_at: so that asking again is cheap */
};

void pull_init(struct pull *p, struct span text, size_t string_max);
void pull_fini(struct pull *p);
enum pull_token pull_next(struct pull *p);
/* The rest of the value that begins with token t: nothing for a string, to its end for an array.
 * 0, or -1 at WRONG. */
int pull_skip(struct pull *p, enum pull_token t) must_check;
/* Of the last token, from 1: in characters, and in bytes. */
uint32_t pull_column(struct pull *p);
uint32_t pull_byte(const struct pull *p);

/* s in quotes, escaped as far as JSON asks, with controls and characters that turn the writing
 * direction round as \u, too: safe on a terminal. s is valid UTF-8. */
void json_quote(struct buf *out, const char *s);
