// SPDX-License-Identifier: Apache-2.0
/* The stable sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/sort.h"
#include "tests/lib/book_random.h"

struct thing {
	uint32_t key, at;
};

static int compare(const void *a, const void *b)
{
	const struct thing *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static void equal_things_keep_their_order(void **state unused)
{
	struct thing v[300];
	struct random r = {3};

	for (uint32_t n = 0; n <= array_len(v); n += 1 + n / 7) {
		for (uint32_t i = 0; i < n; i++)
			v[i] = (struct thing){random_below(&r, n / 3 + 1), i};
		sort_stable(v, n, sizeof(v[0]), compare);
		for (uint32_t i = 1; i < n; i++) {
			assert_true(v[i - 1].key <= v[i].key);
			assert_true(v[i - 1].key < v[i].key || v[i - 1].at < v[i].at);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_things_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
