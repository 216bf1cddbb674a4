// SPDX-License-Identifier: Apache-2.0
/* The worked examples of docs/spec/locks.md section 12 by their numbers, through the running
 * service from outside. The function itself: tests/unit/lock/test_examples.c. */
#include "tests/service/lock_client.h"

static unsigned next_request = 1, next_device = 1;

/* A device of its own for each example; "waits": enough for the test. */
#define WAITS ", 'wait_ms': 600000"
#define ITEMS(list) ", 'items': [" list "]"

static json_t *asks(
	const char *kind, const char *op, const char *direction, unsigned on, const char *more)
{
	return acquire((struct want){.request = next_request++,
		.kind = kind,
		.op = op,
		.direction = direction,
		.devices = device(on),
		.more = more});
}

static json_t *own(const char *op, const char *direction, unsigned on, const char *more)
{
	return asks("own", op, direction, on, more);
}

static json_t *declared(const char *op, unsigned on, const char *more)
{
	return asks("declared", op, "none", on, more);
}

/* It is there before; its number as a request. */
static unsigned held(const char *kind, const char *op, const char *direction, unsigned on)
{
	bug_if(!answers(asks(kind, op, direction, on, ""), "granted"));
	return next_request - 1;
}

static void seen(unsigned on, const char *ops)
{
	see(on, ops, "");
}

static void synchronises(unsigned on, const char *role, const char *state, uint64_t prepared_s)
{
	char when[80] = "", time[CLOCK_RFC3339];

	if (prepared_s > 0)
		(void)snprintf(when, sizeof(when), ", 'prepared': '%s'",
			clock_rfc3339(clock_wall_ms() - prepared_s * 1000, time));
	json_decref(ask("lock_stand",
		"{'device': '%s', 'role': '%s', 'state': '%s', 'destination': 'localhost:8443'%s}",
		id(on), role, state, when));
}

static bool refused(json_t *j, const char *reason)
{
	bool good = is(j, "answer", "refused") && is(j, "reason", reason);

	json_decref(j);
	return good;
}

static const char *token_of(unsigned request)
{
	return sql("select token from lock.held where request = '%s' order by device_id limit 1",
		id(request));
}

static void release(unsigned request, const char *more)
{
	bug_if(give_back("lock_release", request, request, token_of(request), more) != 0);
}

static void what_stands_on_the_device(void)
{
	unsigned on = next_device++;

	ok(answers(own("indiv_ie", "export", on, ""), "granted"), "1: an idle device");
	seen(on = next_device++, "'panel'");
	ok(answers(own("indiv_ie", "export", on, ""), "granted"), "2: somebody at the panel");
	(void)held("own", "batch_ie", "export", on = next_device++);
	ok(answers(declared("rui", on, ""), "busy"), "3: remote UI during a batch");
	seen(on = next_device++, "'send'");
	ok(answers(own("batch_ie", "export", on, ""), "busy"), "4: a send job was seen");
	(void)held("own", "indiv_ie", "export", on = next_device++);
	ok(answers(own("batch_ie", "export", on, ""), "busy"), "5: two exports");
	on = next_device++;
	json_decref(own("indiv_ie", "export", on, ", 'profile': 'sharing'"));
	ok(answers(own("batch_ie", "export", on, ", 'profile': 'sharing'"), "granted"),
		"5: where the family shares them");
	(void)held("own", "batch_ie", "import", on = next_device++);
	ok(answers(declared("shutdown", on, ""), "granted"), "10: a shutdown during a batch");
	seen(on = next_device++, "'error_code'");
	ok(answers(own("indiv_ie", "import", on, ""), "busy"), "11: an error code");
	seen(on = next_device++, "'web_content'");
	ok(answers(own("indiv_ie", "export", on, ""), "busy"), "12: web content, fail-safe");
	seen(on = next_device++, "'web_error', 'sleep'");
	ok(answers(own("indiv_ie", "export", on, ""), "granted"), "13: a web error, asleep");
	seen(on = next_device++, "'other_activity'");
	ok(answers(own("indiv_ie", "export", on, ", 'strict': true"), "busy") &&
			answers(own("indiv_ie", "export", on, ""), "granted"),
		"14: copying matters in strict mode only");
	ok(refused(declared("panel", on, ""), "not_requestable"), "26: nobody asks for the panel");
}

