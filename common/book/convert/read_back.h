// SPDX-License-Identifier: Apache-2.0
/* What would be written, read again before it is: it says what was meant, or it is not written
 * (docs/spec/address-books.md AB-30). Pure. */
#pragma once

#include "common/book/convert/convert.h"

/* back, which was read from what would be written, says what meant says, but for passwords: those
 * of meant that it has not get a line in the ledger (secret_needed), with why. 0, or -1:
 * CN_VALIDATION_FAILED "read_back". */
int book_says_the_same(const struct book *meant, const struct book *back,
	const struct book_profile *profile, const char *why, struct ledger *l,
	struct fault *reterr) must_check;
/* The same, of the file itself: how->codec reads it, how->target is its profile. */
int book_read_back(const struct convert_options *how, const struct book *meant, struct span bytes,
	const char *why, struct ledger *l, struct fault *reterr) must_check;
