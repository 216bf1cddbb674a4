// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/metrics/metrics.h"

static void metrics_are_rendered_in_the_text_format_with_one_head_per_name(unused void **state)
{
	static const double bounds[] = {0.25, 0.5, 1};
	struct buf out = BUF_INIT;
	struct metric *ok = metric_counter("t_jobs_total", "state=\"ok\"", "Jobs\nby state \\ end");
	struct metric *level = metric_gauge("t_level", "", "Level");
	struct metric *failed = metric_counter("t_jobs_total", "state=\"failed\"", "ignored");
	struct metric *h =
		metric_histogram("t_seconds", "op=\"x\"", "Time", bounds, array_len(bounds));

	metric_add(ok, 3);
	metric_add(failed, 1);
	metric_set(level, -7);
	metric_observe(h, 0.25); /* a bound belongs to its bucket */
	metric_observe(h, 0.75);
	metric_observe(h, 5);
	metrics_render(&out);
	assert_string_equal(buf_str(&out),
		"# HELP t_jobs_total Jobs\\nby state \\\\ end\n# TYPE t_jobs_total counter\n"
		"t_jobs_total{state=\"ok\"} 3\nt_jobs_total{state=\"failed\"} 1\n"
		"# HELP t_level Level\n# TYPE t_level gauge\nt_level -7\n"
		"# HELP t_seconds Time\n# TYPE t_seconds histogram\n"
		"t_seconds_bucket{op=\"x\",le=\"0.25\"} 1\nt_seconds_bucket{op=\"x\",le=\"0.5\"} "
		"1\n"
		"t_seconds_bucket{op=\"x\",le=\"1\"} 2\nt_seconds_bucket{op=\"x\",le=\"+Inf\"} 3\n"
		"t_seconds_sum{op=\"x\"} 6\nt_seconds_count{op=\"x\"} 3\n");
	buf_fini(&out);
}

static void the_same_name_and_labels_are_the_same_metric(unused void **state)
{
	struct metric *a = metric_counter("t_same", "", "x");

	assert_ptr_equal(a, metric_counter("t_same", "", "y"));
	assert_ptr_not_equal(a, metric_counter("t_same", "l=\"1\"", "y"));
}

static void *work(void *arg)
{
	for (int i = 0; i < 50000; i++)
		metric_observe(arg, 1);
	return NULL;
}

static void updates_from_several_threads_are_all_counted(unused void **state)
{
	static const double bounds[] = {1};
	struct metric *h = metric_histogram("t_threads", "", "x", bounds, 1);
	pthread_t threads[4];
	struct buf out = BUF_INIT;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, h), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(metric_value(h), 200000);
	metrics_render(&out);
	assert_non_null(strstr(buf_str(&out), "t_threads_sum 200000\n"));
	assert_non_null(strstr(buf_str(&out), "t_threads_bucket{le=\"1\"} 200000\n"));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_are_rendered_in_the_text_format_with_one_head_per_name),
		cmocka_unit_test(the_same_name_and_labels_are_the_same_metric),
		cmocka_unit_test(updates_from_several_threads_are_all_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
