// SPDX-License-Identifier: Apache-2.0
/* A mail as its bytes (RFC 5322, 2045–2047, 2231). Nothing from outside reaches a header unseen:
 * what would begin a line of its own is refused, what deceives a reader is shown escaped (SE-29).
 * Pure. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/base/uuid.h"

#define MAIL_ADDRESS_SIZE 255 /* with its NUL (RFC 5321) */
#define MAIL_TO_MAX 50

struct mail_file {
	const char *name; /* as the reader saves it: no slash */
	const char *type; /* "application/octet-stream" */
	struct span bytes;
};

/* Texts are UTF-8 with LF. Addresses as mail_address gives them. */
struct mail {
	const char *from;
	const char *from_name; /* or NULL */
	const char *const *to;
	size_t to_n;
	const char *subject;
	const char *text;
	const char *html; /* the same for those who show it, or NULL */
	const struct mail_file *files;
	size_t files_n;
	struct uuid id; /* the same for each attempt: who gets it twice knows */
	uint64_t at_ms; /* wall time */
	bool urgent;
};

/* "p.h@Bücher.example" → "p.h@xn--bcher-kva.example". The local part is a plain one of ASCII:
 * quoted ones and those of other scripts reach few servers. CN_VALIDATION_FAILED "mail_address". */
int mail_address(
	const char *given, char ret[static MAIL_ADDRESS_SIZE], struct fault *reterr) must_check;
/* Adds the whole mail with CRLF. CN_VALIDATION_FAILED "mail_address" or "mail_header". */
int mail_compose(const struct mail *m, struct buf *out, struct fault *reterr) must_check;
