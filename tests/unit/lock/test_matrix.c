// SPDX-License-Identifier: Apache-2.0
/* All ordered pairs of the matrix against a second reading of the specification: cells from
 * matrix.csv itself, modes and the table of section 3, pairs of section 3.1. */
#include "tests/unit/lock/world.h"

#include <stdio.h>
#include <stdlib.h>

enum mode { MODE_X, MODE_J, MODE_I, MODE_P, MODE_E };

struct row {
	char id[32];
	enum mode mode;
};

static struct row rows[OP_ROWS + 1]; /* by row number */

static enum mode mode_of(const char *id, const char *c1, const char *c2)
{
	if (strcmp(id, "indiv_ie") == 0 || strcmp(id, "batch_ie") == 0)
		return MODE_X;
	if (strcmp(c1, "yes") == 0)
		return MODE_E;
	if (strcmp(c2, "partial") == 0)
		return MODE_I;
	return strcmp(c2, "yes") == 0 ? MODE_P : MODE_J;
}

static int read_matrix(void **state unused)
{
	char line[1024];
	unsigned n = 0;
	FILE *f = fopen("schemas/matrix.csv", "r");

	if (!f || !fgets(line, sizeof(line), f))
		return -1;
	while (fgets(line, sizeof(line), f)) {
		char *at = line, *col[10];

		for (size_t i = 0; i < array_len(col); i++)
			col[i] = strsep(&at, ",\n");
		unsigned row = (unsigned)strtoul(col[1], NULL, 10);

		assert_in_range(row, 1, OP_ROWS);
		snprintf(rows[row].id, sizeof(rows[row].id), "%s", col[0]);
		rows[row].mode = mode_of(col[0], col[5], col[6]);
		n++;
	}
	fclose(f);
	return n == OP_ROWS ? 0 : -1;
}

static bool one_of(const char *id, const char *list)
{
	char key[40];

	snprintf(key, sizeof(key), " %s ", id);
	return strstr(list, key) != NULL;
}

static enum lock_may expected_pair(const char *later, const char *earlier)
{
	static const char areas[] = " dist mbox_backup workflow_ie sw_update ";
	static const char with_sync[] = " dist sw_update sync ";

	if (one_of(later, areas) && one_of(earlier, areas))
		return LOCK_MAY_NOT;
	if (strcmp(later, "sync") == 0 && one_of(earlier, with_sync))
		return LOCK_MAY_NOT;
	if (strcmp(earlier, "sync") == 0 && one_of(later, with_sync))
		return LOCK_MAY_NOT;
	if (strcmp(earlier, "shutdown") == 0 &&
		(one_of(later, areas) || strcmp(later, "sync") == 0))
		return LOCK_MAY_NOT;
	return LOCK_MAY;
}

/* The table of section 3: rows later, columns earlier J I P E X. */
static enum lock_may expected(const struct row *later, const struct row *earlier)
{
	switch (later->mode) {
	case MODE_E:
		return LOCK_MAY;
	case MODE_P:
		return earlier->mode == MODE_X ? LOCK_MAY_NOT : LOCK_MAY;
	case MODE_X:
		if (earlier->mode == MODE_P)
			return LOCK_MAY;
		return earlier->mode == MODE_I ? LOCK_MAY_ITEMS : LOCK_MAY_NOT;
	case MODE_J:
	case MODE_I:
	default:
		if (earlier->mode == MODE_X)
			return LOCK_MAY_NOT;
		return earlier->mode == MODE_P ? LOCK_MAY : expected_pair(later->id, earlier->id);
	}
}

static struct lock_use use(unsigned op)
{
	return (struct lock_use){.op = op, .direction = LOCK_DIRECTION_EXPORT};
}

static void every_operation_is_the_row_of_the_matrix_with_its_name(void **state unused)
{
	for (unsigned op = OP_SEND; op <= OP_ROWS; op++) {
		assert_string_equal(op_id(op), rows[op].id);
		assert_int_equal(op_find(rows[op].id), op);
		assert_int_equal(op_row(op), op);
		for (unsigned language = 0; language < 3; language++)
			assert_true(strlen(op_name(op, language)) > 0);
	}
	assert_int_equal(op_find("no_such_operation"), OP_UNKNOWN);
	assert_int_equal(op_find(""), OP_UNKNOWN);
	assert_int_equal(op_find("session"), OP_SESSION);
	assert_int_equal(op_find("sync_control"), OP_SYNC_CONTROL);
	assert_int_equal(op_find("restart"), OP_RESTART);
	assert_int_equal(op_find("other_activity"), OP_OTHER_ACTIVITY);
	assert_int_equal(op_row(OP_SESSION), 0);
}

