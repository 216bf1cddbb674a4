/* SPDX-License-Identifier: Apache-2.0 */
/* From the state of the model to the arguments of lock_decide, and back. The bugs that are planted
 * here are those of a caller or of the rule it stands for. */
#include "tests/model/decide.h"

#include <stdlib.h>
#include <string.h>

#include "services/lock/lock.h"

#define NOW_MS INT64_C(1800000000000)

static const unsigned ops[] = {
	OP_BATCH_IE, OP_SEND, OP_DIST, OP_SYNC, OP_RUI, OP_SHUTDOWN, OP_SESSION, OP_SYNC_CONTROL};
static const char *const items[] = {"address_book", "personal_setting_info"};
enum { SYNCED_ITEM = 2 /* bit of the second */ };

static struct uuid id_of(unsigned request)
{
	return (struct uuid){.b = {[15] = (unsigned char)(request + 1)}};
}

static enum lock_kind kind_of(const struct picture *p, unsigned request)
{
	switch (p->op[request]) {
	case CONTROL:
		return LOCK_KIND_HOLD;
	case BATCH:
	case DIST:
	case SESSION:
		return LOCK_KIND_OWN;
	default:
		return LOCK_KIND_DECLARED;
	}
}

static struct lock_use use_of(const struct picture *p, unsigned request)
{
	return (struct lock_use){.op = ops[p->op[request]],
		.direction = p->op[request] == BATCH ? LOCK_DIRECTION_IMPORT : LOCK_DIRECTION_NONE};
}

static size_t held_on(const struct picture *p, unsigned device, struct lock_held *held)
{
	size_t n = 0;

	for (unsigned i = 0; i < REQUESTS; i++)
		if (p->state[i] == LIVE && p->devices[i] & (1u << device))
			held[n++] = (struct lock_held){.request = id_of(i),
				.kind = kind_of(p, i),
				.use = use_of(p, i),
				.state = LOCK_STATE_LIVE};
	if (p->standing & (1u << device))
		held[n++] = (struct lock_held){.kind = LOCK_KIND_STANDING,
			.use = {.op = OP_SYNC, .direction = LOCK_DIRECTION_NONE},
			.state = LOCK_STATE_LIVE,
			.role = SYNC_ROLE_CLIENT,
			.sync_state = SYNC_STATE_RUNNING};
	return n;
}

#ifdef NO_FIFO
#define FIFO false
#else
#define FIFO true
#endif
#ifdef TWO_TICKETS /* each queue has its own order */
#define TICKET(p, i, device)                                                                       \
	((p)->ticket[i] && (device) == 1 ? REQUESTS + 1u - (p)->ticket[i] : (p)->ticket[i])
#else
#define TICKET(p, i, device) (p)->ticket[i]
#endif

static size_t waiting_on(const struct picture *p, unsigned device, struct lock_waiter *waiting)
{
	size_t n = 0;

	for (unsigned i = 0; i < REQUESTS; i++)
		if (FIFO && p->state[i] == WAITING && p->devices[i] & (1u << device))
			waiting[n++] = (struct lock_waiter){.request = id_of(i),
				.use = use_of(p, i),
				.ticket = TICKET(p, i, device),
				.until_ms = NOW_MS + (p->late[i] ? 0 : 1)};
	return n;
}

static struct lock_request request_of(const struct picture *p, unsigned who)
{
	struct lock_request r = {.kind = kind_of(p, who),
		.use = use_of(p, who),
		.items = items,
		.items_n = p->op[who] == BATCH ? array_len(items) : 0,
		.policy = ITEM_POLICY_FILTER,
		.ticket = p->ticket[who],
		.may_wait = true};

	if (p->child && who == 1) {
		r.under = id_of(0);
		r.under_live = p->state[0] == LIVE;
#ifdef LOST_HOLD
		r.under_live = true;
#endif
	}
	return r;
}

#ifdef SYMMETRIC /* "may these two overlap?" instead of "may the later one start?" */
static bool either_way(const struct picture *p, unsigned who, const struct lock_device *d)
{
	for (size_t i = 0; i < d->held_n; i++)
		if (lock_may_start(d->profile, use_of(p, who), d->held[i].use) == LOCK_MAY_NOT &&
			lock_may_start(d->profile, d->held[i].use, use_of(p, who)) == LOCK_MAY_NOT)
			return false;
	return true;
}
#endif

int decide(const struct picture *p, unsigned who, unsigned char *ret_filtered)
{
	struct lock_profile profile;
	struct lock_held held[DEVICES][REQUESTS + 1];
	struct lock_waiter waiting[DEVICES][REQUESTS];
	struct lock_device devices[DEVICES];
	struct lock_verdict verdicts[DEVICES];
	unsigned at[DEVICES];
	size_t n = 0;
	struct lock_request r = request_of(p, who);

	lock_profile_generic(&profile);
	for (unsigned d = 0; d < DEVICES; d++) {
		if (!(p->devices[who] & (1u << d)))
			continue;
		at[n] = d;
		devices[n] = (struct lock_device){.profile = &profile,
			.held = held[n],
			.held_n = held_on(p, d, held[n]),
			.waiting = waiting[n],
			.waiting_n = waiting_on(p, d, waiting[n])};
#ifdef TWO_TICKETS
		r.ticket = TICKET(p, who, d);
		verdicts[n] = lock_decide_device(&r, &devices[n], NOW_MS);
		if (verdicts[n].result != LOCK_RESULT_GRANTED)
			return BUSY;
#endif
		n++;
	}
	enum lock_result result = lock_decide(&r, devices, n, NOW_MS, verdicts);

#ifdef TWO_TICKETS
	result = LOCK_RESULT_GRANTED;
#endif
#ifdef SYMMETRIC
	bool all = result != LOCK_RESULT_REFUSED;
	for (size_t i = 0; i < n; i++)
		all = all && either_way(p, who, &devices[i]);
	result = all ? LOCK_RESULT_GRANTED : result;
#endif
	*ret_filtered = 0;
	for (size_t i = 0; i < n; i++)
		if (verdicts[i].items_synced & SYNCED_ITEM)
			*ret_filtered |= (unsigned char)(1u << at[i]);
#ifdef NO_ITEM_FILTER
	*ret_filtered = 0;
#endif
	return result == LOCK_RESULT_GRANTED   ? GRANTED
	       : result == LOCK_RESULT_REFUSED ? REFUSED
					       : BUSY;
}
