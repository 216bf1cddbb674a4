// SPDX-License-Identifier: Apache-2.0
/* What a crash may leave (ST-56): a committed version whose signature is not on the medium is
 * signed; a manifest whose version was never committed, and old temporary files, go after a day. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/sql.h"

#define DAY_MS ((uint64_t)24 * 3600 * 1000)
#define STALE_MAX 1000

/* ---- signatures ---- */

struct owed {
	struct uuid version;
	char name[VAULT_NAME_MAX];
	uint8_t signature[64];
	struct buf manifest;
	bool good;
};

struct signing {
	struct uuid only; /* nil = all that are owed */
	void (*done)(void *arg, const struct fault *f);
	void *arg;
	struct owed *owed;
	size_t n;
	struct fault fault;
};

/* The row holds what was signed; the medium must hold the same manifest. */
static int put_signature(const struct owed *o, struct fault *reterr)
{
	struct vault_file f;
	struct buf there = BUF_INIT;
	char json[VAULT_NAME_MAX];
	(void)snprintf(json, sizeof(json), "%.*s.json", (int)strlen(o->name) - 4, o->name);
	int rc = vault_read_small(&app.vault, json, MANIFEST_MAX, &there, reterr);
	if (rc == 0 && (there.n != o->manifest.n || memcmp(there.p, o->manifest.p, there.n) != 0 ||
			       !manifest_signed(&app.keys.signers, buf_span(&there), o->signature)))
		rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "manifest",
			"%s differs from the catalogue", json);
	buf_fini(&there);
	if (rc == 0)
		rc = vault_create_with(
			&app.vault, o->name, (struct span){o->signature, 64}, &f, reterr);
	if (rc < 0)
		return -1;
	rc = vault_sync(&app.vault, reterr);
	if (rc == 0)
		rc = vault_publish(&app.vault, &f, reterr);
	if (rc == 0)
		rc = vault_sync(&app.vault, reterr);
	vault_discard(&app.vault, &f);
	return rc;
}

static void sign_work(void *arg)
{
	struct signing *s = arg;
	for (size_t i = 0; i < s->n; i++)
		s->owed[i].good = put_signature(&s->owed[i], &s->fault) == 0;
}

static void signing_end(struct signing *s)
{
	if (s->done != NULL)
		s->done(s->arg, s->fault.code == 0 ? NULL : &s->fault);
	else if (s->fault.code != 0)
		log_error(L("signature not written"), L_FAULT(&s->fault));
	for (size_t i = 0; i < s->n; i++)
		buf_fini(&s->owed[i].manifest);
	free(s->owed);
	free(s);
}

static void sign_done(void *arg)
{
	struct signing *s = arg;
	for (size_t i = 0; i < s->n; i++)
		if (s->owed[i].good) {
			log_info(L("signature written after a crash"),
				L_UUID("version", &s->owed[i].version));
			sql_signed(&s->owed[i].version, 1);
		}
	signing_end(s);
}

static void owed_found(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct signing *s = container_of((struct uuid *)arg, struct signing, only);
	(void)t;
	(void)n;
	if (f != NULL) {
		fault_why(
			&s->fault, CN_STORE_UNAVAILABLE, f->reason, "catalogue: %.200s", f->detail);
		signing_end(s);
		return;
	}
	size_t rows = (size_t)db_rows(r[0]);
	s->owed = mem_alloc((rows + 1) * sizeof(*s->owed));
	for (size_t i = 0; i < rows; i++) {
		struct owed *o = &s->owed[s->n];
		struct uuid device = db_get_uuid(r[0], (int)i, 1);
		struct span manifest = db_get_bytes(r[0], (int)i, 4);
		struct span signature = db_get_bytes(r[0], (int)i, 5);
		if (signature.n != 64)
			continue;
		o->version = db_get_uuid(r[0], (int)i, 0);
		vault_manifest_name(o->name, &device, db_get_text(r[0], (int)i, 2),
			(uint64_t)db_get_int(r[0], (int)i, 3), &o->version, "sig");
		memcpy(o->signature, signature.p, 64);
		buf_add(&o->manifest, manifest.p, manifest.n);
		s->n++;
	}
	if (s->n == 0)
		signing_end(s);
	else
		loop_work(app.service->loop, sign_work, sign_done, s);
}

