// SPDX-License-Identifier: Apache-2.0
/* Packing before sealing: zstd, one frame, content size present. Contexts live as long as their
 * thread. Not for hostile sizes: the caller bounds what comes out. */
#pragma once

#include "common/base/fault.h"

#define PACK_WINDOW_LOG 18     /* of what we write: bounds the memory of a stream */
#define PACK_WINDOW_LOG_MAX 23 /* of what we read */

/* Bytes that packing n bytes can take. */
size_t pack_bound(size_t n);

/* This thread's packer, at the begin of a frame of exactly size plain bytes. Owned by the thread.
 */
struct pack;
struct pack *pack_begin(uint64_t size);
/* Packs from *in, which moves on, into out; last: no more input follows. *ret_n bytes were written.
 * Returns whether to call again: input is left, or with last, the frame has not ended. */
bool pack_step(struct pack *p, struct span *in, bool last, uint8_t *out, size_t cap, size_t *ret_n);

struct unpack;
struct unpack *unpack_new(void);
void unpack_free(struct unpack *u);
/* Unpacks from *in, which moves on. 0, or -1 with the reason. */
int unpack_step(struct unpack *u, struct span *in, uint8_t *out, size_t cap, size_t *ret_n,
	const char **ret_why) must_check;
bool unpack_done(const struct unpack *u);
