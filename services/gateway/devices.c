// SPDX-License-Identifier: Apache-2.0
/* Names to ids and back, one call for all. */
#include "services/gateway/devices.h"

#include <string.h>

struct search {
	struct rest *r;
	const char *const *refs;
	size_t n;
	void (*then)(void *arg, const struct devices *found);
	void *arg;
	struct devices found;
	struct m_device_ref *items; /* of found */
};

static struct search *search_new(struct rest *r, const char *const *refs, size_t n,
	void (*then)(void *arg, const struct devices *found), void *arg)
{
	struct search *s = arena_alloc(r->arena, sizeof(*s));

	bug_if(s == NULL);
	*s = (struct search){.r = r, .refs = refs, .n = n, .then = then, .arg = arg};
	return s;
}

static void ask(struct search *s, peer_fn fn)
{
	struct m_device_resolve m = {.refs = s->refs, .refs_n = s->n};
	struct peer_opts opts = rest_opts(s->r);

	opts.request = (struct uuid){.b = {0}};
	peer_call(s->r->gateway->scheduler, &m_device_resolve_desc, &m, &opts, fn, s);
}

static struct m_device_ref kept(struct arena *a, const struct m_device_ref *d)
{
	struct m_device_ref copy = *d;

	copy.ref = arena_strdup(a, d->ref);
	copy.name = arena_strdup(a, d->name != NULL ? d->name : "");
	copy.family = arena_strdup(a, d->family != NULL ? d->family : "");
	bug_if(copy.ref == NULL || copy.name == NULL || copy.family == NULL);
	return copy;
}

static void make_room(struct search *s, size_t n)
{
	s->items = arena_array(s->r->arena, n + 1, sizeof(*s->items));
	bug_if(s->items == NULL);
	s->found.items = s->items;
}

/* The one device that a ref means; false when s->r was refused. */
static bool take_ref(struct search *s, const char *ref, const struct m_devices_resolved *m)
{
	const struct m_device_ref *one = NULL;

	for (size_t i = 0; i < m->devices_n; i++) {
		const struct m_device_ref *d = &m->devices[i];
		if (strcmp(d->ref, ref) != 0)
			continue;
		if (one != NULL && !uuid_eq(&one->id, &d->id)) {
			rest_refuse(s->r, CN_CONFLICT, "ambiguous", "%.128s", ref);
			return false;
		}
		one = d;
	}
	if (one == NULL) {
		rest_refuse(s->r, CN_NOT_FOUND, "unknown_device", "%.128s", ref);
		return false;
	}
	s->items[s->found.n++] = kept(s->r->arena, one);
	return true;
}

static void got_refs(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct search *s = arg;
	const struct m_devices_resolved *m = body;

	(void)instance;
	if (f != NULL) {
		rest_fault(s->r, f);
		return;
	}
	make_room(s, s->n);
	for (size_t i = 0; i < s->n; i++)
		if (!take_ref(s, s->refs[i], m))
			return;
	s->then(s->arg, &s->found);
}

void devices_find(struct rest *r, const char *const *refs, size_t n,
	void (*then)(void *arg, const struct devices *found), void *arg)
{
	ask(search_new(r, refs, n, then, arg), got_refs);
}

static void got_names(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct search *s = arg;
	const struct m_devices_resolved *m = body;

	(void)instance;
	if (f == NULL) {
		make_room(s, m->devices_n);
		for (size_t i = 0; i < m->devices_n; i++)
			s->items[s->found.n++] = kept(s->r->arena, &m->devices[i]);
	}
	s->then(s->arg, &s->found);
}

static bool among(const char *const *refs, size_t n, const char *ref)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(refs[i], ref) == 0)
			return true;
	return false;
}

void devices_names(struct rest *r, const struct uuid *ids, size_t n,
	void (*then)(void *arg, const struct devices *found), void *arg)
{
	const char **refs = arena_array(r->arena, n + 1, sizeof(const char *));
	size_t kinds = 0;

	bug_if(refs == NULL);
	for (size_t i = 0; i < n; i++) {
		char *text = arena_alloc(r->arena, UUID_TEXT);
		bug_if(text == NULL);
		if (!among(refs, kinds, uuid_format(&ids[i], text)))
			refs[kinds++] = text;
	}
	ask(search_new(r, refs, kinds, then, arg), got_names);
}

const char *devices_name(const struct devices *d, const struct uuid *id)
{
	for (size_t i = 0; i < d->n; i++)
		if (uuid_eq(&d->items[i].id, id))
			return d->items[i].name;
	return NULL;
}
