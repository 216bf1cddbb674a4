// SPDX-License-Identifier: Apache-2.0
/* AWS Signature Version 4 as S3 wants it: what a request says of itself, under the secret key. */
#pragma once

#include "common/base/buf.h"

struct s3_key {
	const char *id, *secret, *region;
};

/* A header that is signed; names in small letters. */
struct s3_header {
	const char *name, *value;
};

struct s3_signing {
	const char *method;
	const char *path;                /* encoded, begins with / */
	const char *query;               /* encoded, sorted by name, without ?; "" */
	const struct s3_header *headers; /* sorted by name; host and x-amz-* among them */
	size_t n;
	const char *payload; /* SHA-256 of the body, hex */
	const char *at;      /* as x-amz-date: 20130524T000000Z */
};

#define S3_DATE 17
void s3_date(uint64_t wall_ms, char out[static S3_DATE]);
/* Bytes other than letters, digits and -._~ as %XX; slash: / stays, too. */
void s3_encode(struct buf *out, const char *text, bool slash);
/* Adds the value of the header Authorization. */
void s3_sign(const struct s3_signing *q, const struct s3_key *k, struct buf *out);
