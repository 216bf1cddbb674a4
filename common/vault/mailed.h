// SPDX-License-Identifier: Apache-2.0
/* A version as it travels by mail (docs/spec/storage.md ST-54): its files, sealed to an X25519 key,
 * whole in memory. The key is the recipient's own, or follows from a password agreed apart: then
 * who asks for the mail makes it, and nobody behind them knows the password. On disks of other
 * people for ever: never changed.
 *
 *     "CNMAIL1\n", version[16]                             clear, bound into the seal; or
 *     "CNMAIL2\n", version[16], log2n, r, p, salt[16]      the private key is scrypt(password)
 *     box: files, each u8 name length, name, u64 length (big-endian), bytes */
#pragma once

#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "common/crypto/crypto.h"

#define MAILED_NAME 128
#define MAILED_KDF (3 + KDF_SALT)
#define MAILED_PASSWORD_MIN 12
#define MAILED_PASSWORD_MAX 128

/* Printable ASCII, so that everybody's keyboard writes the same bytes; no space at its ends. */
bool mailed_password_good(const char *password) must_check;
/* A key pair of a password: slow, 128 MiB, work pool only. make: kdf is filled in first. */
int mailed_password_make(struct span password, uint8_t kdf[static MAILED_KDF],
	uint8_t public_key[static 32], struct fault *reterr) must_check;
int mailed_password_key(struct span password, const uint8_t kdf[static MAILED_KDF],
	uint8_t private_key[static 32], struct fault *reterr) must_check;

/* One more file. The name is a plain one: A-Z a-z 0-9 _ . - */
void mailed_add(struct buf *files, const char *name, struct span bytes);
/* Adds the sealed whole to out. kdf: of the password that the key follows from; NULL = none. */
void mailed_seal(const uint8_t public_key[static 32], const uint8_t *kdf,
	const struct uuid *version, struct span files, struct buf *out);
/* Of what is sealed to a password; NULL = to somebody's own key, or no such file. */
const uint8_t *mailed_kdf(struct span sealed);
/* CN_STORE_VERIFY_FAILED: "header", or "seal" (another key, or damaged). */
int mailed_open(const uint8_t private_key[static 32], struct span sealed, struct uuid *ret_version,
	struct buf *ret_files, struct fault *reterr) must_check;
/* The next file of what mailed_open gave; *rest moves on. false: the end, or with *rest not empty,
 * damage. */
bool mailed_next(
	struct span *rest, char name[static MAILED_NAME], struct span *ret_bytes) must_check;
