// SPDX-License-Identifier: Apache-2.0
/* Settings from their four sources, weakest first. */
#include "common/config/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/config/value.h"
#include "gen/errors.h"

struct loading {
	const struct config_table *table;
	void *config;
	struct fault *err;
	const char *file;
	const char *section; /* of the ini file, the one wanted in this pass */
	int line;
	bool too_long;
};

static int set_defaults(struct loading *l)
{
	for (size_t i = 0; i < l->table->n; i++) {
		const struct config_key *key = &l->table->keys[i];
		if (key->default_text != NULL &&
			config_set(key, l->config, key->default_text, "default", l->err) != 0)
			return -1;
	}
	return 0;
}

/* inih: 1 = good. Other services' sections are theirs. */
static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct loading *l = user;
	const struct config_key *key = config_key_find(l->table, name);

	if (strcmp(section, l->section) != 0 || l->err->code != 0)
		return 1;
	if (key != NULL)
		return config_set(key, l->config, value, l->file, l->err) == 0;
	/* a key of [common] may be of use to another program only */
	(void)fault_set(
		l->err, CN_VALIDATION_FAILED, "%s: no setting %s in [%s]", l->file, name, section);
	return 0;
}

/* fgets that notices a line which does not fit: inih would take its rest as a line of its own. */
static char *next_line(char *text, int size, void *stream)
{
	struct loading *l = ((void **)stream)[0];
	FILE *f = ((void **)stream)[1];
	char *got = l->too_long ? NULL : fgets(text, size, f);

	l->line++;
	if (got != NULL && strlen(text) + 1 == (size_t)size && text[size - 2] != '\n')
		l->too_long = true;
	return l->too_long ? NULL : got;
}

static int read_section(struct loading *l, const char *section)
{
	FILE *f = fopen(l->file, "re");
	void *stream[] = {l, f};

	if (f == NULL)
		return fault_set(l->err, CN_VALIDATION_FAILED, "%s: %s", l->file, strerror(errno));
	l->section = section;
	l->line = 0;
	int rc = ini_parse_stream(next_line, stream, on_pair, l);
	(void)fclose(f);
	if (l->too_long)
		return fault_set(l->err, CN_VALIDATION_FAILED,
			"%s:%d: line is longer than 198 bytes", l->file, l->line);
	if (l->err->code != 0)
		return -1;
	return rc == 0 ? 0
		       : fault_set(l->err, CN_VALIDATION_FAILED, "%s:%d: not `key = value`",
				 l->file, rc);
}

static int read_file(struct loading *l, int argc, char **argv)
{
	static const char option[] = "--config=";

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], option, sizeof(option) - 1) != 0)
			continue;
		l->file = argv[i] + sizeof(option) - 1;
		if (read_section(l, "common") != 0 || read_section(l, l->table->service) != 0)
			return -1;
	}
	return 0;
}

static int set_from_env(struct loading *l, const struct config_key *key, const char *service)
{
	struct buf name = BUF_INIT;
	int rc = 0;

	buf_addf(&name, "carnet_%s%s%s", service, service[0] != '\0' ? "_" : "", key->name);
	for (size_t i = 0; i < name.n; i++)
		name.p[i] = (uint8_t)toupper(name.p[i]);
	const char *value = getenv(buf_str(&name));
	if (value != NULL)
		rc = config_set(key, l->config, value, buf_str(&name), l->err);
	buf_fini(&name);
	return rc;
}

static int read_environment(struct loading *l)
{
	for (size_t i = 0; i < l->table->n; i++) {
		const struct config_key *key = &l->table->keys[i];
		if (set_from_env(l, key, "") != 0 || set_from_env(l, key, l->table->service) != 0)
			return -1;
	}
	return 0;
}

/* --key=value; a dash in the key may stand for its underscore. */
static int set_from_argument(struct loading *l, const char *arg)
{
	char name[64];
	size_t n = strcspn(arg, "=");

	if (strncmp(arg, "--", 2) != 0 || arg[n] != '=' || n - 2 >= sizeof(name))
		return fault_set(l->err, CN_VALIDATION_FAILED, "--key=value is wanted, see --help");
	(void)snprintf(name, sizeof(name), "%.*s", (int)n - 2, arg + 2);
	for (char *p = name; *p != '\0'; p++)
		*p = *p == '-' ? '_' : *p;
	if (strcmp(name, "config") == 0)
		return 0;
	const struct config_key *key = config_key_find(l->table, name);
	if (key == NULL)
		return fault_set(l->err, CN_VALIDATION_FAILED, "no setting %s, see --help", name);
	return config_set(key, l->config, arg + n + 1, "command line", l->err);
}

static int check_required(struct loading *l)
{
	for (size_t i = 0; i < l->table->n; i++) {
		const struct config_key *key = &l->table->keys[i];
		char *const *text = (void *)((char *)l->config + key->offset);
		if (key->default_text == NULL && key->type == CONFIG_TEXT && *text == NULL)
			return fault_set(
				l->err, CN_VALIDATION_FAILED, "setting %s is required", key->name);
	}
	return 0;
}

int config_load(const struct config_table *table, int argc, char **argv, void *ret_config,
	struct fault *reterr)
{
	struct loading l = {.table = table, .config = ret_config, .err = reterr};

	memset(ret_config, 0, table->size);
	*reterr = FAULT_INIT;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			config_help(table);
			exit(fflush(stdout) == 0 ? 0 : 1);
		}
	}
	if (config_no_secrets(environ, reterr) != 0 || set_defaults(&l) != 0 ||
		read_file(&l, argc, argv) != 0 || read_environment(&l) != 0)
		return -1;
	for (int i = 1; i < argc; i++) {
		if (set_from_argument(&l, argv[i]) != 0)
			return -1;
	}
	return check_required(&l);
}

void config_fini(const struct config_table *table, void *config)
{
	for (size_t i = 0; i < table->n; i++) {
		if (table->keys[i].type == CONFIG_TEXT) {
			char **text = (void *)((char *)config + table->keys[i].offset);
			free(*text);
			*text = NULL;
		}
	}
}

void config_data_dir(const char *given, const char *below, char *ret_path, size_t size)
{
	char exe[2048];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (*given != '\0' || n < 0) {
		(void)snprintf(ret_path, size, "%s", given);
		return;
	}
	exe[n] = '\0';
	for (int up = 0; up < 3; up++) {
		char *slash = strrchr(exe, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	(void)snprintf(ret_path, size, "%s/%s", exe, below);
}
