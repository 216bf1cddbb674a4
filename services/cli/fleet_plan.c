// SPDX-License-Identifier: Apache-2.0
/* What is wanted against what is there, pure: what is to be made, changed, taken away, and in
 * which order. A member that the file does not mention stays as it is; one that it mentions shall
 * be as it says, all of it. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/fleet.h"

/* ---- who is who ---- */

static void pair_up(struct fleet_item *want, struct fleet_item *have)
{
	if (have == NULL || have->is != NULL)
		return;
	want->is = have;
	have->is = want;
}

/* Printers are known by vendor and serial number (FL-2), then by name. */
static void match_devices(struct fleet *want, struct fleet *have)
{
	struct map serials = {0};
	struct buf key = BUF_INIT;

	for (size_t i = 0; i < have->list[F_DEVICE].n; i++) {
		struct fleet_item *h = &have->list[F_DEVICE].items[i];
		fleet_serial_key(h->raw, &key);
		if (key.n > 0)
			(void)map_put(&serials, key.p, key.n, h);
	}
	for (size_t i = 0; i < want->list[F_DEVICE].n; i++) {
		struct fleet_item *w = &want->list[F_DEVICE].items[i];
		fleet_serial_key(w->body, &key);
		if (key.n > 0)
			pair_up(w, map_get(&serials, key.p, key.n));
	}
	map_fini(&serials);
	buf_fini(&key);
}

/* The one of its name that is nobody yet. Where several have it, one with another serial number is
 * another printer. */
static struct fleet_item *namesake(
	const struct fleet *have, enum fleet_kind kind, struct fleet_item *w)
{
	struct fleet_item *first = fleet_named(have, kind, fleet_text(w->body, "name"));
	struct fleet_item *found = NULL;
	bool known = *fleet_text(w->body, "serial") != '\0';

	for (struct fleet_item *h = first; h != NULL; h = h->same) {
		bool other = first->same != NULL && known && *fleet_text(h->body, "serial") != '\0';
		if (h->is != NULL || other)
			continue;
		w->unclear = found != NULL;
		found = h;
	}
	return w->unclear ? NULL : found;
}

void fleet_match(struct fleet *want, struct fleet *have)
{
	match_devices(want, have);
	for (size_t k = 0; k < FLEET_KINDS; k++)
		for (size_t i = 0; i < want->list[k].n; i++) {
			struct fleet_item *w = &want->list[k].items[i];
			if (w->is == NULL)
				pair_up(w, namesake(have, (enum fleet_kind)k, w));
		}
}

/* ---- one item ---- */

/* The moment from which it counts is the server's where the file leaves it open. */
static json_t *without_start(const json_t *have, const json_t *want)
{
	json_t *copy = json_deep_copy(have);

	if (json_object_get(want, "start_at") == NULL)
		(void)json_object_del(copy, "start_at");
	return copy;
}

static bool alike(const struct fleet_member *m, const json_t *want, const json_t *have)
{
	if (want == NULL || have == NULL)
		return want == have;
	if (strcmp(m->name, "schedule") != 0)
		return json_equal(want, have) != 0;
	json_t *rest = without_start(have, want);
	bool same = json_equal(want, rest) != 0;
	json_decref(rest);
	return same;
}

static json_t *or_null(json_t *v)
{
	return v == NULL ? json_null() : json_incref(v);
}

/* The zone of the site where a device will stand, after all sites are as the file says. */
static const char *site_zone(
	const struct fleet *want, const struct fleet *have, const struct fleet_item *device)
{
	bool said = json_object_get(device->body, "site") != NULL;
	const char *site = fleet_text(said ? device->body : device->is->body, "site");
	const struct fleet_item *w = fleet_named(want, F_SITE, site);
	const struct fleet_item *h = fleet_named(have, F_SITE, site);
	const char *zone = w == NULL ? "" : fleet_text(w->body, "time_zone");

	return *zone != '\0' || h == NULL ? zone : fleet_text(h->body, "time_zone");
}

/* A device has its zone from its site, and will have it. */
static bool has_zone(
	const struct fleet *want, const struct fleet *have, const struct fleet_item *device)
{
	return device->is != NULL && json_object_get(device->is->body, "time_zone") == NULL &&
	       strcmp(fleet_text(device->body, "time_zone"), site_zone(want, have, device)) == 0;
}

/* member → {from, to} of what differs; NULL: nothing does. */
static json_t *differences(const struct fleet_noun *noun, const struct fleet *all,
	const struct fleet *server, const struct fleet_item *w)
{
	const json_t *want = w->body, *have = w->is == NULL ? NULL : w->is->body;
	json_t *fields = NULL;

	for (size_t i = 0; i < noun->n_members; i++) {
		const struct fleet_member *m = &noun->members[i];
		const json_t *given = json_object_get(want, m->name);
		if (given == NULL || (m->shape == SHAPE_SECRET && have != NULL))
			continue;
		json_t *to = fleet_clean(noun, m->name, given);
		json_t *from = json_object_get(have, m->name);
		bool zone = noun == &fleet_nouns[F_DEVICE] && strcmp(m->name, "time_zone") == 0;
		if (!alike(m, to, from) && !(zone && has_zone(all, server, w))) {
			if (fields == NULL)
				fields = json_object();
			(void)json_object_set_new(fields, m->name,
				json_pack("{s:o, s:o}", "from", or_null(from), "to", or_null(to)));
		}
		json_decref(to);
	}
	return fields;
}

