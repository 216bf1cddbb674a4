// SPDX-License-Identifier: Apache-2.0
/* The SP wire of the bus (docs/spec/bus.md section 3), byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "common/bus/frame.h"

#define MAX ((size_t)1000)

static const struct wire req = {SP_REQ, false}, rep = {SP_REP, false}, pub = {SP_PUB, false},
			 sub = {SP_SUB, false};

static enum frame_state read_req(const void *p, size_t n, struct frame *f, size_t *size)
{
	return frame_read((struct span){p, n}, req, MAX, f, size);
}

static void a_hello_names_the_protocol_and_only_the_right_peer_is_taken(void **state)
{
	static const enum sp_proto all[] = {SP_PUB, SP_SUB, SP_REQ, SP_REP};
	static const uint8_t hello[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
	uint8_t out[HELLO_SIZE];

	(void)state;
	hello_write(out, SP_REQ);
	assert_memory_equal(out, hello, HELLO_SIZE);
	for (size_t i = 0; i < array_len(all); i++) {
		for (size_t j = 0; j < array_len(all); j++) {
			enum frame_state want =
				(all[i] ^ 1u) == all[j] ? FRAME_WHOLE : FRAME_REFUSED;
			hello_write(out, all[i]);
			assert_int_equal(hello_read((struct span){out, 8}, all[j]), want);
		}
	}
}

static void a_hello_is_refused_at_its_first_wrong_byte(void **state)
{
	uint8_t out[HELLO_SIZE];

	(void)state;
	for (size_t n = 0; n < HELLO_SIZE; n++) {
		hello_write(out, SP_REP);
		assert_int_equal(hello_read((struct span){out, n}, SP_REQ), FRAME_PART);
		out[n] ^= 0x40;
		assert_int_equal(hello_read((struct span){out, n + 1}, SP_REQ), FRAME_REFUSED);
	}
}

static void a_frame_has_length_id_and_body(void **state)
{
	static const uint8_t golden[] = {0, 0, 0, 0, 0, 0, 0, 7, 0x80, 0, 1, 2, 'a', 'b', 'c'};
	uint8_t head[FRAME_HEAD_MAX];
	struct frame f;
	size_t size;

	(void)state;
	assert_int_equal(frame_head(head, req, 0x80000102, 3), 12);
	assert_memory_equal(head, golden, 12);
	assert_int_equal(read_req(golden, sizeof(golden), &f, &size), FRAME_WHOLE);
	assert_int_equal(size, sizeof(golden));
	assert_int_equal(f.id, 0x80000102);
	assert_int_equal(f.body.n, 3);
	assert_memory_equal(f.body.p, "abc", 3);
	assert_int_equal(frame_head(head, pub, 0, 3), 8);
}

static void a_cut_frame_waits_for_its_rest_at_every_byte(void **state)
{
	static const uint8_t golden[] = {0, 0, 0, 0, 0, 0, 0, 7, 0x80, 0, 1, 2, 'a', 'b', 'c'};
	struct frame f;
	size_t size;

	(void)state;
	for (size_t n = 0; n < sizeof(golden); n++) {
		assert_int_equal(read_req(golden, n, &f, &size), FRAME_PART);
		assert_int_equal(size, n < 8 ? 0 : sizeof(golden));
	}
}

static void a_length_above_the_limit_is_refused_from_the_length_word_alone(void **state)
{
	static const uint8_t huge[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t head[FRAME_HEAD_MAX];
	struct frame f;
	size_t size;

	(void)state;
	assert_int_equal(read_req(huge, 8, &f, &size), FRAME_REFUSED);
	(void)frame_head(head, req, FRAME_ID_BIT, MAX + 1);
	assert_int_equal(read_req(head, 8, &f, &size), FRAME_REFUSED);
	(void)frame_head(head, req, FRAME_ID_BIT, MAX);
	assert_int_equal(read_req(head, 8, &f, &size), FRAME_PART);
	(void)frame_head(head, sub, 0, MAX + 1);
	assert_int_equal(frame_read((struct span){head, 8}, sub, MAX, &f, &size), FRAME_REFUSED);
}

static void a_call_without_a_request_id_is_refused(void **state)
{
	static const uint8_t short_one[] = {0, 0, 0, 0, 0, 0, 0, 3, 0x80, 0, 0};
	static const uint8_t no_bit[] = {0, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0, 0, 1};
	struct frame f;
	size_t size;

	(void)state;
	assert_int_equal(read_req(short_one, sizeof(short_one), &f, &size), FRAME_REFUSED);
	assert_int_equal(read_req(no_bit, sizeof(no_bit), &f, &size), FRAME_REFUSED);
}

static void an_empty_body_is_a_frame(void **state)
{
	uint8_t head[FRAME_HEAD_MAX];
	struct frame f;
	size_t size;

	(void)state;
	size_t n = frame_head(head, rep, FRAME_ID_BIT | 5, 0);
	assert_int_equal(read_req(head, n, &f, &size), FRAME_WHOLE);
	assert_int_equal(f.body.n, 0);
	n = frame_head(head, pub, 0, 0);
	assert_int_equal(frame_read((struct span){head, n}, sub, MAX, &f, &size), FRAME_WHOLE);
}

static void over_ipc_each_frame_begins_with_its_type(void **state)
{
	static const uint8_t golden[] = {1, 0, 0, 0, 0, 0, 0, 0, 5, 0x80, 0, 0, 7, 'a'};
	static const uint8_t wrong[] = {2};
	const struct wire ipc = {SP_REQ, true};
	uint8_t head[FRAME_HEAD_MAX];
	struct frame f;
	size_t size;

	(void)state;
	assert_int_equal(frame_head(head, ipc, 0x80000007, 1), 13);
	assert_memory_equal(head, golden, 13);
	for (size_t n = 0; n < sizeof(golden); n++)
		assert_int_equal(
			frame_read((struct span){golden, n}, ipc, MAX, &f, &size), FRAME_PART);
	assert_int_equal(frame_read((struct span){golden, sizeof(golden)}, ipc, MAX, &f, &size),
		FRAME_WHOLE);
	assert_int_equal(size, sizeof(golden));
	assert_int_equal(f.id, 0x80000007);
	assert_memory_equal(f.body.p, "a", 1);
	assert_int_equal(frame_read((struct span){wrong, 1}, ipc, MAX, &f, &size), FRAME_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_names_the_protocol_and_only_the_right_peer_is_taken),
		cmocka_unit_test(a_hello_is_refused_at_its_first_wrong_byte),
		cmocka_unit_test(a_frame_has_length_id_and_body),
		cmocka_unit_test(a_cut_frame_waits_for_its_rest_at_every_byte),
		cmocka_unit_test(a_length_above_the_limit_is_refused_from_the_length_word_alone),
		cmocka_unit_test(a_call_without_a_request_id_is_refused),
		cmocka_unit_test(an_empty_body_is_a_frame),
		cmocka_unit_test(over_ipc_each_frame_begins_with_its_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
