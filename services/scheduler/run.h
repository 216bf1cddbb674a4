// SPDX-License-Identifier: Apache-2.0
/* How a run ends, from the states of its jobs (docs/spec/fleet.md 7.1). Pure. */
#pragma once

#include "common/base/base.h"
#include "gen/msg.h"

bool run_terminal(enum run_state state);
/* Jobs that have not ended. */
uint64_t run_open(const struct m_run_counts *c);
/* The state of a run with these counts: `now` while jobs are open, else its end; RUN_STATE_EMPTY
 * without any job, unless it was cancelled. */
enum run_state run_end(enum run_state now, const struct m_run_counts *c);
/* 0..100, of the jobs that ended; 100 for an empty run. */
unsigned run_percent(const struct m_run_counts *c);
/* Adds n jobs of a state. */
void run_count_add(struct m_run_counts *c, enum job_state state, int64_t n);

/* By how much a list may be longer than the one that was approved (FL-24): devices, or a share of
 * that list; 0 = says nothing, of two the narrower holds. */
struct growth {
	uint64_t devices, percent;
};
bool run_grew(const struct growth *may, uint64_t more, uint64_t approved);

#define RUN_WAVES_MAX 9u /* those of a task and the rest */

/* What holds a run back. */
struct run_rules {
	enum run_phase phase;
	uint64_t budget_percent, budget_min; /* percent 0 = no budget */
	uint64_t wave, waves;                /* 0 = none */
};
/* Whether more of the ended jobs failed than allowed (fleet.md 3.4): skipped ones do not count
 * (FL-56). The least number of ended jobs does not protect a wave that has ended. Waves without a
 * budget: nothing may fail in the first one. A plan reads only: it has no budget. */
bool run_budget_over(const struct run_rules *r, const struct m_run_counts *c, bool wave_ended);
/* Whether all jobs that may run have ended, as far as counts tell: the rest waits. */
bool run_wave_idle(const struct run_rules *r, const struct m_run_counts *c);
/* How many jobs of total have had their turn at the end of each wave; a wave is a number of devices
 * or a share of all, rounded up. Empty waves are left out; returns the number of the others, 0 when
 * no waves are asked for. */
size_t run_waves(const struct m_wave *waves, size_t n, uint64_t total,
	uint64_t ret_ends[static RUN_WAVES_MAX]);
