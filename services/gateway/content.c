// SPDX-License-Identifier: Apache-2.0
/* GET /api/v1/versions/{id}/content?item=NAME: the bytes of a backup as the device gave them;
 * …/export?format=NAME&accept=true: its book in another format. Streamed piece by piece from the
 * storage instance that opened them; audited as an export. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	const char *file = m->file == NULL ? "backup.bin" : m->file;
	const char *head = arena_printf(r->arena, "attachment; filename=\"%s\"", file);
	if (head != NULL)
		http_set_header(r->http, "Content-Disposition", head);
	http_set_header(r->http, "X-Content-Type-Options", "nosniff");
	http_set_header(r->http, "Cache-Control", "no-store");
	d->stream = http_respond_stream(r->http, 200, "application/octet-stream", room, closed, d);
	next(d);
}

#define EXPORT_MS 60000 /* a large book is converted first */

static bool is_export(const char *path)
{
	size_t n = strlen(path);

	return n > 7 && strcmp(path + n - 7, "/export") == 0;
}

static void noted(struct rest *r)
{
	struct download *d = mem_alloc(sizeof(*d));
	const char *item = http_query(r->http, "item");

	d->r = r;
	d->gateway = r->gateway;
	memcpy(d->actor, r->who.name, sizeof(d->actor));
	d->scope = r->who.scope == NULL ? NULL : mem_strdup(r->who.scope);
	d->opts = (struct peer_opts){.actor = d->actor, .role = r->who.right, .scope = d->scope};
	d->open.id = *(const struct uuid *)r->body;
	d->open.item = item;
	if (is_export(http_path(r->http))) {
		const char *format = http_query(r->http, "format");
		const char *accept = http_query(r->http, "accept");
		d->open.format = format == NULL ? "carnet_json" : format;
		d->open.accept = accept != NULL && strcmp(accept, "true") == 0;
		d->opts.deadline_ms = EXPORT_MS;
		item = d->open.item = NULL;
	}
	if (d->open.format != NULL && strlen(d->open.format) > 32) {
		rest_refuse(r, CN_VALIDATION_FAILED, "format", "format: at most 32 bytes");
		download_free(d);
		return;
	}
	if (item != NULL && strlen(item) > 64) {
		rest_refuse(r, CN_VALIDATION_FAILED, "item", "item: at most 64 bytes");
		download_free(d);
		return;
	}
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
