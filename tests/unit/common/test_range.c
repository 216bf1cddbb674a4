// SPDX-License-Identifier: Apache-2.0
/* Ranges of addresses, and the pieces that one job looks at (fleet.md section 11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/net/range.h"
#include "gen/errors.h"

static const char *written(const char *text)
{
	static struct buf out;
	struct ip_range r;
	struct fault f = FAULT_INIT;

	buf_reset(&out);
	if (range_parse(text, &r, &f) < 0) {
		assert_int_equal(f.code, CN_VALIDATION_FAILED);
		assert_string_equal(f.reason, "address");
		buf_adds(&out, f.detail);
	} else {
		range_text(&r, &out);
	}
	return buf_str(&out);
}

static void a_range_is_read_as_people_write_it(void **state unused)
{
	static const char *const rows[][2] = {
		{"10.1.0.0/24", "10.1.0.1-10.1.0.254"},
		{"10.1.0.0/31", "10.1.0.0-10.1.0.1"},
		{"10.1.0.7/32", "10.1.0.7"},
		{"0.0.0.0/0", "0.0.0.1-255.255.255.254"},
		{"10.1.2.10-10.1.2.90", "10.1.2.10-10.1.2.90"},
		{"10.1.2.10-90", "10.1.2.10-10.1.2.90"},
		{"10.1.2.250-10.1.3.4", "10.1.2.250-10.1.3.4"},
		{"10.1.3.7", "10.1.3.7"},
		{"10.1.3.7-7", "10.1.3.7"},
		{"fd00:1::10-fd00:1::80", "fd00:1::10-fd00:1::80"},
		{"fd00::/120", "fd00::-fd00::ff"},
		{"fd00::1", "fd00::1"},
	};

	for (size_t i = 0; i < array_len(rows); i++)
		assert_string_equal(written(rows[i][0]), rows[i][1]);
}

static void what_is_no_range_is_refused_with_its_place(void **state unused)
{
	static const char *const rows[][2] = {
		{"", "column 1: no address"},
		{"10.1.0", "column 1: no address"},
		{"10.1.0.256", "column 1: no address"},
		{"010.1.0.1", "column 1: no address"},
		{"0x0a.1.0.1", "column 1: no address"},
		{"printer", "column 1: no address"},
		{"10.1.0.0/", "column 10: no length"},
		{"10.1.0.0/33", "column 10: no length"},
		{"10.1.0.0/8x", "column 10: no length"},
		{"10.1.0.0/-1", "column 10: no length"},
		{"10.1.0.5/24", "column 1: the network's own address"},
		{"10.1.0.9-10.1.0.8", "column 10: the range ends before"},
		{"10.1.0.9-8", "column 10: the range ends before"},
		{"10.1.0.9-300", "column 10: no address"},
		{"10.1.0.9-", "column 10: no address"},
		{"10.1.0.9-fd00::1", "column 10: too far"},
		{"fd00::1-fd01::2", "column 9: too far"},
		{"fd00::/64", "column 8: an IPv6 network of /96"},
		{"fd00::1%eth0", "column 1: no address"},
		{"::ffff:10.0.0.1-10.0.0.9", "column 17: too far"},
	};

	for (size_t i = 0; i < array_len(rows); i++)
		if (strstr(written(rows[i][0]), rows[i][1]) == NULL)
			fail_msg("%s: %s", rows[i][0], written(rows[i][0]));
}

static struct arena arena;

/* "in in / out out" → the pieces, with " | " between; or the fault's detail. */
static const char *pieces(const char *const *in, size_t n, const char *const *out, size_t n_out)
{
	static struct buf text;
	const struct range_list ranges = {"ranges", in, n}, exclude = {"exclude", out, n_out};
	struct ip_range *list;
	struct fault f = FAULT_INIT;
	size_t count, n_pieces;

	arena_reset(&arena);
	buf_reset(&text);
	if (ranges_make(&ranges, &exclude, &arena, &list, &count, &f) < 0)
		return arena_strdup(&arena, f.detail);
	const char **all = ranges_slice(list, count, NULL, 0, &arena, &n_pieces);
	assert_non_null(all);
	for (size_t i = 0; i < n_pieces; i++) {
		assert_true(strlen(all[i]) <= RANGE_SLICE_TEXT);
		buf_addf(&text, "%s%s", i == 0 ? "" : " | ", all[i]);
	}
	return buf_str(&text);
}
#define LIST(...)                                                                                  \
	(const char *const[]){__VA_ARGS__}, array_len(((const char *const[]){__VA_ARGS__}))

static void ranges_are_joined_and_cut_where_the_last_byte_begins_anew(void **state unused)
{
	assert_string_equal(
		pieces(LIST("10.1.0.0/23"), NULL, 0), "10.1.0.1-10.1.0.255 | 10.1.1.0-10.1.1.254");
	assert_string_equal(pieces(LIST("10.1.0.5-9", "10.1.0.1-6", "10.1.0.10"), NULL, 0),
		"10.1.0.1-10.1.0.10");
	assert_string_equal(pieces(LIST("10.1.0.9", "10.1.0.3", "fd00::2", "10.1.0.3"), NULL, 0),
		"10.1.0.3, 10.1.0.9, fd00::2");
}

