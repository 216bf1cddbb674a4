// SPDX-License-Identifier: Apache-2.0
/* A version as it travels by mail: opened by its key alone, damage found (storage.md ST-54). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/vault/mailed.h"

static uint8_t public_key[32], private_key[32];
static const struct uuid version = {{1, 2, 3}};

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static void seal_two(struct buf *out)
{
	struct buf files = BUF_INIT;
	mailed_add(&files, "list_1", text("Dubois;dubois@example.com"));
	mailed_add(&files, "meta", text(""));
	mailed_seal(public_key, NULL, &version, buf_span(&files), out);
	buf_fini(&files);
}

static int setup(void **state)
{
	(void)state;
	box_keypair(public_key, private_key);
	return 0;
}

static void files_come_back_to_who_has_the_key(void **state)
{
	struct buf sealed = BUF_INIT, files = BUF_INIT;
	struct fault f = FAULT_INIT;
	struct uuid is;
	struct span bytes;
	char name[MAILED_NAME];
	(void)state;
	seal_two(&sealed);
	assert_null(memmem(sealed.p, sealed.n, "dubois", 6));
	assert_int_equal(mailed_open(private_key, buf_span(&sealed), &is, &files, &f), 0);
	assert_true(uuid_eq(&is, &version));
	struct span rest = buf_span(&files);
	assert_true(mailed_next(&rest, name, &bytes));
	assert_string_equal(name, "list_1");
	assert_int_equal(bytes.n, 25);
	assert_true(mailed_next(&rest, name, &bytes));
	assert_string_equal(name, "meta");
	assert_int_equal(bytes.n, 0);
	assert_false(mailed_next(&rest, name, &bytes));
	assert_int_equal(rest.n, 0);
	buf_fini(&sealed);
	buf_fini(&files);
}

static void another_key_a_flip_and_a_cut_are_found(void **state)
{
	struct buf sealed = BUF_INIT, files = BUF_INIT;
	struct fault f = FAULT_INIT;
	uint8_t other_public[32], other[32];
	struct uuid is;
	(void)state;
	box_keypair(other_public, other);
	seal_two(&sealed);
	assert_int_equal(mailed_open(other, buf_span(&sealed), &is, &files, &f), -1);
	assert_string_equal(f.reason, "seal");
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_int_equal(mailed_open(private_key, buf_span(&sealed), &is, &files, &f), -1);
		sealed.p[i] ^= 1;
	}
	for (size_t n = 0; n < sealed.n; n++)
		assert_int_equal(
			mailed_open(private_key, (struct span){sealed.p, n}, &is, &files, &f), -1);
	assert_int_equal(files.n, 0);
	buf_fini(&sealed);
	buf_fini(&files);
}

static void names_that_lead_elsewhere_are_damage(void **state)
{
	static const char *const bad[] = {"..", ".", "a/b", "/etc/passwd"};
	char name[MAILED_NAME];
	struct span bytes;
	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct buf files = BUF_INIT;
		static const uint8_t zero[8];
		buf_addc(&files, (char)strlen(bad[i]));
		buf_adds(&files, bad[i]);
		buf_add(&files, zero, sizeof(zero));
		struct span rest = buf_span(&files);
		assert_false(mailed_next(&rest, name, &bytes));
		assert_true(rest.n > 0);
		buf_fini(&files);
	}
}

static void who_knows_the_password_opens_it_and_nobody_else(void **state)
{
	struct buf sealed = BUF_INIT, files = BUF_INIT;
	struct fault f = FAULT_INIT;
	uint8_t kdf[MAILED_KDF], key[32], made[32];
	struct uuid is;
	(void)state;
	assert_int_equal(mailed_password_make(text("agreed by telephone"), kdf, made, &f), 0);
	mailed_add(&files, "list_1", text("Dubois"));
	mailed_seal(made, kdf, &version, buf_span(&files), &sealed);
	buf_reset(&files);
	const uint8_t *found = mailed_kdf(buf_span(&sealed));
	assert_non_null(found);
	assert_int_equal(mailed_password_key(text("agreed by telefone"), found, key, &f), 0);
	assert_int_equal(mailed_open(key, buf_span(&sealed), &is, &files, &f), -1);
	assert_int_equal(mailed_password_key(text("agreed by telephone"), found, key, &f), 0);
	assert_int_equal(mailed_open(key, buf_span(&sealed), &is, &files, &f), 0);
	assert_true(uuid_eq(&is, &version));
	for (size_t i = 0; i < sealed.n; i++) { /* of its head, too */
		sealed.p[i] ^= 1;
		assert_int_equal(mailed_open(key, buf_span(&sealed), &is, &files, &f), -1);
		sealed.p[i] ^= 1;
	}
	buf_fini(&sealed);
	buf_fini(&files);
}

static void what_would_cost_nothing_or_too_much_to_guess_is_refused_st_32(void **state)
{
	static const uint8_t bad[][3] = {
		{16, 8, 1}, {21, 8, 1}, {17, 4, 1}, {17, 8, 0}, {255, 8, 1}};
	struct fault f = FAULT_INIT;
	uint8_t kdf[MAILED_KDF] = {0}, key[32];
	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		memcpy(kdf, bad[i], 3);
		assert_int_equal(mailed_password_key(text("x"), kdf, key, &f), -1);
		assert_string_equal(f.reason, "header");
	}
	assert_true(mailed_password_good("twelve chars"));
	assert_false(mailed_password_good("eleven char"));
	assert_false(mailed_password_good(" twelve chars"));
	assert_false(mailed_password_good("twelve chars "));
	assert_false(mailed_password_good("mot de passe é"));
	assert_false(mailed_password_good("tab\tis no key of"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_back_to_who_has_the_key),
		cmocka_unit_test(another_key_a_flip_and_a_cut_are_found),
		cmocka_unit_test(names_that_lead_elsewhere_are_damage),
		cmocka_unit_test(who_knows_the_password_opens_it_and_nobody_else),
		cmocka_unit_test(what_would_cost_nothing_or_too_much_to_guess_is_refused_st_32),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
