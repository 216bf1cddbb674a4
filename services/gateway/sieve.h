// SPDX-License-Identifier: Apache-2.0
/* Events on their way to somebody with a scope (docs/spec/fleet.md FL-69): each waits for the
 * scheduler's word whether its device or run is seen, all in their order. What is not seen, or is
 * about no device, does not arrive. */
#pragma once

#include "services/gateway/gateway.h"

struct sieve;

/* push gets each text that may pass, in order; NULL = the end that was asked for. */
typedef void (*sieve_fn)(void *arg, const char *text);
struct sieve *sieve_new(
	struct gateway *g, const char *actor, const char *scope, sieve_fn push, void *arg);
/* Takes the event; false when too many wait. */
bool sieve_put(struct sieve *s, const struct msg_desc *desc, const void *body,
	const char *text) must_check;
/* NULL comes after all that was put. */
void sieve_end(struct sieve *s);
/* push is not called any more. */
void sieve_free(struct sieve *s);
