// SPDX-License-Identifier: Apache-2.0
/* Server-sent events: what the services publish, forwarded to whoever watches. */
#include "services/gateway/events.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "services/gateway/devices.h"
#include "services/gateway/scope.h"
#include "services/gateway/sieve.h"
#include "services/gateway/standing.h"

#define ALL "/api/v1/events"
#define RUNS "/api/v1/runs/"
#define LOCKS "/api/v1/locks/events"
#define LOCK_DEVICES ((size_t)64)    /* of one stream */
#define BACKLOG ((size_t)256 * 1024) /* a reader further behind is cut off and comes back */
#define COMMENT_MS 15000             /* keeps proxies from closing an idle stream */

struct events {
	struct gateway *gateway;
	struct list watchers;
	size_t n;
	struct timer *comment;
};

/* A device that a stream of locks is about. */
struct watched {
	struct uuid id;
	char name[128];
};

struct watcher {
	struct list node;
	struct events *events;
	struct http_stream *stream;
	struct uuid run;         /* nil = all */
	bool locks;              /* only locks, of these devices; none = of all */
	struct watched *devices; /* owned */
	size_t devices_n;
	struct standing standing;
	struct sieve *sieve; /* of somebody with a scope; NULL = everything arrives */
	struct peer_opts opts;
	char actor[160];
	bool closing;
};

/* It comes back, and reads the state again. */
static void cut_off(struct watcher *w)
{
	w->closing = true;
	http_stream_abort(w->stream);
}

/* Who comes back is asked for their name again. */
static void lost_standing(void *arg)
{
	struct watcher *w = arg;

	if (!w->closing)
		cut_off(w);
}

static void push(struct watcher *w, const char *text)
{
	if (w->closing)
		return;
	if (http_stream_write(w->stream, (struct span){(const uint8_t *)text, strlen(text)}) >
		BACKLOG)
		cut_off(w);
}

static void push_event(struct watcher *w, const struct msg_desc *desc, const void *body)
{
	struct buf b = BUF_INIT;
	json_t *doc = msg_to_json_full(desc, body);
	char *text = doc == NULL ? NULL : json_dumps(doc, JSON_COMPACT);

	if (text != NULL) {
		buf_addf(&b, "event: %s\ndata: %s\n\n", desc->name, text);
		if (w->sieve == NULL)
			push(w, buf_str(&b));
		else if (!w->closing && !sieve_put(w->sieve, desc, body, buf_str(&b)))
			cut_off(w);
	}
	free(text);
	json_decref(doc);
	buf_fini(&b);
}

static bool run_ended(const struct m_run *run)
{
	return run->state >= RUN_STATE_SUCCEEDED;
}

static void end(struct watcher *w)
{
	if (w->closing)
		return;
	w->closing = true;
	http_stream_end(w->stream);
}

static void passed(void *arg, const char *text)
{
	if (text == NULL)
		end(arg);
	else
		push(arg, text);
}

static void closed(void *arg)
{
	struct watcher *w = arg;

	list_remove(&w->node);
	w->events->n--;
	standing_fini(&w->standing);
	sieve_free(w->sieve);
	free(w->devices);
	free(w);
}

/* The state of the watched run, at the beginning and after a gap. */
struct snapshot {
	struct events *events;
	struct uuid run;
};

static void push_run(struct events *e, const struct m_run *run)
{
	struct m_run_changed changed = {.run = run};

	list_each_safe (it, &e->watchers) {
		struct watcher *w = container_of(it, struct watcher, node);
		if (w->locks || (!uuid_is_nil(&w->run) && !uuid_eq(&w->run, &run->id)))
			continue;
		push_event(w, &m_run_changed_desc, &changed);
		if (uuid_is_nil(&w->run) || !run_ended(run) || w->closing)
			continue;
		if (w->sieve == NULL)
			end(w);
		else
			sieve_end(w->sieve);
	}
}

