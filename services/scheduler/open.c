// SPDX-License-Identifier: Apache-2.0
/* Opening a run: references become devices, devices become jobs, in one statement of one snapshot
 * (FL-22). The statement is assembled here from parts of sql.h, since every dynamic group brings
 * its own condition; all values are parameters. */
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/scheduler/discover.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/place.h"
#include "services/scheduler/run.h"
#include "services/scheduler/scheduler.h"
#include "services/scheduler/sequence.h"

#define DEPTH_MAX 16u

struct open {
	struct opening *o;
	struct arena *arena;
	opening_fn fn;
	preview_fn preview; /* no jobs: only count, or remember */
	const char *tail;   /* how its statement ends then */
	void *arg;
	/* what may hold the jobs back once they are made */
	const struct m_wave *waves;
	size_t n_waves;
	struct growth growth; /* how far its list may */
	struct uuid approved; /* the run whose list was approved; nil = none */
	bool held;
	bool placed;  /* windows, zones or jitter say when each may start */
	bool by_sets; /* what each device gets is said by its distribution sets */
	struct m_run_counts counts;
	/* groups below those named, the filters among them parsed */
	struct uuid *listed; /* static groups of the union */
	const char **listed_via;
	size_t n_listed;
	struct uuid *excluded;
	size_t n_excluded;
	const struct filter **filters, **not_filters; /* of dynamic groups and the ad hoc one */
	const char **filters_via;
	const char **filters_scope,
		**not_scope; /* what is outside it does not bring; NULL = nothing */
	size_t n_filters, n_not;
	struct buf sql;
	struct sql_values values;
	struct db_sql statement;
};

static void finish(struct open *o, struct txn *t, const struct fault *f)
{
	buf_fini(&o->sql);
	if (o->preview != NULL)
		o->preview(t, NULL, f, o->arg);
	else
		o->fn(t, f, o->arg);
}

static void refuse(struct open *o, struct txn *t, const struct fault *f)
{
	db_rollback(t);
	finish(o, NULL, f);
}

/* ---- step 5: the run knows its list ---- */

static void frozen(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct open *o = arg;

	finish(o, f == NULL ? t : NULL, f);
}

static void add_pool(struct open *o, const char *pool)
{
	if (o->o->n_pools < OPENING_POOLS_MAX)
		o->o->pools[o->o->n_pools++] = arena_strdup(o->arena, pool);
}

static void freeze(struct open *o, struct txn *t, enum run_state state, size_t n_waves)
{
	CRASHPOINT("run.targets_frozen");
	struct db_args *a = db_add(t, &SQL_RUN_OPENED);
	db_uuid(a, &o->o->run);
	db_int(a, (int64_t)state);
	db_int(a, (int64_t)n_waves);
	if (o->o->targets != NULL && !o->o->from_run && !kind_alone(o->o->kind)) {
		a = db_add(t, &SQL_RUN_MEMBERS);
		db_uuid(a, &o->o->run);
		db_uuid(a, &o->o->previous);
	}
	a = db_add(t, &SQL_TASK_RAN);
	db_uuid(a, &o->o->task);
	db_uuid(a, &o->o->run);
	db_step(t, frozen, o);
}

/* ---- step 4, of a run with waves, a limit of growth or windows: all its jobs are held yet ---- */

static void weighed(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct open *o = arg;
	uint64_t ends[RUN_WAVES_MAX];
	size_t n_waves = run_waves(o->waves, o->n_waves, o->counts.waiting, ends);

	if (f != NULL) {
		finish(o, NULL, f);
		return;
	}
	if (kind_sequence(o->o->kind))
		sequence_open(t, &o->o->run);
	if (run_grew(&o->growth, (uint64_t)db_get_int(r[0], 0, 0),
		    (uint64_t)db_get_int(r[0], 0, 1))) {
		struct db_args *a = db_add(t, &SQL_RUN_HOLD);
		db_uuid(a, &o->o->run);
		db_text(a, "growth");
		db_int(a, scheduler.config.approval_ms);
		freeze(o, t, RUN_STATE_AWAITING_APPROVAL, n_waves);
		return;
	}
	struct db_args *a = db_add(t, &SQL_HELD_READY);
	db_uuid(a, &o->o->run);
	db_int(a, 1);
	freeze(o, t, run_end(RUN_STATE_RUNNING, &o->counts), n_waves);
}

