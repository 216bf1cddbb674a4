// SPDX-License-Identifier: Apache-2.0
/* The key of a version and what it opens. With the key file every object is opened to its end and
 * named again; without, its bytes are held against the manifest. */
#include <string.h>

#include "services/verify/seen.h"
#include "services/verify/verify.h"

/* ---- slots ---- */

/* 0 with a slot of this version; else said. */
static int read_slot(
	struct verify *v, const struct where *where, const struct uuid *version, struct slot *ret)
{
	struct buf text = BUF_INIT;
	struct fault f = FAULT_INIT;
	int rc = vault_read_small(&v->medium, where->path, SLOT_MAX, &text, &f);
	if (rc < 0) {
		found_fault(v, where, &f);
	} else if (slot_read(buf_span(&text), ret) < 0 || !uuid_eq(&ret->version, version) ||
		   !uuid_eq(&ret->tenant, &v->medium.tenant)) {
		rc = -1;
		found(v, FINDING_DAMAGE, where, "not the key slot of this version");
	}
	buf_fini(&text);
	return rc;
}

bool kek_in_use(const struct verify *v, const struct uuid *kek)
{
	for (size_t i = 0; i < v->passport.keks_n; i++)
		if (uuid_eq(&v->passport.keks[i], kek))
			return true;
	return uuid_eq(kek, &v->keys.kek_id) || v->passport.serial == 0;
}

/* The version's key. false: not there, and said why; or nobody has the key file. */
static bool open_slot(struct verify *v, const struct manifest *m, uint8_t dek[static KEY_LEN])
{
	char path[VAULT_NAME_MAX];
	struct slot slot;
	struct fault f = FAULT_INIT;
	vault_slot_name(path, &m->version);
	const struct where where = {path, -1, &m->device, m->kind, m->generation};
	if (read_slot(v, &where, &m->version, &slot) < 0)
		return false;
	if (slot.erased_ms != 0) {
		found(v, FINDING_DAMAGE, &where,
			"its key was destroyed, and no signed tombstone says that this was wanted");
		return false;
	}
	if (!v->have_key)
		return false;
	/* dumps of the catalogue are not rewrapped: newer ones take their place */
	if (!kek_in_use(v, &slot.kek) && strcmp(m->kind, "catalogue") != 0)
		found(v, FINDING_DAMAGE, &where,
			"an older copy: it lies under a key that is no longer in use");
	if (keys_open_dek(&v->keys, &m->version, &slot.kek,
		    (struct span){slot.wrapped, WRAPPED_LEN}, dek, &f) == 0)
		return true;
	found_fault(v, &where, &f);
	return false;
}

void check_erased_slot(
	struct verify *v, const struct where *where, const struct uuid *version, uint64_t erased_ms)
{
	char path[VAULT_NAME_MAX];
	struct slot slot;
	struct where here = *where;
	vault_slot_name(path, version);
	here.path = path;
	if (vault_changed_ms(&v->medium, path) == 0 || read_slot(v, &here, version, &slot) < 0)
		return;
	if (slot.erased_ms == 0)
		found(v, FINDING_DAMAGE, &here, "the key of an erased version is back");
	else if (erased_ms != 0 && slot.erased_ms != erased_ms)
		found(v, FINDING_DAMAGE, &here, "erased at another time than its tombstone says");
}

/* ---- objects ---- */

struct reading {
	struct verify *v;
	struct vault_reader *file;
	uint64_t at;
};

static ssize_t read_more(void *arg, uint8_t *p, size_t n, struct fault *reterr)
{
	struct reading *r = arg;
	ssize_t got = vault_reader_read(r->file, p, n, reterr);
	if (got > 0) {
		r->at += (uint64_t)got;
		r->v->bytes += (uint64_t)got;
	}
	return got;
}

static bool sealed_fits(const struct object_sealed *got, const struct manifest_item *i)
{
	return got->stored_len == i->sealed.stored_len &&
	       memcmp(got->cipher, i->sealed.cipher, SHA256_LEN) == 0;
}

static int differs(struct fault *f)
{
	return fault_why(f, CN_STORE_VERIFY_FAILED, "cipher",
		"not the bytes that the manifest of this version means");
}

