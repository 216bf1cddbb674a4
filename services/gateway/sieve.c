// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/clock/clock.h"
#include "common/msg/scope.h"

#define WAITING_MAX ((size_t)1000)
#define KNOWN_NS (5ull * 1000000000ull) /* a verdict counts so long */
#define SEEN ((void *)1)
#define UNSEEN ((void *)2)

enum about { NOTHING, DEVICE, RUN, END };

struct item {
	struct list node;
	enum about about;
	bool asked;
	struct uuid id;
	char text[];
};

struct sieve {
	struct gateway *gateway;
	sieve_fn push;
	void *arg;
	char actor[160];
	char *scope;
	struct list items;
	size_t n;
	struct map known; /* id → SEEN or UNSEEN */
	uint64_t known_since_ns;
	bool asking; /* somebody comes back to it */
	bool dead;   /* whoever does ends it */
};

struct sieve *sieve_new(
	struct gateway *g, const char *actor, const char *scope, sieve_fn push, void *arg)
{
	struct sieve *s = mem_alloc(sizeof(*s));
	size_t n = strlen(scope) + 1;

	s->gateway = g;
	s->push = push;
	s->arg = arg;
	(void)snprintf(s->actor, sizeof(s->actor), "%s", actor);
	s->scope = mem_alloc(n);
	memcpy(s->scope, scope, n);
	list_init(&s->items);
	s->known = MAP_INIT;
	return s;
}

static void drop_head(struct sieve *s)
{
	struct list *head = list_pop(&s->items);

	if (head == NULL)
		return;
	free(container_of(head, struct item, node));
	s->n--;
}

static void destroy(struct sieve *s)
{
	while (s->n > 0)
		drop_head(s);
	map_fini(&s->known);
	free(s->scope);
	free(s);
}

void sieve_free(struct sieve *s)
{
	if (s == NULL)
		return;
	s->dead = true;
	if (!s->asking)
		destroy(s);
}

/* ---- what an event is about ---- */

static enum about about(const struct msg_desc *desc, const void *body, struct uuid *ret_id)
{
	switch (desc->id) {
	case MSG_RUN_CHANGED:
		*ret_id = ((const struct m_run_changed *)body)->run->id;
		return RUN;
	case MSG_JOB_CHANGED:
		*ret_id = ((const struct m_job_changed *)body)->device;
		return DEVICE;
	case MSG_DEVICE_CHANGED:
		*ret_id = ((const struct m_device_changed *)body)->device;
		return DEVICE;
	case MSG_LOCK_CHANGED:
		*ret_id = ((const struct m_lock_changed *)body)->device;
		return DEVICE;
	case MSG_VERSION_COMMITTED:
		*ret_id = ((const struct m_version_committed *)body)->device;
		return DEVICE;
	case MSG_VERSION_DAMAGED:
		*ret_id = ((const struct m_version_damaged *)body)->device;
		return DEVICE;
	case MSG_DRILL_DONE:
		*ret_id = ((const struct m_drill_done *)body)->device;
		return DEVICE;
	case MSG_SYNC_CHANGED:
		*ret_id = ((const struct m_sync_changed *)body)->device;
		return DEVICE;
	default:
		return NOTHING;
	}
}

/* ---- asked and answered ---- */

static void next(struct sieve *s);

static void know(struct sieve *s, const struct uuid *id, void *verdict)
{
	(void)map_put(&s->known, id->b, sizeof(id->b), verdict);
}

/* Whether the sieve is still wanted. */
static bool answered(struct sieve *s, const struct fault *f)
{
	s->asking = false;
	if (s->dead) {
		destroy(s);
		return false;
	}
	if (f != NULL && f->code != CN_NOT_FOUND && f->code != CN_OUT_OF_SCOPE)
		drop_head(s); /* nobody can say: it does not pass */
	return true;
}