static void weigh(struct open *o, struct txn *t)
{
	uint64_t ends[RUN_WAVES_MAX];
	size_t n = run_waves(o->waves, o->n_waves, o->counts.waiting, ends);
	struct db_args *a = db_add(t, &SQL_HELD_GROWTH);

	db_uuid(a, &o->o->run);
	db_uuid(a, &o->approved);
	if (n > 0) {
		a = db_add(t, &SQL_HELD_WAVES);
		db_uuid(a, &o->o->run);
		db_array(a);
		for (size_t i = 0; i < n; i++)
			db_int(a, (int64_t)ends[i]);
		db_array_end(a);
	}
	db_step(t, weighed, o);
}

static void placed(struct txn *t, uint64_t missed, const struct fault *f, void *arg)
{
	struct open *o = arg;

	if (f != NULL) {
		finish(o, NULL, f);
		return;
	}
	o->counts.waiting -= missed;
	o->counts.missed += missed;
	if (o->counts.waiting > 0)
		weigh(o, t);
	else
		freeze(o, t, run_end(RUN_STATE_RUNNING, &o->counts), 0);
}

/* ---- step 3: the jobs are there ---- */

static void inserted(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct open *o = arg;

	if (f != NULL) {
		finish(o, NULL, f);
		return;
	}
	if (o->preview != NULL) {
		buf_fini(&o->sql);
		o->preview(t, r[0], NULL, o->arg);
		return;
	}
	for (int row = 0; row < db_rows(r[0]); row++) {
		enum job_state state = (enum job_state)db_get_int(r[0], row, 0);
		run_count_add(&o->counts, state, db_get_int(r[0], row, 1));
		if (state == JOB_STATE_READY || state == JOB_STATE_WAITING)
			add_pool(o, db_get_text(r[0], row, 2));
	}
	if (o->placed && o->counts.waiting > 0)
		place_jobs(t, &o->o->run, o->growth.devices > 0 || o->growth.percent > 0, o->arena,
			placed, o);
	else
		placed(t, 0, NULL, o);
}

/* ---- step 2: the list ---- */

static void add_uuids(struct db_args *a, const struct uuid *ids, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_uuid(a, &ids[i]);
	db_array_end(a);
}

static void add_texts(struct db_args *a, const char *const *texts, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, texts[i]);
	db_array_end(a);
}

/* Of a group: it sees what whoever saved it saw, and brings nothing else. */
static void add_filter(struct open *o, const struct filter *f, const char *scope)
{
	struct sql_seen seen = sql_seen_by(scope, SQL_OPEN_VALUES, &o->sql, &o->values);

	sql_condition(f, SQL_OPEN_VALUES, seen.text, &o->sql, &o->values);
	if (scope != NULL)
		sql_within(SQL_WITHIN_DEVICES, SQL_OPEN_VALUES, scope, &o->sql, &o->values);
}

/* Of a task, the last of all: the scopes of its run bound what it brings. */
static void add_task_filter(struct open *o)
{
	const char *sees = o->o->sees;
	struct sql_seen seen = sql_seen_by(sees, SQL_OPEN_VALUES, &o->sql, &o->values);

	sql_condition(o->filters[o->n_filters - 1], SQL_OPEN_VALUES,
		sees == NULL ? SQL_OPEN_SEEN : seen.text, &o->sql, &o->values);
}

static void make_sql(struct open *o)
{
	bool all = o->o->targets != NULL && o->o->targets->all;

	buf_adds(&o->sql, SQL_OPEN_HEAD);
	if (all)
		buf_adds(&o->sql, SQL_OPEN_ALL);
	for (size_t i = 0; i < o->n_filters; i++) {
		buf_addf(&o->sql, SQL_OPEN_FILTER, i + 1);
		if (i + 1 == o->n_filters && o->o->targets->filter != NULL)
			add_task_filter(o);
		else
			add_filter(o, o->filters[i], o->filters_scope[i]);
	}
	buf_adds(&o->sql, SQL_OPEN_EXCEPT);
	for (size_t i = 0; i < o->n_not; i++) {
		buf_adds(&o->sql, SQL_OPEN_EXCEPT_FILTER);
		add_filter(o, o->not_filters[i], o->not_scope[i]);
	}
	buf_adds(&o->sql, o->preview != NULL ? o->tail : SQL_OPEN_TAIL);
	o->statement = (struct db_sql){"", buf_str(&o->sql)};
}

