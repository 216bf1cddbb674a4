// SPDX-License-Identifier: Apache-2.0
/* Rules for the record of a device (docs/spec/fleet.md 1.1). Pure. */
#pragma once

#include "common/base/fault.h"
#include "gen/msg.h"

/* create: name, family and address must be there. Else only what is given is looked at.
 * 0, or -1 with CN_VALIDATION_FAILED. */
int device_check(const struct m_device *d, bool create, struct fault *reterr) must_check;
/* Whom a printer is trusted to be is not for one person to say (FL-12, FL-18): the pin that is
 * there stays, and what is not proven is enabled by administrators. pin, unproven: of the device as
 * it is; "" and false of one that is made. 0, or -1 with CN_PERMISSION_DENIED. */
int device_trust_check(const struct m_device *d, const char *pin, bool unproven, bool admin,
	struct fault *reterr) must_check;
/* A new pin as one person proposed it: "" = none; by, fresh: who, and not longer than 7 days ago.
 * May this other person approve it? 0, or -1 with CN_CONFLICT. */
int device_repin_check(const char *proposed, const char *by, bool fresh, const char *pin,
	const char *person, struct fault *reterr) must_check;
/* A name that would be taken for an id: of whatever has both. */
bool name_is_id(const char *name);
/* Whether a person may move a device from one state to the other (fleet.md 1.8): retired is final.
 */
bool device_may_become(enum device_state from, enum device_state to);
