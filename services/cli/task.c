// SPDX-License-Identifier: Apache-2.0
/* Tasks and backups with the flags people think in: --group, --every 15m, --list, --password-file.
 */
#include <stdlib.h>
#include <string.h>

#include "common/msg/msg.h"
#include "services/cli/cli.h"
#include "services/cli/write.h"

#define NOW "Back up now"

bool task_targets(struct cli *c, json_t *targets)
{
	static const char *const flags[][2] = {{"group", "groups"}, {"device", "devices"},
		{"exclude-group", "exclude_groups"}, {"exclude-device", "exclude_devices"}};
	bool any = false;

	for (size_t i = 0; i < array_len(flags); i++) {
		const char *value;
		size_t at = 0;
		while ((value = cli_flag_next(c, flags[i][0], &at)) != NULL)
			any = request_put(targets, &m_targets_desc, flags[i][1], value) == 0 || any;
	}
	const char *filter = cli_flag(c, "filter");
	if (filter != NULL) {
		(void)json_object_set_new(targets, "filter", json_string(filter));
		any = true;
	}
	if (cli_flag(c, "all") != NULL) {
		(void)json_object_set_new(targets, "all", json_true());
		any = true;
	}
	return any;
}

/* Of a batch: tasks, one after the other (FL-26). */
static void add_steps(struct cli *c, json_t *settings)
{
	static const char *const flags[][2] = {
		{"barrier", "barrier"}, {"continue-on-error", "continue_on_error"}};
	const char *step;
	size_t at = 0;

	while ((step = cli_flag_next(c, "step", &at)) != NULL)
		(void)request_put(settings, &m_task_settings_desc, "steps", step);
	for (size_t i = 0; i < array_len(flags); i++) {
		if (cli_flag(c, flags[i][0]) != NULL)
			(void)json_object_set_new(settings, flags[i][1], json_true());
	}
}

static int add_settings(struct cli *c, json_t *task, const char *kind)
{
	json_t *settings = json_object();
	const char *list;
	size_t at = 0;

	(void)json_object_set_new(task, "settings", settings);
	if (strcmp(kind, "batch") == 0) {
		add_steps(c, settings);
		return 0;
	}
	json_t *accept = write_accept(c);
	if (accept != NULL)
		(void)json_object_set_new(settings, "accept", accept);
	if (strcmp(kind, "ab.backup") != 0)
		return 0;
	while ((list = cli_flag_next(c, "list", &at)) != NULL)
		(void)request_put(settings, &m_task_settings_desc, "lists", list);
	if (json_object_get(settings, "lists") == NULL)
		(void)json_object_set_new(settings, "lists", json_pack("[s]", "all"));
	if (cli_flag(c, "restart-if-needed") != NULL)
		(void)json_object_set_new(settings, "restart_if_needed", json_true());
	char *password =
		cli_secret(c, "password", "Encryption password (Type II/III devices)", true);
	if (password == NULL)
		return EXIT_USAGE;
	(void)json_object_set_new(settings, "encryption_password", json_string(password));
	memset(password, 0, strlen(password));
	free(password);
	return 0;
}

/* How often a retryable error is tried before it is the outcome; 0 or none = the default, 8. */
static void add_retry(struct cli *c, json_t *task)
{
	const char *errors = cli_flag(c, "errors-max");

	if (errors != NULL)
		(void)json_object_set_new(task, "retry",
			json_pack("{s:i}", "errors_max", (int)strtol(errors, NULL, 10)));
}

/* A task from flags; NULL after a message. */
static json_t *task_of(struct cli *c, const char *name, int *ret_rc)
{
	const char *kind = cli_flag(c, "kind");
	json_t *targets = json_object();
	json_t *task = json_pack("{s:s, s:s, s:b, s:o}", "name", name, "kind",
		kind == NULL ? "ab.backup" : kind, "active", 1, "targets", targets);

	add_retry(c, task);
	if (!task_targets(c, targets))
		*ret_rc = cli_fail(
			EXIT_USAGE, "which printers? --group, --device, --filter or --all");
	else if ((*ret_rc = schedule_flags(c, task)) == 0 &&
		 (*ret_rc = add_settings(c, task, kind == NULL ? "ab.backup" : kind)) == 0)
		return task;
	json_decref(task);
	return NULL;
}

