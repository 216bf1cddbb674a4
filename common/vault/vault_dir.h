// SPDX-License-Identifier: Apache-2.0
/* A vault in a directory (docs/spec/storage.md sections 8 and 9), or on a server (vault_remote.h).
 * Every name is opened beneath the vault's own descriptor, never through a symbolic link. Nothing
 * is ever overwritten. All calls may block: work pool only. Faults: CN_STORE_FULL,
 * CN_VAULT_NOT_MOUNTED, CN_STORE_UNAVAILABLE. */
#pragma once

#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "gen/errors.h"

#define VAULT_PROTOCOL 1
#define VAULT_NAME_MAX 192

struct vault_remote;
struct remote_put;

struct vault {
	char name[65];
	char *path;                  /* or the place on the server */
	struct vault_remote *remote; /* NULL = a directory */
	struct uuid id;
	struct uuid tenant;
	int fd;  /* of the directory; open for life, so that syncfs reports every error since */
	int tmp; /* tmp/ */
	uint64_t dev, ino; /* of the directory, when opened */
	unsigned reserve_percent;
};

/* Makes an empty directory a vault (marker, folders); a vault of this tenant already there is left
 * alone. Refuses a directory with anything else in it. */
int vault_make(const char *path, const struct uuid *tenant, struct fault *reterr) must_check;
/* Opens path; marker and tenant must fit. expected: nil = any id. */
int vault_open(struct vault *v, const char *path, const char *name, const struct uuid *tenant,
	const struct uuid *expected, struct fault *reterr) must_check;
/* The same for who only reads, with nothing known before: whichever vault lies at path. */
int vault_open_medium(struct vault *v, const char *path, struct fault *reterr) must_check;
void vault_close(struct vault *v);
/* Is the marker still there, with the same id, in the same directory? (ST-47) */
int vault_check(const struct vault *v, struct fault *reterr) must_check;
/* Room for a new stream: free space above the reserve of max(percent, 1 GiB or a tenth). */
int vault_room(const struct vault *v, struct fault *reterr) must_check;
uint64_t vault_free_bytes(const struct vault *v);
#define VAULT_MARKER "carnet-vault.json"

/* ---- writing: temp, sync, read back, publish ---- */

struct vault_file {
	int fd;        /* -1 = not open */
	char temp[48]; /* "" = no temporary name */
	char name[VAULT_NAME_MAX];
	struct vault_remote *remote; /* on a server: whose */
	struct remote_put *put;      /* until published or discarded */
};

int vault_create(const struct vault *v, const char *name, struct vault_file *f,
	struct fault *reterr) must_check;
int vault_write(struct vault_file *f, struct span bytes, struct fault *reterr) must_check;
/* A whole small file. */
int vault_create_with(const struct vault *v, const char *name, struct span bytes,
	struct vault_file *f, struct fault *reterr) must_check;
/* Writes are over. Not yet durable: that is vault_sync. */
int vault_finish(struct vault_file *f, struct fault *reterr) must_check;
/* One flush for everything written so far. An error is final: nothing since the last one is safe.
 */
int vault_sync(const struct vault *v, struct fault *reterr) must_check;
/* Gives the final name, never replacing; a file with identical bytes already there is kept. */
int vault_publish(const struct vault *v, struct vault_file *f, struct fault *reterr) must_check;
/* Same for the files that may be replaced: slots (ST-30). */
int vault_replace(const struct vault *v, struct vault_file *f, struct fault *reterr) must_check;
/* Same for a repair: what had the name keeps its bytes under the temporary one until it is
 * discarded, where the file system can exchange names; else as vault_replace. */
int vault_swap(const struct vault *v, struct vault_file *f, struct fault *reterr) must_check;
/* Can what was written be read by its temporary name before it is published? */
bool vault_has_temp(const struct vault *v);
/* Removes the temporary file, if it has not been published. */
void vault_discard(const struct vault *v, struct vault_file *f);

/* ---- reading, past the page cache (ST-11) ---- */

struct vault_reader;
/* name may be the temporary one ("tmp/…"). NULL with a fault; CN_NOT_FOUND when absent. */
struct vault_reader *vault_reader_new(
	const struct vault *v, const char *name, struct fault *reterr) must_check;
void vault_reader_free(struct vault_reader *r);
/* An object_read_fn. */
ssize_t vault_reader_read(void *reader, uint8_t *p, size_t n, struct fault *reterr);
/* A whole small file, at most max bytes; appended to out. */
int vault_read_small(const struct vault *v, const char *name, size_t max, struct buf *out,
	struct fault *reterr) must_check;

/* Calls fn for each name in a folder, in no order; stops when fn is not 0 and returns that. A
 * folder that does not exist is empty. */
int vault_list(const struct vault *v, const char *folder, int (*fn)(void *arg, const char *name),
	void *arg, struct fault *reterr) must_check;
/* Removes a file that no backup needs: old temporary files, manifests without a commit (ST-56). */
void vault_remove(const struct vault *v, const char *name);
/* Removes temporary files that nobody wrote for so long, by the medium's clock. */
int vault_sweep(const struct vault *v, uint64_t age_ms, struct fault *reterr) must_check;
/* Milliseconds of wall time of the last change, 0 when absent. */
uint64_t vault_changed_ms(const struct vault *v, const char *name);
/* Bytes of a file, -1 when it is none. */
int64_t vault_size(const struct vault *v, const char *name);

/* ---- shared with the spool ---- */

/* errno → fault; -1. */
int vault_errno(struct fault *reterr, const char *what);
int vault_pwrite(int fd, const uint8_t *p, size_t n, off_t at) must_check;
int vault_pread(int fd, uint8_t *p, size_t n, off_t at) must_check;

/* ---- names (ST-46) ---- */

void vault_object_name(
	char out[static VAULT_NAME_MAX], const uint8_t oid[static 32], uint64_t incarnation);
/* suffix: "json" or "sig" */
void vault_manifest_name(char out[static VAULT_NAME_MAX], const struct uuid *device,
	const char *kind, uint64_t generation, const struct uuid *version, const char *suffix);
void vault_slot_name(char out[static VAULT_NAME_MAX], const struct uuid *version);
