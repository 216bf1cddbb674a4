// SPDX-License-Identifier: Apache-2.0
/* The second half of a prune: what the walk chose is condemned, some versions per transaction. The
 * guards of the catalogue look at each once more, so a list that was right a moment ago takes
 * nothing that is needed now. */
#include "common/base/crashpoint.h"
#include "services/storage/prune.h"

#include <stdio.h>
#include <stdlib.h>

#define AT_ONCE 200

static void finish(struct prune *p, const struct fault *f)
{
	if (f != NULL)
		fault_why(
			&p->fault, CN_STORE_UNAVAILABLE, f->reason, "catalogue: %.200s", f->detail);
	if (p->plan.condemned > 0) {
		const struct m_versions_condemned event = {.condemned = p->plan.condemned};
		service_publish(app.service, &m_versions_condemned_desc, &event);
	}
	p->done(p);
}

static void erased(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct prune *p = arg;
	(void)t;
	(void)n;
	if (f == NULL && db_get_int(r[0], 0, 0) > 0)
		sql_erase_due(erased, p);
	else
		finish(p, f);
}

static void next(struct prune *p);

static void condemned(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct prune *p = container_of((struct sql_condemned *)arg, struct prune, condemning);
	(void)t;
	(void)n;
	if (f != NULL) {
		finish(p, f);
		return;
	}
	p->plan.condemned += (uint64_t)db_get_int(r[0], 0, 0);
	CRASHPOINT("prune.condemned");
	next(p);
}

static void next(struct prune *p)
{
	if (p->next == p->n) {
		sql_erase_due(erased, p);
		return;
	}
	p->condemning.ids = &p->ids[p->next];
	p->condemning.held_days = &p->held_days[p->next];
	p->condemning.n = size_min(p->n - p->next, AT_ONCE);
	p->next += p->condemning.n;
	sql_condemn(&p->condemning, condemned);
}

void prune_apply(struct prune *p, const char *by)
{
	p->condemning.by = by;
	next(p);
}

/* ---- by itself ---- */

static struct {
	struct arena arena;
	struct prune prune;
	void (*done)(const char *outcome);
	char outcome[160];
} nightly;

static void chore_end(void)
{
	prune_fini(&nightly.prune);
	arena_fini(&nightly.arena);
	nightly.done(nightly.outcome);
}

static void applied(struct prune *p)
{
	if (p->fault.code != 0)
		(void)snprintf(nightly.outcome, sizeof(nightly.outcome), "failed: %.140s",
			p->fault.detail);
	else
		(void)snprintf(nightly.outcome, sizeof(nightly.outcome), "%llu of %llu condemned",
			(unsigned long long)p->plan.condemned,
			(unsigned long long)p->plan.versions);
	chore_end();
}

/* Persons are to look first. What was condemned before still goes in its time, unless the clock is
 * in doubt. */
static void wait_for_persons(struct prune *p, const char *reason)
{
	char hash[2 * SHA256_LEN + 1];
	hex_encode((struct span){p->hash, SHA256_LEN}, hash);
	const struct m_versions_condemned event = {.hash = hash, .reason = reason};
	service_publish(app.service, &m_versions_condemned_desc, &event);
	log_warn(L("a prune waits for persons"), L_STR("reason", reason), L_STR("plan", hash),
		L_INT("versions", p->n));
	(void)snprintf(nightly.outcome, sizeof(nightly.outcome), "waits for persons: %s", reason);
	chore_end();
}

static void planned(struct prune *p)
{
	if (p->fault.code != 0) {
		applied(p);
	} else if (prune_clock_jumped(p)) {
		wait_for_persons(p, "clock_jump");
	} else if (p->plan.large) {
		wait_for_persons(p, "second_person");
	} else {
		p->done = applied;
		prune_apply(p, "");
	}
}

void prune_chore(void (*done)(const char *outcome))
{
	arena_init(&nightly.arena, 0);
	nightly.prune = (struct prune){.arena = &nightly.arena, .done = planned};
	nightly.done = done;
	prune_walk(&nightly.prune);
}
