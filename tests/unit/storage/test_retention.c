// SPDX-License-Identifier: Apache-2.0
/* retention_table: ST-67, ST-68 and the rules of docs/spec/storage.md section 11, as a table and
 * against a calculation that goes from the words of the rules, version by version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/storage/retention.h"

#define DAY ((int64_t)86400000)
#define MAX 24

/* "2026-11-20T10:00:30Z" in UTC; the seconds may be left out. */
static int64_t utc(const char *text)
{
	struct zone_time t = {.second = 0};
	assert_true(sscanf(text, "%d-%d-%dT%d:%d:%d", &t.year, &t.month, &t.day, &t.hour, &t.minute,
			    &t.second) >= 5);
	return zone_floating(&t) * 1000;
}

/* "last=3 daily=7 within=10 min=2 zone=Europe/Paris" */
static struct retention_policy policy(const char *text)
{
	struct retention_policy p = {.keep_min = 1, .zone = zone_find("UTC")};
	char copy[160], *rest = copy, *word;
	(void)snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) != NULL) {
		char *value = strchr(word, '=');
		if (value == NULL)
			continue;
		*value++ = 0;
		unsigned n = (unsigned)strtoul(value, NULL, 10);
		if (strcmp(word, "zone") == 0) {
			p.zone = zone_find(value);
			assert_non_null(p.zone);
		} else if (strcmp(word, "within") == 0) {
			p.within_ms = n * (uint64_t)DAY;
		} else {
			unsigned *const counts[] = {&p.last, &p.hourly, &p.daily, &p.weekly,
				&p.monthly, &p.yearly, &p.keep_min};
			static const char *const names[] = {
				"last", "hourly", "daily", "weekly", "monthly", "yearly", "min"};
			for (size_t i = 0; i < array_len(names); i++)
				if (strcmp(word, names[i]) == 0)
					*counts[i] = n;
		}
	}
	return p;
}

/* Newest first: "TIME[letters] …": f flagged, h head, s awaits its successor, u pre-image, a
 * awaited by no backup, p protected for ever, x protected until 2026-12-01, y … until 2028. */
static size_t versions(const char *text, struct retention_version v[static MAX])
{
	char copy[1024], *rest = copy, *word;
	size_t n = 0;
	(void)snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) != NULL) {
		assert_true(n < MAX);
		v[n] = (struct retention_version){.at_ms = utc(word)};
		for (const char *c = strchr(word, 'T') + 1; *c != 0; c++) {
			v[n].flagged |= *c == 'f';
			v[n].head |= *c == 'h';
			v[n].awaits_successor |= *c == 's';
			v[n].pre_image |= *c == 'u';
			v[n].awaited |= *c == 'a';
			if (*c == 'p')
				v[n].protected_until = INT64_MAX;
			if (*c == 'x')
				v[n].protected_until = utc("2026-12-01T00:00");
			if (*c == 'y')
				v[n].protected_until = utc("2028-01-01T00:00");
		}
		n++;
	}
	for (size_t i = 0; i < n; i++)
		v[i].generation = n - i;
	return n;
}

/* Letters of the rules that keep it: "LD", "-" for none. */
static void show(uint32_t kept, char out[static 20])
{
	static const char letters[RULES + 1] = "LHDWMYIPNSKFUA";
	size_t n = 0;
	for (unsigned bit = 0; bit < RULES; bit++)
		if ((kept & (1u << bit)) != 0)
			out[n++] = letters[bit];
	if (n == 0)
		out[n++] = '-';
	out[n] = 0;
}

struct example {
	const char *policy, *versions, *kept, *now;
};

#define LATE "2027-06-01T12:00" /* no floor of days reaches back to 2026 */

/* L last H hourly D daily W weekly M monthly Y yearly I within P protected
 * N newest S successor K minimum F seven days U pre-image A no rules */
