// SPDX-License-Identifier: Apache-2.0
/* The kinds of task (docs/spec/fleet.md 3.2): which device families can do them, what they need,
 * whether they write. Data. */
#pragma once

#include "common/base/base.h"

/* What stands for the family of a target of device.discover: workers that can look for devices
 * claim it like one of theirs. */
#define DISCOVERY "discovery"

bool kind_known(const char *kind);
/* All kinds, one after the other; NULL after the last. */
const char *kind_nth(size_t i);
bool kind_discovers(const char *kind);
/* It changes what a device holds: a run makes a plan first, and another one applies it (FL-27). */
bool kind_plans(const char *kind);
/* It only reads: it may be cut at any time (FL-38). */
bool kind_reads(const char *kind);
/* Families whose adapter can do it at all, ends with NULL; a target of another one ends as skipped
 * (FL-47). Unknown kinds: none. */
const char *const *kind_families(const char *kind);
/* It has no device: a run of it is one job, for whoever claims its one family, which is its pool,
 * too. The task stands where the device stands. */
bool kind_alone(const char *kind);
/* The capability without which a device of such a task is skipped; "" = none. */
const char *kind_capability(const char *kind);
/* Every family that Carnet knows, ends with NULL. */
const char *const *families_all(void);
