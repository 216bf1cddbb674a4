// SPDX-License-Identifier: Apache-2.0
/* carnet retention plan and prune: what goes and what keeps the rest, as a list and, for one
 * printer, on a calendar. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/zone.h"
#include "services/cli/cli.h"

#define COLUMNS "device_name=DEVICE,kind,generation=GEN,at=MADE,bytes,keep=KEPT BY"
#define PAGE 1000
#define DAYS_MAX 4000

static long long number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? "" : s;
}

/* ---- the calendar ---- */

struct day {
	int64_t day; /* since 1970, in the policy's zone */
	unsigned kept, going;
};

static bool day_of(const struct zone *zone, const char *at, int64_t *ret)
{
	struct zone_time t = {.second = 0};

	if (sscanf(at, "%d-%d-%dT%d:%d:%d", &t.year, &t.month, &t.day, &t.hour, &t.minute,
		    &t.second) != 6)
		return false;
	int64_t instant = zone_floating(&t);
	*ret = (instant + zone_offset(zone, instant)) / 86400;
	return true;
}

static int by_day(const void *a, const void *b)
{
	const struct day *x = a, *y = b;

	return x->day < y->day ? -1 : x->day > y->day;
}

static size_t days_of(const json_t *items, const struct zone *zone, struct day *days)
{
	const json_t *item;
	size_t i, n = 0, used = 0;

	json_array_foreach(items, i, item)
	{
		bool going = json_array_size(json_object_get(item, "keep")) == 0;
		if (n == DAYS_MAX || !day_of(zone, text(item, "at"), &days[n].day))
			continue;
		days[n].kept = !going;
		days[n++].going = going;
	}
	qsort(days, n, sizeof(*days), by_day);
	for (i = 0; i < n; i++) {
		if (used > 0 && days[used - 1].day == days[i].day) {
			days[used - 1].kept += days[i].kept;
			days[used - 1].going += days[i].going;
		} else {
			days[used++] = days[i];
		}
	}
	return used;
}

static void cell(const struct cli *c, int day, const struct day *d)
{
	char mark = d == NULL ? ' ' : d->going == 0 ? '+' : d->kept == 0 ? 'x' : '*';
	const char *color = d == NULL ? NULL : d->kept > 0 ? "32" : "31";

	if (c->color && color != NULL)
		(void)printf(" \033[%sm%2d%c\033[0m", color, day, mark);
	else
		(void)printf(" %2d%c", day, mark);
}

/* Months that have a version; days with their mark. Returns how many days were of this month. */
static size_t month(const struct cli *c, const struct day *days, size_t n)
{
	struct zone_time t = zone_calendar(days[0].day * 86400);
	struct zone_time first = {.year = t.year, .month = t.month, .day = 1};
	int64_t day = zone_floating(&first) / 86400;
	unsigned column = (unsigned)((day + 3) % 7); /* Monday first */
	size_t used = 0;

	(void)printf("\n%04d-%02d   Mo  Tu  We  Th  Fr  Sa  Su\n         ", t.year, t.month);
	for (unsigned i = 0; i < column; i++)
		(void)fputs("    ", stdout);
	for (;; day++, column++) {
		struct zone_time at = zone_calendar(day * 86400);
		if (at.month != t.month)
			break;
		if (column == 7) {
			(void)fputs("\n         ", stdout);
			column = 0;
		}
		bool has = used < n && days[used].day == day;
		cell(c, at.day, has ? &days[used] : NULL);
		used += has;
	}
	(void)putchar('\n');
	return used;
}

static void calendar(const struct cli *c, const json_t *plan)
{
	const struct zone *zone = zone_find(text(plan, "time_zone"));
	struct day *days = mem_alloc(DAYS_MAX * sizeof(*days));
	size_t n = days_of(
		json_object_get(plan, "items"), zone == NULL ? zone_find("UTC") : zone, days);

	for (size_t at = 0; at < n;)
		at += month(c, &days[at], n - at);
	if (n > 0)
		(void)puts("\n+ stays   x goes   * some of that day go");
	free(days);
}

/* ---- the plan ---- */

static void add_flag(struct buf *path, const char *name, const char *value)
{
	buf_addf(path, "&%s=", name);
	request_escape(path, value);
}

