// SPDX-License-Identifier: Apache-2.0
/* What may be saved as a task: docs/spec/fleet.md 3.2 and 6, address-books.md AB-32, AB-33. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "services/scheduler/kind.h"
#include "services/scheduler/task.h"

static const struct uuid some = {.b = {1}};
static struct arena arena;

/* The reason why it is refused; "" = it is well. */
static const char *refusal(
	const char *kind, const struct m_task_settings *settings, const struct m_retry *retry)
{
	static struct fault f;
	struct m_task change = {.name = "t", .kind = kind, .settings = settings, .retry = retry};
	struct m_task *t = task_merge(NULL, &change, &arena);

	f = FAULT_INIT;
	assert_non_null(t);
	return task_check(t, 1, &arena, &f) < 0 ? f.reason : "";
}

#define ALL                                                                                        \
	(HAS_TASK_SETTINGS__SOURCE | HAS_TASK_SETTINGS__SOURCE_AT | HAS_TASK_SETTINGS__MAP |       \
		HAS_TASK_SETTINGS__ITEMS | HAS_TASK_SETTINGS__ACCEPT | HAS_TASK_SETTINGS__REASON | \
		HAS_TASK_SETTINGS__MODE)

static void each_kind_wants_its_source(unused void **state)
{
	static const struct {
		const char *kind;
		bool none, source, at, both; /* well */
	} rows[] = {
		{"ab.restore", false, true, true, false},
		{"settings.restore", false, true, true, false},
		{"ab.import", false, true, false, false},
		{"ab.distribute", true, true, false, false},
		{"file.deliver", false, true, false, false},
		{"device.restart", true, true, true, true}, /* means nothing there */
		{"device.probe", true, true, true, true},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		for (int k = 0; k < 4; k++) {
			struct m_task_settings s = {.has = ALL};
			bool well = k == 0   ? rows[i].none
				    : k == 1 ? rows[i].source
				    : k == 2 ? rows[i].at
					     : rows[i].both;
			if (k & 1)
				s.source = some;
			if (k & 2)
				s.source_at = 1000;
			if ((*refusal(rows[i].kind, &s, NULL) == '\0') != well)
				fail_msg("%s, %d: %s", rows[i].kind, k,
					refusal(rows[i].kind, &s, NULL));
		}
	}
}

static void a_source_named_anew_replaces_the_former_one(unused void **state)
{
	struct m_task_settings by_time = {.has = HAS_TASK_SETTINGS__SOURCE_AT, .source_at = 1000};
	struct m_task_settings by_id = {.has = HAS_TASK_SETTINGS__SOURCE, .source = some};
	struct m_task first = {.name = "t", .kind = "ab.restore", .settings = &by_time};
	struct m_task change = {.settings = &by_id};
	const struct m_task *old = task_merge(NULL, &first, &arena);
	const struct m_task *now = task_merge(old, &change, &arena);

	assert_int_equal(now->settings->source_at, 0);
	assert_memory_equal(&now->settings->source, &some, sizeof(some));
	struct m_task_settings nothing = {.has = HAS_TASK_SETTINGS__REASON, .reason = "why"};
	change.settings = &nothing;
	now = task_merge(now, &change, &arena);
	assert_memory_equal(&now->settings->source, &some, sizeof(some));
	assert_string_equal(now->settings->reason, "why");
}

static void maps_name_slots_once(unused void **state)
{
	struct m_slot_map map[] = {{.slot = "list_1", .from = "a"}, {.slot = "one_touch"}};
	struct m_task_settings s = {.has = ALL, .source = some, .map = map, .map_n = 2};

	assert_string_equal(refusal("ab.import", &s, NULL), "");
	assert_string_equal(refusal("settings.restore", &s, NULL), "out_of_place");
	map[1].slot = "list_1";
	assert_string_equal(refusal("ab.import", &s, NULL), "slot_twice");
	map[1].slot = "all";
	assert_string_equal(refusal("ab.import", &s, NULL), "unknown_word");
}

static void words_are_known(unused void **state)
{
	const char *accept[] = {"losses", "language"}, *items[] = {"indiv_address_book", "home"};
	struct m_task_settings s = {.has = ALL, .source = some, .accept = accept, .accept_n = 1};

	assert_string_equal(refusal("ab.import", &s, NULL), "");
	s.accept_n = 2;
	assert_string_equal(refusal("ab.import", &s, NULL), "reason_required");
	s.reason = "the same machines, other panels";
	assert_string_equal(refusal("ab.import", &s, NULL), "");
	accept[0] = "everything";
	assert_string_equal(refusal("ab.import", &s, NULL), "unknown_word");
	s.accept_n = 0;
	s.items = items;
	s.items_n = 2;
	assert_string_equal(refusal("ab.import", &s, NULL), "");
	items[1] = "indiv_ab_group";
	assert_string_equal(refusal("ab.import", &s, NULL), "not_reachable");
	items[1] = "house";
	assert_string_equal(refusal("ab.import", &s, NULL), "unknown_word");
}

static void a_wave_is_a_number_or_a_share(unused void **state)
{
	struct m_wave waves[] = {{.devices = 1}, {.percent = 10}};
	struct m_retry r = {.waves = waves, .waves_n = 2};

	assert_string_equal(refusal("device.probe", NULL, &r), "");
	waves[0].percent = 1;
	assert_string_equal(refusal("device.probe", NULL, &r), "wave");
	waves[0] = (struct m_wave){0};
	assert_string_equal(refusal("device.probe", NULL, &r), "wave");
}

static bool fits(const char *kind, const char *family)
{
	for (const char *const *f = kind_families(kind); *f != NULL; f++) {
		if (strcmp(*f, family) == 0)
			return true;
	}
	return false;
}

/* Kyocera's book is read only; JetDirect FTP takes files and nothing else. */
static void kinds_and_families(unused void **state)
{
	for (const char *const *f = families_all(); *f != NULL; f++)
		assert_true(fits("device.probe", *f));
	assert_true(fits("ab.backup", "kyocera_wsdl"));
	assert_false(fits("ab.restore", "kyocera_wsdl"));
	assert_true(fits("ab.restore", "ricoh_udirectory"));
	assert_true(fits("file.deliver", "jetdirect_ftp"));
	assert_false(fits("ab.import", "jetdirect_ftp"));
	assert_false(fits("no.such", "canon_rui"));
	assert_true(kind_plans("ab.import") && kind_plans("settings.restore"));
	assert_false(kind_plans("ab.backup") || kind_plans("file.deliver") ||
		     kind_plans("device.restart") || kind_plans("no.such"));
}

static int begin(unused void **state)
{
	arena_init(&arena, 0);
	return 0;
}

static int finish(unused void **state)
{
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_wants_its_source),
		cmocka_unit_test(a_source_named_anew_replaces_the_former_one),
		cmocka_unit_test(maps_name_slots_once),
		cmocka_unit_test(words_are_known),
		cmocka_unit_test(a_wave_is_a_number_or_a_share),
		cmocka_unit_test(kinds_and_families),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
