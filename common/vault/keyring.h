// SPDX-License-Identifier: Apache-2.0
/* The key file of a vault: one key encryption key (KEK) or several, the first is the one that
 * wraps. 32 raw bytes are a ring of one; else canonical JSON, sealed under a passphrase or not:
 *
 *     {"format":"carnet-keyring-1","kdf":"none","keys":"<base64>"}
 *     {"format":"carnet-keyring-1","kdf":"scrypt","keys":"<base64, sealed>","log2n":17,"p":1,"r":8,
 *      "salt":"<hex>"}                                                            (ST-29, ST-32) */
#pragma once

#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "common/crypto/crypto.h"

#define KEYRING_MAX 8

struct keyring {
	size_t n;
	uint8_t kek[KEYRING_MAX][KEY_LEN];
};

/* passphrase empty: none is known. CN_VALIDATION_FAILED, reason passphrase_needed, passphrase,
 * key_file…; slow when the file is protected. */
int keyring_read(const char *path, struct span passphrase, struct keyring *ret,
	struct fault *reterr) must_check;
/* The first line of a file that only its owner may read; into out (wipe it). path "" = none. */
int passphrase_read(const char *path, struct buf *out, struct fault *reterr) must_check;
/* Replaces the file; empty passphrase: unprotected. */
int keyring_write(const char *path, const struct keyring *ring, struct span passphrase,
	struct fault *reterr) must_check;
void keyring_wipe(struct keyring *ring);

/* An id that follows from the key, so that all agree without asking. */
void kek_id(const uint8_t kek[static KEY_LEN], struct uuid *ret_id);
/* NULL when the ring has no key of that id. */
const uint8_t *keyring_find(const struct keyring *ring, const struct uuid *id);
