// SPDX-License-Identifier: Apache-2.0
/* Three-way merge (docs/spec/address-books.md 9.3; laws L10, AB-27): per entry and field; sets and
 * members element by element; no side wins silently. Pure. */
#pragma once

#include "common/book/compare/diff.h"

enum merge_side { MERGE_BASE, MERGE_LEFT, MERGE_RIGHT };

struct merge_conflict {
	const char *list, *key, *name;
	const char
		*field; /* "" = the entry: removed here, changed there; "member": dangling_member */
	const char *reason; /* "both_changed", "removed_and_changed", "dangling_member" … */
	const char *base, *left, *right; /* NULL = absent; of secrets never values */
};

struct merge_options {
	/* How every conflict that resolve does not answer is settled: -1 = not at all. */
	int prefer; /* enum merge_side or -1 */
	/* NULL, or asked for each conflict: a side, or -1 to leave it open. */
	int (*resolve)(const struct merge_conflict *c, void *arg);
	void *arg;
	const struct book_profile *profile;
};

struct merge {
	struct book *book; /* conflicts left open hold base's value (or left's entry, kept) */
	struct arena arena;
	struct merge_conflict *conflict; /* left open */
	uint32_t n, cap;
	const char **note; /* sentences: "Ana was renumbered 204 → 205: both sides added 204" */
	uint32_t n_notes, cap_notes;
};

/* opts NULL = nothing is settled. 0, or -1 when the books are too big together. Whose name left and
 * right carry makes no difference but in the conflicts. */
int book_merge(const struct book *base, const struct book *left, const struct book *right,
	const struct merge_options *opts, struct merge *ret_merge) must_check;
void merge_fini(struct merge *m);
