// SPDX-License-Identifier: Apache-2.0
/* What can be wrong with a fleet beyond its form, found before anything is changed: names that
 * nobody has, doubles, groups in a circle, unknown zones; by the server: filters and schedules. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/zone.h"
#include "services/cli/fleet.h"

#define GROUP_DEPTH_MAX 16

struct checker {
	struct fleet_source *source;
	const struct fleet *want, *have;
	const struct fleet_noun *noun;
	const struct fleet_item *item;
	struct buf path;
};

static const char *path_of(struct checker *k, const char *member)
{
	buf_reset(&k->path);
	buf_addf(&k->path, "%s '%s'%s%s", k->noun->noun, fleet_text(k->item->body, "name"),
		*member == '\0' ? "" : ".", member);
	return buf_str(&k->path);
}

/* Where a member stands, "targets.groups"; else the item. */
static const struct doc *place_of(const struct fleet_item *item, const char *member)
{
	const struct doc *at = item->at;
	char part[64];

	while (at != NULL && *member != '\0') {
		size_t n = strcspn(member, ".");
		(void)snprintf(part, sizeof(part), "%.*s", (int)n, member);
		at = doc_get(at, part);
		member += n + (member[n] == '.');
	}
	return at == NULL ? item->at : at;
}

#define WRONG(k, member, word, ...)                                                                \
	fleet_wrong((k)->source, place_of((k)->item, member), path_of(k, member), word, __VA_ARGS__)

/* ---- references ---- */

/* How many have this name when the devices are as the file says: nothing is gone yet then. */
static size_t holders(const struct checker *k, enum fleet_kind kind, const char *name)
{
	size_t n = 0;

	for (const struct fleet_item *w = fleet_named(k->want, kind, name); w != NULL; w = w->same)
		n++;
	for (const struct fleet_item *h = fleet_named(k->have, kind, name); h != NULL; h = h->same)
		n += h->is == NULL;
	return n;
}

/* Whether a name has to be one: a book may be known by its id to who may not read books, and what
 * writes a version or a file names it by its id. */
static bool by_id(struct checker *k, const struct fleet_member *m, const char *name)
{
	struct uuid id;
	bool is_id = m->of == F_BOOK && uuid_parse(name, &id) == 0;

	if (!is_id && m->of == F_BOOK && k->noun == &fleet_nouns[F_TASK] &&
		strcmp(fleet_task_kind(k->item), "ab.distribute") != 0) {
		WRONG(k, m->name, "wrong_type", "%s", "UUID");
		return true;
	}
	return is_id;
}

static void check_name(void *arg, const struct fleet_member *m, size_t place, const char *name)
{
	struct checker *k = arg;
	const struct doc *at = place_of(k->item, m->name);
	size_t n = by_id(k, m, name) ? 1 : holders(k, m->of, name);

	if (at != NULL && at->kind == DOC_LIST)
		at = at->first;
	while (place-- > 0 && at != NULL)
		at = at->next;
	if (n != 1)
		fleet_wrong(k->source, at, path_of(k, m->name),
			n == 0 ? "unknown_reference" : "ambiguous", "%s '%s'",
			fleet_nouns[m->of].noun, name);
}

/* ---- one item ---- */

static void check_zone(struct checker *k, const char *member, const char *zone, bool target)
{
	if (*zone != '\0' && !(target && strcmp(zone, "target") == 0) && zone_find(zone) == NULL)
		WRONG(k, member, "time_zone", "%s", zone);
}

static void check_required(struct checker *k)
{
	bool made = k->item->is == NULL && !k->item->unclear;

	for (size_t i = 0; made && i < k->noun->n_members; i++)
		if (k->noun->members[i].required &&
			*fleet_text(k->item->body, k->noun->members[i].name) == '\0')
			WRONG(k, "", "required", "%s", k->noun->members[i].name);
}

static void check_device(struct checker *k)
{
	const struct fleet_item *is = k->item->is;

	check_zone(k, "time_zone", fleet_text(k->item->body, "time_zone"), false);
	if (is != NULL && is->gone)
		WRONG(k, "serial", "device_retired_file", "%s", fleet_text(is->raw, "serial"));
	else if (k->item->unclear)
		WRONG(k, "name", "ambiguous", "%s", "serial");
}

