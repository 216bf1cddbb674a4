// SPDX-License-Identifier: Apache-2.0
/* Keys of storage: files, tenant root, wrapping. */
#include "common/vault/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/vault/canonical.h"

#define TENANT_SLOT "keys/tenant.slot"

/* What must not be swapped or dumped, in one secret. */
struct key_bytes {
	uint8_t kek[KEY_LEN];
	uint8_t sign_seed[32];
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

/* An id that follows from the key, so that all instances agree without asking. */
static void kek_name(const uint8_t kek[static KEY_LEN], struct uuid *ret_id)
{
	hkdf_sha256((struct span){kek, KEY_LEN}, text(""), text("carnet-kek-id-1"), ret_id->b, 16);
	ret_id->b[6] = (uint8_t)((ret_id->b[6] & 0x0f) | 0x80); /* version 8: of our own making */
	ret_id->b[8] = (uint8_t)((ret_id->b[8] & 0x3f) | 0x80);
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
	wrap(bytes_of(k)->kek, &aad, dek, wrapped);
}

int keys_open_dek(const struct keys *k, const struct uuid *version, const struct uuid *kek_id,
	struct span wrapped, uint8_t ret_dek[static KEY_LEN], struct fault *reterr)
{
	struct buf aad = BUF_INIT;
	if (!uuid_eq(kek_id, &k->kek_id))
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "kek",
			"the version is sealed under another key than the one given");
	dek_aad(&aad, k, version, kek_id);
	return unwrap(bytes_of(k)->kek, &aad, wrapped, ret_dek, reterr);
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

/* ---- slots ---- */

static void slot_write(const struct keys *k, const struct uuid *version,
	const uint8_t wrapped[static WRAPPED_LEN], struct buf *out)
{
	char kek[UUID_TEXT], tenant[UUID_TEXT], id[UUID_TEXT];
	buf_addf(out, "{\"format\":\"carnet-slot-1\",\"kek\":\"%s\",\"tenant\":\"%s\"",
		uuid_format(&k->kek_id, kek), uuid_format(&k->tenant, tenant));
	if (version != NULL)
		buf_addf(out, ",\"version\":\"%s\"", uuid_format(version, id));
	buf_adds(out, ",\"wrapped\":\"");
	base64_encode((struct span){wrapped, WRAPPED_LEN}, out);
	buf_adds(out, "\"}");
}

void keys_slot_write(const struct keys *k, const struct uuid *version,
	const uint8_t wrapped[static WRAPPED_LEN], struct buf *out)
{
	slot_write(k, version, wrapped, out);
}

static int slot_read(struct span file, struct uuid *ret_kek, uint8_t wrapped[static WRAPPED_LEN])
{
	struct canonical c;
	size_t n = 0;
	canonical_init(&c, file);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "kek"))
			canonical_uuid(&c, ret_kek);
		else if (canonical_is(&c, "wrapped"))
			n = canonical_base64(&c, wrapped, WRAPPED_LEN);
		else
			canonical_skip(&c);
	}
	return canonical_end(&c) && n == WRAPPED_LEN ? 0 : -1;
}

/* ---- tenant root ---- */

static void root_aad(struct buf *out, const struct keys *k)
{
	const struct uuid *const ids[] = {&k->tenant, &k->kek_id};
	aad_ids(out, "tenant", ids, 2);
}

static int root_read(const struct keys *k, const struct vault *v, const uint8_t *kek,
	uint8_t *ret_root, struct fault *reterr)
{
	struct buf file = BUF_INIT, aad = BUF_INIT;
	struct uuid kek_id = {{0}};
	uint8_t wrapped[WRAPPED_LEN];
	int rc = vault_read_small(v, TENANT_SLOT, 4096, &file, reterr);
	if (rc == 0 &&
		(slot_read(buf_span(&file), &kek_id, wrapped) < 0 || !uuid_eq(&kek_id, &k->kek_id)))
		rc = fault_why(reterr, CN_VALIDATION_FAILED, "wrong_key",
			"the key file is not the one that seals vault '%s'", v->name);
	if (rc == 0) {
		root_aad(&aad, k);
		rc = unwrap(kek, &aad, (struct span){wrapped, WRAPPED_LEN}, ret_root, reterr);
	}
	buf_fini(&file);
	return rc;
}

static int root_make(
	const struct keys *k, const struct vault *v, const uint8_t *kek, struct fault *reterr)
{
	uint8_t root[KEY_LEN], wrapped[WRAPPED_LEN];
	struct buf file = BUF_INIT, aad = BUF_INIT;
	struct vault_file f;
	crypto_random(root, sizeof(root));
	root_aad(&aad, k);
	wrap(kek, &aad, root, wrapped);
	crypto_wipe(root, sizeof(root));
	slot_write(k, NULL, wrapped, &file);
	int rc = vault_create_with(v, TENANT_SLOT, buf_span(&file), &f, reterr);
	if (rc == 0)
		rc = vault_sync(v, reterr);
	if (rc == 0 && vault_publish(v, &f, reterr) < 0) {
		/* another instance was first: its root is the tenant's */
		rc = strcmp(reterr->reason, "name_taken") == 0 ? 0 : -1;
		vault_discard(v, &f);
	}
	if (rc == 0)
		rc = vault_sync(v, reterr);
	buf_fini(&file);
	return rc;
}

static int load_root(
	const struct keys *k, const struct vault *v, struct key_bytes *b, struct fault *reterr)
{
	uint8_t root[KEY_LEN];
	int rc = root_read(k, v, b->kek, root, reterr);
	if (rc < 0 && reterr->code == CN_NOT_FOUND) {
		rc = root_make(k, v, b->kek, reterr);
		if (rc == 0)
			rc = root_read(k, v, b->kek, root, reterr);
	}
	if (rc == 0)
		hkdf_sha256((struct span){root, KEY_LEN}, (struct span){k->tenant.b, 16},
			text("carnet-dedup-1"), b->dedup, KEY_LEN);
	crypto_wipe(root, sizeof(root));
	return rc;
}

int keys_load(struct keys *k, const struct vault *v, const char *kek_file, const char *sign_file,
	struct fault *reterr)
{
	struct key_bytes b;
	*k = (struct keys){.tenant = v->tenant};
	memset(&b, 0, sizeof(b));
	int rc = -1;
	if (outside_vault(v, kek_file, reterr) < 0 || outside_vault(v, sign_file, reterr) < 0 ||
		key_file_read(kek_file, b.kek, KEY_LEN, reterr) < 0 ||
		key_file_read(sign_file, b.sign_seed, 32, reterr) < 0)
		goto out;
	kek_name(b.kek, &k->kek_id);
	sign_public(b.sign_seed, k->sign_public);
	rc = load_root(k, v, &b, reterr);
	if (rc == 0)
		k->secrets = secret_new((struct span){(const uint8_t *)&b, sizeof(b)});
out:
	crypto_wipe(&b, sizeof(b));
	return rc;
}

void keys_fini(struct keys *k)
{
	secret_free(k->secrets);
	k->secrets = NULL;
}
