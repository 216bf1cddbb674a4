// SPDX-License-Identifier: Apache-2.0
/* Names of exported files, whatever a device calls itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/storage/file_name.h"

static void file_names_are_safe_everywhere_st_78(void **state)
{
	(void)state;
	static const char *const devices[] = {"../../etc/passwd", "", "...", "con", "a b\nc",
		"\xc3\xa9",
		"X1234567890123456789012345678901234567890123456789012345678901234567890", "-rf"};
	char name[FILE_NAME_MAX + 1];
	file_name_make(name, "SN/42", "address_book", 7, 1790000000123, "abk");
	assert_string_equal(name, "carnet_SN-42_address_book_g7_20260921T141320Z.abk");
	for (size_t i = 0; i < array_len(devices); i++) {
		file_name_make(name, devices[i], "settings", UINT64_MAX, 1790000000123, "bin");
		assert_true(strlen(name) <= FILE_NAME_MAX);
		assert_memory_equal(name, "carnet_", 7);
		assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					      "0123456789._-"),
			strlen(name));
		assert_null(strstr(name, ".."));
		assert_string_equal(name + strlen(name) - 4, ".bin");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_names_are_safe_everywhere_st_78),
	};
	return cmocka_run_group_tests_name("file_name", tests, NULL, NULL);
}