/* Parameters of SQL_OPEN_HEAD … SQL_OPEN_TAIL, see sql_task.c. */
static void add_open(struct open *o, struct txn *t)
{
	const struct m_targets *m = o->o->targets;
	const char *const *families = kind_families(o->o->kind);
	size_t n = 0;
	struct db_args *a = db_add(t, &o->statement);

	while (families[n] != NULL)
		n++;
	db_uuid(a, &o->o->run);
	if (m == NULL)
		add_texts(a, o->o->devices, o->o->devices_n);
	else
		add_texts(a, m->devices, m->devices_n);
	add_uuids(a, o->listed, o->n_listed);
	add_texts(a, o->listed_via, o->n_listed);
	add_texts(a, o->filters_via, o->n_filters);
	add_texts(a, m == NULL ? NULL : m->exclude_devices, m == NULL ? 0 : m->exclude_devices_n);
	add_uuids(a, o->excluded, o->n_excluded);
	sql_values_add(a, &o->values);
	if (o->preview != NULL && o->tail == SQL_OPEN_COUNTS)
		db_text(a, o->o->sees);
	if (o->preview != NULL)
		return;
	db_text(a, o->o->kind);
	add_texts(a, families, n);
	db_text(a, kind_capability(o->o->kind));
	db_int(a, strcmp(o->o->kind, "ab.backup") == 0 ? CN_UNSUPPORTED_DEVICE
						       : CN_UNSUPPORTED_OPERATION);
	db_bool(a, o->held);
	db_bool(a, o->by_sets);
}

static void insert_jobs(struct open *o, struct txn *t)
{
	struct fault f = FAULT_INIT;

	make_sql(o);
	if (o->sql.err) {
		(void)fault_why(
			&f, CN_VALIDATION_FAILED, "filter", "the filters hold too many values");
		refuse(o, t, &f);
		return;
	}
	add_open(o, t);
	db_step(t, inserted, o);
}

/* ---- step 1: groups ---- */

static int take_group(struct open *o, struct row *c, bool except, struct fault *err)
{
	struct uuid id = row_uuid(c);
	const char *name = row_text(c);
	bool dynamic = row_uint(c) == GROUP_KIND_DYNAMIC;
	const char *filter = row_text(c);
	const char *via = row_text(c);
	const struct filter *tree = NULL;

	if (row_uint(c) > DEPTH_MAX)
		return fault_why(
			err, CN_CONFLICT, "group_cycle", "group %s is nested too deep", name);
	const char *scope = row_text(c);
	if (!dynamic && except) {
		o->excluded[o->n_excluded++] = id;
	} else if (!dynamic) {
		o->listed_via[o->n_listed] = via;
		o->listed[o->n_listed++] = id;
	} else {
		if (filter_parse(filter, FILTER_DEVICES, o->arena, &tree, err) < 0)
			return -1;
		if (except) {
			o->not_scope[o->n_not] = scope;
			o->not_filters[o->n_not++] = tree;
		} else {
			o->filters_via[o->n_filters] = via;
			o->filters_scope[o->n_filters] = scope;
			o->filters[o->n_filters++] = tree;
		}
	}
	return 0;
}

