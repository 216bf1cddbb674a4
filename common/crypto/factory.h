// SPDX-License-Identifier: Apache-2.0
/* Logins that every new device of a kind has, as its maker's manual prints them: whoever knows the
 * manual knows them (docs/spec/fleet.md FL-16). */
#pragma once

#include <stdbool.h>

/* Is this one of them? user: name or id, NULL or "" where there is none. An empty secret is one,
 * NULL is none. Names are compared without case, secrets exactly. */
bool login_is_factory(const char *user, const char *secret);
/* Only logins are looked at: of a community or a token everybody knows what it is worth. */
bool login_kind(const char *kind);
