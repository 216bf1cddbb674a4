// SPDX-License-Identifier: Apache-2.0
/* Taking events. An event is forgotten by its owner after it is on its way here: between the two it
 * may come twice, and is put once (RL-10). */
#include "services/gateway/notify.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "common/db/db.h"
#include "services/gateway/notice.h"
#include "services/gateway/sql_notify.h"

#define TAKE 100u
#define PURGE_EVERY_MS 3600000

/* Kinds of which there may be very many: written only when somebody wants them. */
static const char *const rare[] = {"job.failed", "book.changed"};

/* One service that writes events. */
struct source {
	struct notify *notify;
	struct peer *peer;
	bool busy, full;
	struct uuid done[TAKE]; /* on their way, not yet forgotten there */
	size_t done_n;
	const struct m_outbox_page *page; /* while they are put */
};

struct notify {
	struct gateway *gateway;
	struct timer *timer;
	struct webhook_sender *webhooks;
	struct mail_sender *mails;
	struct source sources[1];
	bool looking;
	const char *wanted[array_len(rare)]; /* of these, those that somebody wants */
	size_t wanted_n;
	uint64_t purged_ms;
};

static void take(struct source *s);

static void nothing(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)res;
	(void)n;
	(void)f;
	(void)arg;
}

static void no_parameters(struct db_args *a, void *arg)
{
	(void)a;
	(void)arg;
}

/* ---- put on their way ---- */

static void put(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct source *s = arg;

	(void)t;
	(void)n;
	s->busy = false;
	if (f != NULL) {
		log_warn(L("events could not be put on their way"), L_STR("why", f->detail));
		s->done_n = 0; /* they come again */
		return;
	}
	CRASHPOINT("notify.put");
	if (db_get_int(res[0], 0, 0) > 0)
		webhook_sender_tick(s->notify->webhooks);
	if (s->full)
		take(s);
}

/* One array per column. */
static void fill_events(struct db_args *a, const struct m_outbox_page *page)
{
	for (int column = 0; column < 5; column++) {
		db_array(a);
		for (size_t i = 0; i < page->items_n; i++) {
			const struct m_outbox_event *e = &page->items[i];
			if (column == 0)
				db_uuid(a, &e->id);
			else if (column == 3)
				db_time_ms(a, e->at);
			else
				db_text(a, column == 1   ? e->kind
					   : column == 2 ? e->subject
							 : e->data);
		}
		db_array_end(a);
	}
}

static void fill_put(struct db_args *a, void *arg)
{
	const struct source *s = arg;
	int64_t now = (int64_t)clock_wall_ms();

	fill_events(a, s->page);
	for (int digest = 1; digest <= 3; digest++)
		db_time_ms(a, notice_due_ms(digest, now));
	db_int(a, s->notify->gateway->config->notify_queue);
}

static void taken(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct source *s = arg;
	const struct m_outbox_page *page = body;

	(void)instance;
	s->busy = false;
	if (f != NULL)
		return;
	s->done_n = 0;
	s->full = page->items_n == TAKE;
	if (page->items_n == 0)
		return;
	for (size_t i = 0; i < page->items_n && i < TAKE; i++)
		s->done[s->done_n++] = page->items[i].id;
	s->busy = true;
	s->page = page;
	CRASHPOINT("notify.taken");
	db_query(s->notify->gateway->service->db, &SQL_NOTICE_PUT, fill_put, put, s);
}

static void take(struct source *s)
{
	struct m_outbox_take ask = {.max = TAKE, .done = s->done, .done_n = s->done_n};

	if (s->busy || s->notify->gateway->service->stopping || !peer_up(s->peer))
		return;
	ask.want = s->notify->wanted;
	ask.want_n = s->notify->wanted_n;
	s->busy = true;
	peer_call(s->peer, &m_outbox_take_desc, &ask, &(struct peer_opts){.deadline_ms = 0}, taken,
		s);
}

/* ---- what is wanted ---- */

static void fill_rare(struct db_args *a, void *arg)
{
	(void)arg;
	db_array(a);
	for (size_t i = 0; i < array_len(rare); i++)
		db_text(a, rare[i]);
	db_array_end(a);
}

static size_t read_wanted(struct db_result *r, const char *ret[static array_len(rare)])
{
	size_t n = 0;

	for (int row = 0; row < db_rows(r); row++)
		for (size_t i = 0; i < array_len(rare); i++)
			if (strcmp(db_get_text(r, row, 0), rare[i]) == 0)
				ret[n++] = rare[i];
	return n;
}

static void looked(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct notify *no = arg;

	(void)t;
	(void)n;
	no->looking = false;
	if (f != NULL)
		return;
	no->wanted_n = read_wanted(res[0], no->wanted);
	for (size_t i = 0; i < array_len(no->sources); i++)
		take(&no->sources[i]);
	webhook_sender_tick(no->webhooks);
	mail_sender_tick(no->mails);
}

static void fill_age(struct db_args *a, void *arg)
{
	db_int(a, ((const struct notify *)arg)->gateway->config->webhook_give_up_ms);
}

static void purge(struct notify *no)
{
	struct db *db = no->gateway->service->db;

	db_query(db, &SQL_NOTICE_AGE, fill_age, nothing, no);
	if (clock_mono_ms() - no->purged_ms < PURGE_EVERY_MS)
		return;
	no->purged_ms = clock_mono_ms();
	db_query(db, &SQL_NOTICE_PURGE, no_parameters, nothing, NULL);
	db_query(db, &SQL_NOTICE_PURGED, no_parameters, nothing, NULL);
}

static void look(void *arg)
{
	struct notify *no = arg;
	struct service *s = no->gateway->service;

	if (no->looking || s->stopping || !db_up(s->db))
		return;
	no->looking = true;
	purge(no);
	db_query(s->db, &SQL_NOTICE_WANT, fill_rare, looked, no);
}

void notify_look(struct gateway *g)
{
	look(g->notify);
}

static void told(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct rest *r = arg;

	(void)body;
	(void)f;
	(void)instance;
	r->then(r);
}

static void want(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;
	const char *wanted[array_len(rare)];
	struct m_outbox_take ask = {
		.want = wanted, .want_n = f == NULL ? read_wanted(res[0], wanted) : 0};

	(void)t;
	(void)n;
	if (ask.want_n > 0)
		peer_call(r->gateway->scheduler, &m_outbox_take_desc, &ask,
			&(struct peer_opts){.deadline_ms = 2000}, told, r);
	else
		r->then(r);
}

void notify_want(struct gateway *g, struct rest *r, void (*then)(struct rest *r))
{
	r->then = then;
	db_query(g->service->db, &SQL_NOTICE_WANT, fill_rare, want, r);
}

struct notify *notify_new(struct gateway *g, struct fault *reterr)
{
	struct notify *no = mem_alloc(sizeof(*no));

	no->gateway = g;
	no->webhooks = webhook_sender_new(g, reterr);
	if (no->webhooks == NULL) {
		free(no);
		return NULL;
	}
	no->mails = mail_sender_new(g);
	no->sources[0] = (struct source){.notify = no, .peer = g->scheduler};
	no->timer = timer_new(g->service->loop, look, no);
	timer_set(no->timer, (uint64_t)g->config->notify_every_ms,
		(uint64_t)g->config->notify_every_ms);
	return no;
}
