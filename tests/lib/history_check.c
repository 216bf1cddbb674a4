// SPDX-License-Identifier: Apache-2.0
/* What each call says for itself, and the calls of a request as events of its devices. */
#include "tests/lib/history.h"

#include <stdlib.h>
#include <string.h>

/* Events of all devices in one run of memory, sorted by device. */
struct placed {
	uint32_t device;
	struct history_event e;
};
struct placed_maybe {
	uint32_t device;
	struct history_maybe m;
};

struct build {
	struct history *h;
	struct placed *events;
	size_t n, cap;
	struct placed_maybe *maybes;
	size_t maybes_n, maybes_cap;
	char *why;
	size_t why_n;
};

/* ---- verdicts of single requests ---- */

static bool bad(struct build *b, const struct history_request *r, const char *what)
{
	(void)snprintf(b->why, b->why_n, "%s %s", b->h->name[r->name], what);
	return false;
}

static void add(struct build *b, uint32_t device, struct history_event e)
{
	if (b->n == b->cap) {
		b->cap = b->cap > 0 ? b->cap * 2 : 4096;
		b->events = mem_realloc(b->events, b->cap * sizeof(*b->events));
	}
	b->events[b->n++] = (struct placed){device, e};
}

static void add_maybe(struct build *b, uint32_t device, struct history_maybe m)
{
	if (b->maybes_n == b->maybes_cap) {
		b->maybes_cap = b->maybes_cap > 0 ? b->maybes_cap * 2 : 1024;
		b->maybes = mem_realloc(b->maybes, b->maybes_cap * sizeof(*b->maybes));
	}
	b->maybes[b->maybes_n++] = (struct placed_maybe){device, m};
}

static void everywhere(struct build *b, const struct history_request *r, struct history_event e)
{
	for (uint32_t i = 0; i < r->devices_n; i++) {
		if (e.kind == HISTORY_GRANT)
			e.token = r->tokens[i];
		add(b, r->devices[i], e);
	}
}

#define EACH_CALL(b, r, c)                                                                         \
	for (const struct history_call *c = &(b)->h->calls[(r)->first]; c != (b)->h->calls;        \
		c = &(b)->h->calls[c->next])

static bool answered(const struct history_call *c, enum history_result result)
{
	return c->what == HISTORY_ACQUIRE && !c->other && c->result == result;
}

/* When what an answer tells of may have happened: one of the calls without an answer may have done
 * it, and the others that got it were told again. */
struct span_of {
	int64_t call, ret;
	bool any;
};

static struct span_of when(
	const struct build *b, const struct history_request *r, enum history_result result)
{
	struct span_of s = {.call = HISTORY_NEVER, .ret = HISTORY_NEVER};
	int64_t queued = INT64_MIN;

	EACH_CALL(b, r, c)
	{
		if (c->what != HISTORY_ACQUIRE || c->other)
			continue;
		if (c->result == result)
			s.any = true;
		if ((c->result == result || c->result == HISTORY_UNKNOWN) && c->call < s.call)
			s.call = c->call;
		if (c->result == result && c->ret < s.ret)
			s.ret = c->ret;
		if (c->result == HISTORY_QUEUED && c->call > queued)
			queued = c->call;
	}
	if (result != HISTORY_QUEUED && queued > s.call)
		s.call = queued; /* it still waited then */
	return s;
}

/* An id used for something else is refused, and changes nothing (I9). */
static bool reuse_is_refused(struct build *b, const struct history_request *r)
{
	EACH_CALL(b, r, c)
	if (c->other && c->result != HISTORY_UNKNOWN && c->result != HISTORY_REFUSED)
		return bad(b, r, "was asked again with other content and not refused (I9)");
	return true;
}

static bool one_final_answer(struct build *b, const struct history_request *r)
{
	bool seen[HISTORY_OK + 1] = {false};
	int64_t ended = HISTORY_NEVER;

	EACH_CALL(b, r, c)
	{
		if (c->what != HISTORY_ACQUIRE || c->other)
			continue;
		seen[c->result] = true;
		if (c->result > HISTORY_QUEUED || c->result == HISTORY_GRANTED)
			ended = c->ret < ended ? c->ret : ended;
	}
	if (seen[HISTORY_GRANTED] + seen[HISTORY_BUSY] + seen[HISTORY_REFUSED] +
				seen[HISTORY_CANCELLED] >
			1 ||
		(seen[HISTORY_LOST] &&
			(seen[HISTORY_BUSY] || seen[HISTORY_REFUSED] || seen[HISTORY_CANCELLED])))
		return bad(b, r, "got two different final answers (I9)");
	EACH_CALL(b, r, c)
	if (answered(c, HISTORY_QUEUED) && c->call > ended)
		return bad(b, r, "waits again after its final answer (I9)");
	return true;
}

