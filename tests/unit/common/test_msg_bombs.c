// SPDX-License-Identifier: Apache-2.0
/* msg_bomb_*: bytes that make a msgpack reader reserve gigabytes, nest without end, or hold what no
 * message of ours holds, are refused before it sees them, within 64 MiB (SE-50, SE-51, SE-52). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "gen/msg.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif

#define HEAD "\x93\xcd\x00\x03\x80" /* a frame of ping up to its body */

struct bomb {
	const char *name;
	const char *bytes;
	size_t n;
	const char *says; /* part of the detail */
};
#define BOMB(name, bytes, says)                                                                    \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, says                                               \
	}

static const struct bomb bombs[] = {
	BOMB("nothing at all", "", "middle"),
	BOMB("array32 of 4,294,967,295", "\xdd\xff\xff\xff\xff", "count"),
	BOMB("map32 of 4,294,967,295", "\xdf\xff\xff\xff\xff", "count"),
	BOMB("array16 of 65,535", "\xdc\xff\xff", "count"),
	BOMB("map16 of 65,535", "\xde\xff\xff", "count"),
	BOMB("array32 of half a billion in a frame", HEAD "\xdd\x20\x00\x00\x00", "count"),
	BOMB("map32 whose pairs would fit as single objects", "\xdf\x00\x00\x00\x02\x01\x01\x02",
		"count"),
	BOMB("nested counts of 19 bytes",
		"\x91\xdd\x0f\xff\xff\xff\xdd\x0f\xff\xff\xff\xdd\x0f\xff\xff\xff\xc0\xc0\xc0",
		"count"),
	BOMB("text32 of 4 GiB", "\xdb\xff\xff\xff\xff", "middle"),
	BOMB("bytes32 of 4 GiB", "\xc6\xff\xff\xff\xff", "middle"),
	BOMB("text16 longer than the frame",
		"\xda\xff\xff"
		"abc",
		"middle"),
	BOMB("bytes8 one byte short",
		"\xc4\x03"
		"ab",
		"middle"),
	BOMB("text8 one byte short",
		"\xd9\x03"
		"ab",
		"middle"),
	BOMB("fixtext one byte short",
		"\xa3"
		"ab",
		"middle"),
	BOMB("ext8 of nothing", "\xc7\x00\x01", "extension"),
	BOMB("ext16", "\xc8\x00\x01\x01\x00", "extension"),
	BOMB("ext32 of 4 GiB", "\xc9\xff\xff\xff\xff\x01", "extension"),
	BOMB("fixext1", "\xd4\x01\x00", "extension"),
	BOMB("fixext16",
		"\xd8\x01"
		"0123456789abcdef",
		"extension"),
	BOMB("reserved byte", "\xc1", "0xc1"),
	BOMB("reserved byte in a frame", HEAD "\x81\x01\xc1", "0xc1"),
	BOMB("a key twice", HEAD "\x82\x01\x01\x01\x02", "twice"),
	BOMB("a key twice in two forms", HEAD "\x82\x01\x01\xcc\x01\x02", "twice"),
	BOMB("key 255 twice", HEAD "\x82\xcc\xff\x01\xcc\xff\x02", "twice"),
	BOMB("a text as key", HEAD "\x81\xa1x\x01", "key"),
	BOMB("a map as key", HEAD "\x81\x80\x01", "key"),
	BOMB("an array as key", HEAD "\x81\x90\x01", "key"),
	BOMB("nil as key", HEAD "\x81\xc0\x01", "key"),
	BOMB("a negative key", HEAD "\x81\xff\x01", "key"),
	BOMB("a key of two bytes", HEAD "\x81\xcd\x01\x00\x01", "key"),
	BOMB("a key without its number", HEAD "\x81\xcc", "count"),
	BOMB("a key without its value", HEAD "\x81\x01", "count"),
	BOMB("a float without its bytes", "\xcb\x00", "middle"),
	BOMB("a number without its bytes", "\xcf\x00\x00", "middle"),
	BOMB("a negative number without its bytes", "\xd3\x00\x00", "middle"),
	BOMB("text with NUL",
		HEAD "\x81\x01\xa3"
		     "a\0b",
		"NUL"),
	BOMB("text in Latin-1", HEAD "\x81\x01\xa1\xe9", "UTF-8"),
	BOMB("text with an overlong slash", HEAD "\x81\x01\xa2\xc0\xaf", "UTF-8"),
	BOMB("text with a surrogate", HEAD "\x81\x01\xa3\xed\xa0\x80", "UTF-8"),
	BOMB("text above U+10FFFF", HEAD "\x81\x01\xa4\xf4\x90\x80\x80", "UTF-8"),
	BOMB("text cut inside a character", HEAD "\x81\x01\xa2\xe6\x9d", "UTF-8"),
	BOMB("two objects", HEAD "\x80\x80", "after the end"),
	BOMB("a byte after the end", HEAD "\x80\x00", "after the end"),
	BOMB("a frame that ends after its id", "\x93\xcd\x00\x03", "middle"),
	BOMB("an array header and no more", "\x93", "count"),
};

