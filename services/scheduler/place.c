// SPDX-License-Identifier: Apache-2.0
/* When the jobs of a run may start. Thousands of jobs share a few keys: a zone and the windows that
 * bind. Instants are worked out per key, here; the database adds each device's jitter. */
#include "services/scheduler/place.h"

#include <stdio.h>
#include <string.h>

#include "services/scheduler/local.h"
#include "services/scheduler/zones.h"

/* ---- windows ---- */

void row_window_rules(struct row *c, struct m_window *w)
{
	w->id = row_uuid(c);
	w->name = row_text(c);
	w->zone = row_text(c);
	w->open = json_read_list(&m_window_span_desc, sizeof(*w->open),
		db_get_text(c->r, c->row, c->col++), c->arena, &w->open_n);
	w->exceptions = json_read_list(&m_window_day_desc, sizeof(*w->exceptions),
		db_get_text(c->r, c->row, c->col++), c->arena, &w->exceptions_n);
	w->min_left_ms = row_uint(c);
	w->hard_end = row_bool(c);
	w->has |= HAS_WINDOW__MIN_LEFT_MS | HAS_WINDOW__HARD_END;
}

void windows_take(struct db_result *r, struct arena *arena, struct windows *ret_windows)
{
	size_t rows = (size_t)db_rows(r);
	struct windows all = {.ids = arena_array(arena, rows + 1, sizeof(*all.ids)),
		.rules = arena_array(arena, rows + 1, sizeof(*all.rules)),
		.names = arena_array(arena, rows + 1, sizeof(*all.names))};

	bug_if(all.ids == NULL || all.rules == NULL || all.names == NULL);
	for (size_t i = 0; i < rows; i++) {
		struct row c = {.r = r, .row = (int)i, .arena = arena};
		struct m_window m = {.name = NULL};
		struct fault f = FAULT_INIT;
		row_window_rules(&c, &m);
		if (window_read(&m, arena, &all.rules[all.n], &f) < 0)
			continue;
		all.names[all.n] = m.name;
		all.ids[all.n++] = m.id;
	}
	*ret_windows = all;
}

/* Calls fn with the place of each window of "{id,id}". */
static void each_of(const struct windows *all, const char *key,
	void (*fn)(const struct windows *all, size_t at, void *arg), void *arg)
{
	char text[UUID_TEXT];
	struct uuid id;

	for (key++; strlen(key) >= UUID_TEXT - 1; key += UUID_TEXT) {
		(void)snprintf(text, sizeof(text), "%.36s", key);
		if (uuid_parse(text, &id) != 0)
			return;
		for (size_t i = 0; i < all->n; i++) {
			if (uuid_eq(&all->ids[i], &id))
				fn(all, i, arg);
		}
	}
}

struct chosen {
	const struct window *list[64]; /* of one device; more are not asked */
	size_t n;
};

static void choose(const struct windows *all, size_t at, void *arg)
{
	struct chosen *c = arg;

	if (c->n < array_len(c->list))
		c->list[c->n++] = &all->rules[at];
}

bool windows_open(const struct windows *all, const char *key, const struct zone *device,
	int64_t at_ms, int64_t until_ms, struct window_open *ret_open)
{
	struct chosen c = {.n = 0};

	each_of(all, key, choose, &c);
	return windows_next(c.list, c.n, device, at_ms, until_ms, ret_open);
}

struct named {
	const char **list;
	size_t n;
};

static void take_name(const struct windows *all, size_t at, void *arg)
{
	struct named *n = arg;

	n->list[n->n++] = all->names[at];
}

const char *const *windows_names(
	const struct windows *all, const char *key, struct arena *arena, size_t *ret_n)
{
	struct named n = {.list = arena_array(arena, all->n + 1, sizeof(*n.list))};

	bug_if(n.list == NULL);
	each_of(all, key, take_name, &n);
	*ret_n = n.n;
	return n.list;
}

/* ---- the jobs of a run ---- */

struct place {
	struct uuid run;
	bool keep;
	struct arena *arena;
	place_fn fn;
	void *arg;
};

