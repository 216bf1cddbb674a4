// SPDX-License-Identifier: Apache-2.0
/* The lock service is killed at each of its crash points (docs/spec/reliability.md section 8) while
 * a lock lives its life; after the restart the life goes on as if nothing had been. */
#include "tests/service/lock_client.h"

#ifdef CARNET_CRASHPOINTS
enum { ANSWER_MS = 60000 }; /* a restart on a machine that does other things, too */

static struct {
	const char *point;
	bool reached;
	unsigned base; /* of the numbers of this life */
} now;

static void revive(void)
{
	client.n = 0;
	(void)scheduler_start_one(lock_settings);
}

/* Notices a death at the crash point; any other end of the process fails the test. */
static void look_after(void)
{
	int status = 0;

	if (client.pids[0] <= 0 || waitpid(client.pids[0], &status, WNOHANG) <= 0)
		return;
	bug_if(!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || now.reached);
	now.reached = true;
	revive();
}

static void set_up(const char *point)
{
	char wish[64];

	now.point = point;
	now.reached = false;
	now.base += 100;
	(void)snprintf(wish, sizeof(wish), "%s:1", point);
	(void)setenv("CARNET_CRASH", wish, 1);
	client.n = 0;
	(void)scheduler_start_one(lock_settings);
	(void)unsetenv("CARNET_CRASH");
}

/* The answer to a call that is repeated until there is one. */
static json_t *insist(const char *name, const char *json)
{
	uint64_t end = clock_mono_ms() + ANSWER_MS;

	for (;;) {
		json_t *j = ask(name, "%s", json);
		look_after();
		if (json_object_get(j, "fault") == NULL || clock_mono_ms() > end)
			return j;
		json_decref(j);
		pause_ms(50);
	}
}

/* A lease that is not meant to end outlives a restart on a slow machine. */
static json_t *take(unsigned request, unsigned lease_ms)
{
	char json[600];

	(void)snprintf(json, sizeof(json),
		"{'request': '%s', 'session': '%s', 'kind': 'own', 'op': 'batch_ie', 'direction': "
		"'export', 'devices': [%s, %s], 'lease_ms': %u, 'observed': [{'device': %s}, "
		"{'device': %s}]}",
		id(now.base + request), id(now.base), device(now.base), device(now.base + 1),
		lease_ms, device(now.base), device(now.base + 1));
	return insist("lock_acquire", json);
}

static bool tell(const char *name, unsigned request, const char *token)
{
	char json[400];

	(void)snprintf(json, sizeof(json),
		"{'session': '%s', 'locks': [{'request': '%s', 'token': %s}]}", id(now.base),
		id(now.base + request), token);
	json_t *j = insist(name, json);
	bool good = json_array_size(json_object_get(j, "lost")) == 0;
	json_decref(j);
	return good;
}

/* Waits with an eye on the process: it may die by itself, in a sweep. */
static bool reaches(const char *state)
{
	uint64_t end = clock_mono_ms() + ANSWER_MS;

	while (clock_mono_ms() < end) {
		look_after();
		if (strcmp(sql("select state from lock.request where id = '%s'", id(now.base + 2)),
			    state) == 0)
			return true;
		pause_ms(50);
	}
	return false;
}

static bool a_life(void)
{
	json_t *first = take(1, 10000), *again = take(1, 10000);
	bool good = is(first, "answer", "granted") &&
		    is(again, "grants.0.token", at(first, "grants.0.token")) &&
		    tell("lock_renew", 1, at(first, "grants.0.token")) &&
		    tell("lock_release", 1, at(first, "grants.0.token"));
	json_t *second = take(2, 1000);

	good = good && is(second, "answer", "granted") &&
	       number_at(second, "grants.0.token") > number_at(first, "grants.0.token") &&
	       reaches("3");
	json_decref(take(3, 1000)); /* busy; brings a clear probe */
	good = good && reaches("6");
	json_t *third = take(4, 10000);
	good = good && is(third, "answer", "granted") &&
	       number_at(third, "grants.0.token") > number_at(second, "grants.0.token");
	look_after();
	json_decref(first);
	json_decref(again);
	json_decref(second);
	json_decref(third);
	return good;
}

static bool rows_fit(void)
{
	return strcmp(sql("select count(*) from lock.request r where holding <> (select count(*) "
			  "from lock.held h where h.request = r.id)"),
		       "0") == 0 &&
	       strcmp(sql("select count(*) from (select request from lock.history where event in "
			  "('granted', 'released') group by request, event having count(*) > 1) x"),
		       "0") == 0;
}

int main(void)
{
	static const char *const points[] = {"instance.started", "grant.before_commit",
		"grant.after_commit", "renew.after_commit", "release.after_commit",
		"expire.after_row", "quarantine.end"};
	char text[200];

	client_service = "lock";
	client_open();
	client.watch = look_after; /* also while it starts: it may die there */
	for (size_t i = 0; i < array_len(points); i++) {
		set_up(points[i]);
		if (i == 0)
			client_connect(1);
		bool good = a_life();
		(void)snprintf(text, sizeof(text), "%s is reached", points[i]);
		ok(now.reached, text);
		(void)snprintf(
			text, sizeof(text), "killed at %s, the lock lives on as before", points[i]);
		ok(good && rows_fit(), text);
		scheduler_kill(0);
	}
	client_close();
	return finish_tests();
}
#else
int main(void)
{
	(void)lock_open;
	(void)printf("ok 1 - # SKIP crash points are built with CRASH=1 or SAN=1\n1..1\n");
	return 0;
}
#endif
