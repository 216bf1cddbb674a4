// SPDX-License-Identifier: Apache-2.0
/* Natural batching: the size follows the peer's speed. */
#include "services/worker/batch.h"

#include "common/clock/clock.h"

#define AGAIN_MS 100u
#define AGAIN_MAX_MS 2000u

static void send_again(void *arg)
{
	struct batch *b = arg;

	if (!b->stopped)
		b->send(b, b->arg);
}

void batch_init(struct batch *b, struct loop *loop, size_t max,
	void (*send)(struct batch *b, void *arg), void *arg)
{
	*b = (struct batch){.max = max, .send = send, .arg = arg, .again_ms = AGAIN_MS};
	list_init(&b->waiting);
	list_init(&b->flying);
	b->again = timer_new(loop, send_again, b);
}

void batch_fini(struct batch *b)
{
	b->stopped = true;
	if (b->again)
		timer_free(b->again);
	b->again = NULL;
}

static void go(struct batch *b)
{
	struct list *node;

	if (b->n_flying || b->stopped)
		return;
	while (b->n_flying < b->max && (node = list_pop(&b->waiting)) != NULL) {
		list_push(&b->flying, node);
		b->n_waiting--;
		b->n_flying++;
	}
	if (b->n_flying == 0)
		return;
	b->request = uuid_v7(clock_wall_ms());
	b->again_ms = AGAIN_MS;
	b->send(b, b->arg);
}

void batch_add(struct batch *b, struct list *node)
{
	list_push(&b->waiting, node);
	b->n_waiting++;
	go(b);
}

void batch_answered(
	struct batch *b, const struct fault *f, void (*each)(void *arg, struct list *node))
{
	struct list told, *node;

	if (b->stopped)
		return;
	if (f) {
		timer_set(b->again, b->again_ms, 0);
		b->again_ms = b->again_ms * 2 < AGAIN_MAX_MS ? b->again_ms * 2 : AGAIN_MAX_MS;
		return;
	}
	list_init(&told);
	while ((node = list_pop(&b->flying)) != NULL)
		list_push(&told, node);
	b->n_flying = 0;
	go(b); /* the next ones may leave before we look at these */
	while ((node = list_pop(&told)) != NULL)
		each(b->arg, node);
}
