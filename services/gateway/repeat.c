// SPDX-License-Identifier: Apache-2.0
/* Who asks again for a lock that it waits for, or has, does nothing that is not in the audit: the
 * first asking is there, and how the waiting ends. */
#include <string.h>

#include "services/gateway/audit.h"

static void looked(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct rest *r = arg;
	const struct m_lock_page *page = body;

	(void)instance;
	if (f != NULL || page->items_n == 0 || page->items[0].holder == NULL ||
		strcmp(page->items[0].holder, r->who.name) != 0) {
		audit_change(r);
		return;
	}
	r->waits = page->items[0].state == LOCK_STATE_WAITING;
	r->then(r);
}

void repeat_check(struct rest *r)
{
	const struct m_lock_declare *m = r->body;
	struct m_lock_get ask = {.request = m->request};
	struct peer_opts opts = rest_opts(r);

	if (uuid_is_nil(&ask.request))
		ask.request = r->request;
	opts.request = (struct uuid){.b = {0}};
	peer_call(r->gateway->lock, &m_lock_get_desc, &ask, &opts, looked, r);
}
