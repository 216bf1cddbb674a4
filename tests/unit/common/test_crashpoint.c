// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/base.h"
#include "common/base/crashpoint.h"

/* How many passes a child makes before it dies; 9 = it lives. */
static int passes(const char *wish)
{
	int status, n = 0;
	int fds[2];
	char c;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)setenv("CARNET_CRASH", wish, 1);
		for (int i = 0; i < 9; i++) {
			CRASHPOINT("test.other");
			CRASHPOINT("test.here");
			(void)!write(fds[1], "x", 1);
		}
		_exit(0);
	}
	(void)close(fds[1]);
	while (read(fds[0], &c, 1) == 1)
		n++;
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (n < 9)
		assert_int_equal(WTERMSIG(status), SIGKILL);
	return n;
}

#ifdef CARNET_CRASHPOINTS
static void a_process_dies_at_the_nth_pass_of_the_named_place(unused void **state)
{
	assert_int_equal(passes("test.here:1"), 0);
	assert_int_equal(passes("test.here:4"), 3);
	assert_int_equal(passes("test.here"), 0);
	assert_int_equal(passes("test.her:1"), 9);
	assert_int_equal(passes("elsewhere:1"), 9);
	assert_int_equal(passes(""), 9);
}
#else
static void a_release_has_no_places_to_die(unused void **state)
{
	assert_int_equal(passes("test.here:1"), 9);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef CARNET_CRASHPOINTS
		cmocka_unit_test(a_process_dies_at_the_nth_pass_of_the_named_place),
#else
		cmocka_unit_test(a_release_has_no_places_to_die),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
