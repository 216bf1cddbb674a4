// SPDX-License-Identifier: Apache-2.0
/* A vault on a server. Each kind of server gives the few operations below (docs/spec/storage.md
 * section 8); the functions of vault_dir.h work on it like on a directory. Names are those of
 * ST-46, relative to the vault's root. All calls block: work pool only, one thread at a time.
 * Faults: CN_STORE_FULL, CN_NOT_FOUND, CN_VALIDATION_FAILED, else CN_STORE_UNAVAILABLE with a
 * reason word that says what to look at. */
#pragma once

#include "common/crypto/crypto.h"
#include "common/vault/vault_dir.h"

struct vault_remote {
	const struct remote_ops *ops;
	char place[1024];       /* as people gave it; no secret */
	struct fault unsettled; /* of removals since the last sync; code 0 = none */
	bool never_twice;       /* found by probe: the server refuses a name that is taken */
};

/* A file being written; a backend's own begins with it. */
struct remote_put {
	struct sha256 *sum; /* NULL when finished */
	uint8_t digest[SHA256_LEN];
	uint64_t size;
};

/* A file being read; a backend's own begins with it. */
struct remote_reader {
	struct vault_remote *remote;
};

struct remote_stat {
	uint64_t size;
	uint64_t changed_ms; /* wall time, never 0 */
};

struct remote_ops {
	const char *kind;
	/* Bytes have a name before they are published: they can be read back by it. */
	bool has_temp;
	/* Connects anew if need be; does not look at what is there. */
	int (*check)(struct vault_remote *r, struct fault *reterr);
	/* Asks what the server can do, by doing it; NULL = there is nothing to ask. Only in a vault
	 * whose marker was read. */
	int (*probe)(struct vault_remote *r, struct fault *reterr);
	/* Makes the root (folder ".") or a folder of it, if absent. */
	int (*make)(struct vault_remote *r, const char *folder, struct fault *reterr);
	struct remote_put *(*create)(
		struct vault_remote *r, const char *temp, struct fault *reterr);
	int (*write)(struct remote_put *p, struct span bytes, struct fault *reterr);
	/* Written, as durably as the server offers. */
	int (*finish)(struct remote_put *p, struct fault *reterr);
	/* Gives the final name. Not replace: CN_CONFLICT when the name is taken. */
	int (*publish)(struct vault_remote *r, struct remote_put *p, const struct vault_file *f,
		bool replace, struct fault *reterr);
	/* Frees p; removes what has temp as name, unless it is "". */
	void (*discard)(struct vault_remote *r, struct remote_put *p, const char *temp);
	struct remote_reader *(*reader)(
		struct vault_remote *r, const char *name, struct fault *reterr);
	ssize_t (*read)(struct remote_reader *reader, uint8_t *p, size_t n, struct fault *reterr);
	void (*reader_free)(struct remote_reader *reader);
	/* As vault_list. */
	int (*list)(struct vault_remote *r, const char *folder,
		int (*fn)(void *arg, const char *name), void *arg, struct fault *reterr);
	int (*stat)(struct vault_remote *r, const char *name, struct remote_stat *ret,
		struct fault *reterr);
	/* Absent is as good. */
	int (*remove)(struct vault_remote *r, const char *name, struct fault *reterr);
	/* false: the server does not tell. */
	bool (*space)(struct vault_remote *r, uint64_t *ret_free, uint64_t *ret_size);
	/* What is read from now on comes over a connection that is newer than what was written
	 * (ST-11). */
	void (*forget)(struct vault_remote *r);
	void (*close)(struct vault_remote *r);
};

/* As vault_make and vault_open. vault_open_remote takes the remote, also when it fails. */
int vault_make_remote(
	struct vault_remote *r, const struct uuid *tenant, struct fault *reterr) must_check;
int vault_open_remote(struct vault *v, struct vault_remote *r, const char *name,
	const struct uuid *tenant, const struct uuid *expected, struct fault *reterr) must_check;

/* ---- what the functions of vault_dir.h call ---- */

int remote_create(struct vault_remote *r, struct vault_file *f, struct fault *reterr) must_check;
int remote_write(struct vault_remote *r, struct remote_put *p, struct span bytes,
	struct fault *reterr) must_check;
int remote_finish(struct vault_remote *r, struct remote_put *p, struct fault *reterr) must_check;
int remote_publish(struct vault_remote *r, struct vault_file *f, bool replace,
	struct fault *reterr) must_check;
void remote_discard(struct vault_remote *r, struct vault_file *f);
int remote_sync(struct vault_remote *r, struct fault *reterr) must_check;
void remote_remove(struct vault_remote *r, const char *name);
