// SPDX-License-Identifier: Apache-2.0
/* The original's path (docs/spec/address-books.md 11.1): a file into the destination list, a book
 * that picks from it, a set of printers that get it. */
#include <stdlib.h>
#include <string.h>

#include "common/base/uuid.h"
#include "common/msg/msg.h"
#include "services/cli/write.h"

#define ENTRY_COLUMNS "key=KEY,name,kinds=KIND,dest=DESTINATION"
#define TWIN_COLUMNS "name=COMES,dest=DESTINATION,key=KEY,there=IS THERE"
#define FAULT_COLUMNS "item,line,column,where,reason,text"
#define LIST_COLUMNS "name=LIST,kind,n=ENTRIES"

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? "" : s;
}

static long long number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static json_t *call(
	struct cli *c, const char *method, const char *path, const json_t *body, int *ret_rc)
{
	struct answer a;
	json_t *found = NULL;

	*ret_rc = EXIT_DONE;
	if (client_call(c, method, path, body, NULL, &a) == 0)
		found = json_incref(a.json);
	else
		*ret_rc = client_problem(c, &a);
	answer_fini(&a);
	return found;
}

static void show(const struct cli *c, const json_t *o, const char *member, const char *columns)
{
	const json_t *rows = json_object_get(o, member);

	if (json_array_size(rows) > 0)
		table_print(c, rows, columns, NULL);
}

/* ---- the destination list ---- */

/* A file here, an uploaded one, or a version of a printer. */
static char *source_of(struct cli *c, const char *ref, int *ret_rc)
{
	struct uuid id;
	char *found;

	*ret_rc = EXIT_ERROR;
	if (uuid_parse(ref, &id) == 0)
		return mem_strdup(ref);
	if (strchr(ref, '@') != NULL)
		return resolve_version(c, ref);
	json_t *file = file_upload(c, ref, NULL, NULL, ret_rc);
	found = file == NULL ? NULL : mem_strdup(text(file, "id"));
	json_decref(file);
	return found;
}

static void show_import(const struct cli *c, const json_t *answer, bool preview)
{
	bool saved =
		*text(answer, "version") != '\0' && strspn(text(answer, "version"), "0-") != 36;

	show(c, answer, "items", ENTRY_COLUMNS);
	show(c, answer, "twins", TWIN_COLUMNS);
	show(c, answer, "faults", FAULT_COLUMNS);
	(void)printf(
		"%lld come, %lld are there and joined, %lld are there and come double; %lld in "
		"all%s\n",
		number(answer, "added"), number(answer, "joined"), number(answer, "doubles"),
		number(answer, "total"),
		saved     ? ""
		: preview ? " (nothing saved: --dry-run)"
			  : " (nothing saved)");
}

int run_destinations_import(struct cli *c, const struct verb *v)
{
	const char *list = cli_flag(c, "list");
	bool join = cli_flag(c, "join") != NULL;
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	char *source = source_of(c, c->args[0], &rc);
	if (source == NULL)
		return rc;
	json_t *body = json_pack(
		"{s:s, s:b, s:b}", "source", source, "join", (int)join, "preview", (int)c->dry_run);
	if (list != NULL)
		(void)json_object_set_new(body, "list", json_string(list));
	json_t *answer = call(c, "POST", "/destination-list:import", body, &rc);
	if (answer != NULL && c->json)
		print_json(answer);
	else if (answer != NULL)
		show_import(c, answer, c->dry_run);
	if (answer != NULL && number(answer, "added") > 0 && !c->dry_run &&
		number(answer, "generation") == 0)
		rc = cli_fail(EXIT_ERROR, "what is wrong in the source has to be put right first");
	json_decref(answer);
	json_decref(body);
	free(source);
	return rc;
}

int run_destinations_list(struct cli *c, const struct verb *v)
{
	int rc;

	(void)v;
	json_t *pool = call(c, "GET", "/destination-list", NULL, &rc);
	if (pool == NULL)
		return rc;
	json_t *book = version_entries(c, text(pool, "id"), NULL, &rc);
	if (book != NULL && c->json)
		print_json(book);
	else if (book != NULL)
		table_print(c, json_object_get(book, "entries"), ENTRY_COLUMNS, NULL);
	json_decref(book);
	json_decref(pool);
	return rc;
}

/* ---- distribution books ---- */

