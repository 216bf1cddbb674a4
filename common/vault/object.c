// SPDX-License-Identifier: Apache-2.0
/* Names, packing and sealing of objects. The reader is in object_reader.c. */
#include "common/vault/object.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/pack.h"
#include "common/vault/object_priv.h"

static const struct {
	enum object_kind kind;
	const char *name;
} kinds[] = {
	{OBJECT_CANON_ABK, "canon_abk"},
	{OBJECT_IPP_ATTRIBUTES, "ipp_attributes"},
	{OBJECT_OPAQUE, "opaque"},
	{OBJECT_META, "meta"},
	{OBJECT_CANON_CSV, "canon_csv"},
	{OBJECT_CARNET_JSON, "carnet_json"},
	{OBJECT_GENERIC_CSV, "generic_csv"},
	{OBJECT_KONICA_ACCURIO, "konica_accurio"},
	{OBJECT_KONICA_TSV, "konica_tsv"},
	{OBJECT_KONICA_XML, "konica_xml"},
	{OBJECT_KYOCERA_XML, "kyocera_xml"},
	{OBJECT_LDIF, "ldif"},
	{OBJECT_RICOH_CSV, "ricoh_csv"},
	{OBJECT_RICOH_UDIRECTORY, "ricoh_udirectory"},
	{OBJECT_SHARP_CSV, "sharp_csv"},
	{OBJECT_XEROX_CSV, "xerox_csv"},
};

