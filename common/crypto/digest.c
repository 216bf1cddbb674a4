// SPDX-License-Identifier: Apache-2.0
/* SHA-256, HMAC and HKDF over OpenSSL 3. Algorithms are fetched once per process: a fetch per call
 * costs more than hashing a short message. */
#include "common/crypto/evp.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct evp fetched;

static void fetch(void)
{
	static const char *const digests[] = {
		"MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};

	for (size_t i = 0; i < array_len(digests); i++)
		fetched.digests[i] = EVP_MD_fetch(NULL, digests[i], NULL);
	fetched.aes128cfb = EVP_CIPHER_fetch(NULL, "AES-128-CFB", NULL);
	fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	fetched.aes256gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	fetched.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	bug_if(fetched.sha256 == NULL || fetched.aes256gcm == NULL || fetched.hmac == NULL ||
		fetched.hkdf == NULL || fetched.aes128cfb == NULL);
}

const struct evp *evp(void)
{
	bug_if(pthread_once(&once, fetch) != 0);
	return &fetched;
}

/* OpenSSL wants writable pointers in its parameters, though it only reads them. */
static void *unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

void sha256(struct span in, uint8_t out[static SHA256_LEN])
{
	bug_if(EVP_Digest(in.p, in.n, out, NULL, evp()->sha256, NULL) != 1);
}

struct sha256 {
	EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *h = mem_alloc(sizeof(*h));
	h->ctx = EVP_MD_CTX_new();
	bug_if(h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, evp()->sha256, NULL) != 1);
	return h;
}

void sha256_add(struct sha256 *h, struct span in)
{
	bug_if(EVP_DigestUpdate(h->ctx, in.p, in.n) != 1);
}

void sha256_end(struct sha256 *h, uint8_t out[static SHA256_LEN])
{
	if (h == NULL)
		return;
	bug_if(EVP_DigestFinal_ex(h->ctx, out, NULL) != 1);
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

struct hmac {
	EVP_MAC_CTX *ctx;
};

struct hmac *hmac_new(struct span key)
{
	struct hmac *h = mem_alloc(sizeof(*h));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, unconst("SHA256"), 0),
		OSSL_PARAM_construct_end(),
	};
	/* a NULL key would mean "the key given before" */
	const uint8_t *p = key.n == 0 ? (const uint8_t *)"" : key.p;
	h->ctx = EVP_MAC_CTX_new(evp()->hmac);
	bug_if(h->ctx == NULL || EVP_MAC_init(h->ctx, p, key.n, params) != 1);
	return h;
}

void hmac_add(struct hmac *h, struct span in)
{
	bug_if(EVP_MAC_update(h->ctx, in.p, in.n) != 1);
}

void hmac_end(struct hmac *h, uint8_t out[static SHA256_LEN])
{
	if (h == NULL)
		return;
	size_t n = 0;
	bug_if(EVP_MAC_final(h->ctx, out, &n, SHA256_LEN) != 1 || n != SHA256_LEN);
	EVP_MAC_CTX_free(h->ctx);
	free(h);
}

void hmac_sha256(
	struct span key, const struct span *pieces, size_t n, uint8_t out[static SHA256_LEN])
{
	struct hmac *h = hmac_new(key);
	for (size_t i = 0; i < n; i++)
		hmac_add(h, pieces[i]);
	hmac_end(h, out);
}

void hkdf_sha256(struct span key, struct span salt, struct span info, uint8_t *out, size_t n)
{
	OSSL_PARAM params[5], *p = params;
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, unconst("SHA256"), 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, unconst(key.p), key.n);
	if (salt.n > 0)
		*p++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, unconst(salt.p), salt.n);
	if (info.n > 0)
		*p++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, unconst(info.p), info.n);
	*p = OSSL_PARAM_construct_end();
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(evp()->hkdf);
	bug_if(ctx == NULL || key.n == 0 || EVP_KDF_derive(ctx, out, n, params) != 1);
	EVP_KDF_CTX_free(ctx);
}
