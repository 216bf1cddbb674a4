// SPDX-License-Identifier: Apache-2.0
/* Which entries of two books are the same (docs/spec/address-books.md 9.1), for diff and merge.
 * Books of any size: every pass is one hash table. Pure. */
#pragma once

#include "common/base/map.h"
#include "common/book/norm.h"

#define NO_PAIR UINT32_MAX

/* An entry of any list of a book. */
struct match_item {
	const struct book_list *list;    /* as given */
	const struct book_entry *raw;    /* as given */
	const struct book_entry *normal; /* the same in normal form */
	uint32_t pair;                   /* index on the other side, or NO_PAIR */
	bool aside;                      /* is not looked at */
};

/* A book ready to be compared. */
struct match_side {
	const struct book *book;
	struct book *view;    /* its normal form, owned */
	struct match_item *v; /* lists and entries in their order, owned */
	uint32_t n;
	bool kinds;   /* the left one's says it: who has one destination pairs with its kind only */
	bool crowded; /* who is paired counts still: whoever is like him is not the only one */
};

/* b must outlive s. -1 = too big. */
int match_side_init(
	struct match_side *s, const struct book *b, const struct book_profile *profile) must_check;
void match_side_fini(struct match_side *s);
/* Pairs the items of both sides anew. */
void match_sides(struct match_side *left, struct match_side *right);
/* The same for imports, where a number alone is nobody, in two steps, each of what is not paired
 * yet: by identity and number where name or an address agree … */
void match_places(struct match_side *left, struct match_side *right);
/* … and by content (persons), uuid, place, addresses and names. */
void match_persons(struct match_side *left, struct match_side *right);
/* Pairs what is not paired yet and has equal content, within a list of equal slot, one to one also
 * where there are several. */
void match_equal(struct match_side *left, struct match_side *right);

/* Who members are: fills the map with the entries that any member of this side names. */
void match_index_members(const struct match_side *s, struct map *named);
/* The item that a member's key names in that list, of a normal form: there is one. */
uint32_t match_member(const struct map *named, const char *slot, const char *key);

/* Says where something is sent (how it gets there does not: F_PORT). */
bool is_address(enum book_field id);
/* Destinations in normal form: of one kind and one address, which both have. */
bool same_address(const struct book_dest *x, const struct book_dest *y);
/* Equal in all, secrets too. */
bool same_dest(const struct book_dest *x, const struct book_dest *y);
/* Destinations of two normal entries: pair[i] of the left one's i-th, or NO_PAIR; equal ones first,
 * then those of equal address, then those of equal kind. pair has room for left->n_dests. */
void match_dests(const struct book_entry *left, const struct book_entry *right, uint32_t *pair);
