// SPDX-License-Identifier: Apache-2.0
/* From flags to a task that writes. */
#include "services/cli/write.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/msg/msg.h"

bool cli_given(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->n_flags; i++)
		if (strcmp(c->flags[i].name, name) == 0)
			return true;
	return false;
}

bool write_has_targets(const struct cli *c)
{
	static const char *const names[] = {"to", "group", "device", "filter", "all"};

	for (size_t i = 0; i < array_len(names); i++)
		if (cli_given(c, names[i]))
			return true;
	return false;
}

long long write_duration(const char *flag, const char *text)
{
	static const struct {
		const char *unit;
		long long ms;
	} units[] = {{"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	char *unit;
	long long n = strtoll(text, &unit, 10);

	for (size_t i = 0; n > 0 && n <= 10000000 && i < array_len(units); i++)
		if (strcmp(unit, units[i].unit) == 0)
			return n * units[i].ms;
	(void)cli_fail(0, "--%s takes a number and s, m, h or d, for example 10m", flag);
	return -1;
}

/* ---- settings ---- */

/* "list_2=Sales", "one_touch=none": none keeps what the slot holds. */
int write_map(struct cli *c, json_t *settings)
{
	json_t *map = json_array();
	const char *value;
	size_t at = 0;

	while ((value = cli_flag_next(c, "map", &at)) != NULL) {
		const char *eq = strchr(value, '=');
		if (eq == NULL || eq == value || eq[1] == '\0') {
			json_decref(map);
			return cli_fail(EXIT_USAGE,
				"--map takes SLOT=LIST or SLOT=none, for example list_2=Sales");
		}
		const char *from = strcmp(eq + 1, "none") == 0 ? "" : eq + 1;
		(void)json_array_append_new(map, json_pack("{s:s%, s:s}", "slot", value,
							 (size_t)(eq - value), "from", from));
	}
	if (json_array_size(map) > 0)
		(void)json_object_set(settings, "map", map);
	json_decref(map);
	return 0;
}

json_t *write_accept(struct cli *c)
{
	json_t *holder = json_object();
	const char *value;
	size_t at = 0;

	while ((value = cli_flag_next(c, "accept", &at)) != NULL)
		(void)request_put(holder, &m_task_settings_desc, "accept", value);
	json_t *accept = json_incref(json_object_get(holder, "accept"));
	json_decref(holder);
	return accept;
}

static int add_confirm(struct cli *c, json_t *settings)
{
	const char *text = cli_flag(c, "confirm-within");
	long long ms = text == NULL ? 0 : write_duration("confirm-within", text);

	if (ms < 0)
		return EXIT_USAGE;
	if (ms > 0)
		(void)json_object_set_new(settings, "confirm_ms", json_integer(ms));
	return 0;
}

/* Type II and III machines encrypt what they give and take. */
static int add_password(struct cli *c, json_t *settings)
{
	if (!cli_given(c, "password-file"))
		return 0;
	char *password = cli_secret(c, "password", "Encryption password", false);
	if (password == NULL)
		return EXIT_USAGE;
	(void)json_object_set_new(settings, "encryption_password", json_string(password));
	memset(password, 0, strlen(password));
	free(password);
	return 0;
}

int write_settings(struct cli *c, struct write *w)
{
	static const char *const plain[][2] = {{"lists", "lists"}, {"items", "items"},
		{"mode", "mode"}, {"reason", "reason"}, {"on-failure", "on_failure"},
		{"restart-if-needed", "restart_if_needed"}, {"transliterate", "transliterate"},
		{"file-name", "file_name"}};
	const char *value;

	if (w->settings == NULL)
		w->settings = json_object();
	for (size_t i = 0; i < array_len(plain); i++) {
		size_t at = 0;
		while ((value = cli_flag_next(c, plain[i][0], &at)) != NULL)
			if (request_put(w->settings, &m_task_settings_desc, plain[i][1], value) < 0)
				return cli_fail(EXIT_USAGE, "--%s %s: not a value of it",
					plain[i][0], value);
	}
	json_t *accept = write_accept(c);
	if (accept != NULL)
		(void)json_object_set_new(w->settings, "accept", accept);
	int rc = write_map(c, w->settings);
	if (rc == 0)
		rc = add_confirm(c, w->settings);
	return rc != 0 ? rc : add_password(c, w->settings);
}

/* ---- who ---- */

/* A name may be a printer's or a group's. */
static int add_to(struct cli *c, json_t *targets, const char *name)
{
	static const char *const nouns[][2] = {{"devices", "devices"}, {"groups", "groups"}};

	for (size_t i = 0; i < array_len(nouns); i++) {
		struct buf path = BUF_INIT;
		struct answer a;
		buf_addf(&path, "/%s/", nouns[i][0]);
		request_escape(&path, name);
		bool there = client_call(c, "GET", buf_str(&path), NULL, NULL, &a) == 0;
		int rc = there || a.status == 404 ? 0 : client_problem(c, &a);
		const char *id = json_string_value(json_object_get(a.json, "id"));
		if (there && id != NULL)
			(void)request_put(targets, &m_targets_desc, nouns[i][1], id);
		answer_fini(&a);
		buf_fini(&path);
		if (there || rc != 0)
			return rc;
	}
	return cli_fail(EXIT_ERROR, "there is no printer and no group '%s'", name);
}

int write_to(struct cli *c, json_t *targets)
{
	const char *name;
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && (name = cli_flag_next(c, "to", &at)) != NULL)
		rc = add_to(c, targets, name);
	return rc;
}

static json_t *targets_of(struct cli *c, const struct write *w, int *ret_rc)
{
	json_t *targets = json_object();
	bool any = task_targets(c, targets) || cli_given(c, "to");

	*ret_rc = write_to(c, targets);
	if (*ret_rc == 0 && !any && w->targets != NULL)
		(void)json_object_update(targets, w->targets);
	else if (*ret_rc == 0 && !any && w->device != NULL)
		(void)request_put(targets, &m_targets_desc, "devices", w->device);
	else if (*ret_rc == 0 && !any)
		*ret_rc = cli_fail(
			EXIT_USAGE, "which printers? --to PRINTER|GROUP, --filter or --all");
	if (*ret_rc == 0)
		return targets;
	json_decref(targets);
	return NULL;
}

/* ---- how ---- */

/* "1,10%": one printer first, then a tenth, then the rest. */
static int add_waves(struct cli *c, json_t *retry)
{
	const char *text = cli_flag(c, "waves");
	json_t *waves = json_array();
	char *copy = mem_strdup(text == NULL ? "" : text), *save = NULL;
	int rc = 0;

	for (char *p = strtok_r(copy, ",", &save); p != NULL && rc == 0;
		p = strtok_r(NULL, ",", &save)) {
		char *unit;
		long n = strtol(p, &unit, 10);
		if (n < 1 || (*unit != '\0' && strcmp(unit, "%") != 0))
			rc = cli_fail(EXIT_USAGE, "--waves takes numbers of printers or shares, "
						  "for example 1,10%%");
		(void)json_array_append_new(
			waves, json_pack("{s:i}", *unit == '%' ? "percent" : "devices", (int)n));
	}
	if (rc == 0 && text != NULL)
		(void)json_object_set(retry, "waves", waves);
	json_decref(waves);
	free(copy);
	return rc;
}

static int add_retry(struct cli *c, json_t *task)
{
	static const char *const numbers[][2] = {{"errors-max", "errors_max"},
		{"error-budget", "budget_percent"}, {"budget-min", "budget_min"}};
	json_t *retry = json_object();
	const char *value;

	for (size_t i = 0; i < array_len(numbers); i++)
		if ((value = cli_flag(c, numbers[i][0])) != NULL)
			(void)json_object_set_new(
				retry, numbers[i][1], json_integer(strtol(value, NULL, 10)));
	int rc = add_waves(c, retry);
	if (rc == 0 && json_object_size(retry) > 0)
		(void)json_object_set(task, "retry", retry);
	json_decref(retry);
	return rc;
}

/* What was done by hand has a name that says what and when. */
static json_t *name_of(struct cli *c, const struct write *w)
{
	const char *given = cli_flag(c, "name");
	char now[CLOCK_RFC3339];

	if (given != NULL)
		return json_string(given);
	(void)clock_rfc3339(clock_wall_ms(), now);
	return json_sprintf("%s %s", w->what, now);
}

static json_t *task_of(struct cli *c, struct write *w, int *ret_rc)
{
	json_t *targets = targets_of(c, w, ret_rc);

	if (targets == NULL)
		return NULL;
	json_t *task = json_pack("{s:o, s:s, s:b, s:{s:s}, s:o, s:O}", "name", name_of(c, w),
		"kind", w->kind, "active", 1, "schedule", "form", "manual", "targets", targets,
		"settings", w->settings);
	*ret_rc = add_retry(c, task);
	if (*ret_rc == 0)
		return task;
	json_decref(task);
	return NULL;
}

static json_t *call(struct cli *c, const char *path, const json_t *body, int *ret_rc)
{
	struct answer a;
	json_t *found = NULL;

	if (client_call(c, "POST", path, body, NULL, &a) == 0)
		found = json_incref(a.json);
	else
		*ret_rc = client_problem(c, &a);
	answer_fini(&a);
	return found;
}

json_t *write_start(struct cli *c, struct write *w, int *ret_rc)
{
	struct buf path = BUF_INIT;
	json_t *run = NULL, *made = NULL;
	bug_if(w->settings == NULL);
	json_t *task = task_of(c, w, ret_rc);

	if (task != NULL && (*ret_rc = cli_flags_done(c)) == 0) {
		made = call(c, "/tasks", task, ret_rc);
		buf_addf(&path, "/tasks/%s:run",
			made == NULL ? "" : json_string_value(json_object_get(made, "id")));
		run = made == NULL ? NULL : call(c, buf_str(&path), NULL, ret_rc);
	}
	json_decref(made);
	json_decref(task);
	json_decref(w->settings);
	w->settings = NULL;
	buf_fini(&path);
	return run;
}
