// SPDX-License-Identifier: Apache-2.0
/* The only reader of clocks (reliability.md RL-26..29). Which clock for what:
 * wall = schedules, display, certificate validity; mono = deadlines, time-outs, rates;
 * boot = leases and the dead-man timer (goes on while the machine sleeps). Thread-safe. */
#pragma once

#include "common/base/base.h"

/* Tests and the simulation replace the three readers; each returns nanoseconds. */
struct clock_source {
	uint64_t (*wall)(void);
	uint64_t (*mono)(void);
	uint64_t (*boot)(void);
};

/* NULL puts the kernel's clocks back. Not thread-safe: call before threads start. */
void clock_use(const struct clock_source *source);

uint64_t clock_wall_ms(void);
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);
uint64_t clock_boot_ms(void);
/* Names the boot that clock_boot_ms counts from; "" when the system does not tell. First call on
 * one thread. */
const char *clock_boot_name(void);

#define CLOCK_RFC3339 25 /* bytes of "2027-01-05T01:20:30.123Z" with its NUL */
/* UTC with milliseconds; returns text. */
char *clock_rfc3339(uint64_t wall_ms, char text[static CLOCK_RFC3339]);
#define CLOCK_RFC5322 32 /* bytes of "Tue, 05 Jan 2027 01:20:30 +0000" with its NUL */
/* As mails have it, UTC; returns text. */
char *clock_rfc5322(uint64_t wall_ms, char text[static CLOCK_RFC5322]);
