// SPDX-License-Identifier: Apache-2.0
/* Faults of a lock service, put into a history that was good. */
#include <string.h>

#include "tests/lib/history_record.h"

#define EACH_CALL(h, r, c)                                                                         \
	for (struct history_call *c = &(h)->calls[(r)->first]; c != (h)->calls;                    \
		c = &(h)->calls[c->next])

#define EACH_REQUEST(h, r)                                                                         \
	for (struct history_request *r = &(h)->requests[1]; r <= &(h)->requests[(h)->requests_n];  \
		r++)

/* ---- what is looked for ---- */

static struct history_call *first_of(const struct history *h, const struct history_request *r,
	enum history_what what, enum history_result result)
{
	EACH_CALL(h, r, c)
	if (c->what == what && c->result == result && !c->other &&
		(what == HISTORY_ACQUIRE || c->client == r->client))
		return c;
	return NULL;
}

static struct history_call *grant_of(const struct history *h, const struct history_request *r)
{
	return first_of(h, r, HISTORY_ACQUIRE, HISTORY_GRANTED);
}

/* The call is the one by which a request for a single device was granted. */
static struct history_request *granted_by(const struct history *h, uint32_t call)
{
	struct history_request *r = &h->requests[h->calls[call].request];

	return r->devices_n == 1 && r->tokens != NULL && grant_of(h, r) == &h->calls[call] ? r
											   : NULL;
}

static int64_t asked(const struct history *h, const struct history_request *r)
{
	return h->calls[r->first].call;
}

/* Its grant is known, for the same single device, and its request came after b was answered. */
static bool follows(
	const struct history *h, const struct history_request *a, const struct history_request *b)
{
	return a != b && a->devices_n == 1 && a->tokens != NULL && a->devices[0] == b->devices[0] &&
	       grant_of(h, a) != NULL && asked(h, a) > grant_of(h, b)->ret;
}

static bool excluded(
	const struct history *h, const struct history_request *a, const struct history_request *b)
{
	return history_may(a->op, b->op) == 'n' && a->under != (uint32_t)(b - h->requests);
}

static bool gives_back(const struct history *h, const struct history_request *r)
{
	EACH_CALL(h, r, c)
	if (c->what == HISTORY_RELEASE && c->client == r->client)
		return true;
	return false;
}

/* ---- changes ---- */

/* As if it had never been called: an effect that nobody heard of. */
static void forget(struct history_call *c)
{
	c->what = HISTORY_STORE;
	c->result = HISTORY_UNKNOWN;
	c->ret = HISTORY_NEVER;
}

static void set_token(struct history *h, struct history_request *r, uint64_t token)
{
	uint64_t old = r->tokens[0];

	EACH_CALL(h, r, c)
	if (c->token == old && c->what != HISTORY_ACQUIRE)
		c->token = token;
	r->tokens = arena_dup(&h->arena, &token, sizeof(token));
}

static void chain_again(struct history *h)
{
	EACH_REQUEST(h, r)
	r->first = r->last = 0;
	for (uint32_t i = 1; i <= h->calls_n; i++) {
		struct history_request *r = &h->requests[h->calls[i].request];
		h->calls[i].next = 0;
		if (r->first == 0)
			r->first = i;
		else
			h->calls[r->last].next = i;
		r->last = i;
	}
}

/* ---- the faults ---- */

static bool never_given_back(struct history *h, uint32_t call)
{
	struct history_call *c = &h->calls[call];
	struct history_request *a = &h->requests[c->request];
	unsigned releases = 0;

	if (c->what != HISTORY_RELEASE || c->result != HISTORY_OK || c->unsure || a->hold ||
		a->devices_n != 1 || a->tokens == NULL || grant_of(h, a) == NULL)
		return false;
	int64_t end = asked(h, a);
	EACH_CALL(h, a, x)
	{
		releases += x->what == HISTORY_RELEASE && x->client == a->client;
		if (x->what == HISTORY_RENEW && x->result == HISTORY_OK)
			end = x->call;
	}
	end += a->lease + h->quarantine - 2 * h->slack;
	EACH_REQUEST(h, b)
	if (releases == 1 && follows(h, b, a) && excluded(h, b, a) && grant_of(h, b)->ret < end) {
		forget(c);
		return true;
	}
	return false;
}

static bool effect_without_a_lock(struct history *h, uint32_t call)
{
	struct history_call *c = &h->calls[call];
	const struct history_request *r = &h->requests[c->request];
	const struct history_call *gone = first_of(h, r, HISTORY_RELEASE, HISTORY_OK);

	if (c->client != r->client || gone == NULL || gone->ret >= c->call ||
		!((c->what == HISTORY_STORE && c->result == HISTORY_REFUSED) ||
			(c->what == HISTORY_RENEW && c->result == HISTORY_LOST)))
		return false;
	c->result = HISTORY_OK;
	return true;
}

