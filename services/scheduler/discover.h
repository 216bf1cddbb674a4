// SPDX-License-Identifier: Apache-2.0
/* Rules of discovery (docs/spec/fleet.md section 11): where a task looks, in pieces that one job
 * can do. Pure. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "gen/msg.h"

#define DISCOVER_DNS_SD "dns-sd"

/* One job: a stretch of addresses, or the networks that a worker stands in. */
struct slice {
	const char *name;  /* for people */
	const char *where; /* ranges, addresses and names with ", " between; or DISCOVER_DNS_SD */
	const char *pool;  /* whose workers look */
};

/* The settings of a task: where to look is said by a discovery and by no other kind, and a
 * discovery has no targets. 0, or -1 with CN_VALIDATION_FAILED naming the member. */
int discover_check(const struct m_task *t, struct arena *arena, struct fault *reterr) must_check;
/* The jobs of a run. The same settings give the same ones. */
int discover_slices(const struct m_discovery *d, struct arena *arena, struct slice **ret_list,
	size_t *ret_n, struct fault *reterr) must_check;
