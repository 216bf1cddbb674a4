// SPDX-License-Identifier: Apache-2.0
/* Migrations on a real database. Each check is itself a migration: a file whose assertion does not
 * hold is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/db/db.h"

static char dir[64];
static struct fault fault;

static void put(const char *name, const char *text)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void take_away(const char *name)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

static int migrate(void)
{
	fault = FAULT_INIT;
	return db_migrate(getenv("CARNET_TEST_DB"), dir, &fault);
}

static void files_are_applied_once_in_order_of_their_numbers(unused void **state)
{
	put("0001_base.sql", "create table m (n int); insert into m values (1);");
	put("0020_more.sql", "insert into m select max(n) * 10 from m;");
	put("notes.txt", "not a migration");
	put("0021_check.sql", "do $$ begin assert (select string_agg(n::text, ',' order by n) from "
			      "m) = '1,10'; end $$");
	assert_int_equal(migrate(), 21);
	assert_int_equal(migrate(), 21);
	/* a service's next file may have a lower number than another service's */
	put("0012_later.sql", "do $$ begin assert (select count(*) from m) = 2; end $$");
	assert_int_equal(migrate(), 21);
}

static void a_file_that_changed_after_it_was_applied_is_refused(unused void **state)
{
	put("0020_more.sql", "insert into m select max(n) * 10 from m; -- a comment");
	assert_int_equal(migrate(), -1);
	assert_string_equal(fault.reason, "migration_changed");
	assert_non_null(strstr(fault.detail, "0020_more.sql"));
	put("0020_more.sql", "insert into m select max(n) * 10 from m;");
	assert_int_equal(migrate(), 21);
}

static void a_file_that_fails_leaves_nothing_behind(unused void **state)
{
	put("0030_bad.sql", "create table half (n int); insert into m values (99); select 1 / 0;");
	assert_int_equal(migrate(), -1);
	assert_non_null(strstr(fault.detail, "division by zero"));
	put("0030_bad.sql", "do $$ begin assert to_regclass('half') is null;"
			    " assert not exists (select from m where n = 99); end $$");
	assert_int_equal(migrate(), 30);
}

static void two_files_of_one_number_are_refused(unused void **state)
{
	put("0030_second.sql", "select 1;");
	assert_int_equal(migrate(), -1);
	assert_non_null(strstr(fault.detail, "0030_second.sql"));
	take_away("0030_second.sql");
	assert_int_equal(migrate(), 30);
}

static void several_at_the_same_time_apply_each_file_once(unused void **state)
{
	pid_t children[6];
	int status;

	put("0040_slow.sql", "select pg_sleep(0.2); insert into m values (40);");
	put("0041_check.sql",
		"do $$ begin assert (select count(*) from m where n = 40) = 1; end $$");
	for (size_t i = 0; i < array_len(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(migrate() == 41 ? 0 : 1);
	}
	for (size_t i = 0; i < array_len(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
}

static void no_database_and_no_directory_are_told_apart(unused void **state)
{
	assert_int_equal(db_migrate("host=/nonexistent", dir, &fault), -1);
	assert_non_null(strstr(fault.detail, "connect"));
	assert_int_equal(db_migrate(getenv("CARNET_TEST_DB"), "/nonexistent", &fault), -1);
	assert_non_null(strstr(fault.detail, "no migrations"));
}

static int setup(unused void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/carnet-sql.XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(unused void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_applied_once_in_order_of_their_numbers),
		cmocka_unit_test(a_file_that_changed_after_it_was_applied_is_refused),
		cmocka_unit_test(a_file_that_fails_leaves_nothing_behind),
		cmocka_unit_test(two_files_of_one_number_are_refused),
		cmocka_unit_test(several_at_the_same_time_apply_each_file_once),
		cmocka_unit_test(no_database_and_no_directory_are_told_apart),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
