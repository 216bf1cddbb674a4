// SPDX-License-Identifier: Apache-2.0
/* Execution windows: when jobs may start (docs/spec/fleet.md section 5). Pure: the present time is
 * an input. A window lives in local time; its edges are converted one by one (FL-41). */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "common/clock/zone.h"
#include "gen/msg.h"

#define WINDOW_MIN_LEFT_MS ((int64_t)600000)

/* A stretch of a day; the end may lie in the next one. Seconds from the day's begin. */
struct window_span {
	uint32_t weekdays; /* bit 0 = Monday */
	int64_t start_s, end_s;
};
/* Of this day, instead of the weekly spans; closed: nothing starts on it and nothing reaches into
 * it. */
struct window_day {
	int64_t day; /* from 1970-01-01 */
	bool closed;
	int64_t start_s, end_s;
};
struct window {
	const struct zone *zone; /* NULL: the device's own */
	struct window_span *spans;
	size_t n_spans;
	struct window_day *days;
	size_t n_days;
	int64_t min_left_ms; /* nothing starts with less left */
	bool hard_end;       /* what reads is cut at the end */
};

/* When it is open: from the first instant to before the second. */
struct window_open {
	int64_t from_ms, to_ms;
	bool hard_end;
};

/* 0, or -1 with CN_VALIDATION_FAILED. The result lives in the arena. */
int window_read(const struct m_window *m, struct arena *arena, struct window *ret_window,
	struct fault *reterr) must_check;
/* The next time a job may start, from at_ms on and before until_ms: all n windows are open, and as
 * much is left as the strictest asks for (FL-37, FL-38). false: never. No window at all: always. */
bool windows_next(const struct window *const *windows, size_t n, const struct zone *device,
	int64_t at_ms, int64_t until_ms, struct window_open *ret_open) must_check;
