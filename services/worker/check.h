// SPDX-License-Identifier: Apache-2.0
/* device.check_ab and device.check_settings (fleet.md FL-7, FL-9..FL-11): what a printer can do is
 * found out by doing it. Its lists or settings are read, under the lock of a backup, and nothing is
 * kept. That the check ran is the state of the job; what it found is its reason, and the
 * capabilities of the device, with evidence. */
#pragma once

#include "services/worker/session.h"

/* The kind of job that is tried: ab.backup, settings.backup; any other kind is its own. */
const char *check_function(const char *kind);
bool check_wanted(const struct m_job_work *job);
/* Everything was read. */
void check_passed(struct session *s);
/* It could not be done; what that says of the device is noted. true: the check itself went well,
 * and goes on to its end. */
bool check_failed(struct session *s, const struct fault *f);
/* A backup read everything, or (f) could not: it did what a check does, so where the last one is
 * older than 30 days, or met another firmware, this counts as one (FL-10). */
void check_by_backup(struct session *s, const struct fault *f);
