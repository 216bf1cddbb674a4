// SPDX-License-Identifier: Apache-2.0
/* A dump of the database, sealed and signed like a version, by the steps of section 9: object, slot
 * and manifest written, flushed, read back, named; the signature last. The newest few are kept, the
 * others leave a tombstone. */
#include "services/storage/keep_dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "common/vault/names.h"
#include "services/storage/medium_version.h"
#include "services/storage/storage.h"

#define KIND "catalogue"
#define KEPT 7

struct dump {
	struct vault vault;
	struct keys keys;
	char folder[96];
	struct names names; /* of the folder */
	struct spool *plain;
	struct manifest m;
	struct manifest_item item;
	uint8_t key[KEY_LEN];
	struct vault_file object, slot, json, sig;
	struct fault fault;
};

/* ---- what is there ---- */

/* The names of signed manifests, newest last; false when i is none. */
static bool is_manifest(const struct dump *d, size_t i, uint64_t *ret_generation, char name[64])
{
	struct uuid id;
	const char *suffix;
	if (!version_name(d->names.names[i], ret_generation, &id, &suffix) ||
		strcmp(suffix, "sig") != 0)
		return false;
	(void)snprintf(name, 64, "%.*s", (int)strlen(d->names.names[i]) - 4, d->names.names[i]);
	return true;
}

/* The newest one, which the next follows. */
static int find_last(struct dump *d)
{
	uint64_t generation;
	char name[64], newest[64] = "";
	struct medium_version mv;
	for (size_t i = 0; i < d->names.n; i++)
		if (is_manifest(d, i, &generation, name) && generation > d->m.prev_generation) {
			d->m.prev_generation = generation;
			memcpy(newest, name, sizeof(newest));
		}
	if (newest[0] == 0)
		return 0;
	int rc = medium_version_read(&d->vault, &d->keys, d->folder, newest, &mv, &d->fault);
	memcpy(d->m.prev_digest, mv.digest, SHA256_LEN);
	medium_version_fini(&mv);
	return rc;
}

/* ---- the object ---- */

static int read_input(struct dump *d)
{
	uint8_t piece[65536];
	ssize_t n;
	d->plain = spool_new(d->vault.tmp, SPOOL_MEMORY);
	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_set(
				&d->fault, CN_VALIDATION_FAILED, "input: %s", strerror(errno));
		if (spool_add(d->plain, (struct span){piece, (size_t)n}, &d->fault) < 0)
			return -1;
	}
	crypto_wipe(piece, sizeof(piece));
	if (spool_size(d->plain) == 0)
		return fault_set(&d->fault, CN_VALIDATION_FAILED, "the dump is empty");
	return 0;
}

static int write_file(void *arg, struct span bytes, struct fault *reterr)
{
	return vault_write(arg, bytes, reterr);
}

static struct object_ref ref_of(const struct dump *d)
{
	struct object_ref ref = {.tenant = d->vault.tenant,
		.kind = d->item.kind,
		.incarnation = d->item.incarnation,
		.plain_len = d->item.plain_len};
	memcpy(ref.oid, d->item.oid, OID_LEN);
	return ref;
}

static int write_object(struct dump *d)
{
	char name[VAULT_NAME_MAX];
	uint64_t random;
	crypto_random(d->key, KEY_LEN);
	crypto_random(&random, sizeof(random));
	d->item = (struct manifest_item){.name = "dump",
		.role = MANIFEST_NATIVE,
		.kind = OBJECT_OPAQUE,
		.incarnation = (random >> 12) | 1,
		.plain_len = spool_size(d->plain),
		.key_n = WRAPPED_LEN};
	if (object_oid(keys_dedup(&d->keys), OBJECT_OPAQUE, d->plain, d->item.oid, &d->fault) < 0)
		return -1;
	const struct object_ref ref = ref_of(d);
	const struct object_sink sink = {write_file, &d->object, d->vault.tmp};
	vault_object_name(name, d->item.oid, d->item.incarnation);
	if (vault_create(&d->vault, name, &d->object, &d->fault) < 0 ||
		object_seal(&ref, d->key, d->plain, &sink, &d->item.sealed, &d->fault) < 0)
		return -1;
	return vault_finish(&d->object, &d->fault);
}

/* From the medium, to its end. */
static int read_back(struct dump *d)
{
	const struct object_ref ref = ref_of(d);
	struct span piece;
	int rc;
	struct vault_reader *file = vault_reader_new(&d->vault, d->object.temp, &d->fault);
	if (file == NULL)
		return -1;
	struct object_reader *o =
		object_reader_new(&ref, d->key, keys_dedup(&d->keys), vault_reader_read, file);
	do
		rc = object_next(o, &piece, &d->fault);
	while (rc == 0 && piece.n > 0);
	object_reader_free(o);
	vault_reader_free(file);
	return rc;
}

