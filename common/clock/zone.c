// SPDX-License-Identifier: Apache-2.0
/* Reader of TZif files. The rule in a file's footer is unrolled to the year 2200 when it is loaded,
 * so that a zone is one sorted table of changes. */
#include "common/clock/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"

#define ZONE_FILE_MAX ((size_t)256 * 1024)
#define ZONE_CHANGES_MAX ((size_t)8192)
#define ZONE_LAST_YEAR 2200
#define DAY 86400

struct change {
	int64_t at;     /* from this instant on */
	int32_t offset; /* seconds east of UTC */
};

struct zone {
	int32_t first; /* offset before the first change */
	size_t n;
	struct change *changes;
};

/* ---- the calendar ---- */

/* Days from 1970-01-01; Howard Hinnant's days_from_civil. */
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int64_t zone_floating(const struct zone_time *t)
{
	return days_of(t->year, t->month, t->day) * DAY + t->hour * 3600 + t->minute * 60 +
	       t->second;
}

struct zone_time zone_calendar(int64_t floating)
{
	int64_t days = floating / DAY - (floating % DAY < 0), left = floating - days * DAY;
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int month = (int)(mp < 10 ? mp + 3 : mp - 9);

	return (struct zone_time){.year = (int)(yoe + era * 400 + (month <= 2)),
		.month = month,
		.day = (int)(doy - (153 * mp + 2) / 5 + 1),
		.hour = (int)(left / 3600),
		.minute = (int)(left / 60 % 60),
		.second = (int)(left % 60)};
}

/* ---- the footer: a POSIX TZ rule ---- */

struct rule_day {
	char form; /* 'M' month.week.weekday, 'J' day 1..365 without 29 February, 'N' day 0..365 */
	int month, week, day;
	int32_t time; /* seconds after local midnight, may be negative or over a day */
};

static bool read_number(const char **p, int *ret_n)
{
	int n = 0;
	const char *from = *p;

	for (; **p >= '0' && **p <= '9' && *p - from < 6; (*p)++)
		n = n * 10 + (**p - '0');
	*ret_n = n;
	return *p > from;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool read_time(const char **p, int32_t *ret_seconds)
{
	int sign = **p == '-' ? -1 : 1, part[3] = {0};

	if (**p == '-' || **p == '+')
		(*p)++;
	for (int i = 0; i < 3; i++) {
		if (i > 0 && **p != ':')
			break;
		if (i > 0)
			(*p)++;
		if (!read_number(p, &part[i]) || part[i] > 168)
			return false;
	}
	*ret_seconds = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return true;
}

static bool skip_name(const char **p)
{
	const char *from = *p;

	if (**p == '<') {
		*p = strchr(*p, '>');
		return *p != NULL && *(*p)++ == '>';
	}
	while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
		(*p)++;
	return *p - from >= 3;
}

static bool read_day(const char **p, struct rule_day *d)
{
	bool ok = true;

	d->time = 2 * 3600;
	if (**p == 'M') {
		d->form = *(*p)++;
		ok = read_number(p, &d->month) && *(*p)++ == '.' && read_number(p, &d->week) &&
		     *(*p)++ == '.' && read_number(p, &d->day) && d->month >= 1 && d->month <= 12 &&
		     d->week >= 1 && d->week <= 5 && d->day <= 6;
	} else {
		d->form = **p == 'J' ? 'J' : 'N';
		*p += d->form == 'J';
		ok = read_number(p, &d->day) && d->day <= 365;
	}
	if (ok && **p == '/') {
		(*p)++;
		ok = read_time(p, &d->time);
	}
	return ok;
}

/* Floating seconds of the rule's day and time in a year. */
static int64_t day_in(const struct rule_day *d, int year)
{
	int64_t day = days_of(year, 1, 1) + d->day;

	if (d->form == 'J') { /* day 60 is always 1 March */
		bool leap = days_of(year, 3, 1) - days_of(year, 2, 1) == 29;
		day = days_of(year, 1, 1) + d->day - 1 + (leap && d->day >= 60);
	} else if (d->form == 'M') {
		int64_t first = days_of(year, d->month, 1);
		int64_t end =
			d->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, d->month + 1, 1);
		int64_t weekday = ((first + 4) % 7 + 7) % 7;
		day = first + (d->day - weekday + 7) % 7 + (int64_t)(d->week - 1) * 7;
		while (day >= end)
			day -= 7;
	}
	return day * DAY + d->time;
}

