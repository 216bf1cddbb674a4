// SPDX-License-Identifier: Apache-2.0
/* One address book, whatever maker it came from (docs/spec/address-books.md section 1).
 *
 *     book ── list (a Canon list, a whole Ricoh book) ── entry (a person or a group)
 *                                                          ├─ fields, tags
 *                                                          ├─ dests: mail, fax, folder …, each with
 * fields ├─ members (groups) └─ extras: what this format has and the model has not
 *
 * Strings are UTF-8 without NUL, NUL-terminated, and live in the book's arena with everything else:
 * one book_free ends all of it. A field that is absent is not there; "" is never stored.
 * When the arena is full the book is marked too_big and every adder gives a place that may be
 * written and is forgotten: build on, check once (decoders do so in book_decode). Not thread-safe.
 * Pure: no I/O, no clock, no locale. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "common/book/field.h"

/* Bounds for every format (section 2). */
#define BOOK_FILE_MAX ((size_t)64 * 1024 * 1024)
#define BOOK_LINE_MAX ((size_t)1024 * 1024)
#define BOOK_FIELD_MAX ((size_t)64 * 1024)
#define BOOK_COLUMNS_MAX 256u
#define BOOK_ENTRIES_MAX 200000u
#define BOOK_NESTING_MAX 64u
#define BOOK_ARENA_MAX ((size_t)88 * 1024 * 1024)
#define BOOK_FAULTS_MAX 1000u

enum list_kind {
	LIST_FLAT, /* the family has one list */
	LIST_ADDRESS_LIST,
	LIST_ONE_TOUCH,
	LIST_CODED_DIAL,
	LIST_FAVORITES,
	LIST_ADDRESS_BOOK,
	LIST_SPEED_DIAL,
	LIST_ADMIN,
	LIST_PERSONAL,
	LIST_USER_GROUP,
	LIST_PROGRAM,
};

enum secret_state {
	SECRET_ABSENT,    /* the device says there is none */
	SECRET_CLEAR,     /* text is the password */
	SECRET_ENCRYPTED, /* text is the device's own cipher text */
	SECRET_WITHHELD,  /* there may be one; the device never says it */
	SECRET_UNKNOWN,   /* the format cannot tell */
};

struct book_secret {
	enum secret_state state;
	const char
		*text; /* clear or encrypted, as written; else NULL. Never in logs, diffs, search */
	const char *scheme; /* of encrypted: "canon_crypto_2", "sharp_encrypted2" …; else NULL */
};

struct field {
	enum book_field id;
	const char *value;
};

/* Sorted by id, one of each. */
struct fields {
	struct field *v;
	uint32_t n, cap;
};

struct book_tag {
	const char *system; /* "title1", "frequent", "search_key", "category" … */
	const char *value;
};

struct book_dest {
	enum dest_kind kind;
	struct fields f;
	struct book_secret secret;
};

struct book_member {
	const char *key;  /* of the entry in the same list; NULL = dangling or not resolved */
	const char *text; /* the reference as written, for dangling ones and for writing back */
};

/* What the model has no field for; survives every edit and goes back as it came (AB-1). */
struct book_extra {
	const char *name;  /* column, attribute or element path */
	const char *value; /* its text in UTF-8; "" is a value here */
};

/* Where a record stands in its file; counted from 1, 0 = it came from no file. */
struct book_place {
	uint32_t line;
	size_t offset; /* bytes from the begin */
};

struct book_entry {
	const char
		*key; /* identity within its list and family (section 8): uuid, number, device id */
	bool group;
	struct fields f;
	struct book_tag *tag;
	struct book_dest *dest;
	struct book_member *member; /* in order */
	struct book_extra *extra;   /* in the file's order */
	uint32_t n_tags, n_dests, n_members, n_extras;
	uint32_t cap_tags, cap_dests, cap_members, cap_extras;
	struct book_place at;
};

struct book_list {
	const char *slot; /* the family's own index: "1" … "11", "one_touch"; "1" for flat books */
	enum list_kind kind;
	const char *name; /* "" = none */
	struct book_entry *entry;
	uint32_t n_entries, cap_entries;
};

