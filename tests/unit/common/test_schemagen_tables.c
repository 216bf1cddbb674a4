// SPDX-License-Identifier: Apache-2.0
/* The tables that schemagen made say what docs/spec says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text/utf8.h"
#include "gen/errors.h"
#include "gen/job_states.h"
#include "gen/matrix.h"
#include "gen/msg.h"
#include "gen/routes.h"

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t n = 0;

	if (f == NULL)
		fail_msg("%s: not found; run from the repository root", path);
	if (getdelim(&text, &n, '\0', f) < 0)
		fail_msg("%s is empty", path);
	(void)fclose(f);
	return text;
}

/* "CN-1008 | `device_suspended`" or "CN-1009 `device_retired`": number, then name in backquotes. */
static size_t check_row(char *row)
{
	size_t n = 0;

	for (char *p = row; (p = strstr(p, "CN-")) != NULL; p++) {
		char *name = p + 7;
		name += strspn(name, " |");
		if (*name != '`')
			continue;
		int code = (int)strtol(p + 3, NULL, 10);
		const struct error_info *e = error_info(code);
		if (e == NULL)
			fail_msg("CN-%d of fleet.md is not in errors.tab", code);
		assert_memory_equal(e->name, name + 1, strlen(e->name));
		assert_int_equal(name[1 + strlen(e->name)], '`');
		n++;
	}
	return n;
}

static void cause_catalogue_is_that_of_the_specification(void **state)
{
	char *text = slurp("docs/spec/fleet.md");
	char *section = strstr(text, "\n## 8. ");
	size_t n = 0;

	(void)state;
	assert_non_null(section);
	*strstr(section, "\n## 9. ") = '\0';
	for (char *row; (row = strsep(&section, "\n")) != NULL;) {
		if (strncmp(row, "| CN-", 5) == 0)
			n += check_row(row);
	}
	assert_int_equal(n, error_all_n);
	free(text);
}

static void check_texts(const struct error_info *e)
{
	for (size_t lang = 0; lang < 3; lang++) {
		assert_true(utf8_valid(e->text[lang], strlen(e->text[lang])));
		assert_true(strlen(e->text[lang]) > 5);
		assert_true(strlen(e->hint[lang]) > 5);
	}
	/* somebody forgot to translate */
	assert_string_not_equal(e->text[ERROR_EN], e->text[ERROR_FR]);
	assert_string_not_equal(e->text[ERROR_EN], e->text[ERROR_JA]);
	assert_string_not_equal(e->hint[ERROR_FR], e->hint[ERROR_JA]);
	/* Japanese is written in Japanese */
	bool foreign = false;
	for (const char *p = e->text[ERROR_JA]; *p != '\0'; p++)
		foreign = foreign || (unsigned char)*p >= 0xe3;
	assert_true(foreign);
}

static void every_cause_has_texts_in_three_languages_and_a_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < error_all_n; i++) {
		const struct error_info *e = &error_all[i];
		assert_ptr_equal(error_info(e->code), e);
		assert_ptr_equal(error_named(e->name), e);
		assert_in_range(e->status, 400, 599);
		check_texts(e);
	}
	for (size_t i = 0; i < error_words_n; i++) {
		assert_ptr_equal(error_reason(error_words[i].name), &error_words[i]);
		check_texts(&error_words[i]);
	}
	assert_null(error_info(0));
	assert_null(error_info(9999));
	assert_null(error_named("nothing"));
	assert_null(error_reason("nothing"));
}

