// SPDX-License-Identifier: Apache-2.0
/* Key files: what is written is read, nothing weaker or dearer than the bounds is (ST-32). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/vault/keyring.h"

static char dir[] = "/tmp/carnet-ring.XXXXXX";
static char path[64];
static const struct span none;
static const struct span passphrase = {(const uint8_t *)"correct horse", 13};

static void put(const char *text)
{
	(void)unlink(path);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0400), 0);
}

static void a_ring_is_read_as_it_was_written(void **state)
{
	(void)state;
	struct keyring ring = {.n = 3}, back;
	struct fault f;
	crypto_random(ring.kek, 3 * KEY_LEN);
	assert_int_equal(keyring_write(path, &ring, none, &f), 0);
	assert_int_equal(keyring_read(path, none, &back, &f), 0);
	assert_memory_equal(&back, &ring, sizeof(ring));
	/* a key of 32 bytes is a ring of one */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(key_file_make(path, 32, &f), 0);
	assert_int_equal(keyring_read(path, none, &back, &f), 0);
	assert_int_equal(back.n, 1);
}

static void a_protected_ring_opens_with_its_passphrase_only(void **state)
{
	(void)state;
	struct keyring ring = {.n = 2}, back;
	struct fault f;
	crypto_random(ring.kek, 2 * KEY_LEN);
	assert_int_equal(keyring_write(path, &ring, passphrase, &f), 0);
	assert_int_equal(keyring_read(path, none, &back, &f), -1);
	assert_string_equal(f.reason, "passphrase_needed");
	assert_int_equal(
		keyring_read(path, (struct span){(const uint8_t *)"wrong", 5}, &back, &f), -1);
	assert_string_equal(f.reason, "passphrase");
	assert_int_equal(keyring_read(path, passphrase, &back, &f), 0);
	assert_memory_equal(&back, &ring, sizeof(ring));
}

static void kdf_bounds_st_32(void **state)
{
	(void)state;
	static const char *const numbers[] = {"\"log2n\":16,\"p\":1,\"r\":8",
		"\"log2n\":21,\"p\":1,\"r\":8", "\"log2n\":0,\"p\":1,\"r\":8",
		"\"log2n\":17,\"p\":0,\"r\":8", "\"log2n\":17,\"p\":5,\"r\":8",
		"\"log2n\":17,\"p\":1,\"r\":1", "\"log2n\":17,\"p\":1,\"r\":64"};
	char text[300];
	struct keyring ring;
	struct fault f;
	for (size_t i = 0; i < array_len(numbers); i++) {
		(void)snprintf(text, sizeof(text),
			"{\"format\":\"carnet-keyring-1\",\"kdf\":\"scrypt\",\"keys\":\"AAAA\",%s,"
			"\"salt\":\"00000000000000000000000000000000\"}",
			numbers[i]);
		put(text);
		assert_int_equal(keyring_read(path, passphrase, &ring, &f), -1);
		assert_string_equal(f.reason, "key_file");
		assert_non_null(strstr(f.detail, "bounds"));
	}
}

static void nothing_else_is_a_key_file(void **state)
{
	(void)state;
	static const char *const texts[] = {"{}", "0123456789abcdef",
		"{\"format\":\"carnet-keyring-2\",\"kdf\":\"none\",\"keys\":\"\"}",
		"{\"format\":\"carnet-keyring-1\",\"kdf\":\"none\",\"keys\":\"AAAA\"}",
		"{\"format\":\"carnet-keyring-1\",\"kdf\":\"rot13\",\"keys\":\"\"}"};
	struct keyring ring;
	struct fault f;
	for (size_t i = 0; i < array_len(texts); i++) {
		put(texts[i]);
		assert_int_equal(keyring_read(path, passphrase, &ring, &f), -1);
	}
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(keyring_read(path, none, &ring, &f), -1);
	assert_string_equal(f.reason, "key_file_mode");
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/ring", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_read_as_it_was_written),
		cmocka_unit_test(a_protected_ring_opens_with_its_passphrase_only),
		cmocka_unit_test(kdf_bounds_st_32),
		cmocka_unit_test(nothing_else_is_a_key_file),
	};
	return cmocka_run_group_tests_name("keyring", tests, setup, teardown);
}
