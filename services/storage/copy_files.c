// SPDX-License-Identifier: Apache-2.0
/* Copying as in section 9: temporary names, one flush, read back, final names, one flush. */
#include "services/storage/copy_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"

/* A file on its way. */
struct moving {
	struct vault_file file; /* no temporary name: it is there already, and good */
	uint8_t digest[SHA256_LEN];
	bool replace;
	bool aside; /* the bad one has the temporary name now (ST-73) */
};

static int hash(const struct vault *v, const char *name, struct vault_file *to,
	uint8_t out[static SHA256_LEN], struct fault *reterr)
{
	uint8_t piece[65536];
	struct vault_reader *file = vault_reader_new(v, name, reterr);
	if (file == NULL)
		return -1;
	struct sha256 *sum = sha256_new();
	ssize_t got;
	while ((got = vault_reader_read(file, piece, sizeof(piece), reterr)) > 0) {
		sha256_add(sum, (struct span){piece, (size_t)got});
		if (to != NULL && vault_write(to, (struct span){piece, (size_t)got}, reterr) < 0) {
			got = -1;
			break;
		}
	}
	sha256_end(sum, out);
	vault_reader_free(file);
	return got < 0 ? -1 : 0;
}

/* Is the very same file there? */
static bool there(const struct vault *to, const char *name, const uint8_t *digest, bool *ret_any)
{
	uint8_t has[SHA256_LEN];
	struct fault f = FAULT_INIT;
	*ret_any = vault_changed_ms(to, name) != 0;
	return *ret_any && hash(to, name, NULL, has, &f) == 0 &&
	       memcmp(has, digest, SHA256_LEN) == 0;
}

/* expected NULL: whatever the source has. */
static int begin_file(const struct vault *from, const struct vault *to, const char *name,
	const uint8_t *expected, struct moving *m, struct fault *reterr)
{
	*m = (struct moving){.file = {.fd = -1}};
	if (expected != NULL && there(to, name, expected, &m->replace))
		return 0;
	if (vault_create(to, name, &m->file, reterr) < 0 ||
		hash(from, name, &m->file, m->digest, reterr) < 0 ||
		vault_finish(&m->file, reterr) < 0)
		return -1;
	if (expected != NULL && memcmp(expected, m->digest, SHA256_LEN) != 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "source",
			"%s is damaged in the vault it would come from", name);
	if (expected == NULL && there(to, name, m->digest, &m->replace))
		vault_discard(to, &m->file);
	return 0;
}

static int end_file(const struct vault *to, struct moving *m, struct fault *reterr)
{
	uint8_t has[SHA256_LEN];
	if (m->file.temp[0] == 0)
		return 0;
	if (vault_has_temp(to)) {
		if (hash(to, m->file.temp, NULL, has, reterr) < 0)
			return -1;
		if (memcmp(has, m->digest, SHA256_LEN) != 0)
			return fault_why(reterr, CN_STORE_VERIFY_FAILED, "readback",
				"%s does not read back as it was written", m->file.name);
	}
	if (!m->replace)
		return vault_publish(to, &m->file, reterr);
	int rc = vault_swap(to, &m->file, reterr);
	m->aside = rc == 0 && m->file.temp[0] != 0;
	return rc;
}

/* ---- one version ---- */

static int begin_version(const struct vault *to, struct copying *c, struct moving *files, size_t *n)
{
	const struct copied *v = &c->copy;
	char name[VAULT_NAME_MAX];
	*n = 0;
	for (size_t i = 0; i < v->n; i++) {
		const struct stored_item *item = &v->items[i];
		vault_object_name(name, item->ref.oid, item->ref.incarnation);
		if (begin_file(c->source, to, name, item->sealed.cipher, &files[(*n)++],
			    &c->fault) < 0)
			return -1;
	}
	vault_slot_name(name, &v->version);
	if (begin_file(c->source, to, name, NULL, &files[(*n)++], &c->fault) < 0)
		return -1;
	vault_manifest_name(name, &v->device, v->kind, v->generation, &v->version, "json");
	if (begin_file(c->source, to, name, v->digest, &files[(*n)++], &c->fault) < 0)
		return -1;
	vault_manifest_name(name, &v->device, v->kind, v->generation, &v->version, "sig");
	return begin_file(c->source, to, name, NULL, &files[(*n)++], &c->fault);
}

