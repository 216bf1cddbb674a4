// SPDX-License-Identifier: Apache-2.0
/* Where a worker may connect (fleet.md 1.7, security.md SE-10..SE-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/net/resolve.h"
#include "gen/errors.h"

static bool allowed(const char *ip, const struct address_rules *rules, bool simulated)
{
	struct address a;
	struct fault f = FAULT_INIT;

	assert_true(address_parse(ip, &a));
	if (address_check(&a, rules, simulated, &f) == 0)
		return true;
	assert_int_equal(f.code, CN_ADDRESS_REFUSED);
	return false;
}

static const char *const forbidden[] = {"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3",
	"169.254.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "100.64.0.1",
	"192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.255", "224.0.0.1",
	"239.1.1.1", "255.255.255.255", "240.0.0.1", "::1", "::", "::ffff:127.0.0.1",
	"::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
	"2002:7f00:1::", "2001:0:1::", "fe80::1", "ff02::1", "2001:db8::1", "fd00:ec2::254"};
static const char *const ordinary[] = {"10.0.0.1", "192.168.1.9", "172.16.0.1", "8.8.8.8",
	"100.63.0.1", "100.128.0.1", "fd00::1", "2a00:1450::1", "169.253.1.1", "126.0.0.1",
	"128.0.0.1"};

static void no_device_may_be_at_a_special_address(void **state unused)
{
	struct address_rules none = {.allow_loopback = false};

	for (size_t i = 0; i < array_len(forbidden); i++)
		if (allowed(forbidden[i], &none, false) || allowed(forbidden[i], &none, true))
			fail_msg("%s", forbidden[i]);
}

static void ordinary_addresses_are_fine(void **state unused)
{
	struct address_rules none = {.allow_loopback = false};

	for (size_t i = 0; i < array_len(ordinary); i++)
		if (!allowed(ordinary[i], &none, false))
			fail_msg("%s", ordinary[i]);
}

static void loopback_is_for_simulated_devices_where_the_operator_said_so(void **state unused)
{
	struct address_rules loopback = {.allow_loopback = true};

	assert_true(allowed("127.3.4.5", &loopback, true));
	assert_true(allowed("::1", &loopback, true));
	assert_false(allowed("127.3.4.5", &loopback, false));
	assert_false(allowed("169.254.169.254", &loopback, true));
	assert_false(allowed("::ffff:127.0.0.1", &loopback, true));
}

static void networks_of_simulated_fleets_are_let_through_for_simulated_devices_only(
	void **state unused)
{
	struct address_rules rules = {.allow_loopback = false};
	struct fault f = FAULT_INIT;

	assert_int_equal(
		address_nets("allow_networks", "127.10.0.0/15, 198.18.0.0/15", &rules, &f), 0);
	assert_true(allowed("127.11.255.1", &rules, true));
	assert_true(allowed("198.19.0.1", &rules, true));
	assert_false(allowed("127.12.0.1", &rules, true));
	assert_false(allowed("127.11.255.1", &rules, false));
}

static void where_networks_are_named_nothing_else_is_allowed_se_9(void **state unused)
{
	struct address_rules rules = {.only = true};
	struct fault f = FAULT_INIT;

	assert_true(allowed("10.1.2.3", &rules, false));
	assert_int_equal(
		address_nets("webhook_networks", "192.168.7.0/24, fd00::/8", &rules, &f), 0);
	assert_true(allowed("192.168.7.9", &rules, false));
	assert_true(allowed("fd12::1", &rules, false));
	assert_false(allowed("10.1.2.3", &rules, false));
	assert_false(allowed("127.0.0.1", &rules, false));
}

static void a_list_that_says_none_allows_nothing_se_9(void **state unused)
{
	struct address_rules rules = {.only = true};
	struct fault f = FAULT_INIT;

	assert_int_equal(address_nets("vault_networks", "none", &rules, &f), 0);
	assert_false(allowed("10.1.2.3", &rules, false));
	assert_false(allowed("2001:470::1", &rules, false));
	assert_int_equal(address_nets("vault_networks", "none, 10.0.0.0/8", &rules, &f), -1);
}

static void what_is_refused_is_let_through_by_its_own_name_only_se_10(void **state unused)
{
	struct address_rules wide = {.only = true}, narrow = {.only = true};
	struct fault f = FAULT_INIT;

	assert_int_equal(address_nets("vault_networks", "0.0.0.0/0, ::/0", &wide, &f), 0);
	assert_int_equal(address_nets("vault_networks", "127.0.0.1", &narrow, &f), 0);
	assert_true(allowed("10.1.2.3", &wide, true));
	for (size_t i = 0; i < array_len(forbidden); i++)
		assert_false(allowed(forbidden[i], &wide, true));
	assert_true(allowed("127.0.0.1", &narrow, true));
	assert_false(allowed("127.0.0.2", &narrow, true));
	assert_false(allowed("10.1.2.3", &narrow, true));
}

static void every_spelling_of_an_address_is_checked_as_what_it_is_se_12(void **state unused)
{
	static const char *const loopback[] = {
		"127.0.0.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "127.1"};
	const struct address_rules rules = {.only = true};
	struct resolved all = {.n = 0};

	for (size_t i = 0; i < array_len(loopback); i++) {
		struct fault f = FAULT_INIT;
		assert_int_equal(resolve_now(loopback[i], &rules, false, &all, &f), -1);
		assert_int_equal(f.code, CN_ADDRESS_REFUSED);
		assert_string_equal(f.reason, "loopback");
	}
	assert_int_equal(all.n, 0);
}

static void broken_networks_are_refused_by_name(void **state unused)
{
	static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/",
		"10.0.0.0/-1", "10.0.0.0/8x", "::/129"};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct address_rules rules = {.allow_loopback = false};
		struct fault f = FAULT_INIT;
		assert_int_equal(address_nets("allow_networks", bad[i], &rules, &f), -1);
		assert_non_null(strstr(f.detail, bad[i]));
	}
}

static void only_plain_spellings_are_addresses_se_12(void **state unused)
{
	static const char *const names[] = {"0177.0.0.1", "0x7f.0.0.1", "2130706433", "127.1",
		"127.0.0.1.", "[::1]", "fe80::1%eth0", "\xef\xbc\x91\x32\x37.0.0.1", "",
		"localhost"};
	struct address a;

	for (size_t i = 0; i < array_len(names); i++)
		if (address_parse(names[i], &a))
			fail_msg("%s", names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_device_may_be_at_a_special_address),
		cmocka_unit_test(ordinary_addresses_are_fine),
		cmocka_unit_test(loopback_is_for_simulated_devices_where_the_operator_said_so),
		cmocka_unit_test(
			networks_of_simulated_fleets_are_let_through_for_simulated_devices_only),
		cmocka_unit_test(where_networks_are_named_nothing_else_is_allowed_se_9),
		cmocka_unit_test(a_list_that_says_none_allows_nothing_se_9),
		cmocka_unit_test(what_is_refused_is_let_through_by_its_own_name_only_se_10),
		cmocka_unit_test(every_spelling_of_an_address_is_checked_as_what_it_is_se_12),
		cmocka_unit_test(broken_networks_are_refused_by_name),
		cmocka_unit_test(only_plain_spellings_are_addresses_se_12),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
