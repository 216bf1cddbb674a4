// SPDX-License-Identifier: Apache-2.0
/* Keys of storage: files, tenant root, signers, wrapping. */
#include "common/vault/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TENANT_SLOT "keys/tenant.slot"
#define SIGNERS_SLOT "keys/signers.slot"

/* What must not be swapped or dumped, in one secret. */
struct key_bytes {
	struct keyring ring;
	uint8_t sign_seed[32];
	uint8_t root[KEY_LEN];
	uint8_t dedup[KEY_LEN];
};

static const struct key_bytes *bytes_of(const struct keys *k)
{
	return (const struct key_bytes *)(const void *)secret_bytes(k->secrets).p;
}

const uint8_t *keys_dedup(const struct keys *k)
{
	return bytes_of(k)->dedup;
}

const uint8_t *keys_sign_seed(const struct keys *k)
{
	return bytes_of(k)->sign_seed;
}

bool keys_has(const struct keys *k, const struct uuid *id)
{
	return keyring_find(&bytes_of(k)->ring, id) != NULL;
}

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

int keys_make(const char *kek_file, const char *sign_file, struct fault *reterr)
{
	const char *const paths[] = {kek_file, sign_file};
	for (size_t i = 0; i < 2; i++)
		if (access(paths[i], F_OK) == 0)
			return fault_why(reterr, CN_CONFLICT, "key_file_exists",
				"%s is there already: a key is never overwritten", paths[i]);
	for (size_t i = 0; i < 2; i++)
		if (key_file_make(paths[i], 32, reterr) < 0)
			return -1;
	return 0;
}

/* SE-56: a key beside what it seals is no key. */
static int outside_vault(const struct vault *v, const char *path, struct fault *reterr)
{
	char key[PATH_MAX], vault[PATH_MAX];
	if (realpath(path, key) == NULL)
		return fault_why(reterr, CN_VALIDATION_FAILED, "key_file_missing", "%s: %s", path,
			strerror(errno));
	if (realpath(v->path, vault) == NULL)
		return vault_errno(reterr, v->path);
	size_t n = strlen(vault);
	if (strncmp(key, vault, n) == 0 && key[n] == '/')
		return fault_why(reterr, CN_DESTINATION_REFUSED, "key_in_vault",
			"%s lies inside the vault it protects", path);
	return 0;
}

/* ---- wrapping ---- */

static void aad_ids(struct buf *out, const char *word, const struct uuid *const *ids, size_t n)
{
	buf_adds(out, word);
	for (size_t i = 0; i < n; i++)
		buf_add(out, ids[i]->b, 16);
}

static void wrap(const uint8_t key[static KEY_LEN], struct buf *aad, const uint8_t *plain,
	uint8_t wrapped[static WRAPPED_LEN])
{
	struct buf out = BUF_INIT;
	seal_value(key, buf_span(aad), (struct span){plain, KEY_LEN}, &out);
	bug_if(out.err || out.n != WRAPPED_LEN);
	memcpy(wrapped, out.p, WRAPPED_LEN);
	buf_fini(&out);
	buf_fini(aad);
}

static int unwrap(const uint8_t key[static KEY_LEN], struct buf *aad, struct span wrapped,
	uint8_t *ret_plain, struct fault *reterr)
{
	struct buf out = BUF_INIT;
	int rc = open_value(key, buf_span(aad), wrapped, &out);
	if (rc < 0 || out.n != KEY_LEN) {
		rc = fault_why(
			reterr, CN_STORE_VERIFY_FAILED, "key", "a wrapped key does not open");
	} else {
		memcpy(ret_plain, out.p, KEY_LEN);
		crypto_wipe(out.p, out.n);
	}
	buf_fini(&out);
	buf_fini(aad);
	return rc;
}

static void dek_aad(struct buf *out, const struct keys *k, const struct uuid *version,
	const struct uuid *kek_id)
{
	const struct uuid *const ids[] = {&k->tenant, version, kek_id};
	aad_ids(out, "dek", ids, 3);
}

