// SPDX-License-Identifier: Apache-2.0
/* What a file says of each kind of thing: members, which of them name others, what is not told. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "services/cli/fleet.h"

static const struct fleet_member site_members[] = {
	{.name = "name", .required = true},
	{.name = "region"},
	{.name = "time_zone"},
};

/* What a probe sees (firmware, language, charset) is no decision: it is not of the file. */
static const struct fleet_member device_members[] = {
	{.name = "name", .required = true},
	{.name = "vendor"},
	{.name = "family", .required = true},
	{.name = "model"},
	{.name = "serial"},
	{.name = "mac"},
	{.name = "device_uuid"},
	{.name = "address", .required = true},
	{.name = "ports", .shape = SHAPE_PAIRS},
	{.name = "type"},
	{.name = "time_zone"},
	{.name = "site", .shape = SHAPE_NAME, .of = F_SITE},
	{.name = "labels", .shape = SHAPE_PAIRS},
	{.name = "managed_by"},
	{.name = "pool"},
	{.name = "tls_pin"},
	{.name = "simulated"},
	{.name = "clear_text"},
	{.name = "accept_clear_text_secrets"},
	{.name = "allow_unproven"},
	{.name = "strict_interlock"},
};

static const struct fleet_member group_members[] = {
	{.name = "name", .required = true},
	{.name = "kind", .required = true},
	{.name = "filter"},
	{.name = "devices", .shape = SHAPE_NAMES, .of = F_DEVICE},
	{.name = "groups", .shape = SHAPE_NAMES, .of = F_GROUP},
};

static const struct fleet_member credential_members[] = {
	{.name = "name", .required = true},
	{.name = "kind", .required = true},
	{.name = "device", .shape = SHAPE_NAME, .of = F_DEVICE},
	{.name = "group", .shape = SHAPE_NAME, .of = F_GROUP},
	{.name = "site", .shape = SHAPE_NAME, .of = F_SITE},
	{.name = "range"},
	{.name = "position"},
	{.name = "secret_file", .shape = SHAPE_SECRET},
};

static const struct fleet_member task_members[] = {
	{.name = "name", .required = true},
	{.name = "kind", .required = true},
	{.name = "active", .always = true},
	{.name = "schedule"},
	{.name = "targets"},
	{.name = "settings"},
	{.name = "retry"},
	{.name = "password_file", .shape = SHAPE_SECRET},
};

static const struct fleet_member window_members[] = {
	{.name = "name", .required = true},
	{.name = "zone"},
	{.name = "open"},
	{.name = "exceptions"},
	{.name = "min_left_ms", .always = true},
	{.name = "hard_end"},
	{.name = "tasks", .shape = SHAPE_NAMES, .of = F_TASK},
	{.name = "sites", .shape = SHAPE_NAMES, .of = F_SITE},
	{.name = "groups", .shape = SHAPE_NAMES, .of = F_GROUP},
	{.name = "devices", .shape = SHAPE_NAMES, .of = F_DEVICE},
};

/* Books are no part of a file, they are named: content is versioned by storage. */
static const struct fleet_member set_members[] = {
	{.name = "name", .required = true},
	{.name = "book", .shape = SHAPE_NAME, .of = F_BOOK, .required = true},
	{.name = "map"},
	{.name = "devices", .shape = SHAPE_NAMES, .of = F_DEVICE},
	{.name = "groups", .shape = SHAPE_NAMES, .of = F_GROUP},
};

static const struct fleet_member book_members[] = {
	{.name = "name"},
};

#define MEMBERS(m) .members = (m), .n_members = array_len(m)
const struct fleet_noun fleet_nouns[FLEET_KINDS] = {
	[F_SITE] = {"site", "sites", "/sites", &m_site_desc, MEMBERS(site_members)},
	[F_DEVICE] = {"device", "devices", "/devices", &m_device_desc, MEMBERS(device_members)},
	[F_GROUP] = {"group", "groups", "/groups", &m_group_desc, MEMBERS(group_members)},
	[F_CREDENTIAL] = {"credential", "credentials", "/credentials", &m_credential_desc,
		MEMBERS(credential_members)},
	[F_TASK] = {"task", "tasks", "/tasks", &m_task_desc, MEMBERS(task_members)},
	[F_WINDOW] = {"window", "windows", "/windows", &m_window_desc, MEMBERS(window_members)},
	[F_SET] = {"distribution set", "distribution_sets", "/distribution-sets", &m_dist_set_desc,
		MEMBERS(set_members)},
	[F_BOOK] = {"distribution book", "distribution_books", "/distribution-books",
		&m_dist_book_desc, MEMBERS(book_members)},
};

