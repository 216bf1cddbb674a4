// SPDX-License-Identifier: Apache-2.0
/* Bounded memory for what a device sends. */
#include "common/vault/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/crypto/crypto.h"
#include "common/vault/vault_dir.h"

struct spool {
	int dir;
	size_t limit;   /* bytes in memory before there is a file */
	int fd;         /* -1 = all in memory */
	uint64_t size;  /* plain bytes */
	struct buf mem; /* everything, or with a file: what is not yet a frame */
	uint8_t *frame; /* the frame read, with a file */
	uint8_t key[KEY_LEN];
	uint8_t *sealed;  /* one sealed frame, with a file */
	uint32_t written; /* frames in the file */
	uint32_t next;    /* frame to be read */
	bool ended, given;
};

struct spool *spool_new(int dir, size_t memory)
{
	struct spool *s = mem_alloc(sizeof(*s));
	s->limit = size_min(memory, SPOOL_MEMORY);
	s->dir = dir;
	s->fd = -1;
	return s;
}

static void make_buffers(struct spool *s)
{
	if (s->sealed == NULL)
		s->sealed = mem_alloc(SPOOL_FRAME + GCM_TAG);
	if (s->frame == NULL)
		s->frame = mem_alloc(SPOOL_FRAME);
}

static void drop_buffers(struct spool *s)
{
	if (s->frame != NULL)
		crypto_wipe(s->frame, SPOOL_FRAME);
	free(s->frame);
	free(s->sealed);
	s->frame = s->sealed = NULL;
}

void spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->mem.p != NULL)
		crypto_wipe(s->mem.p, s->mem.cap);
	buf_fini(&s->mem);
	drop_buffers(s);
	crypto_wipe(s->key, sizeof(s->key));
	free(s);
}

uint64_t spool_size(const struct spool *s)
{
	return s->size;
}

static void frame_nonce(uint32_t n, uint8_t nonce[static GCM_NONCE])
{
	memset(nonce, 0, GCM_NONCE);
	memcpy(nonce, &n, sizeof(n));
}

static off_t frame_offset(uint32_t n)
{
	return (off_t)n * (off_t)(SPOOL_FRAME + GCM_TAG);
}

static int open_file(struct spool *s, struct fault *reterr)
{
	if (s->dir < 0)
		return fault_why(reterr, CN_RESPONSE_TOO_BIG, "item_too_big",
			"an item has more than %zu bytes", s->limit);
	s->fd = openat(s->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
	if (s->fd < 0)
		return vault_errno(reterr, "temporary file");
	crypto_random(s->key, sizeof(s->key));
	make_buffers(s);
	return 0;
}

/* Seals the first n bytes of mem as the next frame. */
static int flush_frame(struct spool *s, size_t n, struct fault *reterr)
{
	static const struct span none = {NULL, 0};
	uint8_t nonce[GCM_NONCE];
	frame_nonce(s->written, nonce);
	gcm_seal(s->key, nonce, none, (struct span){s->mem.p, n}, s->sealed);
	size_t len = n + GCM_TAG;
	if (vault_pwrite(s->fd, s->sealed, len, frame_offset(s->written)) < 0)
		return vault_errno(reterr, "temporary file");
	s->written++;
	buf_drop(&s->mem, n);
	return 0;
}

int spool_add(struct spool *s, struct span bytes, struct fault *reterr)
{
	bug_if(s->ended);
	s->size += bytes.n;
	if (s->fd < 0 && s->mem.n + bytes.n <= s->limit) {
		buf_add(&s->mem, bytes.p, bytes.n);
		return 0;
	}
	if (s->fd < 0 && open_file(s, reterr) < 0)
		return -1;
	while (bytes.n > 0 || s->mem.n >= SPOOL_FRAME) {
		while (s->mem.n >= SPOOL_FRAME)
			if (flush_frame(s, SPOOL_FRAME, reterr) < 0)
				return -1;
		size_t n = size_min(bytes.n, SPOOL_FRAME - s->mem.n);
		buf_add(&s->mem, bytes.p, n);
		bytes.p += n;
		bytes.n -= n;
	}
	return 0;
}

bool spool_blocks(const struct spool *s, size_t n)
{
	return s->fd >= 0 || s->mem.n + n > s->limit;
}

size_t spool_memory(const struct spool *s)
{
	return s->mem.cap + (s->sealed == NULL ? 0 : 2 * SPOOL_FRAME);
}

int spool_park(struct spool *s, struct fault *reterr)
{
	if (s->fd < 0)
		return 0;
	if (!s->ended && s->mem.n > 0 && flush_frame(s, s->mem.n, reterr) < 0)
		return -1;
	s->ended = true;
	drop_buffers(s);
	crypto_wipe(s->mem.p, s->mem.cap);
	buf_fini(&s->mem);
	return 0;
}

int spool_rewind(struct spool *s, struct fault *reterr)
{
	if (!s->ended && s->fd >= 0 && s->mem.n > 0 && flush_frame(s, s->mem.n, reterr) < 0)
		return -1;
	s->ended = true;
	s->next = 0;
	s->given = false;
	if (s->fd >= 0)
		make_buffers(s);
	return 0;
}

static int read_frame(struct spool *s, struct span *ret_piece, struct fault *reterr)
{
	static const struct span none = {NULL, 0};
	uint64_t left = s->size - (uint64_t)s->next * SPOOL_FRAME;
	size_t n = left < SPOOL_FRAME ? (size_t)left : SPOOL_FRAME;
	uint8_t nonce[GCM_NONCE];
	frame_nonce(s->next, nonce);
	if (vault_pread(s->fd, s->sealed, n + GCM_TAG, frame_offset(s->next)) < 0 ||
		gcm_open(s->key, nonce, none, (struct span){s->sealed, n + GCM_TAG}, s->frame) < 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "spool",
			"the temporary file does not read back as written");
	s->next++;
	*ret_piece = (struct span){s->frame, n};
	return 0;
}

int spool_next(struct spool *s, struct span *ret_piece, struct fault *reterr)
{
	bug_if(!s->ended);
	*ret_piece = (struct span){NULL, 0};
	if (s->fd >= 0)
		return s->next == s->written ? 0 : read_frame(s, ret_piece, reterr);
	if (!s->given)
		*ret_piece = buf_span(&s->mem);
	s->given = true;
	return 0;
}

int spool_read_all(struct spool *s, struct buf *out, struct fault *reterr)
{
	struct span piece;
	if (spool_rewind(s, reterr) < 0)
		return -1;
	do {
		if (spool_next(s, &piece, reterr) < 0)
			return -1;
		buf_add(out, piece.p, piece.n);
	} while (piece.n > 0);
	return out->err ? fault_set(reterr, CN_INTERNAL_ERROR, "out of memory") : 0;
}
