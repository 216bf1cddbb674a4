// SPDX-License-Identifier: Apache-2.0
/* The passport of a medium (docs/spec/storage.md section 6): what it must hold, said by who signs,
 * so that versions missing at the end of a chain are missed. Canonical JSON, numbered, chained,
 * signed beside it. Pure.
 *
 *     passport-<serial>.json, .sig      serial: eight digits at least; the last 30 are kept */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/vault/manifest.h"

#define PASSPORTS_KEPT 30
#define PASSPORT_MAX ((size_t)40 * 1024 * 1024)
#define PASSPORT_READER 1
#define PASSPORT_KEKS 8
#define PASSPORT_VAULTS 32
#define PASSPORT_NAME 48

struct passport_vault {
	struct uuid id;
	char kind[16], name[65], role[16];
	bool removable;
};

/* A device and kind: its newest version that is whole on the medium. */
struct passport_entry {
	struct uuid device, version;
	char kind[24];
	uint64_t generation;
	uint8_t digest[SHA256_LEN];
	uint64_t made_ms, verified_ms;
	uint64_t checked_ms; /* when the device was last found unchanged; 0 = never */
	uint64_t proven_ms;  /* when it was last restored in a drill; 0 = never */
	uint64_t versions;   /* of the chain, erased ones included */
	uint64_t erased;     /* of these */
	uint32_t copies;     /* bit i: verified in vaults[i] */
	char flags[MANIFEST_FLAGS][17];
	size_t flags_n;
};

struct passport {
	struct uuid tenant, vault;
	uint8_t marker[SHA256_LEN]; /* of the medium's marker file */
	uint64_t serial, kept_from; /* the oldest that is still there */
	uint64_t prev_serial;       /* 0 = the first */
	uint8_t prev_digest[SHA256_LEN];
	uint64_t made_ms;
	char writer[64];
	char warning[512]; /* "NOT A BACKUP: …"; "" = none */
	int64_t min_reader;
	struct uuid keks[PASSPORT_KEKS]; /* under which version keys were wrapped */
	size_t keks_n;
	struct passport_vault vaults[PASSPORT_VAULTS];
	size_t vaults_n;
	struct passport_entry *entries; /* owned, by device and kind */
	size_t entries_n;
};

/* Sorts the entries, appends the text. */
void passport_write(struct passport *p, struct buf *out);
/* Strict. CN_STORE_VERIFY_FAILED, or CN_VAULT_TOO_OLD. passport_fini it. */
int passport_read(struct span text, struct passport *ret, struct fault *reterr) must_check;
void passport_fini(struct passport *p);
const struct passport_entry *passport_find(
	const struct passport *p, const struct uuid *device, const char *kind);

void passport_sign(const uint8_t seed[static 32], struct span text, uint8_t signature[static 64]);
bool passport_signed(
	const struct signers *s, struct span text, const uint8_t signature[static SIGNATURE]);

/* suffix "json" or "sig" */
void passport_name(char out[static PASSPORT_NAME], uint64_t serial, const char *suffix);
/* The serial of such a name; 0 when it is none. */
uint64_t passport_serial(const char *name, const char *suffix);

/* 3-2-1 (seed 003): three copies with the device itself, two kinds of medium, one elsewhere. */
bool passport_safe(const struct passport *p, const struct passport_entry *e);