static const struct fleet_member inner[] = {
	{.name = "targets.devices", .shape = SHAPE_NAMES, .of = F_DEVICE},
	{.name = "targets.groups", .shape = SHAPE_NAMES, .of = F_GROUP},
	{.name = "targets.exclude_devices", .shape = SHAPE_NAMES, .of = F_DEVICE},
	{.name = "targets.exclude_groups", .shape = SHAPE_NAMES, .of = F_GROUP},
	{.name = "settings.discover.credentials", .shape = SHAPE_SERIES, .of = F_CREDENTIAL},
	{.name = "settings.steps", .shape = SHAPE_SERIES, .of = F_TASK},
	/* of ab.distribute; of other kinds it is a version, which has no name */
	{.name = "settings.source", .shape = SHAPE_NAME, .of = F_BOOK},
};

const struct fleet_member *fleet_inner(const struct fleet_noun *noun, const char *path)
{
	for (size_t i = 0; noun == &fleet_nouns[F_TASK] && i < array_len(inner); i++)
		if (strcmp(inner[i].name, path) == 0)
			return &inner[i];
	return NULL;
}

const struct fleet_member *fleet_inners(const struct fleet_noun *noun, size_t *ret_n)
{
	*ret_n = noun == &fleet_nouns[F_TASK] ? array_len(inner) : 0;
	return inner;
}

json_t *fleet_holder(const json_t *body, const char *path, const char **ret_name)
{
	json_t *at = (json_t *)(uintptr_t)body;
	char part[64];
	size_t n;

	while (path[n = strcspn(path, ".")] != '\0') {
		(void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
		at = json_object_get(at, part);
		path += n + 1;
	}
	*ret_name = path;
	return at;
}

bool fleet_hidden(const char *path)
{
	static const char *const hidden[] = {
		"settings.password_id", "settings.password_sealed", "settings.password_set"};

	for (size_t i = 0; i < array_len(hidden); i++)
		if (strcmp(hidden[i], path) == 0)
			return true;
	return false;
}

const struct fleet_member *fleet_member(const struct fleet_noun *noun, const char *name)
{
	for (size_t i = 0; i < noun->n_members; i++)
		if (strcmp(noun->members[i].name, name) == 0)
			return &noun->members[i];
	return NULL;
}

/* ---- a fleet in memory ---- */

const char *fleet_text(const json_t *body, const char *member)
{
	const char *s = json_string_value(json_object_get(body, member));

	return s == NULL ? "" : s;
}

static void each_name(const struct fleet_member *m, const json_t *v, fleet_name_fn *fn, void *arg)
{
	if (json_string_length(v) > 0)
		fn(arg, m, 0, json_string_value(v));
	for (size_t i = 0; i < json_array_size(v); i++)
		fn(arg, m, i, json_string_value(json_array_get(v, i)));
}

void fleet_names(const struct fleet_noun *noun, const json_t *body, fleet_name_fn *fn, void *arg)
{
	size_t n;
	const struct fleet_member *m = fleet_inners(noun, &n);

	for (size_t i = 0; i < n; i++) {
		const char *name;
		const json_t *holder = fleet_holder(body, m[i].name, &name);
		each_name(&m[i], json_object_get(holder, name), fn, arg);
	}
	for (m = noun->members; m < noun->members + noun->n_members; m++)
		if (m->shape == SHAPE_NAME || m->shape == SHAPE_NAMES)
			each_name(m, json_object_get(body, m->name), fn, arg);
}

void fleet_serial_key(const json_t *device, struct buf *key)
{
	const char *serial = fleet_text(device, "serial");

	buf_reset(key);
	if (*serial == '\0')
		return;
	for (const char *p = fleet_text(device, "vendor"); *p != '\0'; p++)
		buf_addc(key, (char)tolower((unsigned char)*p));
	buf_addc(key, '\n');
	buf_adds(key, serial);
}

bool fleet_twice(enum fleet_kind kind, const struct fleet_item *item)
{
	bool known = kind == F_DEVICE && *fleet_text(item->body, "serial") != '\0';

	for (const struct fleet_item *i = item->same; i != NULL; i = i->same)
		if (kind != F_DEVICE || (!known && *fleet_text(i->body, "serial") == '\0'))
			return true;
	return false;
}

bool fleet_binding(const char *member)
{
	static const char *const bound[] = {"device", "group", "site", "range"};

	for (size_t i = 0; i < array_len(bound); i++)
		if (strcmp(bound[i], member) == 0)
			return true;
	return false;
}

const char *fleet_task_kind(const struct fleet_item *task)
{
	const char *kind = fleet_text(task->body, "kind");

	return *kind != '\0' || task->is == NULL ? kind : fleet_text(task->is->body, "kind");
}

struct fleet_item *fleet_add(struct fleet *f, enum fleet_kind kind)
{
	struct fleet_list *l = &f->list[kind];

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->items = mem_realloc(l->items, l->cap * sizeof(l->items[0]));
	}
	l->items[l->n] = (struct fleet_item){.body = NULL};
	return &l->items[l->n++];
}

