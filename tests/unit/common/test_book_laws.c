// SPDX-License-Identifier: Apache-2.0
/* The laws of docs/spec/address-books.md section 7 that hold for every codec. BOOK_CASES in the
 * environment says how many random books each law sees over all codecs together; BOOK_SEED repeats
 * one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/ascii.h"
#include "common/book/formats/view.h"
#include "tests/lib/book_law.h"
#include "tests/lib/book_random.h"

#define USUAL 1200u

static const struct decode_options STRICT = {.lenient = false};

/* ---- a book of a codec's own ---- */

static bool has_extra(const struct book_entry *e, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (ascii_same(e->extra[i].name, name))
			return true;
	return false;
}

/* From a file of that format: each column once, none empty. */
static void as_if_read(struct book *b, const struct codec *codec)
{
	b->codec = codec->name;
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++) {
			struct book_entry *e = &b->list[i].entry[k];
			uint32_t n = 0;
			for (uint32_t x = 0; x < e->n_extras; x++) {
				const char *name = e->extra[x].name;
				if (!ascii_same(name, "x") && *e->extra[x].value &&
					!has_extra(e, n, name))
					e->extra[n++] = e->extra[x];
			}
			e->n_extras = (codec->flags & CODEC_EXTRAS) ? n : 0;
			/* cipher text is written over the file it came from */
			for (uint32_t d = 0; d < e->n_dests; d++)
				if (e->dest[d].secret.state == SECRET_ENCRYPTED)
					e->dest[d].secret = (struct book_secret){0};
		}
}

/* Of the codec's own family as often as of another. */
static struct book *draw_book(uint64_t seed, const struct codec *codec)
{
	static const char *const families[] = {
		"canon", "ricoh", "kyocera", "konica", "xerox", "sharp", "generic", "ldif"};
	struct random r = {.state = seed * 0x9E3779B97F4A7C15u + 1};
	struct book_shape shape = book_any_shape;

	shape.family = codec->family;
	if (random_one_in(&r, 2))
		shape.family = families[random_below(&r, array_len(families))];
	/* most books of the world have one list */
	if (random_one_in(&r, 2))
		shape.lists = 1;
	struct book *b = book_random(&r, &shape);
	if (strcmp(b->family, codec->family) == 0 && random_one_in(&r, 2))
		as_if_read(b, codec);
	return b;
}

/* Destinations that came through all conversions: a law over empty books says nothing. */
static uint64_t tried;

static struct book *converted(
	const struct book *source, const struct codec *codec, bool plain, struct ledger *ledger)
{
	const struct convert_options opts = {
		.target = profile_named(codec->name), .codec = codec, .transliterate = plain};
	struct fault fault = FAULT_INIT;
	struct book *b = NULL;

	assert_non_null(opts.target);
	if (book_convert(source, &opts, &b, ledger, &fault) < 0)
		fail_msg("to %s: %s", codec->name, fault.detail);
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			tried += b->list[i].entry[k].n_dests;
	return b;
}

static bool writes(const struct codec *codec)
{
	return (codec->flags & CODEC_ENCODE) != 0;
}

static uint32_t writers(void)
{
	uint32_t n = 0;

	for (size_t i = 0; codecs()[i]; i++)
		n += writes(codecs()[i]);
	return n;
}

typedef bool law_fn(const struct codec *codec, uint64_t seed, struct span base);

