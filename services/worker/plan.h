// SPDX-License-Identifier: Apache-2.0
/* What a job needs: which lock, which lists, which kind of version. Pure. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "gen/msg.h"

struct plan {
	const char *op; /* of matrix.csv; NULL = no lock is taken */
	enum lock_direction direction;
	const char *const *lock_items;
	size_t n_lock_items;
	enum version_kind version_kind;
	const char *format; /* decoder in storage; NULL = nothing is stored */
	const char **items; /* what to read, in the device's order */
	size_t n_items;
};

/* 0, or -1 with CN_NO_MATCHING_LIST (FL-44), CN_UNSUPPORTED_OPERATION (kind unknown here) or
 * CN_MANAGED_ELSEWHERE never (reading is always allowed, FL-5). */
int plan_make(const struct m_job_work *job, struct arena *a, struct plan *ret,
	struct fault *reterr) must_check;
/* The device shows none of the lists: -1 with CN_NO_MATCHING_LIST; CN_CAPABILITY_UNKNOWN where
 * nobody said which type it is (FL-7). */
int plan_no_list(const struct m_device *d, struct fault *reterr) must_check;
/* A grant is for this device, and for every item of the plan; -1 with CN_LOCK_REFUSED: what was not
 * granted is not touched. */
int plan_granted(const struct plan *p, const struct uuid *device, const struct m_lock_answer *a,
	struct fault *reterr) must_check;
