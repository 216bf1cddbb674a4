// SPDX-License-Identifier: Apache-2.0
/* A look at runs that moved: counts are published, waves released, budgets judged, plans closed,
 * runs ended. Each run by exactly one of all schedulers: its row's lock decides (RL-7). */
#pragma once

#include "services/scheduler/scheduler.h"

struct look;
/* done is called when the look has ended, well or not; l is gone then. */
struct look *look_new(void (*done)(void *arg), void *arg);
bool look_add(struct look *l, const struct uuid *run); /* false: full */
void look_start(struct look *l);
