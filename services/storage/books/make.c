// SPDX-License-Identifier: Apache-2.0
/* A version that no stream brings: this service has its bytes and stores them like any other's. */
#include <string.h>

#include "services/storage/storage.h"

/* Waits for a place; lives in the call's arena. */
struct making_one {
	struct m_store_begin ask;
	struct spool *plain;
	unsigned entries;
	void (*ended)(const struct draft *d, void *arg);
	void *arg;
};

static void placed(struct call *call)
{
	const struct making_one *m = call->state;
	struct draft *d = draft_new(&m->ask);
	struct item *i = mem_alloc(sizeof(*i));
	memcpy(i->name, "book", 5);
	i->role = MANIFEST_NATIVE;
	i->kind = (enum object_kind)object_kind_parse(m->ask.format);
	i->plain = m->plain;
	i->complete = true;
	i->entries = m->entries;
	i->file.fd = -1;
	d->items[d->n_items++] = i;
	d->ended = m->ended;
	d->ended_arg = m->arg;
	store_start(d);
}

void draft_make(struct call *call, const struct m_store_begin *ask, struct spool *plain,
	unsigned entries, void (*ended)(const struct draft *d, void *arg), void *arg)
{
	const struct making_one one = {
		.ask = *ask, .plain = plain, .entries = entries, .ended = ended, .arg = arg};
	call->state = arena_dup(&call->arena, &one, sizeof(one));
	bug_if(call->state == NULL);
	if (app.place_fault.code != 0) {
		spool_free(plain);
		call_fault(call, &app.place_fault);
		return;
	}
	draft_place(call, placed);
}
