// SPDX-License-Identifier: Apache-2.0
/* Hints after commits. Runs that moved are looked at together ten times a second (look.c). The
 * sweep looks at all live runs, so a lost hint costs a second. */
#include <stdlib.h>

#include "common/base/map.h"
#include "services/scheduler/look.h"

#define EVERY_MS 100u
#define JOBS_PER_TURN 64u /* job events in one turn, the rest is told by the counts */

static struct {
	struct timer *timer;
	struct map runs; /* that moved; the values are uuids */
	bool busy;       /* a look is under way */
	unsigned jobs;   /* published in this turn */
} events;

static void take(void *value, void *arg)
{
	struct look *l = arg;
	struct uuid *id = value;

	if (!look_add(l, id))
		return;
	(void)map_remove(&events.runs, id->b, sizeof(id->b));
	free(id);
}

static void looked(unused void *arg)
{
	events.busy = false;
}

static void turn(unused void *arg)
{
	events.jobs = 0;
	if (events.runs.n == 0 || events.busy)
		return;
	struct look *l = look_new(looked, NULL);
	map_each(&events.runs, take, l);
	events.busy = true;
	look_start(l);
}

void events_start(void)
{
	events.timer = timer_new(scheduler.service->loop, turn, NULL);
	timer_set(events.timer, EVERY_MS, EVERY_MS);
}

void events_run(const struct uuid *run)
{
	if (map_get(&events.runs, run->b, sizeof(run->b)) != NULL)
		return;
	struct uuid *copy = mem_alloc(sizeof(*copy));
	*copy = *run;
	(void)map_put(&events.runs, run->b, sizeof(run->b), copy);
}

void events_job(const struct m_job_changed *e)
{
	if (events.jobs++ < JOBS_PER_TURN)
		service_publish(scheduler.service, &m_job_changed_desc, e);
}

/* At once: it is what the start of a run waits for. */
void events_ready(const char *pool)
{
	struct m_jobs_ready event = {.pool = pool};

	service_publish(scheduler.service, &m_jobs_ready_desc, &event);
}

void events_device(const struct uuid *device, enum device_state state, const char *cause)
{
	struct m_device_changed event = {.device = *device, .state = state, .cause = cause};

	service_publish(scheduler.service, &m_device_changed_desc, &event);
}
