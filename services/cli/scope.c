// SPDX-License-Identifier: Apache-2.0
/* Where the role of a person or a token counts: --assign ROLE@WHERE, WHERE = everywhere, site:NAME
 * or group:NAME (docs/spec/fleet.md FL-69). */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

/* The assignment of a role, made when it is not there. */
static json_t *of_role(json_t *list, const char *role)
{
	size_t i;
	json_t *a;

	json_array_foreach(list, i,
		a) if (strcmp(json_string_value(json_object_get(a, "role")), role) == 0) return a;
	a = json_pack("{s:s, s:[], s:[]}", "role", role, "groups", "sites");
	(void)json_array_append_new(list, a);
	return a;
}

/* A role that counts everywhere needs no places any more. */
static void settle(json_t *list)
{
	size_t i;
	json_t *a;

	json_array_foreach(list, i, a)
	{
		if (json_object_get(a, "everywhere") == NULL)
			continue;
		(void)json_object_del(a, "everywhere");
		(void)json_object_del(a, "groups");
		(void)json_object_del(a, "sites");
	}
}

static bool take(json_t *list, const char *text)
{
	const char *where = strchr(text, '@');
	char role[16];

	if (where == NULL || (size_t)(where - text) >= sizeof(role))
		return false;
	memcpy(role, text, (size_t)(where - text));
	role[where++ - text] = '\0';
	const char *name = strchr(where, ':');
	if (strcmp(where, "everywhere") == 0)
		return json_object_set_new(of_role(list, role), "everywhere", json_true()) == 0;
	if (name == NULL || name[1] == '\0')
		return false;
	const char *member = strncmp(where, "site:", 5) == 0    ? "sites"
			     : strncmp(where, "group:", 6) == 0 ? "groups"
								: NULL;
	if (member == NULL)
		return false;
	return json_array_append_new(
		       json_object_get(of_role(list, role), member), json_string(name + 1)) == 0;
}

int assignments_read(struct cli *c, json_t **ret)
{
	json_t *list = json_array();
	const char *text;
	size_t at = 0;

	*ret = NULL;
	while ((text = cli_flag_next(c, "assign", &at)) != NULL) {
		if (take(list, text))
			continue;
		json_decref(list);
		return cli_fail(EXIT_USAGE,
			"--assign '%s': ROLE@everywhere, ROLE@site:NAME or ROLE@group:NAME", text);
	}
	settle(list);
	if (json_array_size(list) > 0)
		*ret = list;
	else
		json_decref(list);
	return 0;
}

int run_assigned(struct cli *c, const struct verb *v)
{
	json_t *list, *more = json_object();
	int rc = assignments_read(c, &list);

	if (list != NULL)
		(void)json_object_set_new(more, "assignments", list);
	if (rc == 0)
		rc = verb_run_with(c, v, more);
	json_decref(more);
	return rc;
}

/* ---- lists: one text per row ---- */

/* Names of groups, by id; what is gone keeps its id. */
static const char *group_name(const json_t *groups, const char *id)
{
	size_t i;
	const json_t *g;

	json_array_foreach(groups, i, g)
	{
		const char *other = json_string_value(json_object_get(g, "id"));
		if (other != NULL && strcmp(other, id) == 0)
			return json_string_value(json_object_get(g, "name"));
	}
	return id;
}

static void say(struct buf *out, const json_t *a, const char *member, const json_t *groups)
{
	const char *role = json_string_value(json_object_get(a, "role"));
	const json_t *list = json_object_get(a, member);
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *name = json_string_value(one);
		bool group = *member == 'g';
		buf_addf(out, "%s%s@%s:%s", out->n > 0 ? " " : "", role, group ? "group" : "site",
			group ? group_name(groups, name) : name);
	}
}

static void say_scope(json_t *row, const json_t *groups)
{
	const json_t *list = json_object_get(row, "assignments");
	struct buf out = BUF_INIT;
	const json_t *a;
	size_t i;

	json_array_foreach(list, i, a)
	{
		if (json_array_size(json_object_get(a, "groups")) +
				json_array_size(json_object_get(a, "sites")) ==
			0)
			buf_addf(&out, "%s%s@everywhere", out.n > 0 ? " " : "",
				json_string_value(json_object_get(a, "role")));
		say(&out, a, "sites", groups);
		say(&out, a, "groups", groups);
	}
	(void)json_object_set_new(
		row, "scope", json_string(out.n > 0 ? buf_str(&out) : "everywhere"));
	buf_fini(&out);
}

static void say_all(const json_t *rows, const json_t *groups)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		say_scope(row, groups);
	}
}

int run_scope_list(struct cli *c, const struct verb *v)
{
	struct answer a, groups;
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (client_call(c, "GET", v->path, NULL, NULL, &a) != 0) {
		rc = client_problem(c, &a);
	} else if (c->json) {
		print_json(a.json);
	} else {
		if (client_call(c, "GET", "/groups?limit=1000", NULL, NULL, &groups) != 0)
			rc = EXIT_PARTIAL; /* groups are shown by id then */
		say_all(json_object_get(a.json, "items"), json_object_get(groups.json, "items"));
		table_print(c, json_object_get(a.json, "items"), v->columns, v->wide);
		answer_fini(&groups);
	}
	answer_fini(&a);
	return rc;
}
