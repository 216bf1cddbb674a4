// SPDX-License-Identifier: Apache-2.0
/* Public keys: boxes sealed to an X25519 reader, Ed25519 signatures.
 * Box = ephemeral public key (32) ‖ ciphertext ‖ tag (16). Its key comes from HKDF over the shared
 * secret with both public keys as salt and is used once, so the nonce is zero. */
#include "common/crypto/evp.h"

#include <stdlib.h>
#include <string.h>

static EVP_PKEY *private_of(int type, const uint8_t *raw)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, raw, 32);
	bug_if(key == NULL);
	return key;
}

static void public_of(int type, const uint8_t *raw, uint8_t *out)
{
	EVP_PKEY *key = private_of(type, raw);
	size_t n = 32;
	bug_if(EVP_PKEY_get_raw_public_key(key, out, &n) != 1 || n != 32);
	EVP_PKEY_free(key);
}

void box_public(const uint8_t private_key[static 32], uint8_t public_key[static 32])
{
	public_of(EVP_PKEY_X25519, private_key, public_key);
}

void box_keypair(uint8_t public_key[static 32], uint8_t private_key[static 32])
{
	crypto_random(private_key, 32);
	box_public(private_key, public_key);
}

/* -1 when the peer's key is of small order: the secret would be known to everybody. */
static int shared_secret(const uint8_t *mine, const uint8_t *theirs, uint8_t secret[static 32])
{
	EVP_PKEY *key = private_of(EVP_PKEY_X25519, mine);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs, 32);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bug_if(peer == NULL || ctx == NULL || EVP_PKEY_derive_init(ctx) != 1);
	size_t n = 32;
	int rc = EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, secret, &n) == 1
			 ? 0
			 : -1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(key);
	return rc;
}

static int box_key(const uint8_t *mine, const uint8_t *theirs, const uint8_t *ephemeral,
	const uint8_t *reader, uint8_t key[static KEY_LEN])
{
	static const char info[] = "carnet-box-1";
	uint8_t secret[32], salt[64];
	if (shared_secret(mine, theirs, secret) < 0)
		return -1;
	memcpy(salt, ephemeral, 32);
	memcpy(salt + 32, reader, 32);
	hkdf_sha256((struct span){secret, 32}, (struct span){salt, 64},
		(struct span){(const uint8_t *)info, sizeof(info) - 1}, key, KEY_LEN);
	crypto_wipe(secret, sizeof(secret));
	return 0;
}

static const uint8_t zero_nonce[GCM_NONCE];

void box_seal(const uint8_t public_key[static 32], struct span aad, struct span in, struct buf *out)
{
	uint8_t mine[32], ephemeral[32], key[KEY_LEN];
	box_keypair(ephemeral, mine);
	if (box_key(mine, public_key, ephemeral, public_key, key) < 0) {
		out->err = true;
		return;
	}
	uint8_t *sealed = mem_alloc(in.n + GCM_TAG);
	gcm_seal(key, zero_nonce, aad, in, sealed);
	buf_add(out, ephemeral, 32);
	buf_add(out, sealed, in.n + GCM_TAG);
	free(sealed);
	crypto_wipe(mine, sizeof(mine));
	crypto_wipe(key, sizeof(key));
}

int box_open(const uint8_t private_key[static 32], struct span aad, struct span in, struct buf *out)
{
	uint8_t reader[32], key[KEY_LEN];
	if (in.n < 32 + GCM_TAG)
		return -1;
	box_public(private_key, reader);
	if (box_key(private_key, in.p, in.p, reader, key) < 0)
		return -1;
	size_t n = in.n - 32 - GCM_TAG;
	uint8_t *plain = mem_alloc(n + 1);
	int rc = gcm_open(key, zero_nonce, aad, (struct span){in.p + 32, in.n - 32}, plain);
	if (rc == 0)
		buf_add(out, plain, n);
	crypto_wipe(plain, n);
	crypto_wipe(key, sizeof(key));
	free(plain);
	return rc == 0 && !out->err ? 0 : -1;
}

void sign_public(const uint8_t seed[static 32], uint8_t public_key[static 32])
{
	public_of(EVP_PKEY_ED25519, seed, public_key);
}

void sign_make(const uint8_t seed[static 32], struct span in, uint8_t signature[static 64])
{
	EVP_PKEY *key = private_of(EVP_PKEY_ED25519, seed);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 64;
	bug_if(ctx == NULL || EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
		EVP_DigestSign(ctx, signature, &n, in.p, in.n) != 1 || n != 64);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

bool sign_good(
	const uint8_t public_key[static 32], struct span in, const uint8_t signature[static 64])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bug_if(ctx == NULL);
	bool good = key != NULL &&
		    EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestVerify(ctx, signature, 64, in.p, in.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}
