// SPDX-License-Identifier: Apache-2.0
/* Who was being served when this worker died (reliability.md RL-15). A 64-byte record in a shared
 * file mapping outlives SIGKILL; the next start of a worker in the same state directory reads it.
 * Several workers may share the directory: each takes a free file. Loop thread only. */
#pragma once

#include "common/base/fault.h"
#include "common/base/uuid.h"

/* What a dead worker left behind. */
struct culprit {
	struct uuid worker, job; /* job nil = nobody in particular */
	uint32_t attempt;
	char phase[16];
};

/* dir "": nothing outlives the process. Found records of dead workers go to *ret_dead (at most
 * max). 0, or -1 when the directory cannot be used. */
int culprit_open(const char *dir, const struct uuid *worker, struct culprit *ret_dead, size_t max,
	size_t *ret_n, struct fault *reterr) must_check;
/* Before and after each callback into a session. Cheap: writes to memory. */
void culprit_enter(const struct uuid *job, uint32_t attempt, const char *phase);
void culprit_leave(void);
/* Orderly end: nothing to tell. */
void culprit_close(void);