static const struct example examples[] = {
	/* no rule, no loss */
	{"", "2026-11-20T10:00 2026-11-19T10:00", "KA A", LATE},
	{"min=5", "2026-11-20T10:00f 2020-01-01T00:00f", "A A", LATE},
	{"zone=Asia/Tokyo", "2026-11-20T10:00", "KA", LATE},
	/* last */
	{"last=1", "2026-11-20T10:00 2026-11-19T10:00", "LK -", LATE},
	{"last=2", "2026-11-20T10:00 2026-11-19T10:00 2026-11-18T10:00", "LK L -", LATE},
	{"last=5", "2026-11-20T10:00 2026-11-19T10:00", "LK L", LATE},
	{"last=2", "2026-11-20T10:00f 2026-11-19T10:00 2026-11-18T10:00", "L LK -", LATE},
	{"last=1", "2026-11-20T10:00f 2026-11-19T10:00f 2026-11-18T10:00", "L - K", LATE},
	/* hourly */
	{"hourly=2", "2026-11-20T10:50 2026-11-20T10:10 2026-11-20T09:59 2026-11-20T08:00",
		"HK - H -", LATE},
	{"hourly=3", "2026-11-20T10:00 2026-11-18T07:00 2026-10-01T00:00 2026-09-01T00:00",
		"HK H H -", LATE},
	{"hourly=1", "2026-11-20T10:00:59 2026-11-20T10:00:01", "HK -", LATE},
	{"hourly=2", "2026-11-20T10:00:00 2026-11-20T09:59:59", "HK H", LATE},
	{"hourly=9", "2026-11-20T10:00f 2026-11-20T09:00", "- HK", LATE},
	/* half-hour zones: 10:20 and 10:40 UTC are 15:50 and 16:10 in India */
	{"hourly=9 zone=Asia/Kolkata", "2026-11-20T10:40 2026-11-20T10:20", "HK H", LATE},
	{"hourly=9 zone=Asia/Kolkata", "2026-11-20T11:20 2026-11-20T10:40", "HK -", LATE},
	/* Paris, 25 October 2026: 02:30 comes twice (00:30 and 01:30 UTC), two hours */
	{"hourly=9 zone=Europe/Paris", "2026-10-25T01:30 2026-10-25T00:30", "HK H", LATE},
	{"hourly=1 zone=Europe/Paris", "2026-10-25T01:30 2026-10-25T00:30", "HK -", LATE},
	{"hourly=9 zone=Europe/Paris", "2026-10-25T00:59 2026-10-25T00:01", "HK -", LATE},
	/* 29 March 2026: 01:59 is followed by 03:00 */
	{"hourly=9 zone=Europe/Paris", "2026-03-29T01:00 2026-03-29T00:59", "HK H", LATE},
	/* Lord Howe goes back half an hour: 01:30 to 02:00 comes twice */
	{"hourly=9 zone=Australia/Lord_Howe", "2026-04-04T15:10 2026-04-04T14:50", "HK H", LATE},
	/* daily */
	{"daily=2", "2026-11-20T23:59 2026-11-20T00:00 2026-11-19T12:00 2026-11-18T12:00",
		"DK - D -", LATE},
	{"daily=3", "2026-11-20T12:00 2026-11-10T12:00 2026-01-01T12:00 2025-01-01T12:00",
		"DK D D -", LATE},
	{"daily=2", "2026-11-20T12:00f 2026-11-20T11:00 2026-11-19T11:00 2026-11-18T11:00",
		"- DK D -", LATE},
	/* 23:30 UTC is the next day in Paris, the same day in New York */
	{"daily=9 zone=Europe/Paris", "2026-11-20T23:30 2026-11-20T12:00", "DK D", LATE},
	{"daily=9 zone=America/New_York", "2026-11-20T23:30 2026-11-20T12:00", "DK -", LATE},
	{"daily=9 zone=America/New_York", "2026-11-20T12:00 2026-11-20T04:59", "DK D", LATE},
	{"daily=9 zone=Pacific/Kiritimati", "2026-11-20T10:00 2026-11-20T09:59", "DK D", LATE},
	{"daily=9 zone=Pacific/Pago_Pago", "2026-11-20T11:00 2026-11-20T10:59", "DK D", LATE},
	/* a day of 25 hours is one day: 22:00 UTC to 22:59 UTC the next */
	{"daily=9 zone=Europe/Paris", "2026-10-25T22:59 2026-10-24T22:00", "DK -", LATE},
	{"daily=9 zone=Europe/Paris", "2026-10-25T23:00 2026-10-25T22:59", "DK D", LATE},
	/* a day of 23 hours: 28 March 23:00 UTC to 29 March 21:59 UTC */
	{"daily=9 zone=Europe/Paris", "2026-03-29T21:59 2026-03-28T23:00", "DK -", LATE},
	{"daily=9 zone=Europe/Paris", "2026-03-29T22:00 2026-03-29T21:59", "DK D", LATE},
	/* St. John's 2009 went back from 00:01 to 23:01 the day before (1 November, 02:31 UTC):
	 * the minute after midnight is of the next day although later times are of this one */
	{"daily=9 zone=America/St_Johns", "2009-11-01T03:00 2009-11-01T02:30:30 2009-11-01T02:00",
		"DK D -", LATE},
	{"daily=1 zone=America/St_Johns", "2009-11-01T03:00 2009-11-01T02:30:30 2009-11-01T02:00",
		"K D -", LATE},
	/* weekly: ISO weeks begin on Monday; 16 November 2026 is one */
	{"weekly=9", "2026-11-22T23:59 2026-11-16T00:00 2026-11-15T23:59", "WK - W", LATE},
	{"weekly=2", "2026-11-20T00:00 2026-11-13T00:00 2026-11-06T00:00", "WK W -", LATE},
	{"weekly=2", "2026-11-20T00:00 2026-06-13T00:00 2025-11-06T00:00", "WK W -", LATE},
	/* 28 December 2026 to 3 January 2027 is one week of two years */
	{"weekly=9", "2027-01-03T12:00 2026-12-28T12:00 2026-12-27T12:00", "WK - W", LATE},
	{"weekly=9 zone=Asia/Tokyo", "2026-11-15T15:00 2026-11-15T14:59", "WK W", LATE},
	{"weekly=1", "2026-11-20T00:00f 2026-11-18T00:00 2026-11-11T00:00", "- WK -", LATE},
	/* monthly */
	{"monthly=9", "2026-11-30T23:59 2026-11-01T00:00 2026-10-31T23:59", "MK - M", LATE},
	{"monthly=2", "2026-11-20T00:00 2026-09-20T00:00 2026-08-20T00:00", "MK M -", LATE},
	{"monthly=9", "2027-01-01T00:00 2026-01-01T00:00", "MK M", LATE},
	{"monthly=9", "2024-03-01T00:00 2024-02-29T12:00 2024-02-01T00:00", "MK M -", LATE},
	{"monthly=9 zone=Europe/Paris", "2026-10-31T23:00 2026-10-31T22:59", "MK M", LATE},
	{"monthly=9 zone=America/Sao_Paulo", "2026-11-01T03:00 2026-11-01T02:59", "MK M", LATE},
	/* yearly */
	{"yearly=9", "2026-12-31T23:59 2026-01-01T00:00 2025-12-31T23:59", "YK - Y", LATE},
	{"yearly=2", "2026-05-01T00:00 2024-05-01T00:00 2020-05-01T00:00", "YK Y -", LATE},
	{"yearly=9 zone=Asia/Tokyo", "2025-12-31T15:00 2025-12-31T14:59", "YK Y", LATE},
	/* within: counted from now, to the millisecond */
	{"within=10", "2026-11-20T12:00:01 2026-11-20T12:00:00", "IK -", "2026-11-30T12:00"},
	{"within=10", "2026-11-25T12:00f 2026-11-10T00:00f 2026-11-01T00:00", "IF - K",
		"2026-11-30T12:00"},
	{"within=400", "2026-11-20T10:00 2026-04-01T10:00", "IK -", LATE},
	/* a version from the future is young */
	{"within=1", "2027-06-02T00:00 2026-01-01T00:00", "IKF -", LATE},
	/* several rules, one version */
	{"last=1 hourly=1 daily=1 weekly=1 monthly=1 yearly=1", "2026-11-20T10:00 2026-11-19T10:00",
		"LHDWMYK -", LATE},
	{"last=1 daily=2 monthly=3",
		"2026-11-20T10:00 2026-11-20T09:00 2026-11-19T10:00 2026-10-31T10:00 "
		"2026-09-01T00:00 "
		"2026-08-01T00:00",
		"LDMK - D M M -", LATE},
	{"daily=1 yearly=2", "2026-11-20T10:00 2026-03-01T00:00 2025-02-01T00:00 2025-01-01T00:00",
		"DYK - Y -", LATE},
	/* protected by a person: without end, past, to come */
	{"last=1", "2026-11-20T10:00 2026-11-19T10:00p", "LK P", LATE},
	{"last=1", "2026-11-20T10:00 2026-11-19T10:00x 2026-11-18T10:00y", "LK - P", LATE},
	{"last=1", "2026-11-20T10:00 2026-11-19T10:00fp", "LK P", LATE},
	/* the newest verified, and what waits for its successor in some vault (ST-7, ST-17) */
	{"last=1", "2026-11-20T10:00f 2026-11-19T10:00h 2026-11-18T10:00", "L NK -", LATE},
	{"last=1", "2026-11-20T10:00h 2026-11-19T10:00s 2026-11-18T10:00", "LNK S -", LATE},
	/* keep_min (ST-8): whole ones, or any when there are not so many; 0 counts as 1 */
	{"daily=1 min=3", "2026-11-20T10:00 2026-11-20T09:00 2026-11-20T08:00 2026-11-20T07:00",
		"DK K K -", LATE},
	{"daily=1 min=2", "2026-11-20T10:00f 2026-11-20T09:00 2026-11-20T08:00f 2026-11-20T07:00",
		"- DK - K", LATE},
	{"daily=1 min=3", "2026-11-20T10:00f 2026-11-20T09:00f 2026-11-20T08:00 2026-11-20T07:00f",
		"K K DK -", LATE},
	{"daily=1 min=0", "2026-11-20T10:00 2026-11-20T09:00", "DK -", LATE},
	{"yearly=1 min=9", "2026-11-20T10:00 2026-11-20T09:00", "YK K", LATE},
	/* seven days, whatever is said (ST-68), flagged ones too */
	{"last=1", "2026-11-20T10:00 2026-11-14T12:00:01 2026-11-14T12:00:00", "LKF F -",
		"2026-11-21T12:00"},
	{"last=1", "2026-11-20T10:00 2026-11-19T10:00f", "LKF F", "2026-11-21T12:00"},
	/* a pre-image: 30 days, and until the device was backed up again */
	{"last=1", "2026-11-20T10:00u 2026-11-01T10:00u 2026-10-10T10:00u", "LKU U -",
		"2026-11-28T12:00"},
	{"last=1", "2026-11-20T10:00u 2026-10-10T10:00ua 2026-10-09T10:00u", "LKU U -",
		"2026-11-28T12:00"},
	/* two at the same moment: the later generation is the newer */
	{"daily=1", "2026-11-20T10:00 2026-11-20T10:00", "DK -", LATE},
	/* a clock that went back: `last` counts generations, days count times */
	{"last=1 daily=1", "2026-11-19T10:00 2026-11-20T10:00 2026-11-18T10:00", "LK D -", LATE},
	{"daily=9", "2026-11-19T10:00 2026-11-19T12:00", "K D", LATE},
};

