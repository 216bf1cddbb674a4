// SPDX-License-Identifier: Apache-2.0
/* Laws L3 and L4 of docs/spec/address-books.md with many edits at once, over the XML formats:
 * whatever becomes of a sample's book, written over the sample it is read again as what it became.
 * BOOK_CODEC looks at any other format; those whose file may lack a column fail where it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/book_law.h"
#include "tests/lib/book_random.h"

#define USUAL 600

static unsigned tried;

/* What the format can hold of it. */
static struct book *held(const struct book *b, const struct codec *codec)
{
	const struct convert_options opts = {.target = profile_named(codec->name), .codec = codec};
	struct fault fault = FAULT_INIT;
	struct book *out = NULL;
	struct ledger ledger;

	ledger_init(&ledger);
	if (book_convert(b, &opts, &out, &ledger, &fault) < 0)
		fail_msg("to %s: %s", codec->name, fault.detail);
	ledger_fini(&ledger);
	return out;
}

/* Some mean nothing without the destination that they stand beside; test_book_edits looks at them.
 */
static void forget_extras(struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			b->list[i].entry[j].n_extras = 0;
}

static bool same_again(const struct codec *codec, struct book *b, struct span base)
{
	const struct encode_options opts = {
		.profile = profile_named(codec->name), .base = base, .reveal_secrets = true};
	struct fault fault = FAULT_INIT;
	struct buf out = BUF_INIT;
	struct book *again = NULL;
	bool ok = book_encode(b, codec, &opts, &out, NULL, &fault) == 0 &&
		  book_decode(buf_span(&out), codec, NULL, &again, &fault) == 0;

	if (!ok)
		(void)fprintf(stderr, "%s (%s)\n", fault.detail, fault.reason);
	if (ok) {
		forget_extras(b);
		forget_extras(again);
		ok = law_same(b, again, codec, opts.profile);
	}
	if (!ok) {
		law_print(b);
		(void)fprintf(stderr, "%s\n", buf_str(&out));
	}
	book_free(again);
	buf_fini(&out);
	return ok;
}

static void edit(const struct codec *codec, const char *path, struct span file, void *arg)
{
	struct book_shape shape = book_any_shape;
	const char *one = getenv("BOOK_SEED");
	uint32_t cases = *(const uint32_t *)arg;
	struct fault fault = FAULT_INIT;
	struct book *b = NULL;

	shape.family = codec->family;
	shape.extras = shape.secrets = false;
	if (book_decode(file, codec, NULL, &b, &fault) == 0)
		for (uint32_t i = 1; i <= (one ? 1 : cases); i++) {
			struct random r = {one ? strtoull(one, NULL, 10) : i};
			struct book *edited = book_copy(b);

			book_mutate(&r, edited, &shape, 1 + random_below(&r, 6));
			struct book *x = held(edited, codec);
			if (!same_again(codec, x, file))
				fail_msg("%s, BOOK_CODEC=%s BOOK_SEED=%u", path, codec->name, i);
			book_free(x);
			book_free(edited);
			tried++;
		}
	book_free(b);
}

static void an_edited_book_is_read_again_from_over_its_file(void **state)
{
	const char *only = getenv("BOOK_CODEC");
	uint32_t cases = book_cases(USUAL) / 40 + 1;

	(void)state;
	for (size_t i = 0; codecs()[i]; i++) {
		const struct codec *c = codecs()[i];

		if (only ? strcmp(only, c->name) == 0 : strcmp(c->suffix, ".xml") == 0)
			(void)law_samples(c, edit, &cases);
	}
	assert_true(tried > 100 || only);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edited_book_is_read_again_from_over_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
