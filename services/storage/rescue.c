// SPDX-License-Identifier: Apache-2.0
/* The end of a scrub (ST-73): devices whose newest version has no good copy left are backed up
 * again, each by the run that read it last; the book is stored anew, changed or not. A scheduler
 * that is not there is asked again by the next scrub, any other answer counts for some hours. */
#include "services/storage/rescue.h"

#include "services/storage/sql_upkeep.h"

#define AT_ONCE 16

static struct {
	struct rescued list[AT_ONCE];
	size_t n, at;
	void (*done)(void);
} re;

static void next(void);

static void told(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	if (f != NULL) {
		re.done();
		return;
	}
	re.at++;
	next();
}

static void asked(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct rescued *v = &re.list[re.at];
	(void)arg;
	(void)body;
	(void)instance;
	if (f != NULL && f->code == CN_INTERNAL_ERROR) { /* nobody answered */
		re.done();
		return;
	}
	if (f != NULL) {
		log_error(L("alarm: device not backed up again"), L_UUID("device", &v->device),
			L_UUID("version", &v->version), L_FAULT(f));
		sql_alarm("alarm.not_backed_up_again", &v->device, &v->version, NULL);
	} else {
		log_warn(L("device is backed up again"), L_UUID("device", &v->device),
			L_UUID("version", &v->version));
	}
	sql_rescued(&v->version, told);
}

static void next(void)
{
	static const enum job_state ended[] = {JOB_STATE_SUCCEEDED, JOB_STATE_UNCHANGED,
		JOB_STATE_PARTIAL, JOB_STATE_SKIPPED, JOB_STATE_FAILED, JOB_STATE_DEAD,
		JOB_STATE_MISSED, JOB_STATE_CANCELLED};
	if (re.at == re.n) {
		re.done();
		return;
	}
	const struct rescued *v = &re.list[re.at];
	const struct m_run_rerun ask = {.id = v->run,
		.states = ended,
		.states_n = array_len(ended),
		.devices = &v->device,
		.devices_n = 1};
	peer_call(chore_scheduler(), &m_run_rerun_desc, &ask, &(struct peer_opts){.deadline_ms = 0},
		asked, NULL);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	re.n = f == NULL ? (size_t)db_rows(r[0]) : 0;
	re.at = 0;
	for (size_t i = 0; i < re.n; i++)
		re.list[i] = (struct rescued){db_get_uuid(r[0], (int)i, 0),
			db_get_uuid(r[0], (int)i, 1), db_get_uuid(r[0], (int)i, 2)};
	next();
}

void rescue(void (*done)(void))
{
	re.done = done;
	if (chore_scheduler() == NULL)
		done();
	else
		sql_rescue_next(AT_ONCE, found);
}
