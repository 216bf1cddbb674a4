// SPDX-License-Identifier: Apache-2.0
/* Rules for saving a task. */
#include "services/scheduler/task.h"

#include <string.h>

#include "common/exchange/item.h"
#include "gen/errors.h"
#include "services/scheduler/device.h"
#include "services/scheduler/discover.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/schedule.h"
#include "services/scheduler/sql.h"

const char TASK_NOTE[] = "Devices that join its groups later are included: the target list is made "
			 "when a run starts.";

static const char *const lists[] = {"all", "list_1", "list_2", "list_3", "list_4", "list_5",
	"list_6", "list_7", "list_8", "list_9", "list_10", "one_touch", "coded_dial", "favorites",
	"address_book", "speed_dial"};

/* All but the first word: "all". */
static bool slot_known(const char *slot)
{
	for (size_t i = 1; i < array_len(lists); i++) {
		if (strcmp(lists[i], slot) == 0)
			return true;
	}
	return false;
}

/* Members of a source that is named anew replace the former one, whichever it was. */
static void merge_source(struct m_task_settings *to, const struct m_task_settings *from)
{
	bool named = (from->has & (HAS_TASK_SETTINGS__SOURCE | HAS_TASK_SETTINGS__SOURCE_AT)) != 0;

	if (!named)
		return;
	to->source = from->source;
	to->source_at = from->source_at;
}

static void merge_write(struct m_task_settings *to, const struct m_task_settings *from)
{
	merge_source(to, from);
	if (from->has & HAS_TASK_SETTINGS__MODE)
		to->mode = from->mode;
	if (from->has & HAS_TASK_SETTINGS__MAP) {
		to->map = from->map;
		to->map_n = from->map_n;
	}
	if (from->has & HAS_TASK_SETTINGS__ITEMS) {
		to->items = from->items;
		to->items_n = from->items_n;
	}
	if (from->has & HAS_TASK_SETTINGS__ACCEPT) {
		to->accept = from->accept;
		to->accept_n = from->accept_n;
	}
	if (from->has & HAS_TASK_SETTINGS__REASON)
		to->reason = from->reason;
	if (from->has & HAS_TASK_SETTINGS__TRANSLITERATE)
		to->transliterate = from->transliterate;
	if (from->has & HAS_TASK_SETTINGS__ON_FAILURE)
		to->on_failure = from->on_failure;
	if (from->has & HAS_TASK_SETTINGS__CONFIRM_MS)
		to->confirm_ms = from->confirm_ms;
	if (from->has & HAS_TASK_SETTINGS__FILE_NAME)
		to->file_name = from->file_name;
}

static void merge_settings(struct m_task_settings *to, const struct m_task_settings *from)
{
	if (from->has & HAS_TASK_SETTINGS__LISTS) {
		to->lists = from->lists;
		to->lists_n = from->lists_n;
	}
	if (from->has & HAS_TASK_SETTINGS__STEPS) {
		to->steps = from->steps;
		to->steps_n = from->steps_n;
	}
	if (from->has & HAS_TASK_SETTINGS__BARRIER)
		to->barrier = from->barrier;
	if (from->has & HAS_TASK_SETTINGS__CONTINUE_ON_ERROR)
		to->continue_on_error = from->continue_on_error;
	if (from->has & HAS_TASK_SETTINGS__RESTART_IF_NEEDED)
		to->restart_if_needed = from->restart_if_needed;
	merge_write(to, from);
	if (from->discover != NULL)
		to->discover = from->discover;
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

static bool one_of(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* Every member of a list is one of the words. */
static int check_words(const char *const *list, size_t n, const char *const *words, size_t words_n,
	const char *noun, struct fault *err)
{
	for (size_t i = 0; i < n; i++) {
		if (!one_of(words, words_n, list[i]))
			return fault_why(err, CN_VALIDATION_FAILED, "unknown_word",
				"there is no %s '%s'", noun, list[i]);
	}
	return 0;
}

int task_map_check(const struct m_slot_map *map, size_t n, struct fault *reterr)
{
	for (size_t i = 0; i < n; i++) {
		if (!slot_known(map[i].slot))
			return fault_why(reterr, CN_VALIDATION_FAILED, "unknown_word",
				"there is no slot '%s'", map[i].slot);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(map[k].slot, map[i].slot) == 0)
				return fault_why(reterr, CN_VALIDATION_FAILED, "slot_twice",
					"slot '%s' is mapped twice", map[i].slot);
		}
	}
	return 0;
}

/* A restore names one version or, for each device, the newest one of a time; an import and a
 * delivery name a file. A distribution names a book, or leaves it to the devices' sets. Of which
 * kind a version is, storage knows: the job refuses it (AB-33). */
