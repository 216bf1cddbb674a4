// SPDX-License-Identifier: Apache-2.0
/* Printers that announce themselves (fleet.md FL-82, FL-83): what a response says, what it may not
 * say, and what is asked next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/worker/discover/announced.h"

#define ID 77

static struct arena arena;
static const struct errand errand = {.arena = &arena};

/* ---- a response, piece by piece ---- */

struct response {
	uint8_t b[DNS_DATAGRAM + 16];
	size_t n;
};

static void put16(struct response *r, unsigned v)
{
	r->b[r->n++] = (uint8_t)(v >> 8);
	r->b[r->n++] = (uint8_t)v;
}

static void begin(struct response *r)
{
	*r = (struct response){.n = 0};
	put16(r, ID);
	put16(r, 0x8400);
	for (int i = 0; i < 4; i++)
		put16(r, 0);
}

static void put_bytes(struct response *r, const void *p, size_t n)
{
	memcpy(r->b + r->n, p, n);
	r->n += n;
}

static void put_name(struct response *r, const char *text)
{
	struct dns_name name;

	assert_true(dns_name_of(text, &name));
	put_bytes(r, name.b, name.n);
}

/* One more answer, whose data follows; end_record counts it. */
static size_t begin_record(struct response *r, const char *name, enum dns_type type)
{
	put_name(r, name);
	put16(r, type);
	put16(r, 0x8001);
	put16(r, 0);
	put16(r, 120);
	put16(r, 0);
	r->b[7]++;
	return r->n;
}

static void end_record(struct response *r, size_t from)
{
	r->b[from - 2] = (uint8_t)((r->n - from) >> 8);
	r->b[from - 1] = (uint8_t)(r->n - from);
}

static void put_pointer(struct response *r, const char *service, const char *instance)
{
	size_t at = begin_record(r, service, DNS_PTR);

	put_name(r, instance);
	end_record(r, at);
}

static void put_server(struct response *r, const char *instance, unsigned port, const char *host)
{
	size_t at = begin_record(r, instance, DNS_SRV);

	put16(r, 0);
	put16(r, 0);
	put16(r, port);
	put_name(r, host);
	end_record(r, at);
}

static void put_txt(struct response *r, const char *instance, const char *const *texts)
{
	size_t at = begin_record(r, instance, DNS_TXT);

	for (; *texts != NULL; texts++) {
		r->b[r->n++] = (uint8_t)strlen(*texts);
		put_bytes(r, *texts, strlen(*texts));
	}
	end_record(r, at);
}

static void put_address(struct response *r, const char *host, const char *text)
{
	struct address a;

	assert_true(address_parse(text, &a));
	size_t at = begin_record(r, host, a.v6 ? DNS_AAAA : DNS_A);
	put_bytes(r, a.b, a.v6 ? 16 : 4);
	end_record(r, at);
}

#define LOBBY "Lobby\\. Printer._ipp._tcp.local"
static const char *const lobby[] = {"txtvers=1", "ty=iR-ADV C5550 III", "usb_MFG=Canon",
	"UUID=urn:uuid:12345678-9abc-def0-1234-56789abcdef0", "note=second\x01 floor",
	"rp=/printers/lobby", "TY=not this one", NULL};

static void put_lobby(struct response *r, const char *address)
{
	/* the address first: records come in any order */
	put_address(r, "lobby.local", address);
	put_server(r, LOBBY, 8631, "Lobby.LOCAL");
	put_txt(r, LOBBY, lobby);
	put_pointer(r, "_IPP._tcp.local", LOBBY);
}

static struct announced fresh(void)
{
	struct announced a;

	announced_begin(&a, &errand, NULL, 0);
	assert_int_equal(a.n_services, 5);
	return a;
}

static int take(struct announced *a, const struct response *r)
{
	return announced_take(a, (struct span){r->b, r->n}, ID);
}

static struct order *order_within(const char *networks)
{
	static struct address_rules rules;
	static struct order o;
	struct fault f = FAULT_INIT;

	rules = (struct address_rules){.allow_loopback = false};
	assert_int_equal(address_device_nets("device_networks", networks, &rules, &f), 0);
	o = (struct order){.rules = &rules, .arena = &arena};
	return &o;
}

/* ---- what is said ---- */

