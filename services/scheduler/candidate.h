// SPDX-License-Identifier: Apache-2.0
/* Candidates: what their handlers share. */
#pragma once

#include "services/scheduler/scheduler.h"

/* A row of SQL_CANDIDATE_GET. */
void row_candidate(struct row *c, struct m_candidate *m);
/* Answers with the candidate of the last result; arg is the call. */
void candidate_answer(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);
