// SPDX-License-Identifier: Apache-2.0
/* An address, found once and checked, then used for the whole job (SE-11). */
#pragma once

#include "common/loop/loop.h"
#include "common/net/address.h"

/* ip is numeric text; f is set instead when there is none or none is allowed (CN_NAME_UNRESOLVED,
 * CN_ADDRESS_REFUSED). */
typedef void (*resolve_fn)(void *arg, const char *ip, const struct fault *f);

/* The same, blocking: work pool only. */
#define RESOLVE_MAX 8
struct resolved {
	struct address at[RESOLVE_MAX]; /* in the order to try */
	size_t n;
};
int resolve_now(const char *name, const struct address_rules *rules, bool simulated,
	struct resolved *ret, struct fault *reterr) must_check;

/* Numeric addresses are answered at once, from inside the call; names on the work pool, where
 * getaddrinfo may block. Always calls fn once; there is no cancel. rules outlives the call. */
void resolve(struct loop *loop, const char *name, const struct address_rules *rules, bool simulated,
	resolve_fn fn, void *arg);