static void check_refused(const char *name, struct span bytes, const char *says)
{
	struct fault err = FAULT_INIT;
	struct arena arena;
	const struct msg_desc *desc;
	struct msg_header header;
	void *body;

	arena_init(&arena, 0);
	/* an exact copy on the heap, so that a sanitizer sees a byte read too far */
	uint8_t *copy = malloc(bytes.n > 0 ? bytes.n : 1);
	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	if (msg_prescan((struct span){copy, bytes.n}, &err) == 0)
		fail_msg("%s was accepted", name);
	assert_int_equal(err.code, CN_PROTOCOL_ERROR);
	if (strstr(err.detail, says) == NULL)
		fail_msg("%s: '%s' does not say '%s'", name, err.detail, says);
	assert_int_equal(
		msg_decode((struct span){copy, bytes.n}, &arena, &desc, &header, &body, &err), -1);
	assert_null(desc);
	assert_null(body);
	assert_int_equal(arena.used, 0);
	free(copy);
	arena_fini(&arena);
}

static void msg_bomb_is_refused_by_the_prescan(void **state)
{
	(void)state;
	assert_true(array_len(bombs) >= 30);
	for (size_t i = 0; i < array_len(bombs); i++)
		check_refused(bombs[i].name,
			(struct span){(const uint8_t *)bombs[i].bytes, bombs[i].n}, bombs[i].says);
}

static struct buf nested(size_t depth, const char *open)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < depth; i++)
		buf_adds(&b, open);
	buf_addc(&b, 0);
	return b;
}

static void msg_bomb_depth_16_passes_and_17_does_not(void **state)
{
	struct fault err = FAULT_INIT;
	struct buf good = nested(16, "\x91");
	struct buf bad = nested(17, "\x91");
	struct buf maps = nested(17, "\x81\x01");
	struct buf endless = nested(1000000, "\x91");

	(void)state;
	assert_int_equal(msg_prescan(buf_span(&good), &err), 0);
	check_refused("17 arrays", buf_span(&bad), "deep");
	check_refused("17 maps", buf_span(&maps), "deep");
	check_refused("a million arrays", buf_span(&endless), "deep");
	buf_fini(&good);
	buf_fini(&bad);
	buf_fini(&maps);
	buf_fini(&endless);
}

static void msg_bomb_counts_are_bounded_in_all(void **state)
{
	struct buf b = BUF_INIT;
	struct fault err = FAULT_INIT;

	(void)state;
	/* 1 + 131,071 elements pass, one more does not */
	buf_add(&b, "\x91\xdd\x00\x01\xff\xff", 6);
	for (int i = 0; i < 131071; i++)
		buf_addc(&b, 0);
	assert_int_equal(msg_prescan(buf_span(&b), &err), 0);
	buf_reset(&b);
	buf_add(&b, "\x91\xdd\x00\x02\x00\x00", 6);
	for (int i = 0; i < 131072; i++)
		buf_addc(&b, 0);
	check_refused("131,073 elements", buf_span(&b), "too many elements");
	buf_fini(&b);
}

