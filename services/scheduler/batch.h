// SPDX-License-Identifier: Apache-2.0
/* Several calls of one kind in one transaction: what claims, renewals, steps and results share.
 *
 * One bad row never stops the rest (RL-8): when the database refuses what a transaction says, each
 * call is served by a transaction of its own, and what stays refused is taken apart into the things
 * it reports, one at a time. */
#pragma once

#include <stddef.h>

#include "services/scheduler/scheduler.h"

struct batch;

/* Where a request has the things that it reports, each of a job, and where its reply has those jobs
 * that are refused. */
struct batch_parts {
	size_t size, list, list_n, item, job, reply_size, refused, refused_n;
};
#define BATCH_PARTS(request, of, thing, reply)                                                     \
	{                                                                                          \
		.size = sizeof(struct request), .list = offsetof(struct request, of),              \
		.list_n = offsetof(struct request, of##_n), .item = sizeof(struct thing),          \
		.job = offsetof(struct thing, job), .reply_size = sizeof(struct reply),            \
		.refused = offsetof(struct reply, refused),                                        \
		.refused_n = offsetof(struct reply, refused_n),                                    \
	}

/* How calls of a kind are served; data of its handler. */
struct batch_kind {
	/* begins the transaction of b->calls; called again when they are served otherwise */
	void (*start)(struct batch *b);
	const struct batch_parts *parts; /* NULL = a call is not taken apart */
	/* What is said instead of one thing that the database does not take; NULL = it is refused.
	 */
	const void *(*instead)(const void *one, const struct fault *f, struct arena *arena);
};

struct batch {
	const struct batch_kind *kind;
	struct db_batch *queue;
	struct call **calls; /* of this transaction */
	size_t n;
	struct arena arena;  /* of this transaction */
	const void *replies; /* array of reply structs, one per call, made before the commit */
	size_t reply_size;
	void *state; /* of the handler */
	/* private to batch.c */
	struct call **all;
	size_t n_all, served;
	struct apart *apart; /* the call that is taken apart, or NULL */
};

/* What a db_batch runs: serves these calls, then the next batch may run. */
void batch_run(const struct batch_kind *kind, struct db_batch *queue, void **items, size_t n);
/* The transaction failed. Every caller hears it, or it goes on otherwise. */
void batch_fail(struct batch *b, const struct fault *f);
/* The transaction was committed: answers each call with its reply, and goes on. */
void batch_answer(struct batch *b);
