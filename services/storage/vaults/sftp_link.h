// SPDX-License-Identifier: Apache-2.0
/* One connection to an SFTP server: its key is compared with the pinned one before anything is said
 * of us (SE-8). Blocks, at most the time given per step; work pool only. */
#pragma once

#include <libssh2.h>
#include <libssh2_sftp.h>

#include "services/storage/vaults/login.h"
#include "services/storage/vaults/server.h"

struct sftp_target {
	struct server server;
	char account[256];
	char pin[64];         /* "SHA256:…", as ssh-keygen -lf prints it; "" = none yet */
	struct secret *login; /* a struct login, or NULL */
	uint32_t timeout_ms;
	const struct address_rules *where; /* it may be */
};

struct sftp_link {
	int fd;
	LIBSSH2_SESSION *session;
	LIBSSH2_SFTP *sftp; /* NULL = not connected */
	uint64_t serial;    /* of connections on this link */
};

int sftp_link_open(
	struct sftp_link *l, const struct sftp_target *t, struct fault *reterr) must_check;
void sftp_link_close(struct sftp_link *l);
/* What the last call of the library on this link failed with. A link that is no more is closed.
 * what: for people. */
int sftp_fault(struct sftp_link *l, const char *what, struct fault *reterr);
