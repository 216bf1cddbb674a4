// SPDX-License-Identifier: Apache-2.0
/* What a person with a scope may name (fleet.md FL-69). */
#pragma once

#include "common/service/service.h"

/* What nobody thought of is refused. */
void scope_guard(struct call *call, call_fn then);
/* Is it said what such a person may name in this request? */
bool scope_knows(uint16_t id) must_check;
