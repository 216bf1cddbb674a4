// SPDX-License-Identifier: Apache-2.0
/* Frames that are good msgpack but break their schema, and structs that break their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "gen/msg.h"

struct frame {
	struct arena arena;
	struct fault err;
	const struct msg_desc *desc;
	struct msg_header header;
	void *body;
	int rc;
};

/* body: what follows [id, header,. */
static struct frame decode(uint16_t id, const char *body, size_t n)
{
	struct frame f = {.rc = 0};
	struct buf b = BUF_INIT;

	arena_init(&f.arena, 0);
	buf_add(&b, "\x93\xcd", 2);
	buf_addc(&b, (char)(id >> 8));
	buf_addc(&b, (char)id);
	buf_add(&b, "\x82\x01\xa2me\x05\x01", 7);
	buf_add(&b, body, n);
	f.rc = msg_decode(buf_span(&b), &f.arena, &f.desc, &f.header, &f.body, &f.err);
	buf_fini(&b);
	return f;
}
#define DECODE(id, body) decode(id, body, sizeof(body) - 1)

static void refused(struct frame f, const char *reason, const char *detail)
{
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.err.code, CN_VALIDATION_FAILED);
	assert_string_equal(f.err.reason, reason);
	assert_string_equal(f.err.detail, detail);
	assert_null(f.body);
	/* enough is known to answer */
	assert_non_null(f.desc);
	assert_string_equal(f.header.sender, "me");
	arena_fini(&f.arena);
}

