// SPDX-License-Identifier: Apache-2.0
/* The rules of imports that need no device: decisions D2 to D4 of docs/spec/import-export.md
 * section 4 and the tables of section 3. Pure: what is known of both sides goes in, what happens to
 * each item comes out. Capacity and truncation (D5) are common/book/import's. */
#pragma once

#include "common/base/fault.h"
#include "common/exchange/item.h"

/* A printer, or the printer that a file came from. NULL = not known. */
struct exchange_side {
	const char *vendor, *series, *model, *serial;
	const char *language; /* of the display, BCP 47 */
};

enum policy_password { POLICY_UNKNOWN, POLICY_NONE, POLICY_SET };

/* Into what a setting may go back (section 3.6). */
enum exchange_class {
	CLASS_UNKNOWN, /* counts as A */
	CLASS_A,       /* the same device */
	CLASS_B,       /* also the same series */
	CLASS_C,       /* also other models */
	CLASS_NO,      /* never */
};

/* What a model's data says of an item. */
struct exchange_offer {
	const char *item;
	enum exchange_class classed;
};

struct exchange {
	const char *const *items; /* asked for */
	size_t n_items;
	struct exchange_side from, to;
	/* Carnet reads the file and writes the device's own characters: a book. Otherwise the bytes
	 * go to the device as they are. */
	bool translated;
	const struct exchange_offer *offer; /* items of the model; NULL = all, classes unknown */
	size_t n_offer;
	bool has_home; /* the model has a Home screen */
	enum policy_password from_policy, to_policy;
	bool same_policy_password;   /* both set and equal */
	bool without_credentials;    /* the file was exported without them */
	const char *const *accepted; /* words of the plan: language hazards … */
	size_t n_accepted;
};

enum exchange_fate {
	EXCHANGE_TAKE,
	EXCHANGE_SKIP_MODEL,    /* skipped_model */
	EXCHANGE_SKIP_PASSWORD, /* skipped_policy_password */
};

/* Something a person must know before; need = the word to accept, NULL = only said. */
struct exchange_note {
	const char *item;   /* "" = all of it */
	const char *kind;   /* gate hazard destroyed */
	const char *reason; /* H3, language_differs, policy_password … */
	const char *need;
	const char *text; /* one sentence */
};

#define EXCHANGE_ITEMS 32u
#define EXCHANGE_NOTES 48u

struct exchange_verdict {
	enum exchange_fate fate[EXCHANGE_ITEMS]; /* of each item asked for */
	size_t n_taken;
	struct exchange_note note[EXCHANGE_NOTES];
	size_t n_notes;
	bool restarts; /* the device restarts by itself (B1) */
};

/* 0, or -1: nothing may be written: CN_LANGUAGE_MISMATCH, CN_UNSUPPORTED_OPERATION (no item is
 * left, or an item that does not exist), CN_VALIDATION_FAILED (too many items). *ret holds the
 * notes in both cases. */
int exchange_decide(
	const struct exchange *x, struct exchange_verdict *ret, struct fault *reterr) must_check;

/* What a whole report says (section 6). */
enum exchange_overall {
	OVERALL_DONE,
	OVERALL_DONE_WITH_NOTICES,
	OVERALL_NOTHING_DONE,
	OVERALL_PARTIAL,
	OVERALL_FAILED,
	OVERALL_UNKNOWN,
};
enum exchange_count { COUNT_SUCCESS, COUNT_NOTICE, COUNT_NOTHING, COUNT_FAILURE, COUNT_UNKNOWN };
/* How the item codes of section 6 count, by their word; an unknown word is a failure. */
enum exchange_count exchange_counts(const char *item_code);
enum exchange_overall exchange_overall(const enum exchange_count *counts, size_t n);
