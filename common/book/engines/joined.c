// SPDX-License-Identifier: Apache-2.0
/* Several texts in one cell. */
#include "common/book/engines/joined.h"

#include <string.h>

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("%;=", *text))
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
		else
			buf_addc(out, *text);
	}
}

/* Only our own three are decoded: a plain 100% stays one. */
static void unescape(struct buf *out, const char *p, size_t n)
{
	static const char *const CODES[] = {"%25", "%3B", "%3D"};

	buf_reset(out);
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		for (size_t j = 0; n - i >= 3 && j < array_len(CODES); j++) {
			if (memcmp(p + i, CODES[j], 3) != 0)
				continue;
			c = "%;="[j];
			i += 2;
			break;
		}
		buf_addc(out, c);
	}
}

void joined_add(struct buf *out, const char *text)
{
	if (out->n)
		buf_addc(out, ';');
	add_escaped(out, text);
}

void joined_add_pair(struct buf *out, const char *system, const char *value)
{
	if (out->n)
		buf_addc(out, ';');
	add_escaped(out, system);
	if (*system)
		buf_addc(out, '=');
	add_escaped(out, value);
}

const char *joined_next(const char *p, struct buf *ret_text)
{
	size_t n = strcspn(p, ";");

	unescape(ret_text, p, n);
	return p[n] ? p + n + 1 : p + n;
}

const char *joined_pair(const char *p, struct buf *ret_system, struct buf *ret_value)
{
	size_t n = strcspn(p, ";");
	size_t equals = strcspn(p, "=;");

	buf_reset(ret_system);
	if (p[equals] == '=') {
		unescape(ret_system, p, equals);
		unescape(ret_value, p + equals + 1, n - equals - 1);
	} else {
		unescape(ret_value, p, n);
	}
	return p[n] ? p + n + 1 : p + n;
}
