// SPDX-License-Identifier: Apache-2.0
/* Files for imports and deliveries: uploaded, listed, shown. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/book.h"

#define FAULT_COLUMNS "line=LINE,column=COLUMN,where=WHERE,reason=REASON,text=TEXT"
#define LIST_COLUMNS "slot=LIST,kind,name,entries"

/* Every place that is wrong, as far as the server lists them. */
static void show_faults(const struct cli *c, const json_t *doc)
{
	const json_t *faults = json_object_get(doc, "faults");

	if (json_array_size(faults) > 0 && !c->json)
		table_print(c, faults, FAULT_COLUMNS, "code,byte,warning");
}

json_t *file_upload(struct cli *c, const char *path, const char *name, const char *as, int *ret_rc)
{
	struct source s = {.name = NULL};
	struct buf url = BUF_INIT;
	struct answer a;
	json_t *version = NULL;
	const char *slash = strrchr(path, '/');

	*ret_rc = EXIT_ERROR;
	if (source_read(&s, path) < 0)
		return NULL;
	if (name == NULL)
		name = strcmp(path, "-") == 0 ? "stdin" : slash == NULL ? path : slash + 1;
	buf_adds(&url, "/files?name=");
	request_escape(&url, name);
	if (as != NULL) {
		buf_adds(&url, "&as=");
		request_escape(&url, as);
	}
	if (client_upload(c, buf_str(&url), source_span(&s), &a) == 0) {
		version = json_incref(a.json);
		*ret_rc = EXIT_DONE;
	} else {
		*ret_rc = client_problem(c, &a);
		show_faults(c, a.json);
	}
	answer_fini(&a);
	buf_fini(&url);
	source_close(&s);
	return version;
}

int run_file_add(struct cli *c, const struct verb *v)
{
	const char *as = cli_flag(c, "as");
	int rc;

	const char *name = cli_flag(c, "name");
	if ((rc = cli_flags_done(c)) != 0)
		return rc;
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	json_t *version = file_upload(c, c->args[0], name, as, &rc);
	if (version == NULL)
		return rc;
	if (c->json) {
		print_json(version);
	} else {
		(void)printf("%s  %s, %lld entries\n",
			json_string_value(json_object_get(version, "id")),
			json_string_value(json_object_get(version, "format")),
			(long long)json_integer_value(json_object_get(version, "entries")));
		if (json_array_size(json_object_get(version, "lists")) > 0)
			table_print(c, json_object_get(version, "lists"), LIST_COLUMNS, NULL);
		show_faults(c, version);
	}
	json_decref(version);
	return EXIT_DONE;
}
