// SPDX-License-Identifier: Apache-2.0
/* Instants as text. */
#include "common/text/rfc3339.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* n digits at *s; -1 if there are fewer. */
static int digits(const char **s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (!is_digit(**s))
			return -1;
		v = v * 10 + (*(*s)++ - '0');
	}
	return v;
}

static bool skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days since 1970-01-01, years counted from March so that the leap day is last. */
static int64_t days_from(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int m = month <= 2 ? month + 9 : month - 3;

	return (int64_t)365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int read_date(const char **s, int64_t *ret_days)
{
	int year = digits(s, 4);
	int month = skip(s, '-') ? digits(s, 2) : -1;
	int day = skip(s, '-') ? digits(s, 2) : -1;

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
		return -1;
	*ret_days = days_from(year, month, day);
	return 0;
}

/* A leap second is taken as the second before it. */
static int read_time(const char **s, int64_t *ret_ms)
{
	int hour = digits(s, 2);
	int minute = skip(s, ':') ? digits(s, 2) : -1;
	int second = skip(s, ':') ? digits(s, 2) : -1;
	int64_t ms = 0;

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return -1;
	if (skip(s, '.')) {
		int n = 0;
		for (; is_digit(**s) && n < 9; n++, (*s)++)
			ms = n < 3 ? ms * 10 + (**s - '0') : ms;
		if (n == 0)
			return -1;
		for (; n < 3; n++)
			ms *= 10;
	}
	*ret_ms = ((int64_t)hour * 3600 + minute * 60 + (second == 60 ? 59 : second)) * 1000 + ms;
	return 0;
}

static int read_zone(const char **s, int64_t *ret_ms)
{
	*ret_ms = 0;
	if (skip(s, 'Z') || skip(s, 'z'))
		return 0;
	int sign = skip(s, '+') ? 1 : skip(s, '-') ? -1 : 0;
	int hour = sign != 0 ? digits(s, 2) : -1;
	int minute = skip(s, ':') ? digits(s, 2) : -1;
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return -1;
	*ret_ms = (int64_t)sign * (hour * 60 + minute) * 60000;
	return 0;
}

int rfc3339_parse(const char *s, int64_t *ret_ms)
{
	int64_t days;
	int64_t ms;
	int64_t zone;

	if (read_date(&s, &days) != 0 || (!skip(&s, 'T') && !skip(&s, 't')) ||
		read_time(&s, &ms) != 0 || read_zone(&s, &zone) != 0 || *s != '\0')
		return -1;
	int64_t all = days * 86400000 + ms - zone;
	if (all < 0 || all > 253402300799999)
		return -1;
	*ret_ms = all;
	return 0;
}
