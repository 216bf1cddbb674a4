// SPDX-License-Identifier: Apache-2.0
/* What the parts of an import share.
 *
 * Each list that is written becomes rows: entries of the device, of the source, or of both. Rows
 * get their numbers, then what is over the capacity is dropped, then they are written, groups with
 * those members that are there. */
#pragma once

#include "common/base/map.h"
#include "common/book/compare/match.h"
#include "common/book/import/import.h"

struct row {
	const struct book_entry *was; /* on the device; NULL = not there */
	const struct book_entry *src; /* in the source, made for this device; NULL = not there */
	bool same; /* the device says what the source says: its own entry stays */
	bool dropped;
	uint32_t number; /* 0 = as written, or none */
	const char *key; /* of what is written */
};

/* A list of the device that is written. */
struct target {
	const char *slot;
	const struct book_list *from;      /* as the source has it: lines of the ledger name it */
	const struct book_list *was;       /* as the device has it */
	struct book *made;                 /* of from, for this device; one list or none; owned */
	const struct book_list *src;       /* of made; NULL = nothing of it was left */
	const struct profile_list *limits; /* NULL = none are known */
	struct match_side left, right;     /* was and src */
	struct map left_keys, right_keys;  /* key → item of these */
	struct book *left_book, *right_book;
	struct row *row;
	uint32_t n;
	bool native; /* src is as the device writes it */
};

struct importer {
	const struct book *before, *source;
	const struct import_options *opts;
	struct book_profile loose;  /* the device's without places and capacities: those are ours */
	const struct codec *reader; /* of the source; NULL = none is known */
	bool foreign;               /* the source is converted */
	bool overlay;               /* what both have: the source's fields over the device's */
	struct arena work;
	struct target *target;
	uint32_t n_targets;
	struct ledger *ledger;
	struct book *out;
};

/* An entry that was on the device and is not replaced stands where it stood. */
static inline bool import_in_place(const struct importer *im, const struct row *r)
{
	return r->was && im->opts->mode != IMPORT_REPLACE;
}

/* Takes from im->work, which has no bound of its own: both books have one. */
void *import_take(struct importer *im, size_t n, size_t size) must_check;
const char *import_fmt(struct importer *im, const char *fmt, ...) printf_like(2, 3);
/* A line about an entry of the source; e NULL = about the whole list. */
void import_note(struct importer *im, const struct target *t, const struct book_entry *e,
	const struct ledger_line *what);

/* import_source.c: which lists go where, and made for this device. 0 or -1. */
int import_sources(struct importer *im, struct fault *reterr) must_check;
/* import_pair.c: who is who. 0, or -1: too big. */
int import_pair(struct importer *im, struct target *t) must_check;
/* import_same.c: would l be as it is with what r says? Places apart; members are those pairs; a
 * password that one of them does not tell may be the other's. */
bool import_says(const struct importer *im, const struct target *t, const struct match_item *l,
	const struct match_item *r);
/* Of two normal entries: which destination of was each of is stands for; NO_PAIR = it comes beside
 * them. pair has room for is->n_dests. */
void import_dests(const struct importer *im, const struct book_entry *is,
	const struct book_entry *was, uint32_t *pair);
/* What the old one has beside its address has a place in the new one, too. */
bool import_same_place(const struct book_dest *a, const struct book_dest *b);
/* import_rows.c: what becomes of each. 0, or -1: too big. */
int import_rows(struct importer *im, struct target *t) must_check;
/* import_place.c */
void import_numbers(struct importer *im, struct target *t);
void import_capacity(struct importer *im);
void import_keys(struct importer *im, struct target *t);
/* The uuid that it will have; NULL = none. Not of one in place. */
const char *import_uuid(const struct importer *im, const struct row *r);
/* import_write.c: its list of im->out. */
void import_write(struct importer *im, const struct target *t);
