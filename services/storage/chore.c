// SPDX-License-Identifier: Apache-2.0
/* Chores: each is done by one of the instances when its time has come, or when a task orders it. A
 * row of the catalogue says who has it and until when, so one whose process dies is taken by
 * another; each chore bears being done twice at once (ST-76). */
#include <stdio.h>
#include <string.h>

#include "services/storage/sql_retention.h"

#define LOOK_MS ((uint64_t)10 * 1000)
#define LEASE_MS ((uint64_t)10 * 1000)
#define RENEW_MS ((uint64_t)3 * 1000)

struct chore {
	struct sql_chore row;
	int64_t (*every_ms)(void); /* 0 = not at all */
	void (*run)(void (*done)(const char *outcome));
	uint64_t look_ms; /* monotonic: when to ask for it again */
};

static int64_t prune_every(void)
{
	return app.config->prune_every_ms;
}

static int64_t collect_every(void)
{
	return app.config->collect_every_ms;
}

static int64_t stray_every(void)
{
	return app.config->stray_every_ms;
}

static int64_t scrub_every(void)
{
	return app.config->scrub_every_ms;
}

static int64_t copy_every(void)
{
	return app.config->copy_every_ms;
}

static int64_t mail_every(void)
{
	return app.config->mail_every_ms;
}

static int64_t drill_every(void)
{
	return app.config->drill_every_ms;
}

static int64_t rotate_every(void)
{
	return app.config->rotate_every_ms;
}

static struct chore chores[] = {
	{.row = {.name = "prune"}, .every_ms = prune_every, .run = prune_chore},
	{.row = {.name = "collect"}, .every_ms = collect_every, .run = collect_chore},
	{.row = {.name = "rotate"}, .every_ms = rotate_every, .run = rotate_chore},
	{.row = {.name = "strays"}, .every_ms = stray_every, .run = stray_chore},
	{.row = {.name = "scrub"}, .every_ms = scrub_every, .run = scrub_chore},
	{.row = {.name = "copy"}, .every_ms = copy_every, .run = copy_chore},
	{.row = {.name = "mail"}, .every_ms = mail_every, .run = mail_chore},
	{.row = {.name = "drill"}, .every_ms = drill_every, .run = drill_chore},
};

static struct chore *running; /* one at a time in a process */
static size_t turn;
static uint64_t renew_ms; /* monotonic */

/* What a task wants done now. */
static struct {
	const char *const *left; /* names, NULL-ended; NULL = nothing is ordered */
	bool under_way;          /* running is the first of them */
	uint64_t look_ms;        /* monotonic: another instance was at it */
	bool bad;
	char outcome[500];
	void (*done)(bool well, const char *outcome);
} order;

static void order_next(const char *outcome)
{
	size_t at = strlen(order.outcome);
	order.under_way = false;
	order.bad |= strncmp(outcome, "failed", 6) == 0;
	(void)snprintf(order.outcome + at, sizeof(order.outcome) - at, "%s%s: %s",
		at == 0 ? "" : "; ", *order.left, outcome[0] == 0 ? "nothing was due" : outcome);
	if (*++order.left != NULL)
		return;
	order.left = NULL;
	order.done(!order.bad, order.outcome);
}

static void ended(const char *outcome)
{
	running->row.outcome = outcome;
	sql_chore_done(&running->row);
	if (outcome[0] != 0)
		log_info(L("chore done"), L_STR("chore", running->row.name),
			L_STR("outcome", outcome));
	running = NULL;
	if (order.under_way)
		order_next(outcome);
}

static void claimed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct chore *c = container_of((struct sql_chore *)arg, struct chore, row);
	(void)t;
	(void)n;
	if (f == NULL && db_get_bool(r[0], 0, 0)) {
		c->run(ended);
	} else {
		running = NULL;
		order.under_way = false;
	}
}

static void due(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)f; /* the claim finds out */
	sql_chore_claim(arg, claimed);
}

static void begin(struct chore *c)
{
	running = c;
	c->row.every_ms = (uint64_t)c->every_ms();
	c->row.lease_ms = LEASE_MS;
}

static void order_tick(uint64_t now_ms)
{
	if (order.left == NULL || running != NULL || now_ms < order.look_ms)
		return;
	order.look_ms = now_ms + 1000;
	for (size_t i = 0; i < array_len(chores); i++) {
		if (strcmp(chores[i].row.name, *order.left) != 0)
			continue;
		order.under_way = true;
		begin(&chores[i]);
		sql_chore_due(&chores[i].row, due);
	}
}

bool chores_now(const char *const *names, void (*done)(bool well, const char *outcome))
{
	if (order.left != NULL)
		return false;
	order.left = names;
	order.bad = false;
	order.look_ms = 0;
	order.outcome[0] = 0;
	order.done = done;
	return true;
}

void chore_tick(uint64_t now_ms)
{
	if (running != NULL && now_ms >= renew_ms) {
		renew_ms = now_ms + RENEW_MS;
		sql_chore_renew(&running->row);
	}
	order_tick(now_ms);
	for (size_t i = 0; running == NULL && i < array_len(chores); i++) {
		struct chore *c = &chores[turn++ % array_len(chores)]; /* none starves another */
		uint64_t every = (uint64_t)c->every_ms();
		if (every == 0 || now_ms < c->look_ms)
			continue;
		c->look_ms = now_ms + (every / 2 < LOOK_MS ? every / 2 : LOOK_MS);
		begin(c);
		sql_chore_claim(&c->row, claimed);
	}
}

struct peer *chore_scheduler(void)
{
	static struct peer *scheduler;
	const char *urls = app.config->common.scheduler_urls;
	struct fault f = FAULT_INIT;
	if (scheduler == NULL && urls[0] != 0)
		scheduler = peer_new(app.service, urls, &f);
	return scheduler;
}
