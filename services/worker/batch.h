// SPDX-License-Identifier: Apache-2.0
/* Many small things to tell one peer: one call is under way, what comes meanwhile waits for the
 * next. A call whose outcome is unknown is repeated with the same idempotency key until it is
 * answered. Loop thread only. */
#pragma once

#include "common/base/list.h"
#include "common/service/service.h"

struct batch {
	struct list waiting, flying;
	size_t n_waiting, n_flying;
	size_t max;          /* of one call */
	struct uuid request; /* of the call under way */
	struct timer *again;
	uint32_t again_ms;
	bool stopped; /* nothing is sent any more */
	/* Builds the message of b->flying, calls the peer with b->request, and later
	 * batch_answered. */
	void (*send)(struct batch *b, void *arg);
	void *arg;
};

void batch_init(struct batch *b, struct loop *loop, size_t max,
	void (*send)(struct batch *b, void *arg), void *arg);
void batch_fini(struct batch *b);
void batch_add(struct batch *b, struct list *node);
/* f NULL: the call was answered; each(arg, node) is called for each thing, off the list. Otherwise
 * it goes again soon. */
void batch_answered(
	struct batch *b, const struct fault *f, void (*each)(void *arg, struct list *node));
static inline bool batch_idle(const struct batch *b)
{
	return b->n_waiting == 0 && b->n_flying == 0;
}
