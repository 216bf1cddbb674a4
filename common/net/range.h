// SPDX-License-Identifier: Apache-2.0
/* Stretches of IP addresses as people write them, and the pieces that one job looks at. Pure.
 *
 *     10.1.0.0/24   10.1.2.10-10.1.2.90   10.1.2.10-90   10.1.3.7   fd00:1::10-fd00:1::80
 *
 * Only the plain spellings of inet_pton (SE-12). A network is all of its addresses, without the two
 * of IPv4 that no printer has: its own and the broadcast address (of /31 and /32 all). */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/fault.h"

/* from and to: the last four bytes, in host order; before them the prefix of an IPv6 address. */
struct ip_range {
	bool v6;
	uint8_t prefix[12];
	uint32_t from, to;
};

#define RANGE_ADDRESSES_MAX 65536u /* of one task */
#define RANGE_SLICE 256u           /* of one job */
#define RANGE_SLICE_TEXT 253u      /* its spelling, as long as an address may be */

/* A list of them, of a member of a message: names the member and the place in faults. */
struct range_list {
	const char *member; /* "settings.discover.ranges" */
	const char *const *text;
	size_t n;
};

/* 0, or -1 with CN_VALIDATION_FAILED, reason "address". */
int range_parse(const char *text, struct ip_range *ret, struct fault *reterr) must_check;
/* The n-th address of a range, in network order (4 or 16 bytes). */
void range_address(const struct ip_range *r, uint32_t n, uint8_t ret[static 16]);
uint64_t range_size(const struct ip_range *r);
bool range_has(const struct ip_range *r, bool v6, const uint8_t *address);
/* "10.1.0.1-10.1.0.254", or one address. */
void range_text(const struct ip_range *r, struct buf *out);

/* What is in ranges and not in exclude: sorted, nothing twice. 0, or -1 with CN_VALIDATION_FAILED:
 * a spelling ("address"), or more than RANGE_ADDRESSES_MAX in all ("too_many"). */
int ranges_make(const struct range_list *ranges, const struct range_list *exclude,
	struct arena *arena, struct ip_range **ret_list, size_t *ret_n,
	struct fault *reterr) must_check;

/* Cuts them into pieces of at most RANGE_SLICE addresses, written as texts of at most
 * RANGE_SLICE_TEXT bytes: ranges with ", " between. names: host names to follow, each as one
 * address. NULL when the arena is full. */
const char **ranges_slice(const struct ip_range *list, size_t n, const char *const *names,
	size_t names_n, struct arena *arena, size_t *ret_n);
