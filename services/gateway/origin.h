// SPDX-License-Identifier: Apache-2.0
/* Where a request comes from, behind proxies of our own. Pure. */
#pragma once

#include "common/net/address.h"

/* The peer; when that is a proxy we trust, the last address of X-Forwarded-For (NULL = none) that
 * is none: what stands before it is only said. A unix socket ("") is trusted where any proxy is. */
void origin_of(const struct address_rules *proxies, const char *peer, const char *forwarded,
	char ret[static ADDRESS_TEXT]);
