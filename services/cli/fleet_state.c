// SPDX-License-Identifier: Apache-2.0
/* The fleet as the server has it, in the form of a file: names instead of ids, maps instead of
 * pairs, nothing that only the server knows. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/fleet.h"

/* ids of one kind → items, for what refers to them; sites by name. */
struct names {
	struct map ids[FLEET_KINDS];
	struct map devices, doubles; /* names; those that several devices have */
};

/* All pages of a list. One that this person may not read is an empty one, where it is an extra. */
static json_t *get_all(struct cli *c, const char *path, bool extra, int *ret_rc)
{
	json_t *all = json_array();
	struct buf page = BUF_INIT;
	struct buf next = BUF_INIT;

	*ret_rc = 0;
	do {
		struct answer a;
		buf_reset(&page);
		buf_addf(&page, "%s", path);
		if (next.n > 0) {
			buf_adds(&page, strchr(path, '?') == NULL ? "?cursor=" : "&cursor=");
			request_escape(&page, buf_str(&next));
		}
		buf_reset(&next);
		if (client_call(c, "GET", buf_str(&page), NULL, NULL, &a) != 0) {
			*ret_rc = extra && a.status == 403 ? 0 : client_problem(c, &a);
		} else {
			(void)json_array_extend(all, json_object_get(a.json, "items"));
			buf_adds(&next, fleet_text(a.json, "next"));
		}
		answer_fini(&a);
	} while (*ret_rc == 0 && next.n > 0);
	buf_fini(&page);
	buf_fini(&next);
	return all;
}

static int read_kind(struct cli *c, enum fleet_kind kind, struct fleet *ret)
{
	/* these have pages; a list without them takes no limit */
	static const char *const queries[FLEET_KINDS] = {[F_SITE] = "?limit=1000",
		[F_DEVICE] = "?limit=1000",
		[F_GROUP] = "?limit=1000",
		[F_CREDENTIAL] = "?limit=1000",
		[F_TASK] = "?limit=1000",
		[F_WINDOW] = "?limit=1000",
		[F_SET] = "?limit=1000"};
	struct buf path = BUF_INIT;
	int rc;

	buf_addf(&path, "%s%s", fleet_nouns[kind].path, queries[kind] == NULL ? "" : queries[kind]);
	json_t *all = get_all(c, buf_str(&path), kind == F_BOOK, &rc);
	for (size_t i = 0; i < json_array_size(all); i++) {
		struct fleet_item *item = fleet_add(ret, kind);
		item->raw = json_incref(json_array_get(all, i));
		item->id = fleet_text(item->raw, "id");
		item->version = json_integer_value(json_object_get(item->raw, "version"));
		item->gone =
			kind == F_DEVICE && strcmp(fleet_text(item->raw, "state"), "retired") == 0;
	}
	json_decref(all);
	buf_fini(&path);
	return rc;
}

/* Lists of sets come without their members. */
static int read_set(struct cli *c, struct fleet_item *set)
{
	struct buf path = BUF_INIT;
	struct answer a;
	int rc = 0;

	buf_addf(&path, "%s/%s", fleet_nouns[F_SET].path, set->id);
	if (client_call(c, "GET", buf_str(&path), NULL, NULL, &a) != 0)
		rc = client_problem(c, &a);
	else
		(void)json_object_update(set->raw, a.json);
	set->id = fleet_text(set->raw, "id");
	set->version = json_integer_value(json_object_get(set->raw, "version"));
	answer_fini(&a);
	buf_fini(&path);
	return rc;
}

/* ---- one item into the file's form ---- */

static json_t *name_of(const struct names *names, enum fleet_kind kind, const json_t *id)
{
	const char *text = json_string_value(id);
	struct fleet_item *item =
		text == NULL ? NULL : map_get(&names->ids[kind], text, strlen(text));
	const char *name = item == NULL ? "" : fleet_text(item->raw, "name");

	/* what several are called names none of them */
	if (item != NULL &&
		(kind != F_DEVICE || map_get(&names->doubles, name, strlen(name)) == NULL))
		return json_string(name);
	return text == NULL ? NULL : json_string(text);
}

