// SPDX-License-Identifier: Apache-2.0
/* The history checker (docs/spec/reliability.md RL-49 … RL-51): hand-made histories, good and bad,
 * and large random ones. HISTORY_OPS=1000000 measures; HISTORY_SEED=n repeats a random one. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lib/history_record.h"

static int judge(FILE *f, char *why, size_t why_n)
{
	struct history h;

	assert_int_equal(history_read(&h, f, why, why_n), 0);
	int verdict = history_check(&h, why, why_n);
	history_fini(&h);
	return verdict;
}

static unsigned judge_folder(const char *folder, int expected)
{
	DIR *dir = opendir(folder);
	unsigned n = 0;

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		char path[400], why[400] = "";
		if (strstr(e->d_name, ".txt") == NULL)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		FILE *f = fopen(path, "r");
		assert_non_null(f);
		int verdict = judge(f, why, sizeof(why));
		(void)fclose(f);
		if (verdict != expected)
			fail_msg("%s: %d, %s", path, verdict, why);
		n++;
	}
	(void)closedir(dir);
	return n;
}

static void rl51_every_good_history_is_acquitted(void **state unused)
{
	assert_true(judge_folder("tests/history/good", 1) >= 20);
}

static void rl51_every_bad_history_is_convicted(void **state unused)
{
	assert_true(judge_folder("tests/history/bad", 0) >= 20);
}

/* ---- random histories that a correct service would give ---- */

enum { LEASE = 1000, QUARANTINE = 600, HELD_MAX = 12, WAIT = 900000 };

struct made {
	unsigned request, op, client;
	uint64_t token, ticket;
	int64_t gone; /* of one that nobody renews any more; 0 = in use */
};

struct maker {
	FILE *to;
	uint64_t seed;
	unsigned device, requests, calls;
	int64_t now;
	uint64_t token, ticket;
	struct made held[HELD_MAX], waiting[HELD_MAX];
	size_t held_n, waiting_n;
};

static unsigned dice(struct maker *m, unsigned n)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(m->seed >> 33) % n;
}

static void called(struct maker *m, const struct made *who, const char *what)
{
	(void)fprintf(m->to, "%lld c%u call %u %s\n", (long long)m->now - dice(m, 15), who->client,
		++m->calls, what);
}

static void answered(struct maker *m, const struct made *who, const char *what)
{
	(void)fprintf(m->to, "%lld c%u ret %u %s\n", (long long)m->now + dice(m, 15), who->client,
		m->calls, what);
}

static void call_acquire(struct maker *m, const struct made *who)
{
	char text[200];

	(void)snprintf(text, sizeof(text), "acquire r%u P%u %s export%s", who->request, m->device,
		history_op_name(who->op), who->ticket > 0 ? " wait=900000" : "");
	called(m, who, text);
}

static bool is_free(const struct maker *m, const struct made *who)
{
	for (size_t i = 0; i < m->held_n; i++)
		if (history_may(who->op, m->held[i].op) == 'n')
			return false;
	for (size_t i = 0; i < m->waiting_n; i++)
		if (m->waiting[i].request != who->request && m->waiting[i].ticket < who->ticket &&
			history_may(m->waiting[i].op, who->op) != 'y')
			return false;
	return true;
}

static void remove_at(struct made *all, size_t *n, size_t i)
{
	memmove(&all[i], &all[i + 1], (--*n - i) * sizeof(*all));
}

static void granted(struct maker *m, struct made *who)
{
	char text[80];

	who->token = ++m->token;
	(void)snprintf(
		text, sizeof(text), "granted P%u:%llu", m->device, (unsigned long long)who->token);
	if (dice(m, 30) > 0)
		answered(m, who, text);
	else
		who->gone = m->now + LEASE + QUARANTINE; /* nobody knows of it */
	m->held[m->held_n++] = *who;
}

static void ask(struct maker *m)
{
	struct made who = {.request = ++m->requests,
		.op = 1 + dice(m, 23),
		.client = dice(m, 1000),
		.ticket = dice(m, 3) == 0 ? ++m->ticket : 0};
	struct made new = who;

	new.ticket = UINT64_MAX; /* behind everybody */
	call_acquire(m, &who);
	if (is_free(m, &new) && m->held_n < HELD_MAX) {
		granted(m, &who);
	} else if (who.ticket > 0 && m->waiting_n < HELD_MAX && !is_free(m, &new)) {
		char text[40];
		(void)snprintf(text, sizeof(text), "queued %llu", (unsigned long long)who.ticket);
		answered(m, &who, text);
		m->waiting[m->waiting_n++] = who;
	} else if (!is_free(m, &new) && who.ticket == 0) {
		answered(m, &who, "busy");
	} /* else never answered, and never done */
}

static void poll(struct maker *m)
{
	struct made *w = &m->waiting[dice(m, (unsigned)m->waiting_n)];
	struct made who = *w;

	if (is_free(m, &who) && m->held_n == HELD_MAX)
		return;
	call_acquire(m, &who);
	if (!is_free(m, &who)) {
		char text[40];
		(void)snprintf(text, sizeof(text), "queued %llu", (unsigned long long)who.ticket);
		answered(m, &who, text);
		return;
	}
	remove_at(m->waiting, &m->waiting_n, (size_t)(w - m->waiting));
	granted(m, &who);
}

