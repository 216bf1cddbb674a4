// SPDX-License-Identifier: Apache-2.0
/* Clients of the lock service that do at random whatever a client may do: they stop being heard,
 * come back late, ask twice, present what is not theirs. */
#pragma once

#include "tests/service/lock_calls.h"

/* ---- what to do next ---- */

/* Somebody's hold that this one may work under. */
static const struct actor *hold_of_another(const struct actor *a)
{
	for (size_t i = 0; i < ACTORS; i++) {
		const struct actor *o = &act.all[(a->number + i) % ACTORS];
		if (o != a && o->step == HOLDING && o->kind == LOCK_KIND_HOLD)
			return o;
	}
	return NULL;
}

/* All want the same one for a moment. */
static struct {
	unsigned device;
	uint64_t until;
} crowd;

static void choose_devices(struct actor *a)
{
	bool with_the_crowd = clock_mono_ms() < crowd.until;
	unsigned first = with_the_crowd ? crowd.device : pick(DEVICES);
	unsigned n = once_in(4) ? 2 + pick(2) : 1;

	a->n = 0;
	for (unsigned i = 0; i < n && first + i < DEVICES; i++)
		a->devices[a->n++] = (struct uuid){.b = {5, [15] = (uint8_t)(first + i + 1)}};
}

static void choose_operation(struct actor *a)
{
	static const char *const own[] = {
		"indiv_ie", "batch_ie", "sync_control", "restart", "session"};
	static const char *const declared[] = {"send", "fax", "rui", "remote_ab", "sync",
		"sw_update", "mbox_backup", "shutdown", "batch_ie", "dist"};

	a->under = NULL;
	a->workflow = (struct uuid){.b = {0}};
	a->kind = pick(8) < 5 ? LOCK_KIND_OWN : LOCK_KIND_DECLARED;
	a->op = a->kind == LOCK_KIND_OWN ? own[pick(array_len(own))]
					 : declared[pick(array_len(declared))];
	if (!once_in(6))
		return;
	const struct actor *hold = hold_of_another(a);
	a->op = once_in(2) ? "batch_ie" : "indiv_ie";
	if (hold == NULL) {
		a->kind = LOCK_KIND_HOLD;
		a->workflow = a->request;
		return;
	}
	a->kind = LOCK_KIND_OWN;
	a->under = hold;
	a->under_request = hold->request;
	a->under_name = hold->name;
	a->workflow = hold->workflow;
	memcpy(a->devices, hold->devices, sizeof(a->devices));
	a->n = hold->n;
}

static void new_request(struct actor *a)
{
	a->request = uuid_v7(clock_wall_ms());
	a->name = ++act.requests;
	choose_devices(a);
	choose_operation(a);
	a->wait_ms = once_in(3) ? 0 : 300 + pick(5) * 400;
	a->lease_ms = LEASE_MS - 300 * pick(2);
	a->unsure = once_in(8);
	a->first_sent = clock_mono_ms();
}

static void use_lock(struct actor *a)
{
	struct actor *other = &act.all[(a->number + 1 + pick(ACTORS - 1)) % ACTORS];
	unsigned what = pick(100);

	a->step = HOLDING;
	if (what < 25)
		have_effect(a);
	else if (what < 30) /* forged */
		renew_or_release(a, other, once_in(2) ? HISTORY_RENEW : HISTORY_RELEASE);
	else if (what < 34)
		ask_for_lock(a, true);
	else if (what < 38) /* it holds it already */
		ask_for_lock(a, false);
	if (what < 38) {
		timer_set(a->timer, pick(200), 0);
	} else if (what < 45) { /* as if it had been stopped, past its lease */
		timer_set(a->timer, a->lease_ms + pick(900), 0);
	} else if (what < 50) { /* as if it had been killed */
		after(a, RESTING, pick(100));
	} else if (what < 70) {
		renew_or_release(a, a, HISTORY_RENEW);
	} else {
		a->step = RELEASING;
		renew_or_release(a, a, HISTORY_RELEASE);
	}
}

static void step(void *arg)
{
	struct actor *a = arg;

	switch (a->step) {
	case OVER: /* it has not understood that it is */
		if (once_in(2))
			have_effect(a);
		else
			renew_or_release(a, a, HISTORY_RENEW);
		after(a, RESTING, ANSWER_MS);
		return;
	case RESTING:
		if (act.stopping)
			return;
		new_request(a);
		a->step = ASKING;
		ask_for_lock(a, false);
		return;
	case CANCELLING:
		cancel(a);
		after(a, ASKING, pick(60));
		return;
	case ASKING:
		ask_for_lock(a, false);
		return;
	case HOLDING:
		use_lock(a);
		return;
	case RELEASING:
		renew_or_release(a, a, HISTORY_RELEASE);
		return;
	}
}

static bool all_rest(void)
{
	for (size_t i = 0; i < ACTORS; i++)
		if (act.all[i].step != RESTING)
			return false;
	return act.in_flight == 0;
}

static void actors_start(unsigned seed)
{
	char conninfo[200];

	act.seed = seed;
	act.record.settings = "set lease 1000\nset quarantine 600\nset silent 1500\nset slack 10\n";
	(void)snprintf(conninfo, sizeof(conninfo), "host=%s dbname=carnet user=carnet_storage",
		getenv("CARNET_TEST_PG"));
	act.storage = db_open(client.loop, conninfo, 4);
	for (unsigned i = 0; i < ACTORS; i++) {
		struct actor *a = &act.all[i];
		a->number = i;
		a->session = (struct uuid){.b = {6, (uint8_t)i}};
		a->timer = timer_new(client.loop, step, a);
		after(a, RESTING, 1 + i);
	}
}

static void actors_end(void)
{
	for (size_t i = 0; i < ACTORS; i++)
		timer_free(act.all[i].timer);
	db_close(act.storage);
	history_record_fini(&act.record);
}

/* Everybody does now what it would do later, at one device where it is free to choose; who waits
 * for an answer says the same once more meanwhile. */
static void stampede(void)
{
	crowd.device = pick(DEVICES);
	crowd.until = clock_mono_ms() + 5;
	for (size_t i = 0; i < ACTORS; i++)
		if (once_in(2))
			timer_set(act.all[i].timer, 0, 0);
}
