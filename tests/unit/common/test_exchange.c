// SPDX-License-Identifier: Apache-2.0
/* Rules of imports that need no device (docs/spec/import-export.md sections 1, 3, 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/exchange/exchange.h"
#include "gen/errors.h"

static const struct exchange_side here = {.vendor = "Canon",
	.series = "iR-ADV C5500",
	.model = "iR-ADV C5535",
	.serial = "AAA00001",
	.language = "en"};
static const struct exchange_side twin = {.vendor = "Canon",
	.series = "iR-ADV C5500",
	.model = "iR-ADV C5540",
	.serial = "AAA00002",
	.language = "en"};
static const struct exchange_side stranger = {.vendor = "Canon",
	.series = "iR-ADV 6500",
	.model = "iR-ADV 6555",
	.serial = "AAA00003",
	.language = "en"};

static struct exchange one(const char *const *item, struct exchange_side to)
{
	return (struct exchange){
		.items = item, .n_items = 1, .from = here, .to = to, .has_home = true};
}

static const struct exchange_note *said(const struct exchange_verdict *v, const char *reason)
{
	for (size_t i = 0; i < v->n_notes; i++)
		if (strcmp(v->note[i].reason, reason) == 0)
			return &v->note[i];
	return NULL;
}

/* ---- section 1 ---- */

static void test_items(void **state)
{
	size_t n;
	const char *const *ids = exchange_items("batch_ie", &n);

	(void)state;
	assert_int_equal(n, 19);
	assert_string_equal(ids[13], "address_book"); /* no. 14 */
	for (size_t i = 0; i < n; i++)
		assert_int_equal(exchange_item_bit(ids[i]), i);
	ids = exchange_items("indiv_ie", &n);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(exchange_item_bit(ids[i]), 19 + i);
	assert_null(exchange_items("send", &n));
	assert_int_equal(n, 0);
	assert_int_equal(exchange_item_bit("nothing"), -1);
	assert_string_equal(exchange_item_name("home", 1), "Réglages de l’écran d’accueil");
	assert_string_equal(exchange_item_name("indiv_paper_info", 2), "用紙情報");
}

static void test_every_item_goes_back_into_its_device(void **state)
{
	static const char *const ops[] = {"batch_ie", "indiv_ie"};
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;

	(void)state;
	for (size_t o = 0; o < array_len(ops); o++) {
		size_t n;
		const char *const *ids = exchange_items(ops[o], &n);
		struct exchange x = one(ids, here);
		x.n_items = n;
		assert_int_equal(exchange_decide(&x, &v, &f), 0);
		assert_int_equal(v.n_taken, n);
	}
}

