// SPDX-License-Identifier: Apache-2.0
/* Several calls of one kind in one transaction. */
#include "services/scheduler/batch.h"

#include <stdlib.h>
#include <string.h>

struct batch *batch_new(struct db_batch *queue, void **items, size_t n)
{
	struct batch *b = mem_alloc(sizeof(*b));

	b->queue = queue;
	b->calls = mem_alloc(n * sizeof(*b->calls));
	memcpy(b->calls, items, n * sizeof(*b->calls));
	b->n = n;
	arena_init(&b->arena, 0);
	return b;
}

static void end(struct batch *b)
{
	struct db_batch *queue = b->queue;

	arena_fini(&b->arena);
	free(b->calls);
	free(b);
	db_batch_done(queue);
}

void batch_fail(struct batch *b, const struct fault *f)
{
	for (size_t i = 0; i < b->n; i++)
		answer_fault(b->calls[i], f);
	end(b);
}

void batch_answer(struct batch *b)
{
	const char *reply = b->replies;

	for (size_t i = 0; i < b->n; i++)
		call_reply(b->calls[i], reply + i * b->reply_size);
	end(b);
}
