// SPDX-License-Identifier: Apache-2.0
/* Multipart uploads. */
#include "services/storage/vaults/s3_upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/storage/vaults/s3_answer.h"

#define ID_MAX 1024
#define ARENA ((size_t)32 * 1024 * 1024)
#define PAGES 1000u

struct upload {
	struct s3_link *link;
	const char *name;
	struct buf id;   /* "uploadId=…", encoded */
	struct buf list; /* what it consists of, XML */
	unsigned parts;
};

static int other(const struct s3_link *l, const char *what, struct fault *reterr)
{
	return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_protocol", "%s: %s",
		l->target.server.host, what);
}

static int begin(struct upload *u, struct fault *reterr)
{
	const struct s3_call c = {.method = "POST", .name = u->name, .query = "uploads="};
	struct s3_answer a;
	char id[ID_MAX];
	struct fault why;
	int rc = s3_do(u->link, &c, &a, reterr);
	if (rc == 0 && s3_upload_id(buf_span(&a.body), id, sizeof(id), &why) < 0)
		rc = other(u->link, why.detail, reterr);
	if (rc == 0) {
		buf_adds(&u->id, "uploadId=");
		s3_encode(&u->id, id, false);
		buf_adds(&u->list, "<CompleteMultipartUpload>");
	}
	s3_answer_fini(&a);
	return rc;
}

static bool etag_good(const char *etag)
{
	for (const char *p = etag; *p != 0; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '<' || *p == '>' || *p == '&')
			return false;
	return etag[0] != 0;
}

static int put_part(struct upload *u, struct span bytes, struct fault *reterr)
{
	struct buf query = BUF_INIT;
	struct s3_answer a;
	char etag[128] = "";
	buf_addf(&query, "partNumber=%u&%s", ++u->parts, buf_str(&u->id));
	const struct s3_call c = {
		.method = "PUT", .name = u->name, .query = buf_str(&query), .body = bytes};
	int rc = s3_do(u->link, &c, &a, reterr);
	if (rc == 0 && (http_header(buf_str(&a.headers), "ETag", etag, sizeof(etag)) == NULL ||
			       !etag_good(etag)))
		rc = other(u->link, "a part without an ETag", reterr);
	if (rc == 0)
		buf_addf(&u->list, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>",
			u->parts, etag);
	s3_answer_fini(&a);
	buf_fini(&query);
	return rc;
}

static int put_parts(struct upload *u, struct spool *bytes, struct fault *reterr)
{
	struct buf part = BUF_INIT;
	struct span piece = {NULL, 0};
	int rc = 0;
	do {
		rc = spool_next(bytes, &piece, reterr);
		if (rc == 0 && piece.n > 0)
			buf_add(&part, piece.p, piece.n);
		if (rc == 0 && (part.n >= UPLOAD_PART || (piece.n == 0 && part.n > 0))) {
			rc = put_part(u, buf_span(&part), reterr);
			buf_reset(&part);
		}
	} while (rc == 0 && piece.n > 0);
	buf_fini(&part);
	return rc;
}

/* A server may take long to join the parts: it says 200 first and what went wrong later. */
static int complete(struct upload *u, bool once, struct fault *reterr)
{
	struct s3_answer a;
	struct s3_error e;
	buf_adds(&u->list, "</CompleteMultipartUpload>");
	struct s3_call c = {.method = "POST",
		.name = u->name,
		.query = buf_str(&u->id),
		.body = buf_span(&u->list)};
	if (once)
		c.extra[c.n_extra++] = (struct s3_header){"if-none-match", "*"};
	int rc = s3_do(u->link, &c, &a, reterr);
	if (rc == 0 && s3_error_read(buf_span(&a.body), &e))
		rc = strcmp(e.code, "PreconditionFailed") == 0
			     ? fault_why(reterr, CN_CONFLICT, "name_taken", "%s is there", u->name)
			     : fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_failure",
				       "the parts were not joined: %s: %s", e.code, e.message);
	s3_answer_fini(&a);
	return rc;
}

