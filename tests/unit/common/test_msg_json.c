// SPDX-License-Identifier: Apache-2.0
/* JSON of messages: what people and programs send us is read strictly, what they get holds no
 * secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "gen/msg.h"

static struct arena arena;

static int read_json(
	const struct msg_desc *desc, const char *text, void **ret_body, struct fault *err)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(j);
	arena_reset(&arena);
	int rc = msg_from_json(desc, j, &arena, ret_body, err);
	json_decref(j);
	return rc;
}

static void refused(
	const struct msg_desc *desc, const char *text, const char *reason, const char *detail)
{
	struct fault err = FAULT_INIT;
	void *body;

	if (read_json(desc, text, &body, &err) == 0)
		fail_msg("%s was accepted", text);
	assert_null(body);
	assert_int_equal(err.code, CN_VALIDATION_FAILED);
	assert_string_equal(err.reason, reason);
	assert_string_equal(err.detail, detail);
	arena_reset(&arena);
}

static void json_that_breaks_its_schema_is_refused_with_the_place(void **state)
{
	const struct msg_desc *device = &m_device_desc;

	(void)state;
	refused(device, "[]", "wrong_type", "an object is wanted");
	refused(device, "1", "wrong_type", "an object is wanted");
	refused(device, "{\"nmae\":\"x\"}", "unknown_member", "nmae: unknown member");
	refused(device, "{\"name\":1}", "wrong_type", "name: a text is wanted");
	refused(device, "{\"name\":\"a\\u0000b\"}", "wrong_type", "name: a text is wanted");
	refused(device, "{\"version\":-1}", "out_of_range", "version: number is out of range");
	refused(device, "{\"version\":1.5}", "wrong_type", "version: a whole number is wanted");
	refused(device, "{\"version\":\"1\"}", "wrong_type", "version: a whole number is wanted");
	refused(device, "{\"simulated\":1}", "wrong_type", "simulated: true or false is wanted");
	refused(device, "{\"type\":\"IV\"}", "unknown_word", "type: unknown word");
	refused(device, "{\"type\":2}", "wrong_type", "type: a text is wanted");
	refused(device, "{\"id\":\"0193\"}", "wrong_type", "id: an id (UUID) is wanted");
	refused(device, "{\"created_at\":\"yesterday\"}", "wrong_type",
		"created_at: a time like 2027-01-05T01:20:30Z is wanted");
	refused(device, "{\"ports\":{}}", "wrong_type", "ports: a list is wanted");
	refused(device, "{\"ports\":[{\"service\":\"http\",\"port\":80},{\"service\":\"x\"}]}",
		"required", "ports[1].port: is required");
	refused(device, "{\"ports\":[{\"service\":\"http\",\"port\":65536}]}", "out_of_range",
		"ports[0].port: number is out of range");
	refused(device, "{\"ports\":[null]}", "wrong_type", "ports[0]: an object is wanted");
	refused(&m_device_get_desc, "{\"ref\":null}", "required", "ref: is required");
	refused(&m_device_get_desc, "{}", "required", "ref: is required");
	refused(&m_run_get_desc, "{\"id\":\"00000000-0000-0000-0000-000000000000\"}", "required",
		"id: is required");
	refused(&m_credential_desc, "{\"sealed\":\"%%\"}", "wrong_type",
		"sealed: base64 is wanted");
	refused(&m_device_update_desc, "{\"ref\":\"x\",\"device\":{\"type\":\"\"}}", "unknown_word",
		"device.type: unknown word");
}

static void too_long_texts_and_lists_are_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	refused(&m_capability_desc, "{\"name\":\"x\",\"grade\":\"é\"}", "too_long",
		"grade: text is too long");
	buf_adds(&b, "{\"ports\":[");
	for (int i = 0; i < 17; i++)
		buf_addf(&b, "%s{\"service\":\"http\",\"port\":1}", i > 0 ? "," : "");
	buf_adds(&b, "]}");
	refused(&m_device_desc, buf_str(&b), "too_many", "ports: too many items");
	buf_fini(&b);
}

static void a_patch_knows_what_was_given_and_what_was_cleared(void **state)
{
	struct fault err = FAULT_INIT;
	void *body;

	(void)state;
	assert_int_equal(read_json(&m_device_desc,
				 "{\"name\":\"x\",\"site\":null,\"simulated\":false,\"ports\":[]}",
				 &body, &err),
		0);
	const struct m_device *d = body;
	assert_int_equal(d->has,
		HAS_DEVICE__NAME | HAS_DEVICE__SITE | HAS_DEVICE__SIMULATED | HAS_DEVICE__PORTS);
	assert_string_equal(d->name, "x");
	assert_null(d->site);
	assert_int_equal(d->ports_n, 0);
	json_t *j = msg_to_json(&m_device_desc, d);
	char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
		text, "{\"name\":\"x\",\"ports\":[],\"simulated\":false,\"site\":null}");
	free(text);
	json_decref(j);
	arena_reset(&arena);
}

static void a_program_sees_zeros_and_empty_lists(void **state)
{
	struct m_run_page page = {
		.items = &(struct m_run){.state = RUN_STATE_RUNNING}, .items_n = 1};
	json_t *j = msg_to_json_full(&m_run_page_desc, &page);
	const json_t *run = json_array_get(json_object_get(j, "items"), 0);

	(void)state;
	assert_true(json_is_integer(json_object_get(run, "bytes")));
	assert_string_equal(json_string_value(json_object_get(run, "state")), "running");
	/* no value at all is no member */
	assert_null(json_object_get(run, "id"));
	assert_null(json_object_get(run, "counts"));
	assert_null(json_object_get(j, "next"));
	json_decref(j);
	j = msg_to_json_full(&m_run_page_desc, &(struct m_run_page){.has = 0});
	assert_true(json_is_array(json_object_get(j, "items")));
	json_decref(j);
}