/* Each codec gets its share of the cases. */
static void each_case(law_fn *law)
{
	const char *one = getenv("BOOK_SEED");
	const char *only = getenv("BOOK_CODEC");
	uint32_t share = book_cases(USUAL) / writers() + 1;

	for (size_t i = 0; codecs()[i]; i++) {
		const struct codec *codec = codecs()[i];
		struct span base = {NULL, 0};
		char *p = NULL;
		if (!writes(codec) || (only && strcmp(only, codec->name) != 0))
			continue;
		if (codec->flags & CODEC_NEEDS_BASE) {
			p = law_first_sample(codec, &base);
			assert_non_null(p);
		}
		tried = 0;
		for (uint64_t k = 1; k <= share; k++) {
			uint64_t seed = one ? strtoull(one, NULL, 10) : k;
			if (!law(codec, seed, base))
				fail_msg("BOOK_CODEC=%s BOOK_SEED=%llu", codec->name,
					(unsigned long long)seed);
			if (one)
				break;
		}
		if (getenv("BOOK_COUNT"))
			(void)fprintf(stderr, "%s: %llu destinations in %u books\n", codec->name,
				(unsigned long long)tried, share);
		assert_true(tried >= share || one);
		free(p);
	}
}

/* ---- L1 ---- */

static struct book *there_and_back(
	const struct book *x, const struct codec *codec, struct span base, struct buf *file)
{
	const struct encode_options opts = {
		.profile = profile_named(codec->name), .base = base, .reveal_secrets = true};
	struct fault fault = FAULT_INIT;
	struct book *y = NULL;

	if (book_encode(x, codec, &opts, file, NULL, &fault) < 0) {
		(void)fprintf(stderr, "encode: %s (%s)\n", fault.detail, fault.reason);
		return NULL;
	}
	if (book_decode(buf_span(file), codec, &STRICT, &y, &fault) < 0) {
		(void)fprintf(
			stderr, "decode: %s (%s)\n%s\n", fault.detail, fault.reason, buf_str(file));
		book_free(y);
		return NULL;
	}
	return y;
}

/* What is left to say after all was said once. */
static bool nothing_more(const struct book *x, const struct codec *codec)
{
	const struct book_profile *profile = profile_named(codec->name);
	struct ledger ledger;
	bool ok = true;

	ledger_init(&ledger);
	struct book *again = converted(x, codec, false, &ledger);
	for (uint32_t i = 0; i < ledger.n; i++)
		ok &= ledger.line[i].action == LEDGER_SIDE_EFFECT;
	if (!ok)
		law_print_ledger(&ledger);
	ok = ok && law_same(x, again, codec, profile);
	book_free(again);
	ledger_fini(&ledger);
	return ok;
}

static bool law_L1(const struct codec *codec, uint64_t seed, struct span base)
{
	struct book *source = draw_book(seed, codec);
	struct buf file = BUF_INIT;
	struct ledger ledger;

	ledger_init(&ledger);
	struct book *x = converted(source, codec, seed % 2 == 0, &ledger);
	struct book *y = there_and_back(x, codec, base, &file);
	bool ok = y && law_same(x, y, codec, profile_named(codec->name)) && nothing_more(x, codec);
	if (!ok) {
		law_print(x);
		(void)fprintf(stderr, "%s\n", buf_str(&file));
	}
	ledger_fini(&ledger);
	buf_fini(&file);
	book_free(source);
	book_free(x);
	book_free(y);
	return ok;
}

static void L1_what_is_written_is_read_again(void **state)
{
	(void)state;
	each_case(law_L1);
}

/* ---- ledger_complete ---- */

static bool law_ledger(const struct codec *codec, uint64_t seed, struct span base)
{
	struct book *source = draw_book(seed, codec);
	struct ledger ledger;

	(void)base;
	ledger_init(&ledger);
	struct book *x = converted(source, codec, seed % 2 == 0, &ledger);
	bool ok = law_complete(source, x, &ledger, law_profile(source), profile_named(codec->name));
	if (!ok) {
		law_print(source);
		law_print(x);
		law_print_ledger(&ledger);
	}
	ledger_fini(&ledger);
	book_free(source);
	book_free(x);
	return ok;
}

static void ledger_complete_each_field_is_in_the_target_or_in_the_ledger(void **state)
{
	(void)state;
	each_case(law_ledger);
}

/* ---- L5 ---- */

