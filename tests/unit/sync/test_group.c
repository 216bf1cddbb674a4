// SPDX-License-Identifier: Apache-2.0
/* The rules of native sync groups: docs/spec/sync.md sections 1 to 6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/sync/group.h"

#define ST(word) SYNC_STATE_##word
#define RO(word) SYNC_ROLE_##word

static struct m_sync_member machine(unsigned n, enum sync_role role, enum sync_state state)
{
	return (struct m_sync_member){
		.device = {.b = {(uint8_t)n}}, .device_name = "m", .role = role, .state = state};
}

/* "" when the step is legal, else the reason. */
static const char *step(enum sync_role role, enum sync_state from, enum sync_state to)
{
	static struct fault f;
	struct m_sync_member now = machine(1, role, from), next = {0};
	struct m_sync_member asked = {.device = now.device, .state = to};

	f = FAULT_INIT;
	if (member_step(&now, &asked, &next, &f) == 0) {
		assert_int_equal(next.state, to);
		assert_int_equal(next.role, role);
		return "";
	}
	assert_int_equal(f.code, CN_CONFLICT);
	assert_int_equal(next.role, 0); /* untouched */
	return f.reason;
}

/* Written from section 6.1, beside the code's own table. */
static bool in_table(enum sync_state from, enum sync_state to)
{
	static const enum sync_state edges[][2] = {
		{ST(STOPPED), ST(START_PENDING_RESTART)},
		{ST(START_PENDING_RESTART), ST(RUNNING)},
		{ST(START_PENDING_RESTART), ST(ERROR)},
		{ST(RUNNING), ST(PAUSING)},
		{ST(PAUSING), ST(PAUSED)},
		{ST(PAUSED), ST(RUNNING)},
		{ST(RUNNING), ST(STOP_PENDING_RESTART)},
		{ST(PAUSING), ST(STOP_PENDING_RESTART)},
		{ST(PAUSED), ST(STOP_PENDING_RESTART)},
		{ST(ERROR), ST(STOP_PENDING_RESTART)},
		{ST(START_PENDING_RESTART), ST(STOP_PENDING_RESTART)},
		{ST(STOP_PENDING_RESTART), ST(STOPPED)},
		{ST(ERROR), ST(START_PENDING_RESTART)},
	};

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if (edges[i][0] == from && edges[i][1] == to)
			return true;
	return from == to || to == ST(STOPPED); /* dropped at the server */
}

static void a_client_moves_only_along_the_table(void **state)
{
	(void)state;
	for (enum sync_state from = ST(STOPPED); from <= ST(ERROR); from++)
		for (enum sync_state to = ST(STOPPED); to <= ST(ERROR); to++) {
			const char *want = in_table(from, to) ? "" : "sync_transition";
			assert_string_equal(step(RO(CLIENT), from, to), want);
			assert_string_equal(step(RO(SERVER_CLIENT), from, to), want);
		}
}

static void a_server_and_a_replica_only_run_or_stop(void **state)
{
	(void)state;
	for (enum sync_state to = ST(STOPPED); to <= ST(ERROR); to++) {
		bool legal = to == ST(STOPPED) || to == ST(RUNNING);
		assert_string_equal(
			step(RO(SERVER), ST(STOPPED), to), legal ? "" : "sync_transition");
		assert_string_equal(
			step(RO(REPLICA), ST(RUNNING), to), legal ? "" : "sync_transition");
		assert_string_equal(step(RO(NONE), ST(STOPPED), to),
			to == ST(STOPPED) ? "" : "sync_transition");
	}
}

static void a_new_member_enters_as_it_was_seen(void **state)
{
	struct m_sync_member asked = machine(1, RO(CLIENT), ST(PAUSED)), next;
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(member_step(NULL, &asked, &next, &f), 0);
	assert_int_equal(next.state, ST(PAUSED));
	asked.state = 0;
	assert_int_equal(member_step(NULL, &asked, &next, &f), 0);
	assert_int_equal(next.state, ST(STOPPED));
	asked.role = 0;
	assert_int_equal(member_step(NULL, &asked, &next, &f), -1);
	assert_string_equal(f.reason, "required");
	asked = machine(1, RO(SERVER), ST(PAUSING));
	assert_int_equal(member_step(NULL, &asked, &next, &f), -1);
	assert_string_equal(f.reason, "sync_transition");
}

static void a_running_client_keeps_its_role(void **state)
{
	struct m_sync_member now = machine(1, RO(CLIENT), ST(RUNNING)), next;
	struct m_sync_member asked = {.device = now.device, .role = RO(SERVER)};
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(member_step(&now, &asked, &next, &f), -1);
	assert_string_equal(f.reason, "sync_running");
	now.state = ST(STOPPED);
	now.destination = "server.example";
	assert_int_equal(member_step(&now, &asked, &next, &f), 0);
	assert_int_equal(next.role, RO(SERVER));
	assert_null(next.destination); /* a server has none */
}

static void a_replica_may_start_as_server(void **state)
{
	struct m_sync_member now = machine(1, RO(REPLICA), ST(RUNNING)), next;
	struct m_sync_member asked = {
		.device = now.device, .role = RO(SERVER), .state = ST(RUNNING)};
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(member_step(&now, &asked, &next, &f), 0);
	asked = (struct m_sync_member){.role = RO(CLIENT), .state = ST(RUNNING)};
	assert_int_equal(member_step(&now, &asked, &next, &f), -1);
	assert_string_equal(f.reason, "sync_transition"); /* a new client begins stopped */
}

