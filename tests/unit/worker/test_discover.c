// SPDX-License-Identifier: Apache-2.0
/* Discovery in the worker: questions and answers, who is who, where it may look (fleet.md section
 * 11, security.md SE-9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/worker/discover/found.h"
#include "services/worker/discover/order.h"
#include "services/worker/discover/scan_message.h"

static struct arena arena;
static const struct errand errand = {.arena = &arena};

#define BYTES(s)                                                                                   \
	(struct span)                                                                              \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

/* The answer of an agent that says the same about everything. */
static size_t answer_to(uint8_t *out, size_t size, uint32_t objects, int tag, const char *text,
	int64_t error, int64_t index)
{
	struct scan_question q = {.community = "public", .id = 77, .objects = objects};
	uint8_t question[1024];
	struct ber_reader all = {question, question + scan_write(&q, question, sizeof(question))};
	struct ber_reader message, pdu, list, bind, rest;
	struct oid names[SCAN_OBJECTS];
	struct span community;
	struct ber_writer w;
	int64_t n;
	int t;
	size_t count = 0;

	assert_int_equal(ber_next(&all, &t, &message), 0);
	assert_int_equal(ber_integer(&message, &n), 0);
	assert_int_equal(ber_octets(&message, &community), 0);
	assert_int_equal(ber_next(&message, &t, &pdu), 0);
	assert_int_equal(t, SNMP_GET);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ber_integer(&pdu, &n), 0);
	assert_int_equal(ber_next(&pdu, &t, &list), 0);
	while (list.p < list.end) {
		assert_int_equal(ber_next(&list, &t, &bind), 0);
		assert_int_equal(ber_oid(&bind, &names[count++]), 0);
		assert_int_equal(ber_next(&bind, &t, &rest), 0);
	}
	ber_begin(&w, out, size);
	const uint8_t *end = w.p;
	for (size_t i = count; i-- > 0;) {
		const uint8_t *mark = w.p;
		ber_put_bytes(&w, tag, text, strlen(text));
		ber_put_oid(&w, &names[i]);
		ber_wrap(&w, BER_SEQUENCE, mark);
	}
	ber_wrap(&w, BER_SEQUENCE, end);
	ber_put_integer(&w, BER_INTEGER, index);
	ber_put_integer(&w, BER_INTEGER, error);
	ber_put_integer(&w, BER_INTEGER, 77);
	ber_wrap(&w, SNMP_RESPONSE, end);
	ber_put_bytes(&w, BER_OCTETS, "public", 6);
	ber_put_integer(&w, BER_INTEGER, 1);
	ber_wrap(&w, BER_SEQUENCE, end);
	assert_false(w.err);
	memmove(out, w.p, (size_t)(end - w.p));
	return (size_t)(end - w.p);
}

static void an_answer_says_what_was_asked_for(void **state unused)
{
	uint8_t out[2048];
	struct scan_answer a;
	size_t n = answer_to(out, sizeof(out), SCAN_ALL, BER_OCTETS, "Canon iR", 0, 0);

	assert_int_equal(scan_read((struct span){out, n}, &a), 0);
	assert_int_equal(a.id, 77);
	assert_false(a.v1);
	for (size_t i = 0; i < SCAN_OBJECTS; i++)
		assert_true(a.values[i].there && a.values[i].text.n == 8);
	n = answer_to(out, sizeof(out), SCAN_ALL, SNMP_NO_INSTANCE, "", 0, 0);
	assert_int_equal(scan_read((struct span){out, n}, &a), 0);
	for (size_t i = 0; i < SCAN_OBJECTS; i++)
		assert_false(a.values[i].there);
}

static void every_cut_and_every_lengthened_answer_is_refused(void **state unused)
{
	uint8_t out[2048];
	struct scan_answer a;
	size_t n = answer_to(out, sizeof(out), SCAN_ALL, BER_OCTETS, "x", 0, 0);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(scan_read((struct span){out, i}, &a), -1);
	out[n] = 0;
	assert_int_equal(scan_read((struct span){out, n + 1}, &a), -1);
	/* the question itself is no answer */
	n = scan_write(&(struct scan_question){.community = "public", .objects = SCAN_ALL}, out,
		sizeof(out));
	assert_int_equal(scan_read((struct span){out, n}, &a), -1);
	assert_int_equal(
		scan_write(&(struct scan_question){.community = "public", .objects = SCAN_ALL}, out,
			64),
		0);
}