static int abort_one(struct s3_link *l, const char *name, const char *query, struct fault *reterr)
{
	const struct s3_call c = {.method = "DELETE", .name = name, .query = query};
	struct s3_answer a;
	int rc = s3_do(l, &c, &a, reterr);
	s3_answer_fini(&a);
	return rc;
}

int s3_upload(
	struct s3_link *l, const char *name, struct spool *bytes, bool once, struct fault *reterr)
{
	struct upload u = {.link = l, .name = name};
	struct fault ignored;
	int rc = spool_rewind(bytes, reterr);
	if (rc == 0)
		rc = begin(&u, reterr);
	if (rc == 0)
		rc = put_parts(&u, bytes, reterr);
	if (rc == 0)
		rc = complete(&u, once, reterr);
	if (rc < 0 && u.id.n > 0) /* what stays is swept in a day */
		(void)!abort_one(l, name, buf_str(&u.id), &ignored);
	buf_fini(&u.id);
	buf_fini(&u.list);
	return rc;
}

/* ---- left lying ---- */

static int sweep_page(struct s3_link *l, const struct s3_page *page, struct fault *reterr)
{
	uint64_t now = clock_wall_ms();
	size_t before = strlen(l->target.prefix);
	int rc = 0;
	for (size_t i = 0; i < page->n && rc == 0; i++) {
		struct buf query = BUF_INIT;
		if (page->begun_ms[i] == 0 || page->begun_ms[i] + UPLOAD_STALE_MS > now ||
			strncmp(page->names[i], l->target.prefix, before) != 0)
			continue;
		buf_adds(&query, "uploadId=");
		s3_encode(&query, page->uploads[i], false);
		rc = abort_one(l, page->names[i] + before, buf_str(&query), reterr);
		if (rc < 0 && (reterr->code == CN_NOT_FOUND || reterr->code == CN_CONFLICT)) {
			*reterr = FAULT_INIT;
			rc = 0;
		}
		buf_fini(&query);
	}
	return rc;
}

static void page_query(
	const struct s3_link *l, const struct buf *key, const struct buf *id, struct buf *out)
{
	buf_reset(out);
	if (key->n > 0) {
		buf_adds(out, "key-marker=");
		s3_encode(out, buf_str(key), false);
		buf_addc(out, '&');
	}
	buf_adds(out, "prefix=");
	s3_encode(out, l->target.prefix, false);
	if (id->n > 0) {
		buf_adds(out, "&upload-id-marker=");
		s3_encode(out, buf_str(id), false);
	}
	buf_adds(out, "&uploads=");
}

int s3_uploads_sweep(struct s3_link *l, struct fault *reterr)
{
	struct buf query = BUF_INIT, key = BUF_INIT, id = BUF_INIT;
	int rc = 0;
	for (unsigned pages = 0; rc == 0 && pages < PAGES; pages++) {
		struct s3_answer answer;
		struct s3_page page = {.n = 0};
		struct arena a;
		struct fault why;
		page_query(l, &key, &id, &query);
		const struct s3_call c = {.method = "GET", .query = buf_str(&query)};
		arena_init(&a, ARENA);
		rc = s3_do(l, &c, &answer, reterr);
		if (rc == 0 && s3_uploads_read(&a, buf_span(&answer.body), &page, &why) < 0)
			rc = other(l, why.detail, reterr);
		if (rc == 0)
			rc = sweep_page(l, &page, reterr);
		buf_reset(&key);
		buf_reset(&id);
		buf_adds(&key, page.next == NULL ? "" : page.next);
		buf_adds(&id, page.next_id == NULL ? "" : page.next_id);
		s3_answer_fini(&answer);
		arena_fini(&a);
		if (key.n == 0)
			break;
	}
	buf_fini(&query);
	buf_fini(&key);
	buf_fini(&id);
	return rc;
}
