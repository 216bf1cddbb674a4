// SPDX-License-Identifier: Apache-2.0
/* A version as it travels by mail (docs/spec/storage.md ST-54): its files, sealed to the
 * recipient's X25519 key, whole in memory. On disks of other people for ever: never changed.
 *
 *     "CNMAIL1\n", version[16]                 clear, bound into the seal
 *     box: files, each u8 name length, name, u64 length (big-endian), bytes */
#pragma once

#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "common/crypto/crypto.h"

#define MAILED_NAME 128

/* One more file. The name is a plain one: A-Z a-z 0-9 _ . - */
void mailed_add(struct buf *files, const char *name, struct span bytes);
/* Adds the sealed whole to out. */
void mailed_seal(const uint8_t public_key[static 32], const struct uuid *version, struct span files,
	struct buf *out);
/* CN_STORE_VERIFY_FAILED: "header", or "seal" (another key, or damaged). */
int mailed_open(const uint8_t private_key[static 32], struct span sealed, struct uuid *ret_version,
	struct buf *ret_files, struct fault *reterr) must_check;
/* The next file of what mailed_open gave; *rest moves on. false: the end, or with *rest not empty,
 * damage. */
bool mailed_next(
	struct span *rest, char name[static MAILED_NAME], struct span *ret_bytes) must_check;
