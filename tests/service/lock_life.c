// SPDX-License-Identifier: Apache-2.0
/* The life of a lock through the running service: asked twice, waited for, renewed, released,
 * expired, in quarantine, in attention; and what storage sees (docs/spec/locks.md 4, 7, 9). */
#include "tests/service/lock_client.h"

/* A lease that does not end while a slow machine works on the test. */
#define LONG ", 'lease_ms': 20000"

/* As role carnet_storage: a column of what lock.check() finds, "" when there is no live lock. */
static const char *check(unsigned on, const char *token, unsigned request)
{
	return sql("set local role carnet_storage; select op from lock.check('%s', %s, '%s')",
		id(on), token, id(request));
}

static const char *wrong(const char *token)
{
	static char out[32];

	(void)snprintf(out, sizeof(out), "%llu", strtoull(token, NULL, 10) + 1);
	return out;
}

static void asked_twice(void)
{
	struct want w = {.request = 1, .op = "indiv_ie", .devices = device(1), .more = LONG};
	json_t *first = acquire(w), *again = acquire(w);

	ok(is(first, "answer", "granted") &&
			is(again, "grants.0.token", at(first, "grants.0.token")) &&
			number_at(again, "remaining_ms") <= 20000,
		"the same request again gets the same token (I9)");
	w.direction = "import";
	json_t *other = acquire(w);
	ok(is(other, "answer", "refused") && is(other, "reason", "request_reused"),
		"the same id with other content is refused as reused");
	w = (struct want){.request = 2, .op = "batch_ie", .devices = device(1)};
	ok(answers(acquire(w), "busy"), "a second exclusive operation is busy");
	const char *token = at(first, "grants.0.token");
	ok(give_back("lock_release", 1, 1, token, "") == 0, "its holder gives it back");
	ok(give_back("lock_release", 1, 1, token, "") == 0,
		"the same release once more is no loss");
	ok(answers(acquire(w), "busy"),
		"a final answer is repeated, though the device is free now");
	json_decref(other);
	w = (struct want){.request = 1, .op = "indiv_ie", .devices = device(1), .more = LONG};
	ok(answers(acquire(w), "lost"), "a released request is answered lost, never granted anew");
	json_decref(first);
	json_decref(again);
}

/* In one call; how many are lost. */
static long renew_both(unsigned request, const char *token, const char *other)
{
	json_t *j = ask("lock_renew",
		"{'session': '%s', 'locks': [{'request': '%s', 'token': %s}, "
		"{'request': '%s', 'token': %s}]}",
		id(request), id(request), token, id(request), other);
	long lost = (long)json_array_size(json_object_get(j, "lost"));

	json_decref(j);
	return lost;
}

static void only_the_holder(void)
{
	json_t *j = acquire(
		(struct want){.request = 10, .op = "indiv_ie", .devices = device(2), .more = LONG});
	char token[32];

	(void)snprintf(token, sizeof(token), "%s", at(j, "grants.0.token"));
	json_decref(j);
	ok(give_back("lock_renew", 10, 11, token, "") == 1, "another session cannot renew (I6)");
	ok(give_back("lock_renew", 10, 10, wrong(token), "") == 1, "a wrong token cannot renew");
	ok(renew_both(10, token, wrong(token)) == 1, "nor beside the right one");
	ok(give_back("lock_release", 10, 11, token, "") == 1, "another session cannot release");
	ok(give_back("lock_release", 10, 10, wrong(token), "") == 1,
		"a wrong token cannot release");
	ok(give_back("lock_renew", 10, 10, token, "") == 0, "the holder renews");
	ok(strcmp(check(2, token, 10), "indiv_ie") == 0, "storage finds the live lock");
	ok(strcmp(check(2, wrong(token), 10), "") == 0 && strcmp(check(2, token, 11), "") == 0 &&
			strcmp(check(3, token, 10), "") == 0,
		"storage finds nothing under another token, request or device");
	ok(give_back("lock_release", 10, 10, token, ", 'unsure': true") == 0, "an unsure release");
	ok(strcmp(sql("select state from lock.held where device_id = '%s'", id(2)), "3") == 0,
		"puts the device in quarantine");
	ok(strcmp(check(2, token, 10), "") == 0, "storage finds no live lock in quarantine");
	ok(give_back("lock_renew", 10, 10, token, "") == 1, "no renewal revives it");
}

