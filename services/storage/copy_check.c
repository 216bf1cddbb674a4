// SPDX-License-Identifier: Apache-2.0
/* Re-reading a copy. Contents are held against their digest: that needs no key and finds every
 * flipped bit; the slot is opened, so its key is the right one. */
#include "services/storage/copy_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 200000

bool copied_read(struct db_result *version, struct db_result *items, struct copied *ret)
{
	struct m_version m;
	struct arena a;
	arena_init(&a, 0);
	bool good = db_rows(version) > 0;
	if (good) {
		sql_version_read(version, 0, &a, &m);
		good = (m.state == VERSION_STATE_COMMITTED || m.state == VERSION_STATE_CONDEMNED) &&
		       m.digest.n == SHA256_LEN;
	}
	if (good) {
		*ret = (struct copied){
			.version = m.id, .device = m.device, .generation = m.generation};
		(void)snprintf(ret->kind, sizeof(ret->kind), "%s", kind_word(m.kind));
		memcpy(ret->digest, m.digest.p, SHA256_LEN);
		ret->n = (size_t)db_rows(items);
		ret->items = mem_alloc((ret->n + 1) * sizeof(*ret->items));
		for (size_t i = 0; i < ret->n; i++)
			stored_item_read(items, (int)i, &ret->items[i]);
	}
	arena_fini(&a);
	return good;
}

void copied_fini(struct copied *c)
{
	free(c->items);
	c->items = NULL;
	c->n = 0;
}

/* ---- contents seen ---- */

struct seen_name {
	uint8_t oid[OID_LEN];
	uint64_t incarnation;
};

static void drop(void *value, void *arg)
{
	(void)arg;
	free(value);
}

void seen_forget(struct seen *s)
{
	map_each(&s->map, drop, NULL);
	map_fini(&s->map);
	*s = (struct seen){.n = 0};
}

static bool was_seen(const struct seen *s, const struct seen_name *name)
{
	return s != NULL && map_get(&s->map, name, sizeof(*name)) != NULL;
}

static void note_seen(struct seen *s, const struct seen_name *name)
{
	if (s == NULL)
		return;
	if (s->n == SEEN_MAX)
		seen_forget(s);
	struct seen_name *copy = mem_alloc(sizeof(*copy));
	*copy = *name;
	free(map_put(&s->map, copy, sizeof(*copy), copy));
	s->n++;
}

/* ---- files ---- */

static int hash_file(
	const struct vault *v, const char *name, struct object_sealed *ret, struct fault *reterr)
{
	uint8_t piece[65536];
	struct vault_reader *file = vault_reader_new(v, name, reterr);
	if (file == NULL)
		return -1;
	struct sha256 *sum = sha256_new();
	ssize_t got;
	ret->stored_len = 0;
	while ((got = vault_reader_read(file, piece, sizeof(piece), reterr)) > 0) {
		sha256_add(sum, (struct span){piece, (size_t)got});
		ret->stored_len += (uint64_t)got;
	}
	sha256_end(sum, ret->cipher);
	vault_reader_free(file);
	return got < 0 ? -1 : 0;
}

static int check_object(const struct vault *v, const struct stored_item *i, struct seen *seen,
	uint64_t *bytes, struct fault *reterr)
{
	char name[VAULT_NAME_MAX];
	struct object_sealed got;
	struct seen_name key = {.incarnation = i->ref.incarnation};
	memcpy(key.oid, i->ref.oid, OID_LEN);
	if (was_seen(seen, &key))
		return 0;
	vault_object_name(name, i->ref.oid, i->ref.incarnation);
	if (hash_file(v, name, &got, reterr) < 0)
		return -1;
	*bytes += got.stored_len;
	if (got.stored_len != i->sealed.stored_len ||
		memcmp(got.cipher, i->sealed.cipher, SHA256_LEN) != 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "cipher",
			"%s is not as it was written", name);
	note_seen(seen, &key);
	return 0;
}

static int check_manifest(
	const struct vault *v, const struct copied *c, uint64_t *bytes, struct fault *reterr)
{
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT, signature = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	vault_manifest_name(name, &c->device, c->kind, c->generation, &c->version, "sig");
	int rc = vault_read_small(v, name, SIGNATURE, &signature, reterr);
	vault_manifest_name(name, &c->device, c->kind, c->generation, &c->version, "json");
	if (rc == 0)
		rc = vault_read_small(v, name, MANIFEST_MAX, &text, reterr);
	*bytes += text.n + signature.n;
	if (rc == 0) {
		manifest_digest(buf_span(&text), digest);
		if (memcmp(digest, c->digest, SHA256_LEN) != 0 || signature.n != SIGNATURE ||
			!manifest_signed(&app.keys.signers, buf_span(&text), signature.p))
			rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "manifest",
				"%s or its signature is not as it was written", name);
	}
	buf_fini(&text);
	buf_fini(&signature);
	return rc;
}

static int check_slot(
	const struct vault *v, struct copied *c, uint64_t *bytes, struct fault *reterr)
{
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct slot s = {.erased_ms = 0};
	uint8_t dek[KEY_LEN];
	struct fault why = FAULT_INIT;
	vault_slot_name(name, &c->version);
	int rc = vault_read_small(v, name, SLOT_MAX, &text, reterr);
	*bytes += text.n;
	if (rc == 0 &&
		(slot_read(buf_span(&text), &s) < 0 || s.erased_ms != 0 ||
			!uuid_eq(&s.version, &c->version) || !uuid_eq(&s.tenant, &app.tenant) ||
			keys_open_dek(&app.keys, &s.version, &s.kek,
				(struct span){s.wrapped, WRAPPED_LEN}, dek, &why) < 0))
		rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "slot",
			"%s does not hold the version's key", name);
	c->kek = s.kek;
	crypto_wipe(dek, sizeof(dek));
	buf_fini(&text);
	return rc;
}

int copy_check(const struct vault *v, struct copied *c, struct seen *seen, uint64_t *bytes,
	struct fault *reterr)
{
	int rc = check_manifest(v, c, bytes, reterr);
	if (rc == 0)
		rc = check_slot(v, c, bytes, reterr);
	for (size_t i = 0; i < c->n && rc == 0; i++)
		rc = check_object(v, &c->items[i], seen, bytes, reterr);
	if (rc == 0 || reterr->code == CN_NOT_FOUND || reterr->code == CN_STORE_VERIFY_FAILED)
		return rc;
	/* one file that cannot be read while the vault can is as good as damaged */
	struct fault why = *reterr, vault = FAULT_INIT;
	if (vault_check(v, &vault) == 0)
		(void)fault_why(reterr, CN_STORE_VERIFY_FAILED, "unreadable", "%s", why.detail);
	return -1;
}
