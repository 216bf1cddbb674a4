// SPDX-License-Identifier: Apache-2.0
/* Keys from passphrases: scrypt, with parameters bounded when they come from outside (ST-32). */
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>

#include "common/crypto/crypto.h"

enum { LOG2N_MIN = 17, LOG2N_MAX = 20, BLOCK = 8, LANES_MAX = 4 };

bool kdf_scrypt_bounded(const struct kdf_scrypt *p)
{
	return p->log2n >= LOG2N_MIN && p->log2n <= LOG2N_MAX && p->r == BLOCK && p->p >= 1 &&
	       p->p <= LANES_MAX;
}

int kdf_scrypt(struct span passphrase, const struct kdf_scrypt *p, uint8_t out[static KEY_LEN])
{
	/* one at a time: memory is the cost */
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	uint64_t n = UINT64_C(1) << p->log2n, memory = n * 128 * BLOCK + (UINT64_C(64) << 20);
	uint32_t r = p->r, lanes = p->p;
	if (!kdf_scrypt_bounded(p))
		return -1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)passphrase.p, passphrase.n),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)p->salt, sizeof(p->salt)),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &lanes),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	pthread_mutex_lock(&one);
	int rc = ctx != NULL && EVP_KDF_derive(ctx, out, KEY_LEN, params) == 1 ? 0 : -1;
	pthread_mutex_unlock(&one);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rc;
}