static bool a_thief_is_served(struct history *h, uint32_t call)
{
	struct history_call *c = &h->calls[call];

	if ((c->what != HISTORY_RENEW && c->what != HISTORY_RELEASE) || c->result != HISTORY_LOST ||
		c->client == h->requests[c->request].client)
		return false;
	c->result = HISTORY_OK;
	return true;
}

static bool a_token_is_issued_twice(struct history *h, uint32_t call)
{
	struct history_request *a = granted_by(h, call);

	if (a == NULL)
		return false;
	EACH_REQUEST(h, b)
	if (follows(h, b, a)) {
		set_token(h, b, a->tokens[0]);
		return true;
	}
	return false;
}

static bool tokens_fall(struct history *h, uint32_t call)
{
	struct history_request *a = granted_by(h, call);

	if (a == NULL)
		return false;
	EACH_REQUEST(h, b)
	if (follows(h, b, a)) {
		uint64_t token = a->tokens[0];
		set_token(h, a, b->tokens[0]);
		set_token(h, b, token);
		return true;
	}
	return false;
}

/* It was surely live then. A release that is told "ok" may have happened in a release before. */
static bool needed_after(
	const struct history *h, const struct history_request *r, const struct history_call *when)
{
	bool released = false;

	EACH_CALL(h, r, c)
	{
		bool live = c->what == HISTORY_RENEW || c->what == HISTORY_STORE ||
			    (c->what == HISTORY_RELEASE && !released);
		if (c->client != r->client)
			continue;
		if (live && c->result == HISTORY_OK && c->call > when->ret)
			return true;
		released |= c->what == HISTORY_RELEASE;
	}
	return false;
}

/* The one that was granted beside a live lock was another operation, which that lock excludes. */
static bool excluded_is_granted(struct history *h, uint32_t call)
{
	struct history_request *a = granted_by(h, call);
	unsigned op = a == NULL ? 0 : history_op("batch_ie");

	EACH_REQUEST(h, b)
	if (op != 0 && history_may(op, a->op) == 'n' && follows(h, b, a) && b->under == 0 &&
		needed_after(h, a, grant_of(h, b))) {
		b->op = (uint8_t)op;
		return true;
	}
	return false;
}

/* Two that waited for the same: from when both stood in the queue, each gets what the other got. */
static bool overtaken(struct history *h, uint32_t call)
{
	struct history_request *a = granted_by(h, call);
	const struct history_call *qa =
		a == NULL ? NULL : first_of(h, a, HISTORY_ACQUIRE, HISTORY_QUEUED);

	EACH_REQUEST(h, b)
	{
		const struct history_call *qb = first_of(h, b, HISTORY_ACQUIRE, HISTORY_QUEUED);
		if (qa == NULL || qb == NULL || a->ticket >= b->ticket || b->devices_n != 1 ||
			b->tokens == NULL || a->devices[0] != b->devices[0] || !excluded(h, a, b) ||
			a->under != 0 || b->under != 0 || grant_of(h, b) == NULL ||
			grant_of(h, a)->call <= qb->ret ||
			grant_of(h, b)->call <= grant_of(h, a)->ret)
			continue;
		int64_t both = qa->ret > qb->ret ? qa->ret : qb->ret;
		const uint32_t ids[2] = {(uint32_t)(a - h->requests), (uint32_t)(b - h->requests)};
		const uint64_t *tokens = a->tokens;
		for (size_t i = 1; i <= h->calls_n; i++) {
			struct history_call *c = &h->calls[i];
			if (c->call <= both || (c->request != ids[0] && c->request != ids[1]))
				continue;
			c->client = c->client == a->client   ? b->client
				    : c->client == b->client ? a->client
							     : c->client;
			c->request = c->request == ids[0] ? ids[1] : ids[0];
		}
		a->tokens = b->tokens;
		b->tokens = tokens;
		chain_again(h);
		return true;
	}
	return false;
}

/* A holder that was heard of no more had asked for a lease that was not over yet. */
static bool lease_cut_short(struct history *h, uint32_t call)
{
	struct history_request *a = granted_by(h, call);

	if (a == NULL || gives_back(h, a))
		return false;
	EACH_REQUEST(h, b)
	if (follows(h, b, a) && excluded(h, b, a)) {
		a->lease += grant_of(h, b)->ret - asked(h, a);
		return true;
	}
	return false;
}

const struct history_doctor history_doctors[HISTORY_DOCTORS] = {
	{"a lock that was given back was still held when the next one was granted",
		never_given_back},
	{"an effect or a renewal is accepted after the release", effect_without_a_lock},
	{"somebody else renews or releases", a_thief_is_served},
	{"a token is issued twice", a_token_is_issued_twice},
	{"tokens fall", tokens_fall},
	{"what a live lock excludes is granted beside it", excluded_is_granted},
	{"the later of two waiters is served first", overtaken},
	{"a lease is cut short", lease_cut_short},
};
