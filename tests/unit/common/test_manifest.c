// SPDX-License-Identifier: Apache-2.0
/* Manifests: what was written is read, nothing else is; the chain shows every change (ST-38). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/vault/manifest.h"
#include "gen/errors.h"

static struct manifest_item items[3];

static struct manifest sample(uint64_t generation)
{
	struct manifest m = {.generation = generation,
		.prev_generation = generation - 1,
		.token = 42,
		.kind = "address_book",
		.flags = {"torn", "same_disk"},
		.flags_n = 2,
		.made_ms = 1790000000123,
		.verified_ms = 1790000000999,
		.writer = "carnet \"test\" \xc3\xa9 \x01",
		.min_reader = 1,
		.items = items,
		.items_n = 3};
	m.device.b[0] = 1;
	m.version.b[15] = (uint8_t)generation;
	for (unsigned i = 0; i < 3; i++) {
		items[i] = (struct manifest_item){.no = i,
			.role = i == 2 ? MANIFEST_META : MANIFEST_NATIVE,
			.kind = i == 2 ? OBJECT_META : OBJECT_CANON_ABK,
			.incarnation = 4503599627370495,
			.plain_len = 1000 + i,
			.key_n = WRAPPED_LEN};
		(void)snprintf(items[i].name, sizeof(items[i].name), "list_%u", i);
		memset(items[i].oid, (int)i + 1, OID_LEN);
	}
	return m;
}

static void written(const struct manifest *m, struct buf *out)
{
	buf_reset(out);
	manifest_write(m, out);
	assert_false(out->err);
}

static void a_manifest_is_read_as_it_was_written(void **state)
{
	(void)state;
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct manifest m = sample(7), back;
	struct fault f = FAULT_INIT;
	written(&m, &a);
	assert_int_equal(manifest_read(buf_span(&a), &back, &f), 0);
	assert_string_equal(back.writer, m.writer);
	assert_string_equal(back.items[1].name, "list_1");
	assert_int_equal(back.items[0].incarnation, 4503599627370495);
	written(&back, &b);
	assert_string_equal(buf_str(&a), buf_str(&b));
	manifest_fini(&back);
	buf_fini(&a);
	buf_fini(&b);
}

static void every_cut_and_every_change_of_form_is_refused(void **state)
{
	(void)state;
	struct buf a = BUF_INIT;
	struct manifest m = sample(1), back;
	struct fault f;
	written(&m, &a);
	for (size_t n = 0; n < a.n; n++)
		assert_int_equal(manifest_read((struct span){a.p, n}, &back, &f), -1);
	/* white space, anywhere between tokens */
	char text[8192];
	const char *colon = strchr(buf_str(&a), ':');
	(void)snprintf(text, sizeof(text), "%.*s %s", (int)(colon - buf_str(&a) + 1), buf_str(&a),
		colon + 1);
	assert_int_equal(
		manifest_read((struct span){(uint8_t *)text, strlen(text)}, &back, &f), -1);
	assert_string_equal(f.reason, "manifest");
	(void)snprintf(text, sizeof(text), "%s\n", buf_str(&a));
	assert_int_equal(
		manifest_read((struct span){(uint8_t *)text, strlen(text)}, &back, &f), -1);
	buf_fini(&a);
}

static void refuse_replaced(const char *from, const char *to, int code)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct manifest m = sample(1), back;
	struct fault f;
	written(&m, &a);
	const char *at = strstr(buf_str(&a), from);
	assert_non_null(at);
	buf_add(&b, a.p, (size_t)(at - buf_str(&a)));
	buf_adds(&b, to);
	buf_adds(&b, at + strlen(from));
	if (code == 0) {
		assert_int_equal(manifest_read(buf_span(&b), &back, &f), 0);
		manifest_fini(&back);
	} else {
		assert_int_equal(manifest_read(buf_span(&b), &back, &f), -1);
		assert_int_equal(f.code, code);
	}
	buf_fini(&a);
	buf_fini(&b);
}

