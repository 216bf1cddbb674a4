// SPDX-License-Identifier: Apache-2.0
/* Where vaults on servers may be: the setting vault_networks (security.md SE-9..12). A name is
 * looked up once, every answer is checked, and the connection goes to one of them. Blocks: work
 * pool only. */
#pragma once

#include "common/net/resolve.h"

/* CN_STORE_UNAVAILABLE vault_name_unresolved, CN_DESTINATION_REFUSED vault_network. */
int reach(const char *host, const struct address_rules *rules, struct resolved *ret,
	struct fault *reterr) must_check;
