// SPDX-License-Identifier: Apache-2.0
/* One request after another. Nothing is followed elsewhere: a bucket of another region is told. */
#include "services/storage/vaults/s3_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/storage/vaults/s3_answer.h"

#define ATTEMPTS 6
#define BACKOFF_MS 100u
#define SLOWEST 32u /* bytes per millisecond that an upload may take at least */

/* ---- one transfer, waited for ---- */

struct waiting {
	struct loop *loop;
	struct s3_answer *answer;
	struct fault fault;
};

static enum http_flow on_body(void *arg, const uint8_t *p, size_t n, long status)
{
	struct waiting *w = arg;
	(void)status;
	buf_add(&w->answer->body, p, n);
	return HTTP_GO;
}

static void on_done(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct waiting *w = arg;
	w->answer->status = reply->status;
	buf_adds(&w->answer->headers, reply->headers);
	if (f != NULL)
		w->fault = *f;
	loop_stop(w->loop);
}

static void on_time(void *arg)
{
	loop_stop(arg);
}

static void wait_ms(const struct s3_link *l, uint64_t ms)
{
	struct timer *t = timer_new(l->loop, on_time, l->loop);
	timer_set(t, ms, 0);
	loop_run(l->loop);
	timer_free(t);
}

static int transport_fault(const struct s3_link *l, const struct fault *f, struct fault *reterr)
{
	static const struct {
		int code;
		const char *word;
	} words[] = {
		{CN_UNREACHABLE, "vault_unreachable"},
		{CN_TIMEOUT, "vault_no_answer"},
		{CN_CONNECTION_LOST, "vault_lost"},
		{CN_TLS_PIN_CHANGED, "host_key_changed"},
		{CN_TLS_HANDSHAKE, "vault_certificate"},
	};
	const char *word = "vault_protocol";
	for (size_t i = 0; i < array_len(words); i++)
		if (words[i].code == f->code)
			word = words[i].word;
	return fault_why(
		reterr, CN_STORE_UNAVAILABLE, word, "%s: %s", l->target.server.host, f->detail);
}

/* ---- the request ---- */

static void host_text(const struct s3_target *t, struct buf *out)
{
	bool v6 = strchr(t->server.host, ':') != NULL;
	if (t->by_name)
		buf_addf(out, "%s.", t->bucket);
	buf_addf(out, v6 ? "[%s]" : "%s", t->server.host);
	if (t->server.port != 0)
		buf_addf(out, ":%u", t->server.port);
}

static void path_text(const struct s3_target *t, const char *name, struct buf *out)
{
	buf_addc(out, '/');
	if (!t->by_name)
		buf_addf(out, "%s%s", t->bucket, name == NULL ? "" : "/");
	if (name == NULL)
		return;
	s3_encode(out, t->prefix, true);
	s3_encode(out, name, true);
}

#define HEADERS (S3_EXTRA + 3)

