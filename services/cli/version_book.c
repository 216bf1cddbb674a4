// SPDX-License-Identifier: Apache-2.0
/* The books inside versions: version show, version diff. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

#define ENTRY_COLUMNS "list,number=NO,name,kinds=KIND,dest=DESTINATION"
#define LIST_COLUMNS "slot=LIST,kind,name,entries"
#define FAULT_COLUMNS "item,line,column,where,reason,text"
#define CHANGE_COLUMNS "op=CHANGE,list,number=NO,name,field,before,after,dest=DESTINATION"

/* ---- pages ---- */

/* All pages of a list in one answer, the members of the first; NULL after a message. */
static json_t *all_pages(struct cli *c, const char *path, int *ret_rc)
{
	json_t *all = NULL;
	char *next = NULL;

	do {
		struct buf at = BUF_INIT;
		struct answer a;
		buf_adds(&at, path);
		if (next != NULL) {
			buf_adds(&at, strchr(path, '?') == NULL ? "?cursor=" : "&cursor=");
			request_escape(&at, next);
		}
		free(next);
		next = NULL;
		if (client_call(c, "GET", buf_str(&at), NULL, NULL, &a) != 0) {
			*ret_rc = client_problem(c, &a);
			json_decref(all);
			all = NULL;
		} else {
			const char *more = json_string_value(json_object_get(a.json, "next"));
			next = more == NULL || *more == '\0' ? NULL : mem_strdup(more);
			if (all == NULL)
				all = json_incref(a.json);
			else
				(void)json_array_extend(json_object_get(all, "items"),
					json_object_get(a.json, "items"));
		}
		answer_fini(&a);
		buf_fini(&at);
	} while (next != NULL && all != NULL);
	if (all != NULL)
		(void)json_object_del(all, "next");
	return all;
}

/* ---- show ---- */

static void show_faults(const struct cli *c, const json_t *book)
{
	const json_t *faults = json_object_get(book, "faults");

	if (json_array_size(faults) == 0)
		return;
	(void)printf("\n%lld places are not as they should be\n",
		(long long)json_integer_value(json_object_get(book, "wrong")));
	table_print(c, faults, FAULT_COLUMNS, "code,byte,warning");
}

static void show_book(const struct cli *c, const json_t *book)
{
	if (json_array_size(json_object_get(book, "lists")) > 0) {
		(void)printf("\nlists\n");
		table_print(c, json_object_get(book, "lists"), LIST_COLUMNS, NULL);
	}
	if (json_array_size(json_object_get(book, "entries")) > 0) {
		(void)printf("\nentries\n");
		table_print(c, json_object_get(book, "entries"), ENTRY_COLUMNS, "key,secrets");
	}
	show_faults(c, book);
}

json_t *version_entries(struct cli *c, const char *id, const char *list, int *ret_rc)
{
	struct buf path = BUF_INIT;

	buf_addf(&path, "/versions/%s/entries?limit=1000", id);
	if (list != NULL) {
		buf_adds(&path, "&list=");
		request_escape(&path, list);
	}
	json_t *book = all_pages(c, buf_str(&path), ret_rc);
	buf_fini(&path);
	if (book != NULL) {
		(void)json_object_set(book, "entries", json_object_get(book, "items"));
		(void)json_object_del(book, "items");
	}
	return book;
}

/* What the index made of the version, for people in a line. */
static void tell_index(json_t *version)
{
	const json_t *index = json_object_get(version, "index");
	const char *state = json_string_value(json_object_get(index, "state"));
	struct buf line = BUF_INIT;

	if (state == NULL)
		return;
	buf_adds(&line, state);
	if (strcmp(state, "indexed") == 0)
		buf_addf(&line, ": %lld new, %lld gone",
			(long long)json_integer_value(json_object_get(index, "opened")),
			(long long)json_integer_value(json_object_get(index, "closed")));
	(void)json_object_set_new(version, "index", json_string(buf_str(&line)));
	buf_fini(&line);
}

static int show(struct cli *c, const char *id)
{
	struct buf path = BUF_INIT;
	struct answer a;
	int rc = EXIT_DONE;

	buf_addf(&path, "/versions/%s", id);
	if (client_call(c, "GET", buf_str(&path), NULL, NULL, &a) != 0) {
		rc = client_problem(c, &a);
	} else {
		json_t *book = version_entries(c, id, cli_flag(c, "list"), &rc);
		/* the server's word `book` is what the index made of it */
		if (json_object_get(a.json, "book") != NULL)
			(void)json_object_set(a.json, "index", json_object_get(a.json, "book"));
		(void)json_object_del(a.json, "book");
		if (c->json) {
			if (book != NULL)
				(void)json_object_set(a.json, "book", book);
			print_json(a.json);
		} else {
			tell_index(a.json);
			table_object(c, a.json);
			if (book != NULL)
				show_book(c, book);
		}
		json_decref(book);
	}
	answer_fini(&a);
	buf_fini(&path);
	return rc;
}

int run_version_show(struct cli *c, const struct verb *v)
{
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	(void)cli_flag(c, "list");
	if (cli_flags_done(c) != 0)
		return EXIT_USAGE;
	char *id = resolve_version(c, c->args[0]);
	int rc = id == NULL ? EXIT_ERROR : show(c, id);
	free(id);
	return rc;
}

/* ---- diff ---- */

static long long count(const json_t *diff, const char *name)
{
	return json_integer_value(json_object_get(diff, name));
}

/* A pure renumbering is no change of content; a secret that nobody can tell is none either. */
static bool differs(const json_t *diff)
{
	size_t i;
	const json_t *change;

	json_array_foreach(json_object_get(diff, "items"), i, change)
	{
		const char *op = json_string_value(json_object_get(change, "op"));
		if (op != NULL && strcmp(op, "renumber") != 0 && strcmp(op, "secret_unknown") != 0)
			return true;
	}
	return false;
}

static void show_diff(const struct cli *c, const json_t *diff)
{
	if (json_array_size(json_object_get(diff, "items")) > 0)
		table_print(c, json_object_get(diff, "items"), CHANGE_COLUMNS, NULL);
	(void)printf("%lld added, %lld removed, %lld changed, %lld moved, %lld renumbered, "
		     "%lld unchanged\n",
		count(diff, "added"), count(diff, "removed"), count(diff, "changed"),
		count(diff, "moved"), count(diff, "renumbered"), count(diff, "unchanged"));
	show_faults(c, diff);
}

int run_version_diff(struct cli *c, const struct verb *v)
{
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args != 2)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	char *a = resolve_version(c, c->args[0]);
	char *b = a == NULL ? NULL : resolve_version(c, c->args[1]);
	rc = EXIT_ERROR;
	if (b != NULL) {
		struct buf path = BUF_INIT;
		buf_addf(&path, "/diff?a=%s&b=%s", a, b);
		json_t *diff = all_pages(c, buf_str(&path), &rc);
		if (diff != NULL) {
			rc = differs(diff) ? EXIT_CHANGES : EXIT_DONE;
			if (c->json)
				print_json(diff);
			else
				show_diff(c, diff);
		}
		json_decref(diff);
		buf_fini(&path);
	}
	free(b);
	free(a);
	return rc;
}