void cli_saved(const struct cli *c, const json_t *object)
{
	const char *note = json_string_value(json_object_get(object, "note"));

	if (c->json)
		print_json(object);
	else
		table_object(c, object);
	if (note != NULL && !c->json)
		(void)cli_fail(0, "%s", note);
}

int run_task_create(struct cli *c, const struct verb *v)
{
	struct answer a;
	int rc;

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	json_t *task = task_of(c, c->args[0], &rc);
	if (task == NULL || (rc = cli_flags_done(c)) != 0) {
		json_decref(task);
		return rc;
	}
	if (client_call(c, "POST", "/tasks", task, NULL, &a) == 0)
		cli_saved(c, a.json);
	else
		rc = client_problem(c, &a);
	json_decref(task);
	answer_fini(&a);
	return rc;
}

/* Starts the run at path and watches it, unless --no-wait. */
static int start(struct cli *c, const char *path, const json_t *body)
{
	struct answer a;
	bool wait = cli_flag(c, "no-wait") == NULL;
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (client_call(c, "POST", path, body, NULL, &a) != 0) {
		rc = client_problem(c, &a);
	} else if (!wait) {
		if (c->json)
			print_json(a.json);
		else
			(void)printf("%s\n", json_string_value(json_object_get(a.json, "id")));
	} else {
		const char *id = json_string_value(json_object_get(a.json, "id"));
		if (!c->json)
			(void)fprintf(stderr, "run %s\n", id);
		rc = watch_run(c, id);
	}
	answer_fini(&a);
	return rc;
}

int run_task_run(struct cli *c, const struct verb *v)
{
	struct buf path = BUF_INIT;

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	buf_adds(&path, "/tasks/");
	request_escape(&path, c->args[0]);
	buf_adds(&path, ":run");
	json_t *body = cli_flag(c, "override-windows") == NULL
			       ? NULL
			       : json_pack("{s:b}", "override_windows", 1);
	int rc = start(c, buf_str(&path), body);
	buf_fini(&path);
	json_decref(body);
	return rc;
}

/* One standing task keeps what "backup now" did last: its runs are in the history like all others.
 */
int run_backup_now(struct cli *c, const struct verb *v)
{
	struct answer a;
	int rc;

	(void)v;
	json_t *task = task_of(c, NOW, &rc);
	if (task == NULL)
		return rc;
	rc = client_call(c, "POST", "/tasks", task, NULL, &a);
	if (rc != 0 && a.status == 409) {
		answer_fini(&a);
		rc = client_call(c, "PATCH", "/tasks/Back%20up%20now", task, NULL, &a);
	}
	json_decref(task);
	if (rc != 0 && !a.shown)
		rc = client_problem(c, &a);
	else
		rc = start(c, "/tasks/Back%20up%20now:run", NULL);
	answer_fini(&a);
	return rc;
}

/* FL-62: states are chosen by a person; without them the counts are shown, and nothing runs. */
int run_run_rerun(struct cli *c, const struct verb *v)
{
	json_t *body = json_object();
	char path[96];
	const char *value;
	size_t at = 0;
	static const char *const flags[][2] = {
		{"state", "states"}, {"cause", "causes"}, {"device", "devices"}};

	if (c->n_args != 1) {
		json_decref(body);
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	}
	for (size_t i = 0; i < array_len(flags); i++, at = 0)
		while ((value = cli_flag_next(c, flags[i][0], &at)) != NULL)
			(void)request_put(body, &m_run_rerun_desc, flags[i][1], value);
	if (json_object_get(body, "states") == NULL) {
		struct answer a;
		json_decref(body);
		(void)snprintf(path, sizeof(path), "/runs/%.40s/outcomes", c->args[0]);
		if (client_call(c, "GET", path, NULL, NULL, &a) == 0)
			table_print(c, json_object_get(a.json, "items"),
				"state=STATE,n=TARGETS,cause,example", NULL);
		answer_fini(&a);
		return cli_fail(EXIT_USAGE, "which ones? --state STATE, repeatable");
	}
	if (cli_flag(c, "as-it-was") != NULL)
		(void)json_object_set_new(body, "as_it_was", json_true());
	(void)snprintf(path, sizeof(path), "/runs/%.40s/rerun", c->args[0]);
	int rc = start(c, path, body);
	json_decref(body);
	return rc;
}