static void the_rules_keep_what_the_table_says(void **state)
{
	(void)state;
	assert_true(array_len(examples) >= 60);
	for (size_t i = 0; i < array_len(examples); i++) {
		const struct example *e = &examples[i];
		struct retention_version v[MAX];
		struct retention_policy p = policy(e->policy);
		char got[MAX * 20] = "", one[20];
		size_t n = versions(e->versions, v);
		retention_choose(&p, utc(e->now), v, n);
		for (size_t k = 0; k < n; k++) {
			show(v[k].kept, one);
			(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
				k == 0 ? "" : " ", one);
		}
		if (strcmp(got, e->kept) != 0)
			print_error(
				"'%s' of %s: %s, not %s\n", e->policy, e->versions, got, e->kept);
		assert_string_equal(got, e->kept);
	}
}

/* ---- from the words of the rules ---- */

/* Do a and b fall into one hour, day … of the zone's calendar? */
static bool together(enum retention_rule rule, const struct zone *z, int64_t a_ms, int64_t b_ms)
{
	int64_t a = a_ms / 1000, b = b_ms / 1000;
	int32_t oa = zone_offset(z, a), ob = zone_offset(z, b);
	struct zone_time x = zone_calendar(a + oa), y = zone_calendar(b + ob);
	bool day = x.year == y.year && x.month == y.month && x.day == y.day;
	if (rule == RULE_HOURLY)
		return day && x.hour == y.hour && oa == ob;
	if (rule == RULE_DAILY)
		return day;
	if (rule == RULE_WEEKLY) { /* the Mondays before them: day 4 was one, 5 January 1970 */
		int64_t da = (a + oa) / 86400, db = (b + ob) / 86400;
		return da - (da + 3) % 7 == db - (db + 3) % 7;
	}
	return x.year == y.year && (rule == RULE_YEARLY || x.month == y.month);
}

