// SPDX-License-Identifier: Apache-2.0
/* Which server speaks what. */
#include "services/storage/vaults/remote.h"

#include <stdio.h>
#include <string.h>

#include "services/storage/storage.h"
#include "services/storage/vaults/s3.h"
#include "services/storage/vaults/server.h"
#include "services/storage/vaults/sftp.h"

typedef struct vault_remote *(*remote_fn)(const struct vault_address *a, struct secret *login,
	struct remote_opts opts, struct fault *reterr);

static const struct {
	const char *kind;
	remote_fn make;
} kinds[] = {
	{"s3", s3_new},
	{"sftp", sftp_new},
};

static remote_fn find(const char *kind)
{
	for (size_t i = 0; i < array_len(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].make;
	return NULL;
}

bool remote_known(const char *kind)
{
	return find(kind) != NULL;
}

int remote_host(const char *place, char *out, size_t size, struct fault *reterr)
{
	struct server s;
	if (server_parse(place, &s, reterr) < 0)
		return -1;
	(void)snprintf(out, size, "%s", s.host);
	return 0;
}

struct vault_remote *remote_new(
	const struct vault_address *a, struct span sealed, struct fault *reterr)
{
	struct secret *login = NULL;
	remote_fn make = find(a->kind);
	bug_if(make == NULL);
	if (sealed.n > 0) {
		login = login_open(&app.keys, a, sealed, reterr);
		if (login == NULL)
			return NULL;
	}
	const struct remote_opts opts = {.timeout_ms = (uint32_t)app.config->vault_timeout_ms,
		.where = &app.where,
		.ca_file = app.config->vault_ca_file,
		.home = &app.vault};
	return make(a, login, opts, reterr);
}

bool remote_row_same(const struct remote_row *a, const struct remote_row *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->place, b->place) == 0 &&
	       strcmp(a->account, b->account) == 0 && strcmp(a->pin, b->pin) == 0 &&
	       strcmp(a->region, b->region) == 0 && a->login_n == b->login_n &&
	       memcmp(a->login, b->login, a->login_n) == 0;
}

struct vault_address remote_row_address(const struct remote_row *row)
{
	return (struct vault_address){.kind = row->kind,
		.place = row->place,
		.account = row->account,
		.pin = row->pin,
		.region = row->region};
}

struct vault_remote *remote_of_row(const struct remote_row *row, struct fault *reterr)
{
	const struct vault_address a = remote_row_address(row);
	return remote_new(&a, (struct span){row->login, row->login_n}, reterr);
}