static void all_400_ordered_pairs_follow_the_table(void **state unused)
{
	struct lock_profile p;
	unsigned pairs = 0;

	lock_profile_generic(&p);
	for (unsigned later = OP_SEND; later <= OP_ROWS; later++)
		for (unsigned earlier = OP_SEND; earlier <= OP_ROWS; earlier++, pairs++)
			if (lock_may_start(&p, use(later), use(earlier)) !=
				expected(&rows[later], &rows[earlier]))
				fail_msg("%s while %s", op_id(later), op_id(earlier));
	assert_int_equal(pairs, 400);
}

static void the_relation_is_not_symmetric(void **state unused)
{
	struct lock_profile p;

	lock_profile_generic(&p);
	assert_int_equal(lock_may_start(&p, use(OP_INDIV_IE), use(OP_PANEL)), LOCK_MAY);
	assert_int_equal(lock_may_start(&p, use(OP_PANEL), use(OP_INDIV_IE)), LOCK_MAY_NOT);
	assert_int_equal(lock_may_start(&p, use(OP_SHUTDOWN), use(OP_BATCH_IE)), LOCK_MAY);
	assert_int_equal(lock_may_start(&p, use(OP_BATCH_IE), use(OP_SHUTDOWN)), LOCK_MAY_NOT);
}

static void an_unknown_operation_is_denied_both_ways(void **state unused)
{
	struct lock_profile p;

	lock_profile_generic(&p);
	for (unsigned op = OP_UNKNOWN; op < OP_END; op++) {
		assert_int_equal(lock_may_start(&p, use(op), use(OP_UNKNOWN)), LOCK_MAY_NOT);
		assert_int_equal(lock_may_start(&p, use(OP_UNKNOWN), use(op)), LOCK_MAY_NOT);
	}
}

static void a_session_excludes_mode_x_and_another_session_only(void **state unused)
{
	struct lock_profile p;

	lock_profile_generic(&p);
	for (unsigned op = OP_SEND; op < OP_END; op++) {
		bool excluded = op == OP_SESSION || op == OP_INDIV_IE || op == OP_BATCH_IE ||
				op == OP_SYNC_CONTROL || op == OP_RESTART;
		enum lock_may may = excluded ? LOCK_MAY_NOT : LOCK_MAY;

		assert_int_equal(lock_may_start(&p, use(op), use(OP_SESSION)), may);
		assert_int_equal(lock_may_start(&p, use(OP_SESSION), use(op)), may);
	}
}

static void sync_control_is_like_a_batch_but_sync_does_not_hinder_it(void **state unused)
{
	struct lock_profile p;

	lock_profile_generic(&p);
	for (unsigned op = OP_SEND; op <= OP_ROWS; op++) {
		enum lock_may batch = lock_may_start(&p, use(OP_BATCH_IE), use(op));

		assert_int_equal(lock_may_start(&p, use(OP_SYNC_CONTROL), use(op)),
			op == OP_SYNC ? LOCK_MAY : batch);
		assert_int_equal(lock_may_start(&p, use(op), use(OP_SYNC_CONTROL)),
			lock_may_start(&p, use(op), use(OP_BATCH_IE)));
	}
}

static void a_restart_waits_for_everything_but_remote_ui_sleep_and_sync(void **state unused)
{
	struct lock_profile p;

	lock_profile_generic(&p);
	for (unsigned op = OP_SEND; op <= OP_ROWS; op++)
		assert_int_equal(lock_may_start(&p, use(OP_RESTART), use(op)),
			op == OP_RUI || op == OP_SLEEP || op == OP_SYNC ? LOCK_MAY : LOCK_MAY_NOT);
	assert_int_equal(lock_may_start(&p, use(OP_RESTART), use(OP_OTHER_ACTIVITY)), LOCK_MAY_NOT);
	assert_int_equal(lock_may_start(&p, use(OP_OTHER_ACTIVITY), use(OP_RESTART)), LOCK_MAY_NOT);
}

static void strict_mode_stops_at_any_work_seen(void **state unused)
{
	struct lock_profile p;

	lock_profile_generic(&p);
	p.strict = true;
	for (unsigned op = OP_SEND; op <= OP_ROWS; op++) {
		enum lock_may may = lock_may_start(&p, use(OP_BATCH_IE), use(op));

		if (op == OP_RUI || op == OP_SLEEP)
			assert_int_equal(may, LOCK_MAY);
		else if (op == OP_SYNC)
			assert_int_equal(may, LOCK_MAY_ITEMS);
		else
			assert_int_equal(may, LOCK_MAY_NOT);
	}
	assert_int_equal(
		lock_may_start(&p, use(OP_BATCH_IE), use(OP_OTHER_ACTIVITY)), LOCK_MAY_NOT);
	assert_int_equal(
		lock_may_start(&p, use(OP_OTHER_ACTIVITY), use(OP_BATCH_IE)), LOCK_MAY_NOT);
	p.strict = false;
	assert_int_equal(lock_may_start(&p, use(OP_OTHER_ACTIVITY), use(OP_BATCH_IE)), LOCK_MAY);
}

