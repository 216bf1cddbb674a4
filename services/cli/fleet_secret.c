// SPDX-License-Identifier: Apache-2.0
/* Secrets of what a fleet file makes: they stand in files of their own, which the fleet file only
 * names. Read all of them before the first change, wiped after the last. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/book.h"
#include "services/cli/fleet.h"

#define SECRET_MAX ((size_t)64 * 1024)

/* What a credential's file may hold; "id" is the department's, not the resource's. */
static const char *const members[] = {"user", "password", "id", "pin", "domain", "community_read",
	"community_write", "auth_protocol", "auth_password", "privacy_protocol", "privacy_password",
	"context", "token", "bytes"};

static bool known(const char *name)
{
	for (size_t i = 0; i < array_len(members); i++)
		if (strcmp(members[i], name) == 0)
			return true;
	return false;
}

static json_t *credential_of(const char *text, const char **ret_why)
{
	json_t *given = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *secret = json_object();
	const char *name;
	json_t *v;

	*ret_why = json_is_object(given) ? NULL : "JSON {…}";
	json_object_foreach(given, name, v)
	{
		if (!known(name) || !json_is_string(v))
			*ret_why = "user password id pin domain community_read community_write "
				   "auth_… privacy_… context";
		(void)json_object_set(secret, strcmp(name, "id") == 0 ? "id_number" : name, v);
	}
	json_decref(given);
	return secret;
}

static json_t *password_of(char *text)
{
	text[strcspn(text, "\r\n")] = '\0';
	return json_pack("{s:s}", "encryption_password", text);
}

/* The secret of one change; false after a message. */
static bool take(struct fleet_source *s, struct fleet_change *c)
{
	bool task = c->kind == F_TASK;
	const char *member = task ? "password_file" : "secret_file";
	const char *name = fleet_text(c->want->body, member);
	struct buf path = BUF_INIT;
	struct source file = {.path = NULL};
	const char *why = NULL;

	if (*name == '\0')
		return true;
	buf_addf(&path, "%s%s%s", *name == '/' ? "" : s->folder, *name == '/' ? "" : "/", name);
	if (source_read(&file, buf_str(&path)) != 0 || file.n > SECRET_MAX) {
		why = buf_str(&path);
	} else {
		file.bytes[file.n] = '\0';
		char *text = (char *)file.bytes;
		c->secret = task ? password_of(text) : credential_of(text, &why);
	}
	if (why != NULL)
		fleet_wrong(s, c->want->at, c->name, "secret_file", "%s", why);
	if (file.bytes != NULL)
		explicit_bzero(file.bytes, file.n);
	free(file.bytes);
	buf_fini(&path);
	return why == NULL;
}

bool fleet_secrets(struct fleet_source *s, struct fleet_plan *p)
{
	bool good = true;

	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].act == ACT_CREATE &&
			(p->changes[i].kind == F_TASK || p->changes[i].kind == F_CREDENTIAL))
			good &= take(s, &p->changes[i]);
	return good;
}
