// SPDX-License-Identifier: Apache-2.0
/* A plan for people: a screen for a thousand printers, or everything about one. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/write.h"

#define GROUP_COLUMNS                                                                              \
	"state=PRINTERS,n=N,add=ADD,change=CHANGE,remove=REMOVE,losses=LOSSES,needs=NEEDS,cause,"  \
	"reason,example,detail"
#define CHANGE_COLUMNS "op=CHANGE,list,number=NO,name,field,before,after,dest=DESTINATION"
#define LIST_COLUMNS "list,add=ADD,change=CHANGE,remove=REMOVE,unchanged=SAME,kept=KEPT"
#define SCREEN 15 /* rows of a section, when a plan is shown as a whole */
#define NOTE_COLUMNS "kind=WHAT,item,name,reason,before,after,text"

static long long number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static json_t *get(struct cli *c, const char *path, int *ret_rc)
{
	struct answer a;
	json_t *found = NULL;

	if (client_call(c, "GET", path, NULL, NULL, &a) == 0)
		found = json_incref(a.json);
	else
		*ret_rc = client_problem(c, &a);
	answer_fini(&a);
	return found;
}

static const char *id_of(const json_t *run)
{
	const char *id = json_string_value(json_object_get(run, "id"));

	return id == NULL ? "" : id;
}

/* ---- all printers ---- */

static bool listed(const json_t *list, const char *word)
{
	size_t i;
	const json_t *w;

	json_array_foreach(list, i, w)
	{
		const char *s = json_string_value(w);
		if (s != NULL && strcmp(s, word) == 0)
			return true;
	}
	return false;
}

char *plan_missing(const json_t *run, const json_t *accept)
{
	const json_t *needs = json_object_get(json_object_get(run, "totals"), "needs");
	struct buf b = BUF_INIT;
	size_t i;
	const json_t *w;

	json_array_foreach(needs, i, w)
	{
		const char *word = json_string_value(w);
		if (word != NULL && !listed(accept, word))
			buf_addf(&b, "%s%s", b.n > 0 ? "," : "", word);
	}
	char *words = mem_strdup(buf_str(&b));
	buf_fini(&b);
	return words;
}

static void show_totals(const json_t *run)
{
	const json_t *t = json_object_get(run, "totals");
	const char *state = json_string_value(json_object_get(run, "state"));
	char *needs = plan_missing(run, NULL);

	(void)printf("printers: %lld to change, %lld as wanted, %lld that cannot be written; "
		     "entries: %lld to add, %lld to change, %lld to remove\n",
		number(t, "devices"), number(t, "unchanged"), number(t, "refused"),
		number(t, "add"), number(t, "change"), number(t, "remove"));
	if (*needs != '\0')
		(void)printf("to be accepted: %s (%lld losses)\n", needs, number(t, "losses"));
	if (state != NULL && strcmp(state, "awaiting_approval") == 0)
		(void)printf("nothing is written yet: carnet apply %s%s%s\n", id_of(run),
			*needs != '\0' ? " --accept " : "", needs);
	free(needs);
}

/* What a target's end means in a plan. */
static void name_states(const json_t *items)
{
	size_t i;
	json_t *row;

	json_array_foreach(items, i, row)
	{
		const char *state = json_string_value(json_object_get(row, "state"));
		if (state != NULL && strcmp(state, "succeeded") == 0)
			(void)json_object_set_new(row, "state", json_string("change"));
		else if (state != NULL && strcmp(state, "unchanged") == 0)
			(void)json_object_set_new(row, "state", json_string("as wanted"));
	}
}

/* ---- one printer ---- */

/* The first `most` rows; 0 = all. */
static void section(const struct cli *c, const json_t *plan, const char *member,
	const char *columns, size_t most)
{
	json_t *rows = json_copy(json_object_get(plan, member));
	size_t n = json_array_size(rows), shown = most == 0 || n < most ? n : most;

	while (json_array_size(rows) > shown)
		(void)json_array_remove(rows, json_array_size(rows) - 1);
	if (n > 0) {
		(void)printf("\n");
		table_print(c, rows, columns, NULL);
	}
	if (n > shown)
		(void)printf("… and %zu more: carnet plan show RUN --device PRINTER\n", n - shown);
	json_decref(rows);
}

