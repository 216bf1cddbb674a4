// SPDX-License-Identifier: Apache-2.0
/* Why something failed. */
#include "common/base/fault.h"

#include <stdio.h>
#include <string.h>

/* Takes an incomplete UTF-8 sequence off the end. */
static void trim_utf8(char *s)
{
	size_t n = strlen(s);
	size_t i = n;

	while (i > 0 && n - i < 3 && ((uint8_t)s[i - 1] & 0xc0) == 0x80)
		i--;
	if (i == 0 || ((uint8_t)s[i - 1] & 0x80) == 0)
		return;
	uint8_t lead = (uint8_t)s[i - 1];
	size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (n - (i - 1) < need)
		s[i - 1] = '\0';
}

static void set(struct fault *f, int code, const char *reason, const char *fmt, va_list ap)
{
	f->code = code;
	f->needs = f->has = f->retry_s = 0;
	(void)snprintf(f->reason, sizeof(f->reason), "%s", reason);
	(void)vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	trim_utf8(f->detail);
}

int fault_set(struct fault *f, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(f, code, "", fmt, ap);
	va_end(ap);
	return -1;
}

int fault_why(struct fault *f, int code, const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(f, code, reason, fmt, ap);
	va_end(ap);
	return -1;
}

int fault_needs(struct fault *f, int code, const char *reason, const char *what, unsigned needs,
	unsigned has)
{
	(void)fault_why(f, code, reason, "%s needs >= %u, has %u", what, needs, has);
	f->needs = needs;
	f->has = has;
	return -1;
}