void keys_wrap_dek(const struct keys *k, const struct uuid *version,
	const uint8_t dek[static KEY_LEN], uint8_t wrapped[static WRAPPED_LEN])
{
	struct buf aad = BUF_INIT;
	dek_aad(&aad, k, version, &k->kek_id);
	wrap(bytes_of(k)->ring.kek[0], &aad, dek, wrapped);
}

int keys_open_dek(const struct keys *k, const struct uuid *version, const struct uuid *kek_id,
	struct span wrapped, uint8_t ret_dek[static KEY_LEN], struct fault *reterr)
{
	struct buf aad = BUF_INIT;
	const uint8_t *kek = keyring_find(&bytes_of(k)->ring, kek_id);
	if (kek == NULL)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "kek",
			"the version is sealed under another key than those of the key file");
	dek_aad(&aad, k, version, kek_id);
	return unwrap(kek, &aad, wrapped, ret_dek, reterr);
}

static void item_aad(struct buf *out, const struct item_place *place)
{
	aad_ids(out, "item", &place->version, 1);
	buf_addc(out, (char)(uint8_t)place->item_no);
	buf_add(out, place->oid, OID_LEN);
}

void keys_wrap_item(const uint8_t dek[static KEY_LEN], const struct item_place *place,
	const uint8_t key[static KEY_LEN], uint8_t wrapped[static WRAPPED_LEN])
{
	struct buf aad = BUF_INIT;
	item_aad(&aad, place);
	wrap(dek, &aad, key, wrapped);
}

int keys_open_item(const uint8_t dek[static KEY_LEN], const struct item_place *place,
	struct span wrapped, uint8_t ret_key[static KEY_LEN], struct fault *reterr)
{
	struct buf aad = BUF_INIT;
	item_aad(&aad, place);
	return unwrap(dek, &aad, wrapped, ret_key, reterr);
}

void keys_slot_write(const struct keys *k, const struct uuid *version,
	const uint8_t wrapped[static WRAPPED_LEN], struct buf *out)
{
	struct slot s = {.tenant = k->tenant, .version = *version, .kek = k->kek_id};
	memcpy(s.wrapped, wrapped, WRAPPED_LEN);
	slot_write(&s, out);
}

/* ---- tenant root ---- */

static void root_aad(struct buf *out, const struct keys *k, const struct uuid *kek_id)
{
	const struct uuid *const ids[] = {&k->tenant, kek_id};
	aad_ids(out, "tenant", ids, 2);
}

/* ret_kek: under which key of the ring it lies. */
static int root_read(const struct keys *k, const struct vault *v, struct key_bytes *b,
	struct uuid *ret_kek, struct fault *reterr)
{
	struct buf file = BUF_INIT, aad = BUF_INIT;
	struct slot slot;
	int rc = vault_read_small(v, TENANT_SLOT, SLOT_MAX, &file, reterr);
	if (rc == 0 && (slot_read(buf_span(&file), &slot) < 0 || slot.erased_ms != 0 ||
			       !uuid_is_nil(&slot.version) || !uuid_eq(&slot.tenant, &k->tenant)))
		rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "tenant_slot",
			TENANT_SLOT " of vault '%s' is damaged", v->name);
	if (rc == 0 && keyring_find(&b->ring, &slot.kek) == NULL)
		rc = fault_why(reterr, CN_VALIDATION_FAILED, "wrong_key",
			"the key file is not the one that seals vault '%s'", v->name);
	if (rc == 0) {
		root_aad(&aad, k, &slot.kek);
		rc = unwrap(keyring_find(&b->ring, &slot.kek), &aad,
			(struct span){slot.wrapped, WRAPPED_LEN}, b->root, reterr);
		*ret_kek = slot.kek;
	}
	buf_fini(&file);
	return rc;
}