void recover_sign(
	const struct uuid *version, void (*done)(void *arg, const struct fault *f), void *arg)
{
	struct signing *s = mem_alloc(sizeof(*s));
	s->only = *version;
	s->done = done;
	s->arg = arg;
	sql_unsigned(&s->only, owed_found);
}

/* ---- what nobody needs ---- */

struct stale {
	uint64_t before_ms; /* wall time */
	struct uuid versions[STALE_MAX];
	char names[STALE_MAX][VAULT_NAME_MAX];
	struct sql_ids ids;
	bool committed[STALE_MAX];
	/* while listing */
	char folder[VAULT_NAME_MAX];
};

/* "<generation>-<version>.json" without its .sig, and old */
static int each_manifest(void *arg, const char *entry)
{
	struct stale *s = arg;
	char name[VAULT_NAME_MAX], sig[VAULT_NAME_MAX], id[UUID_TEXT];
	const char *dash = strchr(entry, '-');
	size_t n = strlen(entry);
	if (s->ids.n == STALE_MAX)
		return 1;
	if (dash == NULL || strlen(dash + 1) != 36 + 5 || strcmp(entry + n - 5, ".json") != 0)
		return 0;
	(void)snprintf(id, sizeof(id), "%.36s", dash + 1);
	(void)snprintf(name, sizeof(name), "%.100s/%.80s", s->folder, entry);
	(void)snprintf(sig, sizeof(sig), "%.*s.sig", (int)strlen(name) - 5, name);
	uint64_t changed = vault_changed_ms(&app.vault, name);
	if (changed == 0 || changed >= s->before_ms || vault_changed_ms(&app.vault, sig) != 0 ||
		uuid_parse(id, &s->versions[s->ids.n]) < 0)
		return 0;
	memcpy(s->names[s->ids.n++], name, sizeof(name));
	return 0;
}

static int each_device(void *arg, const char *device)
{
	struct stale *s = arg;
	struct fault f;
	for (const struct msg_enum_word *w = version_kind_words; w->word != NULL; w++) {
		(void)snprintf(s->folder, sizeof(s->folder), "devices/%.40s/%s", device, w->word);
		if (vault_list(&app.vault, s->folder, each_manifest, s, &f) != 0)
			return 1;
	}
	return 0;
}

static void stale_find(void *arg)
{
	struct stale *s = arg;
	struct fault f;
	if (vault_sweep(&app.vault, DAY_MS, &f) != 0 ||
		vault_list(&app.vault, "devices", each_device, s, &f) != 0)
		return; /* what was found so far is good, the rest comes next time */
}

static void stale_remove(void *arg)
{
	struct stale *s = arg;
	char slot[VAULT_NAME_MAX];
	for (size_t i = 0; i < s->ids.n; i++) {
		if (s->committed[i])
			continue;
		vault_slot_name(slot, &s->versions[i]);
		vault_remove(&app.vault, s->names[i]);
		vault_remove(&app.vault, slot);
	}
}

static void stale_removed(void *arg)
{
	free(arg);
}

static void stale_asked(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct stale *s = container_of((struct sql_ids *)arg, struct stale, ids);
	(void)t;
	(void)n;
	if (f != NULL) { /* who cannot be asked about is kept */
		free(s);
		return;
	}
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct uuid id = db_get_uuid(r[0], row, 0);
		for (size_t i = 0; i < s->ids.n; i++)
			if (uuid_eq(&s->versions[i], &id))
				s->committed[i] = true;
	}
	loop_work(app.service->loop, stale_remove, stale_removed, s);
}

static void stale_found(void *arg)
{
	struct stale *s = arg;
	if (s->ids.n == 0) {
		free(s);
		return;
	}
	s->ids.ids = s->versions;
	sql_exist(&s->ids, stale_asked);
}

void recover_stale(void)
{
	struct stale *s = mem_alloc(sizeof(*s));
	uint64_t now = clock_wall_ms();
	s->before_ms = now > DAY_MS ? now - DAY_MS : 0;
	loop_work(app.service->loop, stale_find, stale_found, s);
}

void recover_owed(void)
{
	struct signing *s = mem_alloc(sizeof(*s));
	sql_unsigned(&s->only, owed_found);
	sql_expire();
}