static void expiry_and_quarantine(void)
{
	json_t *j = acquire((struct want){.request = 20, .op = "batch_ie", .devices = device(4)});
	char token[32];

	(void)snprintf(token, sizeof(token), "%s", at(j, "grants.0.token"));
	json_decref(j);
	ok(becomes("3", "select state from lock.held where device_id = '%s'", id(4)),
		"a lease that is not renewed ends in quarantine (I10)");
	ok(strcmp(check(4, token, 20), "") == 0, "storage finds no live lock after its lease");
	pause_ms(QUARANTINE_MS + 300);
	ok(answers(acquire((struct want){.request = 21, .op = "batch_ie", .devices = device(4)}),
		   "busy"),
		"without a clear probe the device stays busy when the time is over");
	ok(answers(acquire((struct want){.request = 22,
			   .op = "batch_ie",
			   .devices = device(4),
			   .more = ", 'observed': [{'device': "
				   "'00000000-0000-7000-8000-000000000004',"
				   " 'ops': ['batch_ie'], 'age_ms': 10}]"}),
		   "busy"),
		"a worker that asks and sees the import run is told busy");
	ok(strcmp(sql("select quarantine_until > quarantined_at + interval '20 s' from lock.held "
		      "where device_id = '%s'",
			  id(4)),
		   "t") == 0,
		"and the quarantine is longer");
	(void)sql(
		"update lock.held set quarantine_until = clock_timestamp() where device_id = '%s'",
		id(4));
	(void)sql("delete from lock.shadow where device_id = '%s'", id(4));
	ok(answers(acquire((struct want){.request = 23,
			   .op = "batch_ie",
			   .devices = device(4),
			   .more = ", 'observed': [{'device': "
				   "'00000000-0000-7000-8000-000000000004',"
				   " 'ops': ['sleep'], 'age_ms': 10}]"}),
		   "busy"),
		"the next worker's clear probe comes with its question");
	ok(comes("granted", 200, "batch_ie", 4, 3000), "which then gets the device");
}

static void a_person_ends_attention(void)
{
	json_t *j = acquire((struct want){.request = 30, .op = "batch_ie", .devices = device(5)});

	json_decref(j);
	j = ask("lock_end", "{'request': '%s', 'reason': 'looked'}", id(30));
	ok(is(j, "fault.reason", "not_in_attention"), "a person ends no live lock");
	json_decref(j);
	ok(becomes("4", "select state from lock.held where device_id = '%s'", id(5)),
		"a quarantine that nobody clears asks for attention");
	j = ask("lock_end", "{'request': '%s', 'reason': 'looked at it'}", id(30));
	ok(json_object_get(j, "fault") == NULL, "a person ends it");
	json_decref(j);
	ok(strcmp(sql("select detail from lock.history where event = 'ended' and request = '%s'",
			  id(30)),
		   "looked at it") == 0,
		"with the reason on record");
	ok(answers(acquire((struct want){.request = 31, .op = "batch_ie", .devices = device(5)}),
		   "granted"),
		"the device is free");
}

static void holds(void)
{
	struct want hold = {.request = 40,
		.kind = "hold",
		.op = "sync_control",
		.direction = "none",
		.devices = "'00000000-0000-7000-8000-000000000006',"
			   " '00000000-0000-7000-8000-000000000007'"};
	char under[80];

	ok(answers(acquire(hold), "granted"), "a workflow holds two devices");
	(void)snprintf(under, sizeof(under), ", 'under': '%s'", id(40));
	ok(answers(acquire((struct want){.request = 41, .op = "batch_ie", .devices = device(6)}),
		   "busy"),
		"others are busy");
	ok(answers(acquire((struct want){
			   .request = 42, .op = "batch_ie", .devices = device(6), .more = under}),
		   "granted"),
		"its child is granted");
	ok(becomes("0", "select count(*) from lock.held where request = '%s'", id(40)),
		"a hold that is not renewed ends at once, on both devices");
	ok(strcmp(sql("select count(*) from lock.history where event = 'quarantine' and request = "
		      "'%s'",
			  id(40)),
		   "0") == 0,
		"without a quarantine");
	json_t *j = acquire((struct want){
		.request = 43, .op = "batch_ie", .devices = device(7), .more = under});
	ok(is(j, "answer", "refused") && is(j, "reason", "hold_lost"),
		"a child that comes later is refused hold_lost");
	json_decref(j);
}

