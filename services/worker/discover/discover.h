// SPDX-License-Identifier: Apache-2.0
/* A job of device.discover: its target is no device but a stretch of addresses. It takes no lock,
 * reads no book, and leaves nothing but candidates:
 *
 *   running → look (scan.h) → report to the scheduler → storing → the end
 *
 * Nothing outside of the networks that the worker may reach is asked (SE-9). */
#pragma once

#include "services/worker/session.h"

struct discover;

/* Is this job one? */
bool discover_wanted(const struct m_job_work *job);
void discover_begin(struct session *s);
/* The scheduler knows that it runs. */
void discover_running(struct session *s);
/* The scheduler knows what was found, and that the job is about to end. */
void discover_stored(struct session *s);
/* Nothing is sent any more; no callback comes. NULL is fine. */
void discover_stop(struct discover *d);
