// SPDX-License-Identifier: Apache-2.0
/* store_chunk: the next bytes of an item. The answer says which byte is wanted next, so a sender
 * that lost an answer goes on from there. */
#include "services/storage/storage.h"

static void answer(struct call *call, uint64_t offset)
{
	const struct m_store_ack ack = {.offset = offset};
	call_reply(call, &ack);
}

/* A write that has to wait for the disk. */
struct writing {
	struct draft *draft;
	struct item *item;
	struct call *call;
	struct fault fault;
};

static void finish(struct writing *w)
{
	const struct m_store_chunk *chunk = w->call->body;
	struct draft *d = w->draft;
	d->state = DRAFT_OPEN;
	if (w->fault.code != 0) {
		/* what is in the spool is not known: the stream ends */
		d->fault = w->fault;
		call_fault(w->call, &w->fault);
		draft_done(d);
		return;
	}
	d->bytes += chunk->bytes.n;
	w->item->complete = chunk->last;
	answer(w->call, spool_size(w->item->plain));
}

static void write_chunk(void *arg)
{
	struct writing *w = arg;
	const struct m_store_chunk *chunk = w->call->body;
	if (spool_add(w->item->plain, chunk->bytes, &w->fault) < 0)
		return;
	if (chunk->last && spool_park(w->item->plain, &w->fault) < 0)
		return;
}

static void written(void *arg)
{
	finish(arg);
}

static int bounded(const struct draft *d, const struct item *i, size_t n, struct fault *f)
{
	if (spool_size(i->plain) + n > ITEM_MAX)
		return fault_why(f, CN_RESPONSE_TOO_BIG, "item_too_big",
			"item %s has more than 64 MiB", i->name);
	if (d->bytes + n > VERSION_MAX)
		return fault_why(
			f, CN_RESPONSE_TOO_BIG, "version_too_big", "more than 256 MiB in all");
	return 0;
}

static void take(struct call *call, struct draft *d, struct item *i)
{
	const struct m_store_chunk *chunk = call->body;
	struct fault f = FAULT_INIT;
	uint64_t have = spool_size(i->plain);
	if (chunk->offset != have || i->complete) {
		/* came twice, or too early: say where we are */
		answer(call, have);
		return;
	}
	if (bounded(d, i, chunk->bytes.n, &f) < 0) {
		call_fault(call, &f);
		return;
	}
	struct writing *w = arena_alloc(&call->arena, sizeof(*w));
	bug_if(w == NULL);
	*w = (struct writing){.draft = d, .item = i, .call = call};
	d->state = DRAFT_WRITING;
	if (spool_blocks(i->plain, chunk->bytes.n)) {
		loop_work(app.service->loop, write_chunk, written, w);
		return;
	}
	write_chunk(w);
	finish(w);
}

void on_store_chunk(struct call *call)
{
	const struct m_store_chunk *chunk = call->body;
	struct fault f = FAULT_INIT;
	struct draft *d = draft_find(call, &chunk->stream);
	if (d == NULL)
		return;
	if (d->state != DRAFT_OPEN) {
		call_refuse(call, CN_CONFLICT,
			d->state == DRAFT_WRITING ? "one_outstanding" : "ended",
			"this stream takes no chunk now");
		return;
	}
	struct item *i = draft_item(d, chunk, &f);
	if (i == NULL)
		call_fault(call, &f);
	else
		take(call, d, i);
}