const char *object_kind_name(enum object_kind kind)
{
	for (size_t i = 0; i < array_len(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "";
}

int object_kind_parse(const char *name)
{
	for (size_t i = 0; i < array_len(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (int)kinds[i].kind;
	return 0;
}

uint64_t object_padded(uint64_t n)
{
	if (n < 2)
		return n;
	unsigned e = 63 - (unsigned)__builtin_clzll(n);
	unsigned s = 32 - (unsigned)__builtin_clz(e);
	uint64_t mask = (UINT64_C(1) << (e - size_min(s, e))) - 1;
	return (n + mask) & ~mask;
}

uint64_t object_frames(uint64_t padded)
{
	return padded == 0 ? 1 : (padded + OBJECT_FRAME - 1) / OBJECT_FRAME;
}

uint64_t object_stored_len(uint64_t packed_len)
{
	uint64_t padded = object_padded(packed_len);
	return OBJECT_HEADER + padded + GCM_TAG * object_frames(padded);
}

void put_be(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

void object_frame_nonce(const uint8_t header[static OBJECT_HEADER], uint64_t counter, bool last,
	uint8_t nonce[static GCM_NONCE])
{
	memcpy(nonce, header + AT_PREFIX, 7);
	put_be(nonce + 7, counter, 4);
	nonce[11] = last;
}

void object_commitment(const uint8_t key[static KEY_LEN], const uint8_t oid[static OID_LEN],
	uint8_t out[static SHA256_LEN])
{
	hkdf_sha256((struct span){key, KEY_LEN}, (struct span){oid, OID_LEN},
		(struct span){(const uint8_t *)"commit", 6}, out, SHA256_LEN);
}

/* ---- name ---- */

struct hmac *object_oid_begin(
	const uint8_t dedup_key[static KEY_LEN], enum object_kind kind, uint64_t length)
{
	uint8_t head[12 + 1 + 8];
	memcpy(head, "carnet-obj-1", 12);
	head[12] = (uint8_t)kind;
	put_be(head + 13, length, 8);
	struct hmac *h = hmac_new((struct span){dedup_key, KEY_LEN});
	hmac_add(h, (struct span){head, sizeof(head)});
	return h;
}

int object_oid(const uint8_t dedup_key[static KEY_LEN], enum object_kind kind, struct spool *plain,
	uint8_t ret_oid[static OID_LEN], struct fault *reterr)
{
	struct span piece;
	uint8_t oid[OID_LEN];
	if (spool_rewind(plain, reterr) < 0)
		return -1;
	struct hmac *h = object_oid_begin(dedup_key, kind, spool_size(plain));
	int rc;
	while ((rc = spool_next(plain, &piece, reterr)) == 0 && piece.n > 0)
		hmac_add(h, piece);
	hmac_end(h, oid);
	if (rc == 0)
		memcpy(ret_oid, oid, OID_LEN);
	return rc;
}

/* ---- pack ---- */

static int pack_piece(struct pack *p, struct span in, bool last, struct span room,
	struct spool *packed, struct fault *reterr)
{
	uint8_t *out = (uint8_t *)(uintptr_t)room.p;
	size_t n;
	bool again;
	do {
		again = pack_step(p, &in, last, out, room.n, &n);
		if (spool_add(packed, (struct span){out, n}, reterr) < 0)
			return -1;
	} while (again);
	return 0;
}

/* Fills packed with one zstd frame of plain. */
static int pack(struct spool *plain, struct spool *packed, struct fault *reterr)
{
	struct pack *p = pack_begin(spool_size(plain));
	/* room for a small item in one call: zstd then works without copies of its own */
	size_t n = pack_bound(size_min((size_t)spool_size(plain), SPOOL_MEMORY));
	struct span room = {mem_alloc(n), n}, piece = {NULL, 0};
	bool last = false;
	int rc = spool_rewind(plain, reterr);
	uint64_t left = spool_size(plain);
	while (rc == 0 && !last) {
		rc = spool_next(plain, &piece, reterr);
		left -= piece.n;
		last = left == 0;
		if (rc == 0)
			rc = pack_piece(p, piece, last, room, packed, reterr);
	}
	free((void *)(uintptr_t)room.p);
	return rc;
}

/* ---- seal ---- */

struct sealer {
	const uint8_t *key;
	uint8_t header[OBJECT_HEADER];
	uint8_t aad[SHA256_LEN];
	uint64_t counter, frames;
	object_write_fn write;
	void *arg;
	struct sha256 *cipher;
	uint64_t stored;
	uint8_t *sealed;
};

static int emit(struct sealer *s, struct span bytes, struct fault *reterr)
{
	sha256_add(s->cipher, bytes);
	s->stored += bytes.n;
	return s->write(s->arg, bytes, reterr);
}

static int seal_frame(struct sealer *s, struct span plain, struct fault *reterr)
{
	uint8_t nonce[GCM_NONCE];
	object_frame_nonce(s->header, s->counter, s->counter + 1 == s->frames, nonce);
	gcm_seal(s->key, nonce, (struct span){s->aad, sizeof(s->aad)}, plain, s->sealed);
	s->counter++;
	return emit(s, (struct span){s->sealed, plain.n + GCM_TAG}, reterr);
}

/* All frames: the packed bytes, then zeros up to the padded length. */
static int seal_frames(struct sealer *s, struct spool *packed, struct fault *reterr)
{
	uint8_t *frame = mem_alloc(OBJECT_FRAME);
	uint64_t left = object_padded(spool_size(packed));
	struct span piece = {NULL, 0};
	int rc = spool_rewind(packed, reterr);
	while (rc == 0 && s->counter < s->frames) {
		size_t want = left < OBJECT_FRAME ? (size_t)left : OBJECT_FRAME;
		size_t have = 0;
		while (rc == 0 && have < want) {
			if (piece.n == 0)
				rc = spool_next(packed, &piece, reterr);
			if (rc < 0 || piece.n == 0)
				break;
			size_t n = size_min(want - have, piece.n);
			memcpy(frame + have, piece.p, n);
			piece.p += n;
			piece.n -= n;
			have += n;
		}
		memset(frame + have, 0, want - have);
		if (rc == 0)
			rc = seal_frame(s, (struct span){frame, want}, reterr);
		left -= want;
	}
	crypto_wipe(frame, OBJECT_FRAME);
	free(frame);
	return rc;
}

static void make_header(struct sealer *s, const struct object_ref *ref, bool zstd, uint64_t packed)
{
	uint8_t *h = s->header;
	memset(h, 0, OBJECT_HEADER);
	memcpy(h, OBJECT_MAGIC, 6);
	h[AT_FORMAT] = 1;
	h[AT_KIND] = (uint8_t)ref->kind;
	put_be(h + AT_FRAME, OBJECT_FRAME, 4);
	h[AT_PACK] = zstd;
	crypto_random(h + AT_PREFIX, 7);
	memcpy(h + AT_TENANT, ref->tenant.b, 16);
	memcpy(h + AT_OID, ref->oid, OID_LEN);
	put_be(h + AT_INCARNATION, ref->incarnation, 8);
	put_be(h + AT_PLAIN, ref->plain_len, 8);
	put_be(h + AT_PACKED, packed, 8);
	object_commitment(s->key, ref->oid, h + AT_COMMIT);
	sha256((struct span){h, OBJECT_HEADER}, s->aad);
}

static int seal(struct sealer *s, const struct object_ref *ref, bool zstd, struct spool *packed,
	struct object_sealed *ret_sealed, struct fault *reterr)
{
	make_header(s, ref, zstd, spool_size(packed));
	s->frames = object_frames(object_padded(spool_size(packed)));
	s->cipher = sha256_new();
	s->sealed = mem_alloc(OBJECT_FRAME + GCM_TAG);
	int rc = emit(s, (struct span){s->header, OBJECT_HEADER}, reterr);
	if (rc == 0)
		rc = seal_frames(s, packed, reterr);
	struct object_sealed out = {.stored_len = s->stored};
	sha256_end(s->cipher, out.cipher);
	free(s->sealed);
	if (rc == 0)
		*ret_sealed = out;
	return rc;
}

int object_seal(const struct object_ref *ref, const uint8_t key[static KEY_LEN],
	struct spool *plain, const struct object_sink *sink, struct object_sealed *ret_sealed,
	struct fault *reterr)
{
	bug_if(ref->plain_len != spool_size(plain));
	struct sealer s = {.key = key, .write = sink->write, .arg = sink->arg};
	struct spool *packed = spool_new(sink->scratch_dir, SPOOL_MEMORY);
	int rc = pack(plain, packed, reterr);
	if (rc == 0) {
		bool zstd = spool_size(packed) < spool_size(plain);
		rc = seal(&s, ref, zstd, zstd ? packed : plain, ret_sealed, reterr);
	}
	spool_free(packed);
	return rc;
}
