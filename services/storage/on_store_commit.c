// SPDX-License-Identifier: Apache-2.0
/* store_commit: everything was sent. Answered when the version is on the medium with its signature,
 * or when it is known to be unchanged. */
#include <string.h>

#include "services/storage/storage.h"

static int complete(const struct draft *d, const struct m_store_commit *ask, struct fault *f)
{
	if (d->n_items == 0 || ask->items != d->n_items)
		return fault_why(f, CN_INCOMPLETE, "items", "%zu items came, %llu were sent",
			d->n_items, (unsigned long long)ask->items);
	for (size_t i = 0; i < d->n_items; i++)
		if (!d->items[i]->complete)
			return fault_why(
				f, CN_INCOMPLETE, "items", "item %s has no end", d->items[i]->name);
	if (ask->serial_after != NULL && strcmp(ask->serial_after, d->ask.serial) != 0)
		return fault_set(f, CN_IDENTITY_MISMATCH,
			"the device said serial number %s before and %s after the export",
			d->ask.serial, ask->serial_after);
	return 0;
}

static void answer_done(struct call *call, const struct draft *d)
{
	const struct m_store_one one = {.result = &d->result};
	if (d->fault.code != 0)
		call_fault(call, &d->fault);
	else
		call_reply(call, &one);
}

void on_store_commit(struct call *call)
{
	const struct m_store_commit *ask = call->body;
	struct draft *d = draft_find(call, &ask->stream);
	if (d == NULL)
		return;
	if (d->state == DRAFT_DONE) {
		answer_done(call, d);
		return;
	}
	if (d->state == DRAFT_WRITING || d->n_calls == DRAFT_CALLS) {
		call_refuse(call, CN_CONFLICT, "one_outstanding", "this stream is busy");
		return;
	}
	d->calls[d->n_calls++] = call;
	if (d->state == DRAFT_STORING)
		return;
	d->torn = ask->change_before != 0 && ask->change_before != ask->change_after;
	if (complete(d, ask, &d->fault) < 0)
		draft_done(d);
	else
		store_start(d);
}
