// SPDX-License-Identifier: Apache-2.0
/* Books that are XML: one table of places per format serves reading, writing and `holds`.
 *
 * A place is a path of local names under the record ("smb_information/server_name") or, in a
 * format of properties, a property's name ("remoteFolder:path"). A record is read into leaves, one
 * for each place that is there; what the table does not name becomes an extra with the bytes of its
 * subtree, passwords in it blanked. Writing over a base compares what each place says for the
 * base's entry and for the new one and changes the bytes of those alone (AB-10).
 *
 *     tree.c        a file, its records, a record's leaves
 *     tree_read.c   leaves into an entry
 *     tree_edit.c   changes to a file, the style of its elements
 *     tree_grow.c   new elements
 *     tree_say.c    what an entry says at each place
 *     tree_write.c  a book into a fresh file
 *     tree_over.c   a book over its base */
#pragma once

#include "common/base/arena.h"
#include "common/base/map.h"
#include "common/book/codec.h"
#include "common/text/xml.h"

/* The file, the elements and the book may take 200 MB together. */
#define TREE_ARENA_MAX ((size_t)48 * 1024 * 1024)
#define TREE_PATH_MAX 256u
/* Behind the path of an extra that stands at a place of the table and is not what belongs there. */
#define TREE_OTHER "[2]"
/* Before the key of a group that has the number of a person. */
#define TREE_GROUP_KEY "group/"

enum tree_role {
	TREE_VALUE,  /* the field, as it stands */
	TREE_BOOL,   /* yes or no in the file's words (AB-13) */
	TREE_LIST,   /* repeats; the field joins them, sorted, with a space */
	TREE_KEY,    /* identity of the entry; field F_NUMBER: its number, too */
	TREE_SECRET, /* password of the block's destination */
	TREE_SWITCH, /* yes or no: does the block count? fresh: the word for yes */
	TREE_MODE,   /* fresh: the word that stands here when the block counts */
	TREE_MEMBER, /* repeats; a member, whose key stands in the path `fresh` below */
	TREE_OWN,    /* the format's own functions read and say it */
	TREE_PLAIN,  /* no field: an extra, unless empty or equal to fresh */
};

struct tree_row {
	const char *path;
	unsigned block; /* index in the record's blocks; 0 = the entry itself */
	enum book_field field;
	enum tree_role role;
	const char *fresh; /* TREE_PLAIN: what a new record says; NULL = nothing */
};

/* Places that make one destination. */
struct tree_block {
	enum dest_kind kind;
	const char *protocol;    /* of a file destination; NULL = a row says it, or none has one */
	enum book_field defines; /* there is a destination when this field has a text */
};

struct tree_record {
	const char *element;  /* local name, for new records */
	bool persons, groups; /* which entries it can be; both: the format's own reading says */
	const struct tree_block *block; /* [0] is the entry */
	unsigned n_blocks;
	const struct tree_row *row;
	unsigned n_rows;
};

struct tree_format {
	const struct tree_record *record; /* [0] is the one for persons */
	unsigned n_records;
	bool properties;                  /* a record is a list of item{propName, propVal} */
	bool one_ns;                      /* only elements of the record's own namespace count */
	enum secret_state missing, empty; /* what no password element, an empty one says */
	const char *count;                /* element beside records that counts them, or NULL */

	/* What a node is: a record, or NULL. */
	const struct tree_record *(*record_of)(const struct xml_node *n);
	/* May it hold records? A file without record and without container is no book. */
	bool (*is_container)(const struct xml_node *n);

	/* TREE_OWN; say adds what stands there, nothing when nothing does. */
	void (*read_own)(struct book *b, struct book_entry *e, const char *path, const char *text);
	void (*say_own)(const struct book_entry *e, const char *path, struct buf *out);
	bool (*holds_tag)(const char *system, const char *value); /* NULL: none */
	/* After all entries are read: whatever concerns the whole book. */
	void (*finish)(struct decoder *d);

	/* Before and after the records of a fresh file. */
	void (*head)(struct buf *out, const struct book *b);
	const char *tail;
	const char *prefix; /* of fresh elements, with its colon, or "" */
};

