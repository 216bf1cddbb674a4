// SPDX-License-Identifier: Apache-2.0
/* The few primitives Carnet uses, over OpenSSL 3 and libargon2 (security.md section 8, storage.md
 * section 5). Functions that can fail return 0 or -1 and leave outputs untouched on failure, unless
 * said. Thread-safe. Parameters are checked with bug_if; bytes from outside never abort. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"

#define SHA256_LEN 32
#define KEY_LEN 32
#define GCM_NONCE 12
#define GCM_TAG 16

void crypto_random(void *out, size_t n);
void crypto_wipe(void *p, size_t n);
/* buf_fini, after wiping. */
void buf_wipe(struct buf *b);
bool crypto_equal(const void *a, const void *b, size_t n); /* constant time */

void sha256(struct span in, uint8_t out[static SHA256_LEN]);
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, struct span in);
/* Finishes and frees. */
void sha256_end(struct sha256 *h, uint8_t out[static SHA256_LEN]);

/* HMAC over several pieces, as one message. */
void hmac_sha256(
	struct span key, const struct span *pieces, size_t n, uint8_t out[static SHA256_LEN]);
struct hmac;
struct hmac *hmac_new(struct span key);
void hmac_add(struct hmac *h, struct span in);
void hmac_end(struct hmac *h, uint8_t out[static SHA256_LEN]);

void hkdf_sha256(struct span key, struct span salt, struct span info, uint8_t *out, size_t n);

/* AES-256-GCM: out gets in.n + GCM_TAG bytes. */
void gcm_seal(const uint8_t key[static KEY_LEN], const uint8_t nonce[static GCM_NONCE],
	struct span aad, struct span in, uint8_t *out);
/* in = ciphertext and tag; out gets in.n - GCM_TAG bytes, nothing on failure. */
int gcm_open(const uint8_t key[static KEY_LEN], const uint8_t nonce[static GCM_NONCE],
	struct span aad, struct span in, uint8_t *out) must_check;

/* Small values: nonce ‖ ciphertext ‖ tag under a random nonce. */
void seal_value(
	const uint8_t key[static KEY_LEN], struct span aad, struct span in, struct buf *out);
int open_value(const uint8_t key[static KEY_LEN], struct span aad, struct span in,
	struct buf *out) must_check;

/* Sealed to a reader: X25519 ephemeral + HKDF-SHA-256 + AES-256-GCM; aad binds the meaning. */
void box_keypair(uint8_t public_key[static 32], uint8_t private_key[static 32]);
void box_public(const uint8_t private_key[static 32], uint8_t public_key[static 32]);
void box_seal(
	const uint8_t public_key[static 32], struct span aad, struct span in, struct buf *out);
int box_open(const uint8_t private_key[static 32], struct span aad, struct span in,
	struct buf *out) must_check;

/* Ed25519. seed = the private key. */
void sign_public(const uint8_t seed[static 32], uint8_t public_key[static 32]);
void sign_make(const uint8_t seed[static 32], struct span in, uint8_t signature[static 64]);
bool sign_good(
	const uint8_t public_key[static 32], struct span in, const uint8_t signature[static 64]);

/* Argon2id, m = 64 MiB, t = 3, p = 1, encoded text ($argon2id$…). Slow: call on the work pool.
 * pepper may be empty. */
int password_hash(struct span password, struct span pepper, char *ret_text, size_t size) must_check;
bool password_good(struct span password, struct span pepper, const char *text);

/* A key from a passphrase: scrypt, N = 2^log2n. Bounded: 17 ≤ log2n ≤ 20, r = 8, p ≤ 4 (ST-32).
 * One at a time per process; slow: call on the work pool. -1 when out of bounds or of memory. */
#define KDF_SALT 16
struct kdf_scrypt {
	unsigned log2n, r, p;
	uint8_t salt[KDF_SALT];
};
bool kdf_scrypt_bounded(const struct kdf_scrypt *p);
int kdf_scrypt(
	struct span passphrase, const struct kdf_scrypt *p, uint8_t out[static KEY_LEN]) must_check;

void hex_encode(struct span in, char *out /* 2n + 1 bytes */);
int hex_decode(const char *s, uint8_t *out, size_t n) must_check; /* exactly n bytes */
void base64_encode(struct span in, struct buf *out);
int base64_decode(const char *s, size_t n, struct buf *out) must_check;

/* Reads a key file: exactly n raw bytes, mode 0400 or 0600, no symlink; wipes on failure. */
int key_file_read(const char *path, uint8_t *out, size_t n, struct fault *reterr) must_check;
/* The same checks for a file of at most max bytes, appended to out (wipe it). */
int key_file_load(const char *path, size_t max, struct buf *out, struct fault *reterr) must_check;
/* Writes or replaces it as a whole, 0400; after a crash the old or the new one is there. */
int key_file_replace(const char *path, struct span bytes, struct fault *reterr) must_check;
/* Creates it with random bytes, 0400, if absent. 0 made or there, -1 fault. */
int key_file_make(const char *path, size_t n, struct fault *reterr) must_check;

/* A secret in memory that is not dumped, not swapped, and wiped at its end (SE-34). */
struct secret;
struct secret *secret_new(struct span bytes); /* NUL-terminated copy */
void secret_free(struct secret *s);
/* The reviewed way to read it. */
struct span secret_bytes(const struct secret *s);
const char *secret_text(const struct secret *s);
