// SPDX-License-Identifier: Apache-2.0
/* Where a role counts: the lines that travel with each call (fleet.md FL-69). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/msg/scope.h"

static struct arena arena;

static void reaches(
	const char *lines, enum msg_right right, enum scope_reach reach, const char *things)
{
	const char *got = "";

	assert_int_equal(scope_reach(lines, right, &arena, &got), reach);
	assert_string_equal(got, things);
}

static void a_role_counts_within_its_own_things_only(void **state)
{
	const char *lines = "2 site:Lyon\n1 group:7\n1 site:Metz";

	(void)state;
	reaches(lines, MSG_VIEWER, SCOPE_PART, "site:Lyon\ngroup:7\nsite:Metz");
	reaches(lines, MSG_READER, SCOPE_PART, "site:Lyon\ngroup:7\nsite:Metz");
	reaches(lines, MSG_OPERATOR, SCOPE_PART, "site:Lyon");
	reaches(lines, MSG_ADMIN, SCOPE_NOTHING, "");
	reaches(lines, MSG_AUDITOR, SCOPE_NOTHING, "");
	reaches(lines, MSG_INTERNAL, SCOPE_NOTHING, "");
}

static void everywhere_is_said_and_never_what_is_left(void **state)
{
	(void)state;
	reaches("1 *\n2 site:Lyon", MSG_VIEWER, SCOPE_ALL, "");
	reaches("1 *\n2 site:Lyon", MSG_OPERATOR, SCOPE_PART, "site:Lyon");
	reaches("4 *\n1 site:Lyon", MSG_READER, SCOPE_PART, "site:Lyon");
	reaches("", MSG_VIEWER, SCOPE_NOTHING, "");
}

static void a_line_that_says_anything_else_allows_nothing(void **state)
{
	char long_line[100] = "2 site:";
	static const char *const bad[] = {"2", "2 ", "2  *", "* 2", "2 **",
		"2 site:", "2 group:", "9 *", "0 *", "5 *", "2 region:EU", "2site:Lyon", "2\t*",
		"\n\n", "22 *"};

	(void)state;
	memset(long_line + 7, 'x', 80);
	reaches(long_line, MSG_VIEWER, SCOPE_NOTHING, "");
	for (size_t i = 0; i < array_len(bad); i++)
		reaches(bad[i], MSG_VIEWER, SCOPE_NOTHING, "");
	reaches("2 x\n1 site:*", MSG_VIEWER, SCOPE_PART, "site:*");
}

static void the_least_role_that_may_is_the_one_that_acts(void **state)
{
	const char *lines = "3 site:Lyon\n2 site:Metz\n4 *";

	(void)state;
	assert_int_equal(scope_role(lines, MSG_OPERATOR), MSG_OPERATOR);
	assert_int_equal(scope_role(lines, MSG_ADMIN), MSG_ADMIN);
	assert_int_equal(scope_role("1 *", MSG_OPERATOR), MSG_INTERNAL);
}

static void what_does_not_fit_a_line_is_refused(void **state)
{
	struct buf b = BUF_INIT;
	char long_name[81];

	(void)state;
	memset(long_name, 'x', 80);
	long_name[80] = '\0';
	assert_int_equal(scope_add(&b, MSG_OPERATOR, "site:", "Lyon"), 0);
	assert_int_equal(scope_add(&b, MSG_VIEWER, "*", ""), 0);
	assert_string_equal(buf_str(&b), "2 site:Lyon\n1 *");
	assert_int_equal(scope_add(&b, MSG_VIEWER, "site:", "a\n3 *"), -1);
	assert_int_equal(scope_add(&b, MSG_VIEWER, "site:", long_name), -1);
	while (scope_add(&b, MSG_VIEWER, "site:", "another one") == 0)
		;
	assert_true(b.n <= MSG_SCOPE_MAX);
	buf_fini(&b);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_counts_within_its_own_things_only),
		cmocka_unit_test(everywhere_is_said_and_never_what_is_left),
		cmocka_unit_test(a_line_that_says_anything_else_allows_nothing),
		cmocka_unit_test(the_least_role_that_may_is_the_one_that_acts),
		cmocka_unit_test(what_does_not_fit_a_line_is_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
