// SPDX-License-Identifier: Apache-2.0
/* The device families' profiles (locks.md section 6) as this instance knows them: generic from the
 * settings, the others from the database, read again each minute; what stands in the families'
 * files is put there first. A profile changes only as a new revision, so what is known never
 * becomes wrong. The families' timers keep their ratio to those of generic, whatever that is set
 * to. */
#pragma once

#include "common/service/service.h"
#include "services/lock/lock.h"

/* families: directory of the families' files (family.c). */
void profile_init(const struct lock_profile *generic, const char *families);
void profile_load(struct service *s);
/* Whether they were read at least once. Before that a stricter family would be judged as generic.
 */
bool profile_ready(void);
/* Calls fn(call) once they were read. */
void profile_await(struct call *call, call_fn fn);
bool profile_known(const char *name);
/* The newest revision of that name; generic for an unknown one. */
const struct lock_profile *profile_newest(const char *name);
/* Exactly that revision; the newest when it is not known. */
const struct lock_profile *profile_revision(const char *name, uint32_t revision);
