// SPDX-License-Identifier: Apache-2.0
/* Batch tasks. */
#include "services/scheduler/sequence.h"

#include <string.h>

#include "services/scheduler/kind.h"

#define NEXT_MAX 2000 /* jobs that one look lets go on: it holds its runs meanwhile */

bool kind_sequence(const char *kind)
{
	return kind != NULL && strcmp(kind, "batch") == 0;
}

/* What writes needs the approval of its own plan, and what has no device has no place in a list of
 * them. */
bool may_be_step(const char *kind)
{
	return kind_known(kind) && !kind_sequence(kind) && !kind_plans(kind) && !kind_alone(kind);
}

/* ---- saving ---- */

static void add_refs(struct db_args *a, const struct m_task_settings *s)
{
	db_array(a);
	for (size_t i = 0; i < s->steps_n; i++)
		db_text(a, s->steps[i]);
	db_array_end(a);
}

void sequence_ask(struct txn *t, const struct call *call, const struct m_task *task)
{
	refs_add(t, call, &SQL_RESOLVE_TASKS, task->settings->steps, task->settings->steps_n);
	add_refs(db_add(t, &SQL_STEP_KINDS), task->settings);
}

/* Two backups of the same kind in one run would be one: a version belongs to run, device and kind
 * (FL-54). */
static bool stores_twice(const struct db_result *r, int row)
{
	const char *kind = db_get_text(r, row, 0), *dot = strchr(kind, '.');

	if (dot == NULL || strcmp(dot, ".backup") != 0)
		return false;
	for (int i = 0; i < row; i++) {
		if (strcmp(db_get_text(r, i, 0), kind) == 0)
			return true;
	}
	return false;
}

bool sequence_take(struct call *call, struct db_result **r, const struct m_task *task,
	const char *const **ret_ids)
{
	if (!refs_take(call, r[0], task->settings->steps, "task", ret_ids))
		return false;
	for (int row = 0; row < db_rows(r[1]); row++) {
		const char *kind = db_get_text(r[1], row, 0);
		if (!may_be_step(kind)) {
			call_refuse(call, CN_VALIDATION_FAILED, "batch_step",
				"settings.steps: a task of kind %s cannot be a step", kind);
			return false;
		}
		if (stores_twice(r[1], row)) {
			call_refuse(call, CN_VALIDATION_FAILED, "batch_step",
				"settings.steps: one run keeps one %s of a device", kind);
			return false;
		}
	}
	return true;
}

/* ---- a run ---- */

/* Kinds that may be steps, with what a device needs for each. */
static void add_kinds(struct db_args *a)
{
	for (int column = 0; column < 3; column++) {
		db_array(a);
		for (size_t i = 0; kind_nth(i) != NULL; i++) {
			const char *kind = kind_nth(i);
			char families[512];
			size_t at = 0;
			if (!may_be_step(kind))
				continue;
			for (const char *const *f = kind_families(kind); *f != NULL; f++)
				at += (size_t)snprintf(families + at, sizeof(families) - at, "%s%s",
					at > 0 ? "," : "", *f);
			db_text(a, column == 0   ? kind
				   : column == 1 ? families
						 : kind_capability(kind));
		}
		db_array_end(a);
	}
}

void sequence_open(struct txn *t, const struct uuid *run)
{
	static const struct db_sql *const statements[] = {
		&SQL_SEQUENCE_STEPS, &SQL_SEQUENCE_FIRST, &SQL_SEQUENCE_REST};

	for (size_t i = 0; i < array_len(statements); i++) {
		struct db_args *a = db_add(t, statements[i]);
		db_uuid(a, run);
		add_kinds(a);
	}
	db_uuid(db_add(t, &SQL_SEQUENCE_BEGUN), run);
}

void sequence_gate(struct txn *t, const struct uuid *run)
{
	db_uuid(db_add(t, &SQL_SEQUENCE_GATE), run);
}

void sequence_next(struct txn *t, const struct uuid *run)
{
	struct db_args *a = db_add(t, &SQL_SEQUENCE_NEXT);

	db_uuid(a, run);
	db_int(a, NEXT_MAX);
}

void sequence_over(struct txn *t, const struct uuid *run)
{
	db_uuid(db_add(t, &SQL_SEQUENCE_OVER), run);
}
