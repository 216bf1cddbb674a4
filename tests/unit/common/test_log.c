// SPDX-License-Identifier: Apache-2.0
/* What is logged is read back from a file that stands in for stderr. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/clock/clock.h"
#include "common/log/log.h"

static uint64_t now_ms;
static int file = -1, stderr_copy = -1;

static uint64_t fake_now(void)
{
	return now_ms * 1000000u;
}

/* From here on stderr is an empty file, and a new second has begun. */
static void capture(void)
{
	char name[] = "/tmp/carnet-log.XXXXXX";

	now_ms += 10000;
	file = mkstemp(name);
	assert_true(file >= 0);
	(void)unlink(name);
	stderr_copy = dup(2);
	(void)dup2(file, 2);
}

/* What was written; the caller frees it. */
static char *captured(void)
{
	struct stat st;

	(void)dup2(stderr_copy, 2);
	(void)close(stderr_copy);
	assert_int_equal(fstat(file, &st), 0);
	char *text = calloc(1, (size_t)st.st_size + 1);
	assert_int_equal(pread(file, text, (size_t)st.st_size, 0), st.st_size);
	(void)close(file);
	return text;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static json_t *parse(const char *line, size_t n)
{
	json_error_t error;
	json_t *json = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);

	if (json == NULL)
		print_message("# %s in %.*s\n", error.text, (int)n, line);
	assert_non_null(json);
	return json;
}

static const char *member(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void a_line_is_one_json_object_with_time_level_service_and_fields(unused void **state)
{
	const struct uuid id = {.b = {0x01, 0x93}};
	struct fault f;

	(void)fault_why(&f, 4001, "torn", "half a line");
	capture();
	now_ms = 1782345678901;
	log_warn(L("version committed"), L_UUID("device", &id), L_INT("bytes", -5),
		L_STR("none", NULL), L_FAULT(&f));
	char *text = captured();
	assert_string_equal(text,
		"{\"ts\":\"2026-06-25T00:01:18.901Z\",\"level\":\"warn\",\"service\":\"test\","
		"\"instance\":\"i-1\",\"event\":\"version committed\","
		"\"device\":\"01930000-0000-0000-0000-000000000000\",\"bytes\":-5,\"none\":null,"
		"\"fault\":{\"code\":\"CN-4001\",\"reason\":\"torn\",\"detail\":\"half a "
		"line\"}}\n");
	free(text);
}

/* T25 log_inject: device text cannot make a second line or fool a terminal. */
static void hostile_text_stays_inside_its_field(unused void **state)
{
	static const char *const hostile[] = {"\n{\"event\":\"forged\"}", "\r\nforged",
		"\"},\"level\":\"error", "\x1b[2J\x1b]0;title\x07", "a\\", "\x7f",
		"\xc2\x9b"
		"31m",
		"\xe2\x80\xae"
		"txt.exe",
		"\xe2\x80\xa8line", "\xff\xfe\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"tab\there", "\xe6\x97\xa5\xe6\x9c\xac"};

	for (size_t i = 0; i < array_len(hostile); i++) {
		capture();
		log_info(L("device said"), L_STR("text", hostile[i]));
		char *text = captured();
		assert_int_equal(count_lines(text), 1);
		json_t *json = parse(text, strlen(text));
		assert_string_equal(member(json, "event"), "device said");
		assert_string_equal(member(json, "level"), "info");
		for (const char *p = text; *p != '\n'; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		assert_null(strstr(text, "\xe2\x80\xae"));
		assert_null(strstr(text, "\xc2\x9b"));
		json_decref(json);
		free(text);
	}
}

static void harmless_text_is_written_as_it_is(unused void **state)
{
	capture();
	log_info(L("x"), L_STR("text", "Zo\xc3\xab \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x96\xa8"));
	char *text = captured();
	assert_non_null(strstr(text, "\"Zo\xc3\xab \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x96\xa8\""));
	free(text);
}

static void any_bytes_give_one_valid_line(unused void **state)
{
	unsigned seed = 3;
	char bytes[200];

	capture();
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)rand_r(&seed) % (sizeof(bytes) - 1);
		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)(rand_r(&seed) % 255 + 1);
		bytes[n] = '\0';
		log_info(L("fuzz"), L_INT("round", round), L_STR("text", bytes));
	}
	char *text = captured();
	assert_int_equal(count_lines(text), 2000);
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
		json_decref(parse(line, strcspn(line, "\n")));
	free(text);
}

