// SPDX-License-Identifier: Apache-2.0
/* One setting's value: text to number, bounds, and what may not stand in it. */
#include "common/config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"
#include "gen/errors.h"

const struct config_key *config_key_find(const struct config_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++) {
		if (strcmp(table->keys[i].name, name) == 0)
			return &table->keys[i];
	}
	return NULL;
}

static int refuse(
	const struct config_key *key, const char *source, const char *what, struct fault *reterr)
{
	return fault_set(
		reterr, CN_VALIDATION_FAILED, "setting %s (%s): %s", key->name, source, what);
}

/* Milliseconds of a unit, 0 = no such unit. */
static int64_t unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	for (size_t i = 0; i < array_len(units); i++) {
		if (strcmp(units[i].name, unit) == 0)
			return units[i].ms;
	}
	return 0;
}

static int set_number(const struct config_key *key, int64_t *to, const char *text,
	const char *source, struct fault *reterr)
{
	char *end;
	int64_t v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || errno != 0)
		return refuse(key, source, "is no number", reterr);
	int64_t unit = key->type == CONFIG_MS ? unit_ms(end) : *end == '\0' ? 1 : 0;
	if (unit == 0)
		return refuse(key, source, "has an unknown unit", reterr);
	if (__builtin_mul_overflow(v, unit, &v) || v < key->min || v > key->max)
		return fault_set(reterr, CN_VALIDATION_FAILED,
			"setting %s (%s): %" PRId64 " to %" PRId64 " is allowed", key->name, source,
			key->min, key->max);
	*to = v;
	return 0;
}

static int set_bool(const struct config_key *key, bool *to, const char *text, const char *source,
	struct fault *reterr)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

	for (size_t i = 0; i < array_len(words); i++) {
		if (strcmp(words[i], text) == 0) {
			*to = i % 2 == 1;
			return 0;
		}
	}
	return refuse(key, source, "true or false is wanted", reterr);
}

/* libpq takes "password=x" and "postgresql://user:x@host"; either would show in `ps` or the
 * environment of every child. */
static bool has_password(const char *text)
{
	const char *scheme = strstr(text, "://");
	const char *at = scheme != NULL ? strchr(scheme + 3, '@') : NULL;
	const char *colon = scheme != NULL ? strchr(scheme + 3, ':') : NULL;

	return strcasestr(text, "password") != NULL || (at != NULL && colon != NULL && colon < at);
}

static int set_text(const struct config_key *key, char **to, const char *text, const char *source,
	struct fault *reterr)
{
	size_t n = strlen(text);

	if (n < (size_t)key->min || n > (size_t)key->max)
		return fault_set(reterr, CN_VALIDATION_FAILED,
			"setting %s (%s): %" PRId64 " to %" PRId64 " bytes are allowed", key->name,
			source, key->min, key->max);
	if (!utf8_valid(text, n))
		return refuse(key, source, "is not UTF-8", reterr);
	if (strcmp(key->name, "database") == 0 && has_password(text))
		return refuse(key, source, "must not hold a password; use a passfile", reterr);
	free(*to);
	*to = mem_strdup(text);
	return 0;
}

int config_set(const struct config_key *key, void *config, const char *text, const char *source,
	struct fault *reterr)
{
	void *to = (char *)config + key->offset;

	switch (key->type) {
	case CONFIG_INT:
	case CONFIG_MS:
		return set_number(key, to, text, source, reterr);
	case CONFIG_BOOL:
		return set_bool(key, to, text, source, reterr);
	case CONFIG_TEXT:
		return set_text(key, to, text, source, reterr);
	}
	return refuse(key, source, "has no type", reterr);
}

static bool ends_with(const char *name, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && memcmp(name + n - k, end, k) == 0;
}

int config_no_secrets(char **environment, struct fault *reterr)
{
	static const char *const ends[] = {"PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "PEPPER",
		"KEK", "_KEY", "CREDENTIAL", "CREDENTIALS", "SEED_KEY"};

	for (; *environment != NULL; environment++) {
		size_t n = strcspn(*environment, "=");
		bool ours = strncmp(*environment, "CARNET_", 7) == 0;
		bool secret = n == 10 && strncmp(*environment, "PGPASSWORD", 10) == 0;
		for (size_t i = 0; ours && i < array_len(ends); i++)
			secret = secret || ends_with(*environment, n, ends[i]);
		if (secret)
			return fault_set(reterr, CN_VALIDATION_FAILED,
				"a secret in the environment is refused: %.*s; give the path of a "
				"file",
				(int)size_min(n, 100), *environment);
	}
	return 0;
}

static void help_key(const struct config_key *key)
{
	static const char *const types[] = {[CONFIG_INT] = "int",
		[CONFIG_BOOL] = "bool",
		[CONFIG_TEXT] = "text",
		[CONFIG_MS] = "ms"};

	(void)printf("  --%s=%s", key->name, types[key->type]);
	if (key->type == CONFIG_INT || key->type == CONFIG_MS)
		(void)printf("  (%" PRId64 " to %" PRId64 ")", key->min, key->max);
	if (key->default_text == NULL)
		(void)printf("  required");
	else if (key->default_text[0] != '\0')
		(void)printf("  [%s]", key->default_text);
	(void)printf("\n        %s\n", key->help);
}

void config_help(const struct config_table *table)
{
	(void)printf("use: carnet-%s [--config=FILE] [--key=value]…\n\n"
		     "Each setting may also stand in FILE, as key = value in [%s] or [common], and "
		     "in the\n"
		     "environment as CARNET_<KEY> or CARNET_<SERVICE>_<KEY>. The command line "
		     "wins, then\n"
		     "the environment, then FILE. Secrets are files.\n\n",
		table->service, table->service);
	for (size_t i = 0; i < table->n; i++)
		help_key(&table->keys[i]);
}