/* Jobs that are alike. */
struct key {
	const char *zone, *windows;
	int64_t base_ms; /* at the earliest */
	int64_t due_ms;  /* 0 = never */
};

static void placed(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct place *p = arg;

	if (f != NULL)
		p->fn(NULL, 0, f, p->arg);
	else
		p->fn(t, (uint64_t)db_get_int(r[0], 0, 0), NULL, p->arg);
}

/* An occurrence comes to the zones one after the other; each has its own instant (FL-30). */
static int64_t base_of(const struct key *k, const char *occurrence, int64_t now)
{
	int64_t floating, ms = now;

	if (occurrence != NULL && local_moment(occurrence, &floating))
		ms = zone_instant(zone_or_utc(k->zone), floating, NULL) * 1000;
	return ms < now ? now : ms;
}

static struct key *read_keys(struct place *p, struct db_result *r, const char *occurrence,
	int64_t now, int64_t *ret_spread)
{
	struct key *keys = arena_array(p->arena, (size_t)db_rows(r) + 1, sizeof(*keys));
	int64_t first = INT64_MAX, last = 0;

	bug_if(keys == NULL);
	for (int row = 0; row < db_rows(r); row++) {
		struct row c = {.r = r, .row = row, .arena = p->arena};
		struct key *k = &keys[row];
		k->zone = row_text(&c);
		k->windows = row_text(&c);
		k->base_ms = base_of(k, occurrence, now);
		first = k->base_ms < first ? k->base_ms : first;
		last = k->base_ms > last ? k->base_ms : last;
	}
	*ret_spread = last > first ? last - first : 0;
	return keys;
}

static void add_keys(
	struct place *p, struct txn *t, const struct key *keys, size_t n, int64_t more_ms)
{
	struct db_args *a = db_add(t, &SQL_PLACE_JOBS);

	db_uuid(a, &p->run);
	for (int column = 0; column < 4; column++) {
		db_array(a);
		for (size_t i = 0; i < n; i++) {
			if (column == 0)
				db_text(a, keys[i].zone);
			else if (column == 1)
				db_text(a, keys[i].windows);
			else if (column == 2)
				db_time_ms(a, keys[i].due_ms);
			else
				db_bool(a, keys[i].due_ms != keys[i].base_ms);
		}
		db_array_end(a);
	}
	db_int(a, more_ms);
}

static void keys_read(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct place *p = arg;
	struct windows windows;
	struct window_open open;
	int64_t spread;

	if (f != NULL) {
		p->fn(NULL, 0, f, p->arg);
		return;
	}
	struct row c = {.r = r[0], .arena = p->arena};
	const char *occurrence = row_text(&c);
	int64_t jitter = (int64_t)row_uint(&c) * 1000, now = row_time(&c), deadline = row_time(&c);
	struct key *keys = read_keys(p, r[1], occurrence, now, &spread);
	windows_take(r[2], p->arena, &windows);
	/* what comes later because of its zone or its jitter has as long as the others */
	spread += jitter;
	for (int i = 0; i < db_rows(r[1]); i++) {
		if (windows_open(&windows, keys[i].windows, zone_or_utc(keys[i].zone),
			    keys[i].base_ms, deadline + spread, &open))
			keys[i].due_ms = open.from_ms;
		else if (p->keep)
			keys[i].due_ms = keys[i].base_ms;
	}
	add_keys(p, t, keys, (size_t)db_rows(r[1]), spread);
	db_step(t, placed, p);
}

void place_jobs(struct txn *t, const struct uuid *run, bool keep, struct arena *arena, place_fn fn,
	void *arg)
{
	struct place *p = arena_alloc(arena, sizeof(*p));

	bug_if(p == NULL);
	*p = (struct place){.run = *run, .keep = keep, .arena = arena, .fn = fn, .arg = arg};
	db_uuid(db_add(t, &SQL_PLACE_RUN), run);
	db_uuid(db_add(t, &SQL_PLACE_KEYS), run);
	(void)db_add(t, &SQL_WINDOW_RULES);
	db_step(t, keys_read, p);
}
