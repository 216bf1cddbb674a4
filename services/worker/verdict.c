// SPDX-License-Identifier: Apache-2.0
/* Busy is not failed, failed is not refused (FL-58): this file keeps them apart. */
#include "services/worker/verdict.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "gen/errors.h"

static enum job_state state_of(const struct error_info *e)
{
	switch (e->outcome) {
	case ERROR_OUTCOME_SKIPPED:
		return JOB_STATE_SKIPPED;
	case ERROR_OUTCOME_DEFERRED:
		return JOB_STATE_DEFERRED;
	case ERROR_OUTCOME_RETRY:
		return JOB_STATE_RETRY;
	case ERROR_OUTCOME_PARTIAL:
		return JOB_STATE_PARTIAL;
	case ERROR_OUTCOME_CANCELLED:
		return JOB_STATE_CANCELLED;
	case ERROR_OUTCOME_DEAD:
	case ERROR_OUTCOME_MISSED:
	case ERROR_OUTCOME_NONE:
	case ERROR_OUTCOME_FAILED:
		return JOB_STATE_FAILED;
	}
	return JOB_STATE_FAILED;
}

bool verdict_storage_away(const struct fault *f)
{
	static const char *const words[] = {"away", "starting", "busy", "database"};

	for (size_t i = 0; f->code == CN_STORE_UNAVAILABLE && i < array_len(words); i++)
		if (strcmp(f->reason, words[i]) == 0)
			return true;
	return false;
}

struct verdict verdict_of_fault(const struct fault *f, bool storing)
{
	const struct error_info *e = error_info(f->code);
	struct verdict v = {.state = e ? state_of(e) : JOB_STATE_RETRY, .fault = *f};

	if (!e)
		v.fault.code = CN_INTERNAL_ERROR;
	if (verdict_storage_away(f))
		v.state = JOB_STATE_DEFERRED;
	if (storing && v.state == JOB_STATE_CANCELLED)
		v.state = JOB_STATE_RETRY;
	if (storing && v.state == JOB_STATE_SKIPPED)
		v.state = JOB_STATE_FAILED;
	return v;
}

static int code_of_blocker(const struct m_blocker *b)
{
	if (b->state == LOCK_STATE_QUARANTINE || b->state == LOCK_STATE_ATTENTION)
		return CN_QUARANTINE;
	return b->kind == LOCK_KIND_SHADOW ? CN_DEVICE_BUSY : CN_MATRIX_CONFLICT;
}

static struct verdict blocked(const struct m_lock_answer *a)
{
	const struct m_blocker *b = a->blockers_n ? &a->blockers[0] : NULL;
	struct fault f = FAULT_INIT;

	if (b)
		fault_why(&f, code_of_blocker(b), b->op ? b->op : "", "%s",
			b->text ? b->text : "another operation is under way");
	else
		fault_set(&f, CN_LOCK_TIMEOUT, "the lock was not granted in time");
	return verdict_of_fault(&f, false);
}

static struct verdict refused(const struct m_lock_answer *a)
{
	const char *word = a->reason ? a->reason : "";
	struct fault f = FAULT_INIT;

	fault_why(&f, strcmp(word, "items_synced") == 0 ? CN_ITEMS_SYNCED : CN_LOCK_REFUSED, word,
		"the lock was refused: %s", word);
	return verdict_of_fault(&f, false);
}

struct verdict verdict_of_lock(const struct m_lock_answer *a)
{
	struct verdict v;
	struct fault f = FAULT_INIT;

	switch (a->answer) {
	case LOCK_RESULT_REFUSED:
		v = refused(a);
		break;
	case LOCK_RESULT_LOST:
	case LOCK_RESULT_CANCELLED:
		fault_set(&f, CN_LEASE_LOST, "the lock is gone already");
		v = verdict_of_fault(&f, false);
		break;
	case LOCK_RESULT_BUSY:
	case LOCK_RESULT_QUEUED:
	case LOCK_RESULT_GRANTED:
	default:
		v = blocked(a);
	}
	v.retry_ms = (uint32_t)a->retry_ms;
	return v;
}

struct fault verdict_storage_fault(const struct fault *f)
{
	struct fault r = *f;
	bool own = (f->code >= 7000 && f->code < 8000) || f->code == CN_LEASE_LOST ||
		   (f->code >= 4000 && f->code < 6000 && f->code != CN_VALIDATION_FAILED) ||
		   strcmp(f->reason, "token_rollback") == 0; /* trying again does not help */

	/* nobody answered, or the stream is gone with the instance that had it */
	bool away = f->code == CN_INTERNAL_ERROR || strcmp(f->reason, "unknown") == 0 ||
		    (f->code == CN_NOT_FOUND && strcmp(f->reason, "stream") == 0);

	if (away)
		fault_why(&r, CN_STORE_UNAVAILABLE, "away", "storage: %.200s", f->detail);
	else if (!own)
		fault_set(&r, CN_STORE_UNAVAILABLE, "storage: %.200s", f->detail);
	return r;
}

/* ---- who it is ---- */

static bool said(const char *s)
{
	return s && *s;
}

static const char *bare_uuid(const char *s)
{
	return strncasecmp(s, "urn:uuid:", 9) == 0 ? s + 9 : s;
}

/* Without what stands between the digits: 00:1e, 00-1E, 001e. */
bool verdict_same_mac(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a && !isxdigit((unsigned char)*a))
			a++;
		while (*b && !isxdigit((unsigned char)*b))
			b++;
		if (!*a || !*b || tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return *a == *b;
	}
}

static int other(const char *what, const char *says, const char *record, struct fault *reterr)
{
	return fault_why(reterr, CN_IDENTITY_MISMATCH, what,
		"the device says %s %.64s, the record says %.64s", what, says, record);
}

int verdict_identity(const struct m_device *known, const struct identity *seen, bool *ret_compared,
	struct fault *reterr)
{
	*ret_compared = true;
	if (said(known->serial) && said(seen->serial))
		return strcasecmp(known->serial, seen->serial) == 0
			       ? 0
			       : other("serial", seen->serial, known->serial, reterr);
	if (said(known->device_uuid) && said(seen->uuid))
		return strcasecmp(bare_uuid(known->device_uuid), bare_uuid(seen->uuid)) == 0
			       ? 0
			       : other("uuid", seen->uuid, known->device_uuid, reterr);
	if (said(known->mac) && said(seen->mac))
		return verdict_same_mac(known->mac, seen->mac)
			       ? 0
			       : other("mac", seen->mac, known->mac, reterr);
	*ret_compared = false;
	return 0;
}

static bool accepts(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* With the plan, or by the task. */
static bool vouched_for(const struct m_job_work *job)
{
	const struct m_task_settings *t = job->settings;

	return accepts(job->accept, job->accept_n, "identity") ||
	       (t && accepts(t->accept, t->accept_n, "identity"));
}

int verdict_may_change(const struct m_job_work *job, bool compared, struct fault *reterr)
{
	if (compared || vouched_for(job))
		return 0;
	return fault_set(reterr, CN_IDENTITY_UNKNOWN,
		"the printer says neither serial number nor UUID nor MAC that its record has, too: "
		"nothing was changed on it");
}

bool verdict_may_learn(const struct m_job_work *job, bool compared)
{
	const struct m_device *d = job->device;

	return compared || vouched_for(job) ||
	       !(said(d->serial) || said(d->device_uuid) || said(d->mac));
}
