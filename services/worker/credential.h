// SPDX-License-Identifier: Apache-2.0
/* Sealed credentials: only a worker of the right class opens them, just before use (FL-15, SE-34).
 */
#pragma once

#include "services/worker/adapters/adapter.h"

struct credential_keys {
	bool have;
	uint8_t private_key[32];
	struct uuid tenant;
};

/* Opens and reads one. 0, or -1 with CN_AUTH_MISSING (wrong class, damaged). *ret is wiped on
 * failure. */
int credential_open(const struct credential_keys *keys, const struct m_sealed_credential *sealed,
	struct credential *ret, struct fault *reterr) must_check;
void credential_wipe(struct credential *c);
/* The task's encryption password; out is wiped on failure. */
int credential_password(const struct credential_keys *keys, const struct uuid *id,
	struct span sealed, struct buf *out, struct fault *reterr) must_check;