static void synchronised_items(void)
{
	unsigned on = next_device++;

	synchronises(on, "client", "running", 0);
	json_t *j = own("batch_ie", "import", on, ITEMS("'address_book', 'personal_setting_info'"));
	ok(is(j, "answer", "granted") && is(j, "grants.0.items.0", "address_book") &&
			json_array_size(json_object_get(
				json_array_get(json_object_get(j, "grants"), 0), "items")) == 1 &&
			is(j, "items_refused.0.item", "personal_setting_info") &&
			is(j, "effects.0", "pause_sync"),
		"6: the rest is granted, synchronisation will pause");
	json_decref(j);
	synchronises(on = next_device++, "client", "paused", 0);
	ok(refused(own("batch_ie", "import", on, WAITS ITEMS("'user_group_address_list'")),
		   "items_synced"),
		"7: nothing left: refused, not queued");
	synchronises(on = next_device++, "server_client", "running", 0);
	ok(answers(own("indiv_ie", "import", on, ITEMS("'indiv_ab_group'")), "granted"),
		"8: X1, the local server");
	synchronises(on = next_device++, "server_client", "running", 901);
	ok(refused(own("indiv_ie", "export", on, ITEMS("'indiv_ab_personal'")), "items_synced"),
		"9: the window is closed");
	synchronises(on, "server_client", "running", 60);
	ok(answers(own("indiv_ie", "export", on, ITEMS("'indiv_ab_personal'")), "granted"),
		"9: the window is open (X2, X4)");
	synchronises(on = next_device++, "client", "running", 0);
	ok(answers(own("sync_control", "none", on, ""), "granted"),
		"23: row sync does not hinder its control");
	seen(on = next_device++, "'sync'");
	j = own("indiv_ie", "export", on, ITEMS("'indiv_ab_group', 'indiv_address_book'"));
	ok(is(j, "answer", "granted") && is(j, "grants.0.items.0", "indiv_address_book") &&
			is(j, "items_refused.0.item", "indiv_ab_group"),
		"28: synchronisation that was only seen is judged as client");
	json_decref(j);
}

static void who_waits(void)
{
	unsigned on = next_device++, send;

	(void)held("own", "batch_ie", "export", on);
	json_t *j = declared("sw_update", on, WAITS);
	ok(is(j, "answer", "queued") && number_at(j, "ticket") > 0 && is(j, "place", "1"),
		"15: queued, the first");
	json_decref(j);
	send = held("declared", "send", "none", on = next_device++);
	bug_if(!answers(own("batch_ie", "export", on, WAITS), "queued"));
	j = own("indiv_ie", "export", on, "");
	ok(is(j, "answer", "busy") && is(j, "blockers.0.op", "send") &&
			is(j, "blockers.1.op", "batch_ie") && is(j, "blockers.1.waiting", "true"),
		"16: blocked by what is held and by who came before");
	json_decref(j);
	ok(answers(declared("rui", on, ""), "granted"), "18: who delays nobody passes");
	release(send, "");
	ok(answers(declared("send", on, ""), "busy"), "17: who would delay the first waits (I7)");
}

static void several_devices_and_holds(void)
{
	unsigned one = next_device, two = one + 1, three = one + 2, hold;
	char list[256], under[160];

	next_device += 3;
	(void)held("own", "indiv_ie", "export", two);
	(void)snprintf(list, sizeof(list), "%s, %s, %s", device(three), device(one), device(two));
	struct want all = {.request = next_request++,
		.kind = "hold",
		.op = "sync_control",
		.direction = "none",
		.devices = list};
	ok(answers(acquire(all), "busy") &&
			strcmp(sql("select count(*) from lock.held where request = '%s'",
				       id(all.request)),
				"0") == 0,
		"19: one of three is busy: none is held");
	hold = held("hold", "sync_control", "none", one);
	(void)snprintf(under, sizeof(under), ", 'under': '%s'", id(hold));
	ok(answers(own("batch_ie", "import", one, ""), "busy"), "20: without its hold: busy");
	ok(answers(own("batch_ie", "import", one, under), "granted"), "20: under it: granted");
	hold = held("hold", "sync_control", "none", three);
	(void)snprintf(under, sizeof(under), ", 'under': '%s'", id(hold));
	bug_if(!answers(own("batch_ie", "import", three, WAITS), "queued"));
	ok(answers(own("indiv_ie", "import", three, under), "granted"),
		"27: a child does not wait for who waits for its hold");
	(void)snprintf(under, sizeof(under), ", 'under': '%s', 'workflow': '%s'", id(hold), id(9));
	ok(refused(own("indiv_ie", "import", three, under), "hold_lost"),
		"a hold of another workflow is none of its own");
	(void)held("declared", "mbox_backup", "none", one = next_device++);
	ok(answers(own("dist", "none", one, ""), "busy"), "24: two that move whole areas");
}

