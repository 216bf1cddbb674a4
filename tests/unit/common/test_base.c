// SPDX-License-Identifier: Apache-2.0
/* Arena, buffer, map, list, uuid, fault and text helpers: what everything else stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/uuid.h"
#include "common/text/utf8.h"

static void arena_blocks_are_zeroed_aligned_and_apart(void **state)
{
	struct arena a;
	char *before = NULL;

	(void)state;
	arena_init(&a, 0);
	for (size_t n = 0; n < 3000; n += 7) {
		char *p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
		assert_ptr_not_equal(p, before);
		before = p;
	}
	arena_fini(&a);
}

static void arena_cap_is_kept_and_freed_by_reset(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 64);
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 32));
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_alloc(&a, 64));
	arena_fini(&a);
}

static void arena_refuses_sizes_that_overflow(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX / 2 + 1));
	assert_null(arena_array(&a, SIZE_MAX / 8, 16));
	assert_null(arena_strndup(&a, "", SIZE_MAX));
	arena_fini(&a);
}

static void arena_copies_and_prints(void **state)
{
	struct arena a;
	char big[5000];

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	arena_init(&a, 0);
	assert_string_equal(arena_strdup(&a, big), big);
	assert_string_equal(arena_strndup(&a, "Lyon", 2), "Ly");
	assert_memory_equal(arena_dup(&a, "a\0b", 3), "a\0b", 3);
	assert_string_equal(arena_printf(&a, "%d %s", 7, big + 4990), "7 xxxxxxxxx");
	arena_fini(&a);
}

static void buf_grows_and_stays_terminated(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 1000; i++) {
		buf_addf(&b, "%03d", i);
		assert_int_equal(strlen(buf_str(&b)), b.n);
	}
	buf_adds(&b, "!");
	buf_addc(&b, '?');
	buf_add(&b, NULL, 0);
	assert_int_equal(b.n, 3002);
	buf_drop(&b, 2997);
	assert_string_equal(buf_str(&b), "999!?");
	buf_reset(&b);
	assert_string_equal(buf_str(&b), "");
	buf_fini(&b);
}

static void buf_error_is_sticky_until_reset(void **state)
{
	struct buf b = {.max = 4};

	(void)state;
	buf_adds(&b, "abcd");
	assert_false(b.err);
	buf_addc(&b, 'e');
	assert_true(b.err);
	buf_drop(&b, 4);
	buf_addc(&b, 'f');
	assert_int_equal(b.n, 0);
	buf_reset(&b);
	buf_addf(&b, "%s", "12345");
	assert_true(b.err);
	buf_reset(&b);
	buf_add(&b, "1234", SIZE_MAX / 2);
	assert_true(b.err);
	buf_fini(&b);
}

static void buf_detach_hands_the_memory_over(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	char *empty = buf_detach(&b);
	assert_string_equal(empty, "");
	free(empty);
	buf_adds(&b, "kept");
	char *s = buf_detach(&b);
	buf_adds(&b, "other");
	assert_string_equal(s, "kept");
	free(s);
	buf_fini(&b);
}

static void count_one(void *value, void *arg)
{
	*(size_t *)arg += *(size_t *)value;
}

static void map_keeps_ten_thousand_keys_apart(void **state)
{
	static size_t values[10000];
	struct map m = MAP_INIT;
	size_t sum = 0;

	(void)state;
	assert_null(map_get(&m, "x", 1));
	assert_null(map_remove(&m, "x", 1));
	for (size_t i = 0; i < array_len(values); i++) {
		values[i] = i;
		assert_null(map_put(&m, &i, sizeof(i), &values[i]));
	}
	assert_int_equal(m.n, array_len(values));
	map_each(&m, count_one, &sum);
	assert_int_equal(sum, 9999 * 10000 / 2);
	for (size_t i = 0; i < array_len(values); i += 2)
		assert_ptr_equal(map_remove(&m, &i, sizeof(i)), &values[i]);
	for (size_t i = 0; i < array_len(values); i++)
		assert_ptr_equal(map_get(&m, &i, sizeof(i)), i % 2 == 0 ? NULL : &values[i]);
	map_fini(&m);
}

static void map_put_replaces_and_tells_the_former_value(void **state)
{
	struct map m = MAP_INIT;
	int a;
	int b;

	(void)state;
	assert_null(map_put(&m, "k", 1, &a));
	assert_ptr_equal(map_put(&m, "k", 1, &b), &a);
	assert_ptr_equal(map_get(&m, "k", 1), &b);
	/* a key with another length is another key */
	assert_null(map_get(&m, "k\0", 2));
	assert_int_equal(m.n, 1);
	map_fini(&m);
}

struct taken {
	struct map *map;
	size_t n;
};

static void take_off(void *value, void *arg)
{
	struct taken *t = arg;

	assert_ptr_equal(map_remove(t->map, value, sizeof(int)), value);
	t->n++;
}

static void map_each_may_remove_what_it_is_given(void **state)
{
	struct map m = MAP_INIT;
	struct taken t = {.map = &m};
	int values[100];

	(void)state;
	for (int i = 0; i < 100; i++) {
		values[i] = i;
		assert_null(map_put(&m, &values[i], sizeof(int), &values[i]));
	}
	map_each(&m, take_off, &t);
	assert_int_equal(t.n, 100);
	assert_int_equal(m.n, 0);
	map_fini(&m);
}

struct item {
	int n;
	struct list node;
};

