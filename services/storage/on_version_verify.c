// SPDX-License-Identifier: Apache-2.0
/* version_verify: every object of a version is read from the medium and opened; native lists are
 * decoded again; the manifest must be the signed one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/book/formats/abk.h"
#include "services/storage/reading.h"

#define FINDINGS 256

struct verify {
	struct call *call;
	struct stored_item *items;
	size_t n;
	struct m_version version; /* of which: id, device, kind, generation, digest */
	uint8_t digest[SHA256_LEN];
	/* what was found; texts in the call's arena */
	const char *findings[FINDINGS];
	size_t findings_n;
	uint64_t objects, bytes;
};

static void found(struct verify *v, const char *where, const struct fault *f)
{
	char *text = arena_printf(&v->call->arena, "%s: %s", where, f->detail);
	if (text != NULL && v->findings_n < FINDINGS)
		v->findings[v->findings_n++] = text;
}

static int decode(
	struct abk_scan *scan, const struct stored_item *i, struct span piece, struct fault *f)
{
	if (i->ref.kind != OBJECT_CANON_ABK)
		return 0;
	return piece.n > 0 ? abk_scan_feed(scan, piece, f) : abk_scan_end(scan, &scan->info, f);
}

static int verify_item(struct verify *v, const struct stored_item *i, struct fault *f)
{
	struct abk_scan scan;
	struct span piece;
	struct stored_reader *r = stored_open(i, f);
	if (r == NULL)
		return -1;
	abk_scan_init(&scan);
	int rc;
	do {
		rc = stored_next(r, &piece, f);
		if (rc == 0)
			rc = decode(&scan, i, piece, f);
		v->bytes += piece.n;
	} while (rc == 0 && piece.n > 0);
	if (rc == 0 && !stored_same(r))
		rc = fault_why(
			f, CN_STORE_VERIFY_FAILED, "cipher", "not the file of the catalogue");
	stored_close(r);
	return rc;
}

static int verify_manifest(struct verify *v, struct fault *f)
{
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT, signature = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	const struct m_version *m = &v->version;
	const char *kind = kind_word(m->kind);
	vault_manifest_name(name, &m->device, kind, m->generation, &m->id, "json");
	int rc = vault_read_small(&app.vault, name, MANIFEST_MAX, &text, f);
	vault_manifest_name(name, &m->device, kind, m->generation, &m->id, "sig");
	if (rc == 0)
		rc = vault_read_small(&app.vault, name, 64, &signature, f);
	if (rc == 0) {
		manifest_digest(buf_span(&text), digest);
		if (memcmp(digest, v->digest, SHA256_LEN) != 0)
			rc = fault_set(f, CN_STORE_VERIFY_FAILED, "not the one of the catalogue");
		else if (signature.n != 64 ||
			 !manifest_signed(&app.keys.signers, buf_span(&text), signature.p))
			rc = fault_set(f, CN_STORE_VERIFY_FAILED, "the signature is not ours");
	}
	buf_fini(&text);
	buf_fini(&signature);
	return rc;
}

static void work(void *arg)
{
	struct verify *v = arg;
	struct fault f = FAULT_INIT;
	if (verify_manifest(v, &f) < 0)
		found(v, "manifest", &f);
	for (size_t i = 0; i < v->n; i++) {
		f = FAULT_INIT;
		if (verify_item(v, &v->items[i], &f) < 0)
			found(v, v->items[i].name, &f);
		else
			v->objects++;
	}
}

static void done(void *arg)
{
	struct verify *v = arg;
	const struct m_verify_result result = {.good = v->findings_n == 0,
		.objects = v->objects,
		.bytes = v->bytes,
		.findings = v->findings,
		.findings_n = v->findings_n};
	free(v->items);
	call_reply(v->call, &result);
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)t;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	bug_if(n != 2);
	struct verify *v = arena_alloc(&call->arena, sizeof(*v));
	bug_if(v == NULL);
	v->call = call;
	if (db_rows(r[0]) > 0)
		sql_version_read(r[0], 0, &call->arena, &v->version);
	if (v->version.state != VERSION_STATE_COMMITTED || v->version.digest.n != SHA256_LEN) {
		call_refuse(call, CN_NOT_FOUND, "no_version", "no such version");
		return;
	}
	memcpy(v->digest, v->version.digest.p, SHA256_LEN);
	v->n = (size_t)db_rows(r[1]);
	v->items = mem_alloc((v->n + 1) * sizeof(*v->items));
	for (size_t i = 0; i < v->n; i++)
		stored_item_read(r[1], (int)i, &v->items[i]);
	loop_work(app.service->loop, work, done, v);
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_version_verify *ask = call->body;
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	sql_add_get(t, &ask->id);
	db_commit(t, got, call);
}

void on_version_verify(struct call *call)
{
	db_begin(app.service->db, get, call);
}