static void who_stumbles_is_asked_for_less_until_nothing_is_left(void **state unused)
{
	struct scan_answer a = {.error = 2, .index = 3};
	uint32_t objects = SCAN_ALL;
	int rounds = 0;

	assert_int_equal(scan_less(SCAN_ALL, &a), SCAN_ALL & ~(1u << SCAN_NAME));
	for (a.index = 1; objects != 0; rounds++)
		objects = scan_less(objects, &a);
	assert_int_equal(rounds, SCAN_OBJECTS);
	a.index = 40; /* of an object that was not asked for */
	assert_int_equal(scan_less(SCAN_ALL, &a), 0);
	a = (struct scan_answer){.error = 1}; /* too big */
	assert_int_equal(scan_less(SCAN_ALL, &a), SCAN_LEAST);
	assert_int_equal(scan_less(SCAN_LEAST, &a), 0);
}

static struct m_candidate candidate_of(const struct scan_answer *a)
{
	struct m_candidate c = {.address = "10.0.0.1"};

	found_snmp(&errand, a, &c);
	found_family(&c);
	return c;
}

static void maker_and_family_come_from_the_number_or_the_words(void **state unused)
{
	struct scan_answer a = {
		.values = {
			[SCAN_OBJECT_ID] = {.there = true, .oid = {8, {1, 3, 6, 1, 4, 1, 367, 1}}},
			[SCAN_SERIAL] = {.there = true, .text = BYTES("E1234567890")},
			[SCAN_DEVICE] = {.there = true, .text = BYTES("IM C3000")},
			[SCAN_MAC_1] = {.there = true, .text = BYTES("\x00\x00\x00\x00\x00\x00")},
			[SCAN_MAC_2] = {.there = true, .text = BYTES("\x00\x26\x73\x01\x02\xff")}}};
	struct m_candidate c = candidate_of(&a);

	assert_string_equal(c.vendor, "Ricoh");
	assert_string_equal(c.family, "ricoh_udirectory");
	assert_string_equal(c.model, "IM C3000");
	assert_string_equal(c.serial, "E1234567890");
	assert_string_equal(c.mac, "00:26:73:01:02:ff");
	assert_string_equal(c.object_id, "1.3.6.1.4.1.367.1");
	assert_true(c.printer);
	a.values[SCAN_OBJECT_ID].oid.id[6] = 8072; /* the agent's, not the maker's */
	a.values[SCAN_DESCRIPTION] =
		(struct scan_value){.there = true, .text = BYTES("KONICA MINOLTA bizhub C360i")};
	c = candidate_of(&a);
	assert_string_equal(c.family, "konica_openapi");
	a.values[SCAN_DESCRIPTION] =
		(struct scan_value){.there = true, .text = BYTES("A peer\x1b[2J")};
	c = candidate_of(&a);
	assert_null(c.vendor);
	assert_string_equal(c.family, "snmp");
	assert_string_equal(c.description, "A peer?[2J");
	a = (struct scan_answer){
		.values = {[SCAN_DESCRIPTION] = {.there = true, .text = BYTES("Canon switch")}}};
	c = candidate_of(&a);
	assert_false(c.printer);
	assert_null(c.family);
	a.values[SCAN_SERIAL] = (struct scan_value){.there = true, .text = BYTES("00000000")};
	assert_null(candidate_of(&a).serial);
}

