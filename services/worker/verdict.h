// SPDX-License-Identifier: Apache-2.0
/* What becomes of a job: from causes and answers to one state (fleet.md sections 7 and 8). Pure. */
#pragma once

#include "common/base/fault.h"
#include "gen/msg.h"

struct verdict {
	enum job_state state; /* 0 = none yet */
	struct fault fault;   /* code 0 for a good end */
	uint32_t retry_ms;    /* 0 = the scheduler's own backoff */
};

/* By the cause's row in errors.tab; storage that is not there defers (RL-60). storing: a job that
 * stores cannot be skipped or cancelled any more (fleet.md 7.2): it fails, or is tried again. One
 * that is deferred then is tried again uncharged; the scheduler sees to that. */
struct verdict verdict_of_fault(const struct fault *f, bool storing);
/* An answer other than granted (locks.md section 4). */
struct verdict verdict_of_lock(const struct m_lock_answer *a);
/* Storage's own faults pass; anything else means that storage is not there now (CN-7001). */
struct fault verdict_storage_fault(const struct fault *f);
/* Gone, not yet there, without a free stream, without its database: it says nothing about the job.
 */
bool verdict_storage_away(const struct fault *f);

/* Who a device says it is; NULL or "" = it does not say. */
struct identity {
	const char *serial, *uuid, *mac;
};
/* By the first of them that device and record both say (FL-1, ST-4): 0, or -1 with
 * CN_IDENTITY_MISMATCH. *ret_compared false: there is none (FL-4). */
int verdict_identity(const struct m_device *known, const struct identity *seen, bool *ret_compared,
	struct fault *reterr) must_check;
bool verdict_same_mac(const char *a, const char *b);
/* What changes a device wants to know which one it is, or a person who says so (FL-4): 0, or -1
 * with CN_IDENTITY_UNKNOWN. */
int verdict_may_change(
	const struct m_job_work *job, bool compared, struct fault *reterr) must_check;
/* May the record take over what the device says of itself? Not from one that may be another. */
bool verdict_may_learn(const struct m_job_work *job, bool compared);
