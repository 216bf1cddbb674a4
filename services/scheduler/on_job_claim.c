// SPDX-License-Identifier: Apache-2.0
/* job_claim: jobs for a worker's free slots. The attempt is counted here (RL-2), the lease begins
 * here (RL-4), and credentials are chosen here, narrowest binding first (FL-14). All claims that
 * wait are served by one transaction. */
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/scheduler/batch.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/place.h"
#include "services/scheduler/zones.h"

#define CREDENTIALS_MAX 16u
#define JOBS_BYTES ((size_t)512 * 1024) /* of one answer; logins come on top */

/* One claimed job on its way to its worker. */
struct handed {
	struct m_job_work *work;
	size_t call;
	enum job_state refused; /* terminal state when it may not be worked on */
	int cause;
	const char *reason;
	size_t bytes;  /* what it takes of the answer, at most */
	bool too_many; /* its call has enough, it is given back */
	/* execution windows */
	const char *windows; /* that bind; NULL = none are asked */
	int64_t now_ms, deadline_ms;
	bool closed;
	int64_t due_ms; /* closed: opens again, 0 = not in time */
	int64_t cut_ms; /* open: told to stop then, 0 = never */
};

/* Calls that ask for the same are served by one statement. */
struct group {
	const struct m_job_claim *like;
	size_t *calls; /* whose each slot is */
	size_t slots;
};

struct claims {
	struct group *groups;
	size_t n_groups;
	struct m_job_batch *replies;
	struct handed *jobs;
	size_t n;
	bool credentials; /* there are any at all */
	bool named;       /* and some job names those that it wants */
	bool windows;
};

static bool has_cause(const struct handed *h, const char *word)
{
	const char *cause = h->work->device->state_cause;

	return cause != NULL && strcmp(cause, word) == 0;
}

/* What wrote already looks at its device first, whatever is said of it. */
static bool begins_to_write(const struct m_job_work *w)
{
	return !kind_reads(w->kind) && w->phase != RUN_PHASE_PLAN && w->step == 0;
}

/* FL-25, FL-13: the device changed since the list was frozen, or refused us before. */
static void judge_device(struct handed *h)
{
	bool probe = strcmp(h->work->kind, "device.probe") == 0;

	/* C3: nothing is written over what nobody has looked at; reads and reverts are allowed */
	if (h->work->phase == RUN_PHASE_APPLY && h->work->step == 0 &&
		has_cause(h, "half_written")) {
		h->refused = JOB_STATE_FAILED;
		h->cause = CN_READBACK_DIFFERS;
		h->reason = "half_written";
	} else if (begins_to_write(h->work) && has_cause(h, "address_conflict")) {
		h->refused = JOB_STATE_FAILED;
		h->cause = CN_ADDRESS_CONFLICT;
	}
	switch (h->work->device->state) {
	case DEVICE_STATE_SUSPENDED:
		h->refused = JOB_STATE_SKIPPED;
		h->cause = CN_DEVICE_SUSPENDED;
		break;
	case DEVICE_STATE_RETIRED:
		h->refused = JOB_STATE_SKIPPED;
		h->cause = CN_DEVICE_RETIRED;
		break;
	case DEVICE_STATE_AUTH_HOLD:
		h->refused = probe ? (enum job_state)0 : JOB_STATE_FAILED;
		h->cause = CN_AUTH_REFUSED;
		break;
	case DEVICE_STATE_CANDIDATE:
	case DEVICE_STATE_ENROLLED:
		break;
	}
	if (h->work->cancel && !job_unsettled(h->work->step)) { /* it was on its way to here */
		h->refused = JOB_STATE_CANCELLED;
		h->cause = CN_CANCELLED_BY_USER;
	}
	if (h->refused != 0 && job_unsettled(h->work->step)) { /* it wrote, and cannot look */
		h->refused = JOB_STATE_FAILED;
		h->reason = "half_written";
	}
}

