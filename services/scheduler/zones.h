// SPDX-License-Identifier: Apache-2.0
/* The time zones of a task's targets, as they are now (FL-30). */
#pragma once

#include "common/clock/zone.h"
#include "services/scheduler/scheduler.h"

struct zones {
	const struct zone *const *list;
	size_t n;
};
/* t is NULL with a fault, and rolled back. */
typedef void (*zones_fn)(
	struct txn *t, const struct zones *zones, const struct fault *f, void *arg);
struct zones_asked {
	struct uuid task;                /* nil = of no task */
	const struct m_targets *targets; /* ids */
	const char *sees;                /* scope of who saves the task; NULL = as it is stored */
};
/* The next step of a transaction that has queued nothing. */
void zones_of(struct txn *t, const struct zones_asked *asked, struct arena *arena, zones_fn fn,
	void *arg);
/* A name that this system does not know counts as UTC. */
const struct zone *zone_or_utc(const char *name);
