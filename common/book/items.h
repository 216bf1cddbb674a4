// SPDX-License-Identifier: Apache-2.0
/* A device gives its book in items: one for each list (list_1 … list_10, one_touch), or one for all
 * (docs/spec/import-export.md, storage.md). Here items become one book, and a list finds its item
 * again. Pure. */
#pragma once

#include "common/book/codec.h"

struct book_item {
	const char *name;
	struct span bytes;
};

/* The slot of the one list that such an item holds: "list_3" → "3", "one_touch" → "11". NULL = an
 * item that holds a whole book. */
const char *item_slot(const char *item);
/* The other way round; NULL = no item of its own. */
const char *item_of_slot(const char *slot);

/* Adds what one item held, in a book of its own, to the book of all of them. An item that holds one
 * list is that list, whatever its records say, also when it has no record. */
void book_add_item(struct book *to, const char *item, const struct book *part);
/* Strict: the first fault ends it, its detail begins with the item's name. 0 and *ret_book
 * (book_wipe, book_free), or -1. */
int book_of_items(const struct book_item *items, size_t n, const struct codec *codec,
	struct book **ret_book, struct fault *reterr) must_check;

/* Overwrites the passwords in a book, which is of no use afterwards. */
void book_wipe(struct book *b);