static int take_groups(struct open *o, struct db_result **r, struct fault *err)
{
	size_t most = (size_t)db_rows(r[0]) + (size_t)db_rows(r[1]) + 1;

	o->listed = arena_array(o->arena, most, sizeof(*o->listed));
	o->listed_via = arena_array(o->arena, most, sizeof(*o->listed_via));
	o->excluded = arena_array(o->arena, most, sizeof(*o->excluded));
	o->filters = arena_array(o->arena, most, sizeof(*o->filters));
	o->filters_via = arena_array(o->arena, most, sizeof(*o->filters_via));
	o->not_filters = arena_array(o->arena, most, sizeof(*o->not_filters));
	o->filters_scope = arena_array(o->arena, most, sizeof(*o->filters_scope));
	o->not_scope = arena_array(o->arena, most, sizeof(*o->not_scope));
	if (!o->filters_scope || !o->not_scope || !o->listed || !o->listed_via || !o->excluded ||
		!o->filters || !o->filters_via || !o->not_filters)
		return fault_set(err, CN_QUOTA_EXCEEDED, "too many groups");
	for (int k = 0; k < 2; k++) {
		for (int row = 0; row < db_rows(r[k]); row++) {
			struct row c = {.r = r[k], .row = row, .arena = o->arena};
			if (take_group(o, &c, k == 1, err) < 0)
				return -1;
		}
	}
	if (o->o->targets->filter != NULL) {
		o->filters_via[o->n_filters] = "filter";
		o->filters_scope[o->n_filters] = NULL;
		if (filter_parse(o->o->targets->filter, FILTER_DEVICES, o->arena,
			    &o->filters[o->n_filters++], err) < 0)
			return -1;
	}
	return 0;
}

static void groups_read(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct open *o = arg;
	struct fault err = FAULT_INIT;

	if (f != NULL)
		finish(o, NULL, f);
	else if (take_groups(o, &r[n - 2], &err) < 0) /* before them: what saved the task */
		refuse(o, t, &err);
	else
		insert_jobs(o, t);
}

void run_insert(struct txn *t, const struct new_run *n)
{
	struct db_args *a = db_add(t, &SQL_RUN_INSERT);

	db_uuid(a, &n->run);
	db_uuid(a, &n->task);
	db_int(a, RUN_STATE_OPENING);
	db_text(a, n->cause);
	db_uuid(a, &n->rerun_of);
	db_time_ms(a, 0);
	db_int(a, scheduler.config.run_deadline_ms);
	db_int(a, JOB_ERRORS_MAX);
	db_int(a, JOB_CRASHES_MAX);
	db_int(a, kind_plans(n->kind) ? RUN_PHASE_PLAN : 0);
	db_text(a, n->kind);
}

void run_narrow(struct txn *t, const struct call *call, const struct uuid *run)
{
	if (call->scope == NULL)
		return;
	struct db_args *a = db_add(t, &SQL_RUN_NARROW);
	db_uuid(a, run);
	db_text(a, call->scope);
}

/* ---- of a discovery: stretches of addresses (discover.c) ---- */

static void add_slices(struct open *o, struct txn *t, const struct slice *list, size_t n)
{
	struct db_args *a = db_add(t, &SQL_OPEN_SLICES);

	db_uuid(a, &o->o->run);
	for (int column = 0; column < 3; column++) {
		db_array(a);
		for (size_t i = 0; i < n; i++)
			db_text(a, column == 0   ? list[i].name
				   : column == 1 ? list[i].where
						 : list[i].pool);
		db_array_end(a);
	}
	db_bool(a, o->held);
	if (o->o->targets != NULL)
		db_null(a);
	else
		add_texts(a, o->o->devices, o->o->devices_n);
	db_step(t, inserted, o);
}

static void discovery_read(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct open *o = arg;
	struct fault err = FAULT_INIT;
	const struct m_discovery *d;
	struct slice *list = NULL;
	size_t slices = 0;

	if (f != NULL) {
		finish(o, NULL, f);
		return;
	}
	d = json_read(&m_discovery_desc, db_get_text(r[n - 1], 0, 0), o->arena);
	if (d != NULL && discover_slices(d, o->arena, &list, &slices, &err) < 0)
		refuse(o, t, &err);
	else
		add_slices(o, t, list, slices);
}

