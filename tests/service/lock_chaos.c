// SPDX-License-Identifier: Apache-2.0
/* Clients of three lock instances that do whatever a client may do, while everything around them is
 * killed, stopped and cut (lock_nemesis.h). What they saw is a history that the checker judges
 * (tests/lib/history.h; docs/spec/locks.md section 11), and that it must not acquit any more when a
 * fault of the service is put into it afterwards.
 *
 * SEED=n replays the choices (not the timing), CHAOS_MS=n rages for longer, HISTORY=FILE keeps the
 * history for tests/history/lincheck. */
#include "tests/service/lock_nemesis.h"

enum { CHAOS_MS = 8000, CALM_MS = 2000, HEAL_MS = 30000, PATIENTS = 4 };

/* ---- the history ---- */

static void read_back(struct history *h)
{
	char why[400];
	FILE *f = tmpfile();

	bug_if(f == NULL);
	history_write(&act.record, f);
	rewind(f);
	bug_if(history_read(h, f, why, sizeof(why)) < 0);
	(void)fclose(f);
}

static void keep_history(const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return;
	history_write(&act.record, f);
	(void)fclose(f);
	printf("# the history is in %s\n", path);
}

static void judge(unsigned seed)
{
	struct history h;
	char why[400] = "", path[80];

	read_back(&h);
	int verdict = history_check(&h, why, sizeof(why));
	printf("# %zu calls of %zu requests: %s\n", h.calls_n, h.requests_n,
		verdict == 1 ? "good" : why);
	history_fini(&h);
	(void)snprintf(path, sizeof(path), "/tmp/carnet-history-%u.txt", seed);
	if (verdict != 1 || getenv("HISTORY") != NULL)
		keep_history(getenv("HISTORY") != NULL ? getenv("HISTORY") : path);
	ok(verdict == 1, "one order of all that was seen is what the rules allow (I1-I3, I6-I10)");
}

/* How often the fault was put in; *missed: how often the judge did not see it. */
static unsigned treat(const struct history_doctor *d, unsigned *missed)
{
	struct history h;
	unsigned patients = 0;

	read_back(&h);
	for (uint32_t call = 1; call <= h.calls_n && patients < PATIENTS; call++) {
		char why[400] = "";
		if (!d->harm(&h, call))
			continue;
		int verdict = history_check(&h, why, sizeof(why));
		if (verdict != 0)
			printf("# not seen at call %u: %s (%d)\n", call, d->fault, verdict);
		else if (patients == 0)
			printf("# %s: %s\n", d->fault, why);
		*missed += verdict != 0;
		patients++;
		history_fini(&h);
		read_back(&h);
		call += (uint32_t)h.calls_n / (PATIENTS * 2);
	}
	history_fini(&h);
	return patients;
}

static void doctor(void)
{
	unsigned missed = 0, faults = 0;

	for (size_t i = 0; i < HISTORY_DOCTORS; i++)
		faults += treat(&history_doctors[i], &missed) > 0;
	ok(faults >= 3, "faults of a service could be put into this history");
	ok(missed == 0, "and the judge sees each of them");
}

/* ---- the rows ---- */

static void check_rows(void)
{
	ok(strcmp(sql("select count(*) from lock.request r where state = 2 and cardinality(devices)"
		      " <> (select count(*) from lock.held h where h.request = r.id)"),
		   "0") == 0,
		"every live request holds all its devices (I9)");
	ok(strcmp(sql("select count(*) from lock.held h where not exists (select 1 from "
		      "lock.request r where r.id = h.request and r.state in (2, 3, 4) and "
		      "h.device_id = any(r.devices))"),
		   "0") == 0,
		"no row is held by a request that ended");
	ok(strcmp(sql("select count(*) from lock.waiting w where not exists (select 1 from "
		      "lock.request r where r.id = w.request and r.state = 1)"),
		   "0") == 0,
		"nobody stands in a queue who does not wait");
	ok(strcmp(sql("select count(*) from (select request from lock.history where event = "
		      "'granted' group by request having count(*) > 1) x"),
		   "0") == 0,
		"no request was granted twice");
	ok(strcmp(sql("select count(*) from (select d, t, lag(t) over (partition by d order by at, "
		      "t) before from lock.history, unnest(devices, tokens) u(d, t) where event = "
		      "'granted') x where t <= before"),
		   "0") == 0,
		"tokens rise in the service's own history, too");
	ok(becomes("0", "select count(*) from lock.held where state = 2"),
		"what nobody renewed is over");
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* However slow the machine is. */
static bool is_enough(void)
{
	return act.seen[HISTORY_GRANTED] > 40 && act.seen[HISTORY_BUSY] > 20 &&
	       act.answers_lost > 10 && act.effects > 5;
}

static void come_to_rest(void)
{
	act.healed_at = clock_mono_ms();
	uint64_t end = act.healed_at + HEAL_MS;
	do
		pause_ms(CALM_MS);
	while (!is_enough() && clock_mono_ms() < end);
	act.stopping = true;
	end = clock_mono_ms() + HEAL_MS;
	while (!all_rest() && clock_mono_ms() < end)
		pause_ms(50);
	ok(all_rest() && act.final + act.given_up == act.requests,
		"every request that was not given up was answered finally (I8)");
	ok(act.late == 0, "and in time, once nothing was killed any more (I8)");
}

int main(void)
{
	unsigned seed = setting("SEED", 1);

	printf("# SEED=%u\n", seed);
	lock_open(INSTANCES);
	actors_start(seed);
	rage(setting("CHAOS_MS", CHAOS_MS));
	come_to_rest();
	printf("# %u requests, %u given up, %u granted, %u busy, %u refused, %u times queued, "
	       "%u effects, %u refused ones, %u answers lost\n",
		act.requests, act.given_up, act.seen[HISTORY_GRANTED], act.seen[HISTORY_BUSY],
		act.seen[HISTORY_REFUSED], act.seen[HISTORY_QUEUED], act.effects, act.lost,
		act.answers_lost);
	ok(is_enough(), "there was something to see");
	judge(seed);
	doctor();
	check_rows();
	actors_end();
	client_close();
	return finish_tests();
}
