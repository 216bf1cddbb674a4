// SPDX-License-Identifier: Apache-2.0
/* How a run ends. */
#include "services/scheduler/run.h"

bool run_terminal(enum run_state state)
{
	return state >= RUN_STATE_SUCCEEDED;
}

uint64_t run_open(const struct m_run_counts *c)
{
	return c->waiting + c->ready + c->claimed + c->running + c->storing + c->deferred +
	       c->retry;
}

enum run_state run_end(enum run_state now, const struct m_run_counts *c)
{
	uint64_t whole = c->succeeded + c->unchanged;
	uint64_t bad = c->failed + c->dead + c->missed + c->cancelled;

	if (run_open(c) > 0)
		return now;
	if (now == RUN_STATE_CANCELLING)
		return RUN_STATE_CANCELLED;
	if (now == RUN_STATE_ABORTING)
		return RUN_STATE_ABORTED;
	if (c->total == 0)
		return RUN_STATE_EMPTY;
	if (c->partial + bad == 0)
		return whole > 0 ? RUN_STATE_SUCCEEDED : RUN_STATE_SUCCEEDED_NONE;
	return whole + c->partial > 0 ? RUN_STATE_PARTIAL : RUN_STATE_FAILED;
}

unsigned run_percent(const struct m_run_counts *c)
{
	return c->total == 0 ? 100 : (unsigned)(100 * (c->total - run_open(c)) / c->total);
}

bool run_grew(const struct growth *may, uint64_t more, uint64_t approved)
{
	return (may->devices > 0 && more > may->devices) ||
	       (may->percent > 0 && 100 * more > may->percent * approved);
}

bool run_budget_over(const struct run_rules *r, const struct m_run_counts *c, bool wave_ended)
{
	uint64_t failed = c->failed + c->dead + c->missed;
	uint64_t ended = failed + c->succeeded + c->unchanged + c->partial + c->cancelled;

	if (r->phase == RUN_PHASE_PLAN)
		return false;
	if (r->budget_percent == 0)
		return r->waves > 0 && r->wave == 1 && failed > 0;
	if (!wave_ended && ended < r->budget_min)
		return false;
	return 100 * failed > r->budget_percent * ended;
}

bool run_wave_idle(const struct run_rules *r, const struct m_run_counts *c)
{
	return r->wave < r->waves && c->waiting > 0 && run_open(c) == c->waiting;
}

size_t run_waves(const struct m_wave *waves, size_t n, uint64_t total,
	uint64_t ret_ends[static RUN_WAVES_MAX])
{
	uint64_t done = 0;
	size_t k = 0;

	for (size_t i = 0; n > 0 && i <= n && k < RUN_WAVES_MAX && done < total; i++) {
		uint64_t size = i == n || k == RUN_WAVES_MAX - 1 ? total
				: waves[i].devices > 0           ? waves[i].devices
						       : (total * waves[i].percent + 99) / 100;
		if (size == 0)
			continue;
		done = size > total - done ? total : done + size;
		ret_ends[k++] = done;
	}
	return k;
}

void run_count_add(struct m_run_counts *c, enum job_state state, int64_t n)
{
	uint64_t *const member[] = {[JOB_STATE_WAITING] = &c->waiting,
		[JOB_STATE_READY] = &c->ready,
		[JOB_STATE_CLAIMED] = &c->claimed,
		[JOB_STATE_RUNNING] = &c->running,
		[JOB_STATE_STORING] = &c->storing,
		[JOB_STATE_DEFERRED] = &c->deferred,
		[JOB_STATE_RETRY] = &c->retry,
		[JOB_STATE_SUCCEEDED] = &c->succeeded,
		[JOB_STATE_UNCHANGED] = &c->unchanged,
		[JOB_STATE_PARTIAL] = &c->partial,
		[JOB_STATE_SKIPPED] = &c->skipped,
		[JOB_STATE_FAILED] = &c->failed,
		[JOB_STATE_DEAD] = &c->dead,
		[JOB_STATE_MISSED] = &c->missed,
		[JOB_STATE_CANCELLED] = &c->cancelled};

	bug_if(state < JOB_STATE_WAITING || state > JOB_STATE_CANCELLED);
	*member[state] += (uint64_t)n;
	c->total += (uint64_t)n;
}
