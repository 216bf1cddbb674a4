// SPDX-License-Identifier: Apache-2.0
/* When a task fires, with the words people think in: --every 15m, --every 2w --on mon,fri,
 * --every 1mo --on 1,15,last, --every 1mo --on last-fri, or --date for once. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/write.h"

#define WORD_MAX 16

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

int cli_weekday(const char *word)
{
	for (size_t i = 0; i < array_len(weekdays); i++)
		if (strcmp(word, weekdays[i]) == 0)
			return (int)i + 1;
	return 0;
}

/* A positive number that is all of the word; 0 = none. */
static long number_of(const char *word)
{
	char *end;
	long n = strtol(word, &end, 10);

	return end != word && *end == '\0' && n > 0 ? n : 0;
}

static void add_number(json_t *schedule, const char *member, long n)
{
	json_t *list = json_object_get(schedule, member);

	if (list == NULL) {
		list = json_array();
		(void)json_object_set_new(schedule, member, list);
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_integer_value(json_array_get(list, i)) == n)
			return;
	(void)json_array_append_new(list, json_integer(n));
}

/* 1-tue, last-fri */
static bool add_nth_weekday(json_t *schedule, char *word)
{
	char *dash = strchr(word, '-');

	if (dash == NULL)
		return false;
	*dash = '\0';
	long nth = number_of(word);
	int weekday = cli_weekday(dash + 1);
	if (weekday == 0 || (nth == 0 && strcmp(word, "last") != 0))
		return false;
	(void)json_object_set_new(schedule, "form", json_string("every_months_weekday"));
	add_number(schedule, "weekdays", weekday);
	if (nth > 0)
		add_number(schedule, "ordinals", nth);
	else
		(void)json_object_set_new(schedule, "last", json_true());
	return true;
}

static bool add_day(json_t *schedule, bool months, char *word)
{
	if (!months) {
		add_number(schedule, "weekdays", cli_weekday(word));
		return cli_weekday(word) > 0;
	}
	if (add_nth_weekday(schedule, word))
		return true;
	if (strcmp(word, "last") == 0)
		return json_object_set_new(schedule, "last", json_true()) == 0;
	add_number(schedule, "days", number_of(word));
	return number_of(word) > 0;
}

/* --on: days between commas */
static int add_days(json_t *schedule, bool months, const char *on)
{
	char word[WORD_MAX];

	while (on != NULL && *on != '\0') {
		size_t n = strcspn(on, ",");
		if (n >= sizeof(word))
			break;
		memcpy(word, on, n);
		word[n] = '\0';
		if (!add_day(schedule, months, word))
			break;
		on += n + (on[n] == ',');
	}
	if (on != NULL && *on != '\0')
		return cli_fail(EXIT_USAGE, "--on takes %s",
			months ? "days of the month such as 1,15,last, or 1-tue,last-fri"
			       : "days such as mon,fri");
	return 0;
}

static int add_every(json_t *schedule, const char *every, const char *on)
{
	static const struct {
		const char *unit, *form;
		long times;
	} units[] = {{"m", "every_minutes", 1}, {"h", "every_minutes", 60}, {"d", "every_days", 1},
		{"w", "every_weeks", 1}, {"mo", "every_months_date", 1}};
	char *unit;
	long n = strtol(every, &unit, 10);

	for (size_t i = 0; i < array_len(units); i++) {
		if (n < 1 || strcmp(unit, units[i].unit) != 0)
			continue;
		(void)json_object_set_new(schedule, "form", json_string(units[i].form));
		(void)json_object_set_new(schedule, "n", json_integer(n * units[i].times));
		if (on != NULL && *unit != 'w' && strcmp(unit, "mo") != 0)
			return cli_fail(EXIT_USAGE, "--on goes with weeks (2w) and months (1mo)");
		return add_days(schedule, strcmp(unit, "mo") == 0, on);
	}
	return cli_fail(EXIT_USAGE, "--every takes a number and m, h, d, w or mo, for example 15m");
}

int schedule_flags(struct cli *c, json_t *task)
{
	static const char *const texts[][2] = {
		{"at", "time"}, {"zone", "zone"}, {"date", "date"}, {"catch-up", "catch_up"}};
	const char *every = cli_flag(c, "every"), *on = cli_flag(c, "on"), *value;
	char until[CLOCK_RFC3339];
	json_t *schedule = json_object();

	(void)json_object_set_new(task, "schedule", schedule);
	for (size_t i = 0; i < array_len(texts); i++)
		if ((value = cli_flag(c, texts[i][0])) != NULL)
			(void)json_object_set_new(schedule, texts[i][1], json_string(value));
	if ((value = cli_flag(c, "until")) != NULL) {
		if (!cli_time(value, until))
			return cli_fail(EXIT_USAGE, "--until takes a day or a time");
		(void)json_object_set_new(schedule, "end_at", json_string(until));
	}
	if ((value = cli_flag(c, "jitter")) != NULL) {
		long long ms = write_duration("jitter", value);
		if (ms < 0)
			return EXIT_USAGE;
		(void)json_object_set_new(schedule, "jitter", json_integer(ms / 1000));
	}
	if ((value = cli_flag(c, "start-deadline")) != NULL) {
		long long ms = write_duration("start-deadline", value);
		if (ms < 0)
			return EXIT_USAGE;
		(void)json_object_set_new(schedule, "start_deadline_ms", json_integer(ms));
	}
	if ((value = cli_flag(c, "times")) != NULL)
		(void)json_object_set_new(schedule, "count", json_integer(number_of(value)));
	if (every != NULL)
		return add_every(schedule, every, on);
	(void)json_object_set_new(schedule, "form",
		json_string(json_object_get(schedule, "date") != NULL ? "at" : "manual"));
	return on == NULL ? 0 : cli_fail(EXIT_USAGE, "--on goes with --every 2w or --every 1mo");
}

int run_task_when(struct cli *c, const struct verb *v)
{
	json_t *body = json_object();
	struct answer a = {.status = 0};
	int rc = schedule_flags(c, body);

	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc == 0 && client_call(c, "POST", "/schedules:preview", body, NULL, &a) != 0)
		rc = client_problem(c, &a);
	else if (rc == 0 && c->json)
		print_json(a.json);
	else if (rc == 0)
		table_print(c, json_object_get(a.json, "items"), v->columns, NULL);
	answer_fini(&a);
	json_decref(body);
	return rc;
}
