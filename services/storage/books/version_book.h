// SPDX-License-Identifier: Apache-2.0
/* The book of a stored version: its native items read from the vault and decoded, as one book.
 * Blocks: work pool only. Clear passwords are in memory meanwhile and wiped at the end. */
#pragma once

#include "common/book/items.h"
#include "services/storage/reading.h"

#define VERSION_FAULTS 100

/* All native items of a version that are decoded at all; more is not read. */
#define VERSION_BOOK_MAX ((uint64_t)64 * 1024 * 1024)

struct version_fault {
	const char *item;
	struct book_fault f;
};

struct version_book {
	struct book *book; /* NULL when no codec knows any item */
	const char *codec; /* of the first item known */
	struct arena arena;
	struct version_fault *fault; /* errors first */
	size_t n_faults, n_kept;     /* found; in the list */
	bool broken;                 /* an item could not be read to its end: there may be more */
	/* from the meta item: what the device was called */
	char device_name[257], site[129], model[129];
};

/* 0, or -1 when the vault cannot give an item now. What a file holds wrong is in the faults. The
 * struct must be ended in both cases. */
int version_book_read(const struct stored_item *items, size_t n, struct version_book *ret,
	struct fault *reterr) must_check;
void version_book_fini(struct version_book *v);
/* Bytes of the items that would be decoded. */
uint64_t version_book_bytes(const struct stored_item *items, size_t n);
