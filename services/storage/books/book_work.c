// SPDX-License-Identifier: Apache-2.0
/* First come, first served, within BOOK_WORK_BYTES; whoever is larger waits to be alone. */
#include "services/storage/books/book_work.h"

#include "services/storage/storage.h"

static struct list waiting;
static unsigned running;
static uint64_t bytes;

static void next(void);

static void work(void *arg)
{
	const struct book_work *w = arg;
	w->work(w->arg);
}

static void done(void *arg)
{
	const struct book_work *w = arg;
	running--;
	bytes -= w->bytes;
	w->done(w->arg);
	next();
}

static void next(void)
{
	while (!list_empty(&waiting) && running < BOOK_WORKERS) {
		struct book_work *w = container_of(waiting.next, struct book_work, node);
		if (running > 0 && bytes + w->bytes > BOOK_WORK_BYTES)
			return;
		list_remove(&w->node);
		running++;
		bytes += w->bytes;
		loop_work(app.service->loop, work, done, w);
	}
}

void book_work(struct book_work *w)
{
	if (waiting.next == NULL)
		list_init(&waiting);
	list_push(&waiting, &w->node);
	next();
}
