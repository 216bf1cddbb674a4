// SPDX-License-Identifier: Apache-2.0
/* The address lists of a simulated device: made from the seed, changed by the control port, written
 * as `.abk` text. This side's own encoder: the worker and storage have theirs. */
#pragma once

#include "common/base/arena.h"
#include "services/simulator/sim.h"

/* Numbers are stable: they choose the random stream. */
#define ONE_TOUCH_MAX 200u /* numbers of the one-touch list: 1 … 200 */

enum item {
	ITEM_LIST_1 = 0,
	ITEM_LIST_10 = 9,
	ITEM_ONE_TOUCH = 10,
	ITEM_CODED_DIAL,
	ITEM_FAVORITES,
	ITEM_ADDRESS_BOOK,
	ITEM_SPEED_DIAL,
};

enum entry_kind { KIND_EMAIL, KIND_FAX, KIND_IFAX, KIND_IPFAX, KIND_FILE, KIND_GROUP, KIND_COUNT };

/* An attribute that the device keeps and nobody looks at. */
struct entry_line {
	const char *name, *value;
};

struct entry {
	uint32_t number;
	enum entry_kind kind;
	const char *name, *reading;
	const char *mail, *dial, *protocol, *host, *path, *user, *password; /* NULL = has none */
	uint32_t *members;
	size_t n_members;
	struct entry_line *more;
	size_t n_more;
};

struct sim_list {
	struct arena arena;
	const char *name;
	struct entry *entries;
	size_t n;
};

const char *item_name(enum item item);
/* -1 = no such item */
int item_find(const char *name);
/* Has this device such a list? */
bool book_has(const struct device *d, enum item item);
/* All it has, as bits. */
uint32_t book_items(const struct device *d);
/* What the list holds now: kept or generated. Free with book_list_free unless it is kept. */
struct sim_list *book_get(const struct device *d, enum item item);
void book_put_back(const struct device *d, enum item item, struct sim_list *l);
/* The list to be changed; from now on the device keeps it. Counts as a change of configuration. */
struct sim_list *book_edit(struct device *d, enum item item);
void book_forget(struct device *d);
/* Exactly what the device would send; secrets: with stored passwords. */
void book_text(const struct device *d, enum item item, bool secrets, struct buf *out);
/* Exact bytes from outside; n 0 takes them away again. */
void book_set_raw(struct device *d, enum item item, struct span bytes);
struct entry *book_find(struct sim_list *l, uint32_t number);
/* The device keeps this list (taken, as sim_list_new made it) instead of what it had. */
void book_take(struct device *d, enum item item, struct sim_list *l);
struct sim_list *sim_list_new(size_t entries);
void sim_list_free(struct sim_list *l);
/* e came from another list: its texts and members move into l. */
void sim_list_copy_entry(struct sim_list *l, struct entry *e);

/* ---- book_read.c: what a device makes of a file (devices.md 4.3) ---- */
/* What it did not take as it stands; it says OK all the same (import-export.md R21, R22). */
struct read_report {
	size_t records;
	size_t dropped; /* above the capacity */
	size_t groups;  /* not registered: a member was dropped or is not there */
	size_t cut;     /* texts shortened to the limit */
	size_t blanked; /* names that the declared charset does not hold */
	bool torn;      /* a record is wrong: the import stops there, what came before stays */
};
/* NULL = no such file at all: nothing is touched. room: entries that fit. */
struct sim_list *book_read(const struct device *d, enum item item, struct span text, size_t room,
	struct read_report *ret);

json_t *book_entry_json(struct entry *e);
/* The members that are given; texts go to the arena. */
int book_entry_fill(
	struct arena *a, struct entry *e, const json_t *json, struct fault *reterr) must_check;
json_t *book_to_json(const struct device *d, enum item item);
int book_from_json(
	struct device *d, enum item item, const json_t *json, struct fault *reterr) must_check;
/* Changes the given members of one entry, or makes it. */
int book_edit_entry(
	struct device *d, enum item item, const json_t *json, struct fault *reterr) must_check;

/* text in UTF-8 → out in Windows-1252; '?' never: returns false when a character has no place. */
bool cp1252_encode(const char *text, struct buf *out);

/* ---- names.c ---- */
/* latin: only what Windows-1252 holds. Texts live in the arena. */
void name_person(struct rng *r, struct arena *a, uint32_t language, bool latin, struct entry *e);
const char *name_department(struct rng *r, uint32_t language, bool latin);

/* ---- dsv.c ---- */
/* Device setting values of types II and III (simulated only): the named items, sealed with the
 * password. Equal book and password give equal bytes. */
/* All that goes into it, in the open: for each item "ITEM <name> <bytes>\n" and its text. */
void dsv_plain(const struct device *d, uint32_t items, struct buf *out);
void dsv_export(const struct device *d, uint32_t items, const char *password, struct buf *out);
/* What was sealed into out, and which items it holds. false = wrong password, another device's
 * file, or no such file. */
bool dsv_open(const struct device *d, struct span file, const char *password, struct buf *out);
/* The next "ITEM <name> <bytes>\n" of what dsv_open gave; false at the end or when it is wrong. */
bool dsv_next(struct span plain, size_t *at, enum item *ret_item, struct span *ret_text);
