// SPDX-License-Identifier: Apache-2.0
/* What a device shall hold after an import, a restore or a distribution (docs/spec/address-books.md
 * section 11, import-export.md H5, R21–R24): pure, before anything is written. */
#pragma once

#include "common/book/codec.h"

enum import_mode {
	IMPORT_REPLACE, /* a list becomes the source's list */
	IMPORT_MERGE,   /* entries of both; what both have becomes as the source says */
	IMPORT_ADD,     /* what the device has stays as it is; what it has not is added */
};

struct import_slot {
	const char *slot; /* of the device */
	const char *from; /* slot or name of the source's list; NULL = None, the slot keeps its
			     content */
};

struct import_options {
	const struct codec *codec;          /* of the device */
	const struct book_profile *profile; /* of the device */
	enum import_mode mode;
	const struct import_slot
		*map; /* NULL = list for list; slots not named keep their content */
	size_t n_map;
	bool transliterate;
	bool written; /* the source is what a machine wrote itself, not a person's file: where such
			 a machine holds all of it, it stays as it is written */
	bool own;     /* it is of this very device: identities that it gave (CODEC_IDS) are those
			 that it gives, and what it wrote it takes */
};

/* Is an extra of that name, which a device has beside an entry, the device's own matter
 * (import-export.md 5.3)? Not if what is wanted has such ones, or if it says who is in a group. */
bool import_own_extra(const struct book_entry *wanted, const char *name);

/* *ret_wanted (book_free): before with the lists that are written changed, inside the device's
 * domain: numbers unique, capacity kept, entries that need not change untouched (so that their
 * bytes stay). ledger: everything of the source that will not arrive, and secrets to enter again;
 * an entry above the capacity is a line, not a fault (R24). -1: CN_VALIDATION_FAILED unknown_list
 * (the map names what is not there), CN_CAPACITY_EXCEEDED only for a list that must not be cut. */
int book_import(const struct book *before, const struct book *source,
	const struct import_options *opts, struct book **ret_wanted, struct ledger *ledger,
	struct fault *reterr) must_check;