/* ---- tree.c ---- */

struct tree_entry {
	const struct xml_node *node;
	const struct xml_node *parent; /* NULL: the node is a root */
	const struct tree_record *record;
};

struct tree {
	const struct tree_format *format;
	struct span file;
	struct arena arena;
	struct xml_node *root;
	const struct xml_node *container; /* the last one seen, or NULL */
	struct tree_entry *entry;         /* in the file's order */
	uint32_t n, cap;
};

/* tree_close in any case. */
int tree_open(struct tree *t, const struct tree_format *format, struct span file,
	struct xml_place *ret_place, struct fault *reterr) must_check;
void tree_close(struct tree *t);

struct tree_leaf {
	const char *path;
	const struct xml_node *whole; /* what goes when the leaf goes */
	const struct xml_node *value; /* whose text it is; NULL = there is none */
	const struct tree_row *row;   /* NULL = the table does not name it */
};

/* The leaves of one record; reused for the next. */
struct tree_leaves {
	struct arena arena; /* of paths */
	struct tree_leaf *v;
	uint32_t n, cap;
};

void tree_leaves_read(struct tree_leaves *l, const struct tree *t, const struct tree_entry *te);
void tree_leaves_fini(struct tree_leaves *l);
/* The first of that path, or NULL. */
const struct tree_leaf *tree_leaf(const struct tree_leaves *l, const char *path);
/* Its text; "" when there is none. */
const char *tree_text(const struct tree_leaves *l, const char *path);
/* Is the leaf one that the entry keeps as an extra? blocks: bits of those that count. */
bool tree_is_extra(const struct tree_record *r, const struct tree_leaf *leaf, uint32_t blocks);
/* An extra's value: the bytes of its element with passwords blanked, or the property's text. */
void tree_extra_value(const struct tree *t, const struct tree_leaf *leaf, struct buf *out);
/* How sure it is XML that has this word near its begin. */
int tree_detect(struct span head, const char *word) must_check;
bool tree_holds(const struct tree_format *f, enum dest_kind kind, enum book_field field);

/* ---- tree_read.c ---- */

int tree_decode(struct decoder *d, const struct tree_format *f) must_check;
/* Which blocks of the record count. */
uint32_t tree_blocks(const struct tree_record *r, const struct tree_leaves *l);
/* Does a place say whether the block counts? Otherwise its defining field does. */
bool tree_has_switch(const struct tree_record *r, unsigned block);
/* The destination that a block stands for, or NULL. */
const struct book_dest *tree_dest(const struct tree_block *b, const struct book_entry *e);

/* What a leaf of a repeating row says. */
const char *tree_repeated_text(const struct tree_leaf *leaf);

/* ---- tree_edit.c ---- */

struct tree_edit {
	size_t at, n;        /* bytes of the file that go */
	size_t text, text_n; /* in tree_edits.text: what comes */
};

struct tree_edits {
	struct span file;
	struct buf text;
	struct tree_edit *v;
	uint32_t n, cap;
};

void tree_edits_fini(struct tree_edits *e);
/* What is inserted at a place comes before what is removed there; of two changes to the same bytes
 * the first counts. */
void tree_edit(struct tree_edits *e, size_t at, size_t n, struct span text);
void tree_apply(struct tree_edits *e, struct buf *out);
/* Text into an element, whether it is <x/>, <x></x> or has one. xml is escaped already. */
void tree_set_inner(struct tree_edits *e, const struct xml_node *n, struct span xml);
/* The element and the white space before it. */
void tree_remove(struct tree_edits *e, const struct xml_node *n);
/* Escapes; 0, or -1 for a character that XML cannot hold, *out then undefined. */
int tree_escape(struct buf *out, const char *text) must_check;
/* "kmaddrbook:" of an element's tag, or "". */
struct span tree_prefix(struct span file, const struct xml_node *n);
/* White space between what stands before an offset and it. */
struct span tree_space(struct span file, size_t at);

