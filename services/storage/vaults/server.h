// SPDX-License-Identifier: Apache-2.0
/* The address of a server as people write it: scheme://host:port/path. Pure. */
#pragma once

#include "common/base/fault.h"

struct server {
	char scheme[8];
	char host[256]; /* without brackets */
	unsigned port;  /* 0 = the scheme's own */
	char path[768]; /* "" or "/…", no slash at the end */
};

/* How servers are spoken to, whatever their kind. */
struct vault;
struct address_rules;
struct remote_opts {
	uint32_t timeout_ms;
	const struct address_rules *where; /* servers may be (SE-9) */
	const char *ca_file;               /* of TLS; "" = the system's */
	const struct vault *home; /* the primary one: files on their way may lie in its tmp/ */
};

/* No account, no query, nothing that would need escaping. CN_VALIDATION_FAILED "place_form". */
int server_parse(const char *text, struct server *ret, struct fault *reterr) must_check;