static void after_the_grant(void)
{
	unsigned on = next_device++;
	unsigned request = held("own", "batch_ie", "export", on);
	struct want again = {
		.request = request, .op = "batch_ie", .devices = device(on), .more = ""};
	json_t *j = acquire(again);
	unsigned long long token = strtoull(token_of(request), NULL, 10);

	ok(is(j, "answer", "granted") &&
			(unsigned long long)number_at(j, "grants.0.token") == token,
		"22: asked again: the same token");
	json_decref(j);
	ok(*sql("set local role carnet_storage; select op from lock.check('%s', %llu, '%s')",
		   id(on), token - 1, id(request)) == '\0',
		"25: storage finds nothing under the token before it");
	release(request, ", 'unsure': true");
	ok(answers(own("indiv_ie", "import", on, ""), "busy"), "21: in quarantine");
	pause_ms(QUARANTINE_MS + 200);
	ok(answers(own("indiv_ie", "import", on, ""), "busy"),
		"21: the time is over, no probe yet");
	seen(on, "");
	ok(comes("granted", next_request + 1000, "indiv_ie", on, 20000), "21: the probe is clear");
}

/* A family's file, as in schemas/profiles. */
static void family(const char *name, const char *lock)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.json", client.dir, name);
	f = fopen(path, "w");
	bug_if(f == NULL || fprintf(f, "{\"lock\": %s}", lock) < 0 || fclose(f) != 0);
}

static void families(void)
{
	family("sharing", "{\"revision\": 1, \"shared_export\": true}");
	family("older", "{\"revision\": 3, \"strict\": true, \"denied\": [\"mbox_backup\"],"
			" \"quarantine_ms\": 120000, \"probe\": \"none\"}");
	family("touchy", "{\"revision\": 1, \"operations\": {\"panel\":"
			 " {\"import_export_during_run\": \"no\", \"run_during_import_export\": "
			 "\"yes\"}, \"sync\": {\"effect_on_operation\": \"none\"}}}");
	family("wrong", "{\"revision\": 1, \"strickt\": true}");
	family("bad", "{\"revision\": 1, \"probe\": \"sometimes\"}");
}

static const char *decided(unsigned on)
{
	return sql("select concat_ws(' ', profile, profile_revision, probe, quarantine_ms) from"
		   " lock.held where device_id = '%s'",
		id(on));
}

static void what_a_family_overrides(void)
{
	unsigned on = next_device++;

	seen(on, "'other_activity'");
	ok(answers(own("batch_ie", "export", on, ", 'profile': 'older'"), "busy"),
		"a strict family: nothing beside copying");
	ok(refused(asks("declared", "mbox_backup", "none", on, ", 'profile': 'older'"),
		   "profile_denies"),
		"an operation that a family denies");
	(void)held("own", "session", "none", on = next_device++);
	ok(strcmp(decided(on), "generic 1 1 600") == 0,
		"a lock records the revision it was decided under");
	json_decref(own("batch_ie", "export", on = next_device++, ", 'profile': 'older'"));
	ok(strcmp(decided(on), "older 3 3 1200") == 0,
		"with the family's timers, which keep their ratio to generic's");
	seen(on = next_device++, "'panel'");
	ok(answers(own("batch_ie", "export", on, ", 'profile': 'touchy'"), "busy") &&
			answers(own("batch_ie", "export", on, ", 'profile': 'wrong'"), "granted"),
		"a family's cell counts in place of the printed one, nothing of a wrong file");
	synchronises(on = next_device++, "client", "running", 0);
	json_t *j = own("batch_ie", "import", on, ITEMS("'address_book'") ", 'profile': 'touchy'");
	ok(is(j, "answer", "granted") && is(j, "effects.0", "keep_awake"), "and a family's effect");
	json_decref(j);
	ok(strcmp(sql("select count(*) from lock.profile where name in ('wrong', 'bad')"), "0") ==
			0,
		"a family that says what nobody reads, or what cannot be, is left out");
	j = ask("lock_explain", "{'op': 'batch_ie', 'devices': ['%s'], 'profile': 'bad'}", id(on));
	ok(refused(j, "unknown_profile"), "and unknown to those who ask for it by name");
}

int main(void)
{
	char dir[128];

	client_service = "lock";
	client_open();
	families();
	(void)snprintf(dir, sizeof(dir), "--profiles=%s", client.dir);
	(void)scheduler_start_one((const char *const[]){"--shadow_ttl_ms=600000", "--sweep_ms=50",
		"--quarantine_ms=600", "--quarantine_max_ms=600000", "--silent_ms=60000", dir,
		NULL});
	client_connect(1);
	what_stands_on_the_device();
	synchronised_items();
	who_waits();
	several_devices_and_holds();
	after_the_grant();
	what_a_family_overrides();
	client_close();
	return finish_tests();
}
