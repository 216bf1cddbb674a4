// SPDX-License-Identifier: Apache-2.0
/* The plain verb: one call, its answer as a table, an object or JSON. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

/* The further pages of a list, until the server names no next one. */
static int next_pages(
	struct cli *c, const struct verb *v, const struct buf *path, json_t *all, json_t **page)
{
	const char *next;
	int rc = EXIT_DONE;

	while (rc == EXIT_DONE &&
		(next = json_string_value(json_object_get(*page, "next"))) != NULL &&
		*next != '\0') {
		struct buf more = BUF_INIT;
		struct answer a;
		buf_adds(&more, buf_str(path));
		buf_adds(&more, strchr(buf_str(path), '?') == NULL ? "?cursor=" : "&cursor=");
		request_escape(&more, next);
		if (client_call(c, v->method, buf_str(&more), NULL, NULL, &a) != 0) {
			rc = client_problem(c, &a);
		} else {
			(void)json_array_extend(all, json_object_get(a.json, "items"));
			json_decref(*page);
			*page = json_incref(a.json);
		}
		answer_fini(&a);
		buf_fini(&more);
	}
	return rc;
}

static void show(const struct cli *c, const struct verb *v, const json_t *answer)
{
	const json_t *items = json_object_get(answer, "items");

	if (c->json)
		print_json(answer);
	else if (items != NULL && *v->columns != '\0')
		table_print(c, items, v->columns, v->wide);
	else
		table_object(c, answer);
}

int verb_run(struct cli *c, const struct verb *v)
{
	return verb_run_with(c, v, NULL);
}

int verb_run_with(struct cli *c, const struct verb *v, json_t *more)
{
	struct buf path = BUF_INIT;
	json_t *body = NULL;
	bool has_body = false;
	struct answer a = {.status = 0};
	bool paged = cli_flag(c, "cursor") == NULL && strcmp(v->method, "GET") == 0;
	const char *limit = cli_flag(c, "limit");
	int rc = request_build(c, v, &path, &body, &has_body);

	if (more != NULL && rc == 0)
		(void)json_object_update(body, more);
	if (rc == 0 && limit != NULL) {
		buf_addf(&path, "%slimit=%s", strchr(buf_str(&path), '?') == NULL ? "?" : "&",
			limit);
		paged = false;
	}
	if (rc == 0) {
		if (client_call(c, v->method, buf_str(&path), has_body ? body : NULL, NULL, &a) !=
			0) {
			rc = client_problem(c, &a);
		} else {
			json_t *items = json_object_get(a.json, "items");
			json_t *page = json_deep_copy(a.json);
			if (paged && items != NULL)
				rc = next_pages(c, v, &path, items, &page);
			json_decref(page);
			(void)json_object_del(paged ? a.json : NULL, "next");
			if (rc == EXIT_DONE)
				show(c, v, a.json);
		}
	}
	answer_fini(&a);
	json_decref(body);
	buf_fini(&path);
	return rc;
}
