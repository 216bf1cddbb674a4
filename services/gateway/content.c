// SPDX-License-Identifier: Apache-2.0
/* GET /api/v1/versions/{id}/content?item=NAME: the bytes of a backup as the device gave them;
 * …/export?format=NAME&accept=true: its book in another format, for a spreadsheet (view), or all of
 * the version (bundle); with losses=json or csv: what that format drops. Streamed piece by piece
 * from the storage instance that opened them; audited as an export. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "services/gateway/audit.h"
#include "services/gateway/scope.h"

#define VERSIONS "/api/v1/versions/"

struct download {
	struct rest *r; /* until the head was sent */
	struct gateway *gateway;
	struct http_stream *stream;
	struct peer_opts opts;
	char actor[160];
	char *scope; /* owned */
	struct m_version_open open;
	struct m_version_read read;
	bool reading, closed, last;
};

static void next(struct download *d);

static void download_free(struct download *d)
{
	free(d->scope);
	free(d);
}

static void room(void *arg)
{
	next(arg);
}

static void closed(void *arg)
{
	struct download *d = arg;

	d->closed = true;
	if (!d->reading)
		download_free(d);
}

static void got_bytes(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct download *d = arg;
	const struct m_version_bytes *m = body;

	(void)instance;
	d->reading = false;
	if (d->closed) {
		download_free(d);
		return;
	}
	if (f != NULL) { /* the head is out: a reset is the only honest end */
		http_stream_abort(d->stream);
		return;
	}
	d->read.offset += m->bytes.n;
	d->last = m->last;
	size_t backlog = http_stream_write(d->stream, m->bytes);
	if (d->last)
		http_stream_end(d->stream);
	else if (backlog < (size_t)64 * 1024)
		next(d);
}

static void next(struct download *d)
{
	if (d->reading || d->last || d->closed)
		return;
	d->reading = true;
	peer_call(d->gateway->storage, &m_version_read_desc, &d->read, &d->opts, got_bytes, d);
}

/* A name for every system, and one for people (RFC 6266, RFC 8187). */
static void set_name(struct rest *r, const struct m_version_stream *m)
{
	struct buf head = BUF_INIT;

	buf_addf(&head, "attachment; filename=\"%s\"", m->file == NULL ? "backup.bin" : m->file);
	if (m->title != NULL && m->title[0] != '\0') {
		buf_adds(&head, "; filename*=UTF-8''");
		for (const unsigned char *c = (const unsigned char *)m->title; *c != '\0'; c++)
			if (ascii_alpha((char)*c) || ascii_digit((char)*c) ||
				strchr("-._~", *c) != NULL)
				buf_addc(&head, (char)*c);
			else
				buf_addf(&head, "%%%02X", *c);
	}
	http_set_header(r->http, "Content-Disposition", buf_str(&head));
	buf_fini(&head);
}

static const char *type_of(const struct m_version_stream *m)
{
	bool bundle = m->format != NULL && strcmp(m->format, "bundle") == 0;

	return bundle ? "application/zip" : "application/octet-stream";
}

static void set_head(struct rest *r, const struct download *d, const struct m_version_stream *m)
{
	set_name(r, m);
	http_set_header(r->http, "X-Content-Type-Options", "nosniff");
	http_set_header(r->http, "Cache-Control", "no-store");
	if (d->open.format != NULL) {
		char lines[24];
		(void)snprintf(lines, sizeof(lines), "%llu", (unsigned long long)m->losses);
		http_set_header(r->http, "Carnet-Losses", lines);
	}
}

static void opened(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct download *d = arg;
	const struct m_version_stream *m = body;
	struct rest *r = d->r;

	if (f != NULL) {
		rest_fault(r, f);
		download_free(d);
		return;
	}
	d->opts.instance = instance;
	d->read.stream = m->stream;
	d->r = NULL;
	set_head(r, d, m);
	d->stream = http_respond_stream(r->http, 200, type_of(m), room, closed, d);
	next(d);
}

#define EXPORT_MS 60000 /* a large book is converted first */

static bool is_export(const char *path)
{
	size_t n = strlen(path);

	return n > 7 && strcmp(path + n - 7, "/export") == 0;
}

/* 0, or -1 and the request is refused. */
static int short_enough(struct rest *r, const char *name, const char *value, size_t max)
{
	if (value == NULL || strlen(value) <= max)
		return 0;
	rest_refuse(r, CN_VALIDATION_FAILED, name, "%s: at most %zu bytes", name, max);
	return -1;
}

static int read_query(struct rest *r, struct m_version_open *ask)
{
	const char *accept = http_query(r->http, "accept");

	if (!is_export(http_path(r->http))) {
		ask->item = http_query(r->http, "item");
		return short_enough(r, "item", ask->item, 64);
	}
	ask->format = http_query(r->http, "format");
	if (ask->format == NULL)
		ask->format = "carnet_json";
	ask->losses = http_query(r->http, "losses");
	ask->accept = accept != NULL && strcmp(accept, "true") == 0;
	if (short_enough(r, "format", ask->format, 32) < 0)
		return -1;
	return short_enough(r, "losses", ask->losses, 8);
}

static void noted(struct rest *r)
{
	struct download *d = mem_alloc(sizeof(*d));

	d->r = r;
	d->gateway = r->gateway;
	d->open.id = *(const struct uuid *)r->body;
	if (read_query(r, &d->open) < 0) {
		free(d);
		return;
	}
	memcpy(d->actor, r->who.name, sizeof(d->actor));
	d->scope = r->who.scope == NULL ? NULL : mem_strdup(r->who.scope);
	d->opts = (struct peer_opts){.actor = d->actor,
		.role = r->who.right,
		.scope = d->scope,
		.deadline_ms = d->open.format == NULL ? 0 : EXPORT_MS};
	peer_call(d->gateway->storage, &m_version_open_desc, &d->open, &d->opts, opened, d);
}

static bool version_of(const char *path, struct uuid *ret_id)
{
	char text[UUID_TEXT];
	size_t n = strlen(VERSIONS);

	if (strncmp(path, VERSIONS, n) != 0 || strlen(path) < n + UUID_TEXT - 1 ||
		(strcmp(path + n + UUID_TEXT - 1, "/content") != 0 &&
			strcmp(path + n + UUID_TEXT - 1, "/export") != 0))
		return false;
	memcpy(text, path + n, UUID_TEXT - 1);
	text[UUID_TEXT - 1] = '\0';
	return uuid_parse(text, ret_id) == 0;
}

bool content_path(struct rest *r, const char *path)
{
	struct uuid id;

	if (!version_of(path, &id))
		return false;
	if (r == NULL)
		return true;
	if (!rest_may_stream(r))
		return true;
	if (rest_reaches(r, &m_version_open_desc)) {
		r->body = arena_dup(r->arena, &id, sizeof(id));
		r->then = noted;
		audit_change(r);
	}
	return true;
}
