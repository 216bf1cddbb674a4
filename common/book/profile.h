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
	uint32_t pool;        /* lists with the same number here share together; 0 = none */
	uint32_t together;    /* entries of all lists of the pool; 0 = unknown */
	const char *grade; /* of capacity and together: "A" proven … "D" assumed, "" = unknown */
};

struct profile_limit {
	enum dest_kind kind; /* DEST_NONE = of the entry */
	enum book_field field;
	uint32_t max;      /* 0 = unknown */
	bool bytes;        /* counted in bytes of the charset, else in characters */
	const char *grade; /* "A" proven … "D" assumed, "" = unknown */
};

struct profile_default {
	enum dest_kind kind;
	enum book_field field;
	const char *value; /* a field that equals it counts as absent (section 8) */
};

/* How many destinations of an entry stand together. */
enum profile_dests {
	DESTS_ANY,      /* any number of any kind */
	DESTS_KIND,     /* one of each kind */
	DESTS_PROTOCOL, /* one of each kind, folders one of each protocol */
	DESTS_ONE,      /* one */
};

/* How the folder of an SMB destination is said. */
enum profile_smb {
	SMB_PATH,    /* host and path; the share begins the path */
	SMB_SHARE,   /* host, share and path */
	SMB_UNC_TOO, /* both; other families' as one path */
	SMB_UNC,     /* path alone: \\\\host\\share\\path */
};

/* Letter groups by which people find an entry: "AB", "CD" … */
struct profile_letter {
	const char *value;   /* the tag's */
	const char *letters; /* A–Z that belong to it; "" = all others */
};

struct profile_tag {
	const char *system;        /* "*" = any */
	const char *const *values; /* that it may have, NULL ends; none = any */
};

struct book_profile {
	const char *name;  /* "canon", "canon/type_2" */
	const char *title; /* "Canon imageRUNNER ADVANCE" */
	const char *family;
	const char *codec; /* the format in which a book is written for it */
	const char *charset;
	bool neutral;     /* no maker's: holds codes and extras of every family */
	bool whole_model; /* holds whatever the model has: cipher text, empty lists … */
	enum profile_dests dests;
	bool dest_required; /* an entry has one */
	enum profile_smb smb;
	uint32_t kinds;               /* bits 1 << dest_kind, with DEST_GROUP */
	const char *const *protocols; /* of files, NULL ends */
	const char *const *lacks;     /* "smb.port": what the folders of a protocol have not */
	const struct profile_tag *tag;
	uint32_t n_tags;
	bool tags_once;            /* one value of each system */
	const char *letter_system; /* tag system of the letter groups; NULL = none */
	const struct profile_letter *letter;
	uint32_t n_letters;
	const struct profile_list *list; /* none: any list, as in the source */
	uint32_t n_lists;
	bool list_names;       /* a list has a name */
	bool numbers_required; /* each entry has a number */
	uint32_t entries;      /* of all lists; 0 = unknown */
	const char *entries_grade;
	uint32_t members; /* of a group; 0 = unknown */
	const char *members_grade;
	bool group_same_list; /* members stand in the group's own list */
	bool group_on_member; /* said on the member: members in the order of entries, no
				 dangling ones, none twice */
	bool group_nested;    /* a group may be a member */
	bool group_no_ask;    /* no member whose password is asked for at each send */
	bool name_required;   /* an entry without a name cannot be */
	bool key_uuid;        /* the identity is the uuid where there is one, else the number */
	const char *controls; /* control characters that a value may hold */
	const struct profile_limit *limit;
	uint32_t n_limits;
	const struct profile_default *defaults;
	uint32_t n_defaults;
	const char *const *volatile_extras; /* not hashed; NULL ends */
	const char *const *side_effects;    /* what a write destroys beyond the book; NULL ends */
	const char *const *models;          /* names that printers of it report; NULL ends */
};

/* By its own name ("canon/ir-adv-c5500"), a family's ("canon") or a codec's ("canon_csv": the
 * profile that this format is written for). NULL = none. */
const struct book_profile *profile_named(const char *name);
/* Of a printer: the model's own if there is one, else its family's; NULL = none. */
const struct book_profile *profile_for(const char *family, const char *model);
/* Where a destination with that protocol (NULL = none) stands in an entry: of two in one place
 * there is room for one. Places count from 0, below PROFILE_PLACES; DESTS_ANY: all in 0, and there
 * is room for any number. */
#define PROFILE_PLACES 64u
uint32_t profile_place(const struct book_profile *p, enum dest_kind kind, const char *protocol);
/* All, NULL ends. */
const struct book_profile *const *profiles(void);