static void got_run(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct snapshot *s = arg;

	(void)instance;
	if (f == NULL)
		push_run(s->events, ((const struct m_run_one *)body)->run);
	free(s);
}

static void read_run(struct events *e, const struct watcher *w)
{
	struct snapshot *s = mem_alloc(sizeof(*s));
	struct m_run_get get = {.id = w->run};

	s->events = e;
	s->run = w->run;
	peer_call(e->gateway->scheduler, &m_run_get_desc, &get, &w->opts, got_run, s);
}

static void missed_some(struct events *e)
{
	list_each (it, &e->watchers) {
		struct watcher *w = container_of(it, struct watcher, node);
		push(w, "event: gap\ndata: {}\n\n");
		if (!uuid_is_nil(&w->run))
			read_run(e, w);
	}
}

/* A change of a lock on a device that the stream is about, with its name where it was named. */
static void push_lock(struct watcher *w, const struct m_lock_changed *m)
{
	struct m_lock_changed named = *m;
	size_t i = 0;

	named.has = 0;
	while (i < w->devices_n && !uuid_eq(&w->devices[i].id, &m->device))
		i++;
	if (i < w->devices_n)
		named.device_name = w->devices[i].name;
	if (i < w->devices_n || w->devices_n == 0)
		push_event(w, &m_lock_changed_desc, &named);
}

static void arrived(void *arg, const struct msg_desc *desc, const void *body)
{
	struct events *e = arg;

	if (desc == NULL) {
		missed_some(e);
		return;
	}
	if (desc->id == MSG_HEARTBEAT || desc->id == MSG_JOBS_READY || desc->id == MSG_LOCK_RETRY)
		return;
	if (desc->id == MSG_RUN_CHANGED) {
		push_run(e, ((const struct m_run_changed *)body)->run);
		return;
	}
	const struct uuid *run =
		desc->id == MSG_JOB_CHANGED ? &((const struct m_job_changed *)body)->run : NULL;
	list_each_safe (it, &e->watchers) {
		struct watcher *w = container_of(it, struct watcher, node);
		if (w->locks && desc->id == MSG_LOCK_CHANGED)
			push_lock(w, body);
		else if (!w->locks &&
			 (uuid_is_nil(&w->run) || (run != NULL && uuid_eq(&w->run, run))))
			push_event(w, desc, body);
	}
}

static void comment(void *arg)
{
	struct events *e = arg;

	list_each_safe (it, &e->watchers)
		push(container_of(it, struct watcher, node), ": still here\n\n");
}

struct events *events_new(struct gateway *g, struct fault *reterr)
{
	const struct common_config *c = &g->config->common;
	const char *urls[] = {
		c->scheduler_events, c->lock_events, c->storage_events, c->sync_events};
	struct events *e = mem_alloc(sizeof(*e));

	e->gateway = g;
	list_init(&e->watchers);
	for (size_t i = 0; i < array_len(urls); i++)
		if (*urls[i] != '\0' &&
			service_subscribe(g->service, urls[i], arrived, e, reterr) != 0)
			return NULL;
	e->comment = timer_new(g->service->loop, comment, e);
	timer_set(e->comment, COMMENT_MS, COMMENT_MS);
	return e;
}

/* ---- the paths ---- */

static struct watcher *watch(struct rest *r, const struct uuid *run)
{
	struct events *e = r->gateway->events;
	struct watcher *w = mem_alloc(sizeof(*w));

