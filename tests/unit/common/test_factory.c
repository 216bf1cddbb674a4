// SPDX-License-Identifier: Apache-2.0
/* Logins that every new device has (docs/spec/fleet.md FL-16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/base.h"
#include "common/crypto/factory.h"

static void those_of_the_specification_are_known(void **state unused)
{
	assert_true(login_is_factory("7654321", "7654321"));
	assert_true(login_is_factory("Admin", "Admin"));
	assert_true(login_is_factory(NULL, "12345678"));
	assert_true(login_is_factory("", "12345678"));
	assert_true(login_is_factory("admin", "1111"));
	assert_true(login_is_factory("ADMIN", "1111"));
}

static void no_password_at_all_is_one(void **state unused)
{
	assert_true(login_is_factory("anna", ""));
	assert_true(login_is_factory(NULL, ""));
	assert_false(login_is_factory("admin", NULL));
}

static void a_secret_of_ones_own_is_none(void **state unused)
{
	assert_false(login_is_factory("7654321", "4711"));
	assert_false(login_is_factory("7654321", "12345678"));
	assert_false(login_is_factory("Admin", "ADMIN"));
	assert_false(login_is_factory("anna", "1111"));
	assert_false(login_is_factory("admin", "1111 "));
}

static void only_logins_are_looked_at(void **state unused)
{
	assert_true(login_kind("system_manager"));
	assert_true(login_kind("password_only"));
	assert_false(login_kind("snmp_v2c"));
	assert_false(login_kind("bearer"));
	assert_false(login_kind(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_the_specification_are_known),
		cmocka_unit_test(no_password_at_all_is_one),
		cmocka_unit_test(a_secret_of_ones_own_is_none),
		cmocka_unit_test(only_logins_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
