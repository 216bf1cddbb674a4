// SPDX-License-Identifier: Apache-2.0
/* The filter language of docs/spec/fleet.md section 2, and the conditions made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gen/errors.h"
#include "services/scheduler/run.h"
#include "services/scheduler/sql.h"

static const char *condition(const char *text, struct sql_values *values, struct arena *arena)
{
	static struct buf out;
	const struct filter *f = NULL;
	struct fault err = FAULT_INIT;

	buf_reset(&out);
	values->n = 0;
	if (filter_parse(text, FILTER_DEVICES, arena, &f, &err) < 0)
		fail_msg("%s: %s", text, err.detail);
	sql_condition(f, 1, "null::text[]", &out, values);
	return buf_str(&out);
}

static void values_are_parameters_and_never_text(unused void **state)
{
	static const char *const hostile[] = {
		"'; drop table x; --", "$1", "\\'", "a\"b", "') or true --"};
	struct arena arena;
	struct sql_values v;

	arena_init(&arena, 0);
	for (size_t i = 0; i < array_len(hostile); i++) {
		char text[200];
		(void)snprintf(text, sizeof(text), "name = %c%s%c and label.%s = 1",
			strchr(hostile[i], '\'') != NULL ? '"' : '\'', i == 3 ? "ab" : hostile[i],
			strchr(hostile[i], '\'') != NULL ? '"' : '\'', "k");
		const char *sql = condition(text, &v, &arena);
		assert_string_equal(v.v[0], i == 3 ? "ab" : hostile[i]);
		assert_null(strstr(sql, "drop"));
		assert_null(strstr(sql, "or true"));
	}
	arena_fini(&arena);
}

static void operators_become_conditions(unused void **state)
{
	struct arena arena;
	struct sql_values v;

	arena_init(&arena, 0);
	assert_string_equal(condition("", &v, &arena), "true");
	assert_string_equal(condition("name = p1", &v, &arena),
		"(d.name is not distinct from ($1::text[])[1])");
	assert_string_equal(condition("type in (I, III)", &v, &arena),
		"(d.type in (($1::text[])[1]::smallint, ($1::text[])[2]::smallint))");
	assert_string_equal(v.v[0], "2");
	assert_string_equal(v.v[1], "4");
	assert_string_equal(condition("not (name ~ 'p*' or site != Lyon)", &v, &arena),
		"not (((d.name like fleet.glob(($1::text[])[1])) or (coalesce(d.site, '') is "
		"distinct from ($1::text[])[2])))");
	assert_string_equal(condition("last_success_age > 7d", &v, &arena),
		"(coalesce((select l.success_at from fleet.last l where l.device = d.id), "
		"'-infinity') < clock_timestamp() - make_interval(secs => "
		"($1::text[])[1]::float8))");
	assert_string_equal(v.v[0], "604800");
	assert_string_equal(condition("address in 10.1.0.0/16", &v, &arena),
		"(coalesce(d.ip <<= network(($1::text[])[1]::inet), false))");
	arena_fini(&arena);
}

/* and binds closer than or, not closer than and. */
static void precedence(unused void **state)
{
	struct arena arena;
	struct fault err = FAULT_INIT;
	const struct filter *f = NULL;

	arena_init(&arena, 0);
	assert_int_equal(filter_parse("not name = a and name = b or name = c", FILTER_DEVICES,
				 &arena, &f, &err),
		0);
	assert_int_equal(f->op, FILTER_OR);
	assert_int_equal(f->left->op, FILTER_AND);
	assert_int_equal(f->left->left->op, FILTER_NOT);
	arena_fini(&arena);
}

