// SPDX-License-Identifier: Apache-2.0
/* A small medium, written as storage writes one, for tests that then attack it. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/vault/keys.h"
#include "common/vault/passport.h"
#include "common/vault/spool.h"

#define DAY_MS UINT64_C(1790000000000)

struct medium {
	char dir[64], path[96], kek[96], sign[96];
	struct vault vault;
	struct keys keys;
	uint64_t serial;
	uint8_t passport_digest[SHA256_LEN];
};

static void must(int rc, const struct fault *f)
{
	if (rc < 0)
		print_error("%d %s: %s\n", f->code, f->reason, f->detail);
	assert_int_equal(rc, 0);
}

static void shell(const char *fmt, ...) printf_like(1, 2);
static void shell(const char *fmt, ...)
{
	char command[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static void medium_keys(struct medium *m)
{
	const struct key_files files = {m->kek, "", m->sign};
	struct fault f;
	must(keys_load(&m->keys, &m->vault, &files, &f), &f);
}

static void medium_open(struct medium *m)
{
	static const struct uuid any;
	struct uuid tenant = {{7}};
	struct fault f;
	(void)snprintf(m->dir, sizeof(m->dir), "/tmp/carnet-medium.XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	(void)snprintf(m->path, sizeof(m->path), "%s/vault", m->dir);
	(void)snprintf(m->kek, sizeof(m->kek), "%s/kek", m->dir);
	(void)snprintf(m->sign, sizeof(m->sign), "%s/sign", m->dir);
	must(keys_make(m->kek, m->sign, &f), &f);
	must(vault_make(m->path, &tenant, &f), &f);
	must(vault_open(&m->vault, m->path, "test", &tenant, &any, &f), &f);
	medium_keys(m);
}

static void medium_close(struct medium *m)
{
	keys_fini(&m->keys);
	vault_close(&m->vault);
	shell("rm -rf %s", m->dir);
}

static void medium_put(struct medium *m, const char *name, struct span bytes)
{
	struct vault_file file;
	struct fault f;
	must(vault_create_with(&m->vault, name, bytes, &file, &f), &f);
	must(vault_replace(&m->vault, &file, &f), &f);
}

static int medium_write(void *arg, struct span bytes, struct fault *reterr)
{
	return vault_write(arg, bytes, reterr);
}

/* Objects written already, by their content. */
static struct {
	uint8_t oid[OID_LEN];
	struct object_sealed sealed;
} written[32];
static size_t written_n;

static bool medium_has(struct manifest_item *i)
{
	for (size_t n = 0; n < written_n; n++)
		if (memcmp(written[n].oid, i->oid, OID_LEN) == 0) {
			i->sealed = written[n].sealed;
			return true;
		}
	return false;
}

/* An object of this text; the same text again is the same object, under the same key. */
static void medium_object(
	struct medium *m, const char *text, struct manifest_item *i, uint8_t key[static KEY_LEN])
{
	char name[VAULT_NAME_MAX];
	struct vault_file file;
	struct fault f;
	struct spool *plain = spool_new(m->vault.tmp, SPOOL_MEMORY);
	must(spool_add(plain, (struct span){(const uint8_t *)text, strlen(text)}, &f), &f);
	must(object_oid(keys_dedup(&m->keys), i->kind, plain, i->oid, &f), &f);
	sha256((struct span){i->oid, OID_LEN}, key);
	i->incarnation = 5;
	i->plain_len = spool_size(plain);
	if (medium_has(i)) {
		spool_free(plain);
		return;
	}
	struct object_ref ref = {.tenant = m->keys.tenant,
		.kind = i->kind,
		.incarnation = 5,
		.plain_len = i->plain_len};
	memcpy(ref.oid, i->oid, OID_LEN);
	vault_object_name(name, i->oid, 5);
	must(vault_create(&m->vault, name, &file, &f), &f);
	const struct object_sink sink = {medium_write, &file, m->vault.tmp};
	must(object_seal(&ref, key, plain, &sink, &i->sealed, &f), &f);
	must(vault_finish(&file, &f), &f);
	must(vault_replace(&m->vault, &file, &f), &f);
	assert_true(written_n < array_len(written));
	memcpy(written[written_n].oid, i->oid, OID_LEN);
	written[written_n++].sealed = i->sealed;
	spool_free(plain);
}

struct made {
	struct uuid device, version;
	const char *kind;
	uint64_t generation;
	uint8_t digest[SHA256_LEN];
};

static void medium_slot(struct medium *m, const struct uuid *version, const uint8_t *dek)
{
	uint8_t wrapped[WRAPPED_LEN];
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	keys_wrap_dek(&m->keys, version, dek, wrapped);
	keys_slot_write(&m->keys, version, wrapped, &text);
	vault_slot_name(name, version);
	medium_put(m, name, buf_span(&text));
	buf_fini(&text);
}

