// SPDX-License-Identifier: Apache-2.0
/* Inside common/crypto only: OpenSSL's algorithms, fetched once. */
#pragma once

#include <openssl/evp.h>

#include "common/crypto/crypto.h"

struct evp {
	EVP_MD *sha256;
	EVP_CIPHER *aes256gcm, *aes128cfb;
	EVP_MD *digests[6]; /* enum digest; NULL = not offered here (MD5 in FIPS mode) */
	EVP_MAC *hmac;
	EVP_KDF *hkdf;
};

/* Fetches at the first call; a library without them is a broken installation and aborts. */
const struct evp *evp(void);