/* Of a list, without those that are gone: only what is there has an entry. */
static json_t *names_of(const struct names *names, enum fleet_kind kind, const json_t *ids)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		struct uuid parsed;
		bool gone = kind == F_DEVICE && uuid_parse(id, &parsed) == 0 &&
			    map_get(&names->ids[kind], id, strlen(id)) == NULL;
		if (!gone)
			(void)json_array_append_new(
				list, name_of(names, kind, json_array_get(ids, i)));
	}
	return list;
}

/* Listed members; what is retired is no member that a file would name. */
static int read_members(struct cli *c, struct fleet_item *group, const struct names *names)
{
	struct buf path = BUF_INIT;
	json_t *devices = json_array(), *groups = json_array();
	int rc;

	buf_addf(&path, "/groups/%s/members?limit=1000", group->id);
	json_t *all = get_all(c, buf_str(&path), false, &rc);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *m = json_array_get(all, i);
		bool device = strcmp(fleet_text(m, "kind"), "device") == 0;
		const char *id = fleet_text(m, "id");
		if (device && map_get(&names->ids[F_DEVICE], id, strlen(id)) == NULL)
			continue;
		if (device)
			(void)json_array_append_new(
				devices, name_of(names, F_DEVICE, json_object_get(m, "id")));
		else
			(void)json_array_append(groups, json_object_get(m, "name"));
	}
	(void)json_object_set_new(group->raw, "devices", devices);
	(void)json_object_set_new(group->raw, "groups", groups);
	json_decref(all);
	buf_fini(&path);
	return rc;
}

static json_t *map_of_pairs(const struct msg_desc *pair, const json_t *list)
{
	json_t *map = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *p = json_array_get(list, i);
		(void)json_object_set(map, fleet_text(p, pair->fields[0].name),
			json_object_get(p, pair->fields[1].name));
	}
	return map;
}

static const struct msg_desc *pair_of(const struct fleet_noun *noun, const char *member)
{
	for (size_t i = 0; i < noun->desc->n_fields; i++)
		if (strcmp(noun->desc->fields[i].name, member) == 0)
			return noun->desc->fields[i].desc;
	return NULL;
}

/* What targets and settings refer to, in place. */
static void inner_names(const struct names *names, const struct fleet_noun *noun, json_t *raw)
{
	bool sends_book = strcmp(fleet_text(raw, "kind"), "ab.distribute") == 0;
	size_t n;
	const struct fleet_member *refs = fleet_inners(noun, &n);

	for (size_t i = 0; i < n; i++) {
		const char *name;
		json_t *holder = fleet_holder(raw, refs[i].name, &name);
		json_t *v = json_object_get(holder, name);
		if (v == NULL || (refs[i].of == F_BOOK && !sends_book))
			continue;
		(void)json_object_set_new(holder, name,
			json_is_array(v) ? names_of(names, refs[i].of, v)
					 : name_of(names, refs[i].of, v));
	}
}

static json_t *member_of(const struct names *names, const struct fleet_noun *noun,
	const struct fleet_member *m, const json_t *raw)
{
	const json_t *v = json_object_get(raw, m->name);

	if (m->shape == SHAPE_PAIRS)
		return map_of_pairs(pair_of(noun, m->name), v);
	if (m->shape == SHAPE_NAME && m->of != F_SITE)
		return name_of(names, m->of, v);
	if (m->shape == SHAPE_NAMES && noun != &fleet_nouns[F_GROUP] && m->of != F_SITE)
		return names_of(names, m->of, v);
	return json_deep_copy(v);
}

/* Where such a file would keep a secret that is set: the name, safe as one. */
static void secret_of(const struct fleet_noun *noun, const json_t *raw, json_t *body)
{
	bool task = noun == &fleet_nouns[F_TASK];
	const json_t *set = task ? json_object_get(json_object_get(raw, "settings"), "password_set")
				 : json_object_get(raw, "set");
	struct buf path = BUF_INIT;

	if (!json_is_true(set))
		return;
	buf_adds(&path, task ? "secrets/task-" : "secrets/");
	request_escape(&path, fleet_text(raw, "name"));
	buf_adds(&path, task ? ".password" : ".json");
	(void)json_object_set_new(
		body, task ? "password_file" : "secret_file", json_string(buf_str(&path)));
	buf_fini(&path);
}