/* What a job that writes carries from its plan and from its earlier attempts. */
static void read_write(struct row *c, struct m_job_work *w, struct m_task_settings *settings)
{
	w->phase = (enum run_phase)row_uint(c);
	w->plan_hash = row_bytes(c);
	w->step = (enum write_step)row_uint(c);
	w->pre_image = row_uuid(c);
	w->source = row_uuid(c);
	w->map = json_read_list(&m_slot_map_desc, sizeof(*w->map),
		db_get_text(c->r, c->row, c->col++), c->arena, &w->map_n);
	w->accept = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &w->accept_n);
	struct uuid book = row_uuid(c);
	if (uuid_is_nil(&settings->source)) /* a distribution: of the device's set */
		settings->source = book;
	w->cancel = row_bool(c);
	w->restarted = row_bool(c);
}

/* Where a discovery looks is the job's address; its settings would be the whole fleet's. */
static const struct m_discovery *without_ranges(
	const struct m_discovery *d, size_t *bytes, struct arena *arena)
{
	struct m_discovery *copy = d == NULL ? NULL : arena_dup(arena, d, sizeof(*d));

	for (size_t i = 0; copy != NULL && i < d->ranges_n; i++)
		*bytes -= strlen(d->ranges[i]);
	if (copy != NULL) {
		copy->ranges = NULL;
		copy->ranges_n = 0;
	}
	return copy;
}

static void read_work(struct row *c, const struct group *g, struct handed *h, bool *ret_credentials)
{
	struct m_device *d = arena_alloc(c->arena, sizeof(*d));
	struct m_job_work *w = arena_alloc(c->arena, sizeof(*w));

	bug_if(d == NULL || w == NULL); /* this arena has no cap */
	row_device(c, d);
	w->device = d;
	w->job = row_uuid(c);
	w->trace = w->job;
	w->attempt = row_uint(c);
	w->run = row_uuid(c);
	w->kind = row_text(c);
	struct m_task_settings *settings = arena_alloc(c->arena, sizeof(*settings));
	const struct m_task_settings *stored =
		json_read(&m_task_settings_desc, db_get_text(c->r, c->row, c->col++), c->arena);
	bug_if(settings == NULL);
	if (stored != NULL)
		*settings = *stored;
	h->bytes = db_row_bytes(c->r, c->row);
	settings->discover = without_ranges(settings->discover, &h->bytes, c->arena);
	settings->password_sealed = row_bytes(c);
	settings->password_set = settings->password_sealed.p != NULL;
	w->settings = settings;
	w->deadline_ms = row_uint(c);
	w->lease_ms = (uint64_t)scheduler.config.lease_ms;
	*ret_credentials |= row_bool(c);
	/* where the list was frozen, not where the device moved since (FL-22) */
	d->address = row_text(c);
	d->name = row_text(c);
	read_write(c, w, settings);
	h->windows = row_text(c);
	h->now_ms = row_time(c);
	h->deadline_ms = row_time(c);
	struct uuid target = row_uuid(c);
	if (uuid_is_nil(&d->id)) { /* no device: a stretch of addresses, a chore */
		d->id = target;
		d->family = kind_families(w->kind)[0];
		d->state = DEVICE_STATE_ENROLLED;
	}
	h->call = g->calls[row_uint(c) - 1];
	h->work = w;
	judge_device(h);
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);

static void add_credentials(struct txn *t, const struct claims *c)
{
	struct db_args *a = db_add(t, &SQL_CREDENTIAL_OF);

	db_array(a);
	for (size_t i = 0; i < c->n; i++)
		db_uuid(a, &c->jobs[i].work->device->id);
	db_array_end(a);
}

static const struct m_discovery *discovery_of(const struct handed *h)
{
	return kind_discovers(h->work->kind) ? h->work->settings->discover : NULL;
}

/* A discovery tries the credentials that its task names, and no others. */
static void add_named(struct txn *t, const struct claims *c)
{
	struct db_args *a = db_add(t, &SQL_CREDENTIAL_NAMED);

	for (int column = 0; column < 2; column++) {
		db_array(a);
		for (size_t i = 0; i < c->n; i++) {
			const struct m_discovery *d = discovery_of(&c->jobs[i]);
			for (size_t k = 0; d != NULL && k < d->credentials_n; k++) {
				if (column == 0)
					db_int(a, (int64_t)i + 1);
				else
					db_text(a, d->credentials[k]);
			}
		}
		db_array_end(a);
	}
}