static void only_the_canonical_form_is_read(void **state)
{
	(void)state;
	const int bad = CN_STORE_VERIFY_FAILED;
	refuse_replaced("\"token\":42", "\"token\":042", bad);
	refuse_replaced("\"token\":42", "\"token\":42.0", bad);
	refuse_replaced("\"token\":42", "\"token\":-0", bad);
	refuse_replaced("\"token\":42", "\"token\":4e1", bad);
	refuse_replaced("\"token\":42", "\"token\":99999999999999999999", bad);
	refuse_replaced("\"token\":42", "\"token\":42,\"token\":42", bad);
	refuse_replaced("\"token\":42", "\"a\":1,\"token\":42", bad); /* not sorted */
	refuse_replaced(",\"token\":42", "", bad);
	refuse_replaced("\"no\":1", "\"no\":2", bad);
	refuse_replaced("2026-", "2026-0", bad);
	refuse_replaced("carnet \\\"", "carnet \\u0022", bad);
	refuse_replaced("\\u0001", "\x01", bad);
	refuse_replaced("\xc3\xa9", "\xc3", bad);
	refuse_replaced("\"flags\":[", "\"flags\":[[[[[[[[[[", bad);
	/* a later writer may say more, and may say who can read it */
	refuse_replaced("\"token\":42", "\"tokem\":{\"a\":[1,\"x\",null]},\"token\":42", 0);
	refuse_replaced("\"min_reader\":1", "\"min_reader\":2", CN_VAULT_TOO_OLD);
}

static void chain_attacks_are_seen_st_38(void **state)
{
	(void)state;
	uint8_t seed[32] = {1}, sig[64];
	struct signers us = {.n = 1};
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct manifest first = sample(1), second = sample(2), other;
	written(&first, &one);
	manifest_digest(buf_span(&one), second.prev_digest);
	written(&second, &two);
	assert_true(manifest_follows(&first, NULL, (struct span){NULL, 0}));
	assert_true(manifest_follows(&second, &first, buf_span(&one)));
	assert_false(manifest_follows(&second, NULL, (struct span){NULL, 0})); /* first removed */
	assert_false(manifest_follows(&first, &second, buf_span(&two)));       /* order */
	one.p[40] ^= 1;                                                        /* edited */
	assert_false(manifest_follows(&second, &first, buf_span(&one)));
	one.p[40] ^= 1;
	other = second;
	other.device.b[3] ^= 1; /* another device's */
	assert_false(manifest_follows(&other, &first, buf_span(&one)));
	sign_public(seed, us.keys[0]);
	manifest_sign(seed, buf_span(&two), sig);
	assert_true(manifest_signed(&us, buf_span(&two), sig));
	assert_false(manifest_signed(&us, buf_span(&one), sig));
	buf_fini(&one);
	buf_fini(&two);
}

static void the_mark_only_rises_st_20(void **state)
{
	(void)state;
	struct mark mark = {.any = false};
	struct manifest m = sample(1);
	struct uuid mine = m.request, other = {{9}};
	assert_true(mark_allows(&mark, 1, &mine));
	m.token = 10;
	mark_raise(&mark, &m);
	m.token = 5;
	mark_raise(&mark, &m);
	assert_false(mark_allows(&mark, 9, &mine));
	assert_true(mark_allows(&mark, 10, &mine)); /* the same lock once more */
	assert_false(mark_allows(&mark, 10, &other));
	assert_true(mark_allows(&mark, 11, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_is_read_as_it_was_written),
		cmocka_unit_test(every_cut_and_every_change_of_form_is_refused),
		cmocka_unit_test(only_the_canonical_form_is_read),
		cmocka_unit_test(chain_attacks_are_seen_st_38),
		cmocka_unit_test(the_mark_only_rises_st_20),
	};
	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
