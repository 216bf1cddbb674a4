// SPDX-License-Identifier: Apache-2.0
/* State of the whole system: which services answer, how many workers, what the vaults warn of. */
#include <string.h>

#include "services/gateway/checkpoint.h"
#include "services/gateway/gateway.h"
#include "services/gateway/scope.h"

#define COMPONENTS 64

struct report {
	struct rest *r;
	struct m_component items[COMPONENTS];
	const char *warnings[COMPONENTS];
	struct m_status_report reply;
	bool degraded;
	bool part; /* for somebody with a scope: what is up, not what is where and how much */
};

static void add(struct report *s, const char *name, bool up, const char *detail)
{
	if (s->reply.components_n == COMPONENTS)
		return;
	s->items[s->reply.components_n++] =
		(struct m_component){.name = name, .state = up ? "up" : "down", .detail = detail};
	s->degraded = s->degraded || !up;
}

static void warn(struct report *s, const char *text)
{
	if (text == NULL || *text == '\0' || s->reply.warnings_n == COMPONENTS)
		return;
	s->warnings[s->reply.warnings_n++] = arena_strdup(s->r->arena, text);
}

static void got_vaults(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct report *s = arg;
	const struct m_vault_page *page = body;

	(void)instance;
	add(s, "storage", f == NULL, f == NULL ? NULL : f->detail);
	for (size_t i = 0; f == NULL && i < page->items_n; i++) {
		const struct m_vault *v = &page->items[i];
		bool good = v->state == NULL || strcmp(v->state, "ready") == 0 ||
			    strcmp(v->state, "retired") == 0;
		s->degraded = s->degraded || !good;
		if (s->part)
			continue;
		add(s, arena_printf(s->r->arena, "vault %s", v->name), good,
			arena_printf(s->r->arena, "%s, %llu versions", v->placement,
				(unsigned long long)v->versions));
		warn(s, v->warning);
	}
	s->reply.state = s->degraded ? "degraded" : "ok";
	s->reply.components = s->items;
	s->reply.warnings = s->warnings;
	rest_reply(s->r, &m_status_report_desc, &s->reply);
}

/* Whoever has a scope may not ask for workers and vaults: the gateway does, for itself. */
static struct peer_opts opts_of(const struct report *s)
{
	struct peer_opts opts = {.trace = s->r->trace};

	if (!s->part)
		opts = rest_opts(s->r);
	opts.deadline_ms = 3000;
	return opts;
}

static void got_workers(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct report *s = arg;
	const struct m_worker_page *page = body;
	struct peer_opts opts = opts_of(s);
	uint64_t jobs = 0;

	(void)instance;
	add(s, "scheduler", f == NULL, f == NULL ? NULL : arena_strdup(s->r->arena, f->detail));
	for (size_t i = 0; f == NULL && i < page->items_n; i++)
		jobs += page->items[i].jobs;
	if (f == NULL && s->part)
		add(s, "workers", page->items_n > 0, NULL);
	else if (f == NULL)
		add(s, "workers", page->items_n > 0,
			arena_printf(s->r->arena, "%zu workers, %llu jobs", page->items_n,
				(unsigned long long)jobs));
	peer_call(s->r->gateway->storage, &m_vault_list_desc, &(struct m_vault_list){.has = 0},
		&opts, got_vaults, s);
}

void on_status(struct rest *r, const void *body)
{
	struct report *s = arena_alloc(r->arena, sizeof(*s));
	struct peer_opts opts;

	(void)body;
	if (s == NULL) {
		rest_refuse(r, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	s->r = r;
	s->part = person_reach(&r->who, MSG_VIEWER, r->arena) != SCOPE_ALL;
	opts = opts_of(s);
	add(s, "gateway", true, NULL);
	if (!s->part)
		warn(s, checkpoints_warning(r->gateway));
	add(s, "lock", peer_up(r->gateway->lock), NULL);
	add(s, "sync", peer_up(r->gateway->sync), NULL);
	peer_call(r->gateway->scheduler, &m_worker_list_desc, &(struct m_worker_list){.has = 0},
		&opts, got_workers, s);
}
