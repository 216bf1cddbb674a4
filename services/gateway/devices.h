// SPDX-License-Identifier: Apache-2.0
/* Devices by name or id, as people and other systems say them; the scheduler knows them. */
#pragma once

#include "services/gateway/gateway.h"

struct devices {
	const struct m_device_ref *items; /* one per ref, in their order; in the request's arena */
	size_t n;
};

/* then(arg, devices) when each ref is one device; r was refused otherwise: not_found
 * unknown_device, or conflict ambiguous. */
void devices_find(struct rest *r, const char *const *refs, size_t n,
	void (*then)(void *arg, const struct devices *found), void *arg);
/* then(arg, devices) with those of the ids that are known; never refuses, names are an extra. */
void devices_names(struct rest *r, const struct uuid *ids, size_t n,
	void (*then)(void *arg, const struct devices *found), void *arg);
/* NULL when it is not among them. */
const char *devices_name(const struct devices *d, const struct uuid *id);
