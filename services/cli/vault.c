// SPDX-License-Identifier: Apache-2.0
/* `carnet vault add`: a place for copies, and the login for it when it is a server. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

#define KEY_MAX ((size_t)8192)

/* A private key: the file as it is. */
static char *read_key(const char *path)
{
	char *text = mem_alloc(KEY_MAX);
	FILE *f = fopen(path, "re");
	size_t n = f == NULL ? 0 : fread(text, 1, KEY_MAX - 1, f);

	if (f != NULL)
		(void)fclose(f);
	text[n] = '\0';
	if (n > 0 && n < KEY_MAX - 1)
		return text;
	explicit_bzero(text, KEY_MAX);
	free(text);
	(void)cli_fail(0, "%s: cannot be read, is empty or no private key", path);
	return NULL;
}

/* The scheme of a place says the kind. */
static const char *kind_of(const char *place)
{
	static const struct {
		const char *scheme, *kind;
	} kinds[] = {{"sftp://", "sftp"}, {"s3://", "s3"}, {"https://", "s3"}, {"http://", "s3"},
		{"smtps://", "mail"}, {"smtp://", "mail"}};

	for (size_t i = 0; i < array_len(kinds); i++)
		if (strncmp(place, kinds[i].scheme, strlen(kinds[i].scheme)) == 0)
			return kinds[i].kind;
	return "dir";
}

static void put_secret(json_t *body, const char *member, char *secret)
{
	(void)json_object_set_new(body, member, json_string(secret));
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* What opens the server: a key file, else a password. */
static int add_login(struct cli *c, json_t *body)
{
	const char *key = cli_flag(c, "key-file");
	char *secret = key != NULL ? read_key(key) : cli_secret(c, "password", "Password", false);

	if (secret == NULL)
		return EXIT_USAGE;
	put_secret(body, key != NULL ? "private_key" : "password", secret);
	if (key == NULL || cli_flag(c, "passphrase-file") == NULL)
		return 0;
	secret = cli_secret(c, "passphrase", "", false);
	if (secret == NULL)
		return EXIT_USAGE;
	put_secret(body, "passphrase", secret);
	return 0;
}

int run_vault_add(struct cli *c, const struct verb *v)
{
	json_t *body = json_object();
	const char *place = cli_flag(c, "place");
	const char *kind = cli_flag(c, "kind");
	int rc = 0;

	if (place == NULL) {
		json_decref(body);
		return cli_fail(EXIT_USAGE, "%s %s needs --name and --place", v->noun, v->name);
	}
	if (kind == NULL)
		kind = kind_of(place);
	(void)json_object_set_new(body, "place", json_string(place));
	(void)json_object_set_new(body, "kind", json_string(kind));
	const char *account = cli_flag(c, "account");
	if (account != NULL)
		(void)json_object_set_new(body, "account", json_string(account));
	if (strcmp(kind, "dir") != 0 && (account != NULL || strcmp(kind, "mail") != 0))
		rc = add_login(c, body);
	if (rc == 0)
		rc = verb_run_with(c, v, body);
	json_decref(body);
	return rc;
}
