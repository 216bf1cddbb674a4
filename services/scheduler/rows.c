// SPDX-License-Identifier: Apache-2.0
/* Rows to messages. */
#include "services/scheduler/rows.h"

#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "services/scheduler/run.h"

/* ---- columns ---- */

const char *row_text(struct row *c)
{
	const char *s = db_get_text(c->r, c->row, c->col++);

	return *s == '\0' ? NULL : arena_strdup(c->arena, s);
}

uint64_t row_uint(struct row *c)
{
	int64_t n = db_get_int(c->r, c->row, c->col++);

	return n < 0 ? 0 : (uint64_t)n;
}

bool row_bool(struct row *c)
{
	return db_get_bool(c->r, c->row, c->col++);
}

struct uuid row_uuid(struct row *c)
{
	return db_get_uuid(c->r, c->row, c->col++);
}

int64_t row_time(struct row *c)
{
	int64_t ms = db_is_null(c->r, c->row, c->col) ? 0 : db_get_time_ms(c->r, c->row, c->col);

	c->col++;
	return ms;
}

struct span row_bytes(struct row *c)
{
	struct span b = db_get_bytes(c->r, c->row, c->col++);

	if (b.p != NULL)
		b.p = arena_dup(c->arena, b.p, b.n);
	return b;
}

/* ---- JSON ---- */

const void *json_read(const struct msg_desc *desc, const char *json, struct arena *arena)
{
	struct fault f = FAULT_INIT;
	json_t *j = json == NULL ? NULL : json_loads(json, 0, NULL);
	void *body = NULL;

	if (j != NULL && msg_from_json(desc, j, arena, &body, &f) < 0)
		body = NULL;
	json_decref(j);
	return body;
}

const void *json_read_list(const struct msg_desc *desc, size_t size, const char *json,
	struct arena *arena, size_t *ret_n)
{
	json_t *j = *json == '\0' ? NULL : json_loads(json, 0, NULL);
	size_t n = json_array_size(j);
	uint8_t *list = n == 0 ? NULL : arena_array(arena, n, size);

	*ret_n = 0;
	for (size_t i = 0; list != NULL && i < n; i++) {
		struct fault f = FAULT_INIT;
		void *one = NULL;
		if (msg_from_json(desc, json_array_get(j, i), arena, &one, &f) == 0)
			memcpy(list + size * (*ret_n)++, one, size);
	}
	json_decref(j);
	return list;
}

const char *const *json_read_texts(const char *json, struct arena *arena, size_t *ret_n)
{
	json_t *j = *json == '\0' ? NULL : json_loads(json, 0, NULL);
	size_t n = json_array_size(j);
	const char **list = n == 0 ? NULL : arena_array(arena, n, sizeof(*list));

	*ret_n = 0;
	for (size_t i = 0; list != NULL && i < n; i++) {
		const char *text = json_string_value(json_array_get(j, i));
		if (text != NULL)
			list[(*ret_n)++] = arena_strdup(arena, text);
	}
	json_decref(j);
	return list;
}

const char *json_dump(json_t *j, struct arena *arena)
{
	char *s = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);
	const char *copy = s == NULL ? NULL : arena_strdup(arena, s);

	free(s);
	json_decref(j);
	return copy == NULL ? "null" : copy;
}

const char *json_write(const struct msg_desc *desc, const void *body, struct arena *arena)
{
	return json_dump(msg_to_json(desc, body), arena);
}

const char *json_write_list(
	const struct msg_desc *desc, const void *const *bodies, size_t n, struct arena *arena)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, msg_to_json(desc, bodies[i]));
	return json_dump(list, arena);
}

/* {"http": 8000} */
const struct m_port *row_ports(struct row *c, size_t *ret_n)
{
	const char *json = db_get_text(c->r, c->row, c->col++);
	json_t *j = strcmp(json, "{}") == 0 ? NULL : json_loads(json, 0, NULL);
	size_t n = json_object_size(j), i = 0;
	struct m_port *ports = n == 0 ? NULL : arena_array(c->arena, n, sizeof(*ports));
	const char *key = NULL;
	json_t *value = NULL;

	if (ports != NULL) {
		json_object_foreach(j, key, value)
		{
			ports[i].service = arena_strdup(c->arena, key);
			ports[i++].port = (uint64_t)json_integer_value(value);
		}
	}
	json_decref(j);
	*ret_n = i;
	return ports;
}

/* {"floor": "3"} */
static void read_labels(const char *json, struct m_device *d, struct arena *arena)
{
	json_t *j = strcmp(json, "{}") == 0 ? NULL : json_loads(json, 0, NULL);
	size_t n = json_object_size(j), i = 0;
	struct m_label *labels = n == 0 ? NULL : arena_array(arena, n, sizeof(*labels));
	const char *key = NULL;
	json_t *value = NULL;

	if (labels != NULL) {
		json_object_foreach(j, key, value)
		{
			const char *text = json_string_value(value);
			labels[i].key = arena_strdup(arena, key);
			labels[i++].value = arena_strdup(arena, text == NULL ? "" : text);
		}
		d->labels = labels;
		d->labels_n = i;
	}
	json_decref(j);
}