static void add_change(struct zone *z, int64_t at, int32_t offset)
{
	int32_t before = z->n > 0 ? z->changes[z->n - 1].offset : z->first;

	if (before != offset && z->n < ZONE_CHANGES_MAX &&
		(z->n == 0 || at > z->changes[z->n - 1].at))
		z->changes[z->n++] = (struct change){at, offset};
}

/* Unrolls "CET-1CEST,M3.5.0,M10.5.0/3" behind the changes of the file. */
static bool add_rule(struct zone *z, const char *p)
{
	int32_t std = 0, dst = 0;
	struct rule_day on = {0}, off = {0};

	if (!skip_name(&p) || !read_time(&p, &std))
		return false;
	std = -std;
	if (*p == '\0') {
		if (z->n == 0)
			z->first = std;
		return true;
	}
	dst = std + 3600;
	if (!skip_name(&p))
		return false;
	if (*p != ',') {
		if (!read_time(&p, &dst))
			return false;
		dst = -dst;
	}
	if (*p++ != ',' || !read_day(&p, &on) || *p++ != ',' || !read_day(&p, &off) || *p != '\0')
		return false;
	int64_t from = z->n > 0 ? z->changes[z->n - 1].at : 0;
	for (int year = zone_calendar(from).year; year <= ZONE_LAST_YEAR; year++) {
		int64_t start = day_in(&on, year) - std, end = day_in(&off, year) - dst;
		add_change(z, start < end ? start : end, start < end ? dst : std);
		add_change(z, start < end ? end : start, start < end ? std : dst);
	}
	return true;
}

/* ---- the file ---- */

static int64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0; /* sign */

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

struct header {
	size_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const uint8_t *p, size_t n, struct header *h)
{
	size_t *const to[] = {&h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars};

	if (n < 44 || memcmp(p, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < array_len(to); i++) {
		int64_t v = big_endian(p + 20 + 4 * i, 4);
		if (v < 0 || v > (int64_t)ZONE_FILE_MAX)
			return false;
		*to[i] = (size_t)v;
	}
	return true;
}

static size_t body_size(const struct header *h, size_t width)
{
	return h->time * (width + 1) + h->type * 6 + h->chars + h->leap * (width + 4) + h->isstd +
	       h->isut;
}

/* Second block: 64-bit times, then the footer between two newlines. */
static bool read_block(struct zone *z, const uint8_t *p, size_t n, const struct header *h)
{
	const uint8_t *index = p + h->time * 8, *types = index + h->time;
	char rule[128];

	if (h->type == 0 || h->time > ZONE_CHANGES_MAX - 512 || body_size(h, 8) + 2 > n)
		return false;
	z->first = (int32_t)big_endian(types, 4);
	for (size_t i = 0; i < h->time; i++) {
		if (index[i] >= h->type)
			return false;
		add_change(z, big_endian(p + i * 8, 8),
			(int32_t)big_endian(types + (size_t)index[i] * 6, 4));
	}
	const uint8_t *footer = p + body_size(h, 8), *end = p + n;
	const uint8_t *stop =
		*footer == '\n' ? memchr(footer + 1, '\n', (size_t)(end - footer - 1)) : NULL;
	if (stop == NULL || (size_t)(stop - footer) > sizeof(rule))
		return false;
	memcpy(rule, footer + 1, (size_t)(stop - footer - 1));
	rule[stop - footer - 1] = '\0';
	return rule[0] == '\0' || add_rule(z, rule);
}

static bool read_zone(struct zone *z, const uint8_t *p, size_t n)
{
	struct header h;

	if (!read_header(p, n, &h) || p[4] < '2')
		return false;
	size_t skip = 44 + body_size(&h, 4);
	if (skip > n || !read_header(p + skip, n - skip, &h))
		return false;
	return read_block(z, p + skip + 44, n - skip - 44, &h);
}

/* Letters, digits and / _ + - only: no way out of the directory. */
static bool good_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < 64 && name[0] != '/' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") ==
		       n;
}

