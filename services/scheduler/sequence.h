// SPDX-License-Identifier: Apache-2.0
/* Batch tasks (docs/spec/fleet.md FL-26): steps are tasks of their own; one run has the jobs of all
 * steps over one frozen list. A job of a later step is `waiting`, due at infinity, until the look
 * at its run finds that the one before has ended. */
#pragma once

#include "services/scheduler/scheduler.h"

bool kind_sequence(const char *kind);
/* Whether a task of this kind may be a step: no batch in a batch. */
bool may_be_step(const char *kind);

/* When a batch is saved: asks for its steps in this transaction, two results. */
void sequence_ask(struct txn *t, const struct call *call, const struct m_task *task);
/* The ids of the steps; false: refused, because one names nothing, or may be no step. */
bool sequence_take(struct call *call, struct db_result **r, const struct m_task *task,
	const char *const **ret_ids);

/* The list of its run is there, of the first step only and held: those whom that step does not fit
 * are skipped, the jobs of the other steps made. */
void sequence_open(struct txn *t, const struct uuid *run);
/* Nothing of the run is at work: with a barrier, its next step may begin. The run is locked. */
void sequence_gate(struct txn *t, const struct uuid *run);
/* What has to go on, goes on, some thousand jobs at most; what must not, is skipped. One row: how
 * many ends were looked at, and if any, there may be more. The run is locked. */
void sequence_next(struct txn *t, const struct uuid *run);
/* The run has ended: nothing goes on there. */
void sequence_over(struct txn *t, const struct uuid *run);
