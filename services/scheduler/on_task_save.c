// SPDX-License-Identifier: Apache-2.0
/* task_create and task_update: one way of saving. References are resolved to ids, the next firing
 * is planned, and the answer carries the sentence of FL-23. */
#include <string.h>

#include "common/clock/clock.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/schedule.h"
#include "services/scheduler/sequence.h"
#include "services/scheduler/task.h"
#include "services/scheduler/zones.h"

struct save {
	struct call *call;
	const struct m_task *change;
	bool create;
	struct uuid id;           /* of what is made */
	struct m_task *task;      /* as it shall be */
	struct m_targets targets; /* with ids */
	const char *const *steps; /* of a batch, ids */
};

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	struct m_task task = {0};
	struct m_task_one reply = {.task = &task};

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (!found_one(s->call, r[n - 1], "task"))
		return;
	struct row c = {.r = r[n - 1], .arena = &s->call->arena};
	row_task(&c, &task);
	task_hide(&task);
	if (task.targets != NULL && (task.targets->groups_n > 0 || task.targets->filter != NULL))
		task.note = TASK_NOTE;
	call_reply(s->call, &reply);
}

/* Somebody asks for it again: what was saved may have fired long ago. */
static bool once_more(const struct save *s)
{
	return s->change->schedule != NULL && s->task->schedule->form == SCHEDULE_FORM_IMMEDIATE;
}

/* What a new schedule or an activation plans, afresh: what was due while the task was inactive is
 * not made up (fleet.md 3.1). */
static bool plan(const struct save *s, const struct zones *zones, struct firing *ret_next)
{
	struct fault f = FAULT_INIT;
	struct schedule schedule;
	int64_t now = (int64_t)clock_wall_ms();

	if (!s->task->active || schedule_read(s->task->schedule, now, &schedule, &f) < 0)
		return false;
	if (zones->n > 0)
		schedule_over(&schedule, s->task->schedule, zones->list, zones->n);
	if (schedule.form != SCHEDULE_FORM_IMMEDIATE)
		return schedule_next(&schedule, now - 1, ret_next);
	if (!s->create && !once_more(s))
		return false;
	*ret_next = (struct firing){.due_ms = now};
	(void)snprintf(ret_next->local, sizeof(ret_next->local), "saved %lld", (long long)now);
	return true;
}

/* A start that was not given is the moment of saving. */
static const struct m_schedule *with_start(struct save *s)
{
	struct m_schedule *copy = arena_alloc(&s->call->arena, sizeof(*copy));

	bug_if(copy == NULL);
	*copy = *s->task->schedule;
	if (copy->form == 0)
		copy->form = SCHEDULE_FORM_MANUAL;
	if (copy->start_at == 0 && copy->form > SCHEDULE_FORM_IMMEDIATE)
		copy->start_at = (int64_t)clock_wall_ms();
	return copy;
}

static void commit(struct save *s, struct txn *t)
{
	struct db_args *a = db_add(t, &SQL_TASK_GET);

	db_uuid(a, s->create ? &s->id : &s->task->id);
	db_null(a);
	db_commit(t, committed, s);
}

/* A task needs scope over all its targets, and over what is written to them (FL-69). */
static void weighed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (db_get_int(r[n - 1], 0, 0) > 0) {
		const char *names = db_get_text(r[n - 1], 0, 1);
		call_refuse(s->call, CN_OUT_OF_SCOPE, "outside",
			"%lld of its targets are not within your scope%s%s",
			(long long)db_get_int(r[n - 1], 0, 0), *names == '\0' ? "" : ": ", names);
		db_rollback(t);
	} else if (!db_get_bool(r[n - 1], 0, 2)) {
		call_refuse(s->call, CN_OUT_OF_SCOPE, "outside",
			"settings.source: is not within your scope");
		db_rollback(t);
	} else if (!db_get_bool(r[n - 1], 0, 3)) {
		call_refuse(s->call, CN_OUT_OF_SCOPE, "outside",
			"settings.steps: a step is a task that you may change");
		db_rollback(t);
	} else {
		commit(s, t);
	}
}

