// SPDX-License-Identifier: Apache-2.0
/* What is wanted against what is there, pure: what is to be made, changed, taken away, and in
 * which order. A member that the file does not mention stays as it is; one that it mentions shall
 * be as it says, all of it. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/fleet.h"

/* ---- who is who ---- */

static void serial_key(const json_t *device, struct buf *key)
{
	buf_reset(key);
	if (*fleet_text(device, "serial") == '\0')
		return;
	buf_adds(key, fleet_text(device, "vendor"));
	buf_addc(key, '\n');
	buf_adds(key, fleet_text(device, "serial"));
}

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
		serial_key(h->raw, &key);
		if (key.n > 0)
			(void)map_put(&serials, key.p, key.n, h);
	}
	for (size_t i = 0; i < want->list[F_DEVICE].n; i++) {
		struct fleet_item *w = &want->list[F_DEVICE].items[i];
		serial_key(w->body, &key);
		if (key.n > 0)
			pair_up(w, map_get(&serials, key.p, key.n));
	}
	map_fini(&serials);
	buf_fini(&key);
}

void fleet_match(struct fleet *want, struct fleet *have)
{
	match_devices(want, have);
	for (size_t k = 0; k < FLEET_KINDS; k++)
		for (size_t i = 0; i < want->list[k].n; i++) {
			struct fleet_item *w = &want->list[k].items[i];
			if (w->is == NULL)
				pair_up(w, fleet_named(have, (enum fleet_kind)k,
						   fleet_text(w->body, "name")));
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

/* member → {from, to} of what differs; NULL: nothing does. What the server says is so, though the
 * thing has it from elsewhere (a device its site's zone), is so. */
static json_t *differences(
	const struct fleet_noun *noun, const json_t *want, const struct fleet_item *is)
{
	const json_t *have = is == NULL ? NULL : is->body;
	json_t *fields = NULL;

	for (size_t i = 0; i < noun->n_members; i++) {
		const struct fleet_member *m = &noun->members[i];
		const json_t *given = json_object_get(want, m->name);
		if (given == NULL || (m->shape == SHAPE_SECRET && have != NULL))
			continue;
		json_t *to = fleet_clean(noun, m->name, given);
		json_t *from = json_object_get(have, m->name);
		bool so = is != NULL && to != NULL && from == NULL &&
			  json_equal(to, json_object_get(is->raw, m->name)) != 0;
		if (!so && !alike(m, to, from)) {
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

static void plan_item(struct fleet_plan *p, enum fleet_kind kind, const struct fleet_item *w)
{
	json_t *fields = differences(&fleet_nouns[kind], w->body, w->is);

	if (fields == NULL)
		return;
	add(p, &(struct fleet_change){.kind = kind,
		       .act = w->is == NULL ? ACT_CREATE : ACT_CHANGE,
		       .name = fleet_text(w->body, "name"),
		       .want = w,
		       .have = w->is,
		       .fields = fields});
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

static void plan_away(
	struct fleet_plan *p, const struct fleet *want, const struct fleet *have, bool prune)
{
	struct map done = {0};

	/* what refers goes before what is referred to */
	for (size_t k = FLEET_KINDS; k-- > 0;) {
		const struct fleet_list *l = &have->list[k];
		for (size_t i = 0; want->list[k].given && i < l->n; i++) {
			const struct fleet_item *h = &l->items[i];
			if (h->is != NULL || h->gone || built_in(h))
				continue;
			if (!prune)
				p->kept[k]++;
			else if (k == F_GROUP)
				plan_group_away(p, have, &done, h, 0);
			else
				add(p, &(struct fleet_change){.kind = (enum fleet_kind)k,
					       .act = ACT_DELETE,
					       .name = fleet_text(h->body, "name"),
					       .have = h});
		}
	}
	map_fini(&done);
}

void fleet_plan_make(struct fleet *want, struct fleet *have, bool prune, struct fleet_plan *ret)
{
	*ret = (struct fleet_plan){.server = have};
	for (size_t k = 0; k < FLEET_KINDS; k++)
		for (size_t i = 0; i < want->list[k].n; i++)
			plan_item(ret, (enum fleet_kind)k, &want->list[k].items[i]);
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
