// SPDX-License-Identifier: Apache-2.0
/* The generator refuses what would let two versions misunderstand each other, and says where. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/base.h"

static char generator[512];
static char dir[] = "/tmp/test_schemagen.XXXXXX";
static char said[4096];

static char *path(const char *name)
{
	static char text[4][256];
	static unsigned next;
	char *p = text[next++ % 4];

	(void)snprintf(p, sizeof(text[0]), "%s/%s", dir, name);
	return p;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Runs the generator; what it printed goes to `said`. Returns its exit code. */
static int run(const char *a, const char *b)
{
	int fd[2];
	int status;
	size_t n = 0;

	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		execl(generator, generator, a, b, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	for (ssize_t k; (k = read(fd[0], said + n, sizeof(said) - 1 - n)) > 0;)
		n += (size_t)k;
	said[n] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void accepted(const char *msg)
{
	write_file("messages/a.msg", msg);
	if (run("--registry", dir) != 0)
		fail_msg("%s", said);
}

static void refused(const char *msg, const char *says)
{
	write_file("messages/a.msg", msg);
	if (run("--registry", dir) != 1)
		fail_msg("accepted: %s", msg);
	if (strstr(said, says) == NULL)
		fail_msg("'%s' does not say '%s'", said, says);
}

#define HEAD "service a 0x0a\n"
#define FIRST                                                                                      \
	HEAD "enum color { red=1 blue=2 }\n"                                                       \
	     "struct part { 1 n uint\n 3 c enum color }\n"                                         \
	     "request ask 0x0a10 viewer -> answer { 1 ref text 10 required\n 2 parts list 5 "      \
	     "struct part }\n"                                                                     \
	     "reply answer 0x0a11 { 1 ok bool }\n"

static void forget(void)
{
	assert_true(unlink(path("messages/REGISTRY")) == 0 || errno == ENOENT);
}

static void an_entry_may_be_added(void **state)
{
	(void)state;
	forget();
	accepted(FIRST);
	accepted(FIRST "event more 0x0ae0 { 1 x uint required }\n");
	accepted(HEAD "enum color { red=1 blue=2 green=3 }\n"
		      "struct part { 1 n uint\n 3 c enum color\n 4 d text 9 }\n"
		      "request ask 0x0a10 viewer -> answer { 1 ref text 99\n 2 parts list 7 struct "
		      "part }\n"
		      "reply answer 0x0a11 { 1 ok bool }\n"
		      "event more 0x0ae0 { 1 x uint required }\n");
}

static void an_entry_never_changes_its_meaning(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} changes[] = {
		{"1 n uint", "1 n int", "field part 1 was 'n uint' and is now 'n int'"},
		{"1 n uint", "1 m uint", "field part 1 was 'n uint' and is now 'm uint'"},
		{"1 n uint", "1 n list 3 uint", "field part 1"},
		{"1 n uint", "1 n uint required", "field part 1"},
		{"1 n uint", "2 n uint", "field part 1 (n uint) is gone: write `retired`"},
		{"red=1", "red=3", "word color 1 (red) is gone"},
		{"red=1 blue=2", "blue=1 red=2", "word color 1 was 'red' and is now 'blue'"},
		{"ask 0x0a10", "ask 0x0a12", "message 0x0a10"},
		{"ask 0x0a10", "put 0x0a10", "message 0x0a10 was 'ask request -> answer'"},
		{"reply answer 0x0a11 { 1 ok bool }",
			"reply answer 0x0a11 { 1 ok bool\n 2 x uint required }",
			"a required field is never added to a live message"},
		{"struct part { 1 n uint\n", "struct part { 1 n uint\n 2 x uint required\n",
			"a required field is never added to a live message"},
	};

	(void)state;
	forget();
	accepted(FIRST);
	for (size_t i = 0; i < array_len(changes); i++) {
		char text[2048];
		const char *at = strstr(FIRST, changes[i].from);
		assert_non_null(at);
		(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(strlen(FIRST) - strlen(at)),
			FIRST, changes[i].to, at + strlen(changes[i].from));
		refused(text, changes[i].says);
	}
	/* and nothing was written down */
	accepted(FIRST);
}

static void a_retired_number_is_never_used_again(void **state)
{
	(void)state;
	forget();
	accepted(FIRST);
	accepted(HEAD "enum color { retired 1 blue=2 }\n"
		      "struct part { retired 1\n 3 c enum color }\n"
		      "retired 0x0a10\n"
		      "reply answer 0x0a11 { 1 ok bool }\n");
	refused(FIRST, "was 'retired'");
	refused(HEAD "retired 0x0a10 event e 0x0a10 { }", "0x0a10 is retired");
	refused(HEAD "event e 0x0a10 { 1 n uint\n retired 1\n }", "tag 1 is retired");
	refused(HEAD "enum e { retired 2 a=2 }", "2 is retired");
}

static void a_number_stands_for_one_thing(void **state)
{
	(void)state;
	forget();
	refused(HEAD "event a 0x0a10 { } event b 0x0a10 { }", "id 0x0a10 belongs to a");
	refused(HEAD "event a 0x0b10 { }", "ids of this file begin with 0x0a");
	refused(HEAD "event a 0x0a10 {\n 1 x uint\n 1 y uint }",
		"a.msg:4: tag 1 of y does not rise");
	refused(HEAD "event a 0x0a10 {\n 1 x uint\n 2 x uint }", "second field x");
	refused(HEAD "event a 0x0a10 { 0 x uint }", "tag 0");
	refused(HEAD "event a 0x0a10 { 256 x uint }", "no number up to 255");
	refused(HEAD "enum e { a=1 b=1 }", "b=1 is there already");
	refused(HEAD "enum e { a=1 a=2 }", "a=2 is there already");
	refused(HEAD "enum e { a=0 }", "0 means absent");
	refused(HEAD "enum e { a=1 } enum e { a=1 }", "second enum 'e'");
	refused(HEAD "struct a { 1 x uint } struct a { 1 x uint }", "second 'a'");
}

static void a_mistake_is_named_with_its_line(void **state)
{
	(void)state;
	forget();
	refused("struct a { }", "a.msg:1: service NAME 0xSS wanted");
	refused(HEAD "structure a { }", "unknown word 'structure'");
	refused(HEAD "\nstruct a {\n\t1 x number\n}", "a.msg:4: 'number' is no type");
	refused(HEAD "struct a { 1 x text }", "text needs the most bytes");
	refused(HEAD "struct a { 1 x list text 3 }", "a list needs the most items");
	refused(HEAD "struct a { 1 x uint needed }", "neither required nor secret");
	refused(HEAD "struct a { 1 x enum color }", "no enum color");
	refused(HEAD "struct a { 1 x struct b }", "no struct b");
	refused(HEAD "struct a { 1 x struct a }", "struct a contains itself");
	refused(HEAD "struct a { 1 x list 2 struct b } struct b { 1 y struct a }",
		"contains itself");
	refused(HEAD "request a 0x0a10 viewer -> b { }", "b is no reply");
	refused(HEAD "request a 0x0a10 anybody -> b { }", "'anybody' is no right");
	refused(HEAD "request a 0x0a10 viewer b { }", "-> REPLY wanted");
	refused(HEAD "struct a { 1 switch uint }", "'switch' is a word of C");
	refused(HEAD "struct a { 1 has uint }", "'has' is a word");
	refused(HEAD "struct a { 1 Big uint }", "'Big' is no name");
	refused(HEAD "event uint 0x0a10 { }", "MSG_UINT is taken");
	refused(HEAD "struct a { 1 x uint \"never ends }", "string does not end on its line");
	refused(HEAD "struct a { 1 x uint", "wanted, not 'end of file'");
	refused(HEAD "struct a { 1 x uint 99999999999 }", "no number up to 4294967295");
}

/* ---- the other tables: real ones, with one line changed ---- */

static void link_tables(void)
{
	static const char *const names[] = {
		"errors.tab", "config.tab", "matrix.csv", "job_states.tab", "routes.tab"};
	char *here = realpath("schemas", NULL);

	assert_non_null(here);
	for (size_t i = 0; i < array_len(names); i++) {
		char target[4200];
		(void)snprintf(target, sizeof(target), "%s/%s", here, names[i]);
		(void)unlink(path(names[i]));
		assert_int_equal(symlink(target, path(names[i])), 0);
	}
	free(here);
}

/* Our messages hold just what the real tables need. */
static void table_refused(const char *table, const char *text, const char *says)
{
	link_tables();
	assert_int_equal(unlink(path(table)), 0);
	write_file(table, text);
	if (run(dir, path("out")) != 1)
		fail_msg("accepted: %s", text);
	if (strstr(said, says) == NULL)
		fail_msg("'%s' does not say '%s'", said, says);
}

#define TEXTS "en \"a\" \"b\"\nfr \"a\" \"b\"\nja \"a\" \"b\"\n"

static void tables_are_checked_with_their_lines(void **state)
{
	(void)state;
	forget();
	write_file("messages/a.msg",
		FIRST "enum job_state { waiting=1 ready=2 claimed=3 running=4 "
		      "storing=5 deferred=6 retry=7 succeeded=8 unchanged=9 partial=10 "
		      "skipped=11 failed=12 dead=13 missed=14 cancelled=15 }");
	table_refused("errors.tab",
		"CN-1001 x content failed final nobody 422\n" TEXTS
		"CN-1001 y content failed final nobody 422\n" TEXTS,
		"errors.tab:5: CN-1001 belongs to x");
	table_refused("errors.tab", "CN-1001 x content failed final nobody 422\nen \"a\" \"b\"\n",
		"errors.tab:1: x has no text or hint in fr");
	table_refused(
		"errors.tab", "CN-1001 x content failed final nobody 200\n" TEXTS, "400 to 599");
	table_refused("errors.tab", "CN-1001 x content lost final nobody 422\n" TEXTS,
		"'lost' is no outcome");
	table_refused("errors.tab",
		"retired CN-1001\nCN-1001 x content failed final nobody 422\n" TEXTS,
		"CN-1001 is retired");
	table_refused("config.tab", "[lock]\n", "[common] must stand first");
	table_refused("config.tab", "[common]\na int 5 1 4 \"x\"\n",
		"config.tab:2: default of a is outside 1..4");
	table_refused("config.tab", "[common]\na int 5 1 9 \"x\"\n[b]\na ms 5 1 9 \"x\"\n",
		"second key a");
	table_refused("config.tab", "[common]\na int - 1 9 \"x\"\n", "only a text can be required");
	table_refused("matrix.csv", "id,row\n", "header line");
	table_refused("job_states.tab", "waiting -> done\n", "'done' is no word of enum job_state");
	table_refused("job_states.tab", "waiting -> ready ready\n", "second edge");
	table_refused("routes.tab", "GET /a nobody lock\n", "nobody is no request");
	table_refused("routes.tab", "GET /a/{id} ask lock\n", "ask has no field id");
	table_refused("routes.tab", "FETCH /a ask lock\n", "'FETCH' is no method");
	table_refused("routes.tab", "GET /a ask lock reply=x\n", "answer has no field x");
	table_refused(
		"routes.tab", "GET /a ask lock\nGET /a ask lock\n", "routes.tab:2: second GET /a");
}

/* schemas/profiles/book/canon.json with one piece changed */
static void profile_refused(const char *from, const char *to, const char *says)
{
	char text[16384];
	char changed[20000];
	FILE *f = fopen("schemas/profiles/book/canon.json", "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	const char *at = strstr(text, from);
	assert_non_null(at);
	(void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
		at + strlen(from));
	write_file("profile.json", changed);
	if (run("--check-profile", path("profile.json")) != 1)
		fail_msg("accepted: %s", to);
	if (strstr(said, says) == NULL)
		fail_msg("'%s' does not say '%s'", said, says);
}

static void a_profile_says_nothing_that_nobody_reads(void **state)
{
	(void)state;
	assert_int_equal(run("--check-profile", "schemas/profiles/book/canon.json"), 0);
	profile_refused("\"codec\"", "\"codek\"", "profile.json:4: unknown member 'codek'");
	profile_refused("\"max\": 13", "\"most\": 13", "unknown member 'most'");
	profile_refused("\"max\": 13", "\"max\": 13, \"max\": 14", "'max' stands here twice");
	profile_refused("\"max\": 13", "\"max\": \"13\"", "max: a whole number or null expected");
	profile_refused("\"max\": 13", "\"max\": 1.5", "'}' expected");
	profile_refused("\"max\": 13", "\"max\": -1", "a whole number or null expected");
	profile_refused("\"max\": 13, ", "", "'max' is missing in what ends here");
	profile_refused("\"grade\": \"A\"", "\"grade\": \"a\"", "grade: 'a' is none of its words");
	profile_refused("\"required\": true", "\"required\": 1", "true or false expected");
	profile_refused("\"key_uuid\": true,", "\"key_uuid\": true", "'}' expected");
	profile_refused("\"canon\",", "\"canon", "text does not end on its line");
	profile_refused("\"type_2\",", "\"type_2\", \"family\": \"x\",", "unknown member 'family'");
}

static void sql_lists_the_edges_of_the_job(void **state)
{
	(void)state;
	link_tables();
	assert_int_equal(run("--sql-job-states", dir), 0);
	assert_memory_equal(said, "values\n  ('waiting', 'ready')", 28);
	assert_non_null(strstr(said, "('storing', 'succeeded')"));
	assert_null(strstr(said, "('storing', 'cancelled')"));
}

static void the_real_schemas_give_the_same_files_twice(void **state)
{
	struct stat before;
	struct stat after;

	(void)state;
	assert_int_equal(run("schemas", path("out")), 0);
	assert_int_equal(stat(path("out/msg.c"), &before), 0);
	assert_int_equal(run("schemas", path("out")), 0);
	assert_int_equal(stat(path("out/msg.c"), &after), 0);
	/* untouched, so that make rebuilds nothing */
	assert_int_equal(before.st_ino, after.st_ino);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || mkdir(path("messages"), 0700) != 0)
		return -1;
	return mkdir(path("out"), 0700);
}

static void remove_all(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)unlink(path(names[i]));
}