/* How elements are set. */
struct tree_style {
	struct span prefix;       /* of a record's tag, with its colon */
	struct span inner_prefix; /* of the elements in it */
	struct span space;        /* before a record; n = 0: nothing is indented */
	struct span unit;         /* one level deeper */
	bool flat;                /* a record is one line */
};

struct tree_style tree_style_of(struct span file, const struct xml_node *record);

/* Empties what holds a password, in this element and below it. */
void tree_blank_secrets(struct tree_edits *e, const struct xml_node *n);

/* ---- tree_grow.c: elements to be ---- */

struct tree_twig {
	const char *name;
	const char *text;            /* of a leaf */
	bool raw;                    /* text is XML, all of the leaf */
	const struct xml_node *have; /* it is there already: only what is in it grows */
	struct tree_twig *child, *last, *next;
};

struct tree_grow {
	struct arena arena;
	const struct tree_format *format;
	const struct tree_record *record;
	struct tree_twig root; /* the record */
	bool unfit;            /* a character that XML cannot hold, or no memory */
};

/* have: the record that grows; NULL = a new one. */
void tree_grow_begin(struct tree_grow *g, const struct tree_format *f,
	const struct tree_record *record, const struct xml_node *have);
void tree_grow_fini(struct tree_grow *g);
/* A leaf; what is not there of the way to it grows, too. raw: text is the leaf's XML. */
void tree_grow_add(struct tree_grow *g, const char *path, const char *text, bool raw);
/* Is there something at that path, or does it grow? */
bool tree_grow_has(struct tree_grow *g, const char *path);
/* A new last element of path, whatever is there; text in it, at the path below ("" = itself). */
void tree_grow_more(struct tree_grow *g, const char *path, const char *below, const char *text);
/* The record, without the white space before it. */
void tree_grow_record(struct tree_grow *g, const struct tree_style *style, struct buf *out);
/* What is not there yet into the record that is. */
void tree_grow_into(struct tree_grow *g, struct tree_edits *e);
/* What tree_grow_more added last, alone. */
void tree_grow_last(struct tree_grow *g, const struct tree_style *style, struct buf *out);

/* ---- tree_say.c ---- */

struct tree_writer {
	struct encoder *e;
	const struct codec *codec;
	const struct tree_format *format;
	struct map keys; /* of the book, to its entries */
	struct tree_grow grow;
	struct buf text, was, is; /* scratch */
	bool foreign;             /* XML of an extra went in: is the whole still XML? */
};

/* "": nothing stands there; NULL: no statement. In canonical words; scratch may hold it. keys: of
 * the entry's book. */
const char *tree_say(const struct tree_format *f, const struct tree_record *r,
	const struct tree_row *row, const struct book_entry *e, const struct map *keys,
	struct buf *scratch);
/* Notes that its password has to be typed, if it has one. */
void tree_secret_lost(struct tree_writer *w, const struct book_entry *e, const struct book_dest *d);
/* What a row that repeats says, each text with a NUL behind it. */
void tree_say_all(const struct tree_record *r, const struct tree_row *row,
	const struct book_entry *e, const struct map *keys, struct buf *out);
bool tree_repeats(const struct tree_row *row);
/* A canonical value in the words of the file, like those found there. */
const char *tree_words(const struct tree_row *row, const char *found, const char *value);
/* An extra's leaf grows. */
int tree_grow_extra(struct tree_writer *w, const struct book_entry *e, const char *name,
	const char *value) must_check;
/* All of an entry's leaves grow. */
int tree_grow_entry(
	struct tree_writer *w, const struct tree_record *r, const struct book_entry *e) must_check;

/* ---- tree_write.c, tree_over.c ---- */

int tree_encode(
	struct encoder *e, const struct codec *codec, const struct tree_format *f) must_check;
/* The record that an entry becomes. */
const struct tree_record *tree_record_for(const struct tree_format *f, const struct book_entry *e);
/* After an entry grew. */
int tree_check_grown(struct tree_writer *w, const struct book_entry *e) must_check;
int tree_write_over(struct tree_writer *w) must_check;
void tree_map_keys(struct map *keys, const struct book *b);
