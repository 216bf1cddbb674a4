// SPDX-License-Identifier: Apache-2.0
/* Several calls of one kind in one transaction: what claims, renewals, steps and results share. */
#pragma once

#include "services/scheduler/scheduler.h"

struct batch {
	struct db_batch *queue;
	struct call **calls;
	size_t n;
	struct arena arena;
	const void *replies; /* array of reply structs, one per call, made before the commit */
	size_t reply_size;
	void *state; /* of the handler */
};

struct batch *batch_new(struct db_batch *queue, void **items, size_t n);
/* The database failed: every caller hears it, and the next batch may run. */
void batch_fail(struct batch *b, const struct fault *f);
/* Answers each call with its reply, then the next batch may run. */
void batch_answer(struct batch *b);