/* The slot of b->root under the key that wraps now. */
static void root_slot(const struct keys *k, const struct key_bytes *b, struct buf *out)
{
	struct slot slot = {.tenant = k->tenant, .kek = k->kek_id};
	struct buf aad = BUF_INIT;
	root_aad(&aad, k, &k->kek_id);
	wrap(b->ring.kek[0], &aad, b->root, slot.wrapped);
	slot_write(&slot, out);
}

/* A new file under name, flushed; of two makers at once one stays. */
static int put_first(
	const struct vault *v, const char *name, struct span bytes, struct fault *reterr)
{
	struct vault_file f;
	int rc = vault_create_with(v, name, bytes, &f, reterr);
	if (rc == 0)
		rc = vault_sync(v, reterr);
	if (rc == 0 && vault_publish(v, &f, reterr) < 0) {
		rc = strcmp(reterr->reason, "name_taken") == 0 ? 0 : -1;
		vault_discard(v, &f);
	}
	return rc == 0 ? vault_sync(v, reterr) : rc;
}

/* One file in place of another, flushed. */
static int put_again(
	const struct vault *v, const char *name, struct span bytes, struct fault *reterr)
{
	struct vault_file f;
	int rc = vault_create_with(v, name, bytes, &f, reterr);
	if (rc == 0)
		rc = vault_sync(v, reterr);
	if (rc == 0)
		rc = vault_replace(v, &f, reterr);
	vault_discard(v, &f);
	return rc == 0 ? vault_sync(v, reterr) : rc;
}

static int root_make(
	const struct keys *k, const struct vault *v, struct key_bytes *b, struct fault *reterr)
{
	struct buf file = BUF_INIT;
	crypto_random(b->root, KEY_LEN);
	root_slot(k, b, &file);
	int rc = put_first(v, TENANT_SLOT, buf_span(&file), reterr);
	buf_fini(&file);
	return rc;
}

static void derive_dedup(const struct keys *k, struct key_bytes *b)
{
	hkdf_sha256((struct span){b->root, KEY_LEN}, (struct span){k->tenant.b, 16},
		text("carnet-dedup-1"), b->dedup, KEY_LEN);
}

void keys_login(const struct keys *k, uint8_t private_key[static 32])
{
	hkdf_sha256((struct span){bytes_of(k)->root, KEY_LEN}, (struct span){k->tenant.b, 16},
		text("carnet-vault-login-1"), private_key, 32);
}

int keys_rewrap_root(const struct keys *k, const struct vault *v, struct fault *reterr)
{
	struct key_bytes b = *bytes_of(k);
	struct buf file = BUF_INIT;
	struct uuid kek;
	int rc = root_read(k, v, &b, &kek, reterr);
	if (rc == 0 && !uuid_eq(&kek, &k->kek_id)) {
		root_slot(k, &b, &file);
		rc = put_again(v, TENANT_SLOT, buf_span(&file), reterr);
	}
	crypto_wipe(&b, sizeof(b));
	buf_fini(&file);
	return rc;
}

/* ---- who signs ---- */

static int signers_load(
	struct keys *k, const struct vault *v, const struct key_bytes *b, struct fault *reterr)
{
	struct buf file = BUF_INIT;
	int rc = vault_read_small(v, SIGNERS_SLOT, SLOT_MAX, &file, reterr);
	if (rc == 0 && (signers_read(buf_span(&file), b->root, &k->signers) < 0 ||
			       !uuid_eq(&k->signers.tenant, &k->tenant)))
		rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "signers",
			SIGNERS_SLOT " of vault '%s' is damaged", v->name);
	buf_fini(&file);
	return rc;
}

/* Ours is the first of the list; the oldest goes when there are too many. */
static void signers_add(struct signers *s, const uint8_t key[static SIGN_PUBLIC])
{
	size_t keep = size_min(s->n, SIGNERS_MAX - 1);
	memmove(s->keys[1], s->keys[0], keep * SIGN_PUBLIC);
	memcpy(s->keys[0], key, SIGN_PUBLIC);
	s->n = keep + 1;
}

