// SPDX-License-Identifier: Apache-2.0
/* POST /api/v1/files?name=NAME: a file of a person becomes a version of kind `file`. The head alone
 * decides who may send; then the bytes go on to storage piece by piece, which reads them whole and
 * keeps them only when all of it is an address book it knows, or `as=opaque` says that nobody shall
 * look inside. */
#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"
#include "services/gateway/audit.h"
#include "services/gateway/scope.h"

#define FILES "/api/v1/files"
#define FILE_MAX ((size_t)64 * 1024 * 1024)
#define PIECE ((size_t)256 * 1024)
#define CHECK_MS 300000 /* storage reads all of it before it answers */

struct upload {
	struct rest *r; /* NULL: the sender is gone */
	struct gateway *gateway;
	struct peer_opts opts;
	struct uuid stream;
	struct buf piece; /* not yet sent on */
	uint64_t offset;
	bool calling, last;
	json_t *found; /* what storage found in the file */
};

static void upload_free(struct upload *u)
{
	buf_fini(&u->piece);
	json_decref(u->found);
	free(u);
}

static void aborted(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	(void)body;
	(void)f;
	(void)instance;
	upload_free(arg);
}

/* Nothing of it shall stay. */
static void forget(struct upload *u, const char *why)
{
	const struct m_store_abort ask = {
		.stream = u->stream, .code = CN_INCOMPLETE, .detail = why};

	peer_call(u->gateway->storage, &m_store_abort_desc, &ask, &u->opts, aborted, u);
}

static void too_long(struct upload *u)
{
	const struct fault f = {.code = CN_VALIDATION_FAILED,
		.reason = "too_long",
		.detail = "a file has at most 64 MiB"};

	rest_fault_as(u->r, &f, 413, NULL);
}

/* ---- the end ---- */

static void got_version(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct upload *u = arg;
	struct rest *r = u->r;
	const struct m_version_one *one = body;
	char id[UUID_TEXT];

	(void)instance;
	if (f != NULL) {
		rest_fault(r, f);
	} else {
		json_t *doc = msg_to_json_full(&m_version_desc, one->version);
		(void)json_object_update_missing(doc, u->found);
		const char *at =
			arena_printf(r->arena, FILES "/%s", uuid_format(&one->version->id, id));
		if (at != NULL)
			http_set_header(r->http, "Location", at);
		rest_json(r, 201, doc);
	}
	upload_free(u);
}

/* What is wrong in the file, place by place. */
static void refuse(struct upload *u, const struct m_stored *s)
{
	const struct m_book_fault *first = s->faults_n > 0 ? &s->faults[0] : NULL;
	struct fault f = {.code = CN_PARSE_ERROR, .detail = "the file could not be read"};

	if (first != NULL && first->line > 0)
		fault_why(&f, (int)first->code, first->reason, "line %llu, column %llu: %.200s",
			(unsigned long long)first->line, (unsigned long long)first->column,
			first->text);
	else if (first != NULL)
		fault_why(&f, (int)first->code, first->reason, "%.230s", first->text);
	json_t *found = json_incref(u->found);
	rest_fault_as(u->r, &f, 422, found);
	upload_free(u);
}

static void committed(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct upload *u = arg;
	const struct m_store_one *one = body;

	(void)instance;
	if (f != NULL) {
		rest_fault(u->r, f);
		upload_free(u);
		return;
	}
	json_t *all = msg_to_json(&m_stored_desc, one->result);
	static const char *const members[] = {"codec", "lists", "faults", "wrong"};
	for (size_t i = 0; i < array_len(members); i++)
		if (json_object_get(all, members[i]) != NULL)
			(void)json_object_set(
				u->found, members[i], json_object_get(all, members[i]));
	json_decref(all);
	if (one->result->outcome == STORE_OUTCOME_REFUSED) {
		refuse(u, one->result);
		return;
	}
	const struct m_version_get ask = {.id = one->result->version};
	struct peer_opts opts = rest_opts(u->r);
	peer_call(u->gateway->storage, &m_version_get_desc, &ask, &opts, got_version, u);
}

static void commit(struct upload *u)
{
	const struct m_store_commit ask = {.stream = u->stream, .items = 1};
	struct peer_opts opts = u->opts;

	opts.deadline_ms = CHECK_MS;
	peer_call(u->gateway->storage, &m_store_commit_desc, &ask, &opts, committed, u);
}

/* ---- pieces ---- */

static void sent(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct upload *u = arg;

	(void)body;
	(void)instance;
	u->calling = false;
	u->offset += u->piece.n;
	buf_reset(&u->piece);
	if (u->r == NULL) {
		forget(u, "the sender left");
	} else if (f != NULL) {
		rest_fault(u->r, f);
		forget(u, "refused");
	} else if (u->last) {
		commit(u);
	} else {
		http_receive_more(u->r->http);
	}
}

