// SPDX-License-Identifier: Apache-2.0
/* Key files: read, written, protected. */
#include "common/vault/keyring.h"

#include <string.h>

#include "common/vault/canonical.h"
#include "gen/errors.h"

#define FORMAT "carnet-keyring-1"
#define FILE_MAX ((size_t)2048)
#define SEALED_MAX (KEYRING_MAX * KEY_LEN + GCM_NONCE + GCM_TAG)

void keyring_wipe(struct keyring *ring)
{
	crypto_wipe(ring, sizeof(*ring));
}

void kek_id(const uint8_t kek[static KEY_LEN], struct uuid *ret_id)
{
	static const char word[] = "carnet-kek-id-1";
	struct span none = {(const uint8_t *)"", 0};
	hkdf_sha256((struct span){kek, KEY_LEN}, none,
		(struct span){(const uint8_t *)word, sizeof(word) - 1}, ret_id->b, 16);
	ret_id->b[6] = (uint8_t)((ret_id->b[6] & 0x0f) | 0x80); /* version 8: of our own making */
	ret_id->b[8] = (uint8_t)((ret_id->b[8] & 0x3f) | 0x80);
}

const uint8_t *keyring_find(const struct keyring *ring, const struct uuid *id)
{
	struct uuid other;
	for (size_t i = 0; i < ring->n; i++) {
		kek_id(ring->kek[i], &other);
		if (uuid_eq(&other, id))
			return ring->kek[i];
	}
	return NULL;
}

/* ---- the file ---- */

struct ring_file {
	bool scrypt;
	struct kdf_scrypt kdf;
	uint8_t keys[SEALED_MAX];
	size_t keys_n;
};

static unsigned get_small(struct canonical *c)
{
	int64_t n = canonical_int(c);
	if (n < 0 || n > 64)
		canonical_fail(c);
	return c->err ? 0 : (unsigned)n;
}

static bool parse(struct span text, struct ring_file *f)
{
	struct canonical c;
	char format[24] = "", kdf[16] = "";
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "format"))
			canonical_text(&c, format, sizeof(format));
		else if (canonical_is(&c, "kdf"))
			canonical_text(&c, kdf, sizeof(kdf));
		else if (canonical_is(&c, "keys"))
			f->keys_n = canonical_base64(&c, f->keys, sizeof(f->keys));
		else if (canonical_is(&c, "log2n"))
			f->kdf.log2n = get_small(&c);
		else if (canonical_is(&c, "p"))
			f->kdf.p = get_small(&c);
		else if (canonical_is(&c, "r"))
			f->kdf.r = get_small(&c);
		else if (canonical_is(&c, "salt"))
			canonical_hex(&c, f->kdf.salt, KDF_SALT);
		else
			canonical_fail(&c);
	}
	f->scrypt = strcmp(kdf, "scrypt") == 0;
	return canonical_end(&c) && strcmp(format, FORMAT) == 0 &&
	       (f->scrypt || strcmp(kdf, "none") == 0);
}

/* The parameters are part of what is authenticated. */
static void ring_aad(const struct kdf_scrypt *kdf, struct buf *out)
{
	const uint8_t numbers[] = {(uint8_t)kdf->log2n, (uint8_t)kdf->r, (uint8_t)kdf->p};
	buf_adds(out, FORMAT);
	buf_add(out, numbers, sizeof(numbers));
	buf_add(out, kdf->salt, KDF_SALT);
}

static int open_sealed(const char *path, const struct ring_file *f, struct span passphrase,
	struct buf *plain, struct fault *reterr)
{
	uint8_t key[KEY_LEN];
	struct buf aad = BUF_INIT;
	if (!kdf_scrypt_bounded(&f->kdf))
		return fault_why(reterr, CN_VALIDATION_FAILED, "key_file",
			"%s: the parameters of its key derivation are out of bounds", path);
	if (passphrase.n == 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "passphrase_needed",
			"%s is protected by a passphrase", path);
	if (kdf_scrypt(passphrase, &f->kdf, key) < 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "key_file",
			"%s: no memory to derive its key", path);
	ring_aad(&f->kdf, &aad);
	int rc = open_value(key, buf_span(&aad), (struct span){f->keys, f->keys_n}, plain);
	crypto_wipe(key, sizeof(key));
	buf_fini(&aad);
	return rc == 0 ? 0
		       : fault_why(reterr, CN_VALIDATION_FAILED, "passphrase",
				 "the passphrase does not open %s", path);
}

