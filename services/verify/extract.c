// SPDX-License-Identifier: Apache-2.0
/* A version given back without any service (ST-45): its items as files, exactly the bytes of the
 * device. A file has its name only when its object proved good to the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/verify/verify.h"

struct extraction {
	struct verify *v;
	int dir;
	struct manifest m;
	uint8_t dek[KEY_LEN];
};

int write_all(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t put = write(fd, bytes.p, bytes.n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		bytes.p += put;
		bytes.n -= (size_t)put;
	}
	return 0;
}

static int copy(struct extraction *x, const struct manifest_item *i, const uint8_t *key, int fd,
	struct fault *f)
{
	char path[VAULT_NAME_MAX];
	struct object_ref ref = {.tenant = x->m.tenant,
		.kind = i->kind,
		.incarnation = i->incarnation,
		.plain_len = i->plain_len};
	struct span piece = {NULL, 0};
	memcpy(ref.oid, i->oid, OID_LEN);
	vault_object_name(path, i->oid, i->incarnation);
	struct vault_reader *file = vault_reader_new(&x->v->medium, path, f);
	if (file == NULL)
		return -1;
	struct object_reader *o =
		object_reader_new(&ref, key, keys_dedup(&x->v->keys), vault_reader_read, file);
	int rc;
	do {
		rc = object_next(o, &piece, f);
		if (rc == 0 && write_all(fd, piece) < 0)
			rc = fault_set(f, CN_STORE_UNAVAILABLE, "writing: %s", strerror(errno));
	} while (rc == 0 && piece.n > 0);
	object_reader_free(o);
	vault_reader_free(file);
	return rc;
}

static int open_item(
	const struct extraction *x, const struct manifest_item *i, uint8_t *key, struct fault *f)
{
	const struct item_place place = {&x->m.version, i->no, i->oid};
	/* the names are ours, but the folder is somebody's */
	if (strspn(i->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
			strlen(i->name) ||
		i->name[0] == 0 || i->name[0] == '.' || i->name[0] == '-')
		return fault_set(f, CN_STORE_VERIFY_FAILED, "its name is not a file's");
	return keys_open_item(x->dek, &place, (struct span){i->key, i->key_n}, key, f);
}

static bool give(struct extraction *x, const struct manifest_item *i)
{
	char part[80];
	uint8_t key[KEY_LEN];
	struct fault f = FAULT_INIT;
	int rc = open_item(x, i, key, &f);
	(void)snprintf(part, sizeof(part), ".%s.part", i->name);
	int fd = rc < 0 ? -1
			: openat(x->dir, part,
				  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (rc == 0 && fd < 0)
		rc = fault_set(&f, CN_STORE_UNAVAILABLE, "%s", strerror(errno));
	if (rc == 0)
		rc = copy(x, i, key, fd, &f);
	crypto_wipe(key, sizeof(key));
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = fault_set(&f, CN_STORE_UNAVAILABLE, "writing: %s", strerror(errno));
	if (rc == 0 && renameat2(x->dir, part, x->dir, i->name, RENAME_NOREPLACE) < 0)
		rc = fault_set(&f, CN_CONFLICT, "%s is there already", i->name);
	if (rc == 0) {
		(void)printf("%s\n", i->name);
		return true;
	}
	if (fd >= 0)
		(void)unlinkat(x->dir, part, 0);
	(void)fprintf(stderr, "carnet-verify: %s: %s\n", i->name, f.detail);
	return false;
}

/* The name of the newest manifest of this generation, or of all, that is signed. */
static bool choose(
	struct verify *v, const char *folder, uint64_t generation, char ret[static VAULT_NAME_MAX])
{
	struct names names;
	struct fault f = FAULT_INIT;
	uint64_t best = 0;
	if (names_read(&v->medium, folder, &names, &f) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		uint64_t g;
		struct uuid id;
		const char *suffix;
		if (!version_name(names.names[i], &g, &id, &suffix) || strcmp(suffix, "sig") != 0 ||
			(generation != 0 && g != generation) || g < best)
			continue;
		best = g;
		(void)snprintf(ret, VAULT_NAME_MAX, "%.100s/%.63s", folder, names.names[i]);
		ret[strlen(ret) - 4] = 0; /* ".sig" */
	}
	names_fini(&names);
	return best != 0;
}

static int load(struct extraction *x, const char *name, struct fault *f)
{
	char path[VAULT_NAME_MAX];
	struct buf text = BUF_INIT, sig = BUF_INIT;
	(void)snprintf(path, sizeof(path), "%.180s.json", name);
	int rc = vault_read_small(&x->v->medium, path, MANIFEST_MAX, &text, f);
	(void)snprintf(path, sizeof(path), "%.180s.sig", name);
	if (rc == 0)
		rc = vault_read_small(&x->v->medium, path, SIGNATURE, &sig, f);
	if (rc == 0 && (sig.n != SIGNATURE ||
			       !manifest_signed(&x->v->keys.signers, buf_span(&text), sig.p)))
		rc = fault_set(f, CN_STORE_VERIFY_FAILED, "the signature is not ours");
	if (rc == 0)
		rc = manifest_read(buf_span(&text), &x->m, f);
	buf_fini(&text);
	buf_fini(&sig);
	return rc;
}

static int load_key(struct extraction *x, struct fault *f)
{
	char path[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct slot slot;
	vault_slot_name(path, &x->m.version);
	int rc = vault_read_small(&x->v->medium, path, SLOT_MAX, &text, f);
	if (rc == 0 && (slot_read(buf_span(&text), &slot) < 0 || slot.erased_ms != 0))
		rc = fault_set(f, CN_STORE_VERIFY_FAILED, "its key was destroyed, or is damaged");
	if (rc == 0)
		rc = keys_open_dek(&x->v->keys, &x->m.version, &slot.kek,
			(struct span){slot.wrapped, WRAPPED_LEN}, x->dek, f);
	buf_fini(&text);
	return rc;
}

static int give_all(struct extraction *x, const char *dir)
{
	int rc = VERIFY_GOOD;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return VERIFY_CANNOT_OPEN;
	x->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->dir < 0)
		return VERIFY_CANNOT_OPEN;
	for (size_t i = 0; i < x->m.items_n; i++)
		if (!give(x, &x->m.items[i]))
			rc = VERIFY_DAMAGED;
	close(x->dir);
	return rc;
}

int extract(struct verify *v, const char *kind, uint64_t generation, const char *dir)
{
	char folder[VAULT_NAME_MAX], id[UUID_TEXT], name[VAULT_NAME_MAX] = "";
	struct extraction x = {.v = v};
	struct fault f = FAULT_INIT;
	int rc = VERIFY_CANNOT_OPEN;
	(void)snprintf(folder, sizeof(folder), "devices/%s/%.23s", uuid_format(&v->device, id),
		kind[0] == 0 ? "address_book" : kind);
	if (keys_open(&v->keys, &v->medium, &v->ring, &f) < 0)
		(void)fprintf(stderr, "carnet-verify: %s\n", f.detail);
	else if (!choose(v, folder, generation, name))
		(void)fprintf(stderr, "carnet-verify: %s: no such version\n", folder);
	else if (load(&x, name, &f) < 0 || load_key(&x, &f) < 0) {
		(void)fprintf(stderr, "carnet-verify: %s: %s\n", name, f.detail);
		rc = VERIFY_DAMAGED;
	} else {
		rc = give_all(&x, dir);
	}
	crypto_wipe(x.dek, sizeof(x.dek));
	manifest_fini(&x.m);
	return rc;
}