static void a_response_makes_a_candidate(void **state unused)
{
	struct announced a = fresh();
	struct order *o = order_within("10.1.0.0/16");
	struct response r;
	struct m_candidate c;

	begin(&r);
	put_lobby(&r, "10.1.2.3");
	assert_int_equal(take(&a, &r), 0);
	assert_int_equal(take(&a, &r), 0); /* said twice, it is one */
	assert_int_equal(a.n_instances, 1);
	assert_int_equal(announced_candidate(&a, 0, o, &c), ANNOUNCED_FOUND);
	assert_string_equal(c.address, "10.1.2.3");
	assert_string_equal(c.name, "Lobby. Printer");
	assert_string_equal(c.model, "iR-ADV C5550 III");
	assert_string_equal(c.vendor, "Canon");
	assert_string_equal(c.family, "canon_rui");
	assert_string_equal(c.device_uuid, "12345678-9abc-def0-1234-56789abcdef0");
	assert_string_equal(c.location, "second? floor");
	assert_string_equal(c.ipp_path, "/printers/lobby");
	assert_string_equal(c.services[0], "_ipp._tcp");
	assert_string_equal(c.found_by[0], "dns_sd");
	assert_int_equal(c.ports_n, 1);
	assert_int_equal(c.ports[0].port, 8631);
	assert_true(c.printer && !c.simulated);
	assert_int_equal(o->n, 1); /* SNMP is asked there next */
	announced_end(&a);
}

static void an_address_outside_of_the_networks_is_refused(void **state unused)
{
	struct announced a = fresh();
	struct order *o = order_within("10.1.0.0/16");
	struct response r;
	struct m_candidate c;

	begin(&r);
	put_lobby(&r, "10.2.2.3"); /* SE-9 */
	assert_int_equal(take(&a, &r), 0);
	assert_int_equal(announced_candidate(&a, 0, o, &c), ANNOUNCED_REFUSED);
	assert_string_equal(c.address, "10.2.2.3");
	assert_int_equal(o->n, 0);
	order_refuse(o, c.address);
	order_refuse(o, c.address);
	assert_int_equal(o->refused_addresses, 1);
	/* 169.254.169.254, loopback, multicast: refused whatever is allowed (SE-10) */
	static const char *const never[] = {"169.254.169.254", "127.0.0.1", "224.0.0.251", "::1"};
	for (size_t i = 0; i < array_len(never); i++) {
		announced_end(&a);
		a = fresh();
		begin(&r);
		put_lobby(&r, never[i]);
		assert_int_equal(take(&a, &r), 0);
		assert_int_equal(announced_candidate(&a, 0, order_within("0.0.0.0/0, ::/0"), &c),
			ANNOUNCED_REFUSED);
	}
	/* of several, the one that may be asked */
	put_address(&r, "lobby.local", "fe80::1");
	put_address(&r, "lobby.local", "fd00::7");
	put_address(&r, "lobby.local", "10.1.9.9");
	assert_int_equal(take(&a, &r), 0);
	o = order_within("10.1.0.0/16, fd00::/8");
	assert_int_equal(announced_candidate(&a, 0, o, &c), ANNOUNCED_FOUND);
	assert_string_equal(c.address, "10.1.9.9");
	announced_end(&a);
}

static void ipp_is_asked_only_at_ports_of_ipp(void **state unused)
{
	static const struct {
		const char *rp;
		unsigned port;
		const char *path;
	} cases[] = {
		{"rp=ipp/print", 631, "ipp/print"},
		{"rp=/ipp/print", 80, "ipp/print"},
		{"rp=printers/q%201", 8631, "printers/q%201"},
		{"rp=ipp/print", 9100, NULL}, /* it would be printed */
		{"rp=ipp/print", 22, NULL},
		{"rp=a b", 631, NULL},
		{"rp=x?y#z", 631, NULL},
		{"rp=x\r\nHost: y", 631, NULL},
		{"pdl=none", 631, "ipp/print"},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct announced a = fresh();
		struct response r;
		begin(&r);
		put_pointer(&r, "_ipp._tcp.local", LOBBY);
		put_server(&r, LOBBY, cases[i].port, "lobby.local");
		put_txt(&r, LOBBY, (const char *const[]){cases[i].rp, NULL});
		assert_int_equal(take(&a, &r), 0);
		const char *path = announced_ipp_path(&a, 0, false);
		if (cases[i].path == NULL)
			assert_null(path);
		else
			assert_string_equal(path, cases[i].path);
		announced_end(&a);
	}
}

/* ---- what is asked ---- */

static unsigned open_questions(struct announced *a, bool all)
{
	struct dns_query q;

	dns_query_begin(&q, ID);
	(void)announced_ask(a, all, &q);
	assert_true(q.n <= sizeof(q.out));
	return q.questions;
}

