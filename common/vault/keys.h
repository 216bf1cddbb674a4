// SPDX-License-Identifier: Apache-2.0
/* Who wraps whom (docs/spec/storage.md section 5 "Keys"): the key encryption key (KEK, a file)
 * wraps the tenant root and each version's key; the version's key wraps object keys. Every wrapping
 * binds its meaning. After keys_load read-only, so any thread may use it. */
#pragma once

#include "common/base/fault.h"
#include "common/vault/manifest.h"
#include "common/vault/vault_dir.h"

struct keys {
	struct uuid tenant;
	struct uuid kek_id; /* follows from the key */
	struct secret *secrets;
	uint8_t sign_public[32];
};

/* Makes the two key files; refuses when either is there. */
int keys_make(const char *kek_file, const char *sign_file, struct fault *reterr) must_check;
/* Reads both files, then the tenant root from the vault's keys/tenant.slot, making it when the
 * vault has none and no version yet. Refuses key files inside the vault (SE-56). Blocks. */
int keys_load(struct keys *k, const struct vault *v, const char *kek_file, const char *sign_file,
	struct fault *reterr) must_check;
void keys_fini(struct keys *k);

const uint8_t *keys_dedup(const struct keys *k);
const uint8_t *keys_sign_seed(const struct keys *k);

/* Version key ↔ KEK, AAD = "dek" ‖ tenant ‖ version ‖ kek id */
void keys_wrap_dek(const struct keys *k, const struct uuid *version,
	const uint8_t dek[static KEY_LEN], uint8_t wrapped[static WRAPPED_LEN]);
int keys_open_dek(const struct keys *k, const struct uuid *version, const struct uuid *kek_id,
	struct span wrapped, uint8_t ret_dek[static KEY_LEN], struct fault *reterr) must_check;

/* Object key ↔ version key, AAD = "item" ‖ version ‖ item no ‖ oid */
struct item_place {
	const struct uuid *version;
	unsigned item_no;
	const uint8_t *oid;
};
void keys_wrap_item(const uint8_t dek[static KEY_LEN], const struct item_place *place,
	const uint8_t key[static KEY_LEN], uint8_t wrapped[static WRAPPED_LEN]);
int keys_open_item(const uint8_t dek[static KEY_LEN], const struct item_place *place,
	struct span wrapped, uint8_t ret_key[static KEY_LEN], struct fault *reterr) must_check;

/* The slot file of a version, canonical JSON (ST-30). */
void keys_slot_write(const struct keys *k, const struct uuid *version,
	const uint8_t wrapped[static WRAPPED_LEN], struct buf *out);