static int by_name(const void *a, const void *b)
{
	const struct s3_header *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* All that is signed; the texts live in the caller. */
static size_t headers_of(const struct s3_call *c, const char *host, const char *payload,
	const char *at, struct s3_header out[static HEADERS])
{
	size_t n = 0;
	out[n++] = (struct s3_header){"host", host};
	out[n++] = (struct s3_header){"x-amz-content-sha256", payload};
	out[n++] = (struct s3_header){"x-amz-date", at};
	for (size_t i = 0; i < c->n_extra; i++)
		out[n++] = c->extra[i];
	qsort(out, n, sizeof(*out), by_name);
	return n;
}

static struct http_req request_of(const struct s3_target *t, const struct s3_call *c)
{
	return (struct http_req){.method = c->method,
		.body = c->body,
		.pin_sha256 = t->pin[0] != 0 ? t->pin : NULL,
		.ca_file = t->ca_file[0] != 0 && t->pin[0] == 0 ? t->ca_file : NULL,
		.max_body = c->max_answer != 0 ? c->max_answer : S3_XML_MAX,
		.connect_ms = t->timeout_ms,
		.first_byte_ms = t->timeout_ms + (uint32_t)(c->body.n / SLOWEST)};
}

static void send_signed(const struct s3_link *l, const struct s3_call *c,
	const struct s3_signing *q, const char *host, struct waiting *w)
{
	const struct s3_target *t = &l->target;
	const struct login *login =
		t->login == NULL ? NULL : (const void *)secret_bytes(t->login).p;
	const struct s3_key key = {t->account, login == NULL ? "" : login->password, t->region};
	struct buf url = BUF_INIT, lines[HEADERS + 1];
	const char *headers[HEADERS + 2];
	struct http_req req = request_of(t, c);
	char ip[ADDRESS_TEXT];
	req.connect_ip = address_text(&l->at.at[l->turn], ip);
	buf_addf(&url, "%s://%s%s%s%s", strcmp(t->server.scheme, "http") == 0 ? "http" : "https",
		host, q->path, q->query[0] != 0 ? "?" : "", q->query);
	for (size_t i = 0; i <= q->n; i++) {
		lines[i] = BUF_INIT;
		if (i < q->n)
			buf_addf(&lines[i], "%s: %s", q->headers[i].name, q->headers[i].value);
	}
	buf_adds(&lines[q->n], "Authorization: ");
	s3_sign(q, &key, &lines[q->n]);
	for (size_t i = 0; i <= q->n; i++)
		headers[i] = buf_str(&lines[i]);
	headers[q->n + 1] = NULL;
	req.url = buf_str(&url);
	req.headers = headers;
	(void)http_send(l->client, &req, on_body, on_done, w);
	for (size_t i = 0; i <= q->n; i++)
		buf_fini(&lines[i]);
	buf_fini(&url);
	loop_run(l->loop);
}

/* One attempt; the answer is emptied before. */
static void try(struct s3_link *l, const struct s3_call *c, const char *payload,
	struct s3_answer *ret, struct fault *ret_fault)
{
	char at[S3_DATE];
	struct s3_header headers[HEADERS];
	struct buf host = BUF_INIT, path = BUF_INIT;
	struct waiting w = {.loop = l->loop, .answer = ret};
	ret->status = 0;
	buf_reset(&ret->headers);
	buf_reset(&ret->body);
	s3_date(clock_wall_ms(), at);
	host_text(&l->target, &host);
	path_text(&l->target, c->name, &path);
	const struct s3_signing q = {.method = c->method,
		.path = buf_str(&path),
		.query = c->query == NULL ? "" : c->query,
		.headers = headers,
		.n = headers_of(c, buf_str(&host), payload, at, headers),
		.payload = payload,
		.at = at};
	send_signed(l, c, &q, buf_str(&host), &w);
	*ret_fault = w.fault;
	buf_fini(&host);
	buf_fini(&path);
}

/* ---- what refusals mean ---- */

enum { AGAIN = 1, REGION, CLOCK };

/* By the server's own word first, then by status. */
static const struct meaning {
	const char *code;
	long status;
	int what; /* CN-code, or one of the above */
	const char *word;
} meanings[] = {
	{"NoSuchBucket", 0, CN_STORE_UNAVAILABLE, "vault_bucket"},
	{"InvalidBucketName", 0, CN_STORE_UNAVAILABLE, "vault_bucket"},
	{"NoSuchUpload", 0, CN_CONFLICT, "upload_gone"},
	{"ConditionalRequestConflict", 0, AGAIN, "vault_busy"},
	{"OperationAborted", 0, AGAIN, "vault_busy"},
	{"RequestTimeout", 0, AGAIN, "vault_busy"},
	{"BadDigest", 0, AGAIN, "vault_failure"},
	{"XAmzContentSHA256Mismatch", 0, AGAIN, "vault_failure"},
	{"InvalidAccessKeyId", 0, CN_STORE_UNAVAILABLE, "login_refused"},
	{"SignatureDoesNotMatch", 0, CN_STORE_UNAVAILABLE, "login_refused"},
	{"ExpiredToken", 0, CN_STORE_UNAVAILABLE, "login_refused"},
	{"RequestTimeTooSkewed", 0, CLOCK, "vault_clock"},
	{"PermanentRedirect", 0, REGION, "vault_region"},
	{"TemporaryRedirect", 0, REGION, "vault_region"},
	{"AuthorizationHeaderMalformed", 0, REGION, "vault_region"},
	{"IllegalLocationConstraintException", 0, REGION, "vault_region"},
	{"QuotaExceeded", 0, CN_STORE_FULL, ""},
	{"XMinioStorageFull", 0, CN_STORE_FULL, ""},
	{NULL, 301, REGION, "vault_region"},
	{NULL, 307, REGION, "vault_region"},
	{NULL, 308, REGION, "vault_region"},
	{NULL, 401, CN_STORE_UNAVAILABLE, "login_refused"},
	{NULL, 403, CN_STORE_UNAVAILABLE, "vault_denied"},
	{NULL, 404, CN_NOT_FOUND, ""},
	{NULL, 412, CN_CONFLICT, "name_taken"},
	{NULL, 429, AGAIN, "vault_busy"},
	{NULL, 500, AGAIN, "vault_busy"},
	{NULL, 502, AGAIN, "vault_busy"},
	{NULL, 503, AGAIN, "vault_busy"},
	{NULL, 504, AGAIN, "vault_busy"},
	{NULL, 507, CN_STORE_FULL, ""},
	{NULL, 0, CN_STORE_UNAVAILABLE, "vault_failure"},
};

static const struct meaning *meaning_of(const struct s3_error *e, long status)
{
	for (size_t i = 0; i + 1 < array_len(meanings); i++) {
		const struct meaning *m = &meanings[i];
		if (m->code != NULL ? strcmp(m->code, e->code) == 0 : m->status == status)
			return m;
	}
	return &meanings[array_len(meanings) - 1];
}

static int region_fault(const struct s3_link *l, const struct s3_answer *a,
	const struct s3_error *e, struct fault *reterr)
{
	char where[65] = "";
	if (http_header(buf_str(&a->headers), "x-amz-bucket-region", where, sizeof(where)) == NULL)
		(void)snprintf(where, sizeof(where), "%s", e->region);
	for (char *p = where; *p != 0; p++)
		if (*p <= ' ' || *p >= 0x7f)
			*p = '?';
	return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_region",
		"bucket %s is in %s%s, not in region %s", l->target.bucket,
		where[0] != 0 ? "region " : "", where[0] != 0 ? where : "another place",
		l->target.region);
}