/* A device's zone is its site's unless it has one of its own: only that is of a file. */
static void own_zone(const struct names *names, const json_t *raw, json_t *body)
{
	const char *name = fleet_text(raw, "site");
	const struct fleet_item *site = map_get(&names->ids[F_SITE], name, strlen(name));

	if (site != NULL &&
		strcmp(fleet_text(site->raw, "time_zone"), fleet_text(body, "time_zone")) == 0)
		(void)json_object_del(body, "time_zone");
}

static json_t *body_of(const struct names *names, const struct fleet_noun *noun, const json_t *had)
{
	json_t *body = json_object();
	json_t *raw = json_deep_copy(had);

	inner_names(names, noun, raw);
	for (size_t i = 0; i < noun->n_members; i++) {
		const struct fleet_member *m = &noun->members[i];
		json_t *v = m->shape == SHAPE_SECRET ? NULL : member_of(names, noun, m, raw);
		json_t *kept = v == NULL ? NULL : fleet_clean(noun, m->name, v);
		json_decref(v);
		if (kept != NULL)
			(void)json_object_set_new(body, m->name, kept);
	}
	if (noun == &fleet_nouns[F_DEVICE])
		own_zone(names, raw, body);
	if (noun == &fleet_nouns[F_TASK] || noun == &fleet_nouns[F_CREDENTIAL])
		secret_of(noun, raw, body);
	json_decref(raw);
	return body;
}

static void index_ids(const struct fleet *f, struct names *names)
{
	for (size_t k = 0; k < FLEET_KINDS; k++)
		for (size_t i = 0; i < f->list[k].n; i++) {
			struct fleet_item *item = &f->list[k].items[i];
			const char *id = k == F_SITE ? fleet_text(item->raw, "name") : item->id;
			const char *name = fleet_text(item->raw, "name");
			if (!item->gone && *id != '\0')
				(void)map_put(&names->ids[k], id, strlen(id), item);
			if (!item->gone && k == F_DEVICE &&
				map_put(&names->devices, name, strlen(name), item) != NULL)
				(void)map_put(&names->doubles, name, strlen(name), item);
		}
}

static int by_name(const void *a, const void *b)
{
	const struct fleet_item *x = a, *y = b;
	int order = strcmp(fleet_text(x->raw, "name"), fleet_text(y->raw, "name"));

	return order != 0 ? order : strcmp(x->id, y->id);
}

int fleet_read_state(struct cli *c, struct fleet *ret)
{
	struct names names = {0};
	int rc = 0;

	for (size_t k = 0; k < FLEET_KINDS && rc == 0; k++) {
		struct fleet_list *l = &ret->list[k];
		rc = read_kind(c, (enum fleet_kind)k, ret);
		if (l->n > 0)
			qsort(l->items, l->n, sizeof(l->items[0]), by_name);
	}
	index_ids(ret, &names);
	for (size_t i = 0; i < ret->list[F_GROUP].n && rc == 0; i++)
		rc = read_members(c, &ret->list[F_GROUP].items[i], &names);
	for (size_t i = 0; i < ret->list[F_SET].n && rc == 0; i++)
		rc = read_set(c, &ret->list[F_SET].items[i]);
	for (size_t k = 0; k < FLEET_KINDS; k++)
		for (size_t i = 0; i < ret->list[k].n; i++)
			ret->list[k].items[i].body =
				body_of(&names, &fleet_nouns[k], ret->list[k].items[i].raw);
	for (size_t k = 0; k < FLEET_KINDS; k++)
		map_fini(&names.ids[k]);
	map_fini(&names.devices);
	map_fini(&names.doubles);
	fleet_index(ret);
	return rc;
}
