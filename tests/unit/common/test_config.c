// SPDX-License-Identifier: Apache-2.0
/* Settings: later sources win, bounds hold, a secret in the environment is refused by name (SE-35).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gen/config.h"
#include "gen/errors.h"

static char ini_path[] = "/tmp/test_config.XXXXXX";
static struct worker_config config;
static struct fault err;

static void write_ini(const char *text)
{
	FILE *f = fopen(ini_path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Loads the worker's settings with up to three arguments. */
static int load(const char *a, const char *b, const char *c)
{
	const char *argv[] = {"carnet-worker", a, b, c, NULL};
	int argc = c != NULL ? 4 : b != NULL ? 3 : a != NULL ? 2 : 1;

	config_fini(&worker_config_table, &config);
	return config_load(&worker_config_table, argc, (char **)(uintptr_t)argv, &config, &err);
}

static const char *with_ini(void)
{
	static char arg[64];

	(void)snprintf(arg, sizeof(arg), "--config=%s", ini_path);
	return arg;
}

static void refused(int rc, const char *detail)
{
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, CN_VALIDATION_FAILED);
	if (strstr(err.detail, detail) == NULL)
		fail_msg("'%s' does not say '%s'", err.detail, detail);
}

static void defaults_come_from_the_table(void **state)
{
	(void)state;
	assert_int_equal(load(NULL, NULL, NULL), 0);
	assert_int_equal(config.slots, 4096);
	assert_int_equal(config.renew_ms, 5000);
	assert_false(config.allow_loopback);
	assert_string_equal(config.common.log_level, "info");
	assert_string_equal(config.pool, "");
}

static void later_sources_win(void **state)
{
	(void)state;
	write_ini("[common]\nlog_level = debug\nslots = 1\n[worker]\nslots = 2\nrenew_ms = 1s\n"
		  "[lock]\nnonsense = 1\n");
	assert_int_equal(load(with_ini(), NULL, NULL), 0);
	assert_int_equal(config.slots, 2);
	assert_int_equal(config.renew_ms, 1000);
	assert_string_equal(config.common.log_level, "debug");
	setenv("CARNET_SLOTS", "3", 1);
	assert_int_equal(load(with_ini(), NULL, NULL), 0);
	assert_int_equal(config.slots, 3);
	setenv("CARNET_WORKER_SLOTS", "4", 1);
	assert_int_equal(load(with_ini(), NULL, NULL), 0);
	assert_int_equal(config.slots, 4);
	assert_int_equal(load("--slots=5", with_ini(), "--claim-batch=6"), 0);
	assert_int_equal(config.slots, 5);
	assert_int_equal(config.claim_batch, 6);
	unsetenv("CARNET_SLOTS");
	unsetenv("CARNET_WORKER_SLOTS");
}

static void times_take_units(void **state)
{
	static const struct {
		const char *arg;
		int64_t ms;
	} good[] = {{"--renew_ms=500", 500}, {"--renew_ms=500ms", 500}, {"--renew_ms=30s", 30000},
		{"--renew_ms=1m", 60000}};

	(void)state;
	for (size_t i = 0; i < array_len(good); i++) {
		assert_int_equal(load(good[i].arg, NULL, NULL), 0);
		assert_int_equal(config.renew_ms, good[i].ms);
	}
	refused(load("--renew_ms=1h", NULL, NULL), "50 to 60000 is allowed");
	refused(load("--renew_ms=1y", NULL, NULL), "unit");
	refused(load("--renew_ms=", NULL, NULL), "no number");
	refused(load("--renew_ms=9223372036854775807d", NULL, NULL), "allowed");
	refused(load("--slots=1s", NULL, NULL), "unit");
}

static void values_outside_their_bounds_are_refused_with_the_key(void **state)
{
	(void)state;
	refused(load("--slots=0", NULL, NULL),
		"setting slots (command line): 1 to 16384 is allowed");
	refused(load("--slots=16385", NULL, NULL), "slots");
	refused(load("--slots=x", NULL, NULL), "slots (command line): is no number");
	refused(load("--slots=99999999999999999999", NULL, NULL), "slots");
	refused(load("--allow_loopback=maybe", NULL, NULL), "true or false");
	refused(load("--tenant=short", NULL, NULL), "36 to 36 bytes");
	refused(load("--pool=\xe9", NULL, NULL), "UTF-8");
	refused(load("--no_such_key=1", NULL, NULL), "no setting no_such_key");
	refused(load("slots=1", NULL, NULL), "--key=value");
	refused(load("--slots", NULL, NULL), "--key=value");
	setenv("CARNET_SLOTS", "many", 1);
	refused(load(NULL, NULL, NULL), "slots (CARNET_SLOTS)");
	unsetenv("CARNET_SLOTS");
}

