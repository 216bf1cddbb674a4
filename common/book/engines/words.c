// SPDX-License-Identifier: Apache-2.0
/* Yes and no, as found and as written. */
#include "common/book/engines/words.h"

#include <string.h>

#include "common/base/ascii.h"

static const char *const WORDS[][2] = {
	{"false", "true"},
	{"False", "True"},
	{"FALSE", "TRUE"},
	{"off", "on"},
	{"Off", "On"},
	{"OFF", "ON"},
	{"no", "yes"},
	{"No", "Yes"},
	{"NO", "YES"},
	{"0", "1"},
};

const char *bool_read(const char *word)
{
	for (size_t i = 0; i < array_len(WORDS); i++)
		for (int yes = 0; yes < 2; yes++)
			if (ascii_same(word, WORDS[i][yes]))
				return WORDS[0][yes];
	return NULL;
}

static const char *like(const char *found, bool yes)
{
	for (size_t i = 0; i < array_len(WORDS); i++)
		if (strcmp(found, WORDS[i][0]) == 0 || strcmp(found, WORDS[i][1]) == 0)
			return WORDS[i][yes];
	return NULL;
}

const char *bool_like(const char *found, const char *fallback, bool yes)
{
	const char *word = like(found, yes);

	if (!word)
		word = like(fallback, yes);
	return word ? word : WORDS[0][yes];
}