static void msg_bomb_a_frame_over_1_mib_is_refused_unread(void **state)
{
	struct buf b = BUF_INIT;
	struct fault err = FAULT_INIT;

	(void)state;
	buf_add(&b, "\xc6\x00\x0f\xff\xfb", 5);
	while (b.n < MSG_MAX)
		buf_addc(&b, 'x');
	assert_int_equal(msg_prescan(buf_span(&b), &err), 0);
	buf_addc(&b, 'x');
	assert_int_equal(msg_prescan(buf_span(&b), &err), -1);
	assert_string_equal(err.reason, "message_too_big");
	buf_fini(&b);
}

/* Good msgpack, within all counts, that would become the most memory. */
static void msg_bomb_empty_structs_do_not_fill_memory(void **state)
{
	struct buf b = BUF_INIT;
	struct arena arena;
	struct fault err = FAULT_INIT;
	const struct msg_desc *desc;
	struct msg_header header;
	void *body;

	(void)state;
	arena_init(&arena, 0);
	/* device_page: 1,000 devices of one byte each */
	buf_add(&b, "\x93\xcd\x02\x11\x80\x81\x01\xdc\x03\xe8", 10);
	for (int i = 0; i < 1000; i++)
		buf_addc(&b, (char)0x80);
	assert_int_equal(msg_decode(buf_span(&b), &arena, &desc, &header, &body, &err), -1);
	assert_string_equal(err.reason, "too_long");
	assert_true(arena.used < 64 * 1024 + 32 * b.n);
	buf_fini(&b);
	arena_fini(&arena);
}

static void msg_bomb_cut_frames_are_refused_at_every_length(void **state)
{
	struct m_device_one m = {
		.device = &(struct m_device){
			.name = "Lyon", .serial = "é", .type = DEVICE_TYPE_I, .version = 70000}};
	struct msg_header h = {.sender = "s", .protocol = 1};
	struct fault err;
	struct buf b = BUF_INIT;

	(void)state;
	msg_encode(&b, &m_device_one_desc, &h, &m);
	assert_int_equal(msg_prescan(buf_span(&b), &err), 0);
	for (size_t n = 0; n < b.n; n++)
		check_refused("cut frame", (struct span){b.p, n}, "");
	buf_fini(&b);
}

/* Whatever a byte becomes, nothing crashes and memory stays small. */
static void msg_bomb_flipped_bytes_are_refused_or_harmless(void **state)
{
	struct m_device_one m = {
		.device = &(struct m_device){
			.name = "Lyon", .serial = "é", .type = DEVICE_TYPE_I, .version = 70000}};
	struct msg_header h = {.sender = "s", .protocol = 1};
	struct buf b = BUF_INIT;

	(void)state;
	msg_encode(&b, &m_device_one_desc, &h, &m);
	for (size_t i = 0; i < b.n * 256; i++) {
		struct arena arena;
		struct fault err = FAULT_INIT;
		const struct msg_desc *desc;
		struct msg_header header;
		void *body;
		uint8_t old = b.p[i / 256];
		b.p[i / 256] = (uint8_t)i;
		arena_init(&arena, 0);
		int rc = msg_decode(buf_span(&b), &arena, &desc, &header, &body, &err);
		assert_true(rc == 0 ? body != NULL : err.code != 0);
		arena_fini(&arena);
		b.p[i / 256] = old;
	}
	buf_fini(&b);
}

/* 64 MiB above what the program has now; a sanitizer reserves terabytes, so not there. */
static int limit_memory(void **state)
{
	struct rlimit r;
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	(void)state;
	if (HAS_ASAN)
		return 0;
	if (f == NULL || fscanf(f, "%lu", &pages) != 1)
		return -1;
	(void)fclose(f);
	r.rlim_cur = r.rlim_max = pages * 4096 + (rlim_t)64 * 1024 * 1024;
	return setrlimit(RLIMIT_AS, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(msg_bomb_is_refused_by_the_prescan),
		cmocka_unit_test(msg_bomb_depth_16_passes_and_17_does_not),
		cmocka_unit_test(msg_bomb_counts_are_bounded_in_all),
		cmocka_unit_test(msg_bomb_a_frame_over_1_mib_is_refused_unread),
		cmocka_unit_test(msg_bomb_empty_structs_do_not_fill_memory),
		cmocka_unit_test(msg_bomb_cut_frames_are_refused_at_every_length),
		cmocka_unit_test(msg_bomb_flipped_bytes_are_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, limit_memory, NULL);
}
