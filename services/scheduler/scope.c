// SPDX-License-Identifier: Apache-2.0
/* Of somebody with a scope (fleet.md FL-69): what a request names is looked at before its handler
 * runs. What is not seen answers as if it were not there; what is seen and may not be touched is
 * out of scope. Lists narrow themselves in SQL; a task that is saved is weighed with its targets.
 */
#include <string.h>

#include "common/msg/scope.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/scheduler.h"

/* What may be named, and the statement that looks at it. */
enum noun { DEVICE, GROUP, OWN_GROUP, TASK, RUN, JOB, WINDOW, CREDENTIAL, SET, CANDIDATE, NOUNS };

static const struct {
	const char *name;
	const struct db_sql *sql;
	bool is_id;  /* named by its uuid only */
	bool device; /* a device may come of it: takes what it shall be, too */
} nouns[] = {
	[DEVICE] = {"device", &SQL_SCOPE_DEVICE, false, true},
	[GROUP] = {"group", &SQL_SCOPE_GROUP, false, false},
	[OWN_GROUP] = {"group", &SQL_SCOPE_OWN_GROUP, false, false},
	[TASK] = {"task", &SQL_SCOPE_TASK, false, false},
	[RUN] = {"run", &SQL_SCOPE_RUN, true, false},
	[JOB] = {"job", &SQL_SCOPE_JOB, true, false},
	[WINDOW] = {"window", &SQL_SCOPE_WINDOW, false, false},
	[CREDENTIAL] = {"credential", &SQL_SCOPE_CREDENTIAL, false, false},
	[SET] = {"set", &SQL_SCOPE_SET, false, false},
	[CANDIDATE] = {"candidate", &SQL_SCOPE_CANDIDATE, false, true},
};

#define REF(ID, message, noun)                                                                     \
	{                                                                                          \
		MSG_##ID, noun, offsetof(struct m_##message, ref)                                  \
	}
#define BY_ID(ID, message, noun)                                                                   \
	{                                                                                          \
		MSG_##ID, noun, offsetof(struct m_##message, id)                                   \
	}
/* What each request names. Those that are not here name nothing: lists, and what is saved anew. */
static const struct {
	uint16_t id;
	enum noun noun;
	size_t offset; /* of a name or id; of a uuid for runs and jobs */
} rules[] = {
	REF(DEVICE_GET, device_get, DEVICE),
	REF(DEVICE_UPDATE, device_update, DEVICE),
	REF(DEVICE_SET_STATE, device_set_state, DEVICE),
	REF(DEVICE_REPIN, device_repin, DEVICE),
	REF(DEVICE_REPIN_APPROVE, device_repin_approve, DEVICE),
	REF(GROUP_GET, group_get, GROUP),
	REF(GROUP_MEMBERS, group_members, GROUP),
	REF(GROUP_PREVIEW, group_preview, GROUP),
	REF(GROUP_CHANGE_MEMBERS, group_change_members, GROUP),
	REF(GROUP_UPDATE, group_update, OWN_GROUP),
	REF(GROUP_DELETE, group_delete, OWN_GROUP),
	REF(TASK_GET, task_get, TASK),
	REF(TASK_UPDATE, task_update, TASK),
	REF(TASK_DELETE, task_delete, TASK),
	REF(TASK_NEXT, task_next, TASK),
	REF(RUN_START, run_start, TASK),
	BY_ID(RUN_GET, run_get, RUN),
	BY_ID(RUN_CANCEL, run_cancel, RUN),
	BY_ID(RUN_RERUN, run_rerun, RUN),
	BY_ID(RUN_APPLY, run_apply, RUN),
	BY_ID(RUN_CONFIRM, run_confirm, RUN),
	BY_ID(RUN_REVERT, run_revert, RUN),
	BY_ID(RUN_TARGETS, run_targets, RUN),
	BY_ID(RUN_OUTCOMES, run_outcomes, RUN),
	BY_ID(RUN_CHANGES, run_changes, RUN),
	BY_ID(JOB_GET, job_get, JOB),
	BY_ID(JOB_CANCEL, job_cancel, JOB),
	BY_ID(JOB_TRANSITIONS, job_transitions, JOB),
	REF(WINDOW_GET, window_get, WINDOW),
	REF(WINDOW_UPDATE, window_update, WINDOW),
	REF(WINDOW_DELETE, window_delete, WINDOW),
	REF(WINDOW_WHEN, window_when, DEVICE),
	REF(CREDENTIAL_DELETE, credential_delete, CREDENTIAL),
	REF(DIST_SET_GET, dist_set_get, SET),
	REF(DIST_SET_UPDATE, dist_set_update, SET),
	REF(DIST_SET_DELETE, dist_set_delete, SET),
	REF(CANDIDATE_GET, candidate_get, CANDIDATE),
	REF(CANDIDATE_ENROL, candidate_enrol, CANDIDATE),
	REF(CANDIDATE_IGNORE, candidate_ignore, CANDIDATE),
};

struct named {
	struct call *call;
	call_fn then;
	enum noun noun;                /* NOUNS = nothing that is there */
	const char *ref;               /* of runs and jobs the id */
	const char **at;               /* where the request says it; NULL = it has none */
	const struct m_device *device; /* as it shall be */
};

static void fill(struct db_args *a, void *arg)
{
	const struct named *n = arg;
	const struct m_device *d = n->device;

	db_text(a, n->ref);
	db_text(a, n->call->scope);
	db_text(a, n->call->sees);
	if (nouns[n->noun].device) {
		bool made = n->call->desc->id != MSG_DEVICE_UPDATE;
		db_text(a, d == NULL || !made ? NULL : d->serial);
		db_text(a, d == NULL || !made ? NULL : d->family);
		db_text(a, d == NULL ? NULL : d->address);
	}
}