/* ---- the papers ---- */

static void fill_manifest(struct dump *d, uint8_t wrapped_dek[static WRAPPED_LEN])
{
	uint8_t dek[KEY_LEN];
	struct manifest *m = &d->m;
	uint64_t now = clock_wall_ms();
	m->tenant = m->device = d->vault.tenant;
	m->version = m->run = uuid_v7(now);
	(void)snprintf(m->kind, sizeof(m->kind), KIND);
	m->generation = m->prev_generation + 1;
	m->made_ms = m->verified_ms = now;
	(void)snprintf(m->writer, sizeof(m->writer), WRITER);
	m->min_reader = 1;
	m->items = &d->item;
	m->items_n = 1;
	const struct item_place place = {&m->version, 0, d->item.oid};
	crypto_random(dek, sizeof(dek));
	keys_wrap_dek(&d->keys, &m->version, dek, wrapped_dek);
	keys_wrap_item(dek, &place, d->key, d->item.key);
	crypto_wipe(dek, sizeof(dek));
}

static int write_papers(struct dump *d)
{
	char name[VAULT_NAME_MAX];
	uint8_t wrapped_dek[WRAPPED_LEN], signature[SIGNATURE];
	struct buf slot = BUF_INIT, text = BUF_INIT;
	const struct manifest *m = &d->m;
	fill_manifest(d, wrapped_dek);
	keys_slot_write(&d->keys, &m->version, wrapped_dek, &slot);
	manifest_write(m, &text);
	manifest_sign(keys_sign_seed(&d->keys), buf_span(&text), signature);
	vault_slot_name(name, &m->version);
	int rc = vault_create_with(&d->vault, name, buf_span(&slot), &d->slot, &d->fault);
	vault_manifest_name(name, &m->device, KIND, m->generation, &m->version, "json");
	if (rc == 0)
		rc = vault_create_with(&d->vault, name, buf_span(&text), &d->json, &d->fault);
	vault_manifest_name(name, &m->device, KIND, m->generation, &m->version, "sig");
	if (rc == 0)
		rc = vault_create_with(
			&d->vault, name, (struct span){signature, SIGNATURE}, &d->sig, &d->fault);
	buf_fini(&slot);
	buf_fini(&text);
	return rc;
}

static int place(struct dump *d)
{
	struct vault_file *const files[] = {&d->object, &d->slot, &d->json};
	if (vault_sync(&d->vault, &d->fault) < 0 || read_back(d) < 0)
		return -1;
	for (size_t i = 0; i < array_len(files); i++)
		if (vault_publish(&d->vault, files[i], &d->fault) < 0)
			return -1;
	if (vault_sync(&d->vault, &d->fault) < 0)
		return -1;
	CRASHPOINT("dump.named");
	if (vault_publish(&d->vault, &d->sig, &d->fault) < 0)
		return -1;
	return vault_sync(&d->vault, &d->fault);
}

/* ---- older ones ---- */

static int bury(struct dump *d, const struct medium_version *mv)
{
	char name[VAULT_NAME_MAX];
	struct vault_file stone_file = {.fd = -1}, slot_file = {.fd = -1};
	struct buf stone_text = BUF_INIT, slot_text = BUF_INIT;
	struct tombstone stone = {.tenant = d->vault.tenant,
		.version = mv->m.version,
		.at_ms = clock_wall_ms(),
		.reason = "pruned"};
	const struct slot slot = {
		.tenant = d->vault.tenant, .version = mv->m.version, .erased_ms = stone.at_ms};
	memcpy(stone.digest, mv->digest, SHA256_LEN);
	tombstone_write(&stone, keys_sign_seed(&d->keys), &stone_text);
	slot_write(&slot, &slot_text);
	vault_manifest_name(name, &mv->m.device, KIND, mv->m.generation, &mv->m.version, "erased");
	int rc = vault_create_with(&d->vault, name, buf_span(&stone_text), &stone_file, &d->fault);
	vault_slot_name(name, &mv->m.version);
	if (rc == 0)
		rc = vault_create_with(
			&d->vault, name, buf_span(&slot_text), &slot_file, &d->fault);
	if (rc == 0)
		rc = vault_sync(&d->vault, &d->fault);
	if (rc == 0)
		rc = vault_publish(&d->vault, &stone_file, &d->fault);
	if (rc == 0)
		rc = vault_replace(&d->vault, &slot_file, &d->fault);
	if (rc == 0)
		rc = vault_sync(&d->vault, &d->fault);
	vault_discard(&d->vault, &stone_file);
	vault_discard(&d->vault, &slot_file);
	buf_fini(&stone_text);
	buf_fini(&slot_text);
	return rc;
}