static void add_refusals(struct txn *t, const struct claims *c)
{
	struct db_args *a = db_add(t, &SQL_JOB_REFUSE);

	for (int column = 0; column < 4; column++) {
		db_array(a);
		for (size_t i = 0; i < c->n; i++) {
			if (c->jobs[i].refused == 0)
				continue;
			if (column == 0)
				db_uuid(a, &c->jobs[i].work->job);
			else if (column == 3)
				db_text(a, c->jobs[i].reason);
			else
				db_int(a, column == 1 ? (int)c->jobs[i].refused : c->jobs[i].cause);
		}
		db_array_end(a);
	}
}

static const char *failure(const void *list, size_t i, struct uuid *ret_job)
{
	const struct handed *h = &((const struct handed *)list)[i];

	*ret_job = h->work->job;
	return h->refused == JOB_STATE_FAILED ? error_info(h->cause)->name : NULL;
}

/* Whether a window is open for it still: it may have waited for a worker (FL-38). */
static void judge_window(struct handed *h, const struct windows *all)
{
	struct window_open open;
	bool reads = h->work->phase != RUN_PHASE_APPLY && kind_reads(h->work->kind);

	if (h->windows == NULL || h->refused != 0)
		return;
	if (!windows_open(all, h->windows, zone_or_utc(h->work->device->time_zone), h->now_ms,
		    h->deadline_ms, &open)) {
		h->closed = true;
	} else if (open.from_ms > h->now_ms) {
		h->closed = true;
		h->due_ms = open.from_ms;
	} else if (open.hard_end && reads) {
		h->cut_ms = open.to_ms;
	}
}

static void add_jobs(struct db_args *a, const struct claims *c, bool closed)
{
	db_array(a);
	for (size_t i = 0; i < c->n; i++) {
		if (closed ? c->jobs[i].closed : c->jobs[i].cut_ms != 0)
			db_uuid(a, &c->jobs[i].work->job);
	}
	db_array_end(a);
}

static void add_windows(struct txn *t, const struct claims *c)
{
	struct db_args *a = db_add(t, &SQL_JOB_CLOSED);

	add_jobs(a, c, true);
	db_array(a);
	for (size_t i = 0; i < c->n; i++) {
		if (c->jobs[i].closed)
			db_time_ms(a, c->jobs[i].due_ms);
	}
	db_array_end(a);
	add_jobs(db_add(t, &SQL_JOB_NEVER), c, true);
	a = db_add(t, &SQL_ACTIVE_CUT_AT);
	add_jobs(a, c, false);
	db_array(a);
	for (size_t i = 0; i < c->n; i++) {
		if (c->jobs[i].cut_ms != 0)
			db_time_ms(a, c->jobs[i].cut_ms);
	}
	db_array_end(a);
}

static bool goes_out(const struct handed *h)
{
	return h->refused == 0 && !h->closed && !h->too_many;
}

/* An answer has its limit (MSG_MAX); a job that would break it waits for the next call, rather than
 * for its lease. A call gets one job, however long that is. */
static bool fit(struct batch *b, struct claims *c)
{
	size_t *bytes = arena_array(&b->arena, b->n, sizeof(*bytes));
	bool all = true;

	bug_if(bytes == NULL);
	for (size_t i = 0; i < c->n; i++) {
		struct handed *h = &c->jobs[i];
		if (!goes_out(h))
			continue;
		h->too_many = bytes[h->call] > 0 && bytes[h->call] + h->bytes > JOBS_BYTES;
		bytes[h->call] += h->too_many ? 0 : h->bytes;
		all &= !h->too_many;
	}
	return all;
}