static bool newer(const struct retention_version *a, const struct retention_version *b)
{
	return a->at_ms != b->at_ms ? a->at_ms > b->at_ms : a->generation > b->generation;
}

/* Of two that are not together: is the hour, day … of a the later one? */
static bool later_day(enum retention_rule rule, const struct zone *z, int64_t a_ms, int64_t b_ms)
{
	int64_t a = a_ms / 1000, b = b_ms / 1000;
	if (rule == RULE_HOURLY)
		return a > b;
	return (a + zone_offset(z, a)) / 86400 > (b + zone_offset(z, b)) / 86400;
}

/* "Newest of each of the last N hours that have a version": nobody in its own hour is newer, and
 * fewer than N hours that have a version are later. */
static bool slot_of(const struct retention_policy *p, enum retention_rule rule, unsigned count,
	const struct retention_version *v, size_t n, size_t i)
{
	unsigned later = 0;
	if (v[i].flagged || count == 0)
		return false;
	for (size_t k = 0; k < n; k++) {
		bool first = true; /* of its hour, so that hours are counted once */
		if (v[k].flagged || k == i)
			continue;
		if (together(rule, p->zone, v[k].at_ms, v[i].at_ms)) {
			if (newer(&v[k], &v[i]))
				return false;
			continue;
		}
		for (size_t m = 0; m < n; m++)
			if (m != k && !v[m].flagged && newer(&v[m], &v[k]) &&
				together(rule, p->zone, v[m].at_ms, v[k].at_ms))
				first = false;
		if (first && later_day(rule, p->zone, v[k].at_ms, v[i].at_ms))
			later++;
	}
	return later < count;
}

