// SPDX-License-Identifier: Apache-2.0
/* What the parts of the conversion share (docs/spec/address-books.md section 10).
 *
 * Each source entry becomes 0..n entries of the target, side by side in one list ("parts"). They
 * are made first, then numbered and counted, then groups find their members among them; what is
 * over capacity is marked dropped and taken out at the end. */
#pragma once

#include "common/base/map.h"
#include "common/book/convert/convert.h"
#include "common/text/charset.h"

/* An entry of the target: its twin in book_list.entry has the same index. */
struct part {
	struct origin *origin;
	const char *said; /* its number in the source; NULL = none */
	uint32_t wanted;  /* that, when it is one; 0 = it is none */
	uint32_t number;  /* 0 = the target has none */
	bool dropped;
};

/* A source entry. */
struct origin {
	const struct book_list *list;
	const struct book_entry *entry;
	struct target *target;
	uint32_t first, n; /* its parts */
	uint32_t order;    /* among all source entries, from 1 */
	bool dropped;      /* nothing of it is in the target */
};

/* A list of the target. */
struct target {
	const struct profile_list *limits; /* NULL = none are known */
	uint32_t list;                     /* index in out->list: that array moves */
	struct part *part;
	uint32_t n, cap;
	struct map keys; /* of what stays */
};

struct name {
	const char *s;
};

struct pending {
	uint32_t order, at;
	struct ledger_line line;
};

struct conv {
	const struct book *src;
	const struct book_profile *from; /* of the source; NULL = none is known */
	const struct book_profile *to;
	const struct codec *codec;
	const struct codec *reader; /* that read the source; NULL = none is known */
	const struct convert_options *opts;
	enum charset charset;
	bool same_family; /* codes and secrets of the source mean the same in the target */
	bool same_codec;
	struct book *out;
	struct arena work;
	struct origin *origin; /* of all source entries, in order */
	struct target *target; /* as many as out has lists */
	uint32_t n_origins, n_targets;
	struct map slots;         /* of the target: slot → struct target */
	struct map called;        /* folded slots of the source → struct book_list, the first */
	uint32_t new_slots;       /* numbers tried for lists that cannot keep theirs */
	bool *taken;              /* by a list of the source, per list of the profile */
	struct map columns;       /* of extras: name in lower case → struct name */
	const struct origin *now; /* whose lines are written; NULL = those of the whole book */
	struct pending *pending;
	uint32_t n_pending, cap_pending;
};

/* Takes from c->work, which has no bound of its own: the source has one. */
void *conv_take(struct conv *c, size_t n, size_t size) must_check;
const char *conv_fmt(struct conv *c, const char *fmt, ...) printf_like(2, 3);

/* "file[2].path": a field of the destination path, or of the entry where that is ""; path alone
 * where field is 0. */
const char *conv_place(struct conv *c, const char *path, enum book_field field);

/* A line about c->now; text outlives the conversion or comes from conv_fmt. */
void conv_note(struct conv *c, enum ledger_action action, const char *field, const char *before,
	const char *after, const char *reason);
/* Forgets what was said about c->now: one line tells that all of it is lost. */
void conv_drop_origin(struct conv *c, const char *reason);
void conv_write_ledger(struct conv *c, struct ledger *ledger);

/* convert_value.c: what of a value the target can hold, in work or as given; NULL = nothing, *why
 * says why not. Notes what it changed. path: of its destination, "" = of the entry; field 0: a
 * label that is no field, path is its name. */
const char *convert_value(struct conv *c, enum dest_kind kind, enum book_field field,
	const char *path, const char *value, const char **why) must_check;
/* A text that is no field: a tag, an extra, a list's name, a password. */
const char *convert_text(struct conv *c, const char *value, const char **why) must_check;
bool value_absent(struct conv *c, enum book_field field, const char *value);

/* convert_list.c: which slots the source has, before any list is asked for. */
void convert_slots(struct conv *c);
/* Where the entries of l go; says what becomes of the list itself. */
struct target *convert_list(struct conv *c, const struct book_list *l) must_check;
/* Says that l, without entries, is nowhere in the target. */
void convert_empty(struct conv *c, const struct book_list *l);

/* convert_entry.c */
void convert_entry(struct conv *c, struct origin *o);

/* convert_dest.c: adds it to e; false = dropped, and said so, *why is the reason. */
bool convert_dest(struct conv *c, struct book_entry *e, const struct book_dest *d, const char *path,
	const char **why) must_check;
/* Fields that a family writes in its own code, defaults and what the format cannot hold. */
bool field_passes(struct conv *c, enum dest_kind kind, const struct field *f, const char *path);

/* convert_tag.c */
void convert_tags(struct conv *c, struct book_entry *e, const struct book_entry *src);

/* convert_number.c */
void convert_numbers(struct conv *c);

/* convert_group.c */
void convert_members(struct conv *c);
/* The order in which entries are written: groups after their members. */
uint32_t *convert_order(struct conv *c, const struct book_list *l) must_check;

/* convert_merge.c: a copy in which entries of equal name and reading are one (10.2). */
struct book *convert_merge(struct conv *c) must_check;
