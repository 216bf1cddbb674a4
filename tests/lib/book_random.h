// SPDX-License-Identifier: Apache-2.0
/* Random address books for laws: the same seed gives the same book on every machine. Few names and
 * addresses, so that books have things in common; values as people and machines write them, also
 * what only looks different (cases, widths, spaces, defaults). */
#pragma once

#include "common/book/book.h"

struct random {
	uint64_t state; /* not 0 */
};

uint64_t random_draw(struct random *r);
/* From here on every draw of anybody takes a byte of these, and gives 0 behind the last: a fuzzer's
 * books. NULL ends that. */
void random_feed(const uint8_t *bytes, size_t n);
/* 0 … n - 1; n of at least 1. */
uint32_t random_below(struct random *r, uint32_t n);
bool random_one_in(struct random *r, uint32_t n);

struct book_shape {
	uint32_t lists;   /* at most */
	uint32_t entries; /* of a list, at most */
	uint32_t kinds;   /* bits 1 << dest_kind that may occur; with DEST_GROUP */
	uint32_t dests;   /* of an entry, at most */
	bool tags, extras, uuids, secrets;
	const char *family; /* NULL = "canon" */
};

/* Everything that the model has. */
extern const struct book_shape book_any_shape;
/* The same in fewer entries: a fuzzer's bytes go into what they say, and many books are tried. */
extern const struct book_shape book_small_shape;

struct book *book_random(struct random *r, const struct book_shape *shape);
/* A value for that field. Lives as long as the book. */
const char *book_random_value(struct random *r, struct book *b, enum book_field id);
/* Edits it here and there: fields, destinations, tags, members, entries, numbers, order, lists. */
void book_mutate(struct random *r, struct book *b, const struct book_shape *shape, uint32_t edits);

/* BOOK_CASES of the environment, or what is usual. */
uint32_t book_cases(uint32_t usual);