static uint32_t naive(const struct retention_policy *p, int64_t now,
	const struct retention_version *v, size_t n, size_t i)
{
	const struct retention_version *me = &v[i];
	unsigned newer_whole = 0;
	uint32_t kept = 0;
	kept |= i < p->last ? RULE_LAST : 0u;
	kept |= slot_of(p, RULE_HOURLY, p->hourly, v, n, i) ? RULE_HOURLY : 0u;
	kept |= slot_of(p, RULE_DAILY, p->daily, v, n, i) ? RULE_DAILY : 0u;
	kept |= slot_of(p, RULE_WEEKLY, p->weekly, v, n, i) ? RULE_WEEKLY : 0u;
	kept |= slot_of(p, RULE_MONTHLY, p->monthly, v, n, i) ? RULE_MONTHLY : 0u;
	kept |= slot_of(p, RULE_YEARLY, p->yearly, v, n, i) ? RULE_YEARLY : 0u;
	kept |= p->within_ms > 0 && me->at_ms + (int64_t)p->within_ms > now ? RULE_WITHIN : 0u;
	kept |= me->protected_until > now ? RULE_PROTECTED : 0u;
	kept |= me->head ? RULE_NEWEST : 0u;
	kept |= me->awaits_successor ? RULE_SUCCESSOR : 0u;
	kept |= me->at_ms + 7 * DAY > now ? RULE_WEEK : 0u;
	kept |= me->pre_image && (me->awaited || me->at_ms + 30 * DAY > now) ? RULE_UNDO : 0u;
	kept |= retention_has_rules(p) ? 0u : RULE_ALL;
	for (size_t k = 0; k < i; k++)
		newer_whole += !v[k].flagged;
	kept |= !me->flagged && newer_whole < (p->keep_min == 0 ? 1 : p->keep_min) ? RULE_MINIMUM
										   : 0u;
	return kept;
}

