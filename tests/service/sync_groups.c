// SPDX-License-Identifier: Apache-2.0
/* Sync groups and members over the bus: docs/spec/sync.md sections 1 to 6; two instances on one
 * database, killed in between; what the lock service learns. */
#include "tests/service/scheduler_client.h"

#define DEVICE "0193aaaa-0000-7000-8000-0000000000%02d"

static void start_sync(void)
{
	char lock[128];
	const char *settings[] = {lock, "--tell_ms=200", NULL};

	(void)snprintf(lock, sizeof(lock), "--lock_urls=ipc://%s/s2", client.dir);
	client_service = "sync";
	(void)scheduler_start_one(settings);
}

/* "" or the reason of the refusal. Valid like at(). */
static const char *put(const char *group, int device, const char *rest)
{
	json_t *j = ask("sync_member_put",
		"{'ref': '%s', 'member': {'device': '" DEVICE "', 'device_name': 'p%d'%s}}", group,
		device, device, rest);
	const char *why = at(j, "fault.reason");

	if (json_object_get(j, "fault") != NULL && *why == '\0')
		why = "fault without reason";
	json_decref(j);
	return why;
}

static bool refused(json_t *j, const char *code, const char *reason)
{
	bool same = is(j, "fault.code", code) && is(j, "fault.reason", reason);

	json_decref(j);
	return same;
}

static void said(const char *got, const char *want, const char *what)
{
	ok(strcmp(got, want) == 0, what);
	if (strcmp(got, want) != 0)
		(void)fprintf(stderr, "# '%s', not '%s'\n", got, want);
}

static void groups(void)
{
	struct uuid key = uuid_v7(clock_wall_ms());
	const char *lyon = "{'group': {'name': 'Lyon', 'note': 'floor 3'}}";
	json_t *j = ask_as("sync_group_create", lyon, &key);
	json_t *k = ask_as("sync_group_create", lyon, &key);
	char id[UUID_TEXT];

	ok(is(j, "group.name", "Lyon") && is(j, "group.version", "1") &&
			is(j, "group.members", "0"),
		"a sync group is created");
	ok(is(k, "group.id", at(j, "group.id")), "a repeated request creates one group (RL-9)");
	(void)snprintf(id, sizeof(id), "%s", at(j, "group.id"));
	json_decref(j);
	json_decref(k);
	ok(refused(ask("sync_group_create", "{'group': {'name': 'Lyon'}}"), "8201", "name"),
		"a second group of the same name is a conflict");
	j = ask("sync_group_get", "{'ref': '%s'}", id);
	k = ask("sync_group_get", "{'ref': 'Lyon'}");
	ok(is(j, "group.note", "floor 3") && is(k, "group.id", id), "found by id and by name");
	json_decref(j);
	json_decref(k);
	key = uuid_v7(clock_wall_ms());
	const char *change = "{'ref': 'Lyon', 'if_version': 1, 'group': {'note': 'floor 4'}}";
	j = ask_as("sync_group_update", change, &key);
	k = ask_as("sync_group_update", change, &key);
	ok(is(j, "group.version", "2") && is(j, "group.note", "floor 4") &&
			is(j, "group.name", "Lyon"),
		"a change keeps what was not given");
	ok(is(k, "group.version", "2"), "the same change said twice is made once");
	json_decref(j);
	json_decref(k);
	ok(refused(ask_as("sync_group_update", change, NULL), "8201", "version"),
		"a change made on an old version is a conflict");
	json_decref(ask("sync_group_create", "{'group': {'name': 'Paris'}}"));
	ok(refused(ask("sync_group_update", "{'ref': 'Paris', 'group': {'name': 'Lyon'}}"), "8201",
		   "name"),
		"nor may a group be renamed to another's name");
	ok(refused(ask("sync_group_get", "{'ref': 'Rome'}"), "8202", "sync_group"),
		"an unknown group is not found");
	j = ask("sync_group_list", "{'limit': 1}");
	k = ask("sync_group_list", "{'limit': 1, 'cursor': '%s'}", at(j, "next"));
	ok(is(j, "items.0.name", "Lyon") && is(k, "items.0.name", "Paris") && is(k, "next", ""),
		"the list has pages");
	json_decref(j);
	json_decref(k);
}

