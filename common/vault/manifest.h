// SPDX-License-Identifier: Apache-2.0
/* The manifest of a version: clear text, no personal data, canonical JSON, chained by digest and
 * signed (docs/spec/storage.md section 6). Pure. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "common/crypto/crypto.h"
#include "common/vault/object.h"
#include "common/vault/slot.h"

#define MANIFEST_MAX ((size_t)1024 * 1024)
#define MANIFEST_ITEMS 256
#define MANIFEST_FLAGS 8
#define MANIFEST_READER 1 /* what this program can read */

enum manifest_role { MANIFEST_NATIVE = 1, MANIFEST_CANONICAL = 2, MANIFEST_META = 3 };

struct manifest_item {
	unsigned no; /* its place in the list */
	char name[65];
	enum manifest_role role;
	enum object_kind kind;
	uint8_t oid[OID_LEN];
	uint64_t incarnation;
	uint64_t plain_len;
	struct object_sealed sealed;
	uint8_t key[WRAPPED_LEN]; /* object key under the version's key */
	size_t key_n;
};

struct manifest {
	struct uuid tenant, device, version, run, request;
	char kind[24];
	uint64_t generation;
	uint64_t token;
	uint64_t prev_generation;
	uint8_t prev_digest[SHA256_LEN]; /* zeros at generation 1 */
	char flags[MANIFEST_FLAGS][17];
	size_t flags_n;
	uint64_t made_ms, verified_ms; /* database time, wall milliseconds */
	char writer[64];               /* software version and protocol number */
	int64_t min_reader;
	struct manifest_item *items; /* owned, malloc */
	size_t items_n;
};

/* Appends the text. */
void manifest_write(const struct manifest *m, struct buf *out);
/* Strict: exactly what manifest_write writes, unknown members of later writers excepted.
 * CN_STORE_VERIFY_FAILED with the byte, or CN_VAULT_TOO_OLD "manifest needs >= X, has Y". */
int manifest_read(struct span text, struct manifest *ret, struct fault *reterr) must_check;
void manifest_fini(struct manifest *m);

void manifest_digest(struct span text, uint8_t out[static SHA256_LEN]);
/* Detached Ed25519 over "carnet-manifest-1\n" ‖ text. */
void manifest_sign(const uint8_t seed[static 32], struct span text, uint8_t signature[static 64]);
bool manifest_signed(
	const struct signers *signers, struct span text, const uint8_t signature[static 64]);
/* Does next follow prev in one chain? prev NULL: next must be the first. */
bool manifest_follows(
	const struct manifest *next, const struct manifest *prev, struct span prev_text);

/* A token and who asked for it, for the mark of ST-20. */
struct mark {
	uint64_t token;
	struct uuid request;
	bool any;
};
void mark_raise(struct mark *mark, const struct manifest *m);
/* May a version with this token still be written? */
bool mark_allows(const struct mark *mark, uint64_t token, const struct uuid *request);