static void a_printer_that_answers_twice_is_one(void **state unused)
{
	static const char *const snmp[] = {"snmp"}, *const dns[] = {"dns_sd"};
	struct m_candidate a = {.address = "10.0.0.1",
		.serial = "S1",
		.vendor = "Canon",
		.found_by = snmp,
		.found_by_n = 1};
	struct m_candidate b = {.address = "10.0.0.2",
		.serial = "S1",
		.device_uuid = "u",
		.found_by = dns,
		.found_by_n = 1,
		.printer = true};
	struct m_candidate other = {.address = "10.0.0.1", .serial = "S2"};
	struct m_candidate nameless = {.address = "10.0.0.1", .name = "lobby"};

	assert_true(found_join(&errand, &a, &b));
	assert_string_equal(a.address, "10.0.0.1");
	assert_string_equal(a.device_uuid, "u");
	assert_int_equal(a.found_by_n, 2);
	assert_true(a.printer);
	assert_false(found_join(&errand, &a, &other));
	assert_true(found_join(&errand, &a, &nameless));
	assert_string_equal(a.name, "lobby");
	b.vendor = "Ricoh"; /* the same number of another maker */
	assert_false(found_join(&errand, &a, &b));
}

static struct address_rules rules_of(const char *devices, bool loopback)
{
	struct address_rules r = {.allow_loopback = loopback};
	struct fault f = FAULT_INIT;

	assert_int_equal(address_device_nets("device_networks", devices, &r, &f), 0);
	return r;
}

static void nothing_outside_of_the_networks_is_looked_at(void **state unused)
{
	const struct address_rules rules = rules_of("10.1.0.0/29, 192.0.2.0/24, fd00::/120", true);
	static const char *const exclude[] = {"10.1.0.3"};
	const struct m_discovery settings = {.exclude = exclude, .exclude_n = 1};
	struct order *o = calloc(1, sizeof(*o));
	struct fault f = FAULT_INIT;

	*o = (struct order){.rules = &rules, .settings = &settings, .arena = &arena};
	assert_int_equal(order_read(o,
				 "10.1.0.1-10.1.0.12, 127.0.0.7, 192.0.2.1, 10.1.0.2, fd00::1, "
				 "lobby.example",
				 &f),
		0);
	assert_int_equal(o->n, 8); /* 1 2 4 5 6 7, the simulated one, IPv6 */
	assert_true(o->simulated[6] && !o->simulated[0]);
	assert_int_equal(o->refused_addresses, 6);
	assert_string_equal(o->refused[0], "10.1.0.8-10.1.0.12");
	assert_string_equal(
		o->refused[1], "192.0.2.1"); /* documentation: never, whatever is allowed */
	assert_int_equal(o->n_names, 1);
	*o = (struct order){.rules = &(struct address_rules){.n_nets = 0}, .arena = &arena};
	assert_int_equal(order_read(o, "10.1.0.1-10.1.1.0", &f), 0);
	assert_int_equal(o->n, 0); /* nothing is said to be a network of printers */
	assert_string_equal(o->refused[0], "10.1.0.1-10.1.1.0");
	assert_int_equal(order_read(o, "10.1.0.0/99", &f), -1);
	free(o);
}

static void a_device_outside_of_the_networks_is_not_reached(void **state unused)
{
	const struct address_rules rules = rules_of("10.1.0.0/16", true),
				   none = rules_of("", false);
	struct address in, out, loopback;
	struct fault f = FAULT_INIT;

	assert_true(address_parse("10.1.2.3", &in) && address_parse("10.2.0.1", &out) &&
		    address_parse("127.0.0.1", &loopback));
	assert_int_equal(address_check(&in, &rules, false, &f), 0);
	assert_int_equal(address_check(&out, &rules, false, &f), -1);
	assert_string_equal(f.reason, "outside");
	assert_int_equal(address_check(&loopback, &rules, true, &f), 0);
	assert_int_equal(address_check(&out, &none, false, &f), 0);
}

static int forget(void **state unused)
{
	arena_reset(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_says_what_was_asked_for),
		cmocka_unit_test(every_cut_and_every_lengthened_answer_is_refused),
		cmocka_unit_test(who_stumbles_is_asked_for_less_until_nothing_is_left),
		cmocka_unit_test(maker_and_family_come_from_the_number_or_the_words),
		cmocka_unit_test(a_printer_that_answers_twice_is_one),
		cmocka_unit_test(nothing_outside_of_the_networks_is_looked_at),
		cmocka_unit_test(a_device_outside_of_the_networks_is_not_reached),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
