// SPDX-License-Identifier: Apache-2.0
/* Names of exported files. */
#include "services/storage/file_name.h"

#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"

#define SLUG_MAX 40

/* Letters, digits and dots stay; anything else becomes one dash. */
static void slug(const char *text, char out[static SLUG_MAX + 1])
{
	size_t n = 0;
	for (; *text != 0 && n < SLUG_MAX; text++) {
		char c = *text;
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || (c == '.' && n > 0);
		if (good)
			out[n++] = c;
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && (out[n - 1] == '-' || out[n - 1] == '.'))
		n--;
	out[n] = 0;
	if (n == 0)
		memcpy(out, "device", 7);
}

void file_name_make(char out[static FILE_NAME_MAX + 1], const char *device, const char *kind,
	uint64_t generation, uint64_t wall_ms, const char *ext)
{
	char name[SLUG_MAX + 1], t[CLOCK_RFC3339];
	slug(device, name);
	(void)clock_rfc3339(wall_ms, t); /* 2027-01-05T01:20:30.123Z */
	(void)snprintf(out, FILE_NAME_MAX + 1,
		"carnet_%s_%.16s_g%llu_%.4s%.2s%.2sT%.2s%.2s%.2sZ.%.16s", name, kind,
		(unsigned long long)generation, t, t + 5, t + 8, t + 11, t + 14, t + 17, ext);
}