static void all_or_nothing(void)
{
	static const char three[] = "'00000000-0000-7000-8000-000000000011',"
				    " '00000000-0000-7000-8000-000000000010',"
				    " '00000000-0000-7000-8000-000000000012'";
	struct want w = {.request = 52,
		.op = "batch_ie",
		.devices = three,
		.more = ", 'wait_ms': 10000, 'lease_ms': 20000"};
	json_t *j = acquire((struct want){.request = 50,
		.op = "indiv_ie",
		.devices = device(11),
		.more = ", 'lease_ms': 20000"});
	char token[32];

	(void)snprintf(token, sizeof(token), "%s", at(j, "grants.0.token"));
	json_decref(j);
	ok(answers(acquire((struct want){.request = 51, .op = "batch_ie", .devices = three}),
		   "busy"),
		"three devices, one of them taken: busy");
	ok(strcmp(sql("select count(*) from lock.held where request = '%s'", id(51)), "0") == 0,
		"and none is held");
	j = acquire(w);
	ok(is(j, "answer", "queued") && is(j, "place", "1") && is(j, "blockers.0.op", "indiv_ie"),
		"with time to wait: queued, and told by what");
	json_decref(j);
	ok(answers(acquire((struct want){.request = 53, .op = "indiv_ie", .devices = device(10)}),
		   "busy"),
		"who comes later does not pass it on a free device (I7)");
	ok(give_back("lock_release", 50, 50, token, "") == 0, "the one in its way leaves");
	j = acquire(w);
	ok(is(j, "answer", "granted") && json_array_size(json_object_get(j, "grants")) == 3,
		"the waiter's next poll is granted all three (I8)");
	json_decref(j);
	ok(strcmp(sql("select count(*) from lock.held where request = '%s'", id(52)), "3") == 0 &&
			strcmp(sql("select count(*) from lock.waiting"), "0") == 0,
		"it holds them and waits nowhere");
}

static void waiters_leave(void)
{
	json_decref(acquire((struct want){.request = 60,
		.op = "indiv_ie",
		.devices = device(13),
		.more = ", 'lease_ms': 20000"}));
	struct want w = {
		.request = 61, .op = "batch_ie", .devices = device(13), .more = ", 'wait_ms': 600"};
	ok(answers(acquire(w), "queued"), "a waiter with 600 ms");
	ok(becomes("7", "select state from lock.request where id = '%s'", id(61)),
		"is answered busy when its time is over");
	ok(answers(acquire(w), "busy"), "also when it asks again");
	w = (struct want){.request = 62,
		.op = "batch_ie",
		.devices = device(13),
		.more = ", 'wait_ms': 60000"};
	ok(answers(acquire(w), "queued"), "a waiter that is silent");
	ok(becomes("9", "select state from lock.request where id = '%s'", id(62)), "is dropped");
	ok(answers(acquire(w), "cancelled"), "and told so");
	w.request = 63;
	ok(answers(acquire(w), "queued"), "a waiter that thinks better of it");
	json_decref(ask("lock_cancel", "{'request': '%s', 'session': '%s'}", id(63), id(64)));
	ok(strcmp(sql("select count(*) from lock.waiting"), "1") == 0,
		"is not cancelled by somebody else");
	json_decref(ask("lock_cancel", "{'request': '%s', 'session': '%s'}", id(63), id(63)));
	ok(answers(acquire(w), "cancelled") &&
			strcmp(sql("select count(*) from lock.waiting"), "0") == 0,
		"leaves the queue");
}

/* Two instances; one is stopped while leases run. What the other renews stays. */
static void a_stopped_instance(void)
{
	json_t *j;
	char token[32];
	bool lost = false;

	pause_ms(3 * LEASE_MS); /* it has watched the clock long enough to end leases */
	(void)kill(client.pids[1], SIGSTOP);
	j = acquire((struct want){.request = 80, .op = "indiv_ie", .devices = device(20)});
	for (int i = 0; i < 3 && !is(j, "answer", "granted"); i++) {
		json_decref(j);
		j = acquire((struct want){.request = 80, .op = "indiv_ie", .devices = device(20)});
	}
	(void)snprintf(token, sizeof(token), "%s", at(j, "grants.0.token"));
	json_decref(j);
	uint64_t end = clock_mono_ms() + 2 * LEASE_MS;
	while (clock_mono_ms() < end) {
		lost = give_back("lock_renew", 80, 80, token, "") > 0 || lost;
		pause_ms(100);
	}
	(void)kill(client.pids[1], SIGCONT);
	end = clock_mono_ms() + 500;
	while (clock_mono_ms() < end) {
		lost = give_back("lock_renew", 80, 80, token, "") > 0 || lost;
		pause_ms(50);
	}
	ok(!lost && strcmp(check(20, token, 80), "indiv_ie") == 0,
		"an instance stopped past the lease frees nothing that another one renewed");
}

