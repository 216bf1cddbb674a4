// SPDX-License-Identifier: Apache-2.0
/* When a task fires. */
#include "services/scheduler/schedule.h"

#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"

#define MINUTE_MS ((int64_t)60000)
#define DAY_S ((int64_t)86400)
#define DAYS_MAX 3660 /* longest step of every_days, and how far a search looks, in steps */

static int refuse(struct fault *err, const char *what)
{
	return fault_why(err, CN_VALIDATION_FAILED, "schedule", "%s", what);
}

/* "HH:MM" */
static bool read_time(const char *s, int *ret_hour, int *ret_minute)
{
	if (s == NULL || strlen(s) != 5 || s[2] != ':' || strspn(s, "0123456789:") != 5 ||
		strchr(s + 3, ':') != NULL || s[0] == ':' || s[1] == ':')
		return false;
	*ret_hour = (s[0] - '0') * 10 + s[1] - '0';
	*ret_minute = (s[3] - '0') * 10 + s[4] - '0';
	return *ret_hour < 24 && *ret_minute < 60;
}

int schedule_read(const struct m_schedule *m, int64_t now_ms, struct schedule *ret_schedule,
	struct fault *reterr)
{
	struct schedule s = {.form = SCHEDULE_FORM_MANUAL, .start_ms = now_ms};

	if (m != NULL && m->form != 0)
		s.form = m->form;
	if (m != NULL) {
		s.n = (int64_t)m->n;
		s.start_ms = m->start_at != 0 ? m->start_at : now_ms;
		s.end_ms = m->end_at;
	}
	if (s.form == SCHEDULE_FORM_EVERY_MINUTES && (s.n < 1 || s.n > 1440))
		return refuse(reterr, "every 1 to 1440 minutes");
	if (s.form == SCHEDULE_FORM_EVERY_DAYS) {
		s.zone = zone_find(m->zone);
		if (s.n < 1 || s.n > DAYS_MAX)
			return refuse(reterr, "every 1 to 3660 days");
		if (s.zone == NULL)
			return refuse(reterr, "the zone is not an IANA time zone");
		if (!read_time(m->time, &s.hour, &s.minute))
			return refuse(reterr, "the time is HH:MM");
	}
	*ret_schedule = s;
	return 0;
}

static bool next_minutes(const struct schedule *s, int64_t after_ms, struct firing *f)
{
	int64_t step = s->n * MINUTE_MS;
	int64_t k = after_ms < s->start_ms ? 0 : (after_ms - s->start_ms) / step + 1;
	char text[CLOCK_RFC3339];

	f->due_ms = s->start_ms + k * step;
	f->fit = ZONE_ONE;
	(void)snprintf(f->local, sizeof(f->local), "%s", clock_rfc3339((uint64_t)f->due_ms, text));
	return true;
}

/* Floating seconds of an instant. */
static int64_t local_of(const struct zone *z, int64_t ms)
{
	int64_t s = ms / 1000 - (ms % 1000 < 0);

	return s + zone_offset(z, s);
}

static bool next_days(const struct schedule *s, int64_t after_ms, struct firing *f)
{
	int64_t at = s->hour * 3600 + s->minute * 60;
	int64_t first = local_of(s->zone, s->start_ms), from = local_of(s->zone, after_ms);

	first -= first % DAY_S;
	/* two days early: zones may skip a whole day */
	int64_t k = (from - first) / DAY_S / s->n - 2;
	for (int64_t i = k < 0 ? 0 : k;; i++) {
		int64_t floating = first + i * s->n * DAY_S + at;
		int64_t due = zone_instant(s->zone, floating, &f->fit) * 1000;
		if (due <= after_ms || due < s->start_ms)
			continue;
		struct zone_time t = zone_calendar(floating);
		f->due_ms = due;
		(void)snprintf(f->local, sizeof(f->local), "%04d-%02d-%02dT%02d:%02d", t.year,
			t.month, t.day, t.hour, t.minute);
		return true;
	}
}

bool schedule_next(const struct schedule *s, int64_t after_ms, struct firing *ret_firing)
{
	struct firing f = {0};
	bool found = false;

	if (s->form == SCHEDULE_FORM_EVERY_MINUTES)
		found = next_minutes(s, after_ms, &f);
	else if (s->form == SCHEDULE_FORM_EVERY_DAYS)
		found = next_days(s, after_ms, &f);
	if (!found || (s->end_ms != 0 && f.due_ms > s->end_ms))
		return false;
	*ret_firing = f;
	return true;
}

static void keep_newest(struct catch_up *c, const struct firing *f, size_t most)
{
	if (most == 0)
		return;
	if (c->n_missed == most) {
		memmove(c->missed, c->missed + 1, (most - 1) * sizeof(*c->missed));
		c->n_missed--;
	}
	c->missed[c->n_missed++] = *f;
}

/* After a very long pause the search starts late, so that it stays short. */
void schedule_catch_up(const struct schedule *s, const struct firing *first, int64_t now_ms,
	struct firing *missed, size_t most, struct catch_up *ret_catch_up)
{
	struct catch_up c = {.newest = *first, .missed = missed};
	int64_t horizon = now_ms - (int64_t)(most + 1) * 1440 * MINUTE_MS;
	struct firing f;

	if (s->form == SCHEDULE_FORM_EVERY_MINUTES)
		horizon = now_ms - (int64_t)(most + 1) * s->n * MINUTE_MS;
	if (first->due_ms < horizon && schedule_next(s, horizon, &f) && f.due_ms <= now_ms)
		c.newest = f;
	while (schedule_next(s, c.newest.due_ms, &f) && f.due_ms <= now_ms) {
		keep_newest(&c, &c.newest, most);
		c.newest = f;
	}
	c.runs = now_ms - c.newest.due_ms <= SCHEDULE_LATE_MS;
	c.has_next = schedule_next(s, c.newest.due_ms, &c.next);
	*ret_catch_up = c;
}