static void looked(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct named *m = arg;
	const char *name = nouns[m->noun].name;

	if (f != NULL)
		answer_fault(m->call, f);
	else if (!db_get_bool(r[0], 0, 0))
		call_refuse(m->call, CN_NOT_FOUND, name, "no such %s", name);
	else if (m->call->desc->right != MSG_VIEWER && !db_get_bool(r[0], 0, 1))
		call_refuse(m->call, CN_OUT_OF_SCOPE, "outside",
			"this is not within what you may change");
	else {
		if (m->noun == DEVICE && m->at != NULL && !db_is_null(r[0], 0, 2))
			*m->at = arena_strdup(&m->call->arena, db_get_text(r[0], 0, 2));
		m->then(m->call);
	}
}

/* A device stands at a site of the scope: nobody puts one where only others see it. */
static bool stands_within(const struct call *call, const char *site)
{
	size_t n = site == NULL ? 0 : strlen(site);

	for (const char *line = call->scope; line != NULL && n > 0; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "site:", 5) == 0 && strncmp(line + 5, site, n) == 0 &&
			(line[5 + n] == '\n' || line[5 + n] == '\0'))
			return true;
	}
	return false;
}

/* False when the call was answered. */
static bool take_device(struct named *n)
{
	const void *m = n->call->body;
	uint16_t id = n->call->desc->id;

	if (id == MSG_DEVICE_CREATE)
		n->device = ((const struct m_device_create *)m)->device;
	else if (id == MSG_DEVICE_UPDATE)
		n->device = ((const struct m_device_update *)m)->device;
	else if (id == MSG_CANDIDATE_ENROL)
		n->device = ((const struct m_candidate_enrol *)m)->device;
	if (id == MSG_DEVICE_CREATE)
		n->noun = DEVICE;
	if (n->device == NULL || (id != MSG_DEVICE_CREATE && n->device->site == NULL) ||
		stands_within(n->call, n->device->site))
		return true;
	call_refuse(n->call, CN_OUT_OF_SCOPE, "outside",
		"site: a device of yours stands at a site within your scope");
	return false;
}

static const char *id_text(struct call *call, const struct uuid *id)
{
	char text[UUID_TEXT];
	const char *copy = arena_strdup(&call->arena, uuid_format(id, text));

	bug_if(copy == NULL);
	return copy;
}

/* A credential that is put is named by its id, if it has one. */
static void take_credential(struct named *n)
{
	const struct m_credential_put *m = n->call->body;

	if (n->call->desc->id != MSG_CREDENTIAL_PUT || uuid_is_nil(&m->credential->id))
		return;
	n->noun = CREDENTIAL;
	n->ref = id_text(n->call, &m->credential->id);
}

void scope_guard(struct call *call, call_fn then)
{
	struct named *n = arena_alloc(&call->arena, sizeof(*n));

	bug_if(n == NULL);
	*n = (struct named){.call = call, .then = then, .noun = NOUNS};
	for (size_t i = 0; i < array_len(rules); i++) {
		if (rules[i].id != call->desc->id)
			continue;
		const void *at = (const char *)call->body + rules[i].offset;
		n->noun = rules[i].noun;
		n->ref = nouns[n->noun].is_id ? id_text(call, at) : *(const char *const *)at;
		/* in the arena of the call, which is ours to change */
		n->at = nouns[n->noun].is_id ? NULL : (const char **)(uintptr_t)at;
	}
	take_credential(n);
	if (!take_device(n))
		return;
	if (n->noun == NOUNS)
		then(call);
	else
		db_query(scheduler.service->db, nouns[n->noun].sql, fill, looked, n);
}

/* ---- nobody makes their own role wider ---- */

size_t scope_parts(struct call *call, const char *ret_parts[static SCOPE_PARTS_MAX])
{
	static const enum msg_right rights[SCOPE_PARTS_MAX] = {
		MSG_VIEWER, MSG_READER, MSG_OPERATOR, MSG_ADMIN, MSG_AUDITOR};
	size_t n = 0;

	for (size_t i = 0; i < array_len(rights); i++)
		if (scope_reach(call->header.scope, rights[i], &call->arena, &ret_parts[n]) ==
			SCOPE_PART)
			n++;
	return n;
}

void scope_add_parts(struct call *call, struct db_args *a)
{
	const char *parts[SCOPE_PARTS_MAX];
	size_t n = scope_parts(call, parts);

	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, parts[i]);
	db_array_end(a);
}

/* ---- what was saved, before it is committed ---- */

struct saved {
	struct call *call;
	scope_fn then;
	void *arg;
};

static void weighed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	const struct saved *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
	} else if (!db_get_bool(r[n - 1], 0, 1)) {
		call_refuse(s->call, CN_OUT_OF_SCOPE, "outside",
			"what it stands for has to lie within your scope, all of it");
		db_rollback(t);
	} else {
		s->then(t, s->arg);
	}
}

void scope_saved(struct txn *t, struct call *call, const struct db_sql *look, const struct uuid *id,
	scope_fn then, void *arg)
{
	struct saved *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	if (call->scope == NULL) {
		then(t, arg);
		return;
	}
	*s = (struct saved){.call = call, .then = then, .arg = arg};
	struct db_args *a = db_add(t, look);
	db_text(a, id_text(call, id));
	db_text(a, call->scope);
	db_text(a, call->sees);
	db_step(t, weighed, s);
}
