// SPDX-License-Identifier: Apache-2.0
/* A plan of retention: the same walk over all versions for the dry run, for the prune and for the
 * nightly one (ST-69). */
#pragma once

#include "services/storage/sql_retention.h"

#define POLICIES 16

struct prune {
	/* asked */
	struct arena *arena;  /* of the list */
	struct uuid device;   /* nil = all; the sums are of all */
	bool going;           /* list only what goes */
	size_t offset, limit; /* of the list */
	const char *boot;     /* of this machine */
	bool settle;          /* the clock was looked at by a person */
	void (*done)(struct prune *p);
	void *arg;
	/* on its way */
	struct policy policies[POLICIES];
	size_t n_policies;
	struct policy keep_all; /* where there is none */
	struct sql_clock clock;
	struct sql_walk walk;
	struct sha256 *sum;
	size_t matched; /* that would be listed */
	struct sql_condemned condemning;
	size_t next; /* of ids */
	/* found */
	int64_t now_ms;
	int64_t jump_ms; /* of the database's clock since the last look (ST-71) */
	uint8_t hash[SHA256_LEN];
	struct uuid *ids; /* that go, with how long they are held */
	unsigned *held_days;
	size_t n, room;
	struct m_prune_plan plan; /* hash and asked_by not yet */
	struct m_planned *items;
	struct fault fault;
};

/* Then done(p), later; p->fault says why not. */
void prune_walk(struct prune *p);
void prune_fini(struct prune *p);
/* 1 h between the database's clock and the machine's: nothing is condemned before a person said
 * that it is right. */
bool prune_clock_jumped(const struct prune *p);
/* Condemns what the walk found, then erases what was condemned long enough; then done(p) again,
 * with plan.condemned. */
void prune_apply(struct prune *p, const char *by);