static uint64_t seed = 88172645463325252u;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static size_t random_history(struct retention_version v[static MAX], int64_t *ret_now)
{
	/* around the switches of 2026, and around a turn of the year */
	static const char *const starts[] = {"2026-03-28T20:00", "2026-10-24T20:00",
		"2026-11-01T04:00", "2026-12-30T00:00", "2024-02-27T00:00", "2009-10-31T20:00"};
	static const int64_t steps[] = {60, 1800, 3600, 7200, 86400, 604800, 2600000, 31000000};
	int64_t at = utc(starts[below(array_len(starts))]);
	size_t n = 1 + below(MAX - 1), from = below(array_len(steps));
	for (size_t i = n; i-- > 0;) { /* oldest first */
		int64_t step = steps[below((unsigned)from + 1)];
		at += 1000 * ((int64_t)below((unsigned)step) + (below(30) == 0 ? -step : 0));
		v[i] = (struct retention_version){.generation = n - i,
			.at_ms = at,
			.flagged = below(6) == 0,
			.awaits_successor = below(12) == 0,
			.pre_image = below(4) == 0,
			.awaited = below(8) == 0,
			.protected_until = below(10) == 0 ? INT64_MAX : 0};
	}
	*ret_now = at + (int64_t)below(50) * DAY;
	return n;
}

static struct retention_policy random_policy(void)
{
	static const char *const zones[] = {"UTC", "Europe/Paris", "America/New_York",
		"Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tokyo"};
	struct retention_policy p = {.keep_min = below(5), .within_ms = 0};
	unsigned *const counts[] = {&p.last, &p.hourly, &p.daily, &p.weekly, &p.monthly, &p.yearly};
	for (size_t i = 0; i < array_len(counts); i++)
		*counts[i] = below(3) == 0 ? below(6) : 0;
	if (below(4) == 0)
		p.within_ms = below(40) * (uint64_t)DAY;
	p.zone = zone_find(zones[below(array_len(zones))]);
	return p;
}

static void random_histories_are_kept_as_the_words_of_the_rules_say(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct retention_version v[MAX];
		int64_t now;
		struct retention_policy p = random_policy();
		size_t n = random_history(v, &now);
		unsigned least = p.keep_min == 0 ? 1 : p.keep_min, kept = 0;
		retention_choose(&p, now, v, n);
		for (size_t i = 0; i < n; i++) {
			uint32_t want = naive(&p, now, v, n, i);
			kept += v[i].kept != 0;
			/* the minimum may fill up with others when whole ones are too few */
			assert_int_equal(v[i].kept & (uint32_t)~RULE_MINIMUM,
				want & (uint32_t)~RULE_MINIMUM);
			assert_true((want & RULE_MINIMUM) <= (v[i].kept & RULE_MINIMUM));
		}
		assert_true(kept >= (n < least ? n : least)); /* ST-8 */
	}
}

static void more_of_a_rule_never_keeps_less(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct retention_version v[MAX], w[MAX];
		int64_t now;
		struct retention_policy p = random_policy(), more = p;
		size_t n = random_history(v, &now);
		more.daily += 1 + below(3);
		more.monthly += below(3);
		more.last += below(2);
		more.keep_min += below(2);
		memcpy(w, v, sizeof(v));
		retention_choose(&p, now, v, n);
		retention_choose(&more, now, w, n);
		for (size_t i = 0; i < n; i++)
			if (v[i].kept != 0 && (v[i].kept & (RULE_ALL | RULE_MINIMUM)) == 0)
				assert_int_not_equal(w[i].kept, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rules_keep_what_the_table_says),
		cmocka_unit_test(random_histories_are_kept_as_the_words_of_the_rules_say),
		cmocka_unit_test(more_of_a_rule_never_keeps_less),
	};
	return cmocka_run_group_tests_name("retention (ST-67, ST-68)", tests, NULL, NULL);
}
