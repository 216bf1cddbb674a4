// SPDX-License-Identifier: Apache-2.0
/* Sealed objects: every length comes back, every attack is refused (storage.md ST-22..26). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/vault/object.h"

static const uint8_t dedup[KEY_LEN] = {1, 2, 3};
static const uint8_t key_a[KEY_LEN] = {4, 5, 6};
static const uint8_t key_b[KEY_LEN] = {7, 8, 9};

static int to_buf(void *arg, struct span bytes, struct fault *reterr)
{
	(void)reterr;
	buf_add(arg, bytes.p, bytes.n);
	return 0;
}

struct reading {
	struct span file;
	size_t most; /* bytes per read, so that reads fall across frames */
};

static ssize_t from_span(void *arg, uint8_t *p, size_t n, struct fault *reterr)
{
	struct reading *r = arg;
	(void)reterr;
	n = size_min(size_min(n, r->file.n), r->most);
	if (n > 0)
		memcpy(p, r->file.p, n);
	r->file.p += n;
	r->file.n -= n;
	return (ssize_t)n;
}

static struct spool *spool_of(struct span plain)
{
	struct fault f;
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	struct spool *s = spool_new(dir, SPOOL_MEMORY);
	for (size_t i = 0; i < plain.n; i += 100000)
		assert_int_equal(
			spool_add(s, (struct span){plain.p + i, size_min(100000, plain.n - i)}, &f),
			0);
	close(dir); /* only needed to open the file */
	return s;
}

static struct object_ref ref_of(struct spool *plain, enum object_kind kind)
{
	struct fault f;
	struct object_ref ref = {.kind = kind, .incarnation = 77, .plain_len = spool_size(plain)};
	ref.tenant.b[3] = 9;
	assert_int_equal(object_oid(dedup, kind, plain, ref.oid, &f), 0);
	return ref;
}

static struct object_ref seal_it(
	struct span plain, enum object_kind kind, const uint8_t *key, struct buf *out)
{
	struct fault f = FAULT_INIT;
	struct object_sealed sealed;
	uint8_t digest[32];
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	struct spool *s = spool_of(plain);
	struct object_ref ref = ref_of(s, kind);
	assert_int_equal(
		object_seal(&ref, key, s, &(struct object_sink){to_buf, out, dir}, &sealed, &f), 0);
	sha256(buf_span(out), digest);
	assert_memory_equal(digest, sealed.cipher, 32);
	assert_int_equal(sealed.stored_len, out->n);
	spool_free(s);
	close(dir);
	return ref;
}

/* 0 and the plaintext, or -1 and the reason. */
static int open_it(const struct object_ref *ref, const uint8_t *key, struct span file, size_t most,
	struct buf *plain, struct fault *f)
{
	struct reading reading = {file, most};
	struct object_reader *r = object_reader_new(ref, key, dedup, from_span, &reading);
	struct span piece;
	int rc;
	*f = FAULT_INIT;
	while ((rc = object_next(r, &piece, f)) == 0 && piece.n > 0)
		buf_add(plain, piece.p, piece.n);
	if (rc == 0)
		assert_int_equal(object_reader_sealed(r)->stored_len, file.n);
	object_reader_free(r);
	return rc;
}

static void refused(
	const struct object_ref *ref, const uint8_t *key, struct span file, const char *reason)
{
	struct buf plain = BUF_INIT;
	struct fault f;
	assert_int_equal(open_it(ref, key, file, 1000000, &plain, &f), -1);
	if (reason != NULL)
		assert_string_equal(f.reason, reason);
	buf_fini(&plain);
}

/* Half noise, half text: both kept raw and packed are met. */
static void fill(uint8_t *p, size_t n, unsigned seed, bool noise)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = noise ? (uint8_t)(seed >> 16)
			     : (uint8_t)("cn: Ana\r\n"[i % 9] + (i % 1000 == 0));
	}
}

static void every_length_comes_back(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 2, 127, 4096, 65535, 65536, 65537, 131072, 262144,
		262145, 1048577, 5 * 1024 * 1024};
	for (size_t i = 0; i < array_len(sizes) * 2; i++) {
		size_t n = sizes[i / 2];
		uint8_t *p = malloc(n + 1);
		struct buf sealed = BUF_INIT, plain = BUF_INIT;
		struct fault f;
		fill(p, n, (unsigned)i, i % 2 == 0);
		struct object_ref ref =
			seal_it((struct span){p, n}, OBJECT_CANON_ABK, key_a, &sealed);
		assert_int_equal(open_it(&ref, key_a, buf_span(&sealed), 10000, &plain, &f), 0);
		assert_int_equal(plain.n, n);
		if (n > 0)
			assert_memory_equal(plain.p, p, n);
		buf_fini(&sealed);
		buf_fini(&plain);
		free(p);
	}
}