static void forget_secrets(struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			for (uint32_t d = 0; d < b->list[i].entry[k].n_dests; d++)
				b->list[i].entry[k].dest[d].secret = (struct book_secret){0};
}

static bool law_L5(const struct codec *codec, uint64_t seed, struct span base)
{
	struct book *source = draw_book(seed, codec);
	struct ledger ledger;
	struct buf view = BUF_INIT;
	struct book *y = NULL;
	struct fault fault = FAULT_INIT;

	(void)base;
	ledger_init(&ledger);
	struct book *x = converted(source, codec, false, &ledger);
	forget_secrets(x);
	view_export(x, &view);
	bool ok = view_import(buf_span(&view), &y, &fault) == 0;
	if (!ok)
		(void)fprintf(stderr, "%s\n", fault.detail);
	ok = ok && law_same(x, y, codec, profile_named(codec->name));
	if (!ok)
		(void)fprintf(stderr, "%s\n", buf_str(&view));
	ledger_fini(&ledger);
	buf_fini(&view);
	book_free(source);
	book_free(x);
	book_free(y);
	return ok;
}

static void L5_a_view_for_spreadsheets_comes_back_as_it_was(void **state)
{
	(void)state;
	each_case(law_L5);
}

/* ---- L6 ---- */

/* What the law does not speak of: entries that are several, one or elsewhere now, lists, too. */
static bool out_of_L6(const struct ledger *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->line[i].action == LEDGER_SPLIT || l->line[i].action == LEDGER_MERGED ||
			l->line[i].action == LEDGER_RENUMBERED ||
			strncmp(l->line[i].field, "list", 4) == 0)
			return true;
	return false;
}

static bool L6_of(const struct codec *a, const struct codec *b, uint64_t seed)
{
	struct book *source = draw_book(seed, a);
	struct ledger first;
	struct ledger there;
	struct ledger back;

	ledger_init(&first);
	ledger_init(&there);
	ledger_init(&back);
	struct book *x = converted(source, a, false, &first);
	struct book *y = converted(x, b, false, &there);
	struct book *z = converted(y, a, false, &back);
	bool ok = out_of_L6(&there) || law_returned(x, z, &there, &back, law_profile(x));
	if (!ok) {
		(void)fprintf(stderr, "%s to %s and back\n", a->name, b->name);
		law_print(x);
		law_print(y);
		law_print(z);
		law_print_ledger(&there);
		(void)fprintf(stderr, "back:\n");
		law_print_ledger(&back);
	}
	ledger_fini(&first);
	ledger_fini(&there);
	ledger_fini(&back);
	book_free(source);
	book_free(x);
	book_free(y);
	book_free(z);
	return ok;
}

/* Through another codec each time. */
static bool law_L6(const struct codec *codec, uint64_t seed, struct span base)
{
	uint32_t n = 0;

	(void)base;
	while (codecs()[n])
		n++;
	const struct codec *other = codecs()[seed % n];
	return !writes(other) || L6_of(codec, other, seed);
}

static void L6_there_and_back_is_the_original_without_what_the_ledger_names(void **state)
{
	(void)state;
	each_case(law_L6);
}

/* ---- L2: samples ---- */

static void law_L2(const struct codec *codec, const char *path, struct span file, void *arg)
{
	const struct encode_options opts = {
		.profile = profile_named(codec->name), .base = file, .reveal_secrets = true};
	struct fault fault = FAULT_INIT;
	struct buf again = BUF_INIT;
	struct book *b = NULL;
	unsigned *seen = arg;

	if (book_decode(file, codec, &STRICT, &b, &fault) < 0) {
		book_free(b);
		if (strstr(path, "/bad_") == NULL)
			fail_msg("%s: %s", path, fault.detail);
		return;
	}
	if (writes(codec) && (codec->flags & CODEC_EXACT)) {
		if (book_encode(b, codec, &opts, &again, NULL, &fault) < 0)
			fail_msg("%s: %s", path, fault.detail);
		if (again.n != file.n || memcmp(again.p, file.p, file.n) != 0)
			fail_msg("%s: other bytes:\n%s", path, buf_str(&again));
		(*seen)++;
	}
	book_free(b);
	buf_fini(&again);
}

