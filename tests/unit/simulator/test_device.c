// SPDX-License-Identifier: Apache-2.0
/* Operations in progress after the matrix, and the SNMP agent (devices.md sections 9 and 14.3). */
#include "common/snmp/ber.h"
#include "tests/unit/simulator/world.h"

/* ---- the matrix ---- */

static void C2_decides_whether_an_export_may_start_during_each_operation(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);

	for (size_t i = 0; i < MATRIX_ROWS; i++) {
		assert_string_equal(op_start(d, matrix[i].op, 0), "running");
		bool may = op_blocking(d) == OP_NONE;
		assert_int_equal(may, matrix[i].ie_during_run != MATRIX_CELL_NO);
		assert_true(op_stop(d, matrix[i].op));
	}
	assert_int_equal(op_blocking(d), OP_NONE);
}

static void C1_decides_whether_each_operation_may_start_during_an_export(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);

	for (size_t i = 0; i < MATRIX_ROWS; i++) {
		op_export_begin(d);
		const char *want = matrix[i].run_during_ie == MATRIX_CELL_YES ? "running"
				   : matrix[i].on_op == MATRIX_EFFECT_PAUSE   ? "paused"
				   : matrix[i].on_op == MATRIX_EFFECT_DEFER   ? "deferred"
									      : "refused";
		assert_string_equal(op_start(d, matrix[i].op, 0), want);
		op_export_end(d);
		op_stop_all(d);
	}
}

static void matrix_400_the_first_blocking_operation_of_each_pair_is_named(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	int pairs = 0;

	for (size_t a = 0; a < MATRIX_ROWS; a++) {
		for (size_t b = 0; b < MATRIX_ROWS; b++, pairs++) {
			bool a_blocks = matrix[a].ie_during_run == MATRIX_CELL_NO;
			bool b_blocks = matrix[b].ie_during_run == MATRIX_CELL_NO;
			(void)op_start(d, matrix[a].op, 0);
			assert_string_equal(
				op_start(d, matrix[b].op, 0), a == b ? "already" : "running");
			assert_int_equal(op_blocking(d), a_blocks   ? matrix[a].op
							 : b_blocks ? matrix[b].op
								    : OP_NONE);
			op_stop_all(d);
		}
	}
	assert_int_equal(pairs, 400);
}

static void synchronisation_pauses_and_sleep_waits_for_the_export_to_end(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	char path[64];

	(void)snprintf(path, sizeof(path), "/devices/%s", d->name);
	(void)op_start(d, OP_SYNC, 0);
	op_export_begin(d);
	assert_string_equal(op_start(d, OP_SLEEP, 0), "deferred");
	assert_non_null(
		strstr(control(w, "GET", path, NULL), "\"op\":\"sync\",\"state\":\"paused\""));
	op_export_end(d);
	const char *now = control(w, "GET", path, NULL);
	assert_non_null(strstr(now, "\"op\":\"sync\",\"state\":\"active\""));
	assert_non_null(strstr(now, "\"op\":\"sleep\",\"state\":\"active\""));
	op_export_begin(d); /* an export wakes the machine */
	assert_null(strstr(control(w, "GET", path, NULL), "\"op\":\"sleep\""));
	op_export_end(d);
}

static void a_timed_operation_ends_by_itself_and_a_shutdown_leaves_the_device_off(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);

	(void)op_start(d, OP_FAX, 1);
	(void)op_start(d, OP_SHUTDOWN, 1);
	for (int i = 0; i < 300 && !d->off; i++)
		(void)control(w, "GET", "/stats", NULL);
	for (int i = 0; i < 300 && !d->off; i++) {
		timer_set(w->limit, 10, 0);
		loop_run(w->loop);
	}
	assert_true(d->off);
	assert_int_equal(op_blocking(d), OP_NONE);
}

/* ---- SNMP ---- */

static const uint8_t GET_SERIAL[] = {0x30, 0x29, 0x02, 0x01, 0x01, 0x04, 0x06, 'p', 'u', 'b', 'l',
	'i', 'c', 0xa0, 0x1c, 0x02, 0x01, 0x2a, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x11,
	0x30, 0x0f, 0x06, 0x0b, 0x2b, 0x06, 0x01, 0x02, 0x01, 0x2b, 0x05, 0x01, 0x01, 0x11, 0x01,
	0x05, 0x00};

