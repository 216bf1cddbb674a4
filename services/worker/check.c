// SPDX-License-Identifier: Apache-2.0
/* What a check says of a device. */
#include "services/worker/check.h"

#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"

#define CHECK_MS 2592000000 /* 30 days */

static const struct check {
	const char *kind;
	const char *tries, *reads; /* kind of job, its capability */
	const char *other, *writes;
	const char *names; /* capability whose value are the names of what was read */
} checks[] = {
	{"device.check_ab", "ab.backup", "ab.read", "ab.restore", "ab.write", "ab.lists"},
	{"device.check_settings", "settings.backup", "settings.read", "settings.restore",
		"settings.write", NULL},
};

static const struct check *find(const char *kind)
{
	for (size_t i = 0; i < array_len(checks); i++)
		if (strcmp(checks[i].kind, kind) == 0)
			return &checks[i];
	return NULL;
}

const char *check_function(const char *kind)
{
	const struct check *c = find(kind);

	return c ? c->tries : kind;
}

bool check_wanted(const struct m_job_work *job)
{
	return find(job->kind) != NULL;
}

static bool noted(const struct errand *e, const char *capability)
{
	for (size_t i = 0; i < e->seen.n_capabilities; i++)
		if (strcmp(e->seen.capabilities[i].name, capability) == 0)
			return true;
	return false;
}

static void note(struct session *s, const char *capability, enum capability_result result,
	enum grade grade, const char *method)
{
	if (!noted(&s->errand, capability))
		errand_capability(&s->errand, capability, result, grade, method);
}

/* Writing is not tried: what its family knows about it is all there is. */
static void note_writing(struct session *s, const struct check *c)
{
	const struct skill *skill = adapter_skill(s->adapter, c->other);

	note(s, c->writes, skill ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_NO,
		skill ? skill->grade : GRADE_A, "family");
}

static void note_names(struct session *s, const char *capability)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < s->n_lists; i++)
		if (strcmp(s->lists[i].state, "done") == 0)
			buf_addf(&names, "%s%s", names.n ? " " : "", s->lists[i].name);
	note(s, capability, CAPABILITY_RESULT_YES, GRADE_A, "read");
	s->errand.seen.capabilities[s->errand.seen.n_capabilities - 1].value =
		arena_strdup(&s->arena, buf_str(&names));
	buf_fini(&names);
}

void check_passed(struct session *s)
{
	const struct check *c = find(s->job->kind);
	const struct skill *skill = adapter_skill(s->adapter, c->tries);

	note(s, c->reads, CAPABILITY_RESULT_YES, skill->grade, "read");
	note_writing(s, c);
	if (c->names && !noted(&s->errand, c->names))
		note_names(s, c->names);
	s->found = "supported";
}

/* ---- by a backup ---- */

static const struct check *tried_by(const char *kind)
{
	for (size_t i = 0; i < array_len(checks); i++)
		if (strcmp(checks[i].tries, kind) == 0)
			return &checks[i];
	return NULL;
}

static bool other_firmware(const char *then, const char *now)
{
	return then && *then && now && *now && strcmp(then, now) != 0;
}

static bool old(const struct session *s, const char *capability)
{
	const struct m_device *d = s->job->device;

	for (size_t i = 0; i < d->capabilities_n; i++) {
		const struct m_capability *c = &d->capabilities[i];
		if (strcmp(c->name, capability) == 0)
			return c->checked_at + CHECK_MS < (int64_t)clock_wall_ms() ||
			       other_firmware(c->firmware, errand_firmware(&s->errand));
	}
	return true;
}

void check_by_backup(struct session *s, const struct fault *f)
{
	const struct check *c = tried_by(s->job->kind);

	if (!c || !s->device || !old(s, c->reads))
		return;
	if (!f)
		note(s, c->reads, CAPABILITY_RESULT_YES, adapter_skill(s->adapter, c->tries)->grade,
			"read");
	else if (s->step == STEP_READ && s->n_read == 0 &&
		 (f->code == CN_UNSUPPORTED_DEVICE || f->code == CN_UNSUPPORTED_OPERATION))
		note(s, c->reads, CAPABILITY_RESULT_NO, GRADE_A, "read");
	else
		return; /* what was found before stays, with its age */
	note_writing(s, c);
}

/* ---- a check ---- */

bool check_failed(struct session *s, const struct fault *f)
{
	const struct check *c = find(s->job->kind);

	if (!s->device) /* it was not even asked */
		steps_errand(s);
	if (f->code == CN_UNSUPPORTED_DEVICE || f->code == CN_UNSUPPORTED_OPERATION) {
		note(s, c->reads, CAPABILITY_RESULT_NO, GRADE_A, s->device ? "read" : "family");
		note_writing(s, c);
		s->found = "not_supported";
		return s->step == STEP_READ;
	}
	if (f->code == CN_AUTH_REFUSED || f->code == CN_PERMISSION_DENIED)
		note(s, c->reads, CAPABILITY_RESULT_REFUSED, GRADE_A, "login");
	return false;
}