/* "Sales=1,2,17" or "Everybody=all"; --one-touch the same for a one-touch list. */
static int add_lists(struct cli *c, json_t *lists, const char *flag, const char *kind)
{
	const char *value;
	size_t at = 0;

	while ((value = cli_flag_next(c, flag, &at)) != NULL) {
		const char *eq = strrchr(value, '=');
		if (eq == NULL || eq == value || eq[1] == '\0')
			return cli_fail(EXIT_USAGE,
				"--%s takes NAME=KEYS or NAME=all, for example Sales=1,2,17", flag);
		json_t *list =
			json_pack("{s:s%, s:s}", "name", value, (size_t)(eq - value), "kind", kind);
		if (strcmp(eq + 1, "all") == 0)
			(void)json_object_set_new(list, "all", json_true());
		else
			(void)request_put(list, &m_dist_list_desc, "entries", eq + 1);
		(void)json_array_append_new(lists, list);
	}
	return 0;
}

static json_t *book_by_name(struct cli *c, const char *ref, int *ret_rc)
{
	struct buf path = BUF_INIT;

	buf_adds(&path, "/distribution-books/");
	request_escape(&path, ref);
	json_t *book = call(c, "GET", buf_str(&path), NULL, ret_rc);
	buf_fini(&path);
	return book;
}

static void show_book(const struct cli *c, const json_t *book)
{
	if (c->json) {
		print_json(book);
		return;
	}
	(void)printf("%s  generation %lld, %lld entries\n", text(book, "id"),
		number(book, "generation"), number(book, "entries"));
	show(c, book, "lists", LIST_COLUMNS);
}

static int save(struct cli *c, const char *name, const char *id)
{
	json_t *lists = json_array();
	struct buf path = BUF_INIT;
	int rc = add_lists(c, lists, "list", "address_list");

	if (rc == 0)
		rc = add_lists(c, lists, "one-touch", "one_touch");
	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc == 0 && json_array_size(lists) == 0)
		rc = cli_fail(EXIT_USAGE, "which lists? --list NAME=KEYS");
	json_t *body = json_pack("{s:s, s:o}", "name", name, "lists", lists);
	buf_addf(&path, "/distribution-books%s%s", id == NULL ? "" : "/", id == NULL ? "" : id);
	if (rc == 0) {
		json_t *book = call(c, id == NULL ? "POST" : "PUT", buf_str(&path), body, &rc);
		if (book != NULL)
			show_book(c, book);
		json_decref(book);
	}
	json_decref(body);
	buf_fini(&path);
	return rc;
}

int run_dist_book_create(struct cli *c, const struct verb *v)
{
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	return save(c, c->args[0], NULL);
}

int run_dist_book_save(struct cli *c, const struct verb *v)
{
	int rc;

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	json_t *book = book_by_name(c, c->args[0], &rc);
	if (book == NULL)
		return rc;
	rc = save(c, text(book, "name"), text(book, "id"));
	json_decref(book);
	return rc;
}

int run_dist_book_show(struct cli *c, const struct verb *v)
{
	int rc;

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	json_t *book = book_by_name(c, c->args[0], &rc);
	if (book != NULL)
		show_book(c, book);
	json_decref(book);
	return rc;
}

char *resolve_dist_book(struct cli *c, const char *ref)
{
	int rc;
	json_t *book = book_by_name(c, ref, &rc);
	char *id = book == NULL ? NULL : mem_strdup(text(book, "id"));

	json_decref(book);
	return id;
}

/* ---- sets ---- */

int run_dist_set_create(struct cli *c, const struct verb *v)
{
	const char *name = cli_flag(c, "book");
	json_t *set = json_object();
	json_t *targets = json_object();
	char *book = NULL;
	int rc = 0;

	if (c->n_args != 1 || name == NULL)
		rc = cli_fail(EXIT_USAGE, "%s %s needs %s and --book", v->noun, v->name, v->args);
	else if ((book = resolve_dist_book(c, name)) == NULL)
		rc = EXIT_ERROR;
	if (rc == 0)
		rc = write_map(c, set);
	if (rc == 0)
		rc = write_to(c, targets);
	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc == 0) {
		(void)json_object_set_new(set, "name", json_string(c->args[0]));
		(void)json_object_set_new(set, "book", json_string(book));
		(void)json_object_update(set, targets);
		json_t *made = call(c, "POST", "/distribution-sets", set, &rc);
		if (made != NULL && c->json)
			print_json(made);
		else if (made != NULL)
			table_object(c, made);
		json_decref(made);
	}
	json_decref(targets);
	json_decref(set);
	free(book);
	return rc;
}