static void start(struct open *o, struct txn *t)
{
	const struct m_targets *m = o->o->targets;

	if (kind_discovers(o->o->kind)) {
		db_uuid(db_add(t, &SQL_RUN_DISCOVERY), &o->o->run);
		db_step(t, discovery_read, o);
		return;
	}
	if (o->o->from_run) {
		struct db_args *a = db_add(t, &SQL_OPEN_FROM_RUN);
		db_uuid(a, &o->o->run);
		db_bool(a, o->held);
		db_step(t, inserted, o);
		return;
	}
	if (kind_alone(o->o->kind) && (m != NULL || o->o->devices_n > 0)) {
		struct db_args *a = db_add(t, &SQL_OPEN_ALONE);
		db_uuid(a, &o->o->run);
		db_text(a, kind_families(o->o->kind)[0]);
		db_step(t, inserted, o);
		return;
	}
	if (m == NULL) {
		insert_jobs(o, t);
		return;
	}
	add_texts(db_add(t, &SQL_GROUPS_BELOW), m->groups, m->groups_n);
	add_texts(db_add(t, &SQL_GROUPS_BELOW), m->exclude_groups, m->exclude_groups_n);
	db_step(t, groups_read, o);
}

/* ---- step 0: the rules of the run ---- */

/* Steps that went, or became something else, would be left out without a word (FL-26). */
static int check_steps(struct open *o, struct row *c, struct fault *err)
{
	size_t n = 0;
	const char *const *kinds =
		json_read_texts(db_get_text(c->r, c->row, c->col++), o->arena, &n);

	for (size_t i = 0; i < n; i++) {
		if (!may_be_step(kinds[i]))
			return fault_why(err, CN_CONFLICT, "batch_step",
				"settings.steps: step %zu is gone, or can be a step no more",
				i + 1);
	}
	return 0;
}

static void ruled(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct open *o = arg;
	struct fault err = FAULT_INIT;

	if (f != NULL) {
		finish(o, NULL, f);
		return;
	}
	bug_if(db_rows(r[n - 1]) != 1); /* made or locked in this transaction */
	struct row c = {.r = r[n - 1], .arena = o->arena};
	enum run_phase phase = (enum run_phase)row_uint(&c);
	const char *waves = db_get_text(c.r, 0, c.col++);
	o->growth.devices = row_uint(&c);
	o->growth.percent = row_uint(&c);
	o->approved = row_uuid(&c);
	o->by_sets = row_bool(&c);
	o->placed = row_bool(&c);
	if (check_steps(o, &c, &err) < 0) {
		refuse(o, t, &err);
		return;
	}
	if (phase == 0 || phase == RUN_PHASE_APPLY)
		o->waves = json_read_list(
			&m_wave_desc, sizeof(*o->waves), waves, o->arena, &o->n_waves);
	if (uuid_is_nil(&o->approved))
		o->growth = (struct growth){.devices = 0};
	o->held = o->placed || kind_sequence(o->o->kind) || o->n_waves > 0 ||
		  o->growth.devices > 0 || o->growth.percent > 0;
	start(o, t);
}

void opening_start(
	struct txn *t, struct opening *opening, struct arena *arena, opening_fn fn, void *arg)
{
	struct open *o = arena_alloc(arena, sizeof(*o));

	bug_if(o == NULL);
	*o = (struct open){.o = opening, .arena = arena, .fn = fn, .arg = arg};
	(void)db_add(t, &SQL_OPEN_TIME);
	db_uuid(db_add(t, &SQL_RUN_RULES), &opening->run);
	db_step(t, ruled, o);
}

static void look_at(struct txn *t, const struct opening *what, const char *tail,
	struct arena *arena, preview_fn fn, void *arg)
{
	struct open *o = arena_alloc(arena, sizeof(*o));
	struct opening *counted = arena_alloc(arena, sizeof(*counted));

	bug_if(o == NULL || counted == NULL);
	*counted = *what;
	*o = (struct open){.o = counted, .arena = arena, .preview = fn, .tail = tail, .arg = arg};
	start(o, t);
}

void opening_preview(
	struct txn *t, const struct opening *what, struct arena *arena, preview_fn fn, void *arg)
{
	look_at(t, what, SQL_OPEN_COUNTS, arena, fn, arg);
}

void opening_remember(struct txn *t, const struct uuid *task, const struct m_targets *targets,
	struct arena *arena, preview_fn fn, void *arg)
{
	struct opening of_task = {.run = *task, .targets = targets, .kind = ""};

	look_at(t, &of_task, SQL_OPEN_SAVE, arena, fn, arg);
}

void opening_tell(const struct opening *o)
{
	for (size_t i = 0; i < o->n_pools; i++)
		events_ready(o->pools[i] == NULL ? "" : o->pools[i]);
}
