// SPDX-License-Identifier: Apache-2.0
/* When jobs may start. */
#include "services/scheduler/window.h"

#include "gen/errors.h"
#include "services/scheduler/local.h"

#define DAY_S ((int64_t)86400)
#define DAYS_AHEAD 800 /* every exception there may be, and more than a year of weeks */
#define DAYS_LONG 9    /* a window that is open longer is as good as always open */

/* member: of the window, which problem documents name */
static int refuse(struct fault *err, const char *member, const char *what)
{
	return fault_why(err, CN_VALIDATION_FAILED, "window", "%s: %s", member, what);
}

/* An end that is not later than its start is one of the next day. */
static int read_span(const char *member, const char *start, const char *end, int64_t *ret_start,
	int64_t *ret_end, struct fault *err)
{
	if (!local_time(start, ret_start) || !local_time(end, ret_end) || *ret_start == DAY_S)
		return refuse(err, member, "start and end are HH:MM; 24:00 is the end of a day");
	if (*ret_start == *ret_end)
		return refuse(
			err, member, "a window that is open all day goes from 00:00 to 24:00");
	if (*ret_end < *ret_start)
		*ret_end += DAY_S;
	return 0;
}

static int read_spans(const struct m_window *m, struct window *w, struct fault *err)
{
	for (size_t i = 0; i < m->open_n; i++) {
		const struct m_window_span *from = &m->open[i];
		struct window_span *s = &w->spans[w->n_spans++];
		if (read_span("open", from->start, from->end, &s->start_s, &s->end_s, err) < 0)
			return -1;
		for (size_t k = 0; k < from->weekdays_n; k++) {
			if (from->weekdays[k] < 1 || from->weekdays[k] > 7)
				return refuse(err, "open", "weekdays are 1 (Monday) to 7");
			s->weekdays |= 1u << (from->weekdays[k] - 1);
		}
		if (from->weekdays_n == 0)
			s->weekdays = 0x7f;
	}
	return 0;
}

static int read_days(const struct m_window *m, struct window *w, struct fault *err)
{
	for (size_t i = 0; i < m->exceptions_n; i++) {
		const struct m_window_day *from = &m->exceptions[i];
		struct window_day *d = &w->days[w->n_days++];
		if (!local_day(from->date, &d->day))
			return refuse(
				err, "exceptions", "the date is YYYY-MM-DD, a day that exists");
		d->closed = from->start == NULL && from->end == NULL;
		if (!d->closed && read_span("exceptions", from->start, from->end, &d->start_s,
					  &d->end_s, err) < 0)
			return -1;
	}
	return 0;
}

int window_read(const struct m_window *m, struct arena *arena, struct window *ret_window,
	struct fault *reterr)
{
	struct window w = {.hard_end = m->hard_end, .min_left_ms = WINDOW_MIN_LEFT_MS};

	if ((m->has & HAS_WINDOW__MIN_LEFT_MS) != 0)
		w.min_left_ms = (int64_t)m->min_left_ms;
	if (m->zone != NULL && (w.zone = zone_find(m->zone)) == NULL)
		return refuse(reterr, "zone", "the zone is not an IANA time zone");
	if (m->open_n == 0 && m->exceptions_n == 0)
		return refuse(reterr, "open", "a window that is never open would stop everything");
	w.spans = arena_array(arena, m->open_n + 1, sizeof(*w.spans));
	w.days = arena_array(arena, m->exceptions_n + 1, sizeof(*w.days));
	if (w.spans == NULL || w.days == NULL)
		return fault_set(reterr, CN_QUOTA_EXCEEDED, "too many spans");
	if (read_spans(m, &w, reterr) < 0 || read_days(m, &w, reterr) < 0)
		return -1;
	*ret_window = w;
	return 0;
}

/* ---- one window ---- */

static const struct window_day *exception(const struct window *w, int64_t day)
{
	for (size_t i = 0; i < w->n_days; i++) {
		if (w->days[i].day == day)
			return &w->days[i];
	}
	return NULL;
}

