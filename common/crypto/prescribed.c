// SPDX-License-Identifier: Apache-2.0
/* Hashes and a cipher that peers prescribe, over OpenSSL 3. */
#include "common/crypto/evp.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "common/crypto/prescribed.h"

size_t digest_len(enum digest d)
{
	const EVP_MD *md = evp()->digests[d];

	return md == NULL ? 0 : (size_t)EVP_MD_get_size(md);
}

static EVP_MD_CTX *begin(enum digest d)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	bug_if(ctx == NULL || evp()->digests[d] == NULL ||
		EVP_DigestInit_ex2(ctx, evp()->digests[d], NULL) != 1);
	return ctx;
}

static void finish(EVP_MD_CTX *ctx, uint8_t *out)
{
	bug_if(EVP_DigestFinal_ex(ctx, out, NULL) != 1);
	EVP_MD_CTX_free(ctx);
}

void digest_pieces(enum digest d, const struct span *pieces, size_t n, uint8_t *out)
{
	EVP_MD_CTX *ctx = begin(d);

	for (size_t i = 0; i < n; i++)
		bug_if(EVP_DigestUpdate(ctx, pieces[i].p, pieces[i].n) != 1);
	finish(ctx, out);
}

void digest_repeated(enum digest d, struct span text, size_t total, uint8_t *out)
{
	EVP_MD_CTX *ctx = begin(d);

	bug_if(text.n == 0);
	for (size_t left = total; left > 0;) {
		size_t n = text.n < left ? text.n : left;
		bug_if(EVP_DigestUpdate(ctx, text.p, n) != 1);
		left -= n;
	}
	finish(ctx, out);
}

void digest_hmac(enum digest d, struct span key, const struct span *pieces, size_t n, uint8_t *out)
{
	const char *name = evp()->digests[d] == NULL ? NULL : EVP_MD_get0_name(evp()->digests[d]);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(evp()->hmac);
	size_t len = 0;

	bug_if(ctx == NULL || name == NULL || key.n == 0 ||
		EVP_MAC_init(ctx, key.p, key.n, params) != 1);
	for (size_t i = 0; i < n; i++)
		bug_if(EVP_MAC_update(ctx, pieces[i].p, pieces[i].n) != 1);
	bug_if(EVP_MAC_final(ctx, out, &len, DIGEST_MAX) != 1);
	EVP_MAC_CTX_free(ctx);
}

void aes128_cfb(bool encrypt, const uint8_t key[static 16], const uint8_t iv[static 16],
	struct span in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;

	bug_if(ctx == NULL || in.n > INT32_MAX ||
		EVP_CipherInit_ex2(ctx, evp()->aes128cfb, key, iv, encrypt, NULL) != 1 ||
		EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) != 1 ||
		EVP_CipherFinal_ex(ctx, out + n, &last) != 1);
	EVP_CIPHER_CTX_free(ctx);
}
