// SPDX-License-Identifier: Apache-2.0
/* Names of exported files. */
#include "services/storage/books/file_name.h"

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

const char *file_suffix(const char *format)
{
	const struct codec *codec = codec_named(format);
	if (codec != NULL)
		return codec->suffix[0] == '.' ? codec->suffix + 1 : codec->suffix;
	return strcmp(format, "ipp_attributes") == 0 ? "ipp" : "bin";
}

const char *file_suffix_written(const struct codec *codec)
{
	if (strcmp(codec->name, "carnet_json") == 0)
		return "carnet.json";
	if (strcmp(codec->suffix, ".csv") == 0 && strcmp(codec->family, "generic") != 0)
		return "device.csv";
	return file_suffix(codec->name);
}

const char *file_title(
	struct arena *a, const char *device, const char *kind, uint64_t generation, const char *ext)
{
	char *title = arena_printf(a, "%.128s %.16s g%llu.%.16s",
		device[0] == 0 ? "device" : device, kind, (unsigned long long)generation, ext);
	for (char *c = title; c != NULL && *c != 0; c++)
		if ((unsigned char)*c < ' ' || *c == 127 || strchr("/\\:*?\"<>|", *c) != NULL)
			*c = '-';
	return title;
}
