// SPDX-License-Identifier: Apache-2.0
/* What the login of a vault is bound to. */
#include "common/vault/address.h"

#include <string.h>

static void add(struct buf *out, const char *s)
{
	buf_add(out, s == NULL ? "" : s, s == NULL ? 1 : strlen(s) + 1);
}

void vault_login_aad(struct buf *out, const struct uuid *tenant, const struct vault_address *a)
{
	add(out, "carnet-vault-login-1");
	buf_add(out, tenant->b, sizeof(tenant->b));
	add(out, a->kind);
	add(out, a->place);
	add(out, a->account);
	add(out, a->pin);
	add(out, a->region);
}