static void got_devices(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct sieve *s = arg;
	const struct m_devices_resolved *m = body;

	(void)instance;
	if (!answered(s, f))
		return;
	for (struct list *it = s->items.next; f == NULL && it != &s->items; it = it->next) {
		const struct item *e = container_of(it, struct item, node);
		if (e->asked)
			know(s, &e->id, UNSEEN);
	}
	for (size_t i = 0; f == NULL && i < m->devices_n; i++)
		know(s, &m->devices[i].id, SEEN);
	next(s);
}

static void got_run(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct sieve *s = arg;

	(void)body;
	(void)instance;
	if (!answered(s, f))
		return;
	if (f == NULL || f->code == CN_NOT_FOUND || f->code == CN_OUT_OF_SCOPE)
		know(s, &container_of(s->items.next, struct item, node)->id,
			f == NULL ? SEEN : UNSEEN);
	next(s);
}

static struct peer_opts opts_of(const struct sieve *s)
{
	return (struct peer_opts){
		.actor = s->actor, .role = scope_role(s->scope, MSG_VIEWER), .scope = s->scope};
}

/* All devices that wait are asked about at once. */
static void ask_devices(struct sieve *s)
{
	struct arena arena;
	struct peer_opts opts = opts_of(s);
	struct m_device_resolve m = {.refs_n = 0};

	arena_init(&arena, WAITING_MAX * 64 + 65536);
	const char **refs = arena_array(&arena, s->n, sizeof(*refs));
	bug_if(refs == NULL);
	list_each (it, &s->items) {
		struct item *e = container_of(it, struct item, node);
		char *text = arena_alloc(&arena, UUID_TEXT);
		bug_if(text == NULL);
		e->asked = e->about == DEVICE;
		if (e->asked)
			refs[m.refs_n++] = uuid_format(&e->id, text);
	}
	m.refs = refs;
	peer_call(s->gateway->scheduler, &m_device_resolve_desc, &m, &opts, got_devices, s);
	arena_fini(&arena);
}

static void ask_run(struct sieve *s, const struct uuid *run)
{
	struct m_run_get m = {.id = *run};
	struct peer_opts opts = opts_of(s);

	peer_call(s->gateway->scheduler, &m_run_get_desc, &m, &opts, got_run, s);
}

/* Lets through what is known, and asks about the first that is not. */
static void next(struct sieve *s)
{
	while (!s->asking && !list_empty(&s->items)) {
		struct item *head = container_of(s->items.next, struct item, node);
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): loses sight of the unlinking */
		const void *verdict = head->about == END
					      ? SEEN
					      : map_get(&s->known, head->id.b, sizeof(head->id.b));
		s->asking = true;
		if (verdict != NULL) {
			if (verdict == SEEN)
				s->push(s->arg, head->about == END ? NULL : head->text);
			drop_head(s);
			s->asking = false;
			if (s->dead) {
				destroy(s);
				return;
			}
			continue;
		}
		if (head->about == DEVICE)
			ask_devices(s);
		else
			ask_run(s, &head->id);
	}
}

static void put(struct sieve *s, enum about what, const struct uuid *id, const char *text)
{
	size_t n = strlen(text) + 1;
	struct item *e = mem_alloc(sizeof(*e) + n);

	e->about = what;
	e->id = *id;
	memcpy(e->text, text, n);
	list_push(&s->items, &e->node);
	s->n++;
	next(s);
}

bool sieve_put(struct sieve *s, const struct msg_desc *desc, const void *body, const char *text)
{
	struct uuid id = {.b = {0}};
	enum about what = about(desc, body, &id);
	uint64_t now = clock_mono_ns();

	if (what == NOTHING || uuid_is_nil(&id))
		return true;
	if (now - s->known_since_ns > KNOWN_NS) {
		map_fini(&s->known);
		s->known = MAP_INIT;
		s->known_since_ns = now;
	}
	if (s->n == WAITING_MAX)
		return false;
	put(s, what, &id, text);
	return true;
}

void sieve_end(struct sieve *s)
{
	put(s, END, &(struct uuid){.b = {0}}, "");
}
