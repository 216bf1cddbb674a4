// SPDX-License-Identifier: Apache-2.0
#include "services/simulator/multipart.h"

#include <stdio.h>
#include <string.h>

static const uint8_t *find(struct span in, const char *what, size_t n)
{
	return n ? memmem(in.p, in.n, what, n) : NULL;
}

static struct span after(struct span in, const uint8_t *p)
{
	return (struct span){.p = p, .n = in.n - (size_t)(p - in.p)};
}

/* "--boundary" of a Content-Type; false when it has none. */
static bool delimiter(const char *type, char out[static 80])
{
	const char *b = type ? strstr(type, "boundary=") : NULL;
	size_t n;

	if (!b)
		return false;
	b += strlen("boundary=");
	b += *b == '"';
	n = strcspn(b, "\";, ");
	if (n == 0 || n > 70)
		return false;
	(void)snprintf(out, 80, "--%.*s", (int)n, b);
	return true;
}

static bool named(struct span head, const char *name)
{
	char want[80];

	(void)snprintf(want, sizeof(want), "; name=\"%.60s\"", name);
	return find(head, want, strlen(want)) != NULL;
}

bool multipart_part(struct span body, const char *type, const char *name, struct span *ret)
{
	char mark[80], close[84];
	struct span rest = body;

	if (!delimiter(type, mark))
		return false;
	(void)snprintf(close, sizeof(close), "\r\n%s", mark);
	const uint8_t *at = find(rest, mark, strlen(mark));
	while (at) {
		rest = after(rest, at + strlen(mark));
		const uint8_t *head_end = find(rest, "\r\n\r\n", 4);
		const uint8_t *end = find(rest, close, strlen(close));
		if (!head_end || !end || end < head_end + 2)
			return false;
		if (named((struct span){.p = rest.p, .n = (size_t)(head_end - rest.p)}, name)) {
			size_t n = end > head_end + 4 ? (size_t)(end - head_end - 4) : 0;
			*ret = (struct span){.p = head_end + 4, .n = n};
			return true;
		}
		rest = after(rest, end + 2);
		at = rest.p;
	}
	return false;
}
