// SPDX-License-Identifier: Apache-2.0
/* The small files of a medium that are not part of the chain (docs/spec/storage.md ST-30, ST-39).
 * Canonical JSON, read strictly: nothing signs a slot, so nothing unknown is taken in one.
 *
 *     keys/<version>.slot   the version's key, wrapped; or, erased, when its key was destroyed
 *     keys/tenant.slot      the tenant root, wrapped
 *     keys/signers.slot     who signs here: public keys, under a MAC of the tenant root
 *     devices/…/….erased    signed: this version's key was destroyed on purpose */
#pragma once

#include "common/base/buf.h"
#include "common/base/uuid.h"
#include "common/crypto/crypto.h"

#define WRAPPED_LEN (GCM_NONCE + KEY_LEN + GCM_TAG)
#define SLOT_MAX ((size_t)4096)
#define SIGNERS_MAX 8
#define SIGN_PUBLIC 32
#define SIGNATURE 64

struct slot {
	struct uuid tenant;
	struct uuid version; /* nil = of the tenant */
	uint64_t erased_ms;  /* 0 = not erased; else nothing below */
	struct uuid kek;
	uint8_t wrapped[WRAPPED_LEN];
};

void slot_write(const struct slot *s, struct buf *out);
int slot_read(struct span text, struct slot *ret) must_check;

struct signers {
	struct uuid tenant;
	size_t n;
	uint8_t keys[SIGNERS_MAX][SIGN_PUBLIC];
};

/* root: the tenant root, which only who has a KEK can open. */
void signers_write(const struct signers *s, const uint8_t root[static KEY_LEN], struct buf *out);
/* root NULL: read, but nobody proved it. -1 also when the MAC is not the root's. */
int signers_read(struct span text, const uint8_t *root, struct signers *ret) must_check;
/* Did one of them sign text? */
bool signers_signed(
	const struct signers *s, struct span text, const uint8_t signature[static SIGNATURE]);

struct tombstone {
	struct uuid tenant, version;
	uint8_t digest[SHA256_LEN]; /* of the manifest, which stays */
	uint64_t at_ms;
	char reason[32]; /* "pruned", "ordered" */
};

void tombstone_write(const struct tombstone *t, const uint8_t seed[static 32], struct buf *out);
int tombstone_read(struct span text, const struct signers *s, struct tombstone *ret) must_check;