/* {"ab.read": {"result": "yes", …}} */
static void read_capabilities(const char *json, struct m_device *d, struct arena *arena)
{
	json_t *j = strcmp(json, "{}") == 0 ? NULL : json_loads(json, 0, NULL);
	size_t n = json_object_size(j), i = 0;
	struct m_capability *caps = n == 0 ? NULL : arena_array(arena, n, sizeof(*caps));
	const char *key = NULL;
	json_t *value = NULL;

	if (caps != NULL) {
		json_object_foreach(j, key, value)
		{
			struct fault f = FAULT_INIT;
			void *one = NULL;
			(void)json_object_set_new(value, "name", json_string(key));
			if (msg_from_json(&m_capability_desc, value, arena, &one, &f) == 0)
				caps[i++] = *(struct m_capability *)one;
		}
		d->capabilities = caps;
		d->capabilities_n = i;
	}
	json_decref(j);
}

/* ---- rows ---- */

void row_device(struct row *c, struct m_device *d)
{
	d->id = row_uuid(c);
	d->name = row_text(c);
	d->vendor = row_text(c);
	d->family = row_text(c);
	d->model = row_text(c);
	d->serial = row_text(c);
	d->mac = row_text(c);
	d->device_uuid = row_text(c);
	d->address = row_text(c);
	d->ports = row_ports(c, &d->ports_n);
	d->firmware = row_text(c);
	d->type = (enum device_type)row_uint(c);
	d->display_language = row_text(c);
	d->charset = row_text(c);
	d->time_zone = row_text(c);
	d->site = row_text(c);
	d->region = row_text(c);
	read_labels(db_get_text(c->r, c->row, c->col++), d, c->arena);
	read_capabilities(db_get_text(c->r, c->row, c->col++), d, c->arena);
	d->managed_by = (enum managed_by)row_uint(c);
	d->state = (enum device_state)row_uint(c);
	d->version = row_uint(c);
	d->simulated = row_bool(c);
	d->clear_text = row_bool(c);
	d->accept_clear_text_secrets = row_bool(c);
	d->allow_unproven = row_bool(c);
	d->tls_pin = row_text(c);
	d->pool = row_text(c);
	d->state_cause = row_text(c);
	d->last_success_at = row_time(c);
	uint64_t last = row_uint(c);
	d->last_state = last == 0 ? NULL : job_state_words[last - 1].word;
	d->created_at = row_time(c);
	d->strict_interlock = row_bool(c);
}

void row_device_shown(struct row *c, struct m_device *d)
{
	row_device(c, d);
	d->proven_at = row_time(c);
	d->alarms = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &d->alarms_n);
	d->repin = row_text(c);
	d->repin_by = row_text(c);
	d->repin_at = row_time(c);
}

void row_task(struct row *c, struct m_task *t)
{
	t->id = row_uuid(c);
	t->name = row_text(c);
	t->kind = row_text(c);
	t->active = row_bool(c);
	t->has |= HAS_TASK__ACTIVE;
	t->schedule = json_read(&m_schedule_desc, db_get_text(c->r, c->row, c->col++), c->arena);
	t->targets = json_read(&m_targets_desc, db_get_text(c->r, c->row, c->col++), c->arena);
	const struct m_task_settings *stored =
		json_read(&m_task_settings_desc, db_get_text(c->r, c->row, c->col++), c->arena);
	t->retry = json_read(&m_retry_desc, db_get_text(c->r, c->row, c->col++), c->arena);
	struct m_task_settings *settings = arena_alloc(c->arena, sizeof(*settings));
	if (settings != NULL) {
		if (stored != NULL)
			*settings = *stored;
		settings->password_sealed = row_bytes(c);
		settings->password_set = settings->password_sealed.p != NULL;
		t->settings = settings;
	} else {
		c->col++;
	}
	t->version = row_uint(c);
	t->owner = row_text(c);
	t->created_at = row_time(c);
	t->next_at = row_time(c);
	t->last_run = row_uuid(c);
	uint64_t last = row_uint(c);
	t->last_state = last == 0 ? NULL : run_state_words[last - 1].word;
	t->approved = row_uuid(c);
	t->built_in = row_bool(c);
}

/* "2=40 8=160" */
static void read_counts(const char *text, struct m_run_counts *counts)
{
	const char *p = text;

	while (*p != '\0') {
		char *end = NULL;
		unsigned long state = strtoul(p, &end, 10);
		if (*end != '=')
			return;
		long long n = strtoll(end + 1, &end, 10);
		if (state >= JOB_STATE_WAITING && state <= JOB_STATE_CANCELLED)
			run_count_add(counts, (enum job_state)state, n);
		p = *end == ' ' ? end + 1 : end;
	}
}

