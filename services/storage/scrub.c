// SPDX-License-Identifier: Apache-2.0
/* Scrub (ST-72, ST-73): every byte of every copy is read again within 30 days, those looked at
 * longest ago first, no faster than a token bucket of each vault allows. Where it was stands in the
 * catalogue, so it goes on after any end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "services/storage/copy.h"
#include "services/storage/copy_check.h"
#include "services/storage/rescue.h"
#include "services/storage/sql_upkeep.h"

#define DAY_MS ((uint64_t)24 * 3600 * 1000)
#define PASS_MS (24 * DAY_MS)
#define LATE_MS (30 * DAY_MS)
#define RATE_MIN ((uint64_t)64 * 1024) /* bytes per second: a small vault is done soon */
#define BURST_S (24 * 3600)            /* who lets it run but once a day, waits for a day's part */
#define SUM_MS ((uint64_t)3600 * 1000)
#define AT_ONCE 32

struct look {
	struct uuid version;
	struct copied copy;
	struct fault fault; /* what is wrong with it */
	uint64_t bytes;
	bool again; /* it was bad: the catalogue is asked once more, it may have moved on */
};

#define VAULTS 17

/* Of each vault its own bucket, and what was read there lately. */
struct budget {
	struct uuid vault;
	uint64_t rate, filled_ms, summed_ms, forget_ms; /* monotonic */
	int64_t tokens;
	struct seen seen;
	bool late;
};

static struct {
	struct budget budgets[VAULTS];
	size_t n_budgets, nth; /* nth: the vault after this one */
	struct budget *b;      /* of this run */
	const struct vault *vault;
	struct uuid list[AT_ONCE];
	size_t n, at;
	struct look look;
	uint64_t copies, damaged, bytes;
	void (*done)(const char *outcome);
	char why[120]; /* one of the vaults was not read on */
	char outcome[280];
	struct metric *copies_metric, *damaged_metric, *late;
} sc;

static void next_vault(void);

static void rescued(void)
{
	sc.done(sc.outcome);
}

static void finish(void)
{
	bool bad = sc.damaged > 0 || sc.why[0] != 0;
	sc.outcome[0] = 0;
	if (sc.copies > 0 || bad)
		(void)snprintf(sc.outcome, sizeof(sc.outcome),
			"%s%llu copies, %llu bytes read, %llu damaged%s", bad ? "failed: " : "",
			(unsigned long long)sc.copies, (unsigned long long)sc.bytes,
			(unsigned long long)sc.damaged, sc.why);
	rescue(rescued);
}

/* This vault cannot be read on; the others can. */
static bool failed(const struct fault *f)
{
	if (f == NULL)
		return false;
	(void)snprintf(sc.why, sizeof(sc.why), "; stopped: %.100s", f->detail);
	next_vault();
	return true;
}

static void next(void);

/* ---- one copy ---- */

static void alarm_of(const struct look *l, uint64_t others)
{
	char generation[24];
	(void)snprintf(
		generation, sizeof(generation), "%llu", (unsigned long long)l->copy.generation);
	const struct m_version_damaged event = {.version = l->copy.version,
		.device = l->copy.device,
		.kind = kind_number(l->copy.kind),
		.generation = l->copy.generation,
		.vault = sc.vault->id,
		.good_copies = others,
		.detail = l->fault.detail};
	service_publish(app.service, &m_version_damaged_desc, &event);
	log_error(L("copy damaged"), L_UUID("version", &l->copy.version),
		L_UUID("device", &l->copy.device), L_STR("generation", generation),
		L_INT("good_copies", others), L_FAULT(&l->fault));
	if (others == 0)
		log_error(L("alarm: data_loss"), L_UUID("version", &l->copy.version),
			L_UUID("device", &l->copy.device));
}

static void told(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;
	(void)t;
	(void)n;
	if (f == NULL && l->fault.code != 0 && db_rows(r[0]) > 0) {
		sc.damaged++;
		metric_add(sc.damaged_metric, 1);
		alarm_of(l, (uint64_t)db_get_int(r[0], 0, 1));
	}
	copied_fini(&l->copy);
	if (!failed(f))
		next();
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);

static void read_work(void *arg)
{
	struct look *l = arg;
	/* this thread reads after everybody else: best effort, lowest */
	(void)syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7);
	l->fault = FAULT_INIT;
	(void)!copy_check(sc.vault, &l->copy, &sc.b->seen, &l->bytes, &l->fault);
	(void)syscall(SYS_ioprio_set, 1, 0, 0);
}