/* Something in a file that is not as it should be. */
struct book_fault {
	int code;        /* CN-number: CN_PARSE_ERROR, CN_CHARSET_ERROR, CN_RESPONSE_TOO_BIG … */
	bool warning;    /* odd, kept, no reason to refuse the file */
	uint32_t line;   /* from 1; 0 = of the whole file */
	uint32_t column; /* in characters, from 1; 0 = of the whole line */
	uint32_t byte;   /* in bytes of the line, from 1 */
	const char *where;  /* column name, attribute or element path; "" = none */
	const char *reason; /* machine-readable word: "duplicate_number", "unbalanced_quote" … */
	const char *text;   /* what is wrong, in English, without any secret */
};

struct book {
	struct arena arena;
	bool too_big;
	const char *family;  /* "canon" "ricoh" "kyocera" "konica" "xerox" "sharp" "generic" … */
	const char *codec;   /* that read it, or "" */
	const char *charset; /* of the file: "UTF-8", "windows-1252", "Shift_JIS", "UTF-16LE"; "" =
				none */
	struct book_list *list;
	uint32_t n_lists, cap_lists;
	struct book_extra
		*meta; /* preamble values: "db_version", "generated_at" …; volatile, not hashed */
	uint32_t n_meta, cap_meta;
	struct book_fault *fault;
	uint32_t n_faults, cap_faults;
	uint32_t n_entries; /* of all lists */
	/* what adders give when the arena is full */
	struct book_list spare_list;
	struct book_entry spare_entry;
	struct book_dest spare_dest;
};

struct book *book_new(const char *family) must_check;
void book_free(struct book *b);
/* Everything again in an arena of its own, and in the same order. */
struct book *book_copy(const struct book *b) must_check;

/* Strings of the book. NULL stays NULL. */
const char *book_str(struct book *b, const char *s);
const char *book_strn(struct book *b, const char *s, size_t n);
const char *book_fmt(struct book *b, const char *fmt, ...) printf_like(2, 3);

/* Adders copy what they are given. Pointers into an array hold until the next add to that array. */
struct book_list *book_add_list(
	struct book *b, const char *slot, enum list_kind kind, const char *name);
struct book_entry *book_add_entry(struct book *b, struct book_list *l, const char *key);
struct book_dest *book_add_dest(struct book *b, struct book_entry *e, enum dest_kind kind);
void book_add_tag(struct book *b, struct book_entry *e, const char *system, const char *value);
void book_add_member(struct book *b, struct book_entry *e, const char *key, const char *text);
void book_add_extra(struct book *b, struct book_entry *e, const char *name, const char *value);
/* name is the book's own already: one copy for all entries of a column. */
void book_add_extra_of(
	struct book *b, struct book_entry *e, const char *own_name, const char *value);
void book_add_meta(struct book *b, const char *name, const char *value);
/* value NULL or "" removes the field. */
void book_set(struct book *b, struct fields *f, enum book_field id, const char *value);
/* The same; value is the book's own already. */
void book_set_own(struct book *b, struct fields *f, enum book_field id, const char *value);
void book_set_secret(struct book *b, struct book_dest *d, enum secret_state state, const char *text,
	const char *scheme);
/* An entry of another book, or of this one, with all it has. */
struct book_entry *book_copy_entry(struct book *b, struct book_list *l, const struct book_entry *e);
/* Keeps order. */
void book_remove_entry(struct book *b, struct book_list *l, const struct book_entry *e);
void book_remove_list(struct book *b, struct book_list *l);
void book_remove_dest(struct book_entry *e, const struct book_dest *d);

/* NULL = absent. */
const char *fields_get(const struct fields *f, enum book_field id);
/* "" = absent. */
const char *entry_name(const struct book_entry *e);
const char *book_meta(const struct book *b, const char *name);
/* The first destination of that kind, or NULL. */
struct book_dest *entry_dest(const struct book_entry *e, enum dest_kind kind);
struct book_extra *entry_extra(const struct book_entry *e, const char *name);
struct book_list *book_find_list(const struct book *b, const char *slot);
/* Linear; whoever asks often makes a map of the keys. */
struct book_entry *list_find(const struct book_list *l, const char *key);

const char *list_kind_name(enum list_kind kind); /* "address_list", … */
int list_kind_named(const char *name) must_check;
const char *secret_state_name(enum secret_state state);
int secret_state_named(const char *name) must_check;
