// SPDX-License-Identifier: Apache-2.0
/* A vault on an SFTP server (docs/spec/storage.md section 8). */
#pragma once

#include "common/vault/vault_remote.h"
#include "services/storage/vaults/login.h"
#include "services/storage/vaults/server.h"

/* Reads the address only; takes the login (NULL = none: the server's key is told, nothing more). */
struct vault_remote *sftp_new(const struct vault_address *a, struct secret *login,
	struct remote_opts opts, struct fault *reterr) must_check;