struct fleet_item *fleet_named(const struct fleet *f, enum fleet_kind kind, const char *name)
{
	return map_get(&f->list[kind].by_name, name, strlen(name));
}

void fleet_index(struct fleet *f)
{
	for (size_t k = 0; k < FLEET_KINDS; k++) {
		struct fleet_list *l = &f->list[k];
		for (size_t i = 0; i < l->n; i++) {
			const char *name = fleet_text(l->items[i].body, "name");
			if (!l->items[i].gone)
				l->items[i].same =
					map_put(&l->by_name, name, strlen(name), &l->items[i]);
		}
	}
}

void fleet_fini(struct fleet *f)
{
	for (size_t k = 0; k < FLEET_KINDS; k++) {
		struct fleet_list *l = &f->list[k];
		for (size_t i = 0; i < l->n; i++) {
			json_decref(l->items[i].body);
			json_decref(l->items[i].raw);
		}
		free(l->items);
		map_fini(&l->by_name);
	}
	*f = (struct fleet){0};
}

/* ---- one form ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(
		json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static json_t *sorted(const json_t *names)
{
	size_t n = json_array_size(names);
	json_t **all = mem_alloc((n + 1) * sizeof(*all));
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		all[i] = json_array_get(names, i);
	qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || by_text(&all[i - 1], &all[i]) != 0)
			(void)json_array_append(list, all[i]);
	free(all);
	return list;
}

static json_t *clean_object(const struct fleet_noun *noun, const char *path, const json_t *v)
{
	json_t *object = json_object();
	struct buf inside = BUF_INIT;
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)v, name, member)
	{
		buf_reset(&inside);
		buf_addf(&inside, "%s%s%s", path, *path == '\0' ? "" : ".", name);
		json_t *kept = fleet_hidden(buf_str(&inside))
				       ? NULL
				       : fleet_clean(noun, buf_str(&inside), member);
		if (kept != NULL)
			(void)json_object_set_new(object, name, kept);
	}
	buf_fini(&inside);
	if (json_object_size(object) > 0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *clean_array(const struct fleet_noun *noun, const char *path, const json_t *v)
{
	const struct fleet_member *top = fleet_member(noun, path);
	const struct fleet_member *m = top != NULL ? top : fleet_inner(noun, path);

	if (json_array_size(v) == 0)
		return NULL;
	if (m != NULL && m->shape == SHAPE_NAMES)
		return sorted(v);
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(v); i++) {
		json_t *item = json_array_get(v, i);
		json_t *kept = json_is_object(item) ? clean_object(noun, path, item)
						    : json_deep_copy(item);
		(void)json_array_append_new(list, kept == NULL ? json_object() : kept);
	}
	return list;
}

/* A word that stands for nothing said: what is made when it is absent. */
static bool default_word(const struct fleet_noun *noun, const char *path, const char *text)
{
	if (noun != &fleet_nouns[F_DEVICE])
		return false;
	return (strcmp(path, "type") == 0 && strcmp(text, "none") == 0) ||
	       (strcmp(path, "managed_by") == 0 && strcmp(text, "carnet") == 0);
}

json_t *fleet_clean(const struct fleet_noun *noun, const char *path, const json_t *v)
{
	const struct fleet_member *m = fleet_member(noun, path);

	if (json_is_object(v))
		return clean_object(noun, path, v);
	if (json_is_array(v))
		return clean_array(noun, path, v);
	if (json_is_null(v))
		return NULL;
	if (m != NULL && m->always)
		return json_deep_copy(v);
	if (json_is_false(v) || (json_is_integer(v) && json_integer_value(v) == 0))
		return NULL;
	const char *text = json_string_value(v);
	if (text != NULL && (*text == '\0' || default_word(noun, path, text)))
		return NULL;
	return json_deep_copy(v);
}