static void row_run_plan(struct row *c, struct m_run *r)
{
	r->phase = (enum run_phase)row_uint(c);
	r->plan = row_uuid(c);
	r->plan_hash = row_bytes(c);
	r->totals = json_read(&m_plan_totals_desc, row_text(c), c->arena);
	r->applied_by = row_uuid(c);
	r->wave = row_uint(c);
	r->waves = row_uint(c);
	r->confirm_until = row_time(c);
	r->confirmed = row_bool(c);
	r->reverts = row_uuid(c);
	r->state_cause = row_text(c);
	r->follows = row_uuid(c);
	r->override_windows = row_bool(c);
	r->saved_added = row_uint(c);
	r->saved_removed = row_uint(c);
	r->as_it_was = row_bool(c);
	r->missed = row_uint(c);
}

void row_run(struct row *c, struct m_run *r)
{
	r->id = row_uuid(c);
	r->task = row_uuid(c);
	r->task_name = row_text(c);
	r->kind = row_text(c);
	r->state = (enum run_state)row_uint(c);
	r->opened_at = row_time(c);
	r->ended_at = row_time(c);
	r->added = row_uint(c);
	r->removed = row_uint(c);
	r->rerun_of = row_uuid(c);
	r->cause = row_text(c);
	r->due_at = row_time(c);
	r->deadline_at = row_time(c);
	row_run_plan(c, r);
	r->bytes = row_uint(c);
	r->versions = row_uint(c);
	struct m_run_counts *counts = arena_alloc(c->arena, sizeof(*counts));
	if (counts != NULL)
		read_counts(db_get_text(c->r, c->row, c->col), counts);
	c->col++;
	r->counts = counts;
}

static void row_target_result(struct row *c, struct m_target *t)
{
	t->wait_ms = row_uint(c);
	t->lock_ms = row_uint(c);
	t->device_ms = row_uint(c);
	t->store_ms = row_uint(c);
	t->version = row_uuid(c);
	t->generation = row_uint(c);
	t->entries = row_uint(c);
	t->bytes = row_uint(c);
	t->lists = json_read_list(&m_list_outcome_desc, sizeof(*t->lists),
		db_get_text(c->r, c->row, c->col++), c->arena, &t->lists_n);
	t->firmware = row_text(c);
	t->language = row_text(c);
	t->worker = row_text(c);
	t->token = row_uint(c);
	t->kind = row_text(c);
	t->trace = t->job;
	t->plan = json_read(&m_device_plan_desc, row_text(c), c->arena);
	t->report = json_read_list(&m_item_report_desc, sizeof(*t->report),
		db_get_text(c->r, c->row, c->col++), c->arena, &t->report_n);
	t->pre_image = row_uuid(c);
	t->step = (enum write_step)row_uint(c);
	t->wave = row_uint(c);
	t->restarted = row_bool(c);
	t->part = row_uint(c);
}

void row_target(struct row *c, struct m_target *t)
{
	t->job = row_uuid(c);
	t->run = row_uuid(c);
	t->device = row_uuid(c);
	t->device_name = row_text(c);
	t->address = row_text(c);
	t->type = (enum device_type)row_uint(c);
	t->via = row_text(c);
	t->state = (enum job_state)row_uint(c);
	t->code = row_uint(c);
	const struct error_info *info = t->code == 0 ? NULL : error_info((int)t->code);
	t->cause = info == NULL ? NULL : info->name;
	t->reason = row_text(c);
	t->detail = row_text(c);
	t->device_text = row_text(c);
	t->attempt = row_uint(c);
	t->errors = row_uint(c);
	t->crashes = row_uint(c);
	t->deferrals = row_uint(c);
	t->deferred_ms = row_uint(c);
	t->created_at = row_time(c);
	t->started_at = row_time(c);
	t->ended_at = row_time(c);
	t->not_before = row_time(c);
	row_target_result(c, t);
}

static void notes_hide(const struct m_plan_note *notes, size_t n)
{
	struct m_plan_note *list = (struct m_plan_note *)(uintptr_t)notes;

	for (size_t i = 0; i < n; i++) {
		if (list[i].name != NULL)
			list[i].text = NULL;
		list[i].name = list[i].before = list[i].after = NULL;
	}
}

void target_hide(struct m_target *t)
{
	struct m_device_plan *plan = (struct m_device_plan *)(uintptr_t)t->plan;

	if (plan != NULL) {
		plan->cut |= plan->changes_n > 0;
		plan->changes = NULL;
		plan->changes_n = 0;
		notes_hide(plan->notes, plan->notes_n);
	}
	for (size_t i = 0; i < t->report_n; i++)
		notes_hide(t->report[i].corrections, t->report[i].corrections_n);
}

void row_group(struct row *c, struct m_group *g)
{
	g->id = row_uuid(c);
	g->name = row_text(c);
	g->kind = (enum group_kind)row_uint(c);
	g->filter = row_text(c);
	g->version = row_uint(c);
	g->devices = row_uint(c);
	g->groups = row_uint(c);
}

void row_credential(struct row *c, struct m_credential *d)
{
	d->id = row_uuid(c);
	d->name = row_text(c);
	d->kind = row_text(c);
	d->device = row_text(c);
	d->group = row_text(c);
	d->site = row_text(c);
	d->range = row_text(c);
	d->set = row_bool(c);
	d->changed_at = row_time(c);
	d->version = row_uint(c);
	d->position = row_uint(c);
	d->factory_default = row_bool(c);
}
