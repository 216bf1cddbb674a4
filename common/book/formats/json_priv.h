// SPDX-License-Identifier: Apache-2.0
/* The reader of carnet_json inside: json_read.c walks objects and arrays and says what is wrong
 * where, json_model.c knows what they mean. */
#pragma once

#include "common/book/formats/json.h"
#include "common/text/json_pull.h"

/* Members that are no fields get numbers above them. */
enum {
	M_CARNET = FIELD_NUMBERS,
	M_FAMILY,
	M_FORMAT,
	M_CHARSET,
	M_META,
	M_LISTS,
	M_SLOT,
	M_KIND,
	M_LIST_NAME,
	M_ENTRIES,
	M_KEY,
	M_GROUP,
	M_TAGS,
	M_DESTS,
	M_MEMBERS,
	M_EXTRA,
	M_SECRET,
	M_STATE,
	M_SCHEME,
	M_TEXT,
	M_SYSTEM,
	M_VALUE,
	M_PAIR_NAME,
	M_END,
};
_Static_assert(M_END <= 128, "the set of members seen has 128 bits");

struct word {
	const char *name;
	unsigned id;
};

/* What an object may hold: words of its own, and the fields of a kind. */
struct shape {
	const char *what; /* "an entry" */
	const struct word *words;
	int fields_of; /* enum dest_kind, any destination's for -1, or -2 for no fields */
};

/* An object's members seen so far. */
struct seen {
	uint64_t bits[2];
};

struct json_reader {
	struct pull p;
	struct decoder *d;
	struct book *b;
	struct book_list *list; /* being read; NULL between lists */
	struct book_entry *entry;
	const char *part; /* "destinations", "tags" …; NULL = the entry itself */
	uint32_t part_n;
	char member[48]; /* the last name read */
};

/* At the last token, with its path. 0 in lenient mode. */
int jread_wrong(struct json_reader *r, int code, const char *reason, const char *text) must_check;
/* A fault that ends the reading, lenient or not. */
static inline int jread_end(int noted)
{
	return noted < 0 ? noted : -1;
}
/* No way on behind the last token, lenient or not: -1. */
int jread_broken(struct json_reader *r) must_check;
/* Notes that the value of token t is not what it should be, and goes on behind it where allowed. */
int jread_not_a(struct json_reader *r, enum pull_token t, const char *text) must_check;
/* The next member: its number and its value's first token. 1, 0 at the end of the object, -1. */
int jread_member(struct json_reader *r, const struct shape *s, struct seen *seen, unsigned *ret_id,
	enum pull_token *ret) must_check;
bool jread_has(const struct seen *s, unsigned id);
/* At the end of an object: was it there? */
int jread_needs(
	struct json_reader *r, const struct seen *s, unsigned id, const char *name) must_check;
/* A string of the book's. */
int jread_text(struct json_reader *r, enum pull_token t, const char **ret) must_check;
/* Calls each inside every object of the array that begins with t. */
int jread_array(
	struct json_reader *r, enum pull_token t, int (*each)(struct json_reader *r)) must_check;
/* The same for an array inside an entry, or the book's meta, which the path names. */
int jread_part(struct json_reader *r, enum pull_token t, const char *name,
	int (*each)(struct json_reader *r)) must_check;
