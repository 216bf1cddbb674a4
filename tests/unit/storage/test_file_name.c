// SPDX-License-Identifier: Apache-2.0
/* Names of exported files, whatever a device calls itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/storage/books/file_name.h"

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

static void files_for_machines_and_files_for_people_are_told_apart_ab_24(void **state)
{
	(void)state;
	assert_string_equal(file_suffix_written(codec_named("canon_csv")), "device.csv");
	assert_string_equal(file_suffix_written(codec_named("carnet_json")), "carnet.json");
	assert_string_equal(file_suffix_written(codec_named("ldif")), "ldif");
	assert_string_equal(file_suffix("canon_abk"), "abk");
	assert_string_equal(file_suffix("opaque"), "bin");
}

static void the_name_for_people_is_no_place_st_78(void **state)
{
	struct arena a;
	(void)state;
	arena_init(&a, 0);
	assert_string_equal(
		file_title(&a, "Salle 4/2\n\xc3\xa9tage", "address_book", 7, "view.csv"),
		"Salle 4-2-\xc3\xa9tage address_book g7.view.csv");
	assert_string_equal(file_title(&a, "", "settings", 1, "bin"), "device settings g1.bin");
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_names_are_safe_everywhere_st_78),
		cmocka_unit_test(files_for_machines_and_files_for_people_are_told_apart_ab_24),
		cmocka_unit_test(the_name_for_people_is_no_place_st_78),
	};
	return cmocka_run_group_tests_name("file_name", tests, NULL, NULL);
}