static void long_text_is_cut_at_1_kib_and_a_line_at_8_kib(unused void **state)
{
	static char big[5000];
	struct log_field fields[40] = {L("big")};

	memset(big, '\x01', sizeof(big) - 1); /* each byte takes six when escaped */
	capture();
	log_info(L("one"), L_STR("text", big));
	char *text = captured();
	json_t *json = parse(text, strlen(text));
	assert_int_equal(strlen(member(json, "text")), 1024 + 3);
	assert_true(json_is_true(json_object_get(json, "cut")));
	json_decref(json);
	free(text);

	for (size_t i = 1; i < array_len(fields) - 1; i++)
		fields[i] = (struct log_field)L_STR("text", big);
	for (size_t i = 1; i < array_len(fields) - 1; i++) {
		static char names[40][8];
		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
		fields[i].name = names[i];
	}
	capture();
	log_write(LOG_INFO, fields);
	text = captured();
	assert_int_equal(count_lines(text), 1);
	assert_true(strlen(text) <= 8 * 1024 + 64);
	json_decref(parse(text, strlen(text)));
	free(text);
}

/* reliability.md section 5 */
static void more_than_10000_lines_a_second_are_dropped_and_counted(unused void **state)
{
	capture();
	for (int i = 0; i < 25000; i++)
		log_info(L("flood"), L_INT("n", i));
	now_ms += 1000;
	log_info(L("after"));
	char *text = captured();
	assert_int_equal(count_lines(text), 10002);
	assert_non_null(strstr(text, "\"event\":\"log lines dropped\",\"lines\":15000}"));
	assert_non_null(strstr(text, "\"event\":\"after\""));
	free(text);
}

static void a_line_repeated_within_a_second_is_written_once_with_its_count(unused void **state)
{
	capture();
	for (int i = 0; i < 5; i++)
		log_info(L("again"), L_STR("why", "same"));
	now_ms += 1000;
	log_info(L("again"), L_STR("why", "same")); /* a second later it is news */
	log_info(L("other"));
	log_info(L("other"));
	log_flush();
	char *text = captured();
	assert_int_equal(count_lines(text), 5);
	assert_non_null(strstr(text, "\"event\":\"last line repeated\",\"lines\":4}"));
	assert_non_null(strstr(text, "\"event\":\"last line repeated\",\"lines\":1}"));
	free(text);
}

static void lines_below_the_level_are_not_written_and_errno_is_kept(unused void **state)
{
	capture();
	errno = EXDEV;
	log_debug(L("quiet"));
	log_error(L("loud"));
	assert_int_equal(errno, EXDEV);
	char *text = captured();
	assert_int_equal(count_lines(text), 1);
	free(text);
}

static void *chatter(void *arg)
{
	for (int i = 0; i < 1000; i++)
		log_info(L("chat"), L_INT("who", *(int *)arg), L_INT("n", i));
	return NULL;
}

static void lines_of_several_threads_stay_whole(unused void **state)
{
	pthread_t threads[4];
	int who[4] = {1, 2, 3, 4};

	capture();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, chatter, &who[i]), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	char *text = captured();
	assert_int_equal(count_lines(text), 4000);
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
		json_decref(parse(line, strcspn(line, "\n")));
	free(text);
}

static int setup(unused void **state)
{
	now_ms = 1700000000000;
	clock_use(&(const struct clock_source){fake_now, fake_now, fake_now});
	log_setup("test", "i-1", LOG_INFO);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_one_json_object_with_time_level_service_and_fields),
		cmocka_unit_test(hostile_text_stays_inside_its_field),
		cmocka_unit_test(harmless_text_is_written_as_it_is),
		cmocka_unit_test(any_bytes_give_one_valid_line),
		cmocka_unit_test(long_text_is_cut_at_1_kib_and_a_line_at_8_kib),
		cmocka_unit_test(more_than_10000_lines_a_second_are_dropped_and_counted),
		cmocka_unit_test(a_line_repeated_within_a_second_is_written_once_with_its_count),
		cmocka_unit_test(lines_below_the_level_are_not_written_and_errno_is_kept),
		cmocka_unit_test(lines_of_several_threads_stay_whole),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
