// SPDX-License-Identifier: Apache-2.0
/* What a family or model of printers can hold: data in schemas/profiles/book/<family>.json, built
 * into the programs (docs/spec/address-books.md section 2 and 10.1; AB-7). A limit of 0 is unknown:
 * a plan warns, it does not refuse. Profiles are made once, never change and live as long as the
 * process. */
#pragma once

#include "common/base/fault.h"
#include "common/book/book.h"

struct profile_list {
	const char *slot;
	enum list_kind kind;
	const char *name;
	uint32_t capacity;    /* entries; 0 = unknown */
	uint32_t first, last; /* numbers it may hold; last 0 = unknown */
};

struct profile_limit {
	enum dest_kind kind; /* DEST_NONE = of the entry */
	enum book_field field;
	uint32_t max;
	bool bytes;        /* counted in bytes of the charset, else in characters */
	const char *grade; /* "A" proven … "D" assumed */
};

struct profile_default {
	enum dest_kind kind;
	enum book_field field;
	const char *value; /* a field that equals it counts as absent (section 8) */
};

struct book_profile {
	const char *name;  /* "canon", "ricoh/im-c3000" */
	const char *title; /* "Canon imageRUNNER ADVANCE" */
	const char *family;
	const char *codec; /* the format in which a book is written for it */
	const char *charset;
	uint32_t dests_per_entry;     /* 1, or 0 = many */
	uint32_t kinds;               /* bits 1 << dest_kind, with DEST_GROUP */
	const char *const *protocols; /* of files, NULL ends */
	const char *const *tags;      /* tag systems, NULL ends */
	const struct profile_list *list;
	uint32_t n_lists;
	uint32_t entries;     /* of all lists; 0 = unknown */
	uint32_t members;     /* of a group; 0 = unknown */
	bool group_same_list; /* members stand in the group's own list */
	const struct profile_limit *limit;
	uint32_t n_limits;
	const struct profile_default *defaults;
	uint32_t n_defaults;
	const char *const *volatile_extras; /* not hashed; NULL ends */
	const char *const *side_effects;    /* what a write destroys beyond the book; NULL ends */
};

/* By its own name ("canon/ir-adv-c5500"), a family's ("canon") or a codec's ("canon_csv": the
 * profile that this format is written for). NULL = none. */
const struct book_profile *profile_named(const char *name);
/* Of a printer: the model's own if there is one, else its family's; NULL = none. */
const struct book_profile *profile_for(const char *family, const char *model);
/* All, NULL ends. */
const struct book_profile *const *profiles(void);