static void booleans_have_words(void **state)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};
	char arg[64];

	(void)state;
	for (size_t i = 0; i < array_len(yes); i++) {
		(void)snprintf(arg, sizeof(arg), "--allow_loopback=%s", yes[i]);
		assert_int_equal(load(arg, NULL, NULL), 0);
		assert_true(config.allow_loopback);
		(void)snprintf(arg, sizeof(arg), "--allow_loopback=%s", no[i]);
		assert_int_equal(load(arg, NULL, NULL), 0);
		assert_false(config.allow_loopback);
	}
}

static void a_broken_file_is_refused_with_its_line(void **state)
{
	char text[600] = "[worker]\npool = ";

	(void)state;
	write_ini("[worker]\nslots = 2\nthis is no pair\n");
	refused(load(with_ini(), NULL, NULL), ":3: not `key = value`");
	write_ini("[worker]\nslost = 2\n");
	refused(load(with_ini(), NULL, NULL), "no setting slost in [worker]");
	write_ini("[worker]\nslots = 0\n");
	refused(load(with_ini(), NULL, NULL), "setting slots (/tmp/test_config.");
	refused(load("--config=/nonexistent/x", NULL, NULL), "/nonexistent/x: No such file");
	/* inih would cut this line and read its end as another one */
	memset(text + strlen(text), 'x', 220);
	(void)strncat(text, "\nslots = 1\n", sizeof(text) - strlen(text) - 1);
	write_ini(text);
	refused(load(with_ini(), NULL, NULL), ":2: line is longer than 198 bytes");
}

static void a_secret_in_the_environment_is_refused_by_name_not_by_value(void **state)
{
	static const char *const names[] = {"CARNET_PASSWORD", "CARNET_WORKER_PASSWORD",
		"CARNET_TOKEN", "CARNET_CLASS_KEY", "CARNET_KEK", "CARNET_PEPPER",
		"CARNET_DB_SECRET", "PGPASSWORD"};

	(void)state;
	for (size_t i = 0; i < array_len(names); i++) {
		setenv(names[i], "hunter2", 1);
		refused(load(NULL, NULL, NULL), names[i]);
		assert_null(strstr(err.detail, "hunter2"));
		unsetenv(names[i]);
	}
	setenv("CARNET_CLASS_KEY_FILE", "/run/keys/class", 1);
	setenv("OTHER_PASSWORD", "x", 1);
	assert_int_equal(load(NULL, NULL, NULL), 0);
	assert_string_equal(config.class_key_file, "/run/keys/class");
	unsetenv("CARNET_CLASS_KEY_FILE");
	unsetenv("OTHER_PASSWORD");
}

static void a_password_inside_the_database_setting_is_refused(void **state)
{
	(void)state;
	refused(load("--database=host=x password=hunter2", NULL, NULL), "database");
	assert_null(strstr(err.detail, "hunter2"));
	refused(load("--database=postgresql://carnet:hunter2@db/carnet", NULL, NULL), "database");
	assert_int_equal(load("--database=postgresql://carnet@db:5432/carnet", NULL, NULL), 0);
	assert_int_equal(load("--database=host=/tmp/x dbname=carnet", NULL, NULL), 0);
}

static void a_required_setting_must_be_given(void **state)
{
	const char *argv[] = {"carnet-storage", "--vault_dir=/v", "--kek_file=/k", NULL};
	struct storage_config s;

	(void)state;
	assert_int_equal(
		config_load(&storage_config_table, 3, (char **)(uintptr_t)argv, &s, &err), -1);
	assert_string_equal(err.detail, "setting sign_key_file is required");
	config_fini(&storage_config_table, &s);
}

/* In a child, because help ends the program. */
static void help_prints_every_key_and_exits_0(void **state)
{
	int fd[2];
	int status;
	char text[16384];
	size_t n = 0;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		_exit(load("--slots=0", "--help", NULL) == 0 ? 3 : 4);
	}
	close(fd[1]);
	for (ssize_t k; (k = read(fd[0], text + n, sizeof(text) - 1 - n)) > 0;)
		n += (size_t)k;
	text[n] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (size_t i = 0; i < worker_config_table.n; i++)
		assert_non_null(strstr(text, worker_config_table.keys[i].name));
}

static int setup(void **state)
{
	(void)state;
	int fd = mkstemp(ini_path);
	return fd >= 0 ? close(fd) : -1;
}

static int teardown(void **state)
{
	(void)state;
	config_fini(&worker_config_table, &config);
	return unlink(ini_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_come_from_the_table),
		cmocka_unit_test(later_sources_win),
		cmocka_unit_test(times_take_units),
		cmocka_unit_test(values_outside_their_bounds_are_refused_with_the_key),
		cmocka_unit_test(booleans_have_words),
		cmocka_unit_test(a_broken_file_is_refused_with_its_line),
		cmocka_unit_test(a_secret_in_the_environment_is_refused_by_name_not_by_value),
		cmocka_unit_test(a_password_inside_the_database_setting_is_refused),
		cmocka_unit_test(a_required_setting_must_be_given),
		cmocka_unit_test(help_prints_every_key_and_exits_0),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
