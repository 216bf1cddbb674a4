// SPDX-License-Identifier: Apache-2.0
/* What a person may touch (docs/spec/fleet.md FL-69), as it travels in the header of a message:
 * lines "ROLE THING". ROLE is the digit of an enum msg_right, THING is "*" (everything),
 * "site:NAME" or "group:ID"; what lies in any THING lies within. A line that says anything else
 * allows nothing. */
#pragma once

#include "common/base/arena.h"
#include "common/msg/msg.h"

#define SCOPE_THING_MAX ((size_t)80) /* bytes of a THING */

enum scope_reach { SCOPE_NOTHING, SCOPE_PART, SCOPE_ALL };

/* How far a message of this right reaches by these lines. *ret_things, in the arena, is set with
 * SCOPE_PART only: the things of the lines whose role may send it, one per line. */
enum scope_reach scope_reach(const char *scope, enum msg_right right, struct arena *arena,
	const char **ret_things) must_check;

/* The least role of these lines that may send a message of this right; MSG_INTERNAL = none. */
enum msg_right scope_role(const char *scope, enum msg_right right) must_check;

/* One line. Appended when there is room and the thing is of one line. 0, or -1. */
int scope_add(
	struct buf *lines, enum msg_right role, const char *kind, const char *name) must_check;

/* Goes through the lines: *at is the rest (at first: all of them); the thing is cut out into
 * ret_thing. False at the end. Lines that allow nothing are left out. */
bool scope_next(const char **at, enum msg_right *ret_role, char ret_thing[static SCOPE_THING_MAX]);