static void show_device(const struct cli *c, const json_t *target, size_t most)
{
	const json_t *plan = json_object_get(target, "plan");
	struct buf line = BUF_INIT;

	table_value(&line, "device_name", json_object_get(target, "device_name"));
	(void)printf("\n%s: %lld to add, %lld to change, %lld to remove, %lld as they are%s%s\n",
		buf_str(&line), number(plan, "add"), number(plan, "change"), number(plan, "remove"),
		number(plan, "unchanged"),
		json_is_true(json_object_get(plan, "restart")) ? "; it has to restart" : "",
		json_is_true(json_object_get(plan, "cut")) ? "; not all of it is listed" : "");
	section(c, plan, "lists", LIST_COLUMNS, most);
	section(c, plan, "changes", CHANGE_COLUMNS, most);
	section(c, plan, "notes", NOTE_COLUMNS, most);
	buf_fini(&line);
}

static bool is_device(const json_t *target, const char *ref)
{
	static const char *const members[] = {"device_name", "device", "job"};

	for (size_t i = 0; i < array_len(members); i++) {
		const char *s = json_string_value(json_object_get(target, members[i]));
		if (s != NULL && (*ref == '\0' || strcmp(s, ref) == 0))
			return true;
	}
	return false;
}

/* By name or id; "" = the first one. Owned. */
static json_t *find_target(struct cli *c, const char *run_id, const char *ref, int *ret_rc)
{
	struct buf path = BUF_INIT;
	json_t *found = NULL, *page, *target;
	bool more = true;
	size_t i;

	buf_addf(&path, "/runs/%.40s/targets?limit=1000", run_id);
	while (found == NULL && more && (page = get(c, buf_str(&path), ret_rc)) != NULL) {
		json_array_foreach(json_object_get(page, "items"), i, target)
		{
			if (found == NULL && is_device(target, ref))
				found = json_incref(target);
		}
		const char *next = json_string_value(json_object_get(page, "next"));
		more = next != NULL && *next != '\0';
		buf_reset(&path);
		buf_addf(&path, "/runs/%.40s/targets?limit=1000&cursor=", run_id);
		request_escape(&path, next == NULL ? "" : next);
		json_decref(page);
	}
	buf_fini(&path);
	if (found == NULL && *ret_rc == 0)
		*ret_rc = cli_fail(EXIT_ERROR, "'%s' is not in this run", ref);
	return found;
}

/* ---- verbs ---- */

int plan_show(struct cli *c, const json_t *run)
{
	char path[96];
	int rc = 0;

	(void)snprintf(path, sizeof(path), "/runs/%.40s/outcomes", id_of(run));
	json_t *groups = get(c, path, &rc);
	if (groups == NULL)
		return rc;
	const json_t *items = json_object_get(groups, "items");
	if (c->json) {
		json_t *both = json_pack("{s:O, s:O}", "run", run, "outcomes", items);
		print_json(both);
		json_decref(both);
	} else {
		long long total = number(json_object_get(run, "counts"), "total");
		name_states(items);
		table_print(c, items, GROUP_COLUMNS, "code,step");
		if (total == 1) {
			json_t *target = find_target(c, id_of(run), "", &rc);
			if (target != NULL && json_object_get(target, "plan") != NULL)
				show_device(c, target, c->wide ? 0 : SCREEN);
			json_decref(target);
		}
		show_totals(run);
		(void)fflush(stdout);
	}
	json_decref(groups);
	return rc;
}

int run_plan_show(struct cli *c, const struct verb *v)
{
	const char *device = cli_flag(c, "device");
	char path[64];
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	if (device != NULL) {
		json_t *target = find_target(c, c->args[0], device, &rc);
		if (target != NULL && c->json)
			print_json(target);
		else if (target != NULL)
			show_device(c, target, 0);
		json_decref(target);
		return rc;
	}
	(void)snprintf(path, sizeof(path), "/runs/%.40s", c->args[0]);
	json_t *run = get(c, path, &rc);
	if (run != NULL && json_object_get(run, "phase") == NULL)
		rc = cli_fail(EXIT_ERROR, "that run wrote nothing and planned nothing");
	else if (run != NULL)
		rc = plan_show(c, run);
	json_decref(run);
	return rc;
}