/* *ret_at: how far it was read. */
static int open_object(struct reading *r, const struct manifest *m, const struct manifest_item *i,
	const uint8_t key[static KEY_LEN], struct fault *f)
{
	struct object_ref ref = {.tenant = m->tenant,
		.kind = i->kind,
		.incarnation = i->incarnation,
		.plain_len = i->plain_len};
	struct span piece;
	int rc;
	memcpy(ref.oid, i->oid, OID_LEN);
	struct object_reader *o =
		object_reader_new(&ref, key, keys_dedup(&r->v->keys), read_more, r);
	do
		rc = object_next(o, &piece, f);
	while (rc == 0 && piece.n > 0);
	if (rc == 0 && !sealed_fits(object_reader_sealed(o), i))
		rc = differs(f);
	object_reader_free(o);
	return rc;
}

static int hash_object(struct reading *r, const struct manifest_item *i, struct fault *f)
{
	uint8_t piece[16384];
	struct object_sealed got = {.stored_len = 0};
	struct sha256 *h = sha256_new();
	ssize_t n;
	while ((n = read_more(r, piece, sizeof(piece), f)) > 0) {
		sha256_add(h, (struct span){piece, (size_t)n});
		got.stored_len += (uint64_t)n;
	}
	sha256_end(h, got.cipher);
	if (n < 0)
		return -1;
	return sealed_fits(&got, i) ? 0 : differs(f);
}

/* key NULL: only the bytes. */
static bool read_object(struct verify *v, const struct manifest *m, const struct manifest_item *i,
	const uint8_t *key, struct where *where)
{
	struct reading r = {.v = v};
	struct fault f = FAULT_INIT;
	r.file = vault_reader_new(&v->medium, where->path, &f);
	int rc = r.file == NULL ? -1
		 : key == NULL  ? hash_object(&r, i, &f)
				: open_object(&r, m, i, key, &f);
	vault_reader_free(r.file);
	v->objects++;
	if (rc == 0)
		return true;
	where->offset = r.file == NULL ? -1 : (int64_t)r.at;
	found_fault(v, where, &f);
	return false;
}

static void look_at_object(
	struct verify *v, const struct manifest_item *i, const struct where *where)
{
	int64_t size = vault_size(&v->medium, where->path);
	if (size < 0)
		found(v, FINDING_DAMAGE, where, "missing");
	else if ((uint64_t)size != i->sealed.stored_len)
		found(v, FINDING_DAMAGE, where, "has %lld bytes, should have %llu", (long long)size,
			(unsigned long long)i->sealed.stored_len);
	v->objects++;
}

/* One that other versions refer to as well is read once; what is wrong with it is said for each. */
static void check_object(struct verify *v, const struct manifest *m, const struct manifest_item *i,
	const uint8_t *key, struct where *where)
{
	struct seen_object o = {.good = true};
	uint8_t commitment[SHA256_LEN];
	seen_id(i->oid, i->incarnation, o.id);
	if (key != NULL)
		object_commitment(key, i->oid, commitment);
	memcpy(o.commitment, key != NULL ? commitment : i->sealed.cipher, sizeof(o.commitment));
	const struct seen_object *before = seen_find(v->seen, o.id);
	if (before != NULL && before->good &&
		memcmp(before->commitment, o.commitment, sizeof(o.commitment)) != 0) {
		found(v, FINDING_DAMAGE, where, "another version opens it, this one does not");
	} else if (before != NULL && !before->good) {
		found(v, FINDING_DAMAGE, where, "damaged, as said above");
	} else if (before == NULL) {
		o.good = read_object(v, m, i, key, where);
		seen_add(v->seen, &o);
	}
}

void check_items(struct verify *v, const struct manifest *m)
{
	uint8_t dek[KEY_LEN], key[KEY_LEN];
	char path[VAULT_NAME_MAX];
	bool opened = open_slot(v, m, dek);
	for (size_t n = 0; n < m->items_n; n++) {
		const struct manifest_item *i = &m->items[n];
		const struct item_place place = {&m->version, i->no, i->oid};
		struct fault f = FAULT_INIT;
		vault_object_name(path, i->oid, i->incarnation);
		struct where where = {path, -1, &m->device, m->kind, m->generation};
		bool has_key = opened && keys_open_item(dek, &place,
						 (struct span){i->key, i->key_n}, key, &f) == 0;
		if (opened && !has_key)
			found_fault(v, &where, &f);
		if (v->quick)
			look_at_object(v, i, &where);
		else
			check_object(v, m, i, has_key ? key : NULL, &where);
	}
	crypto_wipe(dek, sizeof(dek));
	crypto_wipe(key, sizeof(key));
}
