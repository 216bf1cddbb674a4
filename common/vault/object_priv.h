// SPDX-License-Identifier: Apache-2.0
/* The layout that writer and reader of objects share. */
#pragma once

#include "common/vault/object.h"
#include "gen/errors.h"

#define OBJECT_MAGIC "CNOBJ1"

enum {
	AT_FORMAT = 6,
	AT_KIND = 7,
	AT_FRAME = 8,
	AT_PACK = 12,
	AT_PREFIX = 13,
	AT_TENANT = 20,
	AT_OID = 36,
	AT_INCARNATION = 68,
	AT_PLAIN = 76,
	AT_PACKED = 84,
	AT_COMMIT = 92,
	AT_ZERO = 124,
};

uint64_t object_frames(uint64_t padded);
void put_be(uint8_t *p, uint64_t v, unsigned bytes);
void object_frame_nonce(const uint8_t header[static OBJECT_HEADER], uint64_t counter, bool last,
	uint8_t nonce[static GCM_NONCE]);
