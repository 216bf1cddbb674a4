// SPDX-License-Identifier: Apache-2.0
/* The only reader of clocks. */
#include "common/clock/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	bug_if(clock_gettime(id, &ts) != 0);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t kernel_wall(void)
{
	return read_ns(CLOCK_REALTIME);
}

static uint64_t kernel_mono(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

static uint64_t kernel_boot(void)
{
	return read_ns(CLOCK_BOOTTIME);
}

static const struct clock_source kernel = {kernel_wall, kernel_mono, kernel_boot};
static struct clock_source source = {kernel_wall, kernel_mono, kernel_boot};

void clock_use(const struct clock_source *replacement)
{
	source = replacement != NULL ? *replacement : kernel;
}

uint64_t clock_wall_ms(void)
{
	return source.wall() / 1000000u;
}

uint64_t clock_mono_ms(void)
{
	return source.mono() / 1000000u;
}

uint64_t clock_mono_ns(void)
{
	return source.mono();
}

uint64_t clock_boot_ms(void)
{
	return source.boot() / 1000000u;
}

const char *clock_boot_name(void)
{
	static char name[40];
	FILE *f = name[0] != '\0' ? NULL : fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f != NULL) {
		if (fscanf(f, "%39s", name) != 1)
			name[0] = '\0';
		(void)fclose(f);
	}
	return name;
}

/* The proleptic Gregorian date of a day count from 1970-01-01, without libc's time zones. */
static void civil(uint64_t days, unsigned *ret_y, unsigned *ret_m, unsigned *ret_d)
{
	uint64_t z = days + 719468; /* from 0000-03-01 */
	uint64_t era = z / 146097;
	uint64_t doe = z % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153;

	*ret_d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*ret_m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*ret_y = (unsigned)(yoe + era * 400 + (*ret_m <= 2 ? 1 : 0));
}

#define LAST_MS UINT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

char *clock_rfc3339(uint64_t wall_ms, char text[static CLOCK_RFC3339])
{
	uint64_t ms = wall_ms < LAST_MS ? wall_ms : LAST_MS;
	unsigned s = (unsigned)(ms / 1000 % 86400);
	unsigned y, m, d;

	civil(ms / 86400000, &y, &m, &d);
	(void)snprintf(text, CLOCK_RFC3339, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", y % 10000,
		m % 100, d % 100, s / 3600 % 24, s / 60 % 60, s % 60, (unsigned)(ms % 1000));
	return text;
}

char *clock_rfc5322(uint64_t wall_ms, char text[static CLOCK_RFC5322])
{
	static const char days[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char months[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	uint64_t at = (wall_ms < LAST_MS ? wall_ms : LAST_MS) / 1000;
	unsigned s = (unsigned)(at % 86400);
	unsigned y, m, d;

	civil(at / 86400, &y, &m, &d);
	(void)snprintf(text, CLOCK_RFC5322, "%s, %02u %s %04u %02u:%02u:%02u +0000",
		days[at / 86400 % 7], d % 100, months[(m - 1) % 12], y % 10000, s / 3600 % 24,
		s / 60 % 60, s % 60);
	return text;
}
