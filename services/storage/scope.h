// SPDX-License-Identifier: Apache-2.0
/* What a person with a scope may name (fleet.md FL-69). */
#pragma once

#include "common/service/service.h"

void scope_guard(struct call *call, call_fn then);
