// SPDX-License-Identifier: Apache-2.0
/* Manifest, signature, key slot and meta item of one version on a medium. */
#include "services/storage/medium_version.h"

#include <stdio.h>
#include <string.h>

#include "common/vault/canonical.h"
#include "gen/errors.h"

#define META_MAX ((uint64_t)1024 * 1024)

void medium_version_fini(struct medium_version *mv)
{
	manifest_fini(&mv->m);
	buf_fini(&mv->text);
}

static int bad(struct fault *reterr, const char *what)
{
	return fault_why(reterr, CN_STORE_VERIFY_FAILED, "medium", "%s", what);
}

/* ---- papers ---- */

static int read_manifest(
	const struct vault *v, const char *path, struct medium_version *mv, struct fault *reterr)
{
	char want[VAULT_NAME_MAX];
	if (vault_read_small(v, path, MANIFEST_MAX, &mv->text, reterr) < 0 ||
		manifest_read(buf_span(&mv->text), &mv->m, reterr) < 0)
		return -1;
	manifest_digest(buf_span(&mv->text), mv->digest);
	vault_manifest_name(
		want, &mv->m.device, mv->m.kind, mv->m.generation, &mv->m.version, "json");
	if (!uuid_eq(&mv->m.tenant, &v->tenant) || strcmp(want, path) != 0)
		return bad(reterr, "the manifest of another version under this name");
	return 0;
}

static int read_signature(const struct vault *v, const struct keys *k, const char *path,
	struct medium_version *mv, struct fault *reterr)
{
	struct buf sig = BUF_INIT;
	int rc = vault_read_small(v, path, SIGNATURE, &sig, reterr);
	if (rc < 0 && reterr->code == CN_NOT_FOUND) {
		rc = 0;
	} else if (rc == 0) {
		mv->is_signed = sig.n == SIGNATURE &&
				manifest_signed(&k->signers, buf_span(&mv->text), sig.p);
		if (mv->is_signed)
			memcpy(mv->signature, sig.p, SIGNATURE);
		else
			rc = bad(reterr, "manifest and signature do not belong together");
	}
	buf_fini(&sig);
	return rc;
}

/* A tombstone that is ours: its key was destroyed on purpose. */
static bool read_tombstone(const struct vault *v, const struct keys *k, const char *path,
	const struct medium_version *mv)
{
	struct buf text = BUF_INIT;
	struct tombstone t;
	struct fault f = FAULT_INIT;
	bool good = vault_read_small(v, path, SLOT_MAX, &text, &f) == 0 &&
		    tombstone_read(buf_span(&text), &k->signers, &t) == 0 &&
		    uuid_eq(&t.version, &mv->m.version) &&
		    memcmp(t.digest, mv->digest, SHA256_LEN) == 0;
	buf_fini(&text);
	return good;
}

static int read_slot(const struct vault *v, const struct keys *k, struct medium_version *mv,
	uint8_t ret_dek[static KEY_LEN], struct fault *reterr)
{
	char path[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct slot slot;
	vault_slot_name(path, &mv->m.version);
	int rc = vault_read_small(v, path, SLOT_MAX, &text, reterr);
	if (rc == 0 &&
		(slot_read(buf_span(&text), &slot) < 0 || !uuid_eq(&slot.version, &mv->m.version)))
		rc = bad(reterr, "its key slot is damaged");
	if (rc == 0 && slot.erased_ms != 0)
		rc = bad(reterr,
			"its key was destroyed, and no signed tombstone says that this was wanted");
	buf_fini(&text);
	if (rc < 0)
		return -1;
	mv->kek = slot.kek;
	memcpy(mv->wrapped_dek, slot.wrapped, WRAPPED_LEN);
	return keys_open_dek(k, &mv->m.version, &slot.kek, (struct span){slot.wrapped, WRAPPED_LEN},
		ret_dek, reterr);
}

/* ---- the meta item ---- */

struct counts {
	char list[65];
	uint32_t entries;
};

static void take_count(struct medium_version *mv, const struct counts *c)
{
	for (size_t i = 0; i < mv->m.items_n; i++)
		if (strcmp(mv->m.items[i].name, c->list) == 0)
			mv->entries[i] = c->entries;
}

static void read_counts(struct canonical *c, struct medium_version *mv)
{
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		struct counts one = {.entries = 0};
		canonical_enter(c, '{');
		while (canonical_key(c))
			if (canonical_is(c, "entries"))
				one.entries = (uint32_t)canonical_count(c);
			else if (canonical_is(c, "list"))
				canonical_text(c, one.list, sizeof(one.list));
			else
				canonical_skip(c);
		take_count(mv, &one);
	}
}

