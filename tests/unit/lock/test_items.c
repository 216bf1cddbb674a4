// SPDX-License-Identifier: Apache-2.0
/* Which items of a request stay open while native synchronisation is there: locks.md section 5,
 * cases X0 to X5 and the preparation window W3 to W5 of sync.md section 7. */
#include "tests/unit/lock/world.h"

#define ALL_SYNCED                                                                                 \
	ITEMS("personal_setting_info", "user_group_address_list", "indiv_ab_personal",             \
		"indiv_ab_group")
enum { BATCH_ITEMS = 0x3, INDIV_ITEMS = 0xc, EVERY = 0xf };

static struct world w;
static struct lock_held *sync_row;

static void standing(enum sync_role role, enum sync_state state, const char *destination)
{
	world_init(&w);
	sync_row = world_sync(&w, role, state, destination);
}

/* The mask of granted items, 0 when all were refused. */
static uint32_t open_items(enum lock_direction direction)
{
	struct lock_request r = world_request(LOCK_KIND_OWN, OP_BATCH_IE, direction, ALL_SYNCED);
	struct lock_verdict v = world_ask(&w, &r);

	assert_int_equal(v.items | v.items_synced, EVERY);
	assert_int_equal(v.items & v.items_synced, 0);
	if (v.items == 0)
		assert_string_equal(v.reason, "items_synced");
	return v.items;
}

static void x0_x3_a_client_gives_nothing_in_any_state_but_stopped(void **state unused)
{
	for (enum sync_state s = SYNC_STATE_START_PENDING_RESTART; s <= SYNC_STATE_ERROR; s++) {
		standing(SYNC_ROLE_CLIENT, s, "localhost:8443");
		sync_row->prepared_ms = NOW_MS - 1000;
		assert_int_equal(open_items(IMPORT), 0);
		assert_int_equal(open_items(EXPORT), 0);
	}
	standing(SYNC_ROLE_CLIENT, SYNC_STATE_STOPPED, "10.0.0.9");
	assert_int_equal(open_items(IMPORT), EVERY);
}

static void x5_another_spelling_of_the_local_server_does_not_count(void **state unused)
{
	static const char *const spellings[] = {"localhost", "Localhost:8443", "LOCALHOST:8443",
		"127.0.0.1:8443", "[::1]:8443", "localhost:8443 ", " localhost:8443",
		"localhost:08443", "10.0.0.9:8443", ""};

	for (size_t i = 0; i < array_len(spellings); i++) {
		standing(SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, spellings[i]);
		sync_row->prepared_ms = NOW_MS - 1000;
		assert_int_equal(open_items(IMPORT), 0);
		assert_int_equal(open_items(EXPORT), 0);
	}
	standing(SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, NULL);
	assert_int_equal(open_items(IMPORT), 0);
}

static void x1_the_local_server_takes_the_individual_lists_only(void **state unused)
{
	standing(SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, "localhost:8443");
	assert_int_equal(open_items(IMPORT), INDIV_ITEMS);
}

static void x2_x4_an_export_needs_the_window_unless_the_family_does_not(void **state unused)
{
	standing(SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, "localhost:8443");
	assert_int_equal(open_items(EXPORT), 0);
	w.profile.window_required = false;
	assert_int_equal(open_items(EXPORT), EVERY);
}

static void w5_the_window_closes_a_minute_early_or_at_900_s_exactly(void **state unused)
{
	static const struct {
		int64_t age_ms;
		bool open, open_at_start;
	} cases[] = {{0, true, true}, {839999, true, true}, {840000, false, true},
		{899999, false, true}, {900000, false, false}, {-1, false, false}};

	standing(SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, "localhost:8443");
	for (size_t i = 0; i < array_len(cases); i++) {
		sync_row->prepared_ms = NOW_MS - cases[i].age_ms;
		w.profile.window_at_start = false;
		assert_int_equal(open_items(EXPORT), cases[i].open ? EVERY : 0);
		w.profile.window_at_start = true;
		assert_int_equal(open_items(EXPORT), cases[i].open_at_start ? EVERY : 0);
	}
}

static void server_and_replica_restrict_nothing(void **state unused)
{
	static const enum sync_role roles[] = {SYNC_ROLE_NONE, SYNC_ROLE_SERVER, SYNC_ROLE_REPLICA};

	for (size_t i = 0; i < array_len(roles); i++) {
		standing(roles[i], SYNC_STATE_RUNNING, "10.0.0.9");
		assert_int_equal(open_items(IMPORT), EVERY);
		assert_int_equal(open_items(EXPORT), EVERY);
	}
}

static void a_seen_sync_beside_a_standing_row_is_judged_by_the_row(void **state unused)
{
	standing(SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, "localhost:8443");
	world_shadow(&w, OP_SYNC);
	assert_int_equal(open_items(IMPORT), INDIV_ITEMS);
}

static void a_shadow_past_its_time_restricts_nothing(void **state unused)
{
	world_init(&w);
	world_shadow(&w, OP_SYNC);
	w.held[0].until_ms = NOW_MS;
	assert_int_equal(open_items(IMPORT), EVERY);
	w.held[0].until_ms = NOW_MS + 1;
	assert_int_equal(open_items(IMPORT), 0);
}

static void a_declared_sync_without_a_standing_row_is_judged_as_client(void **state unused)
{
	world_init(&w);
	world_hold(&w, LOCK_KIND_DECLARED, OP_SYNC, LOCK_DIRECTION_NONE);
	assert_int_equal(open_items(EXPORT), 0);
}

static void refused_items_beat_a_blocker(void **state unused)
{
	standing(SYNC_ROLE_CLIENT, SYNC_STATE_RUNNING, "10.0.0.9");
	world_shadow(&w, OP_SEND);
	assert_int_equal(open_items(IMPORT), 0);
}

static void pause_sync_is_an_effect_only_while_it_runs_or_pauses(void **state unused)
{
	for (enum sync_state s = SYNC_STATE_START_PENDING_RESTART; s <= SYNC_STATE_ERROR; s++) {
		standing(SYNC_ROLE_CLIENT, s, "10.0.0.9");
		struct lock_request r = world_request(
			LOCK_KIND_OWN, OP_INDIV_IE, EXPORT, ITEMS("indiv_paper_info"));
		bool pauses = s == SYNC_STATE_RUNNING || s == SYNC_STATE_PAUSING ||
			      s == SYNC_STATE_PAUSED;
		unsigned effects = LOCK_EFFECT_KEEP_AWAKE | LOCK_EFFECT_WATCH_SHUTDOWN |
				   (pauses ? LOCK_EFFECT_PAUSE_SYNC : 0u);

		assert_int_equal(world_ask(&w, &r).effects, effects);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x0_x3_a_client_gives_nothing_in_any_state_but_stopped),
		cmocka_unit_test(x5_another_spelling_of_the_local_server_does_not_count),
		cmocka_unit_test(x1_the_local_server_takes_the_individual_lists_only),
		cmocka_unit_test(x2_x4_an_export_needs_the_window_unless_the_family_does_not),
		cmocka_unit_test(w5_the_window_closes_a_minute_early_or_at_900_s_exactly),
		cmocka_unit_test(server_and_replica_restrict_nothing),
		cmocka_unit_test(a_seen_sync_beside_a_standing_row_is_judged_by_the_row),
		cmocka_unit_test(a_shadow_past_its_time_restricts_nothing),
		cmocka_unit_test(a_declared_sync_without_a_standing_row_is_judged_as_client),
		cmocka_unit_test(refused_items_beat_a_blocker),
		cmocka_unit_test(pause_sync_is_an_effect_only_while_it_runs_or_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