static void read_done(void *arg)
{
	struct look *l = arg;
	const struct fault *f = &l->fault;
	sc.b->tokens -= (int64_t)l->bytes;
	sc.bytes += l->bytes;
	l->bytes = 0;
	bool bad = f->code == CN_NOT_FOUND || f->code == CN_STORE_VERIFY_FAILED;
	if (f->code != 0 && !bad) {
		copied_fini(&l->copy);
		(void)failed(f);
	} else if (bad && !l->again) {
		l->again = true;
		copied_fini(&l->copy);
		db_begin(app.service->db, get, l);
	} else {
		sc.copies++;
		metric_add(sc.copies_metric, 1);
		sql_copy_seen(&sc.vault->id, &l->version,
			!bad                      ? "verified"
			: f->code == CN_NOT_FOUND ? "missing"
						  : "damaged",
			told, l);
	}
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;
	(void)t;
	if (failed(f))
		return;
	bug_if(n != 2);
	if (copied_read(r[0], r[1], &l->copy))
		loop_work(app.service->loop, read_work, read_done, l);
	else
		next(); /* erased meanwhile */
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;
	(void)r;
	(void)n;
	if (failed(f))
		return;
	sql_add_get(t, &l->version);
	db_commit(t, got, l);
}

/* ---- the list ---- */

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	sc.n = (size_t)db_rows(r[0]);
	sc.at = 0;
	for (size_t i = 0; i < sc.n; i++)
		sc.list[i] = db_get_uuid(r[0], (int)i, 0);
	if (sc.n == 0)
		next_vault();
	else
		next();
}

static void next(void)
{
	if (sc.b->tokens <= 0) {
		next_vault();
	} else if (sc.at < sc.n) {
		sc.look = (struct look){.version = sc.list[sc.at++]};
		db_begin(app.service->db, get, &sc.look);
	} else {
		sql_scrub_next(
			&sc.vault->id, (uint64_t)app.config->scrub_age_ms, AT_ONCE, listed, NULL);
	}
}

static void fill(uint64_t now)
{
	uint64_t passed = now - sc.b->filled_ms;
	sc.b->filled_ms = now;
	sc.b->tokens += (int64_t)(sc.b->rate * passed / 1000);
	if (sc.b->tokens > (int64_t)(sc.b->rate * BURST_S))
		sc.b->tokens = (int64_t)(sc.b->rate * BURST_S);
}

static void begin(void)
{
	uint64_t now = clock_mono_ms();
	if (now >= sc.b->forget_ms) { /* contents count as seen for a day */
		sc.b->forget_ms = now + DAY_MS;
		seen_forget(&sc.b->seen);
	}
	fill(now);
	sc.n = sc.at = 0;
	next();
}

static void summed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	uint64_t bytes = (uint64_t)db_get_int(r[0], 0, 0);
	int64_t oldest = db_get_time_ms(r[0], 0, 1), now = db_get_time_ms(r[0], 0, 2);
	bool late = oldest != 0 && now - oldest > (int64_t)LATE_MS;
	sc.b->rate = bytes / (PASS_MS / 1000) + RATE_MIN;
	sc.b->late = late;
	late = false;
	for (size_t i = 0; i < sc.n_budgets; i++)
		late |= sc.budgets[i].late;
	metric_set(sc.late, late);
	if (sc.b->late) {
		log_error(L("alarm: scrub_late"), L_UUID("vault", &sc.vault->id),
			L_INT("days", (now - oldest) / (int64_t)DAY_MS));
		sql_alarm("alarm.scrub_late", NULL, NULL, &sc.vault->id);
	}
	begin();
}

static struct budget *budget_of(const struct uuid *vault, uint64_t now)
{
	for (size_t i = 0; i < sc.n_budgets; i++)
		if (uuid_eq(&sc.budgets[i].vault, vault))
			return &sc.budgets[i];
	struct budget *b = &sc.budgets[sc.n_budgets < VAULTS ? sc.n_budgets++ : VAULTS - 1];
	seen_forget(&b->seen);
	*b = (struct budget){.vault = *vault, .filled_ms = now - 60000};
	return b;
}

static void next_vault(void)
{
	uint64_t now = clock_mono_ms();
	sc.vault = vault_nth(sc.nth++);
	if (sc.vault == NULL) {
		finish();
		return;
	}
	sc.b = budget_of(&sc.vault->id, now);
	if (now < sc.b->summed_ms) {
		begin();
		return;
	}
	sc.b->summed_ms = now + SUM_MS;
	sql_scrub_sum(&sc.vault->id, summed, NULL);
}

void scrub_chore(void (*done)(const char *outcome))
{
	if (sc.copies_metric == NULL) {
		sc.copies_metric = metric_counter(
			"carnet_scrub_copies_total", "", "copies read again, byte by byte");
		sc.damaged_metric = metric_counter(
			"carnet_scrub_damaged_total", "", "copies found damaged or missing");
		sc.late = metric_gauge(
			"carnet_scrub_late", "", "1: some copy was not read for 30 days");
	}
	sc.done = done;
	sc.nth = 0;
	sc.copies = sc.damaged = sc.bytes = 0;
	sc.why[0] = 0;
	next_vault();
}
