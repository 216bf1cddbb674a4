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
	DIFF_MOVE,     /* to another list; before and after are slots */
	DIFF_SECRET_CHANGED,
	DIFF_SECRET_UNKNOWN, /* cannot be told: one side withholds it or has it as cipher text */
	DIFF_LIST_RENAMED,
	DIFF_LIST_ADDED,
	DIFF_LIST_REMOVED,
};
#define DIFF_OPS 10

enum diff_part {
	DIFF_WHOLE, /* the entry or list; number, uuid and key of a renumbered one */
	DIFF_FIELD,
	DIFF_TAG,
	DIFF_DEST, /* all of a destination */
	DIFF_DEST_FIELD,
	DIFF_SECRET,
	DIFF_MEMBER,
	DIFF_EXTRA,
};

#define DIFF_NO_DEST UINT32_MAX

struct diff_change {
	enum diff_op op;
	const char *list; /* slot on the side where the thing is, the right one if on both */
	const struct book_entry *left, *right; /* NULL where it is not */
	const char *name;                      /* of the entry, or of the list */
	const char *field; /* "name", "email.address", "file[2].path", "member", "tag.title1",
			      "extra.x"; "number", "uuid" or "key" of a renumbered one; "" = all */
	const char *before, *after; /* as written, NULL = absent or the usual value; of secrets:
				       "set", "changed" … never values */

	/* for programs, what field says in words */
	enum diff_part part;
	enum book_field id;             /* of DIFF_FIELD and DIFF_DEST_FIELD, else 0 */
	uint32_t left_dest, right_dest; /* indexes, or DIFF_NO_DEST */
	enum list_kind list_kind;       /* of lists */
};

struct diff {
	struct arena arena;
	struct diff_change *change; /* lists in order of slot: the list itself, entries in the order
				       of the right side, then the removed ones */
	uint32_t n, cap;
	/* entries; one may be moved or renumbered and changed, too; unchanged: same content */
	uint32_t added, removed, changed, moved, renumbered, unchanged;
	uint32_t secrets_unknown; /* lines of DIFF_SECRET_UNKNOWN */
};

/* Normalises both first. The pointers in changes point into left and right, which must live on.
 * 0, or -1 when they are too big together. */
int book_diff(const struct book *left, const struct book *right, const struct book_profile *profile,
	struct diff *ret_diff) must_check;
void diff_fini(struct diff *d);
const char *diff_op_name(enum diff_op op); /* "add", "remove", "change" … */

/* left with the changes of d made to it: canonically equal to the right side. What d does not name
 * stays as it is written. */
struct book *book_patch(const struct book *left, const struct diff *d) must_check;

/* Pairs of entries by the passes of 9.1: pair[i] is the entry of the right list set for the i-th
 * entry over all lists of left (in order), or NULL. The caller frees the array. NULL = too big. */
const struct book_entry **book_match(const struct book *left, const struct book *right) must_check;
