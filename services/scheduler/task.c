// SPDX-License-Identifier: Apache-2.0
/* Rules for saving a task. */
#include "services/scheduler/task.h"

#include <string.h>

#include "gen/errors.h"
#include "services/scheduler/job.h"
#include "services/scheduler/schedule.h"
#include "services/scheduler/sql.h"

const char TASK_NOTE[] = "Devices that join its groups later are included: the target list is made "
			 "when a run starts.";

static const char *const lists[] = {"all", "list_1", "list_2", "list_3", "list_4", "list_5",
	"list_6", "list_7", "list_8", "list_9", "list_10", "one_touch", "coded_dial", "favorites",
	"address_book", "speed_dial"};

static bool list_known(const char *name)
{
	for (size_t i = 0; i < array_len(lists); i++) {
		if (strcmp(lists[i], name) == 0)
			return true;
	}
	return false;
}

static void merge_settings(struct m_task_settings *to, const struct m_task_settings *from)
{
	if (from->has & HAS_TASK_SETTINGS__LISTS) {
		to->lists = from->lists;
		to->lists_n = from->lists_n;
	}
	if (from->has & HAS_TASK_SETTINGS__RESTART_IF_NEEDED)
		to->restart_if_needed = from->restart_if_needed;
	if (from->password_sealed.p != NULL) {
		to->password_sealed = from->password_sealed;
		to->password_id = from->password_id;
	}
	to->password_set = to->password_sealed.p != NULL;
}

static void merge_rest(struct m_task *t, const struct m_task *change)
{
	if (change->name != NULL)
		t->name = change->name;
	if (change->kind != NULL)
		t->kind = change->kind;
	if (change->has & HAS_TASK__ACTIVE)
		t->active = change->active;
	if (change->schedule != NULL)
		t->schedule = change->schedule;
	if (change->targets != NULL)
		t->targets = change->targets;
	if (change->retry != NULL)
		t->retry = change->retry;
	if (change->owner != NULL)
		t->owner = change->owner;
}

struct m_task *task_merge(
	const struct m_task *old, const struct m_task *change, struct arena *arena)
{
	static const struct m_schedule manual = {
		.form = SCHEDULE_FORM_MANUAL, .has = HAS_SCHEDULE__FORM};
	static const struct m_targets nobody;
	static const struct m_retry defaults;
	struct m_task *t = arena_alloc(arena, sizeof(*t));
	struct m_task_settings *settings = arena_alloc(arena, sizeof(*settings));

	if (t == NULL || settings == NULL)
		return NULL;
	*t = old != NULL ? *old : (struct m_task){.active = true};
	t->has |= HAS_TASK__ACTIVE;
	merge_rest(t, change);
	if (old != NULL && old->settings != NULL)
		*settings = *old->settings;
	if (change->settings != NULL)
		merge_settings(settings, change->settings);
	t->settings = settings;
	t->schedule = t->schedule == NULL ? &manual : t->schedule;
	t->targets = t->targets == NULL ? &nobody : t->targets;
	t->retry = t->retry == NULL ? &defaults : t->retry;
	return t;
}

static int check_settings(const struct m_task *t, struct fault *err)
{
	const struct m_task_settings *s = t->settings;

	for (size_t i = 0; i < s->lists_n; i++) {
		if (!list_known(s->lists[i]))
			return fault_why(err, CN_VALIDATION_FAILED, "unknown_word",
				"there is no address list '%s'", s->lists[i]);
	}
	if (strcmp(t->kind, "ab.backup") != 0)
		return 0;
	if (s->password_sealed.p == NULL)
		return fault_why(err, CN_VALIDATION_FAILED, "password_required",
			"an encryption password is required, also without Type II/III devices");
	if (s->lists_n == 0)
		return fault_why(err, CN_VALIDATION_FAILED, "lists_required",
			"choose at least one address list");
	return 0;
}

int task_check(const struct m_task *t, int64_t now_ms, struct arena *arena, struct fault *reterr)
{
	struct schedule schedule;
	const struct filter *filter = NULL;

	if (t->name == NULL || *t->name == '\0')
		return fault_why(reterr, CN_VALIDATION_FAILED, "required", "a task needs a name");
	if (t->kind == NULL || !job_kind_known(t->kind))
		return fault_why(reterr, CN_VALIDATION_FAILED, "unknown_word",
			"there is no task kind '%s'", t->kind == NULL ? "" : t->kind);
	if (check_settings(t, reterr) < 0)
		return -1;
	if (schedule_read(t->schedule, now_ms, &schedule, reterr) < 0)
		return -1;
	return filter_parse(t->targets->filter, FILTER_DEVICES, arena, &filter, reterr);
}