static void remembered(struct txn *t, unused struct db_result *r, const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (s->call->scope == NULL) {
		commit(s, t);
		return;
	}
	struct db_args *a = db_add(t, &SQL_SCOPE_TARGETS);
	db_uuid(a, &s->task->id);
	db_text(a, s->call->scope);
	db_text(a, s->call->sees);
	db_uuid(a, &s->task->settings->source);
	db_step(t, weighed, s);
}

static void write_task(struct save *s, struct txn *t, const struct zones *zones)
{
	struct arena *arena = &s->call->arena;
	const struct m_task *m = s->task;
	struct firing next = {0};

	bool planned = plan(s, zones, &next);
	struct db_args *a = db_add(t, s->create ? &SQL_TASK_INSERT : &SQL_TASK_UPDATE);
	db_uuid(a, &m->id);
	db_text(a, m->name);
	db_text(a, m->kind);
	db_bool(a, m->active);
	db_text(a, json_write(&m_schedule_desc, m->schedule, arena));
	db_text(a, json_write(&m_targets_desc, &s->targets, arena));
	struct m_task_settings settings = *m->settings;
	settings.password_set = false;
	settings.has = 0;
	settings.steps = s->steps;
	db_text(a, json_write(&m_task_settings_desc, &settings, arena));
	db_text(a, json_write(&m_retry_desc, m->retry, arena));
	db_bytes(a, m->settings->password_sealed);
	db_text(a, m->owner == NULL ? s->call->header.actor : m->owner);
	db_time_ms(a, planned ? next.due_ms : 0);
	db_text(a, planned ? next.local : NULL);
	db_text(a, s->call->scope);
	if (!s->create)
		db_bool(a, once_more(s));
	if (s->change->settings != NULL && s->change->settings->password_sealed.p != NULL &&
		!uuid_is_nil(&settings.password_id)) {
		a = db_add(t, &SQL_PASSWORD_KEEP);
		db_uuid(a, &settings.password_id);
		db_uuid(a, &m->id);
		db_bytes(a, m->settings->password_sealed);
	}
	if (schedule_by_target(m->schedule)) {
		a = db_add(t, &SQL_TASK_REPLAN);
		db_uuid(a, &m->id);
		db_int(a, 0); /* by the members as they are now */
	}
	if (kind_discovers(m->kind)) /* it has no devices to remember */
		remembered(t, NULL, NULL, s);
	else
		opening_remember(t, &m->id, &s->targets, arena, remembered, s);
}

static void zones_seen(struct txn *t, const struct zones *zones, const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL)
		answer_fault(s->call, f);
	else
		write_task(s, t, zones);
}

/* The credentials that a discovery tries, by their ids. */
static bool take_credentials(struct save *s, const struct db_result *r)
{
	struct m_task_settings *settings;
	struct m_discovery *d;

	if (s->task->settings->discover == NULL)
		return true;
	settings = arena_dup(&s->call->arena, s->task->settings, sizeof(*settings));
	d = arena_dup(&s->call->arena, settings == NULL ? NULL : settings->discover, sizeof(*d));
	bug_if(settings == NULL || d == NULL);
	settings->discover = d;
	s->task->settings = settings;
	return refs_take(s->call, r, d->credentials, "SNMP credential", &d->credentials);
}

static void resolved(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	const struct m_targets *m = s->task->targets;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	s->targets = *m;
	if (refs_take(s->call, r[0], m->devices, "device", &s->targets.devices) &&
		refs_take(s->call, r[1], m->groups, "group", &s->targets.groups) &&
		refs_take(
			s->call, r[2], m->exclude_devices, "device", &s->targets.exclude_devices) &&
		take_credentials(s, r[4]) && sequence_take(s->call, &r[5], s->task, &s->steps) &&
		refs_take(s->call, r[3], m->exclude_groups, "group", &s->targets.exclude_groups)) {
		s->task->schedule = with_start(s);
		if (schedule_by_target(s->task->schedule))
			zones_of(t,
				&(struct zones_asked){.task = s->task->id,
					.targets = &s->targets,
					.sees = s->call->scope},
				&s->call->arena, zones_seen, s);
		else
			write_task(s, t, &(struct zones){.n = 0});
	} else {
		db_rollback(t);
	}
}

