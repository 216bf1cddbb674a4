// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an object file: never accepted, for only the holder of the key can make one. The
 * first bytes choose: an untouched header of ours, or one made from the input; and a packed content
 * from the input sealed with good tags, so that unpacking meets hostile bytes, too. */
#include <string.h>

#include "common/vault/object_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t dedup[KEY_LEN] = {1}, key[KEY_LEN] = {2};

static ssize_t take(void *arg, uint8_t *p, size_t n, struct fault *reterr)
{
	struct span *s = arg;
	(void)reterr;
	n = size_min(n, s->n);
	if (n > 0)
		memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return (ssize_t)n;
}

/* A file whose tags are good around packed bytes of the attacker's choice. */
static void forge(const struct object_ref *ref, struct span packed, struct buf *out)
{
	uint8_t h[OBJECT_HEADER] = OBJECT_MAGIC, aad[SHA256_LEN], nonce[GCM_NONCE];
	uint8_t frame[OBJECT_FRAME] = {0}, sealed[OBJECT_FRAME + GCM_TAG];
	size_t padded = (size_t)object_padded(packed.n);
	h[AT_FORMAT] = 1;
	h[AT_KIND] = (uint8_t)ref->kind;
	put_be(h + AT_FRAME, OBJECT_FRAME, 4);
	h[AT_PACK] = 1;
	memcpy(h + AT_OID, ref->oid, OID_LEN);
	put_be(h + AT_PLAIN, ref->plain_len, 8);
	put_be(h + AT_PACKED, packed.n, 8);
	object_commitment(key, ref->oid, h + AT_COMMIT);
	sha256((struct span){h, OBJECT_HEADER}, aad);
	memcpy(frame, packed.p, packed.n);
	object_frame_nonce(h, 0, true, nonce);
	gcm_seal(key, nonce, (struct span){aad, SHA256_LEN}, (struct span){frame, padded}, sealed);
	buf_add(out, h, OBJECT_HEADER);
	buf_add(out, sealed, padded + GCM_TAG);
}

static void open_file(const struct object_ref *ref, struct span file)
{
	struct object_reader *r = object_reader_new(ref, key, dedup, take, &file);
	struct span piece;
	struct fault f = FAULT_INIT;
	int rc;
	while ((rc = object_next(r, &piece, &f)) == 0 && piece.n > 0)
		;
	bug_if(rc == 0); /* its name is no HMAC of anything */
	object_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct object_ref ref = {.kind = OBJECT_OPAQUE, .plain_len = 60000};
	struct buf file = BUF_INIT;
	if (n < 2 || n > 50000)
		return 0;
	if (data[0] & 1) {
		forge(&ref, (struct span){data + 1, n - 1}, &file);
	} else {
		forge(&ref, (struct span){data + 1, n / 2}, &file);
		file.n = size_min(file.n, OBJECT_HEADER);
		buf_add(&file, data + 1, n - 1);
	}
	open_file(&ref, buf_span(&file));
	open_file(&ref, (struct span){data, n});
	buf_fini(&file);
	return 0;
}