static void check_group(struct checker *k)
{
	const struct fleet_item *is = k->item->is;
	const char *kind = fleet_text(k->item->body, "kind");
	bool members = json_object_get(k->item->body, "devices") != NULL ||
		       json_object_get(k->item->body, "groups") != NULL;

	if (*kind == '\0' && is != NULL)
		kind = fleet_text(is->body, "kind");
	if (is != NULL && strcmp(kind, fleet_text(is->body, "kind")) != 0)
		WRONG(k, "kind", "group_kind", "%s", fleet_text(is->body, "kind"));
	if (strcmp(kind, "dynamic") == 0 && members)
		WRONG(k, "", "group_kind", "%s", "devices, groups");
	bool filter = *fleet_text(k->item->body, "filter") != '\0';
	if (strcmp(kind, "static") == 0 && filter)
		WRONG(k, "filter", "filter", "%s", "static");
	if (strcmp(kind, "dynamic") == 0 && !filter && is == NULL)
		WRONG(k, "", "required", "%s", "filter");
}

static void check_credential(struct checker *k)
{
	const struct fleet_noun *noun = k->noun;
	size_t n = 0;

	for (size_t i = 0; i < noun->n_members; i++)
		n += fleet_binding(noun->members[i].name) &&
		     *fleet_text(k->item->body, noun->members[i].name) != '\0';
	if (n > 1 || (n == 0 && k->item->is == NULL))
		WRONG(k, "", "binding", "%s", "device, group, site, range");
}

static void check_item(struct checker *k, enum fleet_kind kind)
{
	const json_t *schedule = json_object_get(k->item->body, "schedule");

	check_required(k);
	fleet_names(k->noun, k->item->body, check_name, k);
	if (fleet_twice(kind, k->item))
		WRONG(k, "name", "doc_twice", "%s", fleet_text(k->item->body, "name"));
	switch (kind) {
	case F_SITE:
		check_zone(k, "time_zone", fleet_text(k->item->body, "time_zone"), false);
		break;
	case F_DEVICE:
		check_device(k);
		break;
	case F_GROUP:
		check_group(k);
		break;
	case F_CREDENTIAL:
		check_credential(k);
		break;
	case F_TASK:
		check_zone(k, "schedule.zone", fleet_text(schedule, "zone"), true);
		if (k->item->is == NULL &&
			strcmp(fleet_text(k->item->body, "kind"), "ab.backup") == 0 &&
			*fleet_text(k->item->body, "password_file") == '\0')
			WRONG(k, "", "password_required", "%s", "password_file");
		break;
	case F_WINDOW:
		check_zone(k, "zone", fleet_text(k->item->body, "zone"), false);
		break;
	case F_SET:
	case F_BOOK:
	case FLEET_KINDS:
		break;
	}
}

/* ---- all of them ---- */

static void check_serials(struct checker *k)
{
	struct map seen = {0};
	struct buf key = BUF_INIT;

	for (size_t i = 0; i < k->want->list[F_DEVICE].n; i++) {
		k->item = &k->want->list[F_DEVICE].items[i];
		fleet_serial_key(k->item->body, &key);
		if (key.n > 0 && map_put(&seen, key.p, key.n, k) != NULL)
			WRONG(k, "serial", "device_exists", "%s",
				fleet_text(k->item->body, "serial"));
	}
	map_fini(&seen);
	buf_fini(&key);
}

/* Groups that a group would hold: the file's word, else the server's. */
static const json_t *below(const struct checker *k, const char *name)
{
	const struct fleet_item *w = fleet_named(k->want, F_GROUP, name);
	const struct fleet_item *h = fleet_named(k->have, F_GROUP, name);
	const json_t *list = w == NULL ? NULL : json_object_get(w->body, "groups");

	return list != NULL || h == NULL ? list : json_object_get(h->body, "groups");
}

