// SPDX-License-Identifier: Apache-2.0
/* Operations in progress, kept as the operation matrix says (locks.md section 1): what may start
 * while an import or export runs, and the other way round. */
#include <stdlib.h>

#include "common/clock/clock.h"
#include "services/simulator/sim.h"

static const struct matrix_row *row_of(enum op op)
{
	return &matrix[op - 1];
}

const char *op_name(enum op op)
{
	return op == OP_NONE ? "" : row_of(op)->id;
}

static struct running *find(const struct device *d, enum op op)
{
	list_each (it, &d->running) {
		struct running *r = container_of(it, struct running, node);
		if (r->op == op)
			return r;
	}
	return NULL;
}

static void end(struct running *r)
{
	list_remove(&r->node);
	if (r->timer)
		timer_free(r->timer);
	free(r);
}

static void on_over(void *arg)
{
	struct running *r = arg;
	struct device *d = r->device;
	bool down = r->op == OP_SHUTDOWN;

	truth_add(d->sim->truth,
		&(struct truth_entry){.device = d, .what = "op_end", .item = op_name(r->op)});
	end(r);
	if (down)
		device_restart(d, 0); /* a shutdown ends with the device gone */
}

static void activate(struct running *r)
{
	r->state = RUN_ACTIVE;
	r->since_ms = clock_mono_ms();
	if (r->seconds == 0)
		return;
	if (!r->timer)
		r->timer = timer_new(r->device->sim->loop, on_over, r);
	timer_set(r->timer, (uint64_t)r->seconds * 1000, 0);
}

const char *op_start(struct device *d, enum op op, uint32_t seconds)
{
	const struct matrix_row *row = row_of(op);
	bool blocked = d->exporting > 0 && row->run_during_ie != MATRIX_CELL_YES;
	struct running *r = find(d, op);

	if (r) {
		r->seconds = seconds;
		if (r->timer)
			timer_stop(r->timer);
		if (r->state == RUN_ACTIVE)
			activate(r);
		return "already";
	}
	if (blocked && row->on_op != MATRIX_EFFECT_PAUSE && row->on_op != MATRIX_EFFECT_DEFER)
		return "refused";
	r = mem_alloc(sizeof(*r));
	r->device = d;
	r->op = op;
	r->seconds = seconds;
	list_push(&d->running, &r->node);
	if (blocked) {
		r->state = row->on_op == MATRIX_EFFECT_PAUSE ? RUN_PAUSED : RUN_DEFERRED;
		return r->state == RUN_PAUSED ? "paused" : "deferred";
	}
	activate(r);
	return "running";
}

bool op_stop(struct device *d, enum op op)
{
	struct running *r = find(d, op);

	if (r)
		end(r);
	return r != NULL;
}

void op_stop_all(struct device *d)
{
	list_each_safe (it, &d->running)
		end(container_of(it, struct running, node));
}

enum op op_blocking(const struct device *d)
{
	list_each (it, &d->running) {
		const struct running *r = container_of(it, struct running, node);
		if (r->state == RUN_ACTIVE && row_of(r->op)->ie_during_run == MATRIX_CELL_NO)
			return r->op;
	}
	return OP_NONE;
}

/* Synchronisation lets an export in and pauses for it. Sleep ends: the request woke the machine. */
void op_export_begin(struct device *d)
{
	struct running *sync = find(d, OP_SYNC);

	d->exporting++;
	(void)op_stop(d, OP_SLEEP);
	if (sync && sync->state == RUN_ACTIVE) {
		sync->state = RUN_PAUSED;
		if (sync->timer)
			timer_stop(sync->timer);
	}
}

void op_export_end(struct device *d)
{
	if (--d->exporting > 0)
		return;
	list_each (it, &d->running) {
		struct running *r = container_of(it, struct running, node);
		if (r->state != RUN_ACTIVE)
			activate(r);
	}
}