static void L2_each_sample_is_written_as_it_was(void **state)
{
	unsigned seen = 0;
	unsigned exact = 0;

	(void)state;
	for (size_t i = 0; codecs()[i]; i++) {
		unsigned n = law_samples(codecs()[i], law_L2, &seen);
		if (n == 0)
			fail_msg("%s has no sample", codecs()[i]->name);
		exact += (codecs()[i]->flags & CODEC_EXACT) != 0;
	}
	assert_true(seen >= exact);
}

/* A sample is found by what it says, and its profile loses nothing of it. */
static void law_sample(const struct codec *codec, const char *path, struct span file, void *arg)
{
	struct fault fault = FAULT_INIT;
	struct book *b = NULL;

	(void)arg;
	if (strstr(path, "/bad_"))
		return;
	const struct codec *found = codec_detect(file, &fault);
	if (found != codec)
		fail_msg("%s looks like %s", path, found ? found->name : fault.detail);
	if (book_decode(file, codec, &STRICT, &b, &fault) < 0)
		fail_msg("%s: %s", path, fault.detail);
	book_free(b);
}

static void AB_14_each_sample_is_recognised_by_its_content(void **state)
{
	(void)state;
	for (size_t i = 0; codecs()[i]; i++)
		(void)law_samples(codecs()[i], law_sample, NULL);
}

/* ---- every sample as every dialect ---- */

static void as_dialect(
	const struct book *sample, const struct codec *codec, const char *path, struct span file_of)
{
	const struct book_profile *from = law_profile(sample);
	struct buf file = BUF_INIT;
	struct ledger ledger;
	struct span base = {NULL, 0};
	char *p = codec->flags & CODEC_NEEDS_BASE ? law_first_sample(codec, &base) : NULL;

	/* what a maker's format keeps without understanding may lean on its file */
	if (strcmp(sample->codec, codec->name) == 0)
		base = file_of;
	ledger_init(&ledger);
	struct book *x = converted(sample, codec, false, &ledger);
	struct book *y = there_and_back(x, codec, base, &file);
	if (!y || !law_same(x, y, codec, profile_named(codec->name)) ||
		!law_complete(sample, x, &ledger, from, profile_named(codec->name))) {
		law_print(sample);
		law_print_ledger(&ledger);
		fail_msg("%s as %s:\n%s", path, codec->name, buf_str(&file));
	}
	free(p);
	ledger_fini(&ledger);
	buf_fini(&file);
	book_free(x);
	book_free(y);
}

static void sample_as_all(const struct codec *codec, const char *path, struct span file, void *arg)
{
	struct fault fault = FAULT_INIT;
	struct book *b = NULL;

	(void)arg;
	if (book_decode(file, codec, &STRICT, &b, &fault) == 0)
		for (size_t i = 0; codecs()[i]; i++)
			if (writes(codecs()[i]))
				as_dialect(b, codecs()[i], path, file);
	book_free(b);
}

static void ledger_complete_every_sample_becomes_every_dialect(void **state)
{
	(void)state;
	for (size_t i = 0; codecs()[i]; i++)
		(void)law_samples(codecs()[i], sample_as_all, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L1_what_is_written_is_read_again),
		cmocka_unit_test(ledger_complete_each_field_is_in_the_target_or_in_the_ledger),
		cmocka_unit_test(L5_a_view_for_spreadsheets_comes_back_as_it_was),
		cmocka_unit_test(L6_there_and_back_is_the_original_without_what_the_ledger_names),
		cmocka_unit_test(ledger_complete_every_sample_becomes_every_dialect),
		cmocka_unit_test(L2_each_sample_is_written_as_it_was),
		cmocka_unit_test(AB_14_each_sample_is_recognised_by_its_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