static void use(struct maker *m)
{
	size_t i = dice(m, (unsigned)m->held_n);
	struct made *a = &m->held[i];
	unsigned what = dice(m, 4);
	char text[80];

	if (a->gone > 0)
		return;
	(void)snprintf(text, sizeof(text), "%s r%u %llu%s", what == 0 ? "renew" : "release",
		a->request, (unsigned long long)a->token,
		what == 0   ? ""
		: what == 1 ? " unsure"
			    : " clean");
	called(m, a, text);
	if (what != 0 || dice(m, 20) > 0)
		answered(m, a, "ok");
	if (what == 1)
		a->gone = m->now + QUARANTINE;
	else if (what > 1)
		remove_at(m->held, &m->held_n, i);
}

static void end_gone(struct maker *m)
{
	for (size_t i = m->held_n; i-- > 0;)
		if (m->held[i].gone > 0 && m->held[i].gone < m->now)
			remove_at(m->held, &m->held_n, i);
}

static void make_device(struct maker *m, unsigned ops)
{
	unsigned until = m->calls + ops;

	m->device++;
	m->now = dice(m, 1000);
	m->token = m->ticket = 0;
	m->held_n = m->waiting_n = 0;
	while (m->calls < until) {
		unsigned what = dice(m, 10);
		m->now += 1 + dice(m, 60);
		end_gone(m);
		if (what < 5 && m->held_n > 0)
			use(m);
		else if (what < 7 && m->waiting_n > 0)
			poll(m);
		else
			ask(m);
	}
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void rl50_a_large_random_history_is_acquitted(void **state unused)
{
	unsigned ops = setting("HISTORY_OPS", 40000), seed = setting("HISTORY_SEED", 1);
	struct maker m = {.to = tmpfile(), .seed = seed};
	struct rusage used;
	char why[400] = "";

	assert_non_null(m.to);
	(void)history_op("send"); /* reads the rules */
	(void)fprintf(
		m.to, "set lease %d\nset quarantine %d\nset silent %d\n", LEASE, QUARANTINE, WAIT);
	for (unsigned left = ops; left > 0; left -= left < 100 ? left : 100)
		make_device(&m, left < 100 ? left : 100);
	rewind(m.to);
	double before = seconds();
	int verdict = judge(m.to, why, sizeof(why));
	(void)getrusage(RUSAGE_SELF, &used);
	print_message("# %u operations on %u devices: %.1f s, %ld MiB at most (HISTORY_SEED=%u)\n",
		m.calls, m.device, seconds() - before, used.ru_maxrss / 1024, seed);
	(void)fclose(m.to);
	if (verdict != 1)
		fail_msg("%d: %s", verdict, why);
}

/* A made history again, with the first fault of that kind that it has room for; the calls it was
 * put in at, 0 = none. */
static uint32_t spoil(struct history *h, const struct history_doctor *d)
{
	struct maker m = {.to = tmpfile(), .seed = setting("HISTORY_SEED", 1)};
	char why[400] = "";
	uint32_t call = 1;

	assert_non_null(m.to);
	(void)fprintf(
		m.to, "set lease %d\nset quarantine %d\nset silent %d\n", LEASE, QUARANTINE, WAIT);
	for (unsigned i = 0; i < 20; i++)
		make_device(&m, 100);
	rewind(m.to);
	assert_int_equal(history_read(h, m.to, why, sizeof(why)), 0);
	(void)fclose(m.to);
	while (call <= h->calls_n && !d->harm(h, call))
		call++;
	return call <= h->calls_n ? call : 0;
}

static void rl51_a_good_history_with_a_fault_put_in_is_convicted(void **state unused)
{
	unsigned patients = 0;

	(void)history_op("send"); /* reads the rules */
	for (size_t i = 0; i < HISTORY_DOCTORS; i++) {
		struct history h;
		char why[400] = "";
		uint32_t call = spoil(&h, &history_doctors[i]);
		int verdict = call > 0 ? history_check(&h, why, sizeof(why)) : 0;
		history_fini(&h);
		patients += call > 0;
		if (verdict != 0)
			fail_msg("%s, at call %u: %d", history_doctors[i].fault, call, verdict);
	}
	assert_true(patients >= 5);
}

static void rl50_much_that_is_open_at_once_is_still_judged(void **state unused)
{
	char why[400] = "";
	FILE *f = tmpfile();

	assert_non_null(f);
	(void)fprintf(f, "set lease 1000\nset quarantine 600\n");
	for (int i = 0; i < 60; i++)
		(void)fprintf(f, "%d c%d call 1 acquire r%d P1 send none\n", i, i, i);
	for (int i = 0; i < 60; i++)
		(void)fprintf(f, "%d c%d ret 1 %s\n", 100 + i, i, i == 20 ? "busy" : "queued 0");
	rewind(f);
	assert_int_equal(judge(f, why, sizeof(why)), 0); /* nothing was in anybody's way */
	(void)fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rl51_every_good_history_is_acquitted),
		cmocka_unit_test(rl51_every_bad_history_is_convicted),
		cmocka_unit_test(rl51_a_good_history_with_a_fault_put_in_is_convicted),
		cmocka_unit_test(rl50_a_large_random_history_is_acquitted),
		cmocka_unit_test(rl50_much_that_is_open_at_once_is_still_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