static int check_source(const struct m_task *t, struct fault *err)
{
	const struct m_task_settings *s = t->settings;
	bool restore =
		strcmp(t->kind, "ab.restore") == 0 || strcmp(t->kind, "settings.restore") == 0;
	bool needs = restore || strcmp(t->kind, "ab.import") == 0 ||
		     strcmp(t->kind, "file.deliver") == 0;
	bool source = !uuid_is_nil(&s->source);

	if (s->source_at != 0 && (!restore || source))
		return fault_why(err, CN_VALIDATION_FAILED, "source_at",
			"source_at is for restores, instead of a source");
	if (needs && !source && s->source_at == 0)
		return fault_why(err, CN_VALIDATION_FAILED, "source_required",
			"say what shall be written: source%s", restore ? " or source_at" : "");
	return 0;
}

static int check_write(const struct m_task *t, struct fault *err)
{
	const struct m_task_settings *s = t->settings;
	bool book = strncmp(t->kind, "ab.", 3) == 0;

	if (check_source(t, err) < 0 || task_map_check(s->map, s->map_n, err) < 0)
		return -1;
	if ((s->map_n > 0 || s->mode != 0) && !book)
		return fault_why(err, CN_VALIDATION_FAILED, "out_of_place",
			"map and mode are for address books");
	for (size_t i = 0; i < s->items_n; i++) {
		if (exchange_item_bit(s->items[i]) < 0)
			return fault_why(err, CN_VALIDATION_FAILED, "unknown_word",
				"there is no item '%s'", s->items[i]);
		if (strncmp(s->items[i], "indiv_ab_", 9) == 0)
			return fault_why(err, CN_UNSUPPORTED_OPERATION, "not_reachable",
				"'%s': personal and user group address lists are reached by their "
				"users and by the printers' own synchronisation only",
				s->items[i]);
	}
	if (one_of(s->accept, s->accept_n, "language") && (s->reason == NULL || *s->reason == '\0'))
		return fault_why(err, CN_VALIDATION_FAILED, "reason_required",
			"say why the language may differ");
	return 0;
}

static int check_backup(const struct m_task *t, struct fault *err)
{
	const struct m_task_settings *s = t->settings;

	if (s->password_sealed.p == NULL)
		return fault_why(err, CN_VALIDATION_FAILED, "password_required",
			"an encryption password is required, also without Type II/III devices");
	if (s->lists_n == 0)
		return fault_why(err, CN_VALIDATION_FAILED, "lists_required",
			"choose at least one address list");
	return 0;
}

static int check_settings(const struct m_task *t, struct fault *err)
{
	static const char *const accepts[] = {
		"losses", "secrets", "hazards", "language", "not_restorable", "identity"};
	const struct m_task_settings *s = t->settings;
	bool batch = strcmp(t->kind, "batch") == 0;

	if (batch != (s->steps_n > 0))
		return fault_why(err, CN_VALIDATION_FAILED,
			batch ? "steps_required" : "out_of_place",
			batch ? "settings.steps: say which tasks the batch is made of"
			      : "settings.steps are for batches");
	if (check_words(s->lists, s->lists_n, lists, array_len(lists), "address list", err) < 0 ||
		check_words(s->accept, s->accept_n, accepts, array_len(accepts), "word to accept",
			err) < 0)
		return -1;
	if (strcmp(t->kind, "ab.backup") == 0)
		return check_backup(t, err);
	if (kind_plans(t->kind) || strcmp(t->kind, "file.deliver") == 0)
		return check_write(t, err);
	return 0;
}

static int check_retry(const struct m_retry *r, struct fault *err)
{
	for (size_t i = 0; i < r->waves_n; i++) {
		if ((r->waves[i].devices > 0) == (r->waves[i].percent > 0))
			return fault_why(err, CN_VALIDATION_FAILED, "wave",
				"a wave is a number of devices or a share of them");
	}
	return 0;
}

int task_check(const struct m_task *t, int64_t now_ms, struct arena *arena, struct fault *reterr)
{
	struct schedule schedule;
	const struct filter *filter = NULL;
	struct fault f = FAULT_INIT;

	if (t->name == NULL || *t->name == '\0')
		return fault_why(reterr, CN_VALIDATION_FAILED, "required", "a task needs a name");
	if (name_is_id(t->name))
		return fault_why(
			reterr, CN_VALIDATION_FAILED, "name_is_id", "name: it looks like an id");
	if (t->kind == NULL || !kind_known(t->kind))
		return fault_why(reterr, CN_VALIDATION_FAILED, "unknown_word",
			"there is no task kind '%s'", t->kind == NULL ? "" : t->kind);
	if (discover_check(t, arena, reterr) < 0 || check_settings(t, reterr) < 0 ||
		check_retry(t->retry, reterr) < 0)
		return -1;
	if (schedule_read(t->schedule, now_ms, &schedule, reterr) < 0)
		return -1;
	if (filter_parse(t->targets->filter, FILTER_DEVICES, arena, &filter, &f) == 0)
		return 0;
	return fault_why(reterr, f.code, f.reason, "targets.%.400s", f.detail);
}