static void what_is_missing_is_asked_for(void **state unused)
{
	struct announced a = fresh();
	struct response r;

	assert_int_equal(open_questions(&a, true), 5);
	assert_int_equal(open_questions(&a, false), 0);
	begin(&r);
	put_pointer(&r, "_ipp._tcp.local", LOBBY);
	assert_int_equal(take(&a, &r), 0);
	assert_int_equal(open_questions(&a, false), 2); /* server, text */
	begin(&r);
	put_server(&r, LOBBY, 631, "lobby.local");
	assert_int_equal(take(&a, &r), 0);
	assert_int_equal(open_questions(&a, false), 3); /* text, addresses */
	begin(&r);
	put_txt(&r, LOBBY, lobby);
	put_address(&r, "LOBBY.local", "10.1.2.3");
	assert_int_equal(take(&a, &r), 0);
	assert_int_equal(open_questions(&a, false), 0);
	announced_end(&a);
}

static void what_does_not_fit_is_asked_the_next_time(void **state unused)
{
	struct announced a = fresh();
	struct dns_query q;
	bool asked[200] = {false};
	char name[64];

	for (unsigned i = 0; i < 200; i++) {
		struct response r;
		begin(&r);
		(void)snprintf(name, sizeof(name), "printer %03u._ipp._tcp.local", i);
		put_pointer(&r, "_ipp._tcp.local", name);
		assert_int_equal(take(&a, &r), 0);
	}
	for (int round = 0; round < 12; round++) {
		dns_query_begin(&q, ID);
		assert_true(announced_ask(&a, false, &q));
		for (unsigned i = 0; i < 200; i++) {
			(void)snprintf(name, sizeof(name), "printer %03u", i);
			asked[i] |= memmem(q.out, q.n, name, strlen(name)) != NULL;
		}
	}
	for (unsigned i = 0; i < 200; i++)
		assert_true(asked[i]);
	announced_end(&a);
}

/* ---- what anybody may send ---- */

static void a_response_that_is_cut_lengthened_or_not_ours_is_dropped(void **state unused)
{
	struct announced a = fresh();
	struct response r;

	begin(&r);
	put_lobby(&r, "10.1.2.3");
	size_t n = r.n;
	for (r.n = 0; r.n < n; r.n++)
		assert_int_equal(take(&a, &r), -1);
	r.b[n] = 0;
	r.n = n + 1;
	assert_int_equal(take(&a, &r), -1);
	r.n = n;
	assert_int_equal(announced_take(&a, (struct span){r.b, r.n}, ID + 1), -1);
	r.b[2] = 0x04; /* a question */
	assert_int_equal(take(&a, &r), -1);
	r.b[2] = 0x84;
	r.b[3] = 3; /* an error */
	assert_int_equal(take(&a, &r), -1);
	assert_int_equal(a.n_instances + a.n_hosts, 0);
	announced_end(&a);
}

/* Names that point at themselves, at each other, forwards, out of the message. */
static void loops_of_compression_end(void **state unused)
{
	static const uint8_t targets[][4] = {
		{0xc0, 0x0c}, {0xc0, 0x2c}, {0xc0, 0x2e}, {0xff, 0xff}, {0x80, 0x00}, {0x40, 0x01}};
	struct announced a = fresh();

	for (size_t i = 0; i < array_len(targets); i++) {
		struct response r;
		begin(&r);
		size_t at = begin_record(&r, "_ipp._tcp.local", DNS_PTR);
		put_bytes(&r, targets[i], 2);
		end_record(&r, at);
		at = begin_record(&r, "_ipp._tcp.local", DNS_PTR);
		put_bytes(&r, targets[i], 2);
		end_record(&r, at);
		(void)take(&a, &r);
		assert_int_equal(a.n_instances, 0);
	}
	announced_end(&a);
}