static void what_is_left_out_is_in_no_piece(void **state unused)
{
	assert_string_equal(pieces(LIST("10.1.0.1-20"), LIST("10.1.0.5-7", "10.1.0.10")),
		"10.1.0.1-10.1.0.4, 10.1.0.8-10.1.0.9, 10.1.0.11-10.1.0.20");
	assert_string_equal(pieces(LIST("10.1.0.1-20"), LIST("10.0.0.0/8")), "");
	assert_string_equal(pieces(LIST("10.1.0.1-20"), LIST("10.1.0.0-5", "10.1.0.20-30")),
		"10.1.0.6-10.1.0.19");
	assert_string_equal(
		pieces(LIST("255.255.255.250-255.255.255.255"), LIST("255.255.255.255")),
		"255.255.255.250-255.255.255.254");
	assert_string_equal(
		pieces(LIST("10.1.0.1-3", "fd00::1"), LIST("fd00::/96")), "10.1.0.1-10.1.0.3");
}

static void a_task_looks_at_65536_addresses_at_most(void **state unused)
{
	assert_non_null(strstr(pieces(LIST("10.0.0.0/15"), NULL, 0), "ranges: 131070 addresses"));
	assert_non_null(strstr(pieces(LIST("10.0.0.0-10.1.0.0"), NULL, 0), "65537 addresses"));
	assert_null(strstr(pieces(LIST("10.0.0.0-10.0.255.255"), NULL, 0), "addresses"));
	assert_null(
		strstr(pieces(LIST("10.0.0.0/15"), LIST("10.1.0.0-10.1.255.255")), "addresses"));
	assert_non_null(strstr(pieces(LIST("10.0.0.1", "x"), NULL, 0), "ranges[1]: 'x', column 1"));
	assert_non_null(strstr(pieces(LIST("10.0.0.1"), LIST("10.0.0.1/")), "exclude[0]: "));
}

/* Whatever is asked: exactly the addresses that are in and not out, none twice, 256 in a piece. */
static void the_pieces_hold_each_address_once(void **state unused)
{
	srand(7);
	for (int round = 0; round < 300; round++) {
		char in[4][64] = {{0}}, out[4][64] = {{0}};
		const char *ins[4], *outs[4];
		static bool wanted[2048];
		static unsigned char seen[2048];
		memset(wanted, 0, sizeof(wanted));
		memset(seen, 0, sizeof(seen));
		for (int k = 0; k < 8; k++) {
			unsigned a = (unsigned)rand() % 2000,
				 b = a + (unsigned)rand() % (k < 4 ? 700 : 40);
			b = b > 2047 ? 2047 : b;
			(void)snprintf(k < 4 ? in[k] : out[k - 4], 64, "10.0.%u.%u-10.0.%u.%u",
				a / 256, a % 256, b / 256, b % 256);
			for (unsigned i = a; i <= b; i++)
				wanted[i] = k < 4;
		}
		for (int k = 0; k < 4; k++) {
			ins[k] = in[k];
			outs[k] = out[k];
		}
		char *text = strdup(pieces(ins, 4, outs, 4)), *save = NULL;
		for (char *p = strtok_r(text, "|", &save); p != NULL;
			p = strtok_r(NULL, "|", &save)) {
			char *inner = NULL;
			uint64_t size = 0;
			for (char *q = strtok_r(p, ", ", &inner); q != NULL;
				q = strtok_r(NULL, ", ", &inner)) {
				struct ip_range r;
				struct fault f = FAULT_INIT;
				assert_int_equal(range_parse(q, &r, &f), 0);
				size += range_size(&r);
				for (uint32_t i = r.from; i <= r.to; i++)
					seen[i & 2047]++;
			}
			assert_true(size > 0 && size <= RANGE_SLICE);
		}
		for (size_t i = 0; i < 2048; i++)
			assert_int_equal(seen[i], wanted[i]);
		free(text);
	}
	arena_reset(&arena);
}

static void names_follow_as_they_are(void **state unused)
{
	static const char *const names[] = {"printer-1", "printer-2.example"};
	size_t n;
	const char **all = ranges_slice(NULL, 0, names, 2, &arena, &n);

	assert_int_equal(n, 1);
	assert_string_equal(all[0], "printer-1, printer-2.example");
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_read_as_people_write_it),
		cmocka_unit_test(what_is_no_range_is_refused_with_its_place),
		cmocka_unit_test(ranges_are_joined_and_cut_where_the_last_byte_begins_anew),
		cmocka_unit_test(what_is_left_out_is_in_no_piece),
		cmocka_unit_test(a_task_looks_at_65536_addresses_at_most),
		cmocka_unit_test(the_pieces_hold_each_address_once),
		cmocka_unit_test(names_follow_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
