// SPDX-License-Identifier: Apache-2.0
/* What the laws of address books are checked with (docs/spec/address-books.md section 7). */
#pragma once

#include "common/book/convert/convert.h"

/* Canonically equal, keys, members and what secrets the codec can carry included; lists without
 * entries do not count, but for formats that hold the whole model. Prints the first difference. */
bool law_same(const struct book *x, const struct book *y, const struct codec *codec,
	const struct book_profile *profile) must_check;

/* Every field of source is in target or named by a line; every field of target is in source or
 * named by one. Prints the first that is neither. */
bool law_complete(const struct book *source, const struct book *target, const struct ledger *ledger,
	const struct book_profile *from, const struct book_profile *to) must_check;

/* back is source without what the lines of the way there name; on the way back things may be said
 * in another way again (lines that are no loss). */
bool law_returned(const struct book *source, const struct book *back, const struct ledger *there,
	const struct ledger *on_return, const struct book_profile *profile) must_check;

void law_print(const struct book *b);
void law_print_ledger(const struct ledger *l);

/* Calls fn for each file of tests/golden/book/<codec>, in the order of their names. Returns how
 * many. */
unsigned law_samples(const struct codec *codec,
	void (*fn)(const struct codec *codec, const char *path, struct span file, void *arg),
	void *arg);
/* The first of them, NULL = none; free() its bytes. */
char *law_first_sample(const struct codec *codec, struct span *ret_file) must_check;
/* Whose values count as absent: its format's, else its family's. */
const struct book_profile *law_profile(const struct book *b);
