// SPDX-License-Identifier: Apache-2.0
/* Where a request comes from, behind proxies of our own (fleet.md FL-71). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/origin.h"

static void expect(const char *proxies, const char *peer, const char *forwarded, const char *wanted)
{
	struct address_rules rules = {.only = false};
	struct fault f = FAULT_INIT;
	char got[ADDRESS_TEXT];

	assert_int_equal(address_nets("trusted_proxies", proxies, &rules, &f), 0);
	origin_of(&rules, peer, forwarded, got);
	assert_string_equal(got, wanted);
}

static void without_a_trusted_proxy_the_peer_is_the_origin(void **state)
{
	(void)state;
	expect("", "203.0.113.1", NULL, "203.0.113.1");
	expect("", "203.0.113.1", "198.51.100.1", "203.0.113.1");
	expect("", "", "198.51.100.1", "");
	expect("10.0.0.0/8", "203.0.113.1", "198.51.100.1", "203.0.113.1");
	expect("10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.1");
}

static void behind_proxies_it_is_the_last_that_is_none(void **state)
{
	(void)state;
	expect("10.0.0.0/8", "10.0.0.1", "198.51.100.1", "198.51.100.1");
	expect("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1");
	expect("10.0.0.0/8", "10.0.0.1", "1.1.1.1,198.51.100.1 ,\t10.0.0.2", "198.51.100.1");
	expect("10.0.0.0/8, fd00::/8", "fd00::1", "2001:DB8::0001", "2001:db8::1");
	expect("10.0.0.0/8", "", "198.51.100.1", "198.51.100.1");
	expect("10.0.0.0/8", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"); /* all are ours */
}

static void what_is_no_address_is_not_believed(void **state)
{
	static const char *const bad[] = {"", ",", "unknown", "198.51.100.1:80", "0x7f.1",
		"198.51.100.1, ", "[2001:db8::1]",
		"11111111111111111111111111111111111111111111111111111111111"};

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++)
		expect("10.0.0.0/8", "10.0.0.1", bad[i], "10.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_trusted_proxy_the_peer_is_the_origin),
		cmocka_unit_test(behind_proxies_it_is_the_last_that_is_none),
		cmocka_unit_test(what_is_no_address_is_not_believed),
	};

	return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
