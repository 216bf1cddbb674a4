// SPDX-License-Identifier: Apache-2.0
/* One file to one FTP server (devices.md sections 3 and 10): control and data connection on the
 * loop, passive, binary, QUIT at the end on every path. Not libcurl's: that waits inside one call
 * for the reply after the data and for the one to QUIT (7.88: 9 s of a transfer of 9 s), and all
 * other devices with it. Loop thread only. */
#pragma once

#include "services/worker/adapters/adapter.h"
#include "services/worker/adapters/ftp_reply.h"

struct ftp;

struct ftp_request {
	uint16_t port;
	const char *user, *password;
	const char *directory; /* NULL = where the server begins */
	const char *name;      /* of the file; NULL = only greeting and QUIT */
	struct span bytes;     /* lives until fn */
	bool extended;         /* EPSV first; with IPv6 always */
	uint32_t reply_ms;     /* 0 = 60 s */
	uint32_t stall_ms;     /* no byte taken for so long; 0 = 120 s */
	uint32_t stored_ms;    /* until the reply after the data; 0 = 300 s */
};

/* last: the reply that decided, code 0 = none came; f NULL = greeted, or stored (226).
 * f: CN_UNREACHABLE, CN_TIMEOUT, CN_CONNECTION_LOST, CN_RESPONSE_TOO_BIG, CN_PROTOCOL_ERROR, and of
 * replies (DV-25) CN_SESSION_LIMIT CN_DEVICE_BUSY CN_AUTH_REFUSED CN_REJECTED CN_STORE_FULL; reason
 * "data_sent" when the server may have used some of the file. */
typedef void (*ftp_fn)(void *arg, const struct ftp_reply *last, const struct fault *f);

/* Connects to e->ip. Strings are copied and hold no control characters, the name no slash either:
 * else CN_VALIDATION_FAILED. fn is called once, never from inside; not after ftp_cancel. */
struct ftp *ftp_start(struct errand *e, const struct ftp_request *r, ftp_fn fn, void *arg);
/* Both connections are reset. */
void ftp_cancel(struct ftp *x);

/* What a refusal means (DV-25). Pure. */
int ftp_cause(const struct ftp_reply *r, struct fault *reterr);
