// SPDX-License-Identifier: Apache-2.0
/* Sealing and opening what goes by mail. */
#include "common/vault/mailed.h"

#include <string.h>

#include "common/base/ascii.h"
#include "gen/errors.h"

#define MAGIC 8
static const char to_key[] = "CNMAIL1\n", to_password[] = "CNMAIL2\n";

#define HEAD (MAGIC + sizeof(struct uuid))
#define HEAD_MAX (HEAD + MAILED_KDF)

/* ---- keys of passwords ---- */

bool mailed_password_good(const char *p)
{
	size_t n = strlen(p);
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return n >= MAILED_PASSWORD_MIN && n <= MAILED_PASSWORD_MAX && p[0] != ' ' &&
	       p[n - 1] != ' ';
}

int mailed_password_key(struct span password, const uint8_t kdf[static MAILED_KDF],
	uint8_t private_key[static 32], struct fault *reterr)
{
	struct kdf_scrypt k = {.log2n = kdf[0], .r = kdf[1], .p = kdf[2]};
	memcpy(k.salt, kdf + 3, KDF_SALT);
	if (!kdf_scrypt_bounded(&k))
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "header",
			"the parameters of its key derivation are out of bounds");
	if (kdf_scrypt(password, &k, private_key) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "no memory to derive a key");
	return 0;
}

int mailed_password_make(struct span password, uint8_t kdf[static MAILED_KDF],
	uint8_t public_key[static 32], struct fault *reterr)
{
	uint8_t private_key[32];
	kdf[0] = 17;
	kdf[1] = 8;
	kdf[2] = 1;
	crypto_random(kdf + 3, KDF_SALT);
	if (mailed_password_key(password, kdf, private_key, reterr) < 0)
		return -1;
	box_public(private_key, public_key);
	crypto_wipe(private_key, sizeof(private_key));
	return 0;
}

/* ---- files ---- */

/* Whoever knows the key may seal: the folder it is opened into is the reader's. */
static bool plain_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ascii_alpha(s[i]) && !ascii_digit(s[i]) && s[i] != '_' &&
			(i == 0 || (s[i] != '.' && s[i] != '-')))
			return false;
	return n > 0 && n < MAILED_NAME;
}

void mailed_add(struct buf *files, const char *name, struct span bytes)
{
	size_t n = strlen(name);
	bug_if(!plain_name(name, n));
	buf_addc(files, (char)n);
	buf_add(files, name, n);
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_addc(files, (char)((uint64_t)bytes.n >> shift & 0xff));
	buf_add(files, bytes.p, bytes.n);
}

void mailed_seal(const uint8_t public_key[static 32], const uint8_t *kdf,
	const struct uuid *version, struct span files, struct buf *out)
{
	uint8_t head[HEAD_MAX];
	size_t n = kdf == NULL ? HEAD : HEAD_MAX;
	memcpy(head, kdf == NULL ? to_key : to_password, MAGIC);
	memcpy(head + MAGIC, version->b, sizeof(version->b));
	if (kdf != NULL)
		memcpy(head + HEAD, kdf, MAILED_KDF);
	buf_add(out, head, n);
	box_seal(public_key, (struct span){head, n}, files, out);
}

/* How long it is; 0 = that is none. */
static size_t head_length(struct span sealed)
{
	size_t n = 0;
	if (sealed.n > MAGIC && memcmp(sealed.p, to_key, MAGIC) == 0)
		n = HEAD;
	else if (sealed.n > MAGIC && memcmp(sealed.p, to_password, MAGIC) == 0)
		n = HEAD_MAX;
	return sealed.n > n ? n : 0;
}

const uint8_t *mailed_kdf(struct span sealed)
{
	return head_length(sealed) == HEAD_MAX ? sealed.p + HEAD : NULL;
}

int mailed_open(const uint8_t private_key[static 32], struct span sealed, struct uuid *ret_version,
	struct buf *ret_files, struct fault *reterr)
{
	size_t n = head_length(sealed);
	if (n == 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "header",
			"this is no version that came by mail");
	if (box_open(private_key, (struct span){sealed.p, n},
		    (struct span){sealed.p + n, sealed.n - n}, ret_files) < 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "seal",
			"it does not open: sealed to another key or password, or damaged");
	memcpy(ret_version->b, sealed.p + MAGIC, sizeof(ret_version->b));
	return 0;
}

bool mailed_next(struct span *rest, char name[static MAILED_NAME], struct span *ret_bytes)
{
	uint64_t length = 0;
	if (rest->n == 0)
		return false;
	size_t n = rest->p[0];
	if (rest->n < 1 + n + 8 || !plain_name((const char *)rest->p + 1, n))
		return false;
	for (size_t i = 0; i < 8; i++)
		length = length << 8 | rest->p[1 + n + i];
	if (length > rest->n - (1 + n + 8))
		return false;
	memcpy(name, rest->p + 1, n);
	name[n] = 0;
	*ret_bytes = (struct span){rest->p + 1 + n + 8, (size_t)length};
	*rest = (struct span){ret_bytes->p + length, rest->n - (1 + n + 8) - (size_t)length};
	return true;
}
