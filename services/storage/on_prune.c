// SPDX-License-Identifier: Apache-2.0
/* retention_plan, the dry run, and prune: one walk, and the list must still be the same (ST-69). */
#include "services/storage/prune.h"

#include <string.h>

#define LIMIT_DEFAULT 1000

static void reply(struct prune *p)
{
	struct call *call = p->arg;
	char hash[2 * SHA256_LEN + 1];
	hex_encode((struct span){p->hash, SHA256_LEN}, hash);
	p->plan.hash = hash;
	prune_fini(p); /* p itself goes with the call */
	if (p->fault.code != 0)
		call_fault(call, &p->fault);
	else
		call_reply(call, &p->plan);
}

static void refuse(struct prune *p, int code, const char *reason, const char *detail)
{
	fault_why(&p->fault, code, reason, "%s", detail);
	reply(p);
}

static struct prune *prune_new(struct call *call, size_t limit)
{
	struct prune *p = arena_alloc(&call->arena, sizeof(*p));
	bug_if(p == NULL);
	*p = (struct prune){.arena = &call->arena, .arg = call, .limit = limit};
	return p;
}

/* ---- dry run ---- */

void on_retention_plan(struct call *call)
{
	const struct m_retention_plan *ask = call->body;
	struct prune *p = prune_new(call, ask->limit == 0 ? LIMIT_DEFAULT : (size_t)ask->limit);
	p->device = ask->device;
	p->going = ask->going;
	p->offset = (size_t)ask->offset;
	p->done = reply;
	prune_walk(p);
}

/* ---- the prune ---- */

struct asking {
	struct sql_asker row;
	struct prune *prune;
};

static const char *person(const struct call *call)
{
	return call->header.actor == NULL ? "" : call->header.actor;
}

/* Who asks first waits; the second person's word does it (ST-70). */
static void asked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct asking *a = container_of((struct sql_asker *)arg, struct asking, row);
	struct prune *p = a->prune;
	struct call *call = p->arg;
	(void)t;
	(void)n;
	if (f != NULL) {
		refuse(p, CN_STORE_UNAVAILABLE, "database", f->detail);
		return;
	}
	const char *first = db_get_text(r[0], 0, 0);
	p->plan.asked_by = arena_strdup(&call->arena, first);
	p->done = reply;
	if (strcmp(first, person(call)) == 0)
		reply(p);
	else
		prune_apply(p, person(call));
}

static void planned(struct prune *p)
{
	struct call *call = p->arg;
	const struct m_prune *ask = call->body;
	uint8_t hash[SHA256_LEN];
	if (p->fault.code != 0) {
		reply(p);
	} else if (hex_decode(ask->hash, hash, sizeof(hash)) < 0 ||
		   memcmp(hash, p->hash, sizeof(hash)) != 0) {
		refuse(p, CN_PLAN_STALE, "",
			"the list has changed since it was shown; nothing was condemned");
	} else if (prune_clock_jumped(p)) {
		refuse(p, CN_CONFLICT, "clock_jump",
			"the database's clock moved by more than an hour against the machine's; "
			"if it is right now, say so (clock_ok)");
	} else if (!p->plan.large) {
		p->done = reply;
		prune_apply(p, person(call));
	} else if (person(call)[0] == 0) {
		refuse(p, CN_PERMISSION_DENIED, "second_person",
			"two persons must ask for this prune");
	} else {
		struct asking *a = arena_alloc(&call->arena, sizeof(*a));
		bug_if(a == NULL);
		*a = (struct asking){.prune = p, .row = {.person = person(call)}};
		memcpy(a->row.hash, p->hash, SHA256_LEN);
		sql_plan_ask(&a->row, asked);
	}
}

void on_prune(struct call *call)
{
	struct prune *p = prune_new(call, 0);
	p->settle = ((const struct m_prune *)call->body)->clock_ok;
	p->done = planned;
	prune_walk(p);
}
