// SPDX-License-Identifier: Apache-2.0
/* carnet search: where an entry stands, on all devices, since when. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

#define LIMIT_DEFAULT 100

static void add(struct buf *path, const char *name, const char *value)
{
	buf_addf(path, "%s%s=", strchr(buf_str(path), '?') == NULL ? "?" : "&", name);
	request_escape(path, value);
}

/* The words, as typed; one with blanks stays one. A day goes to --at as the day's end. */
static void add_words(struct cli *c, struct buf *path)
{
	struct buf q = BUF_INIT;
	const char *at = cli_flag(c, "at");

	for (size_t i = 0; i < c->n_args; i++) {
		bool quote = c->n_args > 1 && strchr(c->args[i], ' ') != NULL &&
			     strchr(c->args[i], '"') == NULL;
		buf_addf(&q, "%s%s%s%s", i > 0 ? " " : "", quote ? "\"" : "", c->args[i],
			quote ? "\"" : "");
	}
	if (at != NULL && strlen(at) == 10)
		buf_addf(&q, "%sat:%s", q.n > 0 ? " " : "", at);
	else if (at != NULL)
		add(path, "at", at);
	if (q.n > 0)
		add(path, "q", buf_str(&q));
	buf_fini(&q);
}

static int add_devices(struct cli *c, struct buf *path)
{
	size_t at = 0;
	const char *name;

	while ((name = cli_flag_next(c, "device", &at)) != NULL) {
		char *id = resolve_device(c, name);
		if (id == NULL)
			return EXIT_ERROR;
		add(path, "device", id);
		free(id);
	}
	return 0;
}

static int build(struct cli *c, struct buf *path)
{
	static const char *const plain[] = {"kind", "site", "from", "to"};
	buf_adds(path, "/search");
	add_words(c, path);
	for (size_t i = 0; i < array_len(plain); i++) {
		const char *value = cli_flag(c, plain[i]);
		if (value != NULL)
			add(path, plain[i], value);
	}
	return add_devices(c, path);
}

/* Pages until there are enough; all keeps the answer's other members of the last page. */
static int collect(struct cli *c, const struct buf *path, size_t limit, json_t **ret_all)
{
	json_t *items = json_array(), *last = NULL;
	char *next = NULL;
	int rc = EXIT_DONE;

	do {
		struct buf at = BUF_INIT;
		struct answer a;
		char number[24];
		buf_adds(&at, buf_str(path));
		(void)snprintf(number, sizeof(number), "%zu",
			size_min(100, limit - json_array_size(items)));
		add(&at, "limit", number);
		if (next != NULL)
			add(&at, "cursor", next);
		free(next);
		next = NULL;
		if (client_call(c, "GET", buf_str(&at), NULL, NULL, &a) != 0) {
			rc = client_problem(c, &a);
		} else {
			const char *more = json_string_value(json_object_get(a.json, "next"));
			next = more == NULL || *more == '\0' ? NULL : mem_strdup(more);
			(void)json_array_extend(items, json_object_get(a.json, "items"));
			json_decref(last);
			last = json_incref(a.json);
		}
		answer_fini(&a);
		buf_fini(&at);
	} while (rc == EXIT_DONE && next != NULL && json_array_size(items) < limit);
	free(next);
	if (last != NULL)
		(void)json_object_set(last, "items", items);
	json_decref(items);
	*ret_all = last;
	return rc;
}

static void show(const struct cli *c, const struct verb *v, const json_t *all)
{
	long long waiting = json_integer_value(json_object_get(all, "waiting"));
	const char *next = json_string_value(json_object_get(all, "next"));

	if (c->json)
		print_json(all);
	else
		table_print(c, json_object_get(all, "items"), v->columns, v->wide);
	if (next != NULL && *next != '\0')
		(void)cli_fail(0, "there is more: --limit N");
	if (waiting > 0)
		(void)cli_fail(0, "%lld%s versions are not yet read", waiting,
			waiting == 1000 ? " or more" : "");
}

int run_search(struct cli *c, const struct verb *v)
{
	struct buf path = BUF_INIT;
	const char *limit = cli_flag(c, "limit");
	unsigned long most = limit == NULL ? LIMIT_DEFAULT : strtoul(limit, NULL, 10);
	json_t *all = NULL;
	int rc = build(c, &path);

	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc == 0 && most == 0)
		rc = cli_fail(EXIT_USAGE, "--limit is a number from 1");
	if (rc == 0)
		rc = collect(c, &path, most, &all);
	if (rc == EXIT_DONE)
		show(c, v, all);
	json_decref(all);
	buf_fini(&path);
	return rc;
}
