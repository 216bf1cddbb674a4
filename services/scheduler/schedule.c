// SPDX-License-Identifier: Apache-2.0
/* When a task fires. */
#include "services/scheduler/schedule.h"

#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/scheduler/local.h"

#define MINUTE_MS ((int64_t)60000)
#define DAY_S ((int64_t)86400)
#define LONG_MS (4000 * DAY_S * 1000) /* what was missed before is not counted */

static const struct form {
	int64_t n_max; /* 0 = has no n */
	const char *n_text;
	bool weekdays, days, ordinals, last;
} forms[] = {
	[SCHEDULE_FORM_MANUAL] = {0},
	[SCHEDULE_FORM_IMMEDIATE] = {0},
	[SCHEDULE_FORM_AT] = {0},
	[SCHEDULE_FORM_EVERY_MINUTES] = {.n_max = 1440, .n_text = "every 1 to 1440 minutes"},
	[SCHEDULE_FORM_EVERY_DAYS] = {.n_max = 1440, .n_text = "every 1 to 1440 days"},
	[SCHEDULE_FORM_EVERY_WEEKS] = {.n_max = 520,
		.n_text = "every 1 to 520 weeks",
		.weekdays = true},
	[SCHEDULE_FORM_EVERY_MONTHS_DATE] = {.n_max = 120,
		.n_text = "every 1 to 120 months",
		.days = true,
		.last = true},
	[SCHEDULE_FORM_EVERY_MONTHS_WEEKDAY] = {.n_max = 120,
		.n_text = "every 1 to 120 months",
		.weekdays = true,
		.ordinals = true,
		.last = true},
};

static bool has_days(enum schedule_form form)
{
	return form >= SCHEDULE_FORM_EVERY_DAYS;
}

/* member: of the schedule, which problem documents name */
static int refuse(struct fault *err, const char *member, const char *what)
{
	return fault_why(err, CN_VALIDATION_FAILED, "schedule", "schedule.%s: %s", member, what);
}

static bool read_set(const uint64_t *numbers, size_t n, uint64_t most, uint32_t *ret_bits)
{
	for (size_t i = 0; i < n; i++) {
		if (numbers[i] < 1 || numbers[i] > most)
			return false;
		*ret_bits |= 1u << (numbers[i] - 1);
	}
	return true;
}

/* Floating seconds of an instant; where zones differ, those of UTC. */
static int64_t local_of(const struct schedule *s, int64_t ms)
{
	int64_t at = ms / 1000 - (ms % 1000 < 0);

	return s->zone == NULL ? at : at + zone_offset(s->zone, at);
}

bool schedule_by_target(const struct m_schedule *m)
{
	return m != NULL && m->zone != NULL && has_days(m->form) &&
	       strcmp(m->zone, SCHEDULE_TARGET) == 0;
}

static int read_days(const struct m_schedule *m, struct schedule *s, struct fault *err)
{
	const struct form *form = &forms[m->form];
	struct occurrence_rule *r = &s->rule;

	s->zone = schedule_by_target(m) ? NULL : zone_find(m->zone);
	if (s->zone == NULL && !schedule_by_target(m))
		return refuse(err, "zone", "the zone is an IANA time zone, or \"target\"");
	if (!local_time(m->time, &s->time_s) || s->time_s == DAY_S)
		return refuse(err, "time", "the time is HH:MM");
	r->form = m->form;
	r->n = form->n_max == 0 ? 1 : (int64_t)m->n;
	r->last = m->last;
	r->first = local_of(s, s->start_ms) / DAY_S;
	if ((m->date != NULL || m->form == SCHEDULE_FORM_AT) && !local_day(m->date, &r->first))
		return refuse(err, "date", "the date is YYYY-MM-DD, a day that exists");
	if (!read_set(m->weekdays, m->weekdays_n, 7, &r->weekdays))
		return refuse(err, "weekdays", "weekdays are 1 (Monday) to 7");
	if (!read_set(m->days, m->days_n, 31, &r->days))
		return refuse(err, "days", "days are 1 to 31");
	if (!read_set(m->ordinals, m->ordinals_n, 5, &r->ordinals))
		return refuse(err, "ordinals", "ordinals are 1 to 5");
	if (form->weekdays && r->weekdays == 0)
		return refuse(err, "weekdays", "at least one weekday");
	if (form->days && r->days == 0 && !r->last)
		return refuse(err, "days", "at least one day of the month, or the last one");
	if (form->ordinals && r->ordinals == 0 && !r->last)
		return refuse(err, "ordinals", "which weekday of the month: the first, the last …");
	return 0;
}

/* What the form has no use for was meant for another one. */
static int check_form(const struct m_schedule *m, struct fault *err)
{
	const struct form *form = &forms[m->form];

	if (form->n_max != 0 && (m->n < 1 || (int64_t)m->n > form->n_max))
		return refuse(err, "n", form->n_text);
	if ((m->weekdays_n > 0 && !form->weekdays) || (m->days_n > 0 && !form->days) ||
		(m->ordinals_n > 0 && !form->ordinals) || (m->last && !form->last))
		return refuse(err, "form", "this form has no such days");
	return 0;
}

/* The last of so many firings is the end. */
static void end_after(struct schedule *s, uint64_t count)
{
	struct firing f = {.due_ms = s->start_ms - 1};

	for (uint64_t i = 0; i < count; i++) {
		if (!schedule_next(s, f.due_ms, &f))
			return;
	}
	s->end_ms = f.due_ms;
}

void schedule_over(
	struct schedule *s, const struct m_schedule *m, const struct zone *const *zones, size_t n)
{
	s->zones = zones;
	s->n_zones = n;
	s->end_ms = m->end_at;
	if (m->count > 0)
		end_after(s, m->count);
}

