// SPDX-License-Identifier: Apache-2.0
/* A stable sort: equal elements keep their order, which libc's qsort does not promise. */
#pragma once

#include "common/base/base.h"

/* n elements of size bytes; O(n log n), half of the array in extra memory while it runs. */
void sort_stable(void *v, size_t n, size_t size, int (*compare)(const void *, const void *));
