// SPDX-License-Identifier: Apache-2.0
/* Rules for saving a task (docs/spec/fleet.md sections 3 and 6). Pure. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "gen/msg.h"

/* The sentence of FL-23, said with each saved task that names groups or a filter. */
extern const char TASK_NOTE[];

/* Puts the members given in change over old (NULL = a new task) and fills defaults; the result
 * lives in the arena. NULL when memory ran out. */
struct m_task *task_merge(
	const struct m_task *old, const struct m_task *change, struct arena *arena);

/* Slots of a device that exist, each once (AB-32). */
int task_map_check(const struct m_slot_map *map, size_t n, struct fault *reterr) must_check;

/* Names, kind, lists (lists_required), source, slots, waves, password (password_required, mandatory
 * whatever the targets: FL-42), schedule, filter. 0, or -1 with CN_VALIDATION_FAILED and the reason
 * word. */
int task_check(const struct m_task *t, int64_t now_ms, struct arena *arena,
	struct fault *reterr) must_check;