/* All pages; the sums are those of the last. NULL after a message. */
static json_t *plan_get(struct cli *c, const char *device, bool going, int *ret_rc)
{
	json_t *items = json_array(), *plan = NULL;
	bool more = true;

	*ret_rc = EXIT_DONE;
	while (more) {
		struct buf path = BUF_INIT;
		struct answer a;
		buf_addf(
			&path, "/retention/plan?limit=%d&offset=%zu", PAGE, json_array_size(items));
		if (device != NULL)
			add_flag(&path, "device", device);
		if (going)
			add_flag(&path, "going", "true");
		if (client_call(c, "GET", buf_str(&path), NULL, NULL, &a) != 0)
			*ret_rc = client_problem(c, &a);
		json_decref(plan);
		plan = *ret_rc == EXIT_DONE ? json_incref(a.json) : NULL;
		json_t *page = json_object_get(plan, "items");
		more = json_is_true(json_object_get(plan, "more")) && json_array_size(page) > 0;
		(void)json_array_extend(items, page);
		answer_fini(&a);
		buf_fini(&path);
	}
	if (plan != NULL)
		(void)json_object_set(plan, "items", items);
	json_decref(items);
	return plan;
}

static void sums(const json_t *plan)
{
	struct buf size = BUF_INIT;

	table_value(&size, "bytes", json_object_get(plan, "bytes"));
	(void)printf("%lld of %lld versions go (%s); %lld of %lld printers lose more than one\n",
		number(plan, "going"), number(plan, "versions"), buf_str(&size),
		number(plan, "touched"), number(plan, "devices"));
	buf_fini(&size);
	if (number(plan, "going") == 0)
		return;
	(void)printf("plan %s\n", text(plan, "hash"));
	if (json_is_true(json_object_get(plan, "large")))
		(void)puts("that is much: a second person must ask for the same");
}

static int plan_show(struct cli *c, const char *device, bool going)
{
	int rc;
	json_t *plan = plan_get(c, device, going, &rc);

	if (plan == NULL)
		return rc;
	if (c->json) {
		print_json(plan);
	} else {
		table_print(c, json_object_get(plan, "items"), COLUMNS, "version,device");
		if (device != NULL)
			calendar(c, plan);
		sums(plan);
	}
	json_decref(plan);
	return rc;
}

int run_retention_plan(struct cli *c, const struct verb *v)
{
	bool going = cli_flag(c, "going") != NULL;
	char *device = NULL;
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args > 1)
		return cli_fail(EXIT_USAGE, "%s %s takes one device at most", v->noun, v->name);
	if (c->n_args == 1 && (device = resolve_device(c, c->args[0])) == NULL)
		return EXIT_ERROR;
	rc = plan_show(c, device, going);
	free(device);
	return rc;
}

/* ---- the prune ---- */

static int prune_told(const struct cli *c, const json_t *done)
{
	if (c->json)
		print_json(done);
	if (number(done, "condemned") > 0 || number(done, "going") == 0) {
		if (!c->json)
			(void)printf("%lld versions condemned; `carnet version undo` brings one "
				     "back while it is held\n",
				number(done, "condemned"));
		return EXIT_DONE;
	}
	(void)cli_fail(EXIT_CHANGES,
		"nothing was condemned: this is much, and %s asked for it; another person must ask "
		"for the same plan within a week",
		text(done, "asked_by"));
	return EXIT_CHANGES;
}

int run_retention_prune(struct cli *c, const struct verb *v)
{
	const char *hash = cli_flag(c, "plan");
	bool clock_ok = cli_flag(c, "clock-ok") != NULL;
	struct answer a;
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args > 0)
		return cli_fail(EXIT_USAGE, "%s %s takes no words", v->noun, v->name);
	if (hash == NULL || c->dry_run)
		return plan_show(c, NULL, true);
	json_t *body = json_pack("{s:s, s:b}", "hash", hash, "clock_ok", (int)clock_ok);
	if (client_call(c, "POST", "/retention:prune", body, NULL, &a) == 0)
		rc = prune_told(c, a.json);
	else
		rc = client_problem(c, &a);
	json_decref(body);
	answer_fini(&a);
	return rc;
}