static void a_body_that_breaks_its_schema_is_refused_with_the_place(void **state)
{
	(void)state;
	refused(DECODE(MSG_FAULT, "\x80"), "required", "code: is required");
	refused(DECODE(MSG_FAULT, "\x81\x01\xc0"), "required", "code: is required");
	refused(DECODE(MSG_FAULT, "\x81\x01\xa1x"), "wrong_type", "code: wrong type");
	refused(DECODE(MSG_RUN_GET, "\x81\x01\xc4\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "required",
		"id: is required");
	refused(DECODE(MSG_FAULT, "\x81\x01\xff"), "wrong_type", "code: wrong type");
	refused(DECODE(MSG_FAULT, "\x81\x01\xcd\x27\x10"), "out_of_range",
		"code: number is too large");
	refused(DECODE(MSG_FAULT, "\x90"), "wrong_type", "wrong type");
	refused(DECODE(MSG_LOGIN, "\x82\x01\xa1x\x02\xc4\x01x"), "wrong_type",
		"password: wrong type");
	refused(DECODE(MSG_VERSION_GET, "\x81\x01\xc4\x0f"
					"123456789012345"),
		"wrong_type", "id: wrong type");
	refused(DECODE(MSG_RUN_LIST, "\x81\x02\x0f"), "unknown_word",
		"state: unknown number of an enum");
	refused(DECODE(MSG_RUN_LIST, "\x81\x02\x00"), "unknown_word",
		"state: unknown number of an enum");
	refused(DECODE(MSG_DEVICE_ONE, "\x81\x01\x81\x17\x01"), "wrong_type",
		"device.simulated: wrong type");
	refused(DECODE(MSG_DEVICE_ONE, "\x81\x01\x81\x0a\x92\x82\x01\xa1x\x02\x01\x81\x01\xa1y"),
		"required", "device.ports[1].port: is required");
	refused(DECODE(MSG_DEVICE_ONE, "\x81\x01\x81\x1e\xff"), "out_of_range",
		"device.last_success_at: number is out of range");
	refused(DECODE(MSG_DEVICE_ONE, "\x81\x01\x81\x16\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
		"out_of_range", "device.version: number is too large");
	refused(DECODE(MSG_LOCK_EXPLAIN, "\x82\x01\xa1x\x03\xa1x"), "wrong_type",
		"devices: wrong type");
	refused(DECODE(MSG_LOCK_EXPLAIN, "\x82\x01\xa1x\x04\x91\xc0"), "wrong_type",
		"items[0]: wrong type");
}

static void texts_and_lists_are_held_to_their_bounds(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_add(&b, "\x81\x01\xd9\x81", 4); /* ref: text 128 */
	for (int i = 0; i < 129; i++)
		buf_addc(&b, 'x');
	refused(decode(MSG_DEVICE_GET, buf_str(&b), b.n), "too_long", "ref: text is too long");
	buf_reset(&b);
	buf_add(&b, "\x81\x01\xd9\x80", 4);
	for (int i = 0; i < 128; i++)
		buf_addc(&b, 'x');
	struct frame f = decode(MSG_DEVICE_GET, buf_str(&b), b.n);
	assert_int_equal(f.rc, 0);
	assert_int_equal(strlen(((struct m_device_get *)f.body)->ref), 128);
	arena_fini(&f.arena);
	buf_reset(&b);
	buf_add(&b, "\x82\x01\xa1x\x04\xdc\x00\x21", 8); /* items: list 32 */
	for (int i = 0; i < 33; i++)
		buf_add(&b, "\xa1x", 2);
	refused(decode(MSG_LOCK_EXPLAIN, buf_str(&b), b.n), "too_many", "items: too many items");
	buf_fini(&b);
}

static void unknown_members_of_a_newer_version_are_skipped(void **state)
{
	struct frame f = DECODE(MSG_FAULT, "\x84\xcc\xc8\x82\x01\x93\x01\x02\x03\x02\xcb"
					   "12345678"
					   "\x01\x07\xcc\xc9\xc4\x01x\x03\xa1r");
	const struct m_fault *m = f.body;

	(void)state;
	assert_int_equal(f.rc, 0);
	assert_int_equal(m->code, 7);
	assert_string_equal(m->reason, "r");
	assert_null(m->detail);
	assert_int_equal(m->has, HAS_FAULT__CODE | HAS_FAULT__REASON);
	arena_fini(&f.arena);
}

static void an_unknown_message_is_refused_but_its_header_is_read(void **state)
{
	struct frame f = DECODE(0x7777, "\x80");

	(void)state;
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.err.code, CN_PROTOCOL_ERROR);
	assert_string_equal(f.err.reason, "unknown_message");
	assert_null(f.desc);
	assert_string_equal(f.header.sender, "me");
	arena_fini(&f.arena);
}

static void what_is_no_frame_is_refused(void **state)
{
	static const struct span wrong[] = {
		{(const uint8_t *)"\xc0", 1},
		{(const uint8_t *)"\x80", 1},
		{(const uint8_t *)"\x93\x03\x80\x80", 4}, /* id not in two bytes */
		{(const uint8_t *)"\x93\xcc\x03\x80\x80", 5},
		{(const uint8_t *)"\x92\xcd\x00\x03\x80", 5},
		{(const uint8_t *)"\xdc\x00\x03\xcd\x00\x03\x80\x80", 8},
	};

	(void)state;
	for (size_t i = 0; i < array_len(wrong); i++) {
		struct frame f = {.rc = 0};
		arena_init(&f.arena, 0);
		assert_int_equal(
			msg_decode(wrong[i], &f.arena, &f.desc, &f.header, &f.body, &f.err), -1);
		assert_string_equal(f.err.reason, "message_malformed");
		arena_fini(&f.arena);
	}
}

static void an_arena_that_is_full_refuses_instead_of_failing(void **state)
{
	struct m_device_get m = {.ref = "Lyon"};
	struct msg_header header = {.protocol = 1};
	struct buf b = BUF_INIT;

	(void)state;
	msg_encode(&b, &m_device_get_desc, &header, &m);
	for (size_t cap = 1; cap < 64; cap += 16) {
		struct frame f = {.rc = 0};
		arena_init(&f.arena, cap);
		f.rc = msg_decode(buf_span(&b), &f.arena, &f.desc, &f.header, &f.body, &f.err);
		assert_true(f.rc == 0 || f.err.code == CN_VALIDATION_FAILED);
		arena_fini(&f.arena);
	}
	buf_fini(&b);
}

static bool spoils(const struct msg_desc *desc, const void *body)
{
	struct msg_header header = {.protocol = 1};
	struct buf b = BUF_INIT;

	msg_encode(&b, desc, &header, body);
	bool err = b.err;
	buf_fini(&b);
	return err;
}

static void a_struct_over_its_limits_spoils_the_buffer(void **state)
{
	char long_ref[130];
	const char *const holes[] = {"a", NULL};

	(void)state;
	memset(long_ref, 'x', sizeof(long_ref));
	long_ref[129] = '\0';
	assert_false(spoils(&m_device_get_desc, &(struct m_device_get){.ref = "x"}));
	assert_true(spoils(&m_device_get_desc, &(struct m_device_get){.ref = NULL}));
	assert_true(spoils(&m_device_get_desc, &(struct m_device_get){.ref = long_ref}));
	assert_true(spoils(&m_device_get_desc, &(struct m_device_get){.ref = "\xe9"}));
	assert_true(spoils(&m_fault_desc, &(struct m_fault){.code = 10000}));
	assert_true(spoils(&m_run_list_desc, &(struct m_run_list){.state = (enum run_state)99}));
	assert_true(spoils(&m_run_get_desc, &(struct m_run_get){.has = 0}));
	assert_true(spoils(&m_device_one_desc, &(struct m_device_one){.device = NULL}));
	assert_true(spoils(&m_lock_explain_desc,
		&(struct m_lock_explain){.op = "x", .items = holes, .items_n = 2}));
	assert_true(
		spoils(&m_lock_explain_desc, &(struct m_lock_explain){.op = "x", .items_n = 1}));
	assert_true(spoils(&m_device_one_desc,
		&(struct m_device_one){.device = &(struct m_device){.created_at = -1}}));
}

static void a_spoiled_buffer_stays_spoiled_and_a_full_one_spoils(void **state)
{
	struct msg_header header = {.protocol = 1};
	struct buf b = {.max = 10};

	(void)state;
	msg_encode(&b, &m_device_get_desc, &header, &(struct m_device_get){.ref = "0123456789"});
	assert_true(b.err);
	buf_fini(&b);
}

static void messages_are_found_by_id_and_name(void **state)
{
	(void)state;
	assert_ptr_equal(msg_find(MSG_JOB_CLAIM), &m_job_claim_desc);
	assert_ptr_equal(msg_find_name("job_claim"), &m_job_claim_desc);
	assert_ptr_equal(msg_find_name("device"), &m_device_desc);
	assert_null(msg_find(0));
	assert_null(msg_find(0xffff));
	assert_null(msg_find_name(""));
	assert_null(msg_find_name("job_claimed"));
	for (size_t i = 0; i < msg_all_n; i++) {
		assert_ptr_equal(msg_find_name(msg_all[i]->name), msg_all[i]);
		if (msg_all[i]->id != 0)
			assert_ptr_equal(msg_find(msg_all[i]->id), msg_all[i]);
	}
	assert_ptr_equal(m_job_claim_desc.reply, &m_job_batch_desc);
	assert_int_equal(m_job_claim_desc.right, MSG_INTERNAL);
	assert_int_equal(m_device_list_desc.right, MSG_VIEWER);
}

static void old_and_new_speak_what_both_understand_or_say_who_is_too_old_st_50(void **state)
{
	static const struct {
		uint32_t protocol, min;
		const char *detail; /* NULL = they go on */
		unsigned needs, has;
	} peers[] = {
		{MSG_PROTOCOL, MSG_PROTOCOL_MIN, NULL, 0, 0},
		{MSG_PROTOCOL, 0, NULL, 0, 0},
		{MSG_PROTOCOL + 5, MSG_PROTOCOL, NULL, 0, 0},
		{MSG_PROTOCOL + 5, 0, "copy: vault 'x' needs >= 6, has 1", 6, 1},
		{MSG_PROTOCOL + 5, MSG_PROTOCOL + 2, "copy: vault 'x' needs >= 3, has 1", 3, 1},
		{0, 0, "copy: this service needs >= 1, has 0", 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_len(peers); i++) {
		const struct msg_header h = {
			.protocol = peers[i].protocol, .min_protocol = peers[i].min};
		struct fault f = FAULT_INIT;
		int rc = msg_gate("copy", "this service", "vault 'x'", &h, &f);
		assert_int_equal(rc, peers[i].detail == NULL ? 0 : -1);
		assert_string_equal(f.detail, peers[i].detail == NULL ? "" : peers[i].detail);
		assert_int_equal(f.needs, peers[i].needs);
		assert_int_equal(f.has, peers[i].has);
	}
}

static void words_and_numbers_of_enums_are_found(void **state)
{
	(void)state;
	assert_string_equal(msg_word(job_state_words, JOB_STATE_DEFERRED), "deferred");
	assert_null(msg_word(job_state_words, 0));
	assert_null(msg_word(job_state_words, 99));
	assert_int_equal(msg_number(job_state_words, "retry"), JOB_STATE_RETRY);
	assert_int_equal(msg_number(job_state_words, "Retry"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_that_breaks_its_schema_is_refused_with_the_place),
		cmocka_unit_test(texts_and_lists_are_held_to_their_bounds),
		cmocka_unit_test(unknown_members_of_a_newer_version_are_skipped),
		cmocka_unit_test(an_unknown_message_is_refused_but_its_header_is_read),
		cmocka_unit_test(what_is_no_frame_is_refused),
		cmocka_unit_test(an_arena_that_is_full_refuses_instead_of_failing),
		cmocka_unit_test(a_struct_over_its_limits_spoils_the_buffer),
		cmocka_unit_test(a_spoiled_buffer_stays_spoiled_and_a_full_one_spoils),
		cmocka_unit_test(messages_are_found_by_id_and_name),
		cmocka_unit_test(
			old_and_new_speak_what_both_understand_or_say_who_is_too_old_st_50),
		cmocka_unit_test(words_and_numbers_of_enums_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