static void secrets_are_read_but_never_written(void **state)
{
	struct fault err = FAULT_INIT;
	void *body;

	(void)state;
	assert_int_equal(
		read_json(&m_login_desc, "{\"name\":\"a\",\"password\":\"hunter2\"}", &body, &err),
		0);
	assert_string_equal(((struct m_login *)body)->password, "hunter2");
	for (int full = 0; full < 2; full++) {
		json_t *j = full ? msg_to_json_full(&m_login_desc, body)
				 : msg_to_json(&m_login_desc, body);
		char *text = json_dumps(j, 0);
		assert_null(strstr(text, "hunter2"));
		assert_null(strstr(text, "password"));
		free(text);
		json_decref(j);
	}
	arena_reset(&arena);
}

static void times_are_utc_with_milliseconds(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} times[] = {
		{"2026-11-21T02:54:21.123Z", "2026-11-21T02:54:21.123Z"},
		{"2026-11-21T03:54:21.1234567+01:00", "2026-11-21T02:54:21.123Z"},
		{"2026-11-20t21:54:21-05:00", "2026-11-21T02:54:21.000Z"},
		{"2024-02-29T23:59:60Z", "2024-02-29T23:59:59.000Z"},
		{"1970-01-01T00:00:00.001z", "1970-01-01T00:00:00.001Z"},
		{"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
	};
	static const char *const wrong[] = {"", "2026", "2026-11-21", "2026-11-21T02:54:21",
		"2026-11-21 02:54:21Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
		"2026-11-21T24:00:00Z", "2026-11-21T02:60:21Z", "2026-11-21T02:54:61Z",
		"2026-11-21T02:54:21.Z", "2026-11-21T02:54:21Zx", "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+01:00", "2026-11-21T02:54:21+1:00",
		"9999-12-31T23:59:59-01:00"};
	struct fault err = FAULT_INIT;
	void *body;
	char text[100];

	(void)state;
	for (size_t i = 0; i < array_len(times); i++) {
		(void)snprintf(text, sizeof(text), "{\"created_at\":\"%s\"}", times[i].in);
		if (read_json(&m_device_desc, text, &body, &err) != 0)
			fail_msg("%s: %s", times[i].in, err.detail);
		json_t *j = msg_to_json(&m_device_desc, body);
		assert_string_equal(
			json_string_value(json_object_get(j, "created_at")), times[i].out);
		json_decref(j);
	}
	for (size_t i = 0; i < array_len(wrong); i++) {
		(void)snprintf(text, sizeof(text), "{\"created_at\":\"%s\"}", wrong[i]);
		if (read_json(&m_device_desc, text, &body, &err) == 0)
			fail_msg("%s was accepted", wrong[i]);
	}
	arena_reset(&arena);
}

static void a_small_arena_refuses_a_large_body(void **state)
{
	json_t *j = json_loads(
		"{\"groups\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]}", 0, NULL);
	struct arena small;
	struct fault err = FAULT_INIT;
	void *body;

	(void)state;
	arena_init(&small, sizeof(struct m_targets) + 70);
	assert_int_equal(msg_from_json(&m_targets_desc, j, &small, &body, &err), -1);
	assert_string_equal(err.reason, "too_long");
	arena_fini(&small);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_that_breaks_its_schema_is_refused_with_the_place),
		cmocka_unit_test(too_long_texts_and_lists_are_refused),
		cmocka_unit_test(a_patch_knows_what_was_given_and_what_was_cleared),
		cmocka_unit_test(a_program_sees_zeros_and_empty_lists),
		cmocka_unit_test(secrets_are_read_but_never_written),
		cmocka_unit_test(times_are_utc_with_milliseconds),
		cmocka_unit_test(a_small_arena_refuses_a_large_body),
	};

	arena_init(&arena, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
