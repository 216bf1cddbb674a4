// SPDX-License-Identifier: Apache-2.0
/* Execution windows with the words people think in: --open mon-fri=22:00-06:00, --closed
 * 2026-12-25, --open-on 2026-12-24=08:00-12:00, and whom they bind. */
#include <stdlib.h>
#include <string.h>

#include "common/msg/msg.h"
#include "services/cli/write.h"

#define TEXT_MAX 64

/* "mon-fri", "sat", "mon,wed" into numbers from 1; false: not such. */
static bool add_weekdays(json_t *list, char *words)
{
	char *save = NULL;

	for (char *p = strtok_r(words, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
		char *dash = strchr(p, '-');
		if (dash != NULL)
			*dash = '\0';
		int from = cli_weekday(p), to = dash == NULL ? from : cli_weekday(dash + 1);
		if (from == 0 || to == 0)
			return false;
		for (int day = from;; day = day % 7 + 1) {
			(void)json_array_append_new(list, json_integer(day));
			if (day == to)
				break;
		}
	}
	return true;
}

/* "22:00-06:00" */
static bool add_hours(json_t *span, char *hours)
{
	char *dash = strchr(hours, '-');

	if (dash == NULL)
		return false;
	*dash = '\0';
	(void)json_object_set_new(span, "start", json_string(hours));
	(void)json_object_set_new(span, "end", json_string(dash + 1));
	return true;
}

/* Splits "LEFT=RIGHT" in place; without "=" all is right. */
static char *split(char *text, char **ret_right)
{
	char *eq = strchr(text, '=');

	*ret_right = eq == NULL ? text : eq + 1;
	if (eq != NULL)
		*eq = '\0';
	return eq == NULL ? NULL : text;
}

static bool add_open(json_t *list, char *text)
{
	json_t *span = json_object(), *days = json_array();
	char *hours, *words = split(text, &hours);
	bool good = (words == NULL || add_weekdays(days, words)) && add_hours(span, hours);

	(void)json_object_set_new(span, "weekdays", days);
	(void)json_array_append_new(list, span);
	return good;
}

static bool add_closed(json_t *list, char *text)
{
	return json_array_append_new(list, json_pack("{s:s}", "date", text)) == 0;
}

static bool add_open_on(json_t *list, char *text)
{
	json_t *day = json_object();
	char *hours, *date = split(text, &hours);
	bool good = date != NULL && add_hours(day, hours);

	if (date != NULL)
		(void)json_object_set_new(day, "date", json_string(date));
	(void)json_array_append_new(list, day);
	return good;
}

static int add_times(struct cli *c, json_t *window)
{
	static const struct {
		const char *flag, *member, *form;
		bool (*add)(json_t *list, char *text);
	} times[] = {{"open", "open", "22:00-06:00 or mon-fri=22:00-06:00", add_open},
		{"closed", "exceptions", "YYYY-MM-DD", add_closed},
		{"open-on", "exceptions", "YYYY-MM-DD=08:00-12:00", add_open_on}};
	char text[TEXT_MAX];
	const char *value;

	for (size_t i = 0; i < array_len(times); i++) {
		size_t at = 0;
		while ((value = cli_flag_next(c, times[i].flag, &at)) != NULL) {
			json_t *list = json_object_get(window, times[i].member);
			if (list == NULL) {
				list = json_array();
				(void)json_object_set_new(window, times[i].member, list);
			}
			(void)snprintf(text, sizeof(text), "%s", value);
			if (!times[i].add(list, text))
				return cli_fail(
					EXIT_USAGE, "--%s takes %s", times[i].flag, times[i].form);
		}
	}
	return 0;
}

static int window_flags(struct cli *c, json_t *window)
{
	static const char *const binds[][2] = {
		{"task", "tasks"}, {"site", "sites"}, {"group", "groups"}, {"device", "devices"}};
	const char *value;

	for (size_t i = 0; i < array_len(binds); i++) {
		size_t at = 0;
		while ((value = cli_flag_next(c, binds[i][0], &at)) != NULL)
			(void)request_put(window, &m_window_desc, binds[i][1], value);
	}
	if ((value = cli_flag(c, "zone")) != NULL)
		(void)json_object_set_new(window, "zone", json_string(value));
	if ((value = cli_flag(c, "hard-end")) != NULL &&
		request_put(window, &m_window_desc, "hard_end", value) != 0)
		return cli_fail(EXIT_USAGE, "--hard-end '%s': true or false", value);
	if ((value = cli_flag(c, "min-left")) != NULL) {
		long long ms = write_duration("min-left", value);
		if (ms < 0)
			return EXIT_USAGE;
		(void)json_object_set_new(window, "min_left_ms", json_integer(ms));
	}
	return add_times(c, window);
}

static int save(struct cli *c, const struct verb *v, bool create)
{
	json_t *window = json_object();
	struct buf path = BUF_INIT;
	struct answer a = {.status = 0};
	int rc = EXIT_USAGE;

	if (c->n_args != 1) {
		rc = cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	} else if ((rc = window_flags(c, window)) == 0 && (rc = cli_flags_done(c)) == 0) {
		buf_adds(&path, "/windows");
		if (create) {
			(void)json_object_set_new(window, "name", json_string(c->args[0]));
		} else {
			buf_addc(&path, '/');
			request_escape(&path, c->args[0]);
		}
		if (client_call(c, create ? "POST" : "PATCH", buf_str(&path), window, NULL, &a) !=
			0)
			rc = client_problem(c, &a);
		else
			cli_saved(c, a.json);
	}
	answer_fini(&a);
	buf_fini(&path);
	json_decref(window);
	return rc;
}

int run_window_create(struct cli *c, const struct verb *v)
{
	return save(c, v, true);
}

int run_window_set(struct cli *c, const struct verb *v)
{
	return save(c, v, false);
}