static void test_items_must_exist_and_be_named_once(void **state)
{
	static const char *const wrong[] = {"wallpaper"}, *const twice[] = {"home", "home"};
	struct exchange x = one(wrong, here);
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(exchange_decide(&x, &v, &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
	x = one(twice, here);
	x.n_items = 2;
	assert_int_equal(exchange_decide(&x, &v, &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
	x.n_items = 0;
	assert_int_equal(exchange_decide(&x, &v, &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
}

/* ---- R7–R9 ---- */

static void test_language(void **state)
{
	static const char *const book[] = {"indiv_address_book"}, *const yes[] = {"language"};
	struct exchange x = one(book, twin);
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;

	(void)state;
	x.translated = true;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_int_equal(v.n_notes, 0);
	x.to.language = "ja";
	assert_int_equal(exchange_decide(&x, &v, &f), -1);
	assert_int_equal(f.code, CN_LANGUAGE_MISMATCH);
	assert_string_equal(f.reason, "language_differs");
	assert_string_equal(said(&v, "language_differs")->need, "language");
	x.accepted = yes;
	x.n_accepted = 1;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
}

static void test_unknown_language(void **state)
{
	static const char *const printer[] = {"indiv_printer_settings"};
	static const char *const book[] = {"indiv_address_book"};
	struct exchange x = one(printer, stranger);
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;

	(void)state;
	x.from.language = "unknown";
	assert_int_equal(exchange_decide(&x, &v, &f), -1); /* bytes as they are, another device */
	assert_int_equal(f.code, CN_LANGUAGE_MISMATCH);
	assert_string_equal(f.reason, "language_unknown");
	x.to = here; /* its own file */
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_null(said(&v, "language_unknown")->need);
	x = one(book, stranger); /* a file of no device, read by Carnet */
	x.from = (struct exchange_side){.vendor = NULL};
	x.translated = true;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_non_null(said(&v, "language_unknown"));
}

/* ---- section 3.3, row by row ---- */

static void test_security_policy(void **state)
{
	static const char *const items[] = {"security_policy", "paper_types"};
	static const struct {
		enum policy_password from, to;
		bool same, taken, warned;
	} table[] = {
		{POLICY_NONE, POLICY_NONE, false, true, false},
		{POLICY_NONE, POLICY_SET, false, false, false},
		{POLICY_SET, POLICY_NONE, false, true, true},
		{POLICY_SET, POLICY_SET, true, true, false},
		{POLICY_SET, POLICY_SET, false, false, false},
		{POLICY_UNKNOWN, POLICY_SET, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < array_len(table); i++) {
		struct exchange x = one(items, here);
		struct exchange_verdict v;
		struct fault f = FAULT_INIT;
		x.n_items = 2;
		x.from_policy = table[i].from;
		x.to_policy = table[i].to;
		x.same_policy_password = table[i].same;
		assert_int_equal(exchange_decide(&x, &v, &f), 0);
		assert_int_equal(
			v.fate[0], table[i].taken ? EXCHANGE_TAKE : EXCHANGE_SKIP_PASSWORD);
		assert_int_equal(v.fate[1], EXCHANGE_TAKE); /* skipping never stops the others */
		assert_int_equal(v.restarts, table[i].taken);
		const struct exchange_note *n = said(&v, "policy_password");
		assert_int_equal(n != NULL && n->need != NULL, table[i].warned);
	}
}

/* ---- R10, R12, section 3.6 ---- */

static void test_home_needs_a_home_screen(void **state)
{
	static const char *const items[] = {"home"};
	struct exchange x = one(items, here);
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	x.has_home = false;
	assert_int_equal(exchange_decide(&x, &v, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_OPERATION);
	assert_int_equal(v.fate[0], EXCHANGE_SKIP_MODEL);
}

static void test_classes(void **state)
{
	static const char *const items[] = {"paper_types"};
	static const struct {
		enum exchange_class classed;
		bool same, series, other;
	} table[] = {
		{CLASS_UNKNOWN, true, false, false},
		{CLASS_A, true, false, false},
		{CLASS_B, true, true, false},
		{CLASS_C, true, true, true},
		{CLASS_NO, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < array_len(table); i++) {
		const struct exchange_offer offer = {"paper_types", table[i].classed};
		const struct exchange_side to[] = {here, twin, stranger};
		const bool good[] = {table[i].same, table[i].series, table[i].other};
		for (size_t k = 0; k < array_len(to); k++) {
			struct exchange x = one(items, to[k]);
			struct exchange_verdict v;
			struct fault f = FAULT_INIT;
			x.offer = &offer;
			x.n_offer = 1;
			assert_int_equal(exchange_decide(&x, &v, &f), good[k] ? 0 : -1);
		}
	}
}

static void test_an_item_the_model_has_not(void **state)
{
	static const char *const items[] = {"box", "paper_types"};
	const struct exchange_offer offer = {"paper_types", CLASS_A};
	struct exchange x = one(items, here);
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;

	(void)state;
	x.n_items = 2;
	x.offer = &offer;
	x.n_offer = 1;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_int_equal(v.fate[0], EXCHANGE_SKIP_MODEL);
	assert_int_equal(v.fate[1], EXCHANGE_TAKE);
	assert_int_equal(v.n_taken, 1);
}

static void test_a_book_goes_into_any_model_when_carnet_translates(void **state)
{
	static const char *const items[] = {"address_book"};
	struct exchange x = one(items, stranger);
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(exchange_decide(&x, &v, &f), -1);
	x.translated = true;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
}

/* ---- section 3.8 ---- */

static void test_hazards(void **state)
{
	static const char *const basic[] = {"basic_info"}, *const department[] = {"department_id"},
				 *const box[] = {"box"}, *const forwarding[] = {"forwarding"},
				 *const with_book[] = {"forwarding", "address_book"};
	const struct exchange_offer offer = {"basic_info", CLASS_C};
	struct exchange_verdict v;
	struct fault f = FAULT_INIT;
	struct exchange x = one(basic, twin);

	(void)state;
	x.offer = &offer;
	x.n_offer = 1;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_string_equal(said(&v, "H2")->need, "hazards");
	x = one(basic, here);
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_null(said(&v, "H2"));
	x = one(department, here);
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_string_equal(said(&v, "H3")->need, "hazards");
	assert_string_equal(said(&v, "H8")->kind, "destroyed");
	x = one(box, here);
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_non_null(said(&v, "H7"));
	x = one(forwarding, here);
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_non_null(said(&v, "H4"));
	x = one(with_book, here);
	x.n_items = 2;
	x.without_credentials = true;
	assert_int_equal(exchange_decide(&x, &v, &f), 0);
	assert_null(said(&v, "H4"));
	assert_string_equal(said(&v, "H6")->kind, "destroyed");
	assert_string_equal(said(&v, "H9")->need, "secrets");
}

/* ---- section 6 ---- */

static enum exchange_overall overall(const char *a, const char *b)
{
	enum exchange_count counts[2] = {exchange_counts(a), exchange_counts(b)};

	return exchange_overall(counts, 2);
}

static void test_reports(void **state)
{
	(void)state;
	assert_int_equal(overall("ok", "unchanged"), OVERALL_DONE);
	assert_int_equal(overall("ok_corrected", "skipped_filter"), OVERALL_DONE);
	assert_int_equal(overall("ok", "skipped_model"), OVERALL_DONE_WITH_NOTICES);
	assert_int_equal(overall("ok", "not_verifiable"), OVERALL_DONE_WITH_NOTICES);
	assert_int_equal(overall("skipped_sync", "skipped_policy_password"), OVERALL_NOTHING_DONE);
	assert_int_equal(overall("ok", "failed"), OVERALL_PARTIAL);
	assert_int_equal(overall("failed", "skipped_model"), OVERALL_FAILED);
	assert_int_equal(overall("unknown", "ok"), OVERALL_UNKNOWN);
	assert_int_equal(overall("no such word", "failed"), OVERALL_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_every_item_goes_back_into_its_device),
		cmocka_unit_test(test_items_must_exist_and_be_named_once),
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_unknown_language),
		cmocka_unit_test(test_security_policy),
		cmocka_unit_test(test_home_needs_a_home_screen),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_an_item_the_model_has_not),
		cmocka_unit_test(test_a_book_goes_into_any_model_when_carnet_translates),
		cmocka_unit_test(test_hazards),
		cmocka_unit_test(test_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
