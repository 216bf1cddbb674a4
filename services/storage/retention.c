// SPDX-License-Identifier: Apache-2.0
/* Rules of retention: each looks at the whole list; kept is what any of them keeps. */
#include "services/storage/retention.h"

#include <stdlib.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define FLOOR_MS (7 * DAY_MS)
#define UNDO_MS (30 * DAY_MS)

const char *retention_word(unsigned bit)
{
	static const char *const words[RULES] = {"last", "hourly", "daily", "weekly", "monthly",
		"yearly", "within", "protected", "newest", "successor", "minimum", "week", "undo",
		"all"};
	return bit < RULES ? words[bit] : "";
}

bool retention_has_rules(const struct retention_policy *p)
{
	return p->last > 0 || p->hourly > 0 || p->daily > 0 || p->weekly > 0 || p->monthly > 0 ||
	       p->yearly > 0 || p->within_ms > 0;
}

/* ---- the calendar of the tenant ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Two times are of one hour, day … when their keys are equal; a later one has a greater key. */
static int64_t bucket(enum retention_rule rule, const struct zone *zone, int64_t at_ms)
{
	int64_t instant = floor_div(at_ms, 1000);
	int64_t floating = instant + zone_offset(zone, instant);
	int64_t day = floor_div(floating, 86400);
	struct zone_time t;
	if (rule == RULE_HOURLY) /* an hour that comes twice in autumn is two hours */
		return instant - (floating - floor_div(floating, 3600) * 3600);
	if (rule == RULE_DAILY)
		return day;
	if (rule == RULE_WEEKLY)
		return floor_div(day + 3, 7); /* 1970 began on a Thursday */
	t = zone_calendar(floating);
	return rule == RULE_MONTHLY ? (int64_t)t.year * 12 + t.month : t.year;
}

struct slot {
	int64_t key, at_ms;
	struct retention_version *v;
};

/* Latest bucket first, in it the newest version first. */
static int by_bucket(const void *x, const void *y)
{
	const struct slot *a = x, *b = y;
	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	if (a->at_ms != b->at_ms)
		return a->at_ms > b->at_ms ? -1 : 1;
	return a->v->generation > b->v->generation ? -1 : 1;
}

/* The newest of each of the last `count` hours, days … that have a version. */
static void keep_newest_of_each(const struct retention_policy *p, enum retention_rule rule,
	unsigned count, struct slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		slots[i].key = bucket(rule, p->zone, slots[i].at_ms);
	if (n > 1)
		qsort(slots, n, sizeof(*slots), by_bucket);
	for (size_t i = 0; i < n && count > 0; i++) {
		if (i > 0 && slots[i].key == slots[i - 1].key)
			continue;
		slots[i].v->kept |= rule;
		count--;
	}
}

static void keep_by_calendar(
	const struct retention_policy *p, struct retention_version *v, size_t n)
{
	const struct {
		enum retention_rule rule;
		unsigned count;
	} rules[] = {{RULE_HOURLY, p->hourly}, {RULE_DAILY, p->daily}, {RULE_WEEKLY, p->weekly},
		{RULE_MONTHLY, p->monthly}, {RULE_YEARLY, p->yearly}};
	struct slot *slots = mem_alloc((n + 1) * sizeof(*slots));
	size_t used = 0;
	for (size_t i = 0; i < n; i++)
		if (!v[i].flagged)
			slots[used++] = (struct slot){.at_ms = v[i].at_ms, .v = &v[i]};
	for (size_t i = 0; i < array_len(rules); i++)
		if (rules[i].count > 0)
			keep_newest_of_each(p, rules[i].rule, rules[i].count, slots, used);
	free(slots);
}

/* ---- the others ---- */

static uint32_t by_itself(
	const struct retention_policy *p, int64_t now_ms, const struct retention_version *v)
{
	int64_t age = now_ms - v->at_ms;
	uint32_t kept = 0;
	if (p->within_ms > 0 && (age < 0 || (uint64_t)age < p->within_ms))
		kept |= RULE_WITHIN;
	if (age < FLOOR_MS)
		kept |= RULE_WEEK;
	if (v->protected_until > now_ms)
		kept |= RULE_PROTECTED;
	if (v->head)
		kept |= RULE_NEWEST;
	if (v->awaits_successor)
		kept |= RULE_SUCCESSOR;
	if (v->pre_image && (v->awaited || age < UNDO_MS))
		kept |= RULE_UNDO;
	return kept;
}

/* ST-8: the newest whole ones; where there are not so many, any. */
static void keep_minimum(unsigned keep_min, struct retention_version *v, size_t n)
{
	unsigned least = keep_min == 0 ? 1 : keep_min, whole = 0, all = 0;
	for (size_t i = 0; i < n && whole < least; i++)
		if (!v[i].flagged) {
			v[i].kept |= RULE_MINIMUM;
			whole++;
		}
	for (size_t i = 0; i < n; i++)
		all += v[i].kept != 0;
	for (size_t i = 0; i < n && all < least; i++)
		if (v[i].kept == 0) {
			v[i].kept |= RULE_MINIMUM;
			all++;
		}
}

void retention_choose(
	const struct retention_policy *p, int64_t now_ms, struct retention_version *v, size_t n)
{
	bool rules = retention_has_rules(p);
	for (size_t i = 0; i < n; i++) {
		v[i].kept = by_itself(p, now_ms, &v[i]);
		if (i < p->last)
			v[i].kept |= RULE_LAST;
		if (!rules)
			v[i].kept |= RULE_ALL;
	}
	keep_by_calendar(p, v, n);
	keep_minimum(p->keep_min, v, n);
}
