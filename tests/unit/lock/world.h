// SPDX-License-Identifier: Apache-2.0
/* A device, what stands on it, and requests, in the words of docs/spec/locks.md. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/lock/lock.h"

#define NOW_MS INT64_C(1800000000000)
#define IMPORT LOCK_DIRECTION_IMPORT
#define EXPORT LOCK_DIRECTION_EXPORT
#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct world {
	struct lock_profile profile;
	struct lock_held held[32];
	struct lock_waiter waiting[32];
	struct lock_device device;
};

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	lock_profile_generic(&w->profile);
	w->device = (struct lock_device){
		.profile = &w->profile, .held = w->held, .waiting = w->waiting};
}

static inline struct uuid world_id(unsigned n)
{
	struct uuid id = {{0}};

	id.b[0] = 1;
	id.b[14] = (uint8_t)(n >> 8);
	id.b[15] = (uint8_t)n;
	return id;
}

static inline struct lock_held *world_hold(
	struct world *w, enum lock_kind kind, unsigned op, enum lock_direction direction)
{
	struct lock_held *h = &w->held[w->device.held_n++];

	*h = (struct lock_held){.kind = kind,
		.use = {.op = op, .direction = direction},
		.state = LOCK_STATE_LIVE,
		.until_ms = NOW_MS + 15000};
	h->request = world_id((unsigned)w->device.held_n);
	return h;
}

static inline void world_shadow(struct world *w, unsigned op)
{
	world_hold(w, LOCK_KIND_SHADOW, op, LOCK_DIRECTION_NONE)->request = (struct uuid){{0}};
}

static inline struct lock_held *world_sync(
	struct world *w, enum sync_role role, enum sync_state state, const char *destination)
{
	struct lock_held *h = world_hold(w, LOCK_KIND_STANDING, OP_SYNC, LOCK_DIRECTION_NONE);

	h->role = role;
	h->sync_state = state;
	h->destination = destination;
	return h;
}

static inline void world_wait(struct world *w, unsigned op, enum lock_direction direction)
{
	struct lock_waiter *q = &w->waiting[w->device.waiting_n++];

	*q = (struct lock_waiter){.request = world_id(100 + (unsigned)w->device.waiting_n),
		.use = {.op = op, .direction = direction},
		.ticket = w->device.waiting_n,
		.until_ms = NOW_MS + 60000};
}

/* items: NULL = all of that operation */
static inline struct lock_request world_request(
	enum lock_kind kind, unsigned op, enum lock_direction direction, const char *const *items)
{
	struct lock_request r = {.kind = kind,
		.use = {.op = op, .direction = direction},
		.policy = ITEM_POLICY_FILTER};

	r.items = items ? items : op_items(op, &r.items_n);
	while (items && items[r.items_n])
		r.items_n++;
	return r;
}

static inline struct lock_verdict world_ask(const struct world *w, const struct lock_request *r)
{
	return lock_decide_device(r, &w->device, NOW_MS);
}
