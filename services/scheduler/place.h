// SPDX-License-Identifier: Apache-2.0
/* When the jobs of a run may start: execution windows, each target's own local time, jitter
 * (docs/spec/fleet.md 4.2, 5). */
#pragma once

#include "services/scheduler/scheduler.h"
#include "services/scheduler/window.h"

/* All windows, as one transaction sees them. */
struct windows {
	struct uuid *ids;
	struct window *rules;
	const char **names;
	size_t n;
};
/* Rows of SQL_WINDOW_RULES. A window that cannot be read binds nobody; saving refuses such. */
void windows_take(struct db_result *r, struct arena *arena, struct windows *ret_windows);
/* When the windows of a key, "{id,id}", are open together; "{}": always. */
bool windows_open(const struct windows *all, const char *key, const struct zone *device,
	int64_t at_ms, int64_t until_ms, struct window_open *ret_open) must_check;
/* The names in a key. */
const char *const *windows_names(
	const struct windows *all, const char *key, struct arena *arena, size_t *ret_n);
/* The members of struct window that rules are made of, from the first columns of its row. */
void row_window_rules(struct row *c, struct m_window *w);
/* All of it. */
void row_window(struct row *c, struct m_window *w);

/* Continues opening a run whose jobs are all held: each learns before when it may not start, or is
 * missed; keep: none is missed yet, a person may let them wait longer than the run's deadline.
 * missed: how many. */
typedef void (*place_fn)(struct txn *t, uint64_t missed, const struct fault *f, void *arg);
void place_jobs(struct txn *t, const struct uuid *run, bool keep, struct arena *arena, place_fn fn,
	void *arg);
