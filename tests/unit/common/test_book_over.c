// SPDX-License-Identifier: Apache-2.0
/* Laws L3 and L4 of docs/spec/address-books.md with many edits at once: whatever becomes of a
 * sample's book, written over the sample it is read again as what it became, or refused because
 * that file has no place for it; never written without it. */
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
 * An attribute of a line stands alone. */
static bool keeps_extras(const struct codec *codec)
{
	return strcmp(codec->name, "canon_abk") == 0 || strcmp(codec->name, "ldif") == 0;
}

static void forget_extras(struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			b->list[i].entry[j].n_extras = 0;
}

/* Cipher text that a change made worthless is gone, and the ledger says so (AB-15). */
static void forget_ciphers(struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++) {
			const struct book_entry *e = &b->list[i].entry[j];

			for (uint32_t k = 0; k < e->n_dests; k++)
				if (e->dest[k].secret.state == SECRET_ENCRYPTED)
					book_set_secret(b, &e->dest[k], SECRET_ABSENT, NULL, NULL);
		}
}

/* In a directory who has no uid is known by a DN made of the name. */
static bool is_known_by_name(const struct codec *codec)
{
	return strcmp(codec->name, "ldif") == 0;
}

static void set_key(struct book_list *l, struct book_entry *e, const char *key)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		for (uint32_t k = 0; k < l->entry[i].n_members; k++) {
			struct book_member *m = &l->entry[i].member[k];

			if (m->key && strcmp(m->key, e->key) == 0)
				m->key = key;
		}
	e->key = key;
}

static bool has_key(const struct book_list *l, const char *key)
{
	bool has = false;

	for (uint32_t i = 0; i < l->n_entries; i++)
		has |= strcmp(l->entry[i].key, key) == 0;
	return has;
}

/* Whoever got a new name has a new key, stands where it stood, and its groups know. */
static void follow_names(struct book *b, const struct book *again)
{
	for (uint32_t i = 0; i < b->n_lists; i++) {
		struct book_list *l = &b->list[i];
		const struct book_list *now = book_find_list(again, l->slot);

		for (uint32_t j = 0; now && j < l->n_entries && j < now->n_entries; j++)
			if (!has_key(now, l->entry[j].key) && !has_key(l, now->entry[j].key))
				set_key(l, &l->entry[j], book_str(b, now->entry[j].key));
	}
}

static bool reads_again(const struct codec *codec, struct book *b, const struct buf *file,
	const struct ledger *ledger)
{
	struct fault fault = FAULT_INIT;
	struct book *again = NULL;
	bool ok = book_decode(buf_span(file), codec, NULL, &again, &fault) == 0;

	if (!ok)
		(void)fprintf(stderr, "%s (%s)\n", fault.detail, fault.reason);
	if (ok) {
		if (!keeps_extras(codec)) {
			forget_extras(b);
			forget_extras(again);
		}
		if (is_known_by_name(codec))
			follow_names(b, again);
		if (ledger->n > 0)
			forget_ciphers(b);
		ok = law_same(b, again, codec, profile_named(codec->name));
	}
	if (!ok) {
		law_print(b);
		(void)fprintf(stderr, "%s\n", buf_str(file));
	}
	book_free(again);
	return ok;
}

/* XML grows what it has not; other files may lack a column, or be in a charset of their own. */
static bool may_refuse(const struct codec *codec)
{
	return strcmp(codec->suffix, ".xml") != 0;
}

/* Names of lists are not what is looked at here: a file may have no line for one. */
static void keep_names(struct book *b, const struct book *from)
{
	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct book_list *l = book_find_list(from, b->list[i].slot);

		b->list[i].name = l ? book_str(b, l->name) : "";
	}
}

static bool same_again(const struct codec *codec, struct book *b, struct span base)
{
	const struct encode_options opts = {
		.profile = profile_named(codec->name), .base = base, .reveal_secrets = true};
	struct fault fault = FAULT_INIT;
	struct buf out = BUF_INIT;
	struct ledger ledger;
	bool ok;

	ledger_init(&ledger);
	if (book_encode(b, codec, &opts, &out, &ledger, &fault) == 0)
		ok = reads_again(codec, b, &out, &ledger);
	else
		ok = may_refuse(codec);
	if (!ok && fault.code)
		(void)fprintf(stderr, "%s (%s)\n", fault.detail, fault.reason);
	ledger_fini(&ledger);
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
	shape.extras = keeps_extras(codec);
	shape.secrets = false;
	if (book_decode(file, codec, NULL, &b, &fault) == 0 && b->n_lists > 0)
		for (uint32_t i = 1; i <= (one ? 1 : cases); i++) {
			struct random r = {one ? strtoull(one, NULL, 10) : i};
			struct book *edited = book_copy(b);

			book_mutate(&r, edited, &shape, 1 + random_below(&r, 6));
			if (!may_refuse(codec))
				keep_names(edited, b);
			struct book *x = held(edited, codec);
			/* of a list without entries a file may still say number and name */
			if (x->n_entries > 0 && !same_again(codec, x, file))
				fail_msg("%s, BOOK_CODEC=%s BOOK_SEED=%u", path, codec->name, i);
			book_free(x);
			book_free(edited);
			tried++;
		}
	book_free(b);
}

static bool is_held(const struct codec *c)
{
	const char *only = getenv("BOOK_CODEC");

	if (!(c->flags & CODEC_EXACT) || !(c->flags & CODEC_ENCODE))
		return false;
	return !only || strcmp(only, c->name) == 0;
}

static void an_edited_book_is_read_again_from_over_its_file(void **state)
{
	uint32_t cases = book_cases(USUAL) / 40 + 1;

	(void)state;
	for (size_t i = 0; codecs()[i]; i++)
		if (is_held(codecs()[i]))
			(void)law_samples(codecs()[i], edit, &cases);
	assert_true(tried > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edited_book_is_read_again_from_over_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