/* The next version of a chain: two items. last->generation 0 = the first. */
static void medium_version(struct medium *m, struct made *last, const char *one, const char *two)
{
	const char *const texts[] = {one, two};
	struct manifest_item items[2];
	uint8_t dek[KEY_LEN], key[KEY_LEN], signature[SIGNATURE];
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct manifest new = {.tenant = m->keys.tenant,
		.device = last->device,
		.generation = last->generation + 1,
		.prev_generation = last->generation,
		.token = last->generation + 1,
		.made_ms = DAY_MS + last->generation,
		.verified_ms = DAY_MS + 5,
		.writer = "test",
		.min_reader = 1,
		.items = items,
		.items_n = 2};
	crypto_random(dek, sizeof(dek));
	crypto_random(&new.version, sizeof(new.version));
	memcpy(new.prev_digest, last->digest, SHA256_LEN);
	(void)snprintf(new.kind, sizeof(new.kind), "%s", last->kind);
	for (unsigned n = 0; n < 2; n++) {
		struct manifest_item *i = &items[n];
		*i = (struct manifest_item){.no = n,
			.role = MANIFEST_NATIVE,
			.kind = OBJECT_OPAQUE,
			.key_n = WRAPPED_LEN};
		(void)snprintf(i->name, sizeof(i->name), "item_%u", n);
		medium_object(m, texts[n], i, key);
		const struct item_place place = {&new.version, n, i->oid};
		keys_wrap_item(dek, &place, key, i->key);
	}
	manifest_write(&new, &text);
	manifest_sign(keys_sign_seed(&m->keys), buf_span(&text), signature);
	medium_slot(m, &new.version, dek);
	vault_manifest_name(name, &new.device, new.kind, new.generation, &new.version, "json");
	medium_put(m, name, buf_span(&text));
	vault_manifest_name(name, &new.device, new.kind, new.generation, &new.version, "sig");
	medium_put(m, name, (struct span){signature, SIGNATURE});
	last->generation++;
	last->version = new.version;
	manifest_digest(buf_span(&text), last->digest);
	buf_fini(&text);
}

static void medium_erase(struct medium *m, const struct made *v)
{
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct tombstone t = {.tenant = m->keys.tenant,
		.version = v->version,
		.at_ms = DAY_MS + 100,
		.reason = "ordered"};
	struct slot slot = {
		.tenant = m->keys.tenant, .version = v->version, .erased_ms = DAY_MS + 100};
	memcpy(t.digest, v->digest, SHA256_LEN);
	tombstone_write(&t, keys_sign_seed(&m->keys), &text);
	vault_manifest_name(name, &v->device, v->kind, v->generation, &v->version, "erased");
	medium_put(m, name, buf_span(&text));
	buf_reset(&text);
	slot_write(&slot, &text);
	vault_slot_name(name, &v->version);
	medium_put(m, name, buf_span(&text));
	buf_fini(&text);
}

static void medium_passport(struct medium *m, const struct made *chains, size_t n, uint64_t erased)
{
	char name[PASSPORT_NAME];
	uint8_t signature[SIGNATURE];
	struct buf text = BUF_INIT, marker = BUF_INIT;
	struct fault f;
	struct passport *p = mem_alloc(sizeof(*p));
	*p = (struct passport){.tenant = m->keys.tenant,
		.vault = m->vault.id,
		.serial = m->serial + 1,
		.kept_from = 1,
		.prev_serial = m->serial,
		.made_ms = DAY_MS + m->serial,
		.writer = "test",
		.min_reader = 1,
		.keks = {m->keys.kek_id},
		.keks_n = 1};
	must(vault_read_small(&m->vault, VAULT_MARKER, 4096, &marker, &f), &f);
	sha256(buf_span(&marker), p->marker);
	memcpy(p->prev_digest, m->passport_digest, SHA256_LEN);
	p->entries = mem_alloc(n * sizeof(*p->entries));
	for (p->entries_n = 0; p->entries_n < n; p->entries_n++) {
		struct passport_entry *e = &p->entries[p->entries_n];
		const struct made *c = &chains[p->entries_n];
		*e = (struct passport_entry){.device = c->device,
			.version = c->version,
			.generation = c->generation,
			.made_ms = DAY_MS,
			.verified_ms = DAY_MS,
			.versions = c->generation,
			.erased = p->entries_n == 0 ? erased : 0};
		(void)snprintf(e->kind, sizeof(e->kind), "%s", c->kind);
		memcpy(e->digest, c->digest, SHA256_LEN);
	}
	passport_write(p, &text);
	passport_sign(keys_sign_seed(&m->keys), buf_span(&text), signature);
	passport_name(name, p->serial, "json");
	medium_put(m, name, buf_span(&text));
	passport_name(name, p->serial, "sig");
	medium_put(m, name, (struct span){signature, SIGNATURE});
	m->serial = p->serial;
	sha256(buf_span(&text), m->passport_digest);
	passport_fini(p);
	free(p);
	buf_fini(&text);
	buf_fini(&marker);
}

/* ---- files of it ---- */

#define FILES_MAX 128

struct files {
	char names[FILES_MAX][160]; /* beneath the medium */
	size_t n;
};

static void files_read(const char *path, struct files *ret)
{
	char command[200];
	ret->n = 0;
	(void)snprintf(command, sizeof(command), "cd %s && find . -type f | sort", path);
	FILE *p = popen(command, "re");
	assert_non_null(p);
	while (ret->n < FILES_MAX && fgets(ret->names[ret->n], 160, p) != NULL) {
		ret->names[ret->n][strcspn(ret->names[ret->n], "\n")] = 0;
		ret->n++;
	}
	(void)pclose(p);
	assert_true(ret->n > 0 && ret->n < FILES_MAX);
}

static const char *file_path(const char *base, const char *name)
{
	static char path[300];
	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static long file_size(const char *base, const char *name)
{
	struct stat st;
	assert_int_equal(stat(file_path(base, name), &st), 0);
	return st.st_size;
}

/* Changes one bit; the same call again puts it back. */
static void file_flip(const char *base, const char *name, long at, unsigned bit)
{
	uint8_t byte;
	(void)chmod(file_path(base, name), 0600);
	int fd = open(file_path(base, name), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= (uint8_t)(1u << bit);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}