static void list_is_first_in_first_out(void **state)
{
	struct list head;
	struct item items[3] = {{.n = 1}, {.n = 2}, {.n = 3}};
	int sum = 0;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	assert_null(list_pop(&head));
	for (int i = 0; i < 3; i++)
		list_push(&head, &items[i].node);
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	list_each (it, &head)
		sum = sum * 10 + container_of(it, struct item, node)->n;
	assert_int_equal(sum, 13);
	list_each_safe (it, &head)
		list_remove(it);
	assert_true(list_empty(&head));
}

static void uuids_are_version_7_and_sort_by_time(void **state)
{
	struct uuid before = uuid_v7(1000);
	char text[UUID_TEXT];

	(void)state;
	for (uint64_t ms = 1001; ms < 1100; ms++) {
		struct uuid id = uuid_v7(ms);
		assert_true(uuid_cmp(&before, &id) < 0);
		assert_int_equal(id.b[6] >> 4, 7);
		assert_int_equal(id.b[8] >> 6, 2);
		before = id;
	}
	struct uuid a = uuid_v7(5);
	struct uuid b = uuid_v7(5);
	assert_false(uuid_eq(&a, &b));
	a = uuid_v7(0x0193a1b2c3d4);
	assert_memory_equal(uuid_format(&a, text), "0193a1b2-c3d4-7", 15);
}

static void uuid_text_is_read_strictly(void **state)
{
	static const char good[] = "0193a1b2-c3d4-7e5f-8011-8899aAbBcCdD";
	static const char *const wrong[] = {"", "0193a1b2", "0193a1b2c3d47e5f80118899aabbccdd",
		"0193a1b2-c3d4-7e5f-8011-8899aabbccd", "0193a1b2-c3d4-7e5f-8011-8899aabbccdd0",
		"0193a1b2-c3d4-7e5f-80118-899aabbccdd", "g193a1b2-c3d4-7e5f-8011-8899aabbccdd",
		" 193a1b2-c3d4-7e5f-8011-8899aabbccdd"};
	struct uuid id = {{7}};
	char text[UUID_TEXT];

	(void)state;
	for (size_t i = 0; i < array_len(wrong); i++) {
		assert_int_equal(uuid_parse(wrong[i], &id), -1);
		assert_int_equal(id.b[0], 7);
	}
	assert_int_equal(uuid_parse(good, &id), 0);
	assert_string_equal(uuid_format(&id, text), "0193a1b2-c3d4-7e5f-8011-8899aabbccdd");
	assert_false(uuid_is_nil(&id));
	assert_true(uuid_is_nil(&(struct uuid){{0}}));
}

static void a_fault_is_cut_at_a_character(void **state)
{
	struct fault f = FAULT_INIT;
	char text[300];

	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'x', lead);
		for (size_t i = lead; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "東", 3);
		text[sizeof(text) - 3] = '\0';
		assert_int_equal(fault_set(&f, 4001, "%s", text), -1);
		assert_true(utf8_valid(f.detail, strlen(f.detail)));
		assert_true(strlen(f.detail) > 250);
	}
	assert_int_equal(fault_why(&f, 8201, "group_cycle", "a in b"), -1);
	assert_int_equal(f.code, 8201);
	assert_string_equal(f.reason, "group_cycle");
	assert_string_equal(f.detail, "a in b");
	(void)fault_set(&f, 3001, "x");
	assert_string_equal(f.reason, "");
}

static void utf8_is_judged_as_rfc_3629_says(void **state)
{
	static const char *const good[] = {"", "a", "é", "東京", "\xf0\x9f\x96\xa8", "\xef\xbf\xbf",
		"\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80",
		"0123456789abcdef é 0123456789"};
	static const char *const wrong[] = {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xc3", "\xe6\x9d", "\xf0\x9f\x96",
		"a\xe9"
		"b",
		"12345678\xe9", "\xe6\x9d\x41"};

	(void)state;
	for (size_t i = 0; i < array_len(good); i++)
		assert_true(utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < array_len(wrong); i++)
		assert_false(utf8_valid(wrong[i], strlen(wrong[i])));
}

static void foreign_text_is_scrubbed_and_cut_between_characters(void **state)
{
	char text[] = "a\xe9"
		      "b\xe6\x9d\xb1\xe6\x9d";

	(void)state;
	utf8_scrub(text);
	assert_string_equal(text, "a?b東??");
	assert_int_equal(utf8_cut("abc", 10), 3);
	assert_int_equal(utf8_cut("abc", 2), 2);
	assert_int_equal(utf8_cut("東京", 5), 3);
	assert_int_equal(utf8_cut("東京", 2), 0);
	assert_int_equal(utf8_cut("東京", 6), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_blocks_are_zeroed_aligned_and_apart),
		cmocka_unit_test(arena_cap_is_kept_and_freed_by_reset),
		cmocka_unit_test(arena_refuses_sizes_that_overflow),
		cmocka_unit_test(arena_copies_and_prints),
		cmocka_unit_test(buf_grows_and_stays_terminated),
		cmocka_unit_test(buf_error_is_sticky_until_reset),
		cmocka_unit_test(buf_detach_hands_the_memory_over),
		cmocka_unit_test(map_keeps_ten_thousand_keys_apart),
		cmocka_unit_test(map_put_replaces_and_tells_the_former_value),
		cmocka_unit_test(map_each_may_remove_what_it_is_given),
		cmocka_unit_test(list_is_first_in_first_out),
		cmocka_unit_test(uuids_are_version_7_and_sort_by_time),
		cmocka_unit_test(uuid_text_is_read_strictly),
		cmocka_unit_test(a_fault_is_cut_at_a_character),
		cmocka_unit_test(utf8_is_judged_as_rfc_3629_says),
		cmocka_unit_test(foreign_text_is_scrubbed_and_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
