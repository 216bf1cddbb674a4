// SPDX-License-Identifier: Apache-2.0
/* Persons with a scope (fleet.md FL-69): each request to storage that knows scopes has its rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gen/msg.h"
#include "services/storage/scope.h"

#define FIRST 0x0400
#define LAST 0x04ff

static void every_scoped_request_of_storage_has_a_rule_fl_69(void **state)
{
	unsigned scoped = 0;
	(void)state;
	for (unsigned id = FIRST; id <= LAST; id++) {
		const struct msg_desc *m = msg_find((uint16_t)id);
		if (m == NULL || m->reply == NULL || !m->scoped)
			continue;
		scoped++;
		if (!scope_knows((uint16_t)id))
			print_error("%s is marked scoped and has no rule\n", m->name);
		assert_true(scope_knows((uint16_t)id));
	}
	assert_true(scoped >= 10);
}

static void what_nobody_thought_of_is_not_known_fl_69(void **state)
{
	(void)state;
	assert_false(scope_knows(MSG_STORE_BEGIN));
	assert_false(scope_knows(MSG_PRUNE));
	assert_false(scope_knows(0x04ff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scoped_request_of_storage_has_a_rule_fl_69),
		cmocka_unit_test(what_nobody_thought_of_is_not_known_fl_69),
	};
	return cmocka_run_group_tests_name("scopes in storage", tests, NULL, NULL);
}