/* How many groups stand below each other from here on; 17 = too many, or a circle. */
static size_t depth_of(const struct checker *k, struct map *known, const char *name, size_t level)
{
	static size_t depths[GROUP_DEPTH_MAX + 2], under_way;
	const json_t *list = below(k, name);
	size_t deepest = 0;
	const size_t *seen = map_get(known, name, strlen(name));

	if (seen == &under_way || level > (size_t)4 * GROUP_DEPTH_MAX)
		return GROUP_DEPTH_MAX + 1;
	if (seen != NULL)
		return (size_t)(seen - depths);
	(void)map_put(known, name, strlen(name), &under_way);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *child = json_string_value(json_array_get(list, i));
		size_t d = depth_of(k, known, child, level + 1);
		deepest = d > deepest ? d : deepest;
	}
	size_t depth = size_min(deepest + 1, GROUP_DEPTH_MAX + 1);
	(void)map_put(known, name, strlen(name), &depths[depth]);
	return depth;
}

static void check_circles(struct checker *k)
{
	struct map known = {0};

	for (size_t i = 0; i < k->want->list[F_GROUP].n; i++) {
		k->item = &k->want->list[F_GROUP].items[i];
		if (depth_of(k, &known, fleet_text(k->item->body, "name"), 1) > GROUP_DEPTH_MAX)
			WRONG(k, "groups", "group_cycle", "%s", "");
	}
	map_fini(&known);
}

int fleet_check(struct fleet_source *s, const struct fleet *want, const struct fleet *have)
{
	struct checker k = {.source = s, .want = want, .have = have, .path = BUF_INIT};

	for (size_t kind = 0; kind < FLEET_KINDS; kind++) {
		k.noun = &fleet_nouns[kind];
		for (size_t i = 0; i < want->list[kind].n; i++) {
			k.item = &want->list[kind].items[i];
			check_item(&k, (enum fleet_kind)kind);
		}
	}
	k.noun = &fleet_nouns[F_DEVICE];
	check_serials(&k);
	k.noun = &fleet_nouns[F_GROUP];
	check_circles(&k);
	buf_fini(&k.path);
	return s->faults == 0 ? 0 : EXIT_ERROR;
}

/* ---- what the server alone knows ---- */

static void said(struct checker *k, const char *member, const struct answer *a)
{
	const char *reason = fleet_text(a->json, "reason");

	if (a->status == 0)
		WRONG(k, "", "unavailable", "%s", a->fault.detail);
	else
		WRONG(k, member, *reason == '\0' ? "doc_malformed" : reason, "%s",
			fleet_text(a->json, "detail"));
}

static void ask_filter(struct checker *k, const char *member, const char *filter)
{
	struct buf path = BUF_INIT;
	struct answer a;

	if (*filter == '\0')
		return;
	buf_adds(&path, "/devices?limit=1&filter=");
	request_escape(&path, filter);
	if (client_call(k->source->cli, "GET", buf_str(&path), NULL, NULL, &a) != 0)
		said(k, member, &a);
	answer_fini(&a);
	buf_fini(&path);
}

/* A date that has passed is no fault of a schedule that stands there already. */
static void ask_schedule(struct checker *k, const json_t *schedule)
{
	const char *form = fleet_text(schedule, "form");
	struct answer a;

	if (*form == '\0' || strcmp(form, "manual") == 0 || strcmp(form, "immediate") == 0)
		return;
	json_t *body = json_pack("{s:O}", "schedule", schedule);
	if (client_call(k->source->cli, "POST", "/schedules:preview", body, NULL, &a) != 0)
		said(k, "schedule", &a);
	answer_fini(&a);
	json_decref(body);
}

int fleet_check_server(struct fleet_source *s, const struct fleet_plan *plan)
{
	struct checker k = {.source = s, .path = BUF_INIT};

	for (size_t i = 0; i < plan->n; i++) {
		const struct fleet_change *c = &plan->changes[i];
		k.noun = &fleet_nouns[c->kind];
		k.item = c->want;
		if (c->act == ACT_DELETE)
			continue;
		if (c->kind == F_GROUP && json_object_get(c->fields, "filter") != NULL)
			ask_filter(&k, "filter", fleet_text(c->want->body, "filter"));
		if (c->kind == F_TASK && json_object_get(c->fields, "targets") != NULL)
			ask_filter(&k, "targets.filter",
				fleet_text(json_object_get(c->want->body, "targets"), "filter"));
		if (c->kind == F_TASK && json_object_get(c->fields, "schedule") != NULL)
			ask_schedule(&k, json_object_get(c->want->body, "schedule"));
	}
	buf_fini(&k.path);
	return s->faults == 0 ? 0 : EXIT_ERROR;
}
