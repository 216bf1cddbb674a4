// SPDX-License-Identifier: Apache-2.0
/* Several texts in one cell: joined with ;, where a pair is system=value. What would be mistaken
 * for that is written %25 %3B %3D. Pure. */
#pragma once

#include "common/base/buf.h"

void joined_add(struct buf *out, const char *text);
/* A system of "" is not written. */
void joined_add_pair(struct buf *out, const char *system, const char *value);
/* What stands next in p, decoded; returns what follows it. */
const char *joined_next(const char *p, struct buf *ret_text);
const char *joined_pair(const char *p, struct buf *ret_system, struct buf *ret_value);
