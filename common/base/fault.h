// SPDX-License-Identifier: Apache-2.0
/* Why something failed, in one set of fields from the device to the console (RFC 9457).
 * Codes are the CN-numbers of schemas/errors.tab (fleet.md section 8); gen/errors.h names them. */
#pragma once

#include <stdarg.h>

#include "common/base/base.h"

struct fault {
	int code;         /* CN-number, 0 = no fault */
	char detail[256]; /* what exactly, in English, UTF-8, no secret: names, numbers, places */
	char reason[64];  /* machine-readable word inside the code (detail.reason), or "" */
	unsigned retry_s; /* in so many seconds it may be asked again; 0 = not known */
	unsigned needs, has; /* versions, of a refusal between old and new (ST-50); else 0 */
};

#define FAULT_INIT ((struct fault){.code = 0})

/* Sets code and detail (cut at a UTF-8 boundary); returns -1, so that callers can return it. */
int fault_set(struct fault *f, int code, const char *fmt, ...) printf_like(3, 4);
/* Same with a reason word, for example fault_why(f, CN_CONFLICT, "group_cycle", "…"). */
int fault_why(struct fault *f, int code, const char *reason, const char *fmt, ...)
	printf_like(4, 5);
/* Somebody is too old for what: "<what> needs >= 3, has 2", in numbers too. */
int fault_needs(struct fault *f, int code, const char *reason, const char *what, unsigned needs,
	unsigned has);