static void a_text_that_lies_about_its_length_is_dropped(void **state unused)
{
	struct announced a = fresh();
	struct response r;

	begin(&r);
	put_pointer(&r, "_ipp._tcp.local", LOBBY);
	size_t at = begin_record(&r, LOBBY, DNS_TXT);
	put_bytes(&r, "\xffty=x", 5);
	end_record(&r, at);
	assert_int_equal(take(&a, &r), -1);
	assert_int_equal(a.n_instances, 0); /* nothing of it */
	/* a large one is cut */
	begin(&r);
	put_lobby(&r, "10.1.2.3");
	announced_end(&a);
	a = fresh();
	begin(&r);
	put_pointer(&r, "_ipp._tcp.local", LOBBY);
	put_server(&r, LOBBY, 631, "lobby.local");
	put_address(&r, "lobby.local", "10.1.2.3");
	at = begin_record(&r, LOBBY, DNS_TXT);
	for (int i = 0; i < 30; i++) {
		r.b[r.n++] = 255;
		put_bytes(&r, i == 0 ? "ty=" : "zz=", 3);
		memset(r.b + r.n, 'A' + i, 252);
		r.n += 252;
	}
	end_record(&r, at);
	assert_int_equal(take(&a, &r), 0);
	assert_int_equal(strlen(a.instances[0].kind), 64);
	announced_end(&a);
}

static void a_flood_of_announcements_is_bounded(void **state unused)
{
	struct announced a = fresh();
	struct m_candidate c;

	for (unsigned i = 0; i < ANNOUNCED_MAX + 500; i++) {
		char name[64], host[64];
		struct response r;
		(void)snprintf(name, sizeof(name), "p%u._ipp._tcp.local", i);
		(void)snprintf(host, sizeof(host), "h%u.local", i);
		begin(&r);
		put_pointer(&r, "_ipp._tcp.local", name);
		put_pointer(&r, "_ssh._tcp.local", name); /* nobody asked for that */
		put_server(&r, name, 631, host);
		put_txt(&r, name, lobby);
		for (int k = 1; k < 9; k++) {
			char address[32];
			(void)snprintf(address, sizeof(address), "10.1.%d.%d", k, (int)(i % 250));
			put_address(&r, host, address);
		}
		assert_int_equal(take(&a, &r), 0);
	}
	assert_int_equal(a.n_instances, ANNOUNCED_MAX);
	assert_int_equal(a.n_hosts, ANNOUNCED_HOSTS_MAX);
	assert_int_equal(a.left_out, 500 + ANNOUNCED_MAX - ANNOUNCED_HOSTS_MAX);
	assert_int_equal(a.hosts[0].n, ANNOUNCED_ADDRESSES);
	assert_int_equal(announced_candidate(&a, ANNOUNCED_MAX - 1, order_within("10.0.0.0/8"), &c),
		ANNOUNCED_PARTLY);
	announced_end(&a);
}

static void an_answer_by_ipp_adds_what_it_knows(void **state unused)
{
	static const char *const dns[] = {"dns_sd"}, *const ipp[] = {"ipp"};
	const struct ipp_identity said = {.serial = "ABC\x1b"
						    "123",
		.uuid = "u-1",
		.maker = "KONICA MINOLTA",
		.model = "KONICA MINOLTA bizhub C360i",
		.firmware = "1.2"};
	struct m_candidate a = {
		.address = "10.1.0.1", .device_uuid = "U-1", .found_by = dns, .found_by_n = 1};
	struct m_candidate b = {.address = "10.1.0.1", .found_by = ipp, .found_by_n = 1};

	found_ipp(&errand, &said, &b);
	assert_string_equal(b.serial, "ABC?123");
	assert_string_equal(b.family, "konica_openapi");
	assert_true(found_add(&errand, &a, &b));
	assert_string_equal(a.serial, "ABC?123");
	assert_string_equal(a.firmware, "1.2");
	assert_int_equal(a.found_by_n, 2);
	b.serial = "OTHER"; /* another printer behind the same address */
	assert_false(found_add(&errand, &a, &b));
	b = (struct m_candidate){.found_by = ipp, .found_by_n = 1, .printer = true};
	found_family(&b);
	assert_string_equal(b.family, "ipp");
}

static int end_arena(void **state unused)
{
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_makes_a_candidate),
		cmocka_unit_test(an_address_outside_of_the_networks_is_refused),
		cmocka_unit_test(ipp_is_asked_only_at_ports_of_ipp),
		cmocka_unit_test(what_is_missing_is_asked_for),
		cmocka_unit_test(what_does_not_fit_is_asked_the_next_time),
		cmocka_unit_test(a_response_that_is_cut_lengthened_or_not_ours_is_dropped),
		cmocka_unit_test(loops_of_compression_end),
		cmocka_unit_test(a_text_that_lies_about_its_length_is_dropped),
		cmocka_unit_test(a_flood_of_announcements_is_bounded),
		cmocka_unit_test(an_answer_by_ipp_adds_what_it_knows),
	};

	return cmocka_run_group_tests(tests, NULL, end_arena);
}
