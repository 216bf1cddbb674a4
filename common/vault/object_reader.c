// SPDX-License-Identifier: Apache-2.0
/* Opening objects: commitment, then each tag, then last flag and frame count, then unpad, unpack,
 * name (ST-26). Nothing is unpacked before its tag is good. */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/pack.h"
#include "common/vault/object_priv.h"

struct object_reader {
	struct object_ref ref;
	uint8_t key[KEY_LEN];
	object_read_fn read;
	void *arg;
	bool started, ended, failed;

	uint8_t header[OBJECT_HEADER];
	uint8_t aad[SHA256_LEN];
	bool zstd;
	uint64_t packed_len;
	uint64_t padded_left; /* sealed bytes still to come, without tags */
	uint64_t packed_left; /* of these, without padding */
	uint64_t counter, frames;

	uint8_t *sealed; /* one frame as read */
	uint8_t *plain;  /* one frame opened */
	struct span in;  /* packed bytes of it not yet unpacked */
	struct unpack *unpack;
	bool frame_done; /* of zstd */
	uint8_t *out;
	uint64_t out_len;

	struct hmac *name;
	struct sha256 *cipher;
	struct object_sealed stored;
};

struct object_reader *object_reader_new(const struct object_ref *ref,
	const uint8_t key[static KEY_LEN], const uint8_t dedup_key[static KEY_LEN],
	object_read_fn read, void *arg)
{
	struct object_reader *r = mem_alloc(sizeof(*r));
	r->ref = *ref;
	memcpy(r->key, key, KEY_LEN);
	r->read = read;
	r->arg = arg;
	r->sealed = mem_alloc(OBJECT_FRAME + GCM_TAG);
	r->plain = mem_alloc(OBJECT_FRAME);
	r->name = object_oid_begin(dedup_key, ref->kind, ref->plain_len);
	r->cipher = sha256_new();
	return r;
}

void object_reader_free(struct object_reader *r)
{
	uint8_t scrap[SHA256_LEN];
	if (r == NULL)
		return;
	hmac_end(r->name, scrap);
	sha256_end(r->cipher, scrap);
	unpack_free(r->unpack);
	crypto_wipe(r->key, KEY_LEN);
	crypto_wipe(r->plain, OBJECT_FRAME);
	if (r->out != NULL)
		crypto_wipe(r->out, OBJECT_FRAME);
	free(r->plain);
	free(r->sealed);
	free(r->out);
	free(r);
}

const struct object_sealed *object_reader_sealed(const struct object_reader *r)
{
	bug_if(!r->ended);
	return &r->stored;
}

static int damaged(struct fault *reterr, const char *reason, const char *what)
{
	return fault_why(reterr, CN_STORE_VERIFY_FAILED, reason, "object: %s", what);
}

static uint64_t get_be(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

/* Exactly n bytes. */
static int fetch(struct object_reader *r, uint8_t *p, size_t n, struct fault *reterr)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = r->read(r->arg, p + done, n - done, reterr);
		if (got < 0)
			return -1;
		if (got == 0)
			return damaged(reterr, "length", "the file is cut");
		done += (size_t)got;
	}
	sha256_add(r->cipher, (struct span){p, n});
	r->stored.stored_len += n;
	return 0;
}

/* The file must be the object that the catalogue means. */
static bool header_fits(const struct object_reader *r)
{
	static const uint8_t zero[4];
	const uint8_t *h = r->header;
	return memcmp(h, OBJECT_MAGIC, 6) == 0 && h[AT_FORMAT] == 1 &&
	       h[AT_KIND] == (uint8_t)r->ref.kind && get_be(h + AT_FRAME, 4) == OBJECT_FRAME &&
	       h[AT_PACK] <= 1 && memcmp(h + AT_TENANT, r->ref.tenant.b, 16) == 0 &&
	       memcmp(h + AT_OID, r->ref.oid, OID_LEN) == 0 &&
	       get_be(h + AT_INCARNATION, 8) == r->ref.incarnation &&
	       get_be(h + AT_PLAIN, 8) == r->ref.plain_len &&
	       get_be(h + AT_PACKED, 8) <= r->ref.plain_len && memcmp(h + AT_ZERO, zero, 4) == 0;
}