static void members(void)
{
	said(put("Lyon", 1, ", 'role': 'server', 'state': 'running'"), "", "a server enters");
	said(put("Lyon", 2, ", 'role': 'server_client'"), "sync_server",
		"a second server is refused");
	for (int i = 2; i <= 10; i++)
		if (*put("Lyon", i, ", 'role': 'client', 'state': 'running'") != '\0')
			ok(false, "nine clients enter");
	said(put("Lyon", 11, ", 'role': 'client', 'state': 'running'"), "sync_limit",
		"the eleventh machine is refused (L1)");
	said(put("Lyon", 11, ", 'role': 'client'"), "", "a stopped one may be listed (L4)");
	said(put("Lyon", 12, ", 'role': 'replica', 'state': 'running'"), "",
		"a replica does not count (L3)");
	said(put("Lyon", 11, ", 'state': 'start_pending_restart'"), "sync_limit",
		"it may not start while ten count");
	said(put("Lyon", 10, ", 'state': 'stopped'"), "", "one is dropped at the server");
	said(put("Lyon", 11, ", 'state': 'running'"), "sync_transition",
		"stopped to running is no step");
	said(put("Lyon", 11, ", 'state': 'start_pending_restart'"), "", "then the other starts");
	said(put("Paris", 11, ", 'role': 'client'"), "sync_elsewhere",
		"a device is in one group only");
	said(put("Lyon", 11, ", 'destination': 'a b'"), "destination",
		"a bad destination is refused");
	said(put("Rome", 11, ""), "sync_group", "a member of no group is refused");
	json_t *j = ask("sync_member_list", "{'ref': 'Lyon'}");
	ok(json_array_size(json_object_get(j, "items")) == 12 &&
			is(j, "items.0.device_name", "p1") && is(j, "items.0.role", "server") &&
			is(j, "items.0.state", "running"),
		"the members are listed");
	json_decref(j);
	j = ask("sync_group_get", "{'ref': 'Lyon'}");
	char server[UUID_TEXT];
	(void)snprintf(server, sizeof(server), DEVICE, 1);
	ok(is(j, "group.members", "12") && is(j, "group.server", server),
		"the group tells its server and how many it has");
	json_decref(j);
	struct uuid key = uuid_v7(clock_wall_ms());
	json_t *k = NULL;
	for (int i = 0; i < 2; i++) {
		json_decref(k);
		k = ask_as("sync_member_put",
			"{'ref': 'Lyon', 'member': {'device': "
			"'0193aaaa-0000-7000-8000-000000000012',"
			" 'device_name': 'p12', 'version': 1, 'state': 'stopped'}}",
			&key);
	}
	ok(is(k, "items.3.device_name", "p12") && is(k, "items.3.version", "2"),
		"a member's change said twice is made once");
	json_decref(k);
	said(put("Lyon", 11, ", 'version': 1, 'state': 'running'"), "version",
		"a member changed on an old version is a conflict");
}

static void leaving(void)
{
	ok(refused(ask("sync_member_remove", "{'ref': 'Lyon', 'device': '" DEVICE "'}", 3), "8201",
		   "sync_running"),
		"a client that counts does not leave (L4)");
	ok(refused(ask("sync_group_delete", "{'ref': 'Lyon'}"), "8201", "in_use"),
		"a group with members stays");
	json_t *j = ask("sync_member_remove", "{'ref': 'Lyon', 'device': '" DEVICE "'}", 10);
	ok(json_array_size(json_object_get(j, "items")) == 11, "a stopped client leaves");
	json_decref(j);
	ok(refused(ask("sync_member_remove", "{'ref': 'Lyon', 'device': '" DEVICE "'}", 10), "8202",
		   "sync_member"),
		"who left is not a member");
	said(put("Paris", 10, ", 'role': 'client', 'state': 'running'"), "",
		"and may enter another group");
}

/* The lock service was down until now. */
static void the_lock_learns(void)
{
	client_service = "lock";
	(void)scheduler_start_one(NULL);
	ok(becomes("10", "select count(*) from lock.standing"),
		"a lock service that comes up late learns all clients that run (8 of Lyon, 1 of "
		"Paris, 1 that starts)");
	said(put("Lyon", 2, ", 'state': 'pausing'"), "", "a client pauses");
	ok(becomes("4", "select state from lock.standing where device_id = '" DEVICE "'", 2),
		"the lock service hears it");
	said(put("Lyon", 2, ", 'state': 'stopped'"), "", "it is dropped");
	ok(becomes("9", "select count(*) from lock.standing"), "and stands no more");
	json_decref(ask("sync_member_remove", "{'ref': 'Lyon', 'device': '" DEVICE "'}", 2));
	ok(becomes("0", "select count(*) from sync.departed"),
		"who left is forgotten when the lock service has heard it");
}

/* ---- two instances, asked at once, one killed ---- */

#define CROWD 16

static struct {
	size_t open, good, full;
} crowd;

static void crowd_answer(
	unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	void *reply = NULL;

	if (result == BUS_OK && msg_decode(body, &client.arena, &desc, &h, &reply, &f) == 0) {
		if (desc == &m_sync_member_page_desc)
			crowd.good++;
		else if (desc == &m_fault_desc &&
			 (strcmp(((const struct m_fault *)reply)->reason, "sync_limit") == 0 ||
				 strcmp(((const struct m_fault *)reply)->reason,
					 "sync_elsewhere") == 0))
			crowd.full++;
	}
	if (--crowd.open == 0)
		loop_stop(client.loop);
}