static void errors_name_the_column(unused void **state)
{
	static const struct {
		const char *text;
		int column;
	} bad[] = {{"nam = x", 1}, {"name x", 6}, {"name =", 7}, {"name = 'x", 8},
		{"(name = x", 10}, {"name = x y", 10}, {"type = IV", 8}, {"type < I", 6},
		{"name = x and", 13}, {"name ! x", 6}, {"address in 10.0.0.0/33", 12},
		{"last_success_age > 7", 20}, {"simulated = yes", 13},
		{"created_at > yesterday", 14}, {"created_at > 2027-02-29", 14}, {"label. = x", 1},
		{"name = ;", 8}, {"capability.ab.read = maybe", 22}, {"name in x", 9},
		{"labels = x", 8}};
	struct arena arena;

	arena_init(&arena, 0);
	for (size_t i = 0; i < array_len(bad); i++) {
		struct fault err = FAULT_INIT;
		const struct filter *f = NULL;
		char want[32];
		(void)snprintf(want, sizeof(want), "filter: column %d:", bad[i].column);
		assert_int_equal(filter_parse(bad[i].text, FILTER_DEVICES, &arena, &f, &err), -1);
		if (strncmp(err.detail, want, strlen(want)) != 0)
			fail_msg("%s: %s, not %s", bad[i].text, err.detail, want);
		assert_int_equal(err.code, CN_VALIDATION_FAILED);
	}
	arena_fini(&arena);
}

static void depth_length_and_number_are_bounded(unused void **state)
{
	char text[6000] = "";
	struct arena arena;
	struct fault err = FAULT_INIT;
	const struct filter *f = NULL;

	arena_init(&arena, 0);
	for (int i = 0; i < 40; i++)
		strncat(text, "(", sizeof(text) - strlen(text) - 1);
	assert_int_equal(filter_parse(text, FILTER_DEVICES, &arena, &f, &err), -1);
	text[0] = '\0';
	for (int i = 0; i < 300; i++)
		strncat(text, i == 0 ? "name=a" : " or name=a", sizeof(text) - strlen(text) - 1);
	assert_int_equal(filter_parse(text, FILTER_DEVICES, &arena, &f, &err), -1);
	memset(text, ' ', 4097);
	text[4097] = '\0';
	assert_int_equal(filter_parse(text, FILTER_DEVICES, &arena, &f, &err), -1);
	text[4096] = '\0';
	assert_int_equal(filter_parse(text, FILTER_DEVICES, &arena, &f, &err), 0);
	arena_fini(&arena);
}

/* fleet.md 7.1, all combinations of "some" and "none" of the terminal states. */
static void a_run_ends_as_its_jobs_did(unused void **state)
{
	for (unsigned bits = 0; bits < 256; bits++) {
		struct m_run_counts c = {0};
		for (unsigned k = 0; k < 8; k++) {
			if (bits >> k & 1)
				run_count_add(&c, (enum job_state)(JOB_STATE_SUCCEEDED + k), 2);
		}
		bool good = c.succeeded + c.unchanged + c.partial > 0;
		bool bad = c.failed + c.dead + c.missed + c.cancelled > 0;
		enum run_state end = run_end(RUN_STATE_RUNNING, &c);
		if (bits == 0)
			assert_int_equal(end, RUN_STATE_EMPTY);
		else if (!good && !bad)
			assert_int_equal(end, RUN_STATE_SUCCEEDED_NONE);
		else if (good && !bad && c.partial == 0)
			assert_int_equal(end, RUN_STATE_SUCCEEDED);
		else
			assert_int_equal(end, good ? RUN_STATE_PARTIAL : RUN_STATE_FAILED);
		if (bits != 0)
			assert_int_equal(run_end(RUN_STATE_CANCELLING, &c), RUN_STATE_CANCELLED);
		c.total++;
		c.running++;
		assert_int_equal(run_end(RUN_STATE_RUNNING, &c), RUN_STATE_RUNNING);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_parameters_and_never_text),
		cmocka_unit_test(operators_become_conditions), cmocka_unit_test(precedence),
		cmocka_unit_test(errors_name_the_column),
		cmocka_unit_test(depth_length_and_number_are_bounded),
		cmocka_unit_test(a_run_ends_as_its_jobs_did)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
