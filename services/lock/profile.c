// SPDX-License-Identifier: Apache-2.0
/* Profiles of device families, kept for the life of the process. */
#include "services/lock/profile.h"

#include <stdlib.h>
#include <string.h>

#include "services/lock/family.h"
#include "services/lock/sql.h"

static struct {
	struct arena names;
	struct lock_profile **all;
	size_t n;
	bool loaded;
	const char *families; /* directory of their files */
	bool put;             /* what stands there is in the database */
	struct early {        /* calls that came before */
		struct call *call;
		call_fn fn;
	} * early;
	size_t early_n;
} known;

static struct lock_profile *find(const char *name, uint32_t revision)
{
	for (size_t i = 0; i < known.n; i++)
		if (known.all[i]->revision == revision && strcmp(known.all[i]->name, name) == 0)
			return known.all[i];
	return NULL;
}

static struct lock_profile *add(const struct lock_profile *p)
{
	struct lock_profile *copy = mem_alloc(sizeof(*copy));

	*copy = *p;
	known.all = mem_realloc(known.all, (known.n + 1) * sizeof(struct lock_profile *));
	known.all[known.n++] = copy;
	return copy;
}

void profile_init(const struct lock_profile *generic, const char *families)
{
	arena_init(&known.names, 0);
	known.families = families;
	(void)add(generic);
}

bool profile_known(const char *name)
{
	for (size_t i = 0; i < known.n; i++)
		if (strcmp(known.all[i]->name, name) == 0)
			return true;
	return false;
}

const struct lock_profile *profile_newest(const char *name)
{
	const struct lock_profile *best = known.all[0];

	for (size_t i = 1; name != NULL && i < known.n; i++)
		if (strcmp(known.all[i]->name, name) == 0 &&
			(best == known.all[0] || known.all[i]->revision > best->revision))
			best = known.all[i];
	return best;
}

const struct lock_profile *profile_revision(const char *name, uint32_t revision)
{
	const struct lock_profile *p = find(name, revision);

	return p != NULL ? p : profile_newest(name);
}

static void serve_early(void)
{
	struct early *early = known.early;
	size_t n = known.early_n;

	known.loaded = true;
	known.early = NULL;
	known.early_n = 0;
	for (size_t i = 0; i < n; i++)
		early[i].fn(early[i].call);
	free(early);
}

/* Timers of a family as its file has them, in the ratio that generic's were set to (RL-59). */
static uint32_t scaled(uint32_t ms, uint32_t generic, uint32_t printed)
{
	uint64_t to = (uint64_t)ms * generic / printed;

	return to < INT32_MAX ? (uint32_t)to : INT32_MAX;
}

static void scale(struct lock_profile *p)
{
	const struct lock_profile *generic = known.all[0];
	struct lock_profile printed;

	lock_profile_generic(&printed);
	p->quarantine_ms = scaled(p->quarantine_ms, generic->quarantine_ms, printed.quarantine_ms);
	p->quarantine_max_ms =
		scaled(p->quarantine_max_ms, generic->quarantine_max_ms, printed.quarantine_max_ms);
	p->shadow_ttl_ms = scaled(p->shadow_ttl_ms, generic->shadow_ttl_ms, printed.shadow_ttl_ms);
}

static void loaded(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct lock_profile p;

	(void)t;
	(void)n;
	(void)arg;
	for (int i = 0; f == NULL && i < db_rows(results[0]); i++) {
		sql_profile_row(results[0], i, &p, &known.names);
		if (find(p.name, p.revision) != NULL)
			continue;
		scale(&p);
		struct lock_profile *fresh = add(&p);
		for (int k = 0; k < db_rows(results[1]); k++)
			sql_profile_cell(results[1], k, fresh);
	}
	if (f == NULL)
		serve_early();
}

static void begun(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	(void)results;
	(void)n;
	(void)arg;
	if (f != NULL)
		return;
	(void)db_add(t, &sql_profiles);
	(void)db_add(t, &sql_profile_cells);
	db_commit(t, loaded, NULL);
}

bool profile_ready(void)
{
	return known.loaded;
}

void profile_await(struct call *call, call_fn fn)
{
	known.early = mem_realloc(known.early, (known.early_n + 1) * sizeof(*known.early));
	known.early[known.early_n++] = (struct early){call, fn};
}

static void put(struct service *s, bool all)
{
	known.put = all;
	db_begin(s->db, begun, NULL);
}

void profile_load(struct service *s)
{
	if (known.put)
		db_begin(s->db, begun, NULL);
	else
		family_put_all(s, known.families, put);
}