static int refusal(
	const struct s3_link *l, const struct s3_answer *a, struct fault *reterr, bool *ret_again)
{
	struct s3_error e;
	char date[40] = "";
	(void)s3_error_read(buf_span(&a->body), &e);
	const struct meaning *m = meaning_of(&e, a->status);
	*ret_again = m->what == AGAIN;
	if (m->what == REGION)
		return region_fault(l, a, &e, reterr);
	if (m->what == CLOCK)
		(void)http_header(buf_str(&a->headers), "Date", date, sizeof(date));
	return fault_why(reterr, m->what <= CLOCK ? CN_STORE_UNAVAILABLE : m->what, m->word,
		"%s answers %ld %s%s%s%s", l->target.server.host, a->status, e.code,
		e.message[0] != 0 ? ": " : "", e.message, date);
}

/* ---- until it is done ---- */

/* Once, until none of its addresses answers (SE-11). */
static int find(struct s3_link *l, struct fault *reterr)
{
	const struct s3_target *t = &l->target;
	char name[sizeof(t->bucket) + sizeof(t->server.host)];
	if (l->at.n > 0)
		return 0;
	(void)snprintf(name, sizeof(name), "%s%s%s", t->by_name ? t->bucket : "",
		t->by_name ? "." : "", t->server.host);
	l->turn = 0;
	return reach(name, t->where, &l->at, reterr);
}

/* After it did not answer: is there another address to try? */
static bool turn(struct s3_link *l)
{
	if (++l->turn < l->at.n)
		return true;
	l->at.n = 0;
	return false;
}

static void open_link(struct s3_link *l)
{
	if (l->client != NULL)
		return;
	const struct http_client_opts opts = {.max_connections = 2};
	l->loop = loop_new();
	l->client = http_client_new(l->loop, &opts);
}

/* May it be asked again? Everything we ask may be done twice. */
static bool again(
	struct s3_link *l, const struct s3_answer *a, const struct fault *f, struct fault *reterr)
{
	bool more = false;
	if (f->code == 0)
		return refusal(l, a, reterr, &more) < 0 && more;
	(void)transport_fault(l, f, reterr);
	if (f->code == CN_UNREACHABLE || f->code == CN_TIMEOUT)
		return turn(l);
	return f->code == CN_CONNECTION_LOST;
}

int s3_do(
	struct s3_link *l, const struct s3_call *call, struct s3_answer *ret, struct fault *reterr)
{
	char payload[65];
	uint8_t digest[SHA256_LEN];
	uint64_t until = clock_mono_ms() + l->target.timeout_ms;
	*ret = (struct s3_answer){.status = 0};
	if (find(l, reterr) < 0)
		return -1;
	open_link(l);
	sha256(call->body, digest);
	hex_encode((struct span){digest, sizeof(digest)}, payload);
	for (unsigned n = 0;; n++) {
		struct fault f;
		uint64_t pause = ((uint64_t)BACKOFF_MS << n) + clock_mono_ns() % BACKOFF_MS;
		try(l, call, payload, ret, &f);
		if (f.code == 0 &&
			((ret->status >= 200 && ret->status < 300) || ret->status == 416)) {
			*reterr = FAULT_INIT;
			return 0;
		}
		if (!again(l, ret, &f, reterr) || n + 1 == ATTEMPTS ||
			clock_mono_ms() + pause >= until)
			return -1;
		wait_ms(l, pause);
	}
}

void s3_answer_fini(struct s3_answer *a)
{
	buf_fini(&a->headers);
	buf_fini(&a->body);
}

void s3_link_close(struct s3_link *l)
{
	http_client_free(l->client);
	loop_free(l->loop);
	l->client = NULL;
	l->loop = NULL;
}