static bool signers_have(const struct signers *s, const uint8_t key[static SIGN_PUBLIC])
{
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(s->keys[i], key, SIGN_PUBLIC) == 0)
			return true;
	return false;
}

static int signers_join(
	struct keys *k, const struct vault *v, const struct key_bytes *b, struct fault *reterr)
{
	uint8_t own[SIGN_PUBLIC];
	sign_public(b->sign_seed, own);
	for (int tries = 0; tries < 3; tries++) {
		struct buf file = BUF_INIT;
		int rc = signers_load(k, v, b, reterr);
		bool absent = rc < 0 && reterr->code == CN_NOT_FOUND;
		if (rc < 0 && !absent)
			return -1;
		if (!absent && signers_have(&k->signers, own))
			return 0;
		k->signers.tenant = k->tenant;
		signers_add(&k->signers, own);
		signers_write(&k->signers, b->root, &file);
		rc = (absent ? put_first : put_again)(v, SIGNERS_SLOT, buf_span(&file), reterr);
		buf_fini(&file);
		if (rc < 0)
			return -1;
	}
	return fault_why(reterr, CN_STORE_UNAVAILABLE, "contention",
		"others keep changing " SIGNERS_SLOT " of vault '%s'", v->name);
}

/* ---- loading ---- */

static void take(struct keys *k, struct key_bytes *b)
{
	derive_dedup(k, b);
	k->secrets = secret_new((struct span){(const uint8_t *)b, sizeof(*b)});
}

int keys_open(
	struct keys *k, const struct vault *v, const struct keyring *ring, struct fault *reterr)
{
	struct key_bytes b = {.ring = *ring};
	*k = (struct keys){.tenant = v->tenant};
	kek_id(ring->kek[0], &k->kek_id);
	int rc = root_read(k, v, &b, &k->root_kek, reterr);
	if (rc == 0)
		rc = signers_load(k, v, &b, reterr);
	if (rc == 0)
		take(k, &b);
	crypto_wipe(&b, sizeof(b));
	return rc;
}

static int read_files(const struct key_files *f, struct key_bytes *b, struct fault *reterr)
{
	struct buf passphrase = BUF_INIT;
	int rc = passphrase_read(f->passphrase, &passphrase, reterr);
	if (rc == 0)
		rc = keyring_read(f->kek, buf_span(&passphrase), &b->ring, reterr);
	if (rc == 0)
		rc = key_file_read(f->sign, b->sign_seed, 32, reterr);
	buf_wipe(&passphrase);
	return rc;
}

static int load_root(
	const struct keys *k, const struct vault *v, struct key_bytes *b, struct fault *reterr)
{
	struct uuid kek;
	int rc = root_read(k, v, b, &kek, reterr);
	if (rc < 0 && reterr->code == CN_NOT_FOUND) {
		rc = root_make(k, v, b, reterr);
		if (rc == 0) /* it may be another's by now */
			rc = root_read(k, v, b, &kek, reterr);
	}
	return rc;
}

int keys_load(
	struct keys *k, const struct vault *v, const struct key_files *files, struct fault *reterr)
{
	struct key_bytes b;
	*k = (struct keys){.tenant = v->tenant};
	memset(&b, 0, sizeof(b));
	int rc = -1;
	if (outside_vault(v, files->kek, reterr) < 0 || outside_vault(v, files->sign, reterr) < 0 ||
		read_files(files, &b, reterr) < 0)
		goto out;
	kek_id(b.ring.kek[0], &k->kek_id);
	rc = load_root(k, v, &b, reterr);
	if (rc == 0)
		rc = signers_join(k, v, &b, reterr);
	if (rc == 0)
		take(k, &b);
out:
	crypto_wipe(&b, sizeof(b));
	return rc;
}

void keys_fini(struct keys *k)
{
	secret_free(k->secrets);
	k->secrets = NULL;
}
