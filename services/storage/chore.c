// SPDX-License-Identifier: Apache-2.0
/* Chores: each is done by one of the instances when its time has come. A row of the catalogue says
 * who has it and until when, so one whose process dies is taken by another; each chore bears being
 * done twice at once (ST-76). */
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
	{.row = {.name = "scrub"}, .every_ms = scrub_every, .run = scrub_chore},
	{.row = {.name = "copy"}, .every_ms = copy_every, .run = copy_chore},
	{.row = {.name = "mail"}, .every_ms = mail_every, .run = mail_chore},
	{.row = {.name = "drill"}, .every_ms = drill_every, .run = drill_chore},
};

static struct chore *running; /* one at a time in a process */
static size_t turn;
static uint64_t renew_ms; /* monotonic */

static void ended(const char *outcome)
{
	running->row.outcome = outcome;
	sql_chore_done(&running->row);
	if (outcome[0] != 0)
		log_info(L("chore done"), L_STR("chore", running->row.name),
			L_STR("outcome", outcome));
	running = NULL;
}

static void claimed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct chore *c = container_of((struct sql_chore *)arg, struct chore, row);
	(void)t;
	(void)n;
	if (f == NULL && db_get_bool(r[0], 0, 0))
		c->run(ended);
	else
		running = NULL;
}

void chore_tick(uint64_t now_ms)
{
	if (running != NULL && now_ms >= renew_ms) {
		renew_ms = now_ms + RENEW_MS;
		sql_chore_renew(&running->row);
	}
	for (size_t i = 0; running == NULL && i < array_len(chores); i++) {
		struct chore *c = &chores[turn++ % array_len(chores)]; /* none starves another */
		c->row.every_ms = (uint64_t)c->every_ms();
		c->row.lease_ms = LEASE_MS;
		if (c->row.every_ms == 0 || now_ms < c->look_ms)
			continue;
		c->look_ms =
			now_ms + (c->row.every_ms / 2 < LOOK_MS ? c->row.every_ms / 2 : LOOK_MS);
		running = c;
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