/* A poll sent when the wait was surely over is not answered with "queued" (I8). */
static bool wait_ends(struct build *b, const struct history_request *r)
{
	int64_t entered = when(b, r, HISTORY_QUEUED).ret;

	EACH_CALL(b, r, c)
	if (answered(c, HISTORY_QUEUED) && entered != HISTORY_NEVER &&
		c->call > entered + r->wait + b->h->slack)
		return bad(b, r, "still waits after its time was over (I8)");
	return true;
}

static bool presents(const struct history_request *r, const struct history_call *c)
{
	if (r->tokens == NULL)
		return true; /* nobody saw its tokens */
	if (c->what != HISTORY_STORE)
		return c->token == r->tokens[0];
	for (uint32_t i = 0; i < r->devices_n; i++)
		if (r->devices[i] == c->device)
			return c->token == r->tokens[i];
	return false;
}

/* Only the holder renews, releases and has effects (I6, I3). */
static bool holder_only(struct build *b, const struct history_request *r)
{
	EACH_CALL(b, r, c)
	{
		bool mine = c->client == r->client && presents(r, c);
		if (c->what == HISTORY_ACQUIRE || c->what == HISTORY_CANCEL ||
			c->result != HISTORY_OK)
			continue;
		if (!mine && c->what == HISTORY_STORE)
			return bad(b, r, "had an effect with a token that is not its own (I3)");
		if (!mine)
			return bad(b, r, "was renewed or released by somebody else (I6)");
	}
	return true;
}

/* The last instant at which its lease can have been running. */
static int64_t latest_end(const struct build *b, const struct history_request *r)
{
	int64_t end = when(b, r, HISTORY_GRANTED).ret;

	EACH_CALL(b, r, c)
	{
		if (c->what != HISTORY_RENEW || c->result == HISTORY_LOST)
			continue;
		int64_t at = c->result == HISTORY_OK       ? c->ret
			     : b->h->late == HISTORY_NEVER ? HISTORY_NEVER
							   : c->call + b->h->late;
		end = at > end ? at : end;
	}
	return end >= HISTORY_NEVER - r->lease ? HISTORY_NEVER : end + r->lease + b->h->slack;
}

static bool effects_in_time(struct build *b, const struct history_request *r)
{
	int64_t end = latest_end(b, r);

	EACH_CALL(b, r, c)
	if (c->what == HISTORY_STORE && c->result == HISTORY_OK && c->call > end)
		return bad(b, r, "had an effect after its lease (I3)");
	return true;
}

/* ---- events ---- */

/* All acquires of a request: at most one entry into the queue, polls, one end. */
static void put_acquires(struct build *b, const struct history_request *r)
{
	static const struct {
		enum history_result result;
		enum history_kind kind;
	} ends[] = {{HISTORY_GRANTED, HISTORY_GRANT}, {HISTORY_BUSY, HISTORY_DENY},
		{HISTORY_CANCELLED, HISTORY_DROP}, {HISTORY_REFUSED, HISTORY_TURN_AWAY}};
	struct span_of enter = when(b, r, HISTORY_QUEUED);
	uint32_t id = (uint32_t)(r - b->h->requests);
	int64_t maybe = HISTORY_NEVER;

	if (enter.any)
		everywhere(b, r,
			(struct history_event){.kind = HISTORY_ENTER,
				.request = id,
				.token = r->ticket,
				.call = enter.call,
				.ret = enter.ret});
	for (size_t i = 0; i < array_len(ends); i++) {
		struct span_of s = when(b, r, ends[i].result);
		if (!s.any || (ends[i].result == HISTORY_REFUSED && !enter.any))
			continue;
		everywhere(b, r,
			(struct history_event){.kind = (uint8_t)ends[i].kind,
				.request = id,
				.call = s.call,
				.ret = s.ret});
	}
	EACH_CALL(b, r, c)
	{
		if (answered(c, HISTORY_QUEUED) && c->ret != enter.ret)
			everywhere(b, r,
				(struct history_event){.kind = HISTORY_POLL,
					.request = id,
					.call = c->call,
					.ret = c->ret});
		if ((answered(c, HISTORY_UNKNOWN) || answered(c, HISTORY_LOST)) && c->call < maybe)
			maybe = c->call;
	}
	bool told = when(b, r, HISTORY_GRANTED).any || when(b, r, HISTORY_BUSY).any ||
		    when(b, r, HISTORY_CANCELLED).any || when(b, r, HISTORY_REFUSED).any;
	for (uint32_t i = 0; i < r->devices_n && maybe != HISTORY_NEVER && !told; i++)
		add_maybe(b, r->devices[i],
			(struct history_maybe){
				.what = HISTORY_ACQUIRE, .request = id, .call = maybe});
}

