// SPDX-License-Identifier: Apache-2.0
/* store_abort: forget what came. What is already being stored goes on. */
#include "services/storage/storage.h"

void on_store_abort(struct call *call)
{
	static const struct m_ok ok;
	const struct m_store_abort *ask = call->body;
	struct draft *d = map_get(&app.drafts, ask->stream.b, 16);
	if (d != NULL && d->state == DRAFT_OPEN) {
		fault_why(&d->fault, ask->code == 0 ? CN_INCOMPLETE : (int)ask->code, "aborted",
			"ended by the sender: %.180s", ask->detail == NULL ? "" : ask->detail);
		draft_done(d);
		draft_forget(d);
	}
	call_reply(call, &ok);
}
