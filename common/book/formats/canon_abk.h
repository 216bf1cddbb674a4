// SPDX-License-Identifier: Apache-2.0
/* What reading and writing of Canon's `.abk` have in common: which attribute is which field. */
#pragma once

#include "common/book/engines/lines.h"
#include "common/text/charset.h"

struct abk_attr {
	const char *name;
	uint32_t kinds; /* bits 1 << dest_kind; 1 << DEST_NONE: of the entry */
	enum book_field field;
	bool seen; /* in files of devices; the others are columns of the like-named CSV (D) */
	const char *word;   /* of a boolean, "on" or "true": how yes is written; else NULL */
	const char *always; /* stands in fresh records, too, where there is no value; or NULL */
};

extern const struct abk_attr ABK_ATTRS[];
extern const size_t ABK_N_ATTRS;

/* `objectclass: top` and such, which say nothing of their own. */
bool abk_silent(const struct line *l);
/* The value as it stands, without the first space and the line end. Of a folded one with its line
 * ends, as "\n ", in the arena. */
struct span abk_value(const struct line *l);
const char *abk_folded(const struct line *l, struct arena *a);
/* The decoded text, in the arena; NULL = it is none. */
const char *abk_text(struct span value, enum charset c, struct arena *a);
/* Where a record says in which list it is; n = 0 = it does not. */
struct span abk_slot(const struct record *r);

int abk_encode(struct encoder *e) must_check;