static bool closed(const struct window *w, int64_t day)
{
	const struct window_day *d = exception(w, day);

	return d != NULL && d->closed;
}

/* Walks the stretches in order of time. */
struct walk {
	const struct window *w;
	const struct zone *zone;
	int64_t day;
	int64_t after_s; /* of the day: the one before began there, -1 = none yet */
};

/* The stretch of the day that begins next; of several that begin together the longest. */
static bool next_of_day(struct walk *k, int64_t *ret_end_s)
{
	const struct window_day *d = exception(k->w, k->day);
	uint32_t bit = 1u << (((k->day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
	int64_t start = -1, end = 0;

	if (d != NULL) {
		if (d->closed || d->start_s <= k->after_s)
			return false;
		start = d->start_s;
		end = d->end_s;
	}
	for (size_t i = 0; d == NULL && i < k->w->n_spans; i++) {
		const struct window_span *s = &k->w->spans[i];
		if ((s->weekdays & bit) == 0 || s->start_s <= k->after_s)
			continue;
		if (start < 0 || s->start_s < start || (s->start_s == start && s->end_s > end)) {
			start = s->start_s;
			end = s->end_s;
		}
	}
	if (start < 0)
		return false;
	k->after_s = start;
	*ret_end_s = end > DAY_S && closed(k->w, k->day + 1) ? DAY_S : end;
	return true;
}

static bool walk_next(struct walk *k, int64_t last_day, struct window_open *o)
{
	int64_t end_s;

	for (; k->day <= last_day; k->day++, k->after_s = -1) {
		if (!next_of_day(k, &end_s))
			continue;
		o->from_ms = zone_instant(k->zone, k->day * DAY_S + k->after_s, NULL) * 1000;
		o->to_ms = zone_instant_last(k->zone, k->day * DAY_S + end_s) * 1000;
		return true;
	}
	return false;
}

/* The stretch that holds at_ms or is the next one; those that touch are one. */
static bool window_next(const struct window *w, const struct zone *zone, int64_t at_ms,
	struct window_open *ret_open)
{
	int64_t at = at_ms / 1000;
	int64_t today = (at + zone_offset(zone, at)) / DAY_S;
	/* days that a zone skips or counts twice are no more than one */
	struct walk k = {.w = w, .zone = zone, .day = today - 3, .after_s = -1};
	int64_t last = today + DAYS_AHEAD;
	bool found = false;
	struct window_open o;

	while (walk_next(&k, last, &o)) {
		if (!found && o.to_ms <= at_ms)
			continue;
		if (found && o.from_ms > ret_open->to_ms)
			return true;
		if (!found) {
			*ret_open = o;
			last = k.day + DAYS_LONG;
		} else if (o.to_ms > ret_open->to_ms) {
			ret_open->to_ms = o.to_ms;
		}
		found = true;
	}
	return found;
}

/* ---- all that apply ---- */

bool windows_next(const struct window *const *windows, size_t n, const struct zone *device,
	int64_t at_ms, int64_t until_ms, struct window_open *ret_open)
{
	int64_t left = 0;

	while (at_ms < until_ms) {
		struct window_open all = {.from_ms = at_ms, .to_ms = INT64_MAX};
		for (size_t i = 0; i < n; i++) {
			struct window_open o;
			const struct zone *zone = windows[i]->zone;
			if (!window_next(windows[i], zone == NULL ? device : zone, at_ms, &o))
				return false;
			if (o.from_ms > all.from_ms)
				all.from_ms = o.from_ms;
			if (o.to_ms < all.to_ms)
				all.to_ms = o.to_ms;
			if (windows[i]->min_left_ms > left)
				left = windows[i]->min_left_ms;
			all.hard_end |= windows[i]->hard_end;
		}
		if (all.from_ms == at_ms && all.to_ms > at_ms && all.to_ms - at_ms >= left) {
			*ret_open = all;
			return true;
		}
		/* to where the last one opens, or behind where the first one ends too early */
		at_ms = all.from_ms > at_ms ? all.from_ms : all.to_ms;
	}
	return false;
}