static int teardown(void **state)
{
	static const char *const files[] = {"errors.tab", "config.tab", "matrix.csv",
		"job_states.tab", "routes.tab", "messages/a.msg", "messages/REGISTRY", "out/msg.h",
		"out/msg.c", "out/errors.h", "out/errors.c", "out/config.h", "out/config.c",
		"out/matrix.h", "out/matrix.c", "out/job_states.h", "out/job_states.c",
		"out/routes.h", "out/routes.c", "out/profiles.h", "out/profiles.c", "profile.json"};

	(void)state;
	remove_all(files, array_len(files));
	(void)rmdir(path("messages"));
	(void)rmdir(path("out"));
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_may_be_added),
		cmocka_unit_test(an_entry_never_changes_its_meaning),
		cmocka_unit_test(a_retired_number_is_never_used_again),
		cmocka_unit_test(a_number_stands_for_one_thing),
		cmocka_unit_test(a_mistake_is_named_with_its_line),
		cmocka_unit_test(tables_are_checked_with_their_lines),
		cmocka_unit_test(a_profile_says_nothing_that_nobody_reads),
		cmocka_unit_test(sql_lists_the_edges_of_the_job),
		cmocka_unit_test(the_real_schemas_give_the_same_files_twice),
	};

	/* BUILD/tests/unit/common/test_schemagen stands beside BUILD/schemagen */
	char *end = argc > 0 ? strstr(argv[0], "tests/unit/common/test_schemagen") : NULL;
	if (end == NULL)
		return 2;
	(void)snprintf(
		generator, sizeof(generator), "%.*sschemagen", (int)(end - argv[0]), argv[0]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
