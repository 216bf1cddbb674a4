// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/standing.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/db/db.h"
#include "services/gateway/auth.h"
#include "services/gateway/sql.h"

#define LOOK_MS 1000
/* A database that is away revokes nothing; a gateway that alone does not reach it would not know.
 */
#define BLIND_NS (60ull * 1000000000ull)

struct standings {
	struct gateway *gateway;
	struct list all;
	struct timer *timer;
	bool looking, again;
};

static void end(struct standing *s)
{
	list_remove(&s->node);
	list_init(&s->node);
	s->over(s->arg);
}

static bool holds(struct standing *s, struct db_result *r, uint64_t now)
{
	int row = s->place - 1;

	if (db_is_null(r, row, 0) || auth_right(db_get_text(r, row, 0)) != s->right ||
		strcmp(db_get_text(r, row, 1), s->scope) != 0)
		return false;
	s->known_ns = now;
	return true;
}

static void looked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct standings *all = arg;
	uint64_t now = clock_mono_ns();

	(void)t;
	(void)n;
	all->looking = false;
	list_each_safe (it, &all->all) {
		struct standing *s = container_of(it, struct standing, node);
		bool asked = s->place > 0;
		bool good =
			f == NULL ? asked && holds(s, r[0], now) : now - s->known_ns <= BLIND_NS;
		s->place = 0;
		if (asked && !good)
			end(s);
	}
	if (all->again)
		standings_look(all);
}

static void fill(struct db_args *a, void *arg)
{
	struct standings *all = arg;
	int place = 0;

	db_array(a);
	list_each (it, &all->all) {
		struct standing *s = container_of(it, struct standing, node);
		s->place = ++place;
		db_bytes(a, (struct span){s->digest, sizeof(s->digest)});
	}
	db_array_end(a);
	db_int(a, all->gateway->config->session_idle_ms);
	db_int(a, all->gateway->config->session_max_ms);
}

void standings_look(struct standings *all)
{
	all->again = all->looking;
	if (all->looking || list_empty(&all->all))
		return;
	all->looking = true;
	db_query(all->gateway->service->db, &SQL_STANDINGS, fill, looked, all);
}

static void tick(void *arg)
{
	struct standings *all = arg;

	if (!all->looking)
		standings_look(all);
}

struct standings *standings_new(struct gateway *g)
{
	struct standings *all = mem_alloc(sizeof(*all));

	all->gateway = g;
	list_init(&all->all);
	all->timer = timer_new(g->service->loop, tick, all);
	timer_set(all->timer, LOOK_MS, LOOK_MS);
	return all;
}

void standing_init(struct standings *all, struct standing *s, const struct person *who,
	void (*over)(void *arg), void *arg)
{
	const char *scope = who->scope == NULL ? "" : who->scope;
	size_t n = strlen(scope) + 1;

	memcpy(s->digest, who->digest, sizeof(s->digest));
	s->right = who->right;
	s->scope = mem_alloc(n);
	memcpy(s->scope, scope, n);
	s->known_ns = clock_mono_ns();
	s->place = 0;
	s->over = over;
	s->arg = arg;
	list_push(&all->all, &s->node);
}

void standing_fini(struct standing *s)
{
	list_remove(&s->node);
	free(s->scope);
}
