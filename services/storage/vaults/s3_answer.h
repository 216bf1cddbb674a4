// SPDX-License-Identifier: Apache-2.0
/* What S3 says in XML. Bounded: depth, elements, texts (security.md SE-24). Pure. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"

#define S3_TEXT_MAX ((size_t)2048)
#define S3_XML_MAX ((size_t)2 * 1024 * 1024) /* bytes of an answer */

/* An error as the server words it; printable ASCII only. */
struct s3_error {
	char code[64], message[128], region[64];
};
/* false: that is no error of S3. */
bool s3_error_read(struct span body, struct s3_error *ret);

/* A page of names in one folder, or of uploads that were not completed. */
struct s3_page {
	const char **names;   /* without the prefix; of uploads: the key, whole */
	const char **uploads; /* their ids */
	uint64_t *begun_ms;   /* when; 0 = it does not tell */
	size_t n;
	const char *next;    /* where the next page begins; NULL: that was the last */
	const char *next_id; /* of uploads */
};
/* prefix: what every name begins with. CN_PARSE_ERROR … as xml_parse. */
int s3_names_read(struct arena *a, struct span body, const char *prefix, struct s3_page *ret,
	struct fault *reterr) must_check;
int s3_uploads_read(
	struct arena *a, struct span body, struct s3_page *ret, struct fault *reterr) must_check;
/* Of a multipart upload that begins. */
int s3_upload_id(struct span body, char *out, size_t size, struct fault *reterr) must_check;
