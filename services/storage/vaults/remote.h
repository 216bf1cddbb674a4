// SPDX-License-Identifier: Apache-2.0
/* The servers that vaults can be on, by kind. */
#pragma once

#include "common/vault/vault_remote.h"
#include "services/storage/vaults/login.h"

bool remote_known(const char *kind);
/* Connects to nothing yet. sealed may be empty. */
struct vault_remote *remote_new(
	const struct vault_address *a, struct span sealed, struct fault *reterr) must_check;
/* The host that the place is on, into out. */
int remote_host(const char *place, char *out, size_t size, struct fault *reterr) must_check;

/* A vault's row as it was read: texts of its own. */
struct remote_row {
	char kind[16], place[1024], account[257], pin[129], region[65];
	uint8_t login[LOGIN_SEALED_MAX];
	size_t login_n;
};
struct vault_address remote_row_address(const struct remote_row *row); /* points into it */
bool remote_row_same(const struct remote_row *a, const struct remote_row *b);
struct vault_remote *remote_of_row(const struct remote_row *row, struct fault *reterr) must_check;