static void random_lengths_come_back(void **state)
{
	(void)state;
	unsigned seed = 42;
	for (unsigned i = 0; i < 200; i++) {
		seed = seed * 1103515245 + 12345;
		size_t n = seed % 200000;
		uint8_t *p = malloc(n + 1);
		struct buf sealed = BUF_INIT, plain = BUF_INIT;
		struct fault f;
		fill(p, n, seed, i % 3 == 0);
		struct object_ref ref = seal_it((struct span){p, n}, OBJECT_OPAQUE, key_a, &sealed);
		assert_int_equal(
			open_it(&ref, key_a, buf_span(&sealed), 1 + seed % 90000, &plain, &f), 0);
		assert_int_equal(plain.n, n);
		if (n > 0)
			assert_memory_equal(plain.p, p, n);
		buf_fini(&sealed);
		buf_fini(&plain);
		free(p);
	}
}

static void seal_attacks_every_flipped_bit_is_refused_st_26(void **state)
{
	(void)state;
	struct buf sealed = BUF_INIT;
	struct object_ref ref = seal_it((struct span){(const uint8_t *)"an address book", 15},
		OBJECT_CANON_ABK, key_a, &sealed);
	for (size_t bit = 0; bit < sealed.n * 8; bit++) {
		sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused(&ref, key_a, buf_span(&sealed), NULL);
		sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_fini(&sealed);
}

static void seal_attacks_every_cut_and_every_added_byte_is_refused(void **state)
{
	(void)state;
	struct buf sealed = BUF_INIT;
	uint8_t p[300];
	fill(p, sizeof(p), 1, true);
	struct object_ref ref = seal_it((struct span){p, sizeof(p)}, OBJECT_OPAQUE, key_a, &sealed);
	for (size_t n = 0; n < sealed.n; n++)
		refused(&ref, key_a, (struct span){sealed.p, n}, "length");
	buf_addc(&sealed, 0);
	refused(&ref, key_a, buf_span(&sealed), "length");
	buf_fini(&sealed);
}

static void seal_attacks_frames_keep_their_places(void **state)
{
	(void)state;
	const size_t frame = OBJECT_FRAME + GCM_TAG;
	size_t n = 4 * OBJECT_FRAME;
	uint8_t *p = malloc(n), *moved = malloc(n + 4096);
	struct buf sealed = BUF_INIT;
	fill(p, n, 5, true);
	struct object_ref ref = seal_it((struct span){p, n}, OBJECT_OPAQUE, key_a, &sealed);
	assert_int_equal(sealed.n, OBJECT_HEADER + 4 * frame);
	/* two frames swapped */
	memcpy(moved, sealed.p, sealed.n);
	memcpy(moved + OBJECT_HEADER, sealed.p + OBJECT_HEADER + frame, frame);
	memcpy(moved + OBJECT_HEADER + frame, sealed.p + OBJECT_HEADER, frame);
	refused(&ref, key_a, (struct span){moved, sealed.n}, "tag");
	/* one frame twice */
	memcpy(moved + OBJECT_HEADER, sealed.p + OBJECT_HEADER, frame);
	refused(&ref, key_a, (struct span){moved, sealed.n}, "tag");
	/* cut at a frame */
	refused(&ref, key_a, (struct span){sealed.p, sealed.n - frame}, "length");
	/* cut, and the header made to agree: the last flag and the header's digest tell */
	memcpy(moved, sealed.p, sealed.n - frame);
	moved[84 + 5] = 3;
	moved[84 + 6] = 0;
	moved[84 + 7] = 0;
	moved[76 + 5] = 3;
	moved[76 + 6] = 0;
	moved[76 + 7] = 0;
	struct object_ref shorter = ref;
	shorter.plain_len = 3 * OBJECT_FRAME;
	refused(&shorter, key_a, (struct span){moved, sealed.n - frame}, "tag");
	buf_fini(&sealed);
	free(moved);
	free(p);
}

static void seal_attacks_an_object_is_not_another(void **state)
{
	(void)state;
	struct span one = {(const uint8_t *)"book one", 8}, two = {(const uint8_t *)"book two", 8};
	struct buf a = BUF_INIT, b = BUF_INIT, again = BUF_INIT;
	struct object_ref ra = seal_it(one, OBJECT_CANON_ABK, key_a, &a);
	struct object_ref rb = seal_it(two, OBJECT_CANON_ABK, key_b, &b);
	refused(&ra, key_a, buf_span(&b), "header");     /* swapped files */
	refused(&ra, key_b, buf_span(&a), "commitment"); /* wrong key */
	struct object_ref wrong = ra;
	wrong.tenant.b[0] ^= 1;
	refused(&wrong, key_a, buf_span(&a), "header");
	wrong = ra;
	wrong.kind = OBJECT_OPAQUE;
	refused(&wrong, key_a, buf_span(&a), "header");
	wrong = ra;
	wrong.incarnation++;
	refused(&wrong, key_a, buf_span(&a), "header");
	/* an old header of the same object before newer frames */
	(void)seal_it(one, OBJECT_CANON_ABK, key_a, &again);
	memcpy(again.p, a.p, OBJECT_HEADER);
	refused(&ra, key_a, buf_span(&again), "tag");
	/* content under the name of another: only who has the key can make it, and it is still
	 * refused */
	struct buf forged = BUF_INIT;
	struct fault f;
	struct object_sealed sealed;
	struct spool *s = spool_of(two);
	assert_int_equal(
		object_seal(&ra, key_a, s, &(struct object_sink){to_buf, &forged, -1}, &sealed, &f),
		0);
	refused(&ra, key_a, buf_span(&forged), "oid");
	spool_free(s);
	assert_memory_not_equal(ra.oid, rb.oid, OID_LEN);
	buf_fini(&a);
	buf_fini(&b);
	buf_fini(&again);
	buf_fini(&forged);
}

static void equal_content_of_two_kinds_has_two_names_st_22(void **state)
{
	(void)state;
	struct spool *s = spool_of((struct span){(const uint8_t *)"x", 1});
	struct object_ref a = ref_of(s, OBJECT_CANON_ABK), b = ref_of(s, OBJECT_META);
	struct object_ref c = ref_of(s, OBJECT_CANON_ABK);
	assert_memory_not_equal(a.oid, b.oid, OID_LEN);
	assert_memory_equal(a.oid, c.oid, OID_LEN);
	spool_free(s);
}

static void padding_hides_the_length_and_costs_at_most_12_percent_st_23(void **state)
{
	(void)state;
	uint64_t last = 0;
	for (uint64_t n = 0; n < 300000; n = n < 2000 ? n + 1 : n + 997) {
		uint64_t p = object_padded(n);
		assert_true(p >= n && p >= last);
		assert_true(n == 0 || (p - n) * 100 <= n * 12);
		assert_int_equal(object_padded(p), p);
		last = p;
	}
	assert_int_equal(object_padded(1000), 1024);
	assert_int_equal(object_padded(100000), 100352);
}

static void packing_is_kept_only_when_it_helps_st_23(void **state)
{
	(void)state;
	uint8_t p[100000];
	struct buf packed = BUF_INIT, raw = BUF_INIT;
	fill(p, sizeof(p), 1, false);
	(void)seal_it((struct span){p, sizeof(p)}, OBJECT_CANON_ABK, key_a, &packed);
	fill(p, sizeof(p), 1, true);
	(void)seal_it((struct span){p, sizeof(p)}, OBJECT_CANON_ABK, key_a, &raw);
	assert_true(packed.n < 10000);
	assert_int_equal(raw.n, object_stored_len(sizeof(p)));
	buf_fini(&packed);
	buf_fini(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(random_lengths_come_back),
		cmocka_unit_test(seal_attacks_every_flipped_bit_is_refused_st_26),
		cmocka_unit_test(seal_attacks_every_cut_and_every_added_byte_is_refused),
		cmocka_unit_test(seal_attacks_frames_keep_their_places),
		cmocka_unit_test(seal_attacks_an_object_is_not_another),
		cmocka_unit_test(equal_content_of_two_kinds_has_two_names_st_22),
		cmocka_unit_test(padding_hides_the_length_and_costs_at_most_12_percent_st_23),
		cmocka_unit_test(packing_is_kept_only_when_it_helps_st_23),
	};
	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
