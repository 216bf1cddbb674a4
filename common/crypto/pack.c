// SPDX-License-Identifier: Apache-2.0
/* zstd, behind two small state machines. */
#include "common/crypto/pack.h"

#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

/* struct pack is ZSTD_CCtx. Making a context costs as much as packing a small book: one per thread.
 */
static pthread_key_t context_key;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void context_free(void *p)
{
	ZSTD_freeCCtx(p);
}

static void context_key_make(void)
{
	bug_if(pthread_key_create(&context_key, context_free) != 0);
}

size_t pack_bound(size_t n)
{
	return ZSTD_compressBound(n);
}

struct pack *pack_begin(uint64_t size)
{
	bug_if(pthread_once(&context_once, context_key_make) != 0);
	ZSTD_CCtx *c = pthread_getspecific(context_key);
	if (c == NULL) {
		c = ZSTD_createCCtx();
		bug_if(c == NULL || pthread_setspecific(context_key, c) != 0);
	}
	(void)ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 3);
	if (size > ((uint64_t)1 << PACK_WINDOW_LOG))
		(void)ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, PACK_WINDOW_LOG);
	(void)ZSTD_CCtx_setPledgedSrcSize(c, size);
	return (struct pack *)(void *)c;
}

bool pack_step(struct pack *p, struct span *in, bool last, uint8_t *out, size_t cap, size_t *ret_n)
{
	ZSTD_inBuffer i = {in->p, in->n, 0};
	ZSTD_outBuffer o = {out, cap, 0};
	size_t left = ZSTD_compressStream2(
		(ZSTD_CCtx *)(void *)p, &o, &i, last ? ZSTD_e_end : ZSTD_e_continue);
	bug_if(ZSTD_isError(left)); /* only wrong use: another size than announced */
	in->p += i.pos;
	in->n -= i.pos;
	*ret_n = o.pos;
	return last ? left != 0 : in->n > 0;
}

struct unpack {
	ZSTD_DCtx *context;
	bool done;
};

struct unpack *unpack_new(void)
{
	struct unpack *u = mem_alloc(sizeof(*u));
	u->context = ZSTD_createDCtx();
	bug_if(u->context == NULL);
	(void)ZSTD_DCtx_setParameter(u->context, ZSTD_d_windowLogMax, PACK_WINDOW_LOG_MAX);
	return u;
}

void unpack_free(struct unpack *u)
{
	if (u != NULL)
		ZSTD_freeDCtx(u->context);
	free(u);
}

int unpack_step(struct unpack *u, struct span *in, uint8_t *out, size_t cap, size_t *ret_n,
	const char **ret_why)
{
	ZSTD_inBuffer i = {in->p, in->n, 0};
	ZSTD_outBuffer o = {out, cap, 0};
	size_t rc = ZSTD_decompressStream(u->context, &o, &i);
	if (ZSTD_isError(rc)) {
		*ret_why = ZSTD_getErrorName(rc);
		return -1;
	}
	u->done = rc == 0;
	in->p += i.pos;
	in->n -= i.pos;
	*ret_n = o.pos;
	return 0;
}

bool unpack_done(const struct unpack *u)
{
	return u->done;
}
