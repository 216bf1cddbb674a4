// SPDX-License-Identifier: Apache-2.0
/* Rules for the record of a device (docs/spec/fleet.md 1.1). Pure. */
#pragma once

#include "common/base/fault.h"
#include "gen/msg.h"

/* create: name, family and address must be there. Else only what is given is looked at.
 * 0, or -1 with CN_VALIDATION_FAILED. */
int device_check(const struct m_device *d, bool create, struct fault *reterr) must_check;
/* Whether a person may move a device from one state to the other (fleet.md 1.8): retired is final.
 */
bool device_may_become(enum device_state from, enum device_state to);
