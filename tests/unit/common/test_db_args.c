// SPDX-License-Identifier: Apache-2.0
/* Parameters as PostgreSQL reads them; tests/service/db_pipeline.c has the same against a server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/db/internal.h"

static const struct db_sql sql = {"name", "text"};

static const char *value(const struct db_args *a, unsigned i)
{
	assert_true(i < a->n);
	return a->null[i] ? NULL : (const char *)a->text.p + a->at[i];
}

static void single_values_are_plain_text(unused void **state)
{
	struct db_args *a = args_new(&sql);
	const struct uuid id = {.b = {0xab}};
	const struct uuid nil = {.b = {0}};

	db_text(a, "it's {\"a\"}");
	db_text(a, NULL);
	db_int(a, INT64_MIN);
	db_bool(a, true);
	db_uuid(a, &id);
	db_uuid(a, &nil);
	db_bytes(a, (struct span){(const uint8_t *)"\x00\xff", 2});
	db_bytes(a, (struct span){.p = NULL});
	db_time_ms(a, 1782345678901);
	db_time_ms(a, 0);
	db_text(a, "");
	static const char *const want[] = {"it's {\"a\"}", NULL, "-9223372036854775808", "t",
		"ab000000-0000-0000-0000-000000000000", NULL, "\\x00ff", NULL,
		"2026-06-25T00:01:18.901Z", NULL, ""};
	assert_int_equal(a->n, array_len(want));
	for (unsigned i = 0; i < array_len(want); i++) {
		if (want[i] == NULL)
			assert_null(value(a, i));
		else
			assert_string_equal(value(a, i), want[i]);
	}
	args_free(a);
}

static void array_elements_are_quoted_and_null_is_not_the_word_null(unused void **state)
{
	struct db_args *a = args_new(&sql);

	db_array(a);
	db_text(a, "NULL");
	db_text(a, NULL);
	db_text(a, "a\"b\\c,{}");
	db_text(a, "");
	db_array_end(a);
	db_array(a);
	db_array_end(a);
	db_array(a);
	db_int(a, 1);
	db_int(a, -2);
	db_array_end(a);
	db_array(a);
	db_bytes(a, (struct span){(const uint8_t *)"\xab", 1});
	db_array_end(a);
	db_text(a, "after");
	assert_string_equal(value(a, 0), "{\"NULL\",NULL,\"a\\\"b\\\\c,{}\",\"\"}");
	assert_string_equal(value(a, 1), "{}");
	assert_string_equal(value(a, 2), "{1,-2}");
	assert_string_equal(value(a, 3), "{\"\\\\xab\"}");
	assert_string_equal(value(a, 4), "after");
	args_free(a);
}

static void only_what_may_succeed_when_repeated_is_transient(unused void **state)
{
	static const char *const transient[] = {"40001", "40P01", "55P03"};
	static const char *const final[] = {"23505", "unknown", "database", "", "57014"};
	struct fault f = FAULT_INIT;

	for (size_t i = 0; i < array_len(transient); i++) {
		(void)fault_why(&f, CN_INTERNAL_ERROR, transient[i], "x");
		assert_true(db_transient(&f));
	}
	for (size_t i = 0; i < array_len(final); i++) {
		(void)fault_why(&f, CN_INTERNAL_ERROR, final[i], "x");
		assert_false(db_transient(&f));
	}
}

/* ---- gathering ---- */

struct run {
	struct db_batch *batch;
	size_t sizes[16];
	size_t n;
	bool at_once; /* done is called from inside run */
	int *first;
};

static void on_run(struct db_batch *b, void **items, size_t n, void *arg)
{
	struct run *r = arg;

	r->sizes[r->n++] = n;
	r->first = items[0];
	if (r->at_once)
		db_batch_done(b);
}

static void items_that_arrive_while_a_batch_runs_wait_for_the_next(unused void **state)
{
	int items[10];
	struct run r = {.n = 0};

	r.batch = db_batch_new(4, on_run, &r);
	for (int i = 0; i < 10; i++)
		db_batch_put(r.batch, &items[i]);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.sizes[0], 1);
	db_batch_done(r.batch);
	assert_ptr_equal(r.first, &items[1]);
	db_batch_done(r.batch);
	assert_ptr_equal(r.first, &items[5]);
	db_batch_done(r.batch);
	db_batch_done(r.batch);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.sizes[1], 4);
	assert_int_equal(r.sizes[2], 4);
	assert_int_equal(r.sizes[3], 1);
	r.at_once = true;
	r.n = 0;
	for (int i = 0; i < 10; i++)
		db_batch_put(r.batch, &items[i]);
	assert_int_equal(r.n, 10);
	db_batch_free(r.batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_values_are_plain_text),
		cmocka_unit_test(array_elements_are_quoted_and_null_is_not_the_word_null),
		cmocka_unit_test(only_what_may_succeed_when_repeated_is_transient),
		cmocka_unit_test(items_that_arrive_while_a_batch_runs_wait_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
