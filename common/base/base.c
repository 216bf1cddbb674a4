// SPDX-License-Identifier: Apache-2.0
/* Aborts and allocation for everybody. */
#include "common/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bug_abort(const char *file, int line, const char *cond)
{
	(void)fprintf(stderr, "bug: %s:%d: %s\n", file, line, cond);
	abort();
}

static void *or_exit(void *p)
{
	static const char text[] = "out of memory\n";

	if (p == NULL) {
		ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);
		(void)n;
		_exit(75);
	}
	return p;
}

void *mem_alloc(size_t n)
{
	return or_exit(calloc(1, n > 0 ? n : 1));
}

void *mem_realloc(void *p, size_t n)
{
	return or_exit(realloc(p, n > 0 ? n : 1));
}

char *mem_strdup(const char *s)
{
	return or_exit(strdup(s));
}
