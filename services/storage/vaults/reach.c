// SPDX-License-Identifier: Apache-2.0
/* Looking up a server of vaults. */
#include "services/storage/vaults/reach.h"

#include "gen/errors.h"

int reach(const char *host, const struct address_rules *rules, struct resolved *ret,
	struct fault *reterr)
{
	struct fault why = FAULT_INIT;
	if (resolve_now(host, rules, true, ret, &why) == 0)
		return 0;
	if (why.code == CN_NAME_UNRESOLVED)
		return fault_why(
			reterr, CN_STORE_UNAVAILABLE, "vault_name_unresolved", "%s", why.detail);
	return fault_why(
		reterr, CN_DESTINATION_REFUSED, "vault_network", "%s: %s", host, why.detail);
}
