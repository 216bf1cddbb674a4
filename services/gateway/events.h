// SPDX-License-Identifier: Apache-2.0
/* Server-sent events: what the services publish, forwarded to whoever watches.
 * GET /api/v1/events (all), GET /api/v1/locks/events?device=NAME (locks, of those devices) and GET
 * /api/v1/runs/{id}/events (one run: its state first, then each change, closed when the run has
 * ended). Events are hints; after a gap the state comes again. */
#pragma once

#include "services/gateway/gateway.h"

struct events *events_new(struct gateway *g, struct fault *reterr) must_check;
