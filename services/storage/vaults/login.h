// SPDX-License-Identifier: Apache-2.0
/* The login of a vault on a server: sealed at the gateway to storage, kept sealed in the catalogue,
 * opened only for the connection (security.md section 8). */
#pragma once

#include "common/crypto/crypto.h"
#include "common/vault/address.h"
#include "common/vault/keys.h"

#define LOGIN_SEALED_MAX ((size_t)16384)

struct login {
	char password[1024]; /* also the secret key of S3 */
	char key[8192];      /* private key of SSH, PEM */
	char passphrase[1024];
};

/* The secret holds a struct login. CN_VALIDATION_FAILED "login_sealed": sealed for another place,
 * or by somebody else. */
struct secret *login_open(const struct keys *k, const struct vault_address *a, struct span sealed,
	struct fault *reterr) must_check;