static int start(struct object_reader *r, struct fault *reterr)
{
	uint8_t commitment[SHA256_LEN];
	if (fetch(r, r->header, OBJECT_HEADER, reterr) < 0)
		return -1;
	if (!header_fits(r))
		return damaged(reterr, "header", "the header is not that of this object");
	object_commitment(r->key, r->ref.oid, commitment);
	if (!crypto_equal(commitment, r->header + AT_COMMIT, SHA256_LEN))
		return damaged(reterr, "commitment", "the key does not belong to this object");
	r->zstd = r->header[AT_PACK] == 1;
	r->packed_len = get_be(r->header + AT_PACKED, 8);
	if (!r->zstd && r->packed_len != r->ref.plain_len)
		return damaged(reterr, "header", "raw length differs");
	sha256((struct span){r->header, OBJECT_HEADER}, r->aad);
	r->padded_left = object_padded(r->packed_len);
	r->packed_left = r->packed_len;
	r->frames = object_frames(r->padded_left);
	if (r->frames > UINT32_MAX)
		return damaged(reterr, "length", "too many frames");
	if (r->zstd) {
		r->unpack = unpack_new();
		r->out = mem_alloc(OBJECT_FRAME);
	}
	r->started = true;
	return 0;
}

/* Opens the next frame into r->plain; r->in gets its packed bytes. */
static int next_frame(struct object_reader *r, struct fault *reterr)
{
	uint8_t nonce[GCM_NONCE];
	size_t n = r->padded_left < OBJECT_FRAME ? (size_t)r->padded_left : OBJECT_FRAME;
	if (fetch(r, r->sealed, n + GCM_TAG, reterr) < 0)
		return -1;
	object_frame_nonce(r->header, r->counter, r->counter + 1 == r->frames, nonce);
	if (gcm_open(r->key, nonce, (struct span){r->aad, sizeof(r->aad)},
		    (struct span){r->sealed, n + GCM_TAG}, r->plain) < 0)
		return damaged(reterr, "tag", "a frame was changed, moved or cut");
	r->counter++;
	r->padded_left -= n;
	size_t packed = r->packed_left < n ? (size_t)r->packed_left : n;
	r->packed_left -= packed;
	for (size_t i = packed; i < n; i++)
		if (r->plain[i] != 0)
			return damaged(reterr, "length", "the padding is not empty");
	r->in = (struct span){r->plain, packed};
	return 0;
}

/* Unpacks some of r->in; the piece may be empty when zstd wants more. */
static int unpack(struct object_reader *r, struct span *ret_piece, struct fault *reterr)
{
	if (!r->zstd) {
		*ret_piece = r->in;
		r->in.n = 0;
		return 0;
	}
	if (r->frame_done && r->in.n > 0)
		return damaged(reterr, "packing", "bytes behind the packed frame");
	const char *why = "";
	size_t n = 0;
	if (unpack_step(r->unpack, &r->in, r->out, OBJECT_FRAME, &n, &why) < 0)
		return damaged(reterr, "packing", why);
	r->frame_done = unpack_done(r->unpack);
	*ret_piece = (struct span){r->out, n};
	return 0;
}

static int finish(struct object_reader *r, struct fault *reterr)
{
	uint8_t oid[OID_LEN], extra;
	if (r->out_len != r->ref.plain_len || (r->zstd && !r->frame_done))
		return damaged(reterr, "packing", "the content is shorter than announced");
	ssize_t got = r->read(r->arg, &extra, 1, reterr);
	if (got < 0)
		return -1;
	if (got != 0)
		return damaged(reterr, "length", "bytes behind the last frame");
	hmac_end(r->name, oid);
	r->name = NULL;
	if (!crypto_equal(oid, r->ref.oid, OID_LEN))
		return damaged(reterr, "oid", "the content is not what its name says");
	sha256_end(r->cipher, r->stored.cipher);
	r->cipher = NULL;
	r->ended = true;
	return 0;
}

static int next(struct object_reader *r, struct span *ret_piece, struct fault *reterr)
{
	if (!r->started && start(r, reterr) < 0)
		return -1;
	for (;;) {
		/* zstd may hold output back although its input is used up */
		bool more = r->in.n > 0 || (r->zstd && !r->frame_done && r->counter > 0);
		if (more && unpack(r, ret_piece, reterr) < 0)
			return -1;
		if (more && ret_piece->n > 0)
			break;
		if (r->in.n > 0)
			continue;
		if (r->counter == r->frames)
			return finish(r, reterr);
		if (next_frame(r, reterr) < 0)
			return -1;
	}
	r->out_len += ret_piece->n;
	if (r->out_len > r->ref.plain_len)
		return damaged(reterr, "packing", "the content is longer than announced");
	hmac_add(r->name, *ret_piece);
	return 0;
}

int object_next(struct object_reader *r, struct span *ret_piece, struct fault *reterr)
{
	struct span piece = {NULL, 0};
	*ret_piece = piece;
	bug_if(r->failed);
	if (r->ended)
		return 0;
	if (next(r, &piece, reterr) < 0) {
		r->failed = true;
		return -1;
	}
	*ret_piece = piece;
	return 0;
}
