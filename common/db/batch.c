// SPDX-License-Identifier: Apache-2.0
/* Gathering: what arrives while one transaction runs is served by the next. */
#include <stdlib.h>
#include <string.h>

#include "common/db/db.h"

struct db_batch {
	size_t max;
	db_batch_fn run;
	void *arg;
	void **running; /* handed to run; max entries */
	bool busy;      /* run was called and db_batch_done was not */
	bool in_run;    /* run is on the stack: it may call done at once */
	void **next;    /* what came meanwhile, oldest first */
	size_t n_next, cap;
};

struct db_batch *db_batch_new(size_t max, db_batch_fn run, void *arg)
{
	struct db_batch *b = mem_alloc(sizeof(*b));

	bug_if(max == 0);
	b->max = max;
	b->run = run;
	b->arg = arg;
	b->running = mem_alloc(max * sizeof(*b->running));
	return b;
}

void db_batch_free(struct db_batch *b)
{
	if (b == NULL)
		return;
	free(b->running);
	free(b->next);
	free(b);
}

static void run_next(struct db_batch *b)
{
	while (!b->busy && !b->in_run && b->n_next > 0) {
		size_t n = size_min(b->n_next, b->max);

		memcpy(b->running, b->next, n * sizeof(*b->next));
		memmove(b->next, b->next + n, (b->n_next - n) * sizeof(*b->next));
		b->n_next -= n;
		b->busy = b->in_run = true;
		b->run(b, b->running, n, b->arg);
		b->in_run = false;
	}
}

void db_batch_put(struct db_batch *b, void *item)
{
	if (b->n_next == b->cap) {
		b->cap = size_max(64, b->cap * 2);
		b->next = mem_realloc(b->next, b->cap * sizeof(*b->next));
	}
	b->next[b->n_next++] = item;
	run_next(b);
}

void db_batch_done(struct db_batch *b)
{
	bug_if(!b->busy);
	b->busy = false;
	run_next(b);
}
