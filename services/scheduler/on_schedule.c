// SPDX-License-Identifier: Apache-2.0
/* When a task fires next, and when a schedule that is not saved would (FL-29). Where each target
 * has its own time, the first of them is told: its zones are those of the members of today, or of
 * the whole fleet. */
#include "common/clock/clock.h"
#include "services/scheduler/schedule.h"
#include "services/scheduler/zones.h"

#define NEXT_DEFAULT 10u

struct asking {
	struct call *call;
	const struct m_schedule *form;
	struct schedule schedule;
	int64_t after_ms;
	uint64_t limit;
};

static void reply_firings(struct asking *q)
{
	static const char *const fits[] = {
		[ZONE_ONE] = "one", [ZONE_GAP] = "gap", [ZONE_OVERLAP] = "overlap"};
	struct m_firing items[100];
	struct m_task_firings reply = {.items = items};
	size_t most = q->limit == 0 ? NEXT_DEFAULT : size_min(q->limit, array_len(items));
	struct firing f = {.due_ms = q->after_ms};

	while (reply.items_n < most && schedule_next(&q->schedule, f.due_ms, &f))
		items[reply.items_n++] = (struct m_firing){.due_at = f.due_ms,
			.local = arena_strdup(&q->call->arena, f.local),
			.offset = f.zone == NULL ? 0 : zone_offset(f.zone, f.due_ms / 1000),
			.fit = fits[f.fit]};
	call_reply(q->call, &reply);
}

static void zones_seen(struct txn *t, const struct zones *zones, const struct fault *f, void *arg)
{
	struct asking *q = arg;

	if (f != NULL) {
		answer_fault(q->call, f);
		return;
	}
	db_rollback(t);
	schedule_over(&q->schedule, q->form, zones->list, zones->n);
	reply_firings(q);
}

static struct asking *asking_new(struct call *call, uint64_t limit)
{
	struct asking *q = arena_alloc(&call->arena, sizeof(*q));

	bug_if(q == NULL);
	*q = (struct asking){.call = call, .after_ms = (int64_t)clock_wall_ms(), .limit = limit};
	return q;
}

/* ---- of a task ---- */

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct asking *q = arg;
	struct m_task *task = arena_alloc(&q->call->arena, sizeof(*task));
	struct fault err = FAULT_INIT;

	bug_if(task == NULL);
	if (f != NULL) {
		answer_fault(q->call, f);
		return;
	}
	if (!found_one(q->call, r[n - 1], "task")) {
		db_rollback(t);
		return;
	}
	struct row c = {.r = r[n - 1], .arena = &q->call->arena};
	*task = (struct m_task){.name = NULL};
	row_task(&c, task);
	q->form = task->active ? task->schedule : NULL;
	if (schedule_read(q->form, q->after_ms, &q->schedule, &err) < 0) {
		db_rollback(t);
		call_fault(q->call, &err);
	} else if (schedule_by_target(q->form) && task->targets != NULL) {
		zones_of(t, &(struct zones_asked){.task = task->id, .targets = task->targets},
			&q->call->arena, zones_seen, q);
	} else {
		db_rollback(t);
		reply_firings(q);
	}
}

static void next_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct asking *q = arg;

	if (f != NULL) {
		answer_fault(q->call, f);
		return;
	}
	ref_args(db_add(t, &SQL_TASK_GET), ((const struct m_task_next *)q->call->body)->ref);
	db_step(t, found, q);
}

void on_task_next(struct call *call)
{
	const struct m_task_next *m = call->body;

	db_begin(scheduler.service->db, next_begun, asking_new(call, m->limit));
}

/* ---- of a schedule ---- */

static void preview_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	static const struct m_targets all = {.all = true};
	struct asking *q = arg;

	if (f != NULL)
		answer_fault(q->call, f);
	else
		zones_of(t, &(struct zones_asked){.targets = &all}, &q->call->arena, zones_seen, q);
}

void on_schedule_preview(struct call *call)
{
	const struct m_schedule_preview *m = call->body;
	struct asking *q = asking_new(call, m->limit);
	struct fault err = FAULT_INIT;

	q->form = m->schedule;
	if (schedule_read(m->schedule, q->after_ms, &q->schedule, &err) < 0) {
		call_fault(call, &err);
		return;
	}
	q->after_ms = m->after == 0 ? q->after_ms : m->after;
	if (schedule_by_target(m->schedule))
		db_begin(scheduler.service->db, preview_begun, q);
	else
		reply_firings(q);
}
