// SPDX-License-Identifier: Apache-2.0
/* The login that may erase (ST-49). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/storage/pruner.h"

static const char *of(const char *prune, const char *database)
{
	static char out[200];
	struct fault f = FAULT_INIT;
	return pruner_conninfo(prune, database, out, sizeof(out), &f) == 0 ? out : "refused";
}

static void what_is_configured_is_taken_st_49(void **state)
{
	(void)state;
	assert_string_equal(of("host=db user=p", "host=db user=carnet_storage"), "host=db user=p");
	assert_string_equal(of("host=db password=x", "host=db"), "refused");
}

static void else_it_logs_in_as_the_service_does_under_its_own_name_st_49(void **state)
{
	(void)state;
	assert_string_equal(of("", "host=db user=carnet_storage"),
		"host=db user=carnet_storage user=carnet_pruner");
	assert_string_equal(of("", "postgresql://carnet_storage@db/carnet"),
		"postgresql://carnet_storage@db/carnet?user=carnet_pruner");
	assert_string_equal(of("", "postgresql://carnet_storage@db/carnet?sslmode=verify-full"),
		"postgresql://carnet_storage@db/carnet?sslmode=verify-full&user=carnet_pruner");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_configured_is_taken_st_49),
		cmocka_unit_test(else_it_logs_in_as_the_service_does_under_its_own_name_st_49),
	};
	return cmocka_run_group_tests_name("the pruner's login", tests, NULL, NULL);
}
