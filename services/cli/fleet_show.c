// SPDX-License-Identifier: Apache-2.0
/* What an apply would do: + is made, ~ is changed, - is taken away. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/book.h"
#include "services/cli/fleet.h"

#define TEXT_SHOWN 200

static const char *const acts[] = {"create", "change", "delete"};
static const char *const marks[] = {"+", "~", "-"};
static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};

static void value(struct buf *out, const json_t *v)
{
	char *text = json_is_string(v)
			     ? NULL
			     : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	const char *plain = text != NULL ? text : json_string_value(v);
	struct buf safe = BUF_INIT;

	safe_text(&safe, plain == NULL ? "" : plain);
	if (json_is_null(v))
		buf_adds(out, "(nothing)");
	else if (safe.n > TEXT_SHOWN)
		buf_addf(out, "… %zu bytes", safe.n);
	else
		buf_adds(out, buf_str(&safe));
	buf_fini(&safe);
	free(text);
}

static bool has_text(const json_t *list, const json_t *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), text) != 0)
			return true;
	return false;
}

static void some(struct buf *out, const char *mark, const json_t *in, const json_t *not_in)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(in); i++) {
		const json_t *v = json_array_get(in, i);
		if (has_text(not_in, v) || n++ >= 10)
			continue;
		buf_addf(out, " %s", mark);
		value(out, v);
	}
	if (n > 10)
		buf_addf(out, " %s%zu more", mark, n - 10);
}

static void show_field(const struct cli *c, const struct fleet_change *change, const char *name,
	const json_t *field)
{
	const struct fleet_member *m = fleet_member(&fleet_nouns[change->kind], name);
	const json_t *from = json_object_get(field, "from"), *to = json_object_get(field, "to");
	struct buf line = BUF_INIT;

	if (m->shape == SHAPE_NAMES && change->act == ACT_CHANGE) {
		some(&line, "+", to, from);
		some(&line, "-", from, to);
	} else {
		buf_addc(&line, ' ');
		if (change->act == ACT_CHANGE) {
			value(&line, from);
			buf_adds(&line, " → ");
		}
		value(&line, to);
	}
	if (change->act == ACT_CHANGE || c->wide)
		(void)printf("    %s:%s\n", name, buf_str(&line));
	buf_fini(&line);
}

static void show_change(const struct cli *c, const struct fleet_change *change)
{
	struct buf safe = BUF_INIT;
	const char *name;
	json_t *field;

	safe_text(&safe, change->name);
	(void)printf("%s%s %s %s%s\n", paint(c, colours[change->act]), marks[change->act],
		fleet_nouns[change->kind].noun, buf_str(&safe), paint(c, "\033[0m"));
	json_object_foreach(change->fields, name, field)
	{
		show_field(c, change, name, field);
	}
	buf_fini(&safe);
}

static void show_people(const struct cli *c, const struct fleet_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		show_change(c, &p->changes[i]);
	(void)printf("%zu to create, %zu to change, %zu to delete\n", p->counts[ACT_CREATE],
		p->counts[ACT_CHANGE], p->counts[ACT_DELETE]);
	for (size_t k = 0; k < FLEET_KINDS; k++)
		if (p->kept[k] > 0)
			(void)fprintf(stderr, "%zu %s not in the file, kept (--prune)\n",
				p->kept[k], fleet_nouns[k].section);
}

void fleet_show(const struct cli *c, const struct fleet_plan *p)
{
	json_t *list = json_array(), *kept = json_object();

	if (!c->json) {
		show_people(c, p);
		json_decref(list);
		json_decref(kept);
		return;
	}
	for (size_t i = 0; i < p->n; i++) {
		const struct fleet_change *change = &p->changes[i];
		json_t *o = json_pack("{s:s, s:s, s:s}", "action", acts[change->act], "noun",
			fleet_nouns[change->kind].noun, "name", change->name);
		if (change->fields != NULL)
			(void)json_object_set(o, "fields", change->fields);
		(void)json_array_append_new(list, o);
	}
	for (size_t k = 0; k < FLEET_KINDS; k++)
		if (p->kept[k] > 0)
			(void)json_object_set_new(
				kept, fleet_nouns[k].section, json_integer((json_int_t)p->kept[k]));
	json_t *all = json_pack("{s:o, s:o, s:I, s:I, s:I}", "changes", list, "kept", kept,
		"create", (json_int_t)p->counts[ACT_CREATE], "change",
		(json_int_t)p->counts[ACT_CHANGE], "delete", (json_int_t)p->counts[ACT_DELETE]);
	print_json(all);
	json_decref(all);
}
