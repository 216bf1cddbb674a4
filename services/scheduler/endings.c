// SPDX-License-Identifier: Apache-2.0
/* How a held job leaves its worker: by a report, or because the worker was lost. One writer for
 * both, so that nothing is forgotten (RL-7). */
#include <string.h>

#include "common/crypto/crypto.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/scheduler.h"

struct job_timers job_timers(void)
{
	return (struct job_timers){.backoff_ms = (uint64_t)scheduler.config.backoff_ms,
		.backoff_max_ms = (uint64_t)scheduler.config.backoff_max_ms,
		.defer_ms = (uint64_t)scheduler.config.defer_ms};
}

uint64_t random_u64(void)
{
	uint64_t n;

	crypto_random(&n, sizeof(n));
	return n;
}

void locked_job_read(struct db_result *r, int row, struct arena *arena, struct locked_job *j)
{
	struct row c = {.r = r, .row = row, .arena = arena};

	j->place = row_uint(&c) - 1;
	j->job.state = (enum job_state)row_uint(&c);
	j->job.attempt = row_uint(&c);
	j->job.token = row_uint(&c);
	j->job.errors = row_uint(&c);
	j->job.crashes = row_uint(&c);
	j->job.deferrals = row_uint(&c);
	j->job.suspect = row_uint(&c);
	j->job.errors_max = row_uint(&c);
	j->job.crashes_max = row_uint(&c);
	j->job.cancel = row_bool(&c);
	j->worker = row_uuid(&c);
	j->run = row_uuid(&c);
	j->device = row_uuid(&c);
	j->device_name = row_text(&c);
	j->kind = row_text(&c);
	j->lost = row_bool(&c);
	j->job.aborting = row_bool(&c);
	j->job.step = (enum write_step)row_uint(&c);
	j->job.sent_in = row_uint(&c);
	j->job.cut = row_bool(&c);
}

/* ---- the parameters of SQL_JOB_END, one array per column ---- */

static void ints(
	struct db_args *a, const struct ending *e, size_t n, int64_t (*get)(const struct ending *))
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_int(a, get(&e[i]));
	db_array_end(a);
}

/* Null without a report, so that what an earlier attempt stored stays. */
static void report_ints(struct db_args *a, const struct ending *e, size_t n,
	uint64_t (*get)(const struct m_job_outcome *))
{
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		if (e[i].report == NULL)
			db_null(a);
		else
			db_int(a, (int64_t)get(e[i].report));
	}
	db_array_end(a);
}

static void texts(struct db_args *a, const struct ending *e, size_t n,
	const char *(*get)(const struct ending *))
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, get(&e[i]));
	db_array_end(a);
}

static int64_t get_attempt(const struct ending *e)
{
	return (int64_t)e->attempt;
}

static int64_t get_was(const struct ending *e)
{
	return (int64_t)e->was;
}

static int64_t get_state(const struct ending *e)
{
	return (int64_t)e->verdict.state;
}

static int64_t get_cause(const struct ending *e)
{
	return e->verdict.cause;
}

static int64_t get_errors(const struct ending *e)
{
	return (int64_t)e->verdict.errors;
}

static int64_t get_crashes(const struct ending *e)
{
	return (int64_t)e->verdict.crashes;
}

static int64_t get_deferrals(const struct ending *e)
{
	return (int64_t)e->verdict.deferrals;
}

static int64_t get_suspect(const struct ending *e)
{
	return (int64_t)e->verdict.suspect;
}

static int64_t get_wait(const struct ending *e)
{
	return (int64_t)e->verdict.wait_ms;
}

static const char *get_reason(const struct ending *e)
{
	return e->report == NULL ? NULL : e->report->reason;
}

static const char *get_detail(const struct ending *e)
{
	return e->report == NULL ? e->detail : e->report->detail;
}

static const char *get_device_text(const struct ending *e)
{
	return e->report == NULL ? NULL : e->report->device_text;
}

static const char *get_firmware(const struct ending *e)
{
	return e->report == NULL || e->report->seen == NULL ? NULL : e->report->seen->firmware;
}

static const char *get_language(const struct ending *e)
{
	return e->report == NULL || e->report->seen == NULL ? NULL
							    : e->report->seen->display_language;
}

static uint64_t get_generation(const struct m_job_outcome *o)
{
	return o->generation;
}

static uint64_t get_entries(const struct m_job_outcome *o)
{
	return o->entries;
}

static uint64_t get_bytes(const struct m_job_outcome *o)
{
	return o->bytes;
}

static uint64_t get_step(const struct m_job_outcome *o)
{
	return (uint64_t)o->step;
}

static uint64_t get_lock_ms(const struct m_job_outcome *o)
{
	return o->lock_ms;
}