/* FL-58: busy, failed and auth are never mapped onto each other; FL-56: unsupported is skipped. */
static void classes_decide_what_happens_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < error_all_n; i++) {
		const struct error_info *e = &error_all[i];
		if (e->class == ERROR_CLASS_BUSY && e->code != CN_RECEIVE_RESTRICTED)
			assert_int_equal(e->outcome, ERROR_OUTCOME_DEFERRED);
		if (e->class == ERROR_CLASS_SUPPORT && e->code != CN_CAPABILITY_UNKNOWN)
			assert_int_equal(e->outcome, ERROR_OUTCOME_SKIPPED);
		if (e->outcome == ERROR_OUTCOME_RETRY && e->retries != 0)
			assert_int_not_equal(e->then, ERROR_OUTCOME_NONE);
	}
	assert_int_equal(error_info(CN_AUTH_REFUSED)->outcome, ERROR_OUTCOME_FAILED);
	assert_false(error_info(CN_AUTH_REFUSED)->retryable);
	assert_true(error_info(CN_IDENTITY_MISMATCH)->suspends);
	assert_string_equal(error_class_words[error_info(CN_DEVICE_BUSY)->class], "busy");
	assert_string_equal(error_outcome_words[ERROR_OUTCOME_DEFERRED], "deferred");
}

static void the_matrix_is_that_of_the_specification(void **state)
{
	char *doc = slurp("docs/spec/matrix.csv");
	char *own = slurp("schemas/matrix.csv");

	(void)state;
	assert_string_equal(doc, own);
	free(doc);
	free(own);
	assert_int_equal(MATRIX_ROWS, 20);
	for (int i = 0; i < MATRIX_ROWS; i++) {
		assert_int_equal(matrix[i].op, i + 1);
		assert_ptr_equal(matrix_find(matrix[i].id), &matrix[i]);
	}
	assert_null(matrix_find("other_activity"));
	const struct matrix_row *panel = matrix_find("panel");
	assert_int_equal(panel->op, OP_PANEL);
	assert_int_equal(panel->run_during_ie, MATRIX_CELL_NO);
	assert_int_equal(panel->ie_during_run, MATRIX_CELL_YES);
	assert_int_equal(panel->on_op, MATRIX_EFFECT_BLOCK);
	assert_int_equal(panel->on_ie, MATRIX_EFFECT_NONE);
	assert_int_equal(panel->proof, MATRIX_PROOF_BY_ABSENCE);
	assert_string_equal(matrix_find("sleep")->name[2], "本体のスリープ");
	assert_int_equal(matrix_find("sync")->ie_during_run, MATRIX_CELL_PARTIAL);
}

static void a_job_ends_and_stays_ended(void **state)
{
	(void)state;
	assert_true(job_edge(JOB_STATE_READY, JOB_STATE_CLAIMED));
	assert_false(job_edge(JOB_STATE_STORING, JOB_STATE_CANCELLED)); /* FL-55 */
	assert_false(job_edge(JOB_STATE_SUCCEEDED, JOB_STATE_RETRY));
	assert_false(job_edge((enum job_state)0, JOB_STATE_READY));
	assert_false(job_edge((enum job_state)99, JOB_STATE_READY));
	for (const struct msg_enum_word *w = job_state_words; w->word != NULL; w++) {
		bool final = w->number >= JOB_STATE_SUCCEEDED;
		assert_int_equal(job_state_final((enum job_state)w->number), final);
	}
}

static void every_route_names_requests_that_people_may_make(void **state)
{
	(void)state;
	assert_true(routes_n > 50);
	for (size_t i = 0; i < routes_n; i++) {
		const struct route *r = &routes[i];
		assert_ptr_equal(r->reply, r->request->reply);
		assert_true(r->request->right != MSG_INTERNAL || r->is_public);
		assert_true(strlen(r->summary) > 0);
		assert_in_range(r->status, 200, 299);
		/* a GET changes nothing (SE-41): what it sets narrows what a viewer may read */
		if (strcmp(r->method, "GET") == 0 && r->set_field != NULL)
			assert_int_equal(r->request->right, MSG_VIEWER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cause_catalogue_is_that_of_the_specification),
		cmocka_unit_test(every_cause_has_texts_in_three_languages_and_a_status),
		cmocka_unit_test(classes_decide_what_happens_next),
		cmocka_unit_test(the_matrix_is_that_of_the_specification),
		cmocka_unit_test(a_job_ends_and_stays_ended),
		cmocka_unit_test(every_route_names_requests_that_people_may_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