/* Sixteen machines enter the group at the same moment, running. */
static void crowd_enters(const char *group, int first, bool same)
{
	struct msg_header h = {.sender = "test",
		.deadline_ms = 5000,
		.protocol = MSG_PROTOCOL,
		.trace = uuid_v7(clock_wall_ms()),
		.actor = ""};

	crowd.good = crowd.full = 0;
	for (int i = 0; i < CROWD; i++) {
		char device[64];
		struct m_sync_member m = {.role = SYNC_ROLE_CLIENT, .state = SYNC_STATE_RUNNING};
		struct m_sync_member_put put_it = {.ref = group, .member = &m};
		struct buf out = BUF_INIT;
		if (same)
			put_it.ref = i % 2 == 0 ? group : "Race";
		(void)snprintf(device, sizeof(device), DEVICE, same ? first : first + i);
		if (uuid_parse(device, &m.device) < 0)
			abort();
		h.request = uuid_v7(clock_wall_ms());
		msg_encode(&out, &m_sync_member_put_desc, &h, &put_it);
		crowd.open++;
		bus_send(client.to, 0, buf_span(&out), 5000, crowd_answer, NULL);
		buf_fini(&out);
	}
}

static void crowd_wait(void)
{
	while (crowd.open > 0)
		loop_run(client.loop);
}

static const char *machines(const char *group)
{
	return sql("select count(*) from sync.member m join sync.sync_group g on g.id = m.group_id "
		   "where g.name = '%s'",
		group);
}

/* Number of a machine that is in the group. */
static const char *one_of(const char *group)
{
	return sql("select max(right(m.device_id::text, 2)) from sync.member m "
		   "join sync.sync_group g on g.id = m.group_id where g.name = '%s'",
		group);
}

static void two_instances(void)
{
	json_decref(ask("sync_group_create", "{'group': {'name': 'Race'}}"));
	crowd_enters("Race", 40, false);
	crowd_wait();
	ok(crowd.good == 10 && crowd.full == 6,
		"sixteen at once by two instances: ten enter, six find it full");
	said(machines("Race"), "10", "and ten are in the database");
	said(put("Race", atoi(one_of("Race")), ", 'state': 'stopped'"), "", "one is dropped");
	crowd_enters("Paris", 90, true);
	crowd_wait();
	ok(crowd.good == 8 && crowd.full == 8,
		"one device into two groups at once: it enters one of them");
}

static void killed(void)
{
	json_decref(ask("sync_group_create", "{'group': {'name': 'Kill'}}"));
	ok(waitpid(client.pids[0], NULL, WNOHANG) == 0 &&
			waitpid(client.pids[1], NULL, WNOHANG) == 0,
		"both instances still run");
	crowd_enters("Kill", 60, false);
	while (crowd.good == 0)
		pause_ms(1);
	scheduler_kill(0);
	crowd_wait();
	size_t acked = crowd.good;
	ok(acked <= 10 && (size_t)atoi(machines("Kill")) >= acked,
		"kill -9 in the middle: what was answered is there");
	crowd_enters("Kill", 60, false);
	crowd_wait();
	ok(crowd.good == 10 && crowd.full == 6, "asked again, ten are in, six are not");
	said(machines("Kill"), "10", "and none is doubled");
	for (int i = 0; i < 3; i++) {
		json_t *j = ask("sync_group_get", "{'ref': 'Lyon'}");
		if (!is(j, "group.name", "Lyon"))
			ok(false, "the other instance goes on");
		json_decref(j);
	}
}

/* ---- events ---- */

static size_t events, states_heard;

static void on_event(unused void *arg, struct span body)
{
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	struct arena arena;
	void *event = NULL;

	arena_init(&arena, 0);
	if (msg_decode(body, &arena, &desc, &h, &event, &f) == 0 && desc == &m_sync_changed_desc) {
		events++;
		states_heard += ((const struct m_sync_changed *)event)->state ==
				SYNC_STATE_STOP_PENDING_RESTART;
	}
	arena_fini(&arena);
}

static void changes_are_told(void)
{
	char urls[256];
	struct fault f = FAULT_INIT;
	uint64_t end = clock_mono_ms() + 5000;

	(void)snprintf(urls, sizeof(urls), "ipc://%s/e0,ipc://%s/e1", client.dir, client.dir);
	if (bus_subscribe(client.bus, urls, (struct span){NULL, 0}, on_event, NULL, &f) < 0)
		abort();
	while (events == 0 && clock_mono_ms() < end) { /* until the subscription stands */
		(void)put("Lyon", 12, "");             /* changes nothing and is told */
		pause_ms(200);
	}
	said(put("Lyon", 4, ", 'state': 'stop_pending_restart'"), "", "a client is stopped");
	while (states_heard == 0 && clock_mono_ms() < end)
		pause_ms(10);
	ok(states_heard == 1, "sync_changed tells its new state");
}

int main(void)
{
	client_open();
	start_sync();
	start_sync();
	client_connect(2);
	groups();
	members();
	leaving();
	the_lock_learns();
	changes_are_told();
	two_instances();
	killed();
	client_close();
	return finish_tests();
}