static bool has_signature(const struct dump *d, const char *json)
{
	int n = (int)strlen(json) - (int)strlen("json");
	for (size_t i = 0; i < d->names.n; i++)
		if (strncmp(d->names.names[i], json, (size_t)n) == 0 &&
			strcmp(d->names.names[i] + n, "sig") == 0)
			return true;
	return false;
}

/* What one that was killed left behind: a manifest that nobody signed, its key, its content. */
static void remove_halves(const struct dump *d)
{
	uint64_t generation;
	struct uuid id;
	const char *suffix;
	char name[VAULT_NAME_MAX];
	for (size_t i = 0; i < d->names.n; i++) {
		const char *entry = d->names.names[i];
		struct buf text = BUF_INIT;
		struct manifest m;
		struct fault ignored = FAULT_INIT;
		if (!version_name(entry, &generation, &id, &suffix) ||
			strcmp(suffix, "json") != 0 || has_signature(d, entry))
			continue;
		(void)snprintf(name, sizeof(name), "%.96s/%.80s", d->folder, entry);
		if (vault_read_small(&d->vault, name, MANIFEST_MAX, &text, &ignored) == 0 &&
			manifest_read(buf_span(&text), &m, &ignored) == 0) {
			vault_remove(&d->vault, name);
			for (size_t k = 0; k < m.items_n; k++) {
				vault_object_name(name, m.items[k].oid, m.items[k].incarnation);
				vault_remove(&d->vault, name);
			}
			vault_slot_name(name, &id);
			vault_remove(&d->vault, name);
			manifest_fini(&m);
		}
		buf_fini(&text);
	}
}

static int prune(struct dump *d)
{
	uint64_t generation;
	char name[VAULT_NAME_MAX], entry[64];
	int rc = 0;
	for (size_t i = 0; i < d->names.n && rc == 0; i++) {
		struct medium_version mv;
		if (!is_manifest(d, i, &generation, entry) || generation + KEPT > d->m.generation)
			continue;
		rc = medium_version_read(&d->vault, &d->keys, d->folder, entry, &mv, &d->fault);
		if (rc == 0 && !mv.erased)
			rc = bury(d, &mv);
		for (size_t k = 0; rc == 0 && k < mv.m.items_n; k++) {
			const struct manifest_item *item = &mv.m.items[k];
			vault_object_name(name, item->oid, item->incarnation);
			vault_remove(&d->vault, name);
		}
		medium_version_fini(&mv);
	}
	return rc;
}

/* ---- the command ---- */

static int open_vault(struct dump *d, int argc, char **argv)
{
	struct vault medium;
	char id[UUID_TEXT];
	const struct key_files files = {argv[3], argc > 5 ? argv[5] : "", argv[4]};
	if (vault_open_medium(&medium, argv[2], &d->fault) < 0)
		return -1;
	int rc = vault_open(&d->vault, argv[2], "medium", &medium.tenant, &medium.id, &d->fault);
	vault_close(&medium);
	if (rc == 0)
		rc = keys_load(&d->keys, &d->vault, &files, &d->fault);
	if (rc == 0)
		(void)snprintf(d->folder, sizeof(d->folder), "devices/%s/" KIND,
			uuid_format(&d->vault.tenant, id));
	return rc == 0 ? names_read(&d->vault, d->folder, &d->names, &d->fault) : -1;
}

static int keep(struct dump *d, int argc, char **argv)
{
	if (open_vault(d, argc, argv) < 0 || find_last(d) < 0 || read_input(d) < 0 ||
		write_object(d) < 0 || write_papers(d) < 0 || place(d) < 0)
		return -1;
	(void)printf("dump %" PRIu64 " is kept: %" PRIu64 " bytes\n", d->m.generation,
		d->item.plain_len);
	remove_halves(d);
	return prune(d);
}

int keep_dump(int argc, char **argv)
{
	struct dump *d = mem_alloc(sizeof(*d));
	struct vault_file *const files[] = {&d->object, &d->slot, &d->json, &d->sig};
	d->vault.fd = d->vault.tmp = -1;
	for (size_t i = 0; i < array_len(files); i++)
		files[i]->fd = -1;
	int rc = keep(d, argc, argv);
	if (rc < 0)
		(void)fprintf(stderr, "carnet-storage: %s\n", d->fault.detail);
	for (size_t i = 0; d->vault.fd >= 0 && i < array_len(files); i++)
		vault_discard(&d->vault, files[i]);
	spool_free(d->plain);
	names_fini(&d->names);
	crypto_wipe(d->key, sizeof(d->key));
	keys_fini(&d->keys);
	vault_close(&d->vault);
	free(d);
	return rc < 0 ? 1 : 0;
}