/* What is seen on a device makes the service read its rows before it decides (ahead.c). */
static void take_as(unsigned request, unsigned on, bool read_first)
{
	char seen[200];

	(void)snprintf(seen, sizeof(seen),
		", 'lease_ms': 20000, 'observed': [{'device': %s, 'ops': [%s]}]", device(on),
		read_first ? "'sleep'" : "");
	ok(answers(acquire((struct want){.request = request,
			   .op = "indiv_ie",
			   .devices = device(on),
			   .more = seen}),
		   "granted"),
		read_first ? "decided by what was read" : "decided ahead");
}

static const char *token_of(unsigned request)
{
	return sql("select first_token from lock.request where id = '%s'", id(request));
}

static void decided_ahead_or_not(void)
{
	take_as(100, 30, true); /* their rows are made */
	take_as(101, 31, true);
	ok(give_back("lock_release", 100, 100, token_of(100), "") == 0 &&
			give_back("lock_release", 101, 101, token_of(101), "") == 0,
		"both are given back");
	(void)sql("delete from lock.shadow");
	take_as(102, 30, true);
	take_as(103, 31, false);
	ok(strcmp(sql("select count(distinct to_jsonb(h) - '{device_id,request,session,granted_at,"
		      "expires_at}'::text[] || to_jsonb(h.expires_at - h.granted_at)) from "
		      "lock.held h where request in ('%s', '%s')",
			  id(102), id(103)),
		   "1") == 0,
		"a lock decided ahead has the same row as another");
	ok(answers(acquire((struct want){.request = 104, .op = "batch_ie", .devices = device(31)}),
		   "busy") &&
			strcmp(sql("select last_token - token from lock.held join lock.device "
				   "using (device_id) where request = '%s'",
				       id(103)),
				"0") == 0,
		"a guess that was wrong leaves no trace, not even a number");
	ok(answers(acquire((struct want){.request = 105,
			   .op = "batch_ie",
			   .devices = device(30),
			   .more = ", 'wait_ms': 10000"}),
		   "queued"),
		"somebody waits for one of them");
	ok(give_back("lock_release", 102, 102, token_of(102), "") == 0 &&
			give_back("lock_release", 103, 103, token_of(103), "") == 0,
		"both are given back, the one behind a waiter too");
	ok(strcmp(sql("select count(distinct to_jsonb(r) - '{id,digest,session,devices,answer,"
		      "asked_at,ended_at}'::text[]) from lock.request r where id in ('%s', '%s')",
			  id(102), id(103)),
		   "1") == 0,
		"their requests ended alike");
	ok(strcmp(sql("select count(distinct (event, op, cardinality(devices), tokens, detail)) "
		      "from lock.history where request in ('%s', '%s')",
			  id(102), id(103)),
		   "2") == 0,
		"and so did their histories: granted, released");
	ok(answers(acquire((struct want){.request = 106, .op = "indiv_ie", .devices = device(30)}),
		   "busy"),
		"nobody passes the waiter, though nothing is held (I7)");
}

static void rows_that_vanish(void)
{
	(void)sql("delete from lock.held; delete from lock.device");
	ok(answers(acquire((struct want){.request = 90, .op = "indiv_ie", .devices = device(1)}),
		   "granted"),
		"an older database in place: the rows are made again");
}

int main(void)
{
	lock_open(1);
	asked_twice();
	only_the_holder();
	expiry_and_quarantine();
	a_person_ends_attention();
	holds();
	all_or_nothing();
	waiters_leave();
	decided_ahead_or_not();
	rows_that_vanish();
	client_close();
	client.n = 0;
	lock_open(1);
	(void)scheduler_start_one(lock_settings); /* not asked by us: it sweeps */
	a_stopped_instance();
	client_close();
	return finish_tests();
}
