// SPDX-License-Identifier: Apache-2.0
/* Where a vault on a server is, and the login for it. The login is sealed to storage and bound to
 * where it goes: moved to another place, account or pin it does not open (security.md SE-37). */
#pragma once

#include "common/base/buf.h"
#include "common/base/uuid.h"

/* Texts as people gave them; absent ones may be NULL. */
struct vault_address {
	const char *kind;    /* sftp, s3, mail */
	const char *place;   /* sftp://host:port/path, https://host/bucket/prefix, smtps://host */
	const char *account; /* name, access key id */
	const char *pin;     /* of the server's key */
	const char *region;
};

void vault_login_aad(struct buf *out, const struct uuid *tenant, const struct vault_address *a);
