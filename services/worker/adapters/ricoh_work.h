// SPDX-License-Identifier: Apache-2.0
/* From the book that a Ricoh machine holds and the one it shall hold to what is sent: objects to
 * delete, properties to change, objects to make (devices.md section 5). Only properties that
 * address-books.md 4.5 names are ever sent, with values that it or this very machine says (DV-14);
 * passwords never (DV-15); every new entry has a tag (DV-16); no group is made, for nobody can say
 * its members (DC-6). Pure. */
#pragma once

#include "common/book/book.h"
#include "services/worker/adapters/ricoh_known.h"

/* b was said by a machine, or is NULL. */
void ricoh_said_book(struct ricoh_said *s, const struct book *b);

struct ricoh_change {
	uint32_t id;
	struct ricoh_object o; /* only what changes */
};

enum ricoh_why {
	RICOH_UNKNOWN_PROPERTY,
	RICOH_UNKNOWN_VALUE,
	RICOH_NO_TAG,    /* it shall have none: it keeps those it has */
	RICOH_NEW_GROUP, /* a group that the machine has not */
};

/* Wanted and not sent. */
struct ricoh_left {
	const char *entry; /* its name */
	const char *prop, *value;
	enum ricoh_why why;
};

struct ricoh_work {
	struct arena arena; /* of all of it */
	uint32_t *remove;
	size_t n_remove;
	struct ricoh_change *change;
	size_t n_change;
	struct ricoh_object *add;
	size_t n_add;
	struct ricoh_left *left;
	size_t n_left, cap_left;
	/* what the machine loses for good, for Carnet cannot read it */
	size_t groups_removed;    /* with their members */
	size_t passwords_removed; /* entries that may have one */
};

/* before: as the machine said it. said may be NULL. 0, or -1: the book has what the codec cannot
 * write, or is too big. ricoh_work_fini in both cases. */
int ricoh_work_make(struct ricoh_work *w, const struct book *before, const struct book *wanted,
	const struct ricoh_said *said, struct fault *reterr) must_check;
void ricoh_work_fini(struct ricoh_work *w);
