// SPDX-License-Identifier: Apache-2.0
/* A book of one family made into a book of another, and what is lost on the way, before anything is
 * written (docs/spec/address-books.md section 10). Pure. */
#pragma once

#include "common/book/codec.h"

struct convert_options {
	const struct book_profile *target;
	const struct codec *codec; /* NULL = the profile's */
	bool transliterate;        /* é → e where the charset has no é */
	bool keep_numbers; /* as they are written, twice or out of range: the caller gives them */
	bool merge_same_name; /* join entries of equal name and reading (10.2), never unasked */
};

/* A format that holds one list gets all lists in one: to write a file per list, convert each alone.
 * *ret_book (book_free) is inside the target's domain: its codec writes it without any further
 * loss, and reading that back gives an equal book. Fields of source = fields of target + ledger. */
int book_convert(const struct book *source, const struct convert_options *opts,
	struct book **ret_book, struct ledger *ledger, struct fault *reterr) must_check;