/* All that may or may not start on such a device is what a strict family would say. */
static void a_device_marked_strict_is_judged_as_if_its_family_were(void **state unused)
{
	for (unsigned later = OP_SEND; later < OP_END; later++)
		for (unsigned earlier = OP_SEND; earlier < OP_END; earlier++) {
			struct world marked, family;
			const struct lock_request r =
				world_request(LOCK_KIND_OWN, later, IMPORT, NULL);

			world_init(&marked);
			world_init(&family);
			marked.device.strict = true;
			family.profile.strict = true;
			world_shadow(&marked, earlier);
			world_shadow(&family, earlier);
			assert_int_equal(
				world_ask(&marked, &r).result, world_ask(&family, &r).result);
		}
}

/* The batch that waits could not start beside it there, so it may not pass (rule 4). */
static void a_device_marked_strict_makes_its_waiters_strict_too(void **state unused)
{
	const struct lock_request send =
		world_request(LOCK_KIND_DECLARED, OP_SEND, LOCK_DIRECTION_NONE, NULL);
	struct world w;

	world_init(&w);
	world_wait(&w, OP_BATCH_IE, IMPORT);
	w.profile.cells[OP_SEND].beside = MATRIX_CELL_YES;
	assert_int_equal(world_ask(&w, &send).result, LOCK_RESULT_GRANTED);
	w.device.strict = true;
	assert_int_equal(world_ask(&w, &send).result, LOCK_RESULT_BUSY);
}

static void a_family_may_override_both_cells_of_an_operation(void **state unused)
{
	struct lock_profile p;

	lock_profile_generic(&p);
	p.cells[OP_PANEL] =
		(struct op_cells){.during_ie = MATRIX_CELL_YES, .beside = MATRIX_CELL_NO};
	assert_int_equal(lock_may_start(&p, use(OP_INDIV_IE), use(OP_PANEL)), LOCK_MAY_NOT);
	assert_int_equal(lock_may_start(&p, use(OP_PANEL), use(OP_INDIV_IE)), LOCK_MAY);
	p.cells[OP_SYNC].beside = MATRIX_CELL_NO;
	assert_int_equal(lock_may_start(&p, use(OP_INDIV_IE), use(OP_SYNC)), LOCK_MAY_NOT);
}

static void a_request_for_everything_names_every_item_of_its_operation(void **state unused)
{
	size_t n;

	assert_non_null(op_items(OP_BATCH_IE, &n));
	assert_int_equal(n, 19);
	assert_non_null(op_items(OP_INDIV_IE, &n));
	assert_int_equal(n, 7);
	op_items(OP_DIST, &n);
	assert_int_equal(n, 0);
}

static void a_token_rises_by_one_or_jumps_with_the_timeline(void **state unused)
{
	assert_int_equal(lock_next_token(0, 0), 1);
	assert_int_equal(lock_next_token(41, 0), 42);
	assert_int_equal(lock_next_token(0, 1), UINT64_C(1) << 48);
	assert_int_equal(lock_next_token(UINT64_C(1) << 48, 1), (UINT64_C(1) << 48) + 1);
	assert_int_equal(lock_next_token((UINT64_C(1) << 48) + 77, 2), UINT64_C(2) << 48);
	assert_int_equal(lock_next_token((UINT64_C(3) << 48) + 5, 1), (UINT64_C(3) << 48) + 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_the_row_of_the_matrix_with_its_name),
		cmocka_unit_test(all_400_ordered_pairs_follow_the_table),
		cmocka_unit_test(the_relation_is_not_symmetric),
		cmocka_unit_test(an_unknown_operation_is_denied_both_ways),
		cmocka_unit_test(a_session_excludes_mode_x_and_another_session_only),
		cmocka_unit_test(sync_control_is_like_a_batch_but_sync_does_not_hinder_it),
		cmocka_unit_test(a_restart_waits_for_everything_but_remote_ui_sleep_and_sync),
		cmocka_unit_test(strict_mode_stops_at_any_work_seen),
		cmocka_unit_test(a_device_marked_strict_is_judged_as_if_its_family_were),
		cmocka_unit_test(a_device_marked_strict_makes_its_waiters_strict_too),
		cmocka_unit_test(a_family_may_override_both_cells_of_an_operation),
		cmocka_unit_test(a_request_for_everything_names_every_item_of_its_operation),
		cmocka_unit_test(a_token_rises_by_one_or_jumps_with_the_timeline),
	};

	return cmocka_run_group_tests(tests, read_matrix, NULL);
}