static bool read_text(struct canonical *c, struct medium_version *mv)
{
	const struct {
		const char *member;
		char *out;
		size_t size;
	} texts[] = {{"serial", mv->serial, sizeof(mv->serial)},
		{"native", mv->format, sizeof(mv->format)},
		{"family", mv->family, sizeof(mv->family)}, {"model", mv->model, sizeof(mv->model)},
		{"firmware", mv->firmware, sizeof(mv->firmware)},
		{"language", mv->language, sizeof(mv->language)},
		{"charset", mv->charset, sizeof(mv->charset)},
		{"device_name", mv->device_name, sizeof(mv->device_name)}};
	for (size_t i = 0; i < array_len(texts); i++)
		if (canonical_is(c, texts[i].member)) {
			canonical_text(c, texts[i].out, texts[i].size);
			return true;
		}
	return false;
}

static int parse_meta(struct span text, struct medium_version *mv, struct fault *reterr)
{
	struct canonical c;
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c))
		if (canonical_is(&c, "counts"))
			read_counts(&c, mv);
		else if (canonical_is(&c, "password"))
			canonical_uuid(&c, &mv->password);
		else if (!read_text(&c, mv))
			canonical_skip(&c);
	return canonical_end(&c) ? 0 : bad(reterr, "its meta item cannot be read");
}

/* Where an object of a version is, and what opens it. */
struct source {
	const struct vault *v;
	const struct keys *k;
	const struct manifest *m;
	uint8_t dek[KEY_LEN];
};

static int open_object(const struct source *s, const struct manifest_item *i, struct buf *out,
	struct fault *reterr)
{
	char path[VAULT_NAME_MAX];
	uint8_t key[KEY_LEN];
	const struct item_place place = {&s->m->version, i->no, i->oid};
	struct object_ref ref = {.tenant = s->m->tenant,
		.kind = i->kind,
		.incarnation = i->incarnation,
		.plain_len = i->plain_len};
	struct span piece = {NULL, 0};
	memcpy(ref.oid, i->oid, OID_LEN);
	vault_object_name(path, i->oid, i->incarnation);
	if (keys_open_item(s->dek, &place, (struct span){i->key, i->key_n}, key, reterr) < 0)
		return -1;
	struct vault_reader *file = vault_reader_new(s->v, path, reterr);
	if (file == NULL)
		return -1;
	struct object_reader *o =
		object_reader_new(&ref, key, keys_dedup(s->k), vault_reader_read, file);
	int rc;
	do {
		rc = object_next(o, &piece, reterr);
		if (rc == 0)
			buf_add(out, piece.p, piece.n);
	} while (rc == 0 && piece.n > 0);
	object_reader_free(o);
	vault_reader_free(file);
	crypto_wipe(key, sizeof(key));
	return rc;
}

static int read_meta(const struct source *s, struct medium_version *mv, struct fault *reterr)
{
	struct buf text = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; i < mv->m.items_n && rc == 0; i++) {
		const struct manifest_item *item = &mv->m.items[i];
		if (item->role != MANIFEST_META || item->plain_len > META_MAX)
			continue;
		buf_reset(&text);
		rc = open_object(s, item, &text, reterr);
		if (rc == 0)
			rc = parse_meta(buf_span(&text), mv, reterr);
	}
	buf_wipe(&text);
	return rc;
}

/* ---- all of it ---- */

static void look_at_objects(const struct vault *v, struct medium_version *mv)
{
	char path[VAULT_NAME_MAX];
	mv->whole = true;
	for (size_t i = 0; i < mv->m.items_n; i++) {
		const struct manifest_item *item = &mv->m.items[i];
		vault_object_name(path, item->oid, item->incarnation);
		mv->there[i] = vault_size(v, path) == (int64_t)item->sealed.stored_len;
		mv->whole &= mv->there[i];
	}
}

int medium_version_read(const struct vault *v, const struct keys *k, const char *folder,
	const char *name, struct medium_version *ret, struct fault *reterr)
{
	char path[VAULT_NAME_MAX];
	struct source source = {.v = v, .k = k, .m = &ret->m};
	struct fault ignored = FAULT_INIT;
	*ret = (struct medium_version){.text = BUF_INIT};
	(void)snprintf(path, sizeof(path), "%.100s/%.60s.json", folder, name);
	if (read_manifest(v, path, ret, reterr) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%.100s/%.60s.sig", folder, name);
	if (read_signature(v, k, path, ret, reterr) < 0)
		return -1;
	if (!ret->is_signed)
		return 0;
	(void)snprintf(path, sizeof(path), "%.100s/%.60s.erased", folder, name);
	ret->erased = read_tombstone(v, k, path, ret);
	if (ret->erased)
		return 0;
	if (read_slot(v, k, ret, source.dek, reterr) < 0)
		return -1;
	look_at_objects(v, ret);
	/* names are for people: a version without them is a version */
	if (read_meta(&source, ret, &ignored) < 0)
		ret->whole = false;
	crypto_wipe(source.dek, sizeof(source.dek));
	return 0;
}