static uint64_t get_device_ms(const struct m_job_outcome *o)
{
	return o->device_ms;
}

static uint64_t get_store_ms(const struct m_job_outcome *o)
{
	return o->store_ms;
}

static void add_lists(struct db_args *a, const struct ending *e, size_t n, struct arena *arena)
{
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		const struct m_job_outcome *o = e[i].report;
		size_t lists_n = o == NULL ? 0 : o->lists_n;
		const void **lists = arena_array(arena, lists_n + 1, sizeof(*lists));
		bug_if(lists == NULL);
		for (size_t k = 0; k < lists_n; k++)
			lists[k] = &o->lists[k];
		if (lists_n == 0)
			db_null(a);
		else
			db_text(a, json_write_list(&m_list_outcome_desc, lists, lists_n, arena));
	}
	db_array_end(a);
}

static void add_plans(struct db_args *a, const struct ending *e, size_t n, struct arena *arena)
{
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		const struct m_job_outcome *o = e[i].report;
		if (o == NULL || o->plan == NULL)
			db_null(a);
		else
			db_text(a, json_write(&m_device_plan_desc, o->plan, arena));
	}
	db_array_end(a);
}

static void add_reports(struct db_args *a, const struct ending *e, size_t n, struct arena *arena)
{
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		const struct m_job_outcome *o = e[i].report;
		size_t items_n = o == NULL ? 0 : o->report_n;
		const void **items = arena_array(arena, items_n + 1, sizeof(*items));
		bug_if(items == NULL);
		for (size_t k = 0; k < items_n; k++)
			items[k] = &o->report[k];
		if (items_n == 0)
			db_null(a);
		else
			db_text(a, json_write_list(&m_item_report_desc, items, items_n, arena));
	}
	db_array_end(a);
}

static void add_pre_images(struct db_args *a, const struct ending *e, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_uuid(a, e[i].report == NULL ? NULL : &e[i].report->pre_image);
	db_array_end(a);
}

static void add_ids(struct db_args *a, const struct ending *e, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_uuid(a, &e[i].job);
	db_array_end(a);
}

static void add_versions(struct db_args *a, const struct ending *e, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_uuid(a, e[i].report == NULL ? NULL : &e[i].report->version);
	db_array_end(a);
}

static void add_new_version(struct db_args *a, const struct ending *e, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_bool(a, e[i].report != NULL && e[i].report->new_version);
	db_array_end(a);
}

static void add_lost_by(struct db_args *a, const struct ending *e, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_uuid(a, &e[i].lost_by);
	db_array_end(a);
}

static void add_ends(struct txn *t, const struct ending *e, size_t n, struct arena *arena)
{
	struct db_args *a = db_add(t, &SQL_JOB_END);

	add_ids(a, e, n);
	ints(a, e, n, get_attempt);
	ints(a, e, n, get_was);
	ints(a, e, n, get_state);
	ints(a, e, n, get_cause);
	ints(a, e, n, get_errors);
	ints(a, e, n, get_crashes);
	ints(a, e, n, get_deferrals);
	ints(a, e, n, get_suspect);
	ints(a, e, n, get_wait);
	texts(a, e, n, get_reason);
	texts(a, e, n, get_detail);
	texts(a, e, n, get_device_text);
	add_versions(a, e, n);
	report_ints(a, e, n, get_generation);
	report_ints(a, e, n, get_entries);
	report_ints(a, e, n, get_bytes);
	add_lists(a, e, n, arena);
	report_ints(a, e, n, get_lock_ms);
	report_ints(a, e, n, get_device_ms);
	report_ints(a, e, n, get_store_ms);
	add_new_version(a, e, n);
	texts(a, e, n, get_firmware);
	texts(a, e, n, get_language);
	add_lost_by(a, e, n);
	add_plans(a, e, n, arena);
	add_reports(a, e, n, arena);
	add_pre_images(a, e, n);
	report_ints(a, e, n, get_step);
}

/* ---- what a report says about the device ---- */

static bool ended_there(const struct ending *e)
{
	return job_terminal(e->verdict.state) && !kind_alone(e->kind);
}

static void add_last(struct txn *t, const struct ending *e, size_t n)
{
	struct db_args *a = db_add(t, &SQL_JOB_LAST);

	db_array(a);
	for (size_t i = 0; i < n; i++) {
		if (ended_there(&e[i]))
			db_uuid(a, &e[i].device);
	}
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		if (ended_there(&e[i]))
			db_int(a, (int64_t)e[i].verdict.state);
	}
	db_array_end(a);
}