static void put_release(struct build *b, const struct history_request *r)
{
	struct history_event e = {.kind = HISTORY_GIVE_BACK,
		.unsure = true,
		.request = (uint32_t)(r - b->h->requests),
		.call = HISTORY_NEVER,
		.ret = HISTORY_NEVER};
	bool told = false;

	EACH_CALL(b, r, c)
	{
		if (c->what != HISTORY_RELEASE || c->result == HISTORY_LOST || !presents(r, c) ||
			c->client != r->client)
			continue;
		e.unsure &= c->unsure;
		e.call = c->call < e.call ? c->call : e.call;
		e.ret = c->ret < e.ret ? c->ret : e.ret;
		told |= c->result == HISTORY_OK;
	}
	if (told) {
		everywhere(b, r, e);
		return;
	}
	for (uint32_t i = 0; i < r->devices_n && e.call != HISTORY_NEVER; i++)
		add_maybe(b, r->devices[i],
			(struct history_maybe){.what = HISTORY_RELEASE,
				.unsure = e.unsure,
				.request = e.request,
				.call = e.call});
}

static void put_others(struct build *b, const struct history_request *r)
{
	EACH_CALL(b, r, c)
	{
		struct history_event e = {.request = c->request, .call = c->call, .ret = c->ret};
		bool mine = c->client == r->client && presents(r, c);
		if (!mine || (c->result == HISTORY_UNKNOWN && c->what != HISTORY_CANCEL))
			continue;
		if (c->what == HISTORY_STORE) {
			e.kind = c->result == HISTORY_OK ? HISTORY_EFFECT : HISTORY_NO_EFFECT;
			add(b, c->device, e);
		} else if (c->what == HISTORY_RENEW || c->what == HISTORY_RELEASE) {
			e.kind = c->result == HISTORY_LOST ? HISTORY_NOT_LIVE : HISTORY_PROLONG;
			if (c->what == HISTORY_RENEW || c->result == HISTORY_LOST)
				everywhere(b, r, e);
		} else if (c->what == HISTORY_CANCEL) {
			for (uint32_t i = 0; i < r->devices_n; i++)
				add_maybe(b, r->devices[i],
					(struct history_maybe){.what = HISTORY_CANCEL,
						.request = c->request,
						.call = c->call});
		}
	}
}

static bool put_request(struct build *b, const struct history_request *r)
{
	if (r->devices_n == 0)
		return bad(b, r, "was used before anybody asked for it");
	if (!reuse_is_refused(b, r) || !one_final_answer(b, r) || !wait_ends(b, r) ||
		!holder_only(b, r) || !effects_in_time(b, r))
		return false;
	put_acquires(b, r);
	put_release(b, r);
	put_others(b, r);
	return true;
}

/* ---- all ---- */

static int by_device(const void *x, const void *y)
{
	const struct placed *a = x, *b = y;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->e.call != b->e.call
		       ? (a->e.call < b->e.call ? -1 : 1)
		       : (a->e.request > b->e.request) - (a->e.request < b->e.request);
}

static int maybe_by_device(const void *x, const void *y)
{
	const struct placed_maybe *a = x, *b = y;

	return (a->device > b->device) - (a->device < b->device);
}

static int search_all(struct build *b)
{
	struct history_event *events = mem_alloc((b->n + 1) * sizeof(*events));
	struct history_maybe *maybes = mem_alloc((b->maybes_n + 1) * sizeof(*maybes));
	size_t at = 0, m = 0;
	int verdict = 1;

	if (b->n > 0)
		qsort(b->events, b->n, sizeof(*b->events), by_device);
	if (b->maybes_n > 0)
		qsort(b->maybes, b->maybes_n, sizeof(*b->maybes), maybe_by_device);
	while (at < b->n && verdict == 1) {
		struct history_device d = {.events = events, .maybes = maybes};
		uint32_t device = b->events[at].device;

		for (; at < b->n && b->events[at].device == device; at++)
			events[d.n++] = b->events[at].e;
		while (m < b->maybes_n && b->maybes[m].device < device)
			m++;
		for (; m < b->maybes_n && b->maybes[m].device == device; m++)
			maybes[d.maybes_n++] = b->maybes[m].m;
		verdict = history_search(b->h, device, &d, b->why, b->why_n);
	}
	free(events);
	free(maybes);
	return verdict;
}

int history_check(struct history *h, char *why, size_t why_n)
{
	struct build b = {.h = h, .why = why, .why_n = why_n};
	int verdict = 1;

	if (h->convicted != NULL) {
		(void)snprintf(why, why_n, "%s", h->convicted);
		return 0;
	}
	for (size_t i = 1; i <= h->requests_n && verdict == 1; i++)
		verdict = put_request(&b, &h->requests[i]);
	if (verdict == 1)
		verdict = search_all(&b);
	free(b.events);
	free(b.maybes);
	return verdict;
}
