// SPDX-License-Identifier: Apache-2.0
/* What is held, waits and was seen, with the names of the devices. */
#include <string.h>

#include "services/gateway/devices.h"

/* A page on its way from the lock service to the reader. */
struct look {
	struct rest *r;
	const struct m_lock_look *body;
	struct m_lock_page page;
};

static struct look *look_new(struct rest *r, const void *body)
{
	struct look *k = arena_alloc(r->arena, sizeof(*k));

	bug_if(k == NULL);
	*k = (struct look){.r = r, .body = body};
	return k;
}

static void named(void *arg, const struct devices *found)
{
	struct look *k = arg;
	struct m_lock *items = (struct m_lock *)(uintptr_t)k->page.items;

	for (size_t i = 0; i < k->page.items_n; i++)
		items[i].device_name = devices_name(found, &items[i].device);
	rest_reply(k->r, &m_lock_page_desc, &k->page);
}

/* The answer lives as long as its callback: what is named later is copied. */
static struct m_lock kept(struct arena *a, const struct m_lock *row)
{
	struct m_lock copy = *row;
	const char **items = arena_array(a, row->items_n + 1, sizeof(const char *));

	bug_if(items == NULL);
	for (size_t i = 0; i < row->items_n; i++)
		items[i] = arena_strdup(a, row->items[i]);
	copy.items = items;
	copy.op = arena_strdup(a, row->op != NULL ? row->op : "");
	copy.holder = arena_strdup(a, row->holder != NULL ? row->holder : "");
	copy.has = 0;
	return copy;
}

static void got(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct look *k = arg;
	const struct m_lock_page *page = body;

	(void)instance;
	if (f != NULL) {
		rest_fault(k->r, f);
		return;
	}
	struct m_lock *items = arena_array(k->r->arena, page->items_n + 1, sizeof(*items));
	struct uuid *ids = arena_array(k->r->arena, page->items_n + 1, sizeof(*ids));
	bug_if(items == NULL || ids == NULL);
	for (size_t i = 0; i < page->items_n; i++) {
		items[i] = kept(k->r->arena, &page->items[i]);
		ids[i] = items[i].device;
	}
	k->page = (struct m_lock_page){.items = items, .items_n = page->items_n};
	k->page.next = page->next == NULL ? NULL : arena_strdup(k->r->arena, page->next);
	devices_names(k->r, ids, page->items_n, named, k);
}

static void ask(struct look *k, const struct uuid *device)
{
	struct m_lock_list m = {
		.state = k->body->state, .cursor = k->body->cursor, .limit = k->body->limit};
	struct peer_opts opts = rest_opts(k->r);

	if (device != NULL)
		m.device = *device;
	peer_call(k->r->gateway->lock, &m_lock_list_desc, &m, &opts, got, k);
}

static void found(void *arg, const struct devices *devices)
{
	ask(arg, &devices->items[0].id);
}

void on_lock_look(struct rest *r, const void *body)
{
	const struct m_lock_look *m = body;
	struct look *k = look_new(r, body);

	if (m->device == NULL || *m->device == '\0')
		ask(k, NULL);
	else
		devices_find(r, &m->device, 1, found, k);
}

void on_lock_show(struct rest *r, const void *body)
{
	const struct m_lock_show *m = body;
	const struct m_lock_get get = {.request = m->request};
	struct peer_opts opts = rest_opts(r);

	peer_call(r->gateway->lock, &m_lock_get_desc, &get, &opts, got, look_new(r, NULL));
}