static void check_and_resolve(struct save *s, struct txn *t, const struct m_task *old)
{
	struct fault f = FAULT_INIT;

	s->task = task_merge(old, s->change, &s->call->arena);
	bug_if(s->task == NULL);
	if (s->create)
		s->task->id = s->id;
	if (s->call->scope != NULL) { /* whoever saves within a scope answers for it */
		s->task->owner = s->call->header.actor;
		if (kind_alone(s->task->kind)) {
			db_rollback(t);
			call_refuse(s->call, CN_OUT_OF_SCOPE, "outside",
				"kind: %s reaches beyond any scope", s->task->kind);
			return;
		}
	}
	if (task_check(s->task, (int64_t)clock_wall_ms(), &s->call->arena, &f) < 0) {
		db_rollback(t);
		call_fault(s->call, &f);
		return;
	}
	const struct m_targets *m = s->task->targets;
	refs_add(t, s->call, &SQL_RESOLVE_DEVICES, m->devices, m->devices_n);
	refs_add(t, s->call, &SQL_RESOLVE_GROUPS, m->groups, m->groups_n);
	refs_add(t, s->call, &SQL_RESOLVE_DEVICES, m->exclude_devices, m->exclude_devices_n);
	refs_add(t, s->call, &SQL_RESOLVE_GROUPS, m->exclude_groups, m->exclude_groups_n);
	const struct m_discovery *d = s->task->settings->discover;
	struct db_args *a = db_add(t, &SQL_RESOLVE_CREDENTIALS);
	db_array(a);
	for (size_t i = 0; d != NULL && i < d->credentials_n; i++)
		db_text(a, d->credentials[i]);
	db_array_end(a);
	sequence_ask(t, s->call, s->task);
	db_step(t, resolved, s);
}

static bool same_kind(const struct m_task *old, const struct m_task *change)
{
	return change->kind == NULL || strcmp(change->kind, old->kind) == 0;
}

/* step_of: the batch of which it is a step, if there is one */
static bool may_change(struct call *call, const struct m_task *old, const struct m_task *change,
	const struct db_result *step_of)
{
	if (same_kind(old, change))
		return true;
	if (old->built_in)
		call_refuse(call, CN_CONFLICT, "built_in", "a built-in task keeps its kind");
	else if (db_rows(step_of) > 0)
		call_refuse(call, CN_CONFLICT, "in_use", "kind: it is a step of the batch %s",
			db_get_text(step_of, 0, 0));
	else
		return true;
	return false;
}

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	const struct m_task_update *m = s->call->body;
	struct m_task old = {0};

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (found_one(s->call, r[0], "task")) {
		struct row c = {.r = r[0], .arena = &s->call->arena};
		row_task(&c, &old);
		if (may_change(s->call, &old, m->task, r[1]) &&
			version_fits(s->call, m->if_version, old.version)) {
			check_and_resolve(s, t, &old);
			return;
		}
	}
	db_rollback(t);
}

static void looked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL)
		answer_fault(s->call, f);
	else if (db_rows(r[0]) == 1) /* this request made it before */
		commit(s, t);
	else
		check_and_resolve(s, t, NULL);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
	} else if (s->create) {
		struct db_args *a = db_add(t, &SQL_TASK_FIND);
		db_uuid(a, &s->id);
		db_null(a);
		db_step(t, looked, s);
	} else {
		const struct m_task_update *m = s->call->body;
		ref_args(db_add(t, &SQL_TASK_FIND), m->ref);
		ref_args(db_add(t, &SQL_STEP_OF), m->ref);
		db_step(t, found, s);
	}
}

static void save(struct call *call, const struct m_task *change, bool create)
{
	struct save *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	*s = (struct save){
		.call = call, .change = change, .create = create, .id = request_id(call)};
	db_begin(scheduler.service->db, begun, s);
}

void on_task_create(struct call *call)
{
	save(call, ((const struct m_task_create *)call->body)->task, true);
}

void on_task_update(struct call *call)
{
	save(call, ((const struct m_task_update *)call->body)->task, false);
}
