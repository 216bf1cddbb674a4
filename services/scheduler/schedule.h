// SPDX-License-Identifier: Apache-2.0
/* When a task fires (docs/spec/fleet.md section 4). Pure: the present time is an input.
 * every_minutes counts elapsed time from its start. Forms with days iterate the calendar in
 * floating local time and convert each occurrence by itself (FL-31): a time in a spring gap fires
 * at the gap's end, a time in an autumn overlap once, at the earlier instant. */
#pragma once

#include "common/base/fault.h"
#include "common/clock/zone.h"
#include "gen/msg.h"
#include "services/scheduler/occurrence.h"

#define SCHEDULE_LATE_MS                                                                           \
	((int64_t)24 * 3600 * 1000)           /* start_deadline when none is given (FL-35)         \
					       */
#define SCHEDULE_SKIP_MS ((int64_t)60 * 1000) /* with catch_up skip: planners were away */

/* A checked schedule. */
struct schedule {
	enum schedule_form form;
	int64_t n;                /* of every_minutes */
	int64_t start_ms, end_ms; /* end 0 = none */
	int64_t late_ms;          /* a firing later than this is missed */
	bool skip;                /* nothing that was missed is made up */
	/* forms with days */
	const struct zone *zone;         /* NULL: each target's own, an occurrence opens at the */
	const struct zone *const *zones; /* earliest instant over these (FL-30); none = UTC */
	size_t n_zones;
	struct occurrence_rule rule;
	int64_t time_s; /* of the day */
};

struct firing {
	int64_t due_ms;
	char local[40]; /* the occurrence, unique in its task (FL-33) */
	enum zone_fit fit;
	const struct zone *zone; /* that decided; NULL: elapsed time */
};

#define SCHEDULE_TARGET "target" /* as a zone: each device's own */
/* Has each occurrence an instant of its own in each device's zone? */
bool schedule_by_target(const struct m_schedule *m);

/* now_ms: the start when none is given. m NULL = manual. 0, or -1 with CN_VALIDATION_FAILED. */
int schedule_read(const struct m_schedule *m, int64_t now_ms, struct schedule *ret_schedule,
	struct fault *reterr) must_check;
/* The zones of the targets; they live as long as the schedule. */
void schedule_over(
	struct schedule *s, const struct m_schedule *m, const struct zone *const *zones, size_t n);
/* The first firing later than after_ms; false when there is none (manual, immediate, past the end).
 */
bool schedule_next(
	const struct schedule *s, int64_t after_ms, struct firing *ret_firing) must_check;

/* When planners come to a firing. */
struct due_now {
	int64_t now_ms;
	/* when it was to fire as far as was known: members who come may move it into the past,
	 * which makes nobody late (FL-30) */
	int64_t planned_ms;
	int64_t seen_ms; /* when they began with all that was due: to wait behind others is not
			    to be missed */
};
/* Of the firings from `first` on that are due, the newest runs unless it is later than its
 * deadline, all older ones are missed (FL-35). With catch_up skip that deadline is a minute. */
struct catch_up {
	struct firing newest;
	bool runs;       /* newest is not too late */
	uint64_t missed; /* from the first on, with the newest when it does not run */
	struct firing next;
	bool has_next;
};
void schedule_catch_up(const struct schedule *s, const struct firing *first,
	const struct due_now *now, struct catch_up *ret_catch_up);