static void send_piece(struct upload *u)
{
	const struct m_store_chunk ask = {.stream = u->stream,
		.item = "file",
		.offset = u->offset,
		.bytes = buf_span(&u->piece),
		.last = u->last};

	u->calling = true;
	peer_call(u->gateway->storage, &m_store_chunk_desc, &ask, &u->opts, sent, u);
}

static void receive(void *arg, enum http_piece what, struct span bytes)
{
	struct upload *u = arg;

	switch (what) {
	case HTTP_PIECE:
		buf_add(&u->piece, bytes.p, bytes.n);
		if (u->piece.n + (size_t)64 * 1024 > PIECE)
			send_piece(u);
		else
			http_receive_more(u->r->http);
		break;
	case HTTP_LAST:
		u->last = true;
		send_piece(u);
		break;
	case HTTP_TOO_LONG:
		too_long(u);
		forget(u, "too long");
		break;
	case HTTP_GONE:
		u->r = NULL;
		if (!u->calling)
			forget(u, "the sender left");
		break;
	}
}

/* ---- the begin ---- */

static void began(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct upload *u = arg;
	const struct m_store_stream *m = body;

	if (f != NULL) {
		rest_fault(u->r, f);
		upload_free(u);
	} else if (m->result != NULL) { /* this key was stored before: the same answer again */
		const struct m_version_get ask = {.id = m->result->version};
		struct peer_opts opts = rest_opts(u->r);
		peer_call(u->gateway->storage, &m_version_get_desc, &ask, &opts, got_version, u);
	} else {
		u->stream = m->stream;
		u->opts.instance = instance;
		http_receive(u->r->http, FILE_MAX, receive, u);
	}
}

/* The name that people gave it, without folders and what could mislead. */
static const char *good_name(const struct rest *r)
{
	const char *name = http_query(r->http, "name");
	const char *slash = name == NULL ? NULL : strrchr(name, '/');

	name = slash != NULL ? slash + 1 : name;
	if (name == NULL || *name == '\0' || strlen(name) > 128 || !utf8_valid(name, strlen(name)))
		return NULL;
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return NULL;
	return name;
}

/* The audit trail has it: storage is asked for a place. */
static void noted(struct rest *r)
{
	struct upload *u = mem_alloc(sizeof(*u));
	const char *as = http_query(r->http, "as");
	const struct m_store_begin ask = {.has = HAS_STORE_BEGIN__OP | HAS_STORE_BEGIN__TOKEN,
		.run = r->request,
		.job = r->request,
		.attempt = 1,
		.device = r->request,
		.request = r->request,
		.kind = VERSION_KIND_FILE,
		.op = "",
		.format = as != NULL && strcmp(as, "opaque") == 0 ? "opaque" : NULL,
		.device_name = good_name(r)};

	u->r = r;
	u->gateway = r->gateway;
	u->found = json_object();
	/* the message is for services: this one answers for the person, who may do it */
	u->opts = (struct peer_opts){.request = r->request, .trace = r->trace};
	peer_call(u->gateway->storage, &m_store_begin_desc, &ask, &u->opts, began, u);
	u->opts.request = (struct uuid){.b = {0}};
}

static bool allowed(struct rest *r)
{
	const char *length = http_req_header(r->http, "Content-Length");
	const char *as = http_query(r->http, "as");
	struct upload u = {.r = r};

	if (!r->who.known)
		rest_refuse(r, CN_AUTH_MISSING, "sign_in", "sign in, or send an API token");
	else if (person_reach(&r->who, MSG_OPERATOR, r->arena) == SCOPE_NOTHING)
		rest_refuse(r, CN_PERMISSION_DENIED, "role",
			"uploading a file needs the role operator");
	else if (person_reach(&r->who, MSG_OPERATOR, r->arena) != SCOPE_ALL)
		rest_refuse(r, CN_OUT_OF_SCOPE, "scope",
			"files are only for those who may see everything");
	else if (good_name(r) == NULL)
		rest_refuse(r, CN_VALIDATION_FAILED, "name",
			"name=FILE NAME: 1 to 128 bytes of UTF-8 without control characters");
	else if (as != NULL && strcmp(as, "opaque") != 0 && strcmp(as, "address_book") != 0)
		rest_refuse(r, CN_VALIDATION_FAILED, "as", "as: address_book or opaque");
	else if (length != NULL && strtoull(length, NULL, 10) > FILE_MAX)
		too_long(&u);
	else
		return true;
	return false;
}

bool upload_head(const char *method, const char *path)
{
	return strcmp(method, "POST") == 0 && strcmp(path, FILES) == 0;
}

bool upload_path(struct rest *r, const char *path)
{
	if (!upload_head(http_method(r->http), path))
		return false;
	if (allowed(r)) {
		r->then = noted;
		audit_change(r);
	}
	return true;
}
