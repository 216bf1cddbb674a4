// SPDX-License-Identifier: Apache-2.0
/* Schedulers are killed around a firing, at a crash point or at any moment, and others take over
 * (docs/spec/fleet.md FL-33, reliability.md RL-30): each occurrence makes one run, with one list.
 * FIRING_SEEDS=100 for a release, FIRING_SEED for one of them. */
#include "tests/service/scheduler_plan.h"

#ifdef CARNET_CRASHPOINTS
static const char *const quick[] = {"--tick_ms=50", "--lease_ms=60000", NULL};

static uint32_t rng;

static uint32_t any(uint32_t below)
{
	rng = rng * 1664525u + 1013904223u;
	return (rng >> 8) % below;
}

static void start_in(size_t slot, const char *wish)
{
	client.n = slot;
	if (wish != NULL)
		(void)setenv("CARNET_CRASH", wish, 1);
	(void)scheduler_start_one(quick);
	(void)unsetenv("CARNET_CRASH");
}

/* Dead at its crash point, or soon after: nobody waits for a place that was not reached. */
static void ends(size_t slot, uint64_t within_ms)
{
	uint64_t end = clock_mono_ms() + within_ms;
	int status = 0;

	while (clock_mono_ms() < end && waitpid(client.pids[slot], &status, WNOHANG) == 0)
		pause_ms(5);
	if (status != 0)
		client.pids[slot] = 0;
	else
		scheduler_kill(slot);
}

static bool survives(uint32_t seed)
{
	static const char *const wishes[] = {
		"tick.before_insert:1", "tick.after_insert:1", "run.targets_frozen:1", NULL};
	const char *wish;

	rng = seed * 2654435761u;
	wish = wishes[any(array_len(wishes))];
	start_in(0, wish);
	if (any(2) == 0)
		start_in(1, wishes[any(array_len(wishes))]);
	(void)sql("update sched.task set next_at = clock_timestamp(), next_local = 'seed %u'"
		  " where name = 'often'",
		seed);
	ends(0, wish == NULL ? any(400) : 3000);
	if (client.n == 2)
		ends(1, any(400));
	start_in(0, NULL);
	start_in(1, NULL);
	bool good = becomes("1",
		"select count(*) from sched.firing f join sched.run r on r.id = f.run"
		" where f.local = 'seed %u' and r.state > 1",
		seed);
	scheduler_kill(0);
	scheduler_kill(1);
	return good;
}

int main(void)
{
	const char *seeds = getenv("FIRING_SEEDS"), *only = getenv("FIRING_SEED");
	uint32_t first = only != NULL ? (uint32_t)strtoul(only, NULL, 10) : 1;
	uint32_t n = seeds != NULL ? (uint32_t)strtoul(seeds, NULL, 10) : 6;
	uint32_t good = 0, last = only != NULL ? first : n;
	char runs[16], jobs[16];

	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	enrol("f1", "snmp", "");
	enrol("f2", "snmp", "");
	json_decref(ask("task_create",
		"{'task': {'name': 'often', 'kind': 'device.probe', 'targets': {'all': true},"
		" 'schedule': {'form': 'every_minutes', 'n': 1440, 'start_at':"
		" '2036-01-01T00:00:00Z'}}}"));
	scheduler_kill(0);
	for (uint32_t seed = first; seed <= last; seed++) {
		bool fired = survives(seed);
		good += fired;
		if (!fired)
			(void)fprintf(stderr, "# FIRING_SEED=%u\n", seed);
	}
	ok(good == last - first + 1, "whoever is killed around a firing, it comes");
	(void)snprintf(runs, sizeof(runs), "%u", good);
	(void)snprintf(jobs, sizeof(jobs), "%u", 2 * good);
	ok(strcmp(sql("select count(*) from sched.run where cause = 'schedule'"), runs) == 0,
		"and once (FL-33)");
	ok(strcmp(sql("select count(*) from sched.job"), jobs) == 0 &&
			strcmp(sql("select count(*) from sched.ready"), jobs) == 0,
		"with one list, of which each device waits once for its worker");
	client_close();
	return finish_tests();
}
#else
int main(void)
{
	(void)printf("ok 1 - # SKIP crash points are built with CRASH=1 or SAN=1\n1..1\n");
	return 0;
}
#endif
