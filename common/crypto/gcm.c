// SPDX-License-Identifier: Apache-2.0
/* AES-256-GCM: one call per message, and small values under a random nonce. */
#include "common/crypto/evp.h"

#include <stdlib.h>
#include <string.h>

/* Bytes per EVP call: its lengths are int. */
#define PIECE ((size_t)1 << 30)

static int run(EVP_CIPHER_CTX *ctx, struct span in, uint8_t *out)
{
	for (size_t done = 0; done < in.n;) {
		int n = 0;
		size_t piece = size_min(in.n - done, PIECE);
		if (EVP_CipherUpdate(
			    ctx, out == NULL ? NULL : out + done, &n, in.p + done, (int)piece) != 1)
			return -1;
		done += piece;
	}
	return 0;
}

static EVP_CIPHER_CTX *start(const uint8_t *key, const uint8_t *nonce, struct span aad, int seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bug_if(ctx == NULL);
	bug_if(EVP_CipherInit_ex2(ctx, evp()->aes256gcm, key, nonce, seal, NULL) != 1);
	bug_if(run(ctx, aad, NULL) < 0);
	return ctx;
}

void gcm_seal(const uint8_t key[static KEY_LEN], const uint8_t nonce[static GCM_NONCE],
	struct span aad, struct span in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = start(key, nonce, aad, 1);
	int n = 0;
	bug_if(run(ctx, in, out) < 0);
	bug_if(EVP_CipherFinal_ex(ctx, out + in.n, &n) != 1);
	bug_if(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, out + in.n) != 1);
	EVP_CIPHER_CTX_free(ctx);
}

int gcm_open(const uint8_t key[static KEY_LEN], const uint8_t nonce[static GCM_NONCE],
	struct span aad, struct span in, uint8_t *out)
{
	if (in.n < GCM_TAG)
		return -1;
	size_t plain = in.n - GCM_TAG;
	uint8_t tag[GCM_TAG];
	memcpy(tag, in.p + plain, GCM_TAG);
	EVP_CIPHER_CTX *ctx = start(key, nonce, aad, 0);
	int n = 0;
	bug_if(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) != 1);
	bool good = run(ctx, (struct span){in.p, plain}, out) == 0 &&
		    EVP_CipherFinal_ex(ctx, out + plain, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!good)
		crypto_wipe(out, plain);
	return good ? 0 : -1;
}

void seal_value(const uint8_t key[static KEY_LEN], struct span aad, struct span in, struct buf *out)
{
	uint8_t nonce[GCM_NONCE];
	uint8_t *sealed = mem_alloc(in.n + GCM_TAG);
	crypto_random(nonce, sizeof(nonce));
	gcm_seal(key, nonce, aad, in, sealed);
	buf_add(out, nonce, sizeof(nonce));
	buf_add(out, sealed, in.n + GCM_TAG);
	free(sealed);
}

int open_value(const uint8_t key[static KEY_LEN], struct span aad, struct span in, struct buf *out)
{
	if (in.n < GCM_NONCE + GCM_TAG)
		return -1;
	struct span sealed = {in.p + GCM_NONCE, in.n - GCM_NONCE};
	size_t n = sealed.n - GCM_TAG;
	uint8_t *plain = mem_alloc(n + 1);
	int rc = gcm_open(key, in.p, aad, sealed, plain);
	if (rc == 0)
		buf_add(out, plain, n);
	crypto_wipe(plain, n);
	free(plain);
	return rc == 0 && !out->err ? 0 : -1;
}