/* Firmware, language, type, capabilities and a serial that was not known. */
static void add_seen(struct txn *t, const struct ending *e, size_t n, struct arena *arena)
{
	const void **seen = arena_array(arena, n + 1, sizeof(*seen));
	size_t k = 0;

	bug_if(seen == NULL);
	for (size_t i = 0; i < n; i++) {
		if (e[i].report == NULL || e[i].report->seen == NULL)
			continue;
		struct m_device *d = arena_alloc(arena, sizeof(*d));
		bug_if(d == NULL);
		*d = *e[i].report->seen;
		d->id = e[i].device;
		seen[k++] = d;
	}
	if (k > 0)
		db_text(db_add(t, &SQL_JOB_SEEN), json_write_list(&m_device_desc, seen, k, arena));
}

/* What the cause does to the device: hold (FL-13) or suspension (FL-1, FL-18). */
static enum device_state device_effect(const struct ending *e)
{
	const struct error_info *info = e->report == NULL ? NULL : error_info(e->verdict.cause);

	if (e->verdict.cause == CN_AUTH_REFUSED && e->report != NULL)
		return DEVICE_STATE_AUTH_HOLD;
	return info != NULL && info->suspends ? DEVICE_STATE_SUSPENDED : (enum device_state)0;
}

static void add_effects(struct txn *t, const struct ending *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum device_state state = device_effect(&e[i]);
		if (state == 0)
			continue;
		struct db_args *a = db_add(t, &SQL_DEVICE_EFFECT);
		db_uuid(a, &e[i].device);
		db_int(a, (int64_t)state);
		db_text(a, error_info(e[i].verdict.cause)->name);
	}
}

/* The last word about a write: NULL = nothing to say of the device, "" = it holds what it should,
 * half_written = nobody can tell, so nothing is written to it before a person has looked. And about
 * a backup: token_rollback = the vault knows newer locks than the database (ST-20). */
static const char *attention(const struct ending *e)
{
	enum write_step said = e->report == NULL ? 0 : e->report->step;
	enum write_step step = said == 0 ? e->step : said;
	enum job_state state = e->verdict.state;

	if (e->verdict.cause == CN_CONFLICT && e->report != NULL && e->report->reason != NULL &&
		strcmp(e->report->reason, "token_rollback") == 0)
		return "token_rollback";
	if (!job_terminal(state) || step == 0 || !kind_plans(e->kind))
		return NULL; /* a file or a restart changes nothing that it holds */
	if (state == JOB_STATE_SUCCEEDED || state == JOB_STATE_UNCHANGED ||
		step == WRITE_STEP_REVERTED)
		return "";
	return job_unsettled(step) && state != JOB_STATE_PARTIAL ? "half_written" : NULL;
}

static void add_attention(struct txn *t, const struct ending *e, size_t n)
{
	bool some = false;

	for (size_t i = 0; i < n; i++)
		some |= attention(&e[i]) != NULL;
	if (!some)
		return;
	struct db_args *a = db_add(t, &SQL_DEVICE_ATTENTION);
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		if (attention(&e[i]) != NULL)
			db_uuid(a, &e[i].device);
	}
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		if (attention(&e[i]) != NULL)
			db_text(a, attention(&e[i]));
	}
	db_array_end(a);
}

static const char *failure(const void *list, size_t i, struct uuid *ret_job)
{
	const struct ending *e = &((const struct ending *)list)[i];

	*ret_job = e->job;
	if (e->verdict.state != JOB_STATE_FAILED && e->verdict.state != JOB_STATE_DEAD)
		return NULL;
	return e->verdict.cause == 0 ? "" : error_info(e->verdict.cause)->name;
}

/* ---- public ---- */

void endings_write(struct txn *t, const struct ending *ends, size_t n, struct arena *arena)
{
	bool terminal = false;

	for (size_t i = 0; i < n; i++)
		terminal |= ended_there(&ends[i]);
	add_ends(t, ends, n, arena);
	if (terminal)
		add_last(t, ends, n);
	add_seen(t, ends, n, arena);
	add_effects(t, ends, n);
	add_attention(t, ends, n);
	outbox_failed(t, n, failure, ends);
}

void endings_tell(const struct ending *ends, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ending *e = &ends[i];
		const struct error_info *info =
			e->verdict.cause == 0 ? NULL : error_info(e->verdict.cause);
		struct m_job_changed event = {.run = e->run,
			.job = e->job,
			.device = e->device,
			.name = e->device_name,
			.state = e->verdict.state,
			.cause = info == NULL ? NULL : info->name,
			.detail = get_detail(e)};
		events_job(&event);
		events_run(&e->run);
		enum device_state state = device_effect(e);
		const char *word = attention(e);
		if (state != 0)
			events_device(&e->device, state, event.cause);
		else if (word != NULL && *word != '\0')
			events_device(&e->device, DEVICE_STATE_ENROLLED, word);
	}
}
