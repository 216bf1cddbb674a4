// SPDX-License-Identifier: Apache-2.0
/* What somebody asks the index, as ranges of words (docs/spec/address-books.md section 12). Pure.
 *
 *     dupont lyon            both words, wherever they stand
 *     "anna maria"           as one
 *     +33 1 23 45 67 89      a fax number: digits, from its end
 *     fax:4567 host:nas      in that field: name reading email fax host path account tag uri
 *     kind:file              of that kind of destination
 *     site:lyon at:2027-05-03 */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"

#define QUERY_TERMS 8
#define QUERY_RANGES 128

/* Words of one kind from lo to hi, both included. */
struct query_range {
	int term; /* from 1 */
	int kind; /* enum search_kind, or WORD_DEST */
	const char *lo, *hi;
};

/* A term holds when one of its ranges has a word of the entry; all terms must. */
struct query {
	struct query_range range[QUERY_RANGES];
	size_t n;
	int terms;
	const char *site; /* NULL = any */
	int64_t at_ms;    /* 0 = none given */
};

/* kind: of destination, NULL or "" = any. 0, or -1: CN_VALIDATION_FAILED, reasons unknown_kind,
 * too_many_words, not_a_time, nothing_to_find. Strings are in the arena. */
int query_parse(struct arena *a, const char *text, const char *kind, struct query *ret,
	struct fault *reterr) must_check;
