// SPDX-License-Identifier: Apache-2.0
/* The fleet written as a file that `carnet apply -f` takes: YAML for people, JSON for programs, CSV
 * (devices alone) for spreadsheets. The same fleet gives the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/book.h"
#include "services/cli/fleet.h"

/* ---- YAML ---- */

static void indent(struct buf *out, size_t depth)
{
	for (size_t i = 0; i < depth; i++)
		buf_adds(out, "  ");
}

static void put_scalar(struct buf *out, const json_t *v)
{
	if (json_is_string(v))
		yaml_text(out, json_string_value(v));
	else if (json_is_integer(v))
		buf_addf(out, "%lld", (long long)json_integer_value(v));
	else
		buf_adds(out, json_is_true(v) ? "true" : json_is_false(v) ? "false" : "null");
}

static void put_members(struct buf *out, const json_t *object, size_t depth, bool in_item);

static bool scalars(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_object(json_array_get(list, i)) ||
			json_is_array(json_array_get(list, i)))
			return false;
	return true;
}

/* Numbers on one line, names one below the other: so that a diff shows who came. */
static void put_list(struct buf *out, const json_t *list, size_t depth)
{
	bool line = json_is_integer(json_array_get(list, 0)) && scalars(list);

	if (line || json_array_size(list) == 0) {
		buf_adds(out, " [");
		for (size_t i = 0; i < json_array_size(list); i++) {
			buf_adds(out, i == 0 ? "" : ", ");
			put_scalar(out, json_array_get(list, i));
		}
		buf_adds(out, "]\n");
		return;
	}
	buf_addc(out, '\n');
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		indent(out, depth);
		buf_adds(out, "- ");
		if (json_object_size(v) > 0) {
			put_members(out, v, depth + 1, true);
		} else {
			if (json_is_object(v))
				buf_adds(out, "{}");
			else
				put_scalar(out, v);
			buf_addc(out, '\n');
		}
	}
}

static void put_members(struct buf *out, const json_t *object, size_t depth, bool in_item)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)object, name, v)
	{
		if (!in_item)
			indent(out, depth);
		in_item = false;
		yaml_text(out, name);
		buf_addc(out, ':');
		if (json_is_array(v)) {
			put_list(out, v, depth + 1);
		} else if (json_object_size(v) > 0) {
			buf_addc(out, '\n');
			put_members(out, v, depth + 1, false);
		} else {
			buf_addc(out, ' ');
			if (json_is_object(v))
				buf_adds(out, "{}");
			else
				put_scalar(out, v);
			buf_addc(out, '\n');
		}
	}
}

/* Labels and ports have no order of their own. */
static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *ordered(const json_t *map)
{
	size_t n = 0;
	const char **keys = mem_alloc((json_object_size(map) + 1) * sizeof(*keys));
	json_t *copy = json_object();
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)map, name, v)
	{
		keys[n++] = name;
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 0; i < n; i++)
		(void)json_object_set(copy, keys[i], json_object_get(map, keys[i]));
	free(keys);
	return copy;
}

json_t *fleet_write_json(const struct fleet *f)
{
	json_t *all = json_pack("{s:i}", "carnet", 1);

	for (size_t k = 0; k < FLEET_SECTIONS; k++) {
		const struct fleet_noun *noun = &fleet_nouns[k];
		json_t *section = json_array();
		for (size_t i = 0; i < f->list[k].n; i++) {
			const struct fleet_item *item = &f->list[k].items[i];
			json_t *body = json_object();
			for (size_t m = 0; m < noun->n_members && !item->gone; m++) {
				const char *name = noun->members[m].name;
				json_t *v = json_object_get(item->body, name);
				if (v != NULL && noun->members[m].shape == SHAPE_PAIRS)
					(void)json_object_set_new(body, name, ordered(v));
				else if (v != NULL)
					(void)json_object_set(body, name, v);
			}
			if (!item->gone)
				(void)json_array_append(section, body);
			json_decref(body);
		}
		if (json_array_size(section) > 0)
			(void)json_object_set(all, noun->section, section);
		json_decref(section);
	}
	return all;
}

void fleet_write_yaml(struct buf *out, const struct fleet *f)
{
	json_t *all = fleet_write_json(f);

	put_members(out, all, 0, false);
	json_decref(all);
}

/* ---- the verbs ---- */

static int write_out(struct cli *c, const struct fleet *f, const char *format, const char *path)
{
	struct buf out = BUF_INIT;
	int rc;

	if (strcmp(format, "json") == 0) {
		json_t *all = fleet_write_json(f);
		char *text = json_dumps(all, JSON_INDENT(2));
		buf_addf(&out, "%s\n", text);
		free(text);
		json_decref(all);
	} else if (strcmp(format, "csv") == 0) {
		fleet_write_csv(&out, f);
	} else {
		fleet_write_yaml(&out, f);
	}
	rc = book_write(path == NULL ? "-" : path, buf_span(&out)) == 0 ? EXIT_DONE : EXIT_ERROR;
	buf_fini(&out);
	(void)c;
	return rc;
}

/* ---- names: a file could not tell apart what has no other ---- */

struct naming {
	const struct fleet *fleet;
	enum fleet_kind kind;
	const struct fleet_item *item;
	int rc;
};

/* The server's ids stand where a name would be that of several devices. */
static void refer(void *arg, const struct fleet_member *m, unused size_t place, const char *name)
{
	struct naming *n = arg;
	const struct fleet_list *devices = &n->fleet->list[F_DEVICE];
	struct uuid id;

	if (m->of != F_DEVICE || uuid_parse(name, &id) != 0)
		return;
	for (size_t i = 0; i < devices->n; i++)
		if (strcmp(devices->items[i].id, name) == 0)
			n->rc = cli_fail(EXIT_REFUSED,
				"%s '%s': %s: several devices are called '%s': rename one first",
				fleet_nouns[n->kind].noun, fleet_text(n->item->body, "name"),
				m->name, fleet_text(devices->items[i].body, "name"));
}

static int names_differ(const struct fleet *f)
{
	struct naming n = {.fleet = f};

	for (n.kind = 0; n.kind < FLEET_SECTIONS; n.kind++)
		for (size_t i = 0; i < f->list[n.kind].n; i++) {
			n.item = &f->list[n.kind].items[i];
			fleet_names(&fleet_nouns[n.kind], n.item->body, refer, &n);
			if (!n.item->gone && fleet_twice(n.kind, n.item))
				n.rc = cli_fail(EXIT_REFUSED,
					"%s: '%s' twice, without a serial number: rename one first",
					fleet_nouns[n.kind].section,
					fleet_text(n.item->body, "name"));
		}
	return n.rc;
}

int run_fleet_export(struct cli *c, const struct verb *v)
{
	const char *format = cli_flag(c, "format"), *path = cli_flag(c, "o");
	struct fleet f = {0};

	if (format == NULL)
		format = c->json ? "json" : "yaml";
	if (strcmp(format, "yaml") != 0 && strcmp(format, "json") != 0 &&
		strcmp(format, "csv") != 0)
		return cli_fail(EXIT_USAGE, "--format yaml|json|csv");
	if (c->n_args != 0)
		return cli_fail(EXIT_USAGE, "%s takes no words", v->noun);
	int rc = cli_flags_done(c);
	if (rc == 0)
		rc = fleet_read_state(c, &f);
	if (rc == 0)
		rc = names_differ(&f);
	if (rc == 0)
		rc = write_out(c, &f, format, path);
	fleet_fini(&f);
	return rc;
}
