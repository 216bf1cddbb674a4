// SPDX-License-Identifier: Apache-2.0
/* What differs between two books, entry by entry and field by field, and how to apply it
 * (docs/spec/address-books.md 9.1, 9.2; law L9). Pure. */
#pragma once

#include "common/book/norm.h"

enum diff_op {
	DIFF_ADD,      /* entry */
	DIFF_REMOVE,   /* entry */
	DIFF_CHANGE,   /* one field of an entry */
	DIFF_RENUMBER, /* content equal, other place: shown folded, no change of content */
	DIFF_MOVE,     /* to another list */
	DIFF_SECRET_CHANGED,
	DIFF_SECRET_UNKNOWN, /* cannot be told: withheld or cipher text on one side */
	DIFF_LIST_RENAMED,
	DIFF_LIST_ADDED,
	DIFF_LIST_REMOVED,
};

struct diff_change {
	enum diff_op op;
	const char *list; /* slot on the side where the thing is, the right one if on both */
	const struct book_entry *left, *right; /* NULL where it is not */
	const char *name;                      /* of the entry, or of the list */
	const char *field; /* "name", "email.address", "file[2].path", "member", "tag.title1",
			      "extra.x" */
	const char *before, *after; /* NULL = absent; of secrets: "set", "changed" … never values */
};

struct diff {
	struct arena arena;
	struct diff_change
		*change; /* lists in order of slot, entries in the order of the right side */
	uint32_t n, cap;
	uint32_t added, removed, changed, moved, renumbered, unchanged; /* entries */
};

/* Normalises both first. The pointers in changes point into left and right, which must live on. */
int book_diff(const struct book *left, const struct book *right, const struct book_profile *profile,
	struct diff *ret_diff) must_check;
void diff_fini(struct diff *d);
const char *diff_op_name(enum diff_op op);

/* left with the changes of d made to it: canonically equal to the right side. */
struct book *book_patch(const struct book *left, const struct diff *d) must_check;

/* Pairs of entries by the passes of 9.1: pair[i] is the entry of the right list set for the i-th
 * entry over all lists of left (in order), or NULL. The caller frees the array. */
const struct book_entry **book_match(const struct book *left, const struct book *right) must_check;
