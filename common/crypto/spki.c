// SPDX-License-Identifier: Apache-2.0
/* The public key of a certificate, over OpenSSL 3. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/crypto/spki.h"

#include <string.h>

static int hash_key(X509 *certificate, char ret[static SPKI_PIN])
{
	uint8_t hash[SHA256_LEN], *der = NULL;
	struct buf text = BUF_INIT;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	if (n <= 0)
		return -1;
	sha256((struct span){der, (size_t)n}, hash);
	OPENSSL_free(der);
	base64_encode((struct span){hash, sizeof(hash)}, &text);
	bug_if(text.n >= SPKI_PIN);
	memcpy(ret, buf_str(&text), text.n + 1);
	buf_fini(&text);
	return 0;
}

int spki_pin(const char *pem, char ret[static SPKI_PIN])
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *certificate = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);
	int r = certificate == NULL ? -1 : hash_key(certificate, ret);

	X509_free(certificate);
	BIO_free(in);
	ERR_clear_error();
	return r;
}
