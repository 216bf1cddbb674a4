// SPDX-License-Identifier: Apache-2.0
/* Who wraps whom (docs/spec/storage.md section 5 "Keys"): a key encryption key (KEK, in the key
 * file) wraps the tenant root and each version's key; the version's key wraps object keys. Every
 * wrapping binds its meaning. After loading read-only, so any thread may use it. */
#pragma once

#include "common/base/fault.h"
#include "common/vault/keyring.h"
#include "common/vault/manifest.h"
#include "common/vault/slot.h"
#include "common/vault/vault_dir.h"

struct keys {
	struct uuid tenant;
	struct uuid kek_id;     /* of the key that wraps now; others of the ring only open */
	struct uuid root_kek;   /* of the key under which the tenant root lay when it was read */
	struct signers signers; /* whose signatures count on this vault */
	struct secret *secrets;
};

/* What the service needs; passphrase_file "" = none. */
struct key_files {
	const char *kek, *passphrase, *sign;
};

/* Makes the two key files; refuses when either is there. */
int keys_make(const char *kek_file, const char *sign_file, struct fault *reterr) must_check;
/* For the service. Reads the files, then the tenant root from the vault's keys/tenant.slot, making
 * it when the vault has none and no version yet; sees to it that our signing key is among those of
 * the vault. Refuses key files inside the vault (SE-56). Blocks. */
int keys_load(struct keys *k, const struct vault *v, const struct key_files *files,
	struct fault *reterr) must_check;
/* For who only reads; writes nothing. No signing key then. Reasons: wrong_key, signers. */
int keys_open(struct keys *k, const struct vault *v, const struct keyring *ring,
	struct fault *reterr) must_check;
void keys_fini(struct keys *k);

const uint8_t *keys_dedup(const struct keys *k);
const uint8_t *keys_sign_seed(const struct keys *k);
/* The X25519 private key of who opens logins of vaults: follows from the tenant root, so every
 * instance has the same one. Wipe it. */
void keys_login(const struct keys *k, uint8_t private_key[static 32]);
/* Can a key of the ring open what is wrapped under this id? */
bool keys_has(const struct keys *k, const struct uuid *kek_id);

/* Version key ↔ KEK, AAD = "dek" ‖ tenant ‖ version ‖ kek id; wraps under k->kek_id. */
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

/* The slot file of a version. */
void keys_slot_write(const struct keys *k, const struct uuid *version,
	const uint8_t wrapped[static WRAPPED_LEN], struct buf *out);
/* Wraps the tenant root under k->kek_id, if its slot is under another id of the ring. */
int keys_rewrap_root(const struct keys *k, const struct vault *v, struct fault *reterr) must_check;