	w->events = e;
	w->run = *run;
	memcpy(w->actor, r->who.name, sizeof(w->actor));
	w->opts = (struct peer_opts){.actor = w->actor, .role = MSG_VIEWER};
	if (person_reach(&r->who, MSG_VIEWER, r->arena) == SCOPE_PART)
		w->sieve = sieve_new(r->gateway, w->actor, r->who.scope, passed, w);
	standing_init(r->gateway->standings, &w->standing, &r->who, lost_standing, w);
	list_push(&e->watchers, &w->node);
	e->n++;
	http_set_header(r->http, "Cache-Control", "no-store");
	http_set_header(r->http, "X-Accel-Buffering", "no");
	w->stream = http_respond_stream(r->http, 200, "text/event-stream", NULL, closed, w);
	push(w, "retry: 2000\n\n");
	if (!uuid_is_nil(run))
		read_run(e, w);
	return w;
}

/* ---- locks: ?device=NAME, repeatable ---- */

struct named {
	struct rest *r;
	const char *refs[LOCK_DEVICES];
	size_t n;
};

static void watch_locks(void *arg, const struct devices *found)
{
	const struct named *d = arg;
	struct watcher *w = watch(d->r, &(struct uuid){.b = {0}});

	w->locks = true;
	w->devices = mem_alloc((found->n + 1) * sizeof(*w->devices));
	w->devices_n = found->n;
	for (size_t i = 0; i < found->n; i++) {
		w->devices[i].id = found->items[i].id;
		(void)snprintf(
			w->devices[i].name, sizeof(w->devices[i].name), "%s", found->items[i].name);
	}
}

static void each_device(void *arg, const char *name, const char *value)
{
	struct named *d = arg;

	if (strcmp(name, "device") == 0 && d->n++ < LOCK_DEVICES)
		d->refs[d->n - 1] = value;
}

static void open_locks(struct rest *r)
{
	static const struct devices all = {.n = 0};
	struct named *d = arena_alloc(r->arena, sizeof(*d));

	bug_if(d == NULL);
	*d = (struct named){.r = r};
	http_query_each(r->http, each_device, d);
	if (d->n > LOCK_DEVICES)
		rest_refuse(r, CN_VALIDATION_FAILED, "too_many_devices",
			"at most %zu devices in one stream; none named: all", LOCK_DEVICES);
	else if (d->n == 0)
		watch_locks(d, &all);
	else
		devices_find(r, d->refs, d->n, watch_locks, d);
}

/* The run is there and may be seen: only then the stream begins. */
static void run_known(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct rest *r = arg;

	(void)instance;
	if (f != NULL)
		rest_fault(r, f);
	else
		(void)watch(r, &((const struct m_run_one *)body)->run->id);
}

static bool run_of(const char *path, struct uuid *ret_run)
{
	char text[UUID_TEXT];
	size_t n = strlen(RUNS);

	if (strncmp(path, RUNS, n) != 0 || strlen(path) < n + UUID_TEXT - 1 ||
		strcmp(path + n + UUID_TEXT - 1, "/events") != 0)
		return false;
	memcpy(text, path + n, UUID_TEXT - 1);
	text[UUID_TEXT - 1] = '\0';
	return uuid_parse(text, ret_run) == 0;
}

bool events_path(struct rest *r, const char *path)
{
	struct m_run_get get = {.has = 0};
	bool all = strcmp(path, ALL) == 0, locks = strcmp(path, LOCKS) == 0;

	if (!all && !locks && !run_of(path, &get.id))
		return false;
	if (r == NULL)
		return true;
	if (!rest_may_stream(r))
		return true;
	if (person_reach(&r->who, MSG_VIEWER, r->arena) == SCOPE_NOTHING) {
		rest_refuse(r, CN_PERMISSION_DENIED, "role", "events need the role viewer");
		return true;
	}
	if (r->gateway->events->n >= (size_t)r->gateway->config->sse_max) {
		rest_refuse(r, CN_RATE_LIMITED, "events", "too many event streams are open");
	} else if (locks) {
		open_locks(r);
	} else if (all) {
		(void)watch(r, &get.id);
	} else {
		struct peer_opts opts = rest_opts(r);
		peer_call(r->gateway->scheduler, &m_run_get_desc, &get, &opts, run_known, r);
	}
	return true;
}
