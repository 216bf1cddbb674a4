// SPDX-License-Identifier: Apache-2.0
/* Gates, tables and hazards of imports. */
#include "common/exchange/exchange.h"

#include <string.h>
#include <strings.h>

#include "gen/errors.h"

static bool has(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

static bool asked(const struct exchange *x, const char *item)
{
	return has(x->items, x->n_items, item);
}

/* Both known and equal. */
static bool same(const char *a, const char *b)
{
	return a && b && *a && strcasecmp(a, b) == 0;
}

static bool known(const char *s)
{
	return s && *s && strcasecmp(s, "unknown") != 0;
}

static bool same_device(const struct exchange *x)
{
	return same(x->from.serial, x->to.serial) && same(x->from.vendor, x->to.vendor);
}

static void note(struct exchange_verdict *v, const struct exchange_note *n)
{
	bug_if(v->n_notes == EXCHANGE_NOTES); /* one per item and rule at most */
	v->note[v->n_notes++] = *n;
}

/* ---- language (R7–R9) ---- */

static int judge_language(
	const struct exchange *x, struct exchange_verdict *v, struct fault *reterr)
{
	const char *from = x->from.language, *to = x->to.language;
	bool unknown = !known(from) || !known(to);

	if (!unknown && strcasecmp(from, to) == 0)
		return 0;
	if (unknown && (x->translated || same_device(x))) {
		note(v, &(struct exchange_note){.item = "",
				.kind = "gate",
				.reason = "language_unknown",
				.text = "the display language of one side is not known; "
					"they should be equal"});
		return 0;
	}
	if (has(x->accepted, x->n_accepted, "language"))
		return 0;
	note(v, &(struct exchange_note){.item = "",
			.kind = "gate",
			.reason = unknown ? "language_unknown" : "language_differs",
			.need = "language",
			.text = "source and printer must show the same display language, else "
				"values may be garbled"});
	return fault_why(reterr, CN_LANGUAGE_MISMATCH,
		unknown ? "language_unknown" : "language_differs",
		"display language: source %.35s, printer %.35s", known(from) ? from : "unknown",
		known(to) ? to : "unknown");
}

/* ---- models and classes (R10, R12, section 3.6) ---- */

static const struct exchange_offer *offered(const struct exchange *x, const char *item)
{
	for (size_t i = 0; i < x->n_offer; i++)
		if (strcmp(x->offer[i].item, item) == 0)
			return &x->offer[i];
	return NULL;
}

static bool class_fits(const struct exchange *x, enum exchange_class c)
{
	switch (c) {
	case CLASS_NO:
		return false;
	case CLASS_C:
		return true;
	case CLASS_B:
		return same_device(x) || same(x->from.series, x->to.series) ||
		       same(x->from.model, x->to.model);
	case CLASS_UNKNOWN:
	case CLASS_A:
		return same_device(x);
	}
	return false;
}

/* Books are translated entry by entry; their losses are the ledger's, not a class's. */
static bool is_book(const char *item)
{
	return strcmp(item, "indiv_address_book") == 0 || strcmp(item, "address_book") == 0 ||
	       strcmp(item, "indiv_ab_personal") == 0 || strcmp(item, "indiv_ab_group") == 0;
}

static enum exchange_fate judge_model(
	const struct exchange *x, const char *item, struct exchange_verdict *v)
{
	const struct exchange_offer *o = offered(x, item);
	const char *why = NULL;

	if (x->offer && !o)
		why = "the model does not have this item";
	else if (strcmp(item, "home") == 0 && !x->has_home)
		why = "the model has no Home screen";
	else if (!(x->translated && is_book(item)) &&
		 !class_fits(x, o ? o->classed : CLASS_UNKNOWN))
		why = "settings of this class may not go into this printer";
	if (!why)
		return EXCHANGE_TAKE;
	note(v, &(struct exchange_note){
			.item = item, .kind = "gate", .reason = "model", .text = why});
	return EXCHANGE_SKIP_MODEL;
}

/* ---- security policy (section 3.3) ---- */

static enum exchange_fate judge_policy(const struct exchange *x, struct exchange_verdict *v)
{
	enum policy_password from = x->from_policy, to = x->to_policy;
	bool skip;

	if (to == POLICY_SET)
		skip = from != POLICY_SET || !x->same_policy_password;
	else
		skip = to == POLICY_UNKNOWN && !same_device(x);
	if (skip) {
		note(v, &(struct exchange_note){.item = "security_policy",
				.kind = "gate",
				.reason = "policy_password",
				.text = "the security policy password of the printer is not "
					"that of the source"});
		return EXCHANGE_SKIP_PASSWORD;
	}
	if (from == POLICY_SET && to == POLICY_NONE)
		note(v, &(struct exchange_note){.item = "security_policy",
				.kind = "hazard",
				.reason = "policy_password",
				.need = "hazards",
				.text = "the printer takes over the security policy password of "
					"the source"});
	v->restarts = true;
	return EXCHANGE_TAKE;
}

/* ---- hazards (section 3.8) ---- */

static const struct {
	const char *item;
	struct exchange_note note;
	bool elsewhere; /* only into another device than the file came from */
} hazards[] = {
	{"basic_info",
		{.kind = "hazard",
			.reason = "H2",
			.need = "hazards",
			.text = "network settings come along: wrong ones cut the printer off"},
		true},
	{"department_id",
		{.kind = "hazard",
			.reason = "H3",
			.need = "hazards",
			.text = "the system manager's ID and PIN are overwritten, too; Carnet's "
				"own "
				"login may change"},
		false},
	{"department_id",
		{.kind = "destroyed",
			.reason = "H8",
			.text = "department IDs that only the printer has are deleted"},
		false},
	{"box",
		{.kind = "hazard",
			.reason = "H7",
			.need = "hazards",
			.text = "boxes with automatic deletion delete their files at the imported "
				"time; forwarding errors may be deleted"},
		false},
	{"address_book",
		{.kind = "destroyed",
			.reason = "H6",
			.text = "the printer clears its address book before the import begins"},
		false},
};

static void find_hazards(const struct exchange *x, const char *item, struct exchange_verdict *v)
{
	for (size_t i = 0; i < array_len(hazards); i++) {
		struct exchange_note n = hazards[i].note;
		if (strcmp(hazards[i].item, item) != 0 || (hazards[i].elsewhere && same_device(x)))
			continue;
		n.item = item;
		note(v, &n);
	}
}

static void whole_hazards(const struct exchange *x, struct exchange_verdict *v)
{
	if (asked(x, "forwarding") && !asked(x, "address_book"))
		note(v, &(struct exchange_note){.item = "forwarding",
				.kind = "hazard",
				.reason = "H4",
				.need = "hazards",
				.text = "forwarding settings without the address book they point "
					"to"});
	if (x->without_credentials)
		note(v, &(struct exchange_note){.item = "",
				.kind = "hazard",
				.reason = "H9",
				.need = "secrets",
				.text = "the file has no passwords: those stored in the printer "
					"are "
					"removed"});
}

/* ---- all of it ---- */

static int judge_item(
	const struct exchange *x, size_t i, struct exchange_verdict *v, struct fault *reterr)
{
	const char *item = x->items[i];

	if (has(x->items, i, item))
		return fault_why(reterr, CN_VALIDATION_FAILED, "items",
			"item '%.64s' is asked for twice", item);
	if (exchange_item_bit(item) < 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "unknown_word",
			"there is no item '%.64s'", item);
	v->fate[i] = judge_model(x, item, v);
	if (v->fate[i] == EXCHANGE_TAKE && strcmp(item, "security_policy") == 0)
		v->fate[i] = judge_policy(x, v);
	if (v->fate[i] != EXCHANGE_TAKE)
		return 0;
	v->n_taken++;
	find_hazards(x, item, v);
	return 0;
}

int exchange_decide(const struct exchange *x, struct exchange_verdict *ret, struct fault *reterr)
{
	*ret = (struct exchange_verdict){.n_taken = 0};
	if (x->n_items == 0 || x->n_items > EXCHANGE_ITEMS)
		return fault_why(reterr, CN_VALIDATION_FAILED, "items",
			"an import has 1 to %u items", EXCHANGE_ITEMS);
	if (judge_language(x, ret, reterr) < 0)
		return -1;
	for (size_t i = 0; i < x->n_items; i++)
		if (judge_item(x, i, ret, reterr) < 0)
			return -1;
	whole_hazards(x, ret);
	if (ret->n_taken == 0)
		return fault_why(reterr, CN_UNSUPPORTED_OPERATION, "no_item",
			"none of the items may go into this printer");
	return 0;
}

/* ---- the report (section 6) ---- */

enum exchange_count exchange_counts(const char *item_code)
{
	static const struct {
		const char *code;
		enum exchange_count count;
	} table[] = {
		{"ok", COUNT_SUCCESS},
		{"ok_corrected", COUNT_SUCCESS},
		{"unchanged", COUNT_SUCCESS},
		{"not_verifiable", COUNT_NOTICE},
		{"skipped_model", COUNT_NOTICE},
		{"skipped_sync", COUNT_NOTICE},
		{"skipped_policy_password", COUNT_NOTICE},
		{"skipped_filter", COUNT_NOTHING},
		{"failed", COUNT_FAILURE},
		{"unknown", COUNT_UNKNOWN},
	};

	for (size_t i = 0; i < array_len(table); i++)
		if (strcmp(table[i].code, item_code) == 0)
			return table[i].count;
	return COUNT_FAILURE;
}

enum exchange_overall exchange_overall(const enum exchange_count *counts, size_t n)
{
	size_t of[COUNT_UNKNOWN + 1] = {0};

	for (size_t i = 0; i < n; i++)
		of[counts[i]]++;
	if (of[COUNT_UNKNOWN] > 0)
		return OVERALL_UNKNOWN;
	if (of[COUNT_FAILURE] > 0)
		return of[COUNT_SUCCESS] > 0 ? OVERALL_PARTIAL : OVERALL_FAILED;
	if (of[COUNT_SUCCESS] == 0)
		return OVERALL_NOTHING_DONE;
	return of[COUNT_NOTICE] > 0 ? OVERALL_DONE_WITH_NOTICES : OVERALL_DONE;
}
