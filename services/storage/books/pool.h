// SPDX-License-Identifier: Apache-2.0
/* The destination list and what is picked from it (docs/spec/address-books.md 11.1): one pool of
 * entries, each with a key that stays its own; lists of a distribution book name keys. Pure. */
#pragma once

#include "common/book/book.h"

/* An entry that comes and is there already. */
struct pool_twin {
	const struct book_entry *comes; /* of the source */
	uint32_t there;                 /* index in the pool */
};

struct pool_added {
	uint32_t first; /* entries of the pool from here on are new */
	uint32_t added, joined, doubles;
	struct pool_twin *twin; /* owned, malloc */
	uint32_t n_twins;
};

/* An empty one. */
struct book *pool_new(const char *family) must_check;
/* The entries of the source's list `slot`, or of all lists with NULL. An entry whose kinds of
 * destination and addresses are those of one that is there is its twin: with `join` it is not taken
 * and groups name the one that is there. 0, or -1: CN_VALIDATION_FAILED "unknown_list",
 * CN_CAPACITY_EXCEEDED. The source must outlive ret. */
int pool_add(struct book *pool, const struct book *source, const char *slot, bool join,
	struct pool_added *ret, struct fault *reterr) must_check;
void pool_added_fini(struct pool_added *a);

struct pool_pick {
	const char *name; /* of the list */
	enum list_kind kind;
	const char *const *keys;
	size_t n;
	bool all;
};
/* A book with these lists; members of a group that is picked come with it. -1:
 * CN_VALIDATION_FAILED "unknown_entry", "list_twice". */
int pool_book(const struct book *pool, const struct pool_pick *lists, size_t n,
	struct book **ret_book, struct fault *reterr) must_check;