static void a_serial_number_is_answered_byte_for_byte(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	uint8_t out[512], want[sizeof(GET_SERIAL) + 8];

	/* the same message with tag response and the value in place of NULL: 8 bytes longer */
	memcpy(want, GET_SERIAL, sizeof(GET_SERIAL) - 2);
	want[1] += 8;
	want[13] = 0xa2;
	want[14] += 8;
	want[25] += 8;
	want[27] += 8;
	memcpy(want + sizeof(GET_SERIAL) - 2, "\x04\x08", 2);
	memcpy(want + sizeof(GET_SERIAL), d->serial, 8);
	assert_int_equal(strlen(d->serial), 8);
	size_t n = snmp_answer(d, GET_SERIAL, sizeof(GET_SERIAL), out, sizeof(out));
	assert_int_equal(n, sizeof(want));
	assert_memory_equal(out, want, n);
	d->fault.mp = MP_23; /* another device answers here */
	n = snmp_answer(d, GET_SERIAL, sizeof(GET_SERIAL), out, sizeof(out));
	assert_memory_not_equal(out + n - 8, d->serial, 8);
	d->fault.mp = MP_NONE;
}

static void DV_22_a_wrong_community_is_silence(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	uint8_t in[sizeof(GET_SERIAL)], out[512];

	memcpy(in, GET_SERIAL, sizeof(in));
	in[7] = 'P';
	assert_int_equal(snmp_answer(d, in, sizeof(in), out, sizeof(out)), 0);
}

static void no_datagram_however_broken_is_read_past_its_end(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct rng r = rng_of(1, 2, 3);
	uint8_t out[512];

	for (size_t cut = 0; cut < sizeof(GET_SERIAL); cut++) {
		uint8_t *in = malloc(cut + !cut); /* exactly as long, for the sanitizer */
		memcpy(in, GET_SERIAL, cut);
		assert_int_equal(snmp_answer(d, in, cut, out, sizeof(out)), 0);
		free(in);
	}
	for (int i = 0; i < 20000; i++) {
		uint8_t in[sizeof(GET_SERIAL)];
		memcpy(in, GET_SERIAL, sizeof(in));
		for (int k = 0; k < 3; k++)
			in[rng_below(&r, sizeof(in))] = (uint8_t)rng_next(&r);
		assert_true(snmp_answer(d, in, sizeof(in), out, sizeof(out)) <= sizeof(out));
	}
}

/* A GET or SET of one object, written with the agent's own encoder; the answer's last byte string.
 */
static size_t request(struct device *d, int pdu, const struct oid *oid, int value, uint8_t out[512])
{
	uint8_t in[512];
	struct ber_writer w;

	ber_begin(&w, in, sizeof(in));
	const uint8_t *end = w.p;
	if (pdu == SNMP_SET)
		ber_put_integer(&w, BER_INTEGER, value);
	else
		ber_put_bytes(&w, BER_NULL, "", 0);
	ber_put_oid(&w, oid);
	ber_wrap(&w, BER_SEQUENCE, end);
	ber_wrap(&w, BER_SEQUENCE, end);
	ber_put_integer(&w, BER_INTEGER, 0);
	ber_put_integer(&w, BER_INTEGER, 0);
	ber_put_integer(&w, BER_INTEGER, 77);
	ber_wrap(&w, pdu, end);
	ber_put_bytes(&w, BER_OCTETS, "private", 7);
	ber_put_integer(&w, BER_INTEGER, 1);
	ber_wrap(&w, BER_SEQUENCE, end);
	return snmp_answer(d, w.p, (size_t)(end - w.p), out, 512);
}

static const struct oid CONSOLE = {.n = 12, .id = {1, 3, 6, 1, 2, 1, 43, 16, 5, 1, 2, 1}};
static const struct oid RESET = {.n = 12, .id = {1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 3, 1}};

static bool ends_with(const uint8_t *p, size_t n, const char *s)
{
	return n >= strlen(s) && memcmp(p + n - strlen(s), s, strlen(s)) == 0;
}