int schedule_read(const struct m_schedule *m, int64_t now_ms, struct schedule *ret_schedule,
	struct fault *reterr)
{
	struct schedule s = {
		.form = SCHEDULE_FORM_MANUAL, .start_ms = now_ms, .late_ms = SCHEDULE_LATE_MS};
	struct firing first;

	if (m != NULL && m->start_deadline_ms != 0)
		s.late_ms = (int64_t)m->start_deadline_ms;
	s.skip = m != NULL && m->catch_up == MISSED_FIRING_SKIP;
	if (m != NULL && m->form != 0) {
		if (check_form(m, reterr) < 0)
			return -1;
		s.form = m->form;
		s.n = (int64_t)m->n;
		s.start_ms = m->start_at != 0 ? m->start_at : now_ms;
		s.end_ms = m->end_at;
		if (has_days(s.form) && read_days(m, &s, reterr) < 0)
			return -1;
		if (s.form > SCHEDULE_FORM_IMMEDIATE && !schedule_next(&s, s.start_ms - 1, &first))
			return refuse(reterr, "form", "it never fires");
		if (m->count > 0)
			end_after(&s, m->count);
	}
	*ret_schedule = s;
	return 0;
}

static bool next_minutes(const struct schedule *s, int64_t after_ms, struct firing *f)
{
	bug_if(s->n < 1);
	int64_t step = s->n * MINUTE_MS;
	int64_t k = after_ms < s->start_ms ? 0 : (after_ms - s->start_ms) / step + 1;
	char text[CLOCK_RFC3339];

	f->due_ms = s->start_ms + k * step;
	f->fit = ZONE_ONE;
	(void)snprintf(f->local, sizeof(f->local), "%s", clock_rfc3339((uint64_t)f->due_ms, text));
	return true;
}

/* When an occurrence fires, and in which zone first. */
static void set_instant(const struct schedule *s, int64_t floating, struct firing *f)
{
	const struct zone *utc = zone_find("UTC");
	const struct zone *const *zones = s->zone != NULL ? &s->zone : s->zones;
	size_t n = s->zone != NULL ? 1 : s->n_zones;

	if (n == 0) {
		zones = &utc;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		enum zone_fit fit;
		int64_t ms = zone_instant(zones[i], floating, &fit) * 1000;
		if (i > 0 && ms >= f->due_ms)
			continue;
		f->due_ms = ms;
		f->fit = fit;
		f->zone = zones[i];
	}
}

static bool next_days(const struct schedule *s, int64_t after_ms, struct firing *f)
{
	int64_t days[OCCURRENCE_DAYS_MAX];
	/* two days early: zones may skip a whole day, and are up to 14 hours from UTC */
	int64_t k = occurrence_unit(&s->rule, local_of(s, after_ms) / DAY_S - 2);

	k = k < 0 ? 0 : k;
	for (int64_t end = k + occurrence_horizon(&s->rule); k < end; k++) {
		size_t n = occurrence_days(&s->rule, k, days);
		for (size_t i = 0; i < n; i++) {
			int64_t floating = days[i] * DAY_S + s->time_s;
			set_instant(s, floating, f);
			if (f->due_ms <= after_ms || f->due_ms < s->start_ms)
				continue;
			struct zone_time t = zone_calendar(floating);
			(void)snprintf(f->local, sizeof(f->local), "%04d-%02d-%02dT%02d:%02d",
				t.year, t.month, t.day, t.hour, t.minute);
			return true;
		}
	}
	return false;
}

bool schedule_next(const struct schedule *s, int64_t after_ms, struct firing *ret_firing)
{
	struct firing f = {0};
	bool found = false;

	if (s->form == SCHEDULE_FORM_EVERY_MINUTES)
		found = next_minutes(s, after_ms, &f);
	else if (has_days(s->form))
		found = next_days(s, after_ms, &f);
	if (!found || (s->end_ms != 0 && f.due_ms > s->end_ms))
		return false;
	*ret_firing = f;
	return true;
}

/* Of firings that are minutes apart the newest one, without looking at each. */
static void skip_minutes(const struct schedule *s, int64_t now_ms, struct catch_up *c)
{
	int64_t step = s->n * MINUTE_MS, end = now_ms;
	struct firing f;

	if (s->end_ms != 0 && s->end_ms < end)
		end = s->end_ms;
	if (!schedule_next(s, c->newest.due_ms, &f) || f.due_ms > end)
		return;
	int64_t more = (end - f.due_ms) / step;
	c->missed = (uint64_t)more + 1;
	if (schedule_next(s, f.due_ms + more * step - 1, &f))
		c->newest = f;
}

void schedule_catch_up(const struct schedule *s, const struct firing *first,
	const struct due_now *now, struct catch_up *ret_catch_up)
{
	struct catch_up c = {.newest = *first};
	int64_t after = first->due_ms;
	struct firing f;

	if (s->form == SCHEDULE_FORM_EVERY_MINUTES) {
		skip_minutes(s, now->now_ms, &c);
		after = c.newest.due_ms;
	} else if (now->now_ms - after > LONG_MS) {
		after = now->now_ms - LONG_MS;
	}
	for (; schedule_next(s, after, &f) && f.due_ms <= now->now_ms; after = f.due_ms) {
		c.missed++;
		c.newest = f;
	}
	int64_t from = c.newest.due_ms > now->planned_ms ? c.newest.due_ms : now->planned_ms;
	c.runs = now->now_ms - from <= s->late_ms &&
		 (!s->skip || now->seen_ms - from <= SCHEDULE_SKIP_MS);
	c.missed += !c.runs;
	c.has_next = schedule_next(s, c.newest.due_ms, &c.next);
	*ret_catch_up = c;
}
