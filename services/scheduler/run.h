// SPDX-License-Identifier: Apache-2.0
/* How a run ends, from the states of its jobs (docs/spec/fleet.md 7.1). Pure. */
#pragma once

#include "common/base/base.h"
#include "gen/msg.h"

bool run_terminal(enum run_state state);
/* Jobs that have not ended. */
uint64_t run_open(const struct m_run_counts *c);
/* The state of a run with these counts: RUN_STATE_EMPTY without any job, `now` while jobs are open,
 * else its end. */
enum run_state run_end(enum run_state now, const struct m_run_counts *c);
/* 0..100, of the jobs that ended; 100 for an empty run. */
unsigned run_percent(const struct m_run_counts *c);
/* Adds n jobs of a state. */
void run_count_add(struct m_run_counts *c, enum job_state state, int64_t n);