static void every_operation_is_seen_on_the_panel_in_the_devices_language(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct oid line = CONSOLE;
	uint8_t out[512];

	line.id[line.n++] = 1;
	assert_true(ends_with(out, request(d, SNMP_GET, &line, 0, out), "Ready"));
	for (d->language = 0; d->language < LANGUAGES; d->language++) {
		for (size_t i = 0; i < MATRIX_ROWS; i++) {
			(void)op_start(d, matrix[i].op, 0);
			size_t n = request(d, SNMP_GET, &line, 0, out);
			const char *text =
				profile_console(w->sim.profile, matrix[i].op, d->language);
			if (!ends_with(out, n, text))
				fail_msg("%s is not seen as %s", matrix[i].id, text);
			op_stop_all(d);
		}
	}
	d->language = 0;
	op_export_begin(d);
	assert_true(
		ends_with(out, request(d, SNMP_GET, &line, 0, out), "Individual import/export"));
	op_export_end(d);
	(void)op_start(d, OP_FAX, 0);
	(void)op_start(d, OP_PANEL, 0);
	line.id[line.n - 1] = 2;
	assert_true(ends_with(out, request(d, SNMP_GET, &line, 0, out), "Control panel in use"));
	op_stop_all(d);
}

static void a_walk_ends_and_always_rises(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct oid at = {.n = 2, .id = {1, 3}};
	uint8_t out[512];
	int steps = 0;

	(void)op_start(d, OP_ERROR_CODE, 0);
	for (; steps < 100; steps++) {
		size_t n = request(d, SNMP_GETNEXT, &at, 0, out);
		struct ber_reader r = {.p = out, .end = out + n}, c, bind;
		struct oid next;
		int tag;
		int64_t skip;
		struct span community;
		assert_true(n > 0);
		assert_int_equal(ber_next(&r, &tag, &c), 0);
		assert_int_equal(ber_integer(&c, &skip), 0);
		assert_int_equal(ber_octets(&c, &community), 0);
		assert_int_equal(ber_next(&c, &tag, &r), 0);
		for (int i = 0; i < 3; i++)
			assert_int_equal(ber_integer(&r, &skip), 0);
		assert_int_equal(ber_next(&r, &tag, &c), 0);
		assert_int_equal(ber_next(&c, &tag, &bind), 0);
		assert_int_equal(ber_oid(&bind, &next), 0);
		assert_int_equal(ber_next(&bind, &tag, &c), 0);
		if (tag == SNMP_END_OF_VIEW)
			break;
		assert_true(oid_cmp(&next, &at) > 0);
		at = next;
	}
	assert_int_equal(steps, 21); /* all objects, the alert included, firmware of its maker */
	op_stop_all(d);
}

static void snmp_never_six_is_refused_and_remembered_and_four_restarts(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	uint8_t out[512];

	assert_true(request(d, SNMP_SET, &RESET, 6, out) > 0);
	assert_false(d->reset_asked);
	assert_int_equal(w->sim.stats.factory_resets, 1);
	assert_true(request(d, SNMP_SET, &RESET, 4, out) > 0);
	assert_true(d->reset_asked);
	d->reset_asked = false;
	device_restart(d, 100);
	(void)ask(w, d, "/", NULL);
	assert_int_not_equal(w->code, 0);
	for (int i = 0; i < 300 && d->off; i++) {
		timer_set(w->limit, 10, 0);
		loop_run(w->loop);
	}
	(void)ask(w, d, "/", NULL);
	assert_int_equal(w->code, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(C2_decides_whether_an_export_may_start_during_each_operation),
		TEST(C1_decides_whether_each_operation_may_start_during_an_export),
		TEST(matrix_400_the_first_blocking_operation_of_each_pair_is_named),
		TEST(synchronisation_pauses_and_sleep_waits_for_the_export_to_end),
		TEST(a_timed_operation_ends_by_itself_and_a_shutdown_leaves_the_device_off),
		TEST(a_serial_number_is_answered_byte_for_byte),
		TEST(DV_22_a_wrong_community_is_silence),
		TEST(no_datagram_however_broken_is_read_past_its_end),
		TEST(every_operation_is_seen_on_the_panel_in_the_devices_language),
		TEST(a_walk_ends_and_always_rises),
		TEST(snmp_never_six_is_refused_and_remembered_and_four_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