static void add_returns(struct txn *t, const struct batch *b, const struct claims *c, size_t call)
{
	struct db_args *a = NULL;

	for (int column = 0; column < 2; column++) {
		for (size_t i = 0; i < c->n; i++) {
			const struct handed *h = &c->jobs[i];
			if (!h->too_many || h->call != call)
				continue;
			if (a == NULL) {
				a = db_add(t, &SQL_JOB_GIVE_BACK);
				db_uuid(a, &((const struct m_job_claim *)b->calls[call]->body)
						    ->worker);
				db_array(a);
			}
			if (column == 0)
				db_uuid(a, &h->work->job);
			else
				db_int(a, (int64_t)h->work->attempt);
		}
		if (a != NULL)
			db_array_end(a);
		if (a != NULL && column == 0)
			db_array(a);
	}
}

/* What is written depends on the devices and on their windows. */
static void settle(struct batch *b, struct claims *c, struct txn *t)
{
	bool refusals = false;

	for (size_t i = 0; i < c->n; i++)
		refusals |= c->jobs[i].refused != 0;
	CRASHPOINT("claim.before_commit");
	if (c->credentials && c->n > 0)
		add_credentials(t, c);
	if (c->named)
		add_named(t, c);
	if (refusals)
		add_refusals(t, c);
	if (c->windows)
		add_windows(t, c);
	if (refusals)
		outbox_failed(t, c->n, failure, c->jobs);
	for (size_t call = fit(b, c) ? b->n : 0; call < b->n; call++)
		add_returns(t, b, c, call);
	db_commit(t, committed, b);
}

static void windows_read(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct claims *c = b->state;
	struct windows all;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	windows_take(r[0], &b->arena, &all);
	for (size_t i = 0; i < c->n; i++)
		judge_window(&c->jobs[i], &all);
	settle(b, c, t);
}

static void claimed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct claims *c = b->state;
	size_t total = 0;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	n = c->n_groups; /* what follows are notes about workers */
	for (size_t i = 0; i < n; i++)
		total += (size_t)db_rows(r[i]);
	c->jobs = arena_array(&b->arena, total + 1, sizeof(*c->jobs));
	bug_if(c->jobs == NULL);
	for (size_t i = 0; i < n; i++) {
		for (int row = 0; row < db_rows(r[i]); row++) {
			struct row cursor = {.r = r[i], .row = row, .arena = &b->arena};
			read_work(&cursor, &c->groups[i], &c->jobs[c->n], &c->credentials);
			const struct m_discovery *d = discovery_of(&c->jobs[c->n]);
			c->named |= d != NULL && d->credentials_n > 0 && c->credentials;
			c->windows |= c->jobs[c->n++].windows != NULL;
		}
	}
	if (c->windows) {
		(void)db_add(t, &SQL_WINDOW_RULES);
		db_step(t, windows_read, b);
	} else {
		settle(b, c, t);
	}
}

/* Rows in order of place: those of one device stand together. */
static void read_credentials(struct claims *c, struct db_result *r, struct arena *arena)
{
	for (int row = 0; row < db_rows(r);) {
		int from = row;
		size_t place = (size_t)db_get_int(r, row, 0) - 1;
		while (row < db_rows(r) && (size_t)db_get_int(r, row, 0) - 1 == place)
			row++;
		size_t n = size_min((size_t)(row - from), CREDENTIALS_MAX);
		struct m_sealed_credential *list = arena_array(arena, n, sizeof(*list));
		bug_if(list == NULL || place >= c->n);
		for (size_t i = 0; i < n; i++) {
			struct row cursor = {
				.r = r, .row = from + (int)i, .col = 1, .arena = arena};
			list[i].id = row_uuid(&cursor);
			list[i].kind = row_text(&cursor);
			list[i].sealed = row_bytes(&cursor);
			list[i].factory_default = row_bool(&cursor);
			list[i].version = row_uint(&cursor);
		}
		c->jobs[place].work->credentials = list;
		c->jobs[place].work->credentials_n = n;
	}
}

static size_t slots_of(const struct m_job_claim *m)
{
	return size_min((size_t)m->slots, (size_t)scheduler.config.claim_max);
}