static struct zone *load(const char *name)
{
	const char *dir = getenv("TZDIR");
	char path[512];
	struct zone *z = mem_alloc(sizeof(*z));
	uint8_t *bytes = mem_alloc(ZONE_FILE_MAX);
	FILE *f = NULL;
	bool ok = strcmp(name, "UTC") == 0;

	z->changes = mem_alloc(ZONE_CHANGES_MAX * sizeof(*z->changes));
	(void)snprintf(
		path, sizeof(path), "%s/%s", dir != NULL ? dir : "/usr/share/zoneinfo", name);
	if (!ok)
		f = fopen(path, "re");
	if (f != NULL) {
		size_t n = fread(bytes, 1, ZONE_FILE_MAX, f);
		ok = read_zone(z, bytes, n);
		(void)fclose(f);
	}
	free(bytes);
	if (!ok) {
		free(z->changes);
		free(z);
		return NULL;
	}
	z->changes = mem_realloc(z->changes, (z->n + 1) * sizeof(*z->changes));
	return z;
}

const struct zone *zone_find(const char *name)
{
	static struct map zones;

	if (name == NULL || !good_name(name))
		return NULL;
	struct zone *z = map_get(&zones, name, strlen(name));
	if (z == NULL) {
		z = load(name);
		if (z != NULL)
			(void)map_put(&zones, name, strlen(name), z);
	}
	return z;
}

/* ---- conversion ---- */

/* Changes at or before the instant. */
static size_t changes_until(const struct zone *z, int64_t instant)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (z->changes[mid].at <= instant)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int32_t offset_after(const struct zone *z, size_t n)
{
	return n == 0 ? z->first : z->changes[n - 1].offset;
}

int32_t zone_offset(const struct zone *z, int64_t instant)
{
	return offset_after(z, changes_until(z, instant));
}

/* Offsets differ by less than two days, so only changes that near can matter. */
static enum zone_fit find_instants(
	const struct zone *z, int64_t floating, int64_t *ret_first, int64_t *ret_last)
{
	size_t from = changes_until(z, floating - (int64_t)2 * DAY);
	size_t to = changes_until(z, floating + (int64_t)2 * DAY);
	int64_t gap_end = floating - offset_after(z, to);
	unsigned n = 0;

	for (size_t i = from; i <= to; i++) {
		int64_t start = i == 0 ? INT64_MIN : z->changes[i - 1].at;
		int64_t end = i == z->n ? INT64_MAX : z->changes[i].at;
		int64_t at = floating - offset_after(z, i);
		if (at >= start && at < end) {
			*ret_last = at;
			if (n++ == 0)
				*ret_first = at;
		}
		if (i < to && floating >= end + offset_after(z, i) &&
			floating < end + offset_after(z, i + 1))
			gap_end = end;
	}
	if (n == 0)
		*ret_first = *ret_last = gap_end;
	return n == 0 ? ZONE_GAP : n == 1 ? ZONE_ONE : ZONE_OVERLAP;
}

int64_t zone_instant(const struct zone *z, int64_t floating, enum zone_fit *ret_fit)
{
	int64_t first = 0, last = 0;
	enum zone_fit fit = find_instants(z, floating, &first, &last);

	if (ret_fit != NULL)
		*ret_fit = fit;
	return first;
}

int64_t zone_instant_last(const struct zone *z, int64_t floating)
{
	int64_t first = 0, last = 0;

	(void)find_instants(z, floating, &first, &last);
	return last;
}