static int admits(struct m_sync_member *all, size_t n, struct m_sync_member m, const char *reason)
{
	struct fault f = FAULT_INIT;
	int rc = group_admits(all, n, &m, &f);

	assert_string_equal(f.reason, reason);
	assert_int_equal(f.code, rc == 0 ? 0 : CN_CONFLICT);
	return rc;
}

static void ten_machines_and_no_more(void **state)
{
	struct m_sync_member all[12];
	size_t n = 0;

	(void)state;
	all[n++] = machine(0, RO(SERVER), ST(STOPPED)); /* the server counts, stopped too */
	while (n < 9) {
		all[n] = machine((unsigned)n, RO(CLIENT), n % 2 ? ST(RUNNING) : ST(ERROR));
		n++;
	}
	all[n++] = machine(20, RO(CLIENT), ST(STOPPED));  /* stopped: L4 */
	all[n++] = machine(21, RO(REPLICA), ST(RUNNING)); /* L3 */
	(void)admits(all, n, machine(30, RO(CLIENT), ST(RUNNING)), "");
	all[n++] = machine(30, RO(CLIENT), ST(STOP_PENDING_RESTART));
	(void)admits(all, n, machine(31, RO(CLIENT), ST(START_PENDING_RESTART)), "sync_limit");
	(void)admits(all, n, machine(31, RO(CLIENT), ST(STOPPED)), "");
	(void)admits(all, n, machine(31, RO(REPLICA), ST(RUNNING)), "");
	(void)admits(all, n, machine(31, RO(NONE), ST(STOPPED)), "");
	(void)admits(all, n, machine(20, RO(CLIENT), ST(START_PENDING_RESTART)), "sync_limit");
	(void)admits(
		all, n, machine(30, RO(CLIENT), ST(STOPPED)), ""); /* its old self is not counted */
	(void)admits(all, n, machine(30, RO(CLIENT), ST(RUNNING)), "");
}

static void one_server_in_a_group(void **state)
{
	struct m_sync_member all[] = {machine(1, RO(SERVER_CLIENT), ST(STOPPED))};

	(void)state;
	(void)admits(all, 1, machine(2, RO(SERVER), ST(STOPPED)), "sync_server");
	(void)admits(all, 1, machine(2, RO(SERVER_CLIENT), ST(RUNNING)), "sync_server");
	(void)admits(all, 1, machine(1, RO(SERVER), ST(RUNNING)), "");
	(void)admits(all, 1, machine(2, RO(REPLICA), ST(RUNNING)), "");
}

static void a_client_that_counts_does_not_leave(void **state)
{
	struct fault f = FAULT_INIT;

	(void)state;
	for (enum sync_state s = ST(STOPPED); s <= ST(ERROR); s++) {
		struct m_sync_member m = machine(1, RO(CLIENT), s);
		assert_int_equal(member_may_leave(&m, &f), s == ST(STOPPED) ? 0 : -1);
	}
	struct m_sync_member server = machine(1, RO(SERVER), ST(RUNNING));
	assert_int_equal(member_may_leave(&server, &f), 0);
}

static void destinations_of_section_4(void **state)
{
	static const char *const good[] = {"", "10.1.2.3", "10.1.2.3:8443", "fe80::1", "[fe80::1]",
		"[fe80::1]:8443", "printer-1.example.org", "printer:8443", "localhost"};
	static const char *const bad[] = {"10.1.2.300", "10.1.2.3:443", "[fe80::1", "[fe80::1]:443",
		"a b", "http://x", "x/", "x:", ":8443", "..", "-x", "[10.1.2.3]", "fe80::1:8443x",
		"é"};
	struct fault f = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(destination_check(RO(CLIENT), good[i], &f), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f = FAULT_INIT;
		assert_int_equal(destination_check(RO(CLIENT), bad[i], &f), -1);
		assert_string_equal(f.reason, "destination");
	}
	assert_int_equal(destination_check(RO(SERVER_CLIENT), "localhost:8443", &f), 0);
	assert_int_equal(destination_check(RO(CLIENT), "localhost:8443", &f), -1);
	assert_int_equal(destination_check(RO(SERVER), "10.1.2.3", &f), -1);
	assert_int_equal(destination_check(RO(REPLICA), NULL, &f), 0);
}

static void a_group_name_is_not_an_id(void **state)
{
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(group_name_check("Lyon", &f), 0);
	assert_int_equal(group_name_check("", &f), -1);
	assert_int_equal(group_name_check("0193aaaa-0000-7000-8000-000000000001", &f), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_moves_only_along_the_table),
		cmocka_unit_test(a_server_and_a_replica_only_run_or_stop),
		cmocka_unit_test(a_new_member_enters_as_it_was_seen),
		cmocka_unit_test(a_running_client_keeps_its_role),
		cmocka_unit_test(a_replica_may_start_as_server),
		cmocka_unit_test(ten_machines_and_no_more),
		cmocka_unit_test(one_server_in_a_group),
		cmocka_unit_test(a_client_that_counts_does_not_leave),
		cmocka_unit_test(destinations_of_section_4),
		cmocka_unit_test(a_group_name_is_not_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
