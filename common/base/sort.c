// SPDX-License-Identifier: Apache-2.0
/* Merge sort, with insertion for what is short. */
#include "common/base/sort.h"

#include <stdlib.h>
#include <string.h>

#define SHORT 8
#define ELEMENT_MAX 128

static void insertion(uint8_t *v, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	uint8_t hold[ELEMENT_MAX];

	for (size_t i = 1; i < n; i++) {
		size_t at = i;
		while (at > 0 && compare(v + (at - 1) * size, v + i * size) > 0)
			at--;
		if (at == i)
			continue;
		memcpy(hold, v + i * size, size);
		memmove(v + (at + 1) * size, v + at * size, (i - at) * size);
		memcpy(v + at * size, hold, size);
	}
}

static void merge(uint8_t *v, size_t n, size_t size, int (*compare)(const void *, const void *),
	uint8_t *half)
{
	size_t m = n / 2;
	uint8_t *out = v;

	if (n <= SHORT) {
		insertion(v, n, size, compare);
		return;
	}
	merge(v, m, size, compare, half);
	merge(v + m * size, n - m, size, compare, half);
	if (compare(v + (m - 1) * size, v + m * size) <= 0)
		return;
	memcpy(half, v, m * size);
	const uint8_t *left = half, *left_end = half + m * size;
	const uint8_t *right = v + m * size, *right_end = v + n * size;
	while (left < left_end) {
		bool take_right = right < right_end && compare(left, right) > 0;
		const uint8_t **from = take_right ? &right : &left;
		memmove(out, *from, size);
		*from += size;
		out += size;
	}
}

void sort_stable(void *v, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	bug_if(size == 0 || size > ELEMENT_MAX);
	uint8_t *half = n > SHORT ? mem_alloc(n / 2 * size) : NULL;

	merge(v, n, size, compare, half);
	free(half);
}
