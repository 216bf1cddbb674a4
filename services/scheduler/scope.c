// SPDX-License-Identifier: Apache-2.0
/* Of somebody with a scope (fleet.md FL-69): what a request names is looked at before its handler
 * runs. What is not seen answers as if it were not there; what is seen and may not be touched is
 * out of scope. Lists narrow themselves in SQL; a task that is saved is weighed with its targets.
 */
#include <string.h>

#include "services/scheduler/kind.h"
#include "services/scheduler/scheduler.h"

enum noun { DEVICE, GROUP, TASK, RUN, JOB, NOUNS };

static const char *const nouns[] = {"device", "group", "task", "run", "job"};

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
	REF(GROUP_GET, group_get, GROUP),
	REF(GROUP_MEMBERS, group_members, GROUP),
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
};

struct named {
	struct call *call;
	call_fn then;
	enum noun noun;                /* NOUNS = nothing that is there */
	const void *at;                /* the member that names it */
	const struct m_device *device; /* as it shall be */
	bool create;
};

static void fill(struct db_args *a, void *arg)
{
	const struct named *n = arg;
	const struct m_device *made = n->create ? n->device : NULL;
	const char *ref = n->noun < RUN ? *(const char *const *)n->at : NULL;
	struct uuid id = {{0}};

	for (enum noun i = DEVICE; i < RUN; i++)
		db_text(a, i == n->noun ? ref : NULL);
	for (enum noun i = RUN; i < NOUNS; i++)
		db_uuid(a, i == n->noun ? n->at : &id);
	db_text(a, n->call->scope);
	db_text(a, n->call->sees);
	db_text(a, made == NULL ? NULL : made->serial);
	db_text(a, made == NULL ? NULL : made->family);
	db_text(a, n->device == NULL ? NULL : n->device->address);
	if (n->noun == DEVICE && uuid_parse(ref, &id) == 0)
		db_uuid(a, &id);
	else
		db_null(a);
}

static void looked(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct named *m = arg;

	if (f != NULL)
		answer_fault(m->call, f);
	else if (!db_get_bool(r[0], 0, 0))
		call_refuse(m->call, CN_NOT_FOUND, nouns[m->noun], "no such %s", nouns[m->noun]);
	else if (!db_get_bool(r[0], 0, 1))
		call_refuse(m->call, CN_OUT_OF_SCOPE, "outside",
			"this is not within what you may change");
	else
		m->then(m->call);
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

	n->create = n->call->desc->id == MSG_DEVICE_CREATE;
	if (n->create)
		n->device = ((const struct m_device_create *)m)->device;
	else if (n->call->desc->id == MSG_DEVICE_UPDATE)
		n->device = ((const struct m_device_update *)m)->device;
	if (n->device == NULL || (!n->create && n->device->site == NULL) ||
		stands_within(n->call, n->device->site))
		return true;
	call_refuse(n->call, CN_OUT_OF_SCOPE, "outside",
		"site: a device of yours stands at a site within your scope");
	return false;
}

void scope_guard(struct call *call, call_fn then)
{
	struct named *n = arena_alloc(&call->arena, sizeof(*n));

	bug_if(n == NULL);
	*n = (struct named){.call = call, .then = then, .noun = NOUNS};
	for (size_t i = 0; i < array_len(rules); i++) {
		if (rules[i].id != call->desc->id)
			continue;
		n->noun = rules[i].noun;
		n->at = (const char *)call->body + rules[i].offset;
	}
	if (!take_device(n))
		return;
	if (n->noun == NOUNS && n->device == NULL)
		then(call);
	else
		db_query(scheduler.service->db, &SQL_SCOPE_NAMED, fill, looked, n);
}
