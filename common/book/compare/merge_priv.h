// SPDX-License-Identifier: Apache-2.0
/* Inside the three-way merge. */
#pragma once

#include "common/book/compare/match.h"
#include "common/book/compare/merge.h"

/* One entry of the result, or one that is gone. Rows stand in an order that does not know left from
 * right: base's entries, then additions by place and content. */
struct merge_row {
	const struct match_item *side[3]; /* enum merge_side; NULL = not there */
	bool kept;
	int take; /* enum merge_side: its content is that of this side; -1 = put together */
	/* where it will stand; NULL = absent */
	const char *slot, *key, *number, *uuid;
};

struct merger {
	const struct merge_options *opts;
	struct merge *m;
	struct match_side side[3];
	struct merge_row *row;
	uint32_t n;
	uint32_t *row_of[3]; /* of each item of a side */
	struct map keys[3];  /* of each side, for match_member */
	struct map texts;    /* of dangling members */
	bool failed;         /* the arena is full */
};

/* Which side settles it, or -1; then it is noted as open. Strings are copied. */
int merge_settle(struct merger *g, const struct merge_conflict *c);
/* A sentence for people. */
void merge_note(struct merger *g, const char *fmt, ...) printf_like(2, 3);
/* list, key and name of a row. */
struct merge_conflict merge_conflict_of(const struct merge_row *row, const char *field);
/* Three-way: 0 to 2 says whose value it is, -1 that both changed it differently. */
int merge_pick(const char *base, const char *left, const char *right);
bool merge_same_text(const char *a, const char *b);

/* Do two sides of a row say the same but for its place? */
bool merge_same_content(
	struct merger *g, const struct merge_row *row, enum merge_side a, enum merge_side b);
/* Writes the row's content into out: empty, or a copy of the side that is taken. */
void merge_content(struct merger *g, const struct merge_row *row, struct book_entry *out);

/* Of an entry or a destination on each side, normal and as written; NULL = not there. */
struct merge_values {
	const struct fields *normal[3], *raw[3];
};

/* prefix: "" or "email." for conflicts. */
void merge_fields(struct merger *g, const struct merge_row *row, const char *prefix,
	const struct merge_values *s, struct fields *out);
void merge_dests(struct merger *g, const struct merge_row *row, struct book_entry *out);
/* Of entries whose destinations are equal otherwise. A side that withholds a password says no other
 * thing; what base (a, where base is true) does not know, a side may have learnt. */
bool merge_same_secrets(const struct book_entry *a, bool base, const struct book_entry *b);
/* Passwords that another side knows survive the one that is taken and does not tell them. */
void merge_secrets(struct merger *g, const struct merge_row *row, struct book_entry *out);

/* The lists of the result, without entries. */
void merge_lists(struct merger *g);

bool merge_same_members(
	struct merger *g, const struct merge_row *row, enum merge_side a, enum merge_side b);
void merge_members(struct merger *g, const struct merge_row *row, struct book_entry *out);

/* Decides where kept rows stand; additions that collide get the next free number. */
void merge_places(struct merger *g);