static int take_keys(const char *path, struct span keys, struct keyring *ret, struct fault *reterr)
{
	if (keys.n == 0 || keys.n % KEY_LEN != 0 || keys.n > sizeof(ret->kek))
		return fault_why(
			reterr, CN_VALIDATION_FAILED, "key_file", "%s is no key file", path);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->kek, keys.p, keys.n);
	ret->n = keys.n / KEY_LEN;
	return 0;
}

int keyring_read(
	const char *path, struct span passphrase, struct keyring *ret, struct fault *reterr)
{
	struct buf text = BUF_INIT, plain = BUF_INIT;
	struct ring_file f = {.scrypt = false};
	int rc = key_file_load(path, FILE_MAX, &text, reterr);
	if (rc == 0 && text.n == KEY_LEN) {
		rc = take_keys(path, buf_span(&text), ret, reterr);
	} else if (rc == 0 && !parse(buf_span(&text), &f)) {
		rc = fault_why(reterr, CN_VALIDATION_FAILED, "key_file_size",
			"%s is no key file: 32 bytes, or a key ring", path);
	} else if (rc == 0 && f.scrypt) {
		rc = open_sealed(path, &f, passphrase, &plain, reterr);
		if (rc == 0)
			rc = take_keys(path, buf_span(&plain), ret, reterr);
	} else if (rc == 0) {
		rc = take_keys(path, (struct span){f.keys, f.keys_n}, ret, reterr);
	}
	crypto_wipe(&f, sizeof(f));
	buf_wipe(&plain);
	buf_wipe(&text);
	return rc;
}

int passphrase_read(const char *path, struct buf *out, struct fault *reterr)
{
	if (path[0] == 0)
		return 0;
	if (key_file_load(path, 1024, out, reterr) < 0)
		return -1;
	const uint8_t *end = memchr(out->p, '\n', out->n);
	if (end != NULL)
		out->n = (size_t)(end - out->p);
	return out->n > 0 ? 0
			  : fault_why(reterr, CN_VALIDATION_FAILED, "passphrase",
				    "%s holds no passphrase", path);
}

static int seal_keys(const struct keyring *ring, struct span passphrase, struct kdf_scrypt *kdf,
	struct buf *out, struct fault *reterr)
{
	uint8_t key[KEY_LEN];
	struct buf aad = BUF_INIT;
	*kdf = (struct kdf_scrypt){.log2n = 17, .r = 8, .p = 1};
	crypto_random(kdf->salt, KDF_SALT);
	if (kdf_scrypt(passphrase, kdf, key) < 0)
		return fault_why(reterr, CN_INTERNAL_ERROR, "memory", "no memory to derive a key");
	ring_aad(kdf, &aad);
	seal_value(key, buf_span(&aad), (struct span){ring->kek[0], ring->n * KEY_LEN}, out);
	crypto_wipe(key, sizeof(key));
	buf_fini(&aad);
	return 0;
}

int keyring_write(
	const char *path, const struct keyring *ring, struct span passphrase, struct fault *reterr)
{
	struct buf text = BUF_INIT, keys = BUF_INIT;
	struct kdf_scrypt kdf;
	char salt[2 * KDF_SALT + 1];
	int rc = 0;
	bug_if(ring->n == 0 || ring->n > KEYRING_MAX);
	if (passphrase.n > 0)
		rc = seal_keys(ring, passphrase, &kdf, &keys, reterr);
	else
		buf_add(&keys, ring->kek[0], ring->n * KEY_LEN);
	buf_addf(&text, "{\"format\":\"" FORMAT "\",\"kdf\":\"%s\",\"keys\":\"",
		passphrase.n > 0 ? "scrypt" : "none");
	base64_encode(buf_span(&keys), &text);
	buf_addc(&text, '"');
	if (rc == 0 && passphrase.n > 0) {
		hex_encode((struct span){kdf.salt, KDF_SALT}, salt);
		buf_addf(&text, ",\"log2n\":%u,\"p\":%u,\"r\":%u,\"salt\":\"%s\"", kdf.log2n, kdf.p,
			kdf.r, salt);
	}
	buf_addc(&text, '}');
	bug_if(text.err);
	if (rc == 0)
		rc = key_file_replace(path, buf_span(&text), reterr);
	buf_wipe(&keys);
	buf_wipe(&text);
	return rc;
}
