// SPDX-License-Identifier: Apache-2.0
/* A sealed object on the medium (docs/spec/storage.md ST-22..26). One content, one name, one key.
 *
 *     header, clear, 128 bytes (numbers big-endian)
 *       0 "CNOBJ1"  6 format=1  7 kind  8 frame size u32  12 pack (0 raw, 1 zstd)
 *      13 nonce prefix[7]  20 tenant[16]  36 oid[32]  68 incarnation u64
 *      76 plain length u64  84 packed length u64  92 key commitment[32]  124 zero[4]
 *     frames: AES-256-GCM over 64 KiB of packed and padded bytes, tag behind each;
 *       nonce = prefix ‖ u32 counter ‖ u8 last flag, AAD = SHA-256(header)
 *
 * Memory of a writer or reader is bounded whatever the length (ST-77). No I/O of its own. */
#pragma once

#include <sys/types.h>

#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "common/crypto/crypto.h"
#include "common/vault/spool.h"

#define OBJECT_HEADER 128
#define OBJECT_FRAME ((size_t)64 * 1024)
#define OID_LEN 32

/* What the bytes are: part of the name, so equal bytes of two kinds are two objects.
 * On media for ever: numbers are never reused. */
enum object_kind {
	OBJECT_CANON_ABK = 1,
	OBJECT_IPP_ATTRIBUTES = 2,
	OBJECT_OPAQUE = 3,
	OBJECT_META = 4,
	/* the other formats of common/book */
	OBJECT_CANON_CSV = 5,
	OBJECT_CARNET_JSON = 6,
	OBJECT_GENERIC_CSV = 7,
	OBJECT_KONICA_ACCURIO = 8,
	OBJECT_KONICA_TSV = 9,
	OBJECT_KONICA_XML = 10,
	OBJECT_KYOCERA_XML = 11,
	OBJECT_LDIF = 12,
	OBJECT_RICOH_CSV = 13,
	OBJECT_RICOH_UDIRECTORY = 14,
	OBJECT_SHARP_CSV = 15,
	OBJECT_XEROX_CSV = 16,
};

const char *object_kind_name(enum object_kind kind);
/* 0 when unknown. */
int object_kind_parse(const char *name) must_check;

/* What the catalogue or a manifest says of an object; a reader holds the file against it. */
struct object_ref {
	struct uuid tenant;
	uint8_t oid[OID_LEN];
	enum object_kind kind;
	uint64_t incarnation; /* random, at most 52 bits: readers of JSON keep it exact */
	uint64_t plain_len;
};

struct object_sealed {
	uint64_t stored_len;
	uint8_t cipher[SHA256_LEN]; /* SHA-256 of the file */
};

/* Length after Padmé padding: at most 12 % more, tells little of the true length. */
uint64_t object_padded(uint64_t n);
uint64_t object_stored_len(uint64_t packed_len);

/* What a file says of the key that opens it. */
void object_commitment(const uint8_t key[static KEY_LEN], const uint8_t oid[static OID_LEN],
	uint8_t out[static SHA256_LEN]);

/* oid = HMAC-SHA-256(K_dedup, "carnet-obj-1" ‖ kind ‖ u64 length ‖ plaintext) */
struct hmac *object_oid_begin(
	const uint8_t dedup_key[static KEY_LEN], enum object_kind kind, uint64_t length);
/* Reads all of plain. */
int object_oid(const uint8_t dedup_key[static KEY_LEN], enum object_kind kind, struct spool *plain,
	uint8_t ret_oid[static OID_LEN], struct fault *reterr) must_check;

typedef int (*object_write_fn)(void *arg, struct span bytes, struct fault *reterr);
/* Up to n bytes; 0 at the end, -1 with a fault. */
typedef ssize_t (*object_read_fn)(void *arg, uint8_t *p, size_t n, struct fault *reterr);

struct object_sink {
	object_write_fn write;
	void *arg;
	int scratch_dir; /* of the spool for packed bytes */
};

/* Packs plain (zstd level 3, kept raw if not smaller) and seals it under key,
 * which must be fresh. */
int object_seal(const struct object_ref *ref, const uint8_t key[static KEY_LEN],
	struct spool *plain, const struct object_sink *sink, struct object_sealed *ret_sealed,
	struct fault *reterr) must_check;

/* Opening: each piece comes from frames whose tags are good; the end is good only when length,
 * padding, packing and oid agree with ref. Faults are CN_STORE_VERIFY_FAILED, reason: header
 * commitment tag length packing oid. dedup_key, key and ref are copied. */
struct object_reader;
struct object_reader *object_reader_new(const struct object_ref *ref,
	const uint8_t key[static KEY_LEN], const uint8_t dedup_key[static KEY_LEN],
	object_read_fn read, void *arg);
/* Valid until the next call; n = 0: all of it was read and is good. */
int object_next(struct object_reader *r, struct span *ret_piece, struct fault *reterr) must_check;
/* SHA-256 and length of the file, after the good end. */
const struct object_sealed *object_reader_sealed(const struct object_reader *r);
void object_reader_free(struct object_reader *r);