static int end_version(const struct vault *to, struct copying *c, struct moving *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (end_file(to, &files[i], &c->fault) < 0)
			return -1;
		CRASHPOINT("copy.named");
	}
	return 0;
}

static void flush(const struct vault *to, struct copying *all, size_t n)
{
	struct fault f = FAULT_INIT;
	if (vault_sync(to, &f) == 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (all[i].fault.code == 0)
			all[i].fault = f;
}

/* What was bad goes when the good one was read where it is now; else it stays in tmp for a day. */
static void end_repair(const struct vault *to, struct moving *m, bool good)
{
	if (m->aside && !good)
		m->file.temp[0] = 0;
	vault_discard(to, &m->file);
}

void copy_files(const struct vault *to, struct copying *all, size_t n)
{
	struct moving **files = mem_alloc((n + 1) * sizeof(*files));
	size_t *counts = mem_alloc((n + 1) * sizeof(*counts));
	for (size_t i = 0; i < n; i++) {
		files[i] = mem_alloc((all[i].copy.n + 3) * sizeof(*files[i]));
		(void)!begin_version(to, &all[i], files[i], &counts[i]);
	}
	flush(to, all, n);
	for (size_t i = 0; i < n; i++)
		if (all[i].fault.code == 0)
			(void)!end_version(to, &all[i], files[i], counts[i]);
	flush(to, all, n);
	CRASHPOINT("copy.aside");
	for (size_t i = 0; i < n; i++) {
		if (all[i].fault.code == 0)
			(void)!copy_check(to, &all[i].copy, NULL, &all[i].bytes, &all[i].fault);
		for (size_t k = 0; k < counts[i]; k++)
			end_repair(to, &files[i][k], all[i].fault.code == 0);
		free(files[i]);
	}
	free(files);
	free(counts);
}

/* ---- keys that were wrapped anew ---- */

/* The slot of the primary vault, if it is what the catalogue says: it is written before its row. */
static bool begin_slot(const struct vault *to, const struct slot_copying *c, struct moving *m,
	struct fault *reterr)
{
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct slot s;
	vault_slot_name(name, &c->version);
	*m = (struct moving){.file = {.fd = -1}, .replace = true};
	bool good = vault_read_small(&app.vault, name, SLOT_MAX, &text, reterr) == 0 &&
		    slot_read(buf_span(&text), &s) == 0 && uuid_eq(&s.kek, &c->kek);
	if (good)
		sha256(buf_span(&text), m->digest);
	good = good && vault_create_with(to, name, buf_span(&text), &m->file, reterr) == 0;
	buf_fini(&text);
	return good;
}

int copy_slots(const struct vault *to, struct slot_copying *all, size_t n, struct fault *reterr)
{
	struct moving *files = mem_alloc((n + 1) * sizeof(*files));
	for (size_t i = 0; i < n; i++)
		all[i].good = begin_slot(to, &all[i], &files[i], reterr);
	int rc = vault_sync(to, reterr);
	for (size_t i = 0; i < n; i++) {
		/* a tombstone means that its key must not come back */
		all[i].good = rc == 0 && all[i].good && vault_changed_ms(to, all[i].stone) == 0 &&
			      end_file(to, &files[i], reterr) == 0;
		vault_discard(to, &files[i].file);
	}
	free(files);
	return rc == 0 ? vault_sync(to, reterr) : -1;
}

/* ---- what all versions need ---- */

int copy_shared(const struct vault *to, struct fault *reterr)
{
	static const char *const names[] = {"keys/tenant.slot", "keys/signers.slot"};
	struct moving m[array_len(names)];
	size_t n = 0;
	int rc = 0;
	while (n < array_len(names) && rc == 0) {
		rc = begin_file(&app.vault, to, names[n], NULL, &m[n], reterr);
		n++;
	}
	if (rc == 0)
		rc = vault_sync(to, reterr);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = end_file(to, &m[i], reterr);
		vault_discard(to, &m[i].file);
	}
	return rc == 0 ? vault_sync(to, reterr) : -1;
}