static void fill_replies(struct batch *b, struct claims *c)
{
	struct m_job_work **lists = arena_array(&b->arena, b->n, sizeof(struct m_job_work *));

	bug_if(lists == NULL);
	for (size_t i = 0; i < b->n; i++) {
		lists[i] = arena_array(
			&b->arena, slots_of(b->calls[i]->body) + 1, sizeof(struct m_job_work));
		bug_if(lists[i] == NULL);
		c->replies[i].jobs = lists[i];
		c->replies[i].poll_ms = (uint64_t)scheduler.config.poll_ms;
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct handed *h = &c->jobs[i];
		struct m_job_batch *reply = &c->replies[h->call];
		if (h->closed)
			reply->poll_ms = 1; /* behind it there may be others */
		else if (goes_out(h))
			lists[h->call][reply->jobs_n++] = *h->work;
	}
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct claims *c = b->state;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	CRASHPOINT("claim.after_commit");
	if (c->credentials && c->n > 0 && n > 0)
		read_credentials(c, r[0], &b->arena);
	if (c->named && n > 1)
		read_credentials(c, r[1], &b->arena);
	fill_replies(b, c);
	for (size_t i = 0; i < c->n; i++)
		events_run(&c->jobs[i].work->run);
	b->replies = c->replies;
	b->reply_size = sizeof(*c->replies);
	batch_answer(b);
}

static bool alike(const struct m_job_claim *a, const struct m_job_claim *b)
{
	if (strcmp(a->pool == NULL ? "" : a->pool, b->pool == NULL ? "" : b->pool) != 0 ||
		a->families_n != b->families_n)
		return false;
	for (size_t i = 0; i < a->families_n; i++) {
		if (strcmp(a->families[i], b->families[i]) != 0)
			return false;
	}
	return true;
}

static struct group *group_of(struct batch *b, struct claims *c, const struct m_job_claim *m)
{
	for (size_t i = 0; i < c->n_groups; i++) {
		if (alike(c->groups[i].like, m))
			return &c->groups[i];
	}
	struct group *g = &c->groups[c->n_groups++];
	g->like = m;
	g->calls = arena_array(
		&b->arena, b->n * (size_t)scheduler.config.claim_max, sizeof(*g->calls));
	bug_if(g->calls == NULL);
	return g;
}

static void add_claim(struct txn *t, const struct batch *b, const struct group *g)
{
	const struct m_job_claim *m = g->like;
	const char *const *families = m->families_n > 0 ? m->families : families_all();
	size_t n = m->families_n;
	struct db_args *a = db_add(t, &SQL_JOB_CLAIM);

	while (m->families_n == 0 && families[n] != NULL)
		n++;

	db_text(a, m->pool == NULL ? "" : m->pool);
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, families[i]);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < g->slots; i++)
		db_uuid(a, &((const struct m_job_claim *)b->calls[g->calls[i]]->body)->worker);
	db_array_end(a);
	db_int(a, scheduler.config.lease_ms);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct claims *c = b->state;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_claim *m = b->calls[i]->body;
		struct group *g = group_of(b, c, m);
		for (size_t k = slots_of(m); k > 0; k--)
			g->calls[g->slots++] = i;
	}
	for (size_t i = 0; i < c->n_groups; i++)
		add_claim(t, b, &c->groups[i]);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_claim *m = b->calls[i]->body;
		worker_seen(t, &m->worker, m->pool);
	}
	db_step(t, claimed, b);
}

static void start(struct batch *b)
{
	struct claims *c = arena_alloc(&b->arena, sizeof(*c));

	bug_if(c == NULL);
	c->groups = arena_array(&b->arena, b->n, sizeof(*c->groups));
	c->replies = arena_array(&b->arena, b->n, sizeof(*c->replies));
	bug_if(c->groups == NULL || c->replies == NULL);
	b->state = c;
	db_begin_by_key(scheduler.service->db, begun, b);
}

static void run(struct db_batch *queue, void **items, size_t n, unused void *arg)
{
	static const struct batch_kind kind = {.start = start};

	batch_run(&kind, queue, items, n);
}

void on_job_claim(struct call *call)
{
	if (scheduler.claims == NULL)
		scheduler.claims = db_batch_new(32, run, NULL);
	db_batch_put(scheduler.claims, call);
}
