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

/* No account, no query, nothing that would need escaping. CN_VALIDATION_FAILED "place_form". */
int server_parse(const char *text, struct server *ret, struct fault *reterr) must_check;
