// SPDX-License-Identifier: Apache-2.0
/* Plaintext on its way through storage, in bounded memory: the first 256 KiB stay in memory, more
 * goes to a nameless file in the vault's tmp/, sealed under a key that exists in this process only.
 * Written once, then read any number of times. One thread at a time; calls may block. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/crypto/crypto.h"

#define SPOOL_MEMORY ((size_t)256 * 1024)
#define SPOOL_FRAME ((size_t)64 * 1024)

struct spool;

/* dir: open directory for the file; not closed by us. -1 = no file: then more is a fault.
 * memory: bytes that may stay in memory, at most SPOOL_MEMORY. */
struct spool *spool_new(int dir, size_t memory);
void spool_free(struct spool *s);
int spool_add(struct spool *s, struct span bytes, struct fault *reterr) must_check;
/* Would adding n bytes go to the file? Then it belongs on the work pool. */
bool spool_blocks(const struct spool *s, size_t n);
/* Nothing comes for a while: everything that has a file goes there. */
int spool_park(struct spool *s, struct fault *reterr) must_check;
/* Bytes of memory in use. */
size_t spool_memory(const struct spool *s);
uint64_t spool_size(const struct spool *s);
/* Ends writing at the first call; the next piece is the first one again. */
int spool_rewind(struct spool *s, struct fault *reterr) must_check;
/* The next piece, valid until the next call; n = 0 at the end. Does not block on a small spool. */
int spool_next(struct spool *s, struct span *ret_piece, struct fault *reterr) must_check;
/* All of it, into out, which may hold passwords then: buf_wipe it. */
int spool_read_all(struct spool *s, struct buf *out, struct fault *reterr) must_check;