/* ---- the plan ---- */

static void add(struct fleet_plan *p, const struct fleet_change *c)
{
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 64 : p->cap * 2;
		p->changes = mem_realloc(p->changes, p->cap * sizeof(p->changes[0]));
	}
	p->changes[p->n] = *c;
	p->changes[p->n++].version = c->have == NULL ? 0 : c->have->version;
	p->counts[c->act]++;
}

static void plan_item(struct fleet_plan *p, const struct fleet *want, enum fleet_kind kind,
	const struct fleet_item *w)
{
	json_t *fields = differences(&fleet_nouns[kind], want, p->server, w);

	if (fields == NULL)
		return;
	add(p, &(struct fleet_change){.kind = kind,
		       .act = w->is == NULL ? ACT_CREATE : ACT_CHANGE,
		       .name = fleet_text(w->body, "name"),
		       .want = w,
		       .have = w->is,
		       .fields = fields});
}

/* A batch names its steps, and no step is a batch (FL-26): each kind has two turns, theirs is the
 * second one. */
static size_t batch(enum fleet_kind kind, const struct fleet_item *item)
{
	return kind == F_TASK && strcmp(fleet_task_kind(item), "batch") == 0;
}

static bool built_in(const struct fleet_item *h)
{
	return json_is_true(json_object_get(h->raw, "built_in"));
}

/* A group before those that it holds, for what is held is not deleted. */
static void plan_group_away(struct fleet_plan *p, const struct fleet *have, struct map *done,
	const struct fleet_item *g, size_t depth)
{
	if (g->is != NULL || depth > 16 || map_put(done, g->id, strlen(g->id), p) != NULL)
		return;
	for (size_t i = 0; i < have->list[F_GROUP].n; i++) {
		const struct fleet_item *above = &have->list[F_GROUP].items[i];
		const json_t *below = json_object_get(above->body, "groups");
		for (size_t k = 0; k < json_array_size(below); k++)
			if (strcmp(json_string_value(json_array_get(below, k)),
				    fleet_text(g->body, "name")) == 0)
				plan_group_away(p, have, done, above, depth + 1);
	}
	add(p, &(struct fleet_change){.kind = F_GROUP,
		       .act = ACT_DELETE,
		       .name = fleet_text(g->body, "name"),
		       .have = g});
}

static void plan_item_away(struct fleet_plan *p, const struct fleet *have, struct map *done,
	enum fleet_kind kind, const struct fleet_item *h)
{
	if (kind == F_GROUP)
		plan_group_away(p, have, done, h, 0);
	else
		add(p, &(struct fleet_change){.kind = kind,
			       .act = ACT_DELETE,
			       .name = fleet_text(h->body, "name"),
			       .have = h});
}

/* What refers goes before what is referred to: a batch before its steps. */
static void plan_away(
	struct fleet_plan *p, const struct fleet *want, const struct fleet *have, bool prune)
{
	struct map done = {0};

	for (size_t turn = 2 * FLEET_KINDS; turn-- > 0;) {
		enum fleet_kind k = (enum fleet_kind)(turn / 2);
		const struct fleet_list *l = &have->list[k];
		for (size_t i = 0; want->list[k].given && i < l->n; i++) {
			const struct fleet_item *h = &l->items[i];
			if (h->is != NULL || h->gone || built_in(h) || batch(k, h) != turn % 2)
				continue;
			if (prune)
				plan_item_away(p, have, &done, k, h);
			else
				p->kept[k]++;
		}
	}
	map_fini(&done);
}

void fleet_plan_make(struct fleet *want, struct fleet *have, bool prune, struct fleet_plan *ret)
{
	*ret = (struct fleet_plan){.server = have};
	for (size_t turn = 0; turn < 2 * FLEET_KINDS; turn++) {
		enum fleet_kind k = (enum fleet_kind)(turn / 2);
		for (size_t i = 0; i < want->list[k].n; i++)
			if (batch(k, &want->list[k].items[i]) == turn % 2)
				plan_item(ret, want, k, &want->list[k].items[i]);
	}
	plan_away(ret, want, have, prune);
}

static void wipe(json_t *secret)
{
	const char *name;
	json_t *v;

	json_object_foreach(secret, name, v)
	{
		explicit_bzero((void *)(uintptr_t)json_string_value(v), json_string_length(v));
	}
	json_decref(secret);
}

void fleet_plan_fini(struct fleet_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		json_decref(p->changes[i].fields);
		wipe(p->changes[i].secret);
	}
	free(p->changes);
	*p = (struct fleet_plan){.n = 0};
}
