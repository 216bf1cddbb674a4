// SPDX-License-Identifier: Apache-2.0
/* After a commit: the event, and the lock service, which must not let a device export what it
 * synchronises (sync.md section 7). A call may be lost, so all members are told again at start and
 * every tell_ms; a device that left is told until it was heard. */
#include <stdlib.h>

#include "common/loop/loop.h"
#include "services/sync/sync.h"

#define PAGE 256
#define SOON_MS 500 /* while something was not heard */

struct sync sync_service;

static struct {
	struct timer *timer;
	struct uuid after; /* last device of the page */
	size_t n, open;    /* of the page: rows, calls under way */
	bool lost;         /* something in the round was not heard */
} round_of;

struct telling {
	struct uuid device;
	bool departed, in_round;
};

void tell_changed(const struct uuid *group, const struct m_sync_member *m)
{
	struct m_sync_changed e = {.group = *group};

	if (m != NULL) {
		e.device = m->device;
		e.state = m->state;
	}
	service_publish(sync_service.service, &m_sync_changed_desc, &e);
}

static void next_page(void);

static void round_end(void)
{
	uint64_t often = (uint64_t)sync_service.config.tell_ms;

	timer_set(round_of.timer, round_of.lost && often > SOON_MS ? SOON_MS : often, 0);
}

static void page_end(void)
{
	/* one that was not heard does not keep the others from being told */
	if (round_of.n < PAGE || !peer_up(sync_service.lock))
		round_end();
	else
		next_page();
}

static void no_answer(unused struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, unused void *arg)
{
	/* when it was not noted it is told once more; arg is gone */
}

static void departed_args(struct db_args *a, void *arg)
{
	db_uuid(a, &((struct telling *)arg)->device);
}

static void heard(void *arg, unused const void *body, const struct fault *f, unused uint64_t who)
{
	struct telling *t = arg;

	if (f == NULL && t->departed)
		db_query(sync_service.service->db, &SQL_TELL_DEPARTED, departed_args, no_answer, t);
	if (t->in_round) {
		round_of.lost |= f != NULL;
		if (--round_of.open == 0)
			page_end();
	}
	free(t);
}

static void tell(const struct m_sync_member *m, bool departed, bool in_round)
{
	struct telling *t = calloc(1, sizeof(*t));
	struct m_lock_stand stand = {
		.device = m->device,
		.role = departed ? SYNC_ROLE_NONE : m->role,
		.state = departed ? SYNC_STATE_STOPPED : m->state,
		.destination = m->destination,
	};

	bug_if(t == NULL);
	*t = (struct telling){m->device, departed, in_round};
	peer_call(sync_service.lock, &m_lock_stand_desc, &stand,
		&(struct peer_opts){.for_call = NULL}, heard, t);
}

void tell_lock(const struct m_sync_member *m, bool departed)
{
	if (sync_service.lock != NULL)
		tell(m, departed, false);
}

static void tell_page(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	if (f != NULL) {
		round_of.lost = true;
		round_end();
		return;
	}
	round_of.n = round_of.open = (size_t)db_rows(r[0]);
	if (round_of.n == 0)
		round_end();
	for (int i = 0; i < db_rows(r[0]); i++) {
		struct m_sync_member m = {
			.device = db_get_uuid(r[0], i, 0),
			.role = (enum sync_role)db_get_int(r[0], i, 1),
			.state = (enum sync_state)db_get_int(r[0], i, 2),
			.destination = db_get_text(r[0], i, 3),
		};
		round_of.after = m.device;
		tell(&m, db_get_bool(r[0], i, 4), true);
	}
}

static void page_args(struct db_args *a, unused void *arg)
{
	db_uuid(a, &round_of.after);
	db_int(a, PAGE);
}

static void next_page(void)
{
	db_query(sync_service.service->db, &SQL_TELL_LIST, page_args, tell_page, NULL);
}

static void round_begin(unused void *arg)
{
	if (sync_service.service->stopping)
		return;
	round_of.after = (struct uuid){{0}};
	round_of.lost = !peer_up(sync_service.lock);
	if (round_of.lost)
		round_end();
	else
		next_page();
}

void tell_start(void)
{
	round_of.timer = timer_new(sync_service.service->loop, round_begin, NULL);
	timer_set(round_of.timer, 1, 0);
}

int sync_start(struct service *s, struct fault *reterr)
{
	const char *urls = sync_service.config.common.lock_urls;

	sync_service.service = s;
	if (*urls == '\0')
		return 0;
	sync_service.lock = peer_new(s, urls, reterr);
	if (sync_service.lock == NULL)
		return -1;
	tell_start();
	return 0;
}
