// SPDX-License-Identifier: Apache-2.0
/* SOAP: envelopes, answers, calls. */
#include "services/worker/adapters/soap.h"

#include <string.h>

#include "common/crypto/crypto.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define TREE_MAX ((size_t)96 * 1024 * 1024)

static const struct xml_limits LIMITS = {
	.depth = 64, .nodes = 2000000, .attributes = 64, .text = 64 * 1024};

/* ---- envelopes ---- */

void soap_begin(struct buf *out, const struct soap_style *style, const char *header)
{
	if (style->declaration)
		buf_adds(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	buf_addf(out, "<%s:Envelope xmlns:%s=\"%s\"%s>", style->prefix, style->prefix, style->ns,
		style->attributes);
	if (*header)
		buf_addf(out, "<%s:Header>%s</%s:Header>", style->prefix, header, style->prefix);
	buf_addf(out, "<%s:Body>", style->prefix);
}

void soap_end(struct buf *out, const struct soap_style *style)
{
	buf_addf(out, "</%s:Body></%s:Envelope>", style->prefix, style->prefix);
}

/* XML 1.0, section 2.2 */
static bool is_char(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

void soap_text(struct buf *out, const char *text)
{
	size_t left = strlen(text), n;
	uint32_t c;

	for (const uint8_t *p = (const uint8_t *)text; left > 0; p += n, left -= n) {
		n = utf8_read(p, left, &c);
		if (n == 0 || !is_char(c)) {
			out->err = true;
			return;
		}
		if (c == '&')
			buf_adds(out, "&amp;");
		else if (c == '<')
			buf_adds(out, "&lt;");
		else if (c == '>')
			buf_adds(out, "&gt;");
		else if (c == '\r') /* else a reader makes it a line feed */
			buf_adds(out, "&#13;");
		else
			buf_add(out, p, n);
	}
}

void soap_element(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "<%s>", name);
	soap_text(out, text);
	buf_addf(out, "</%s>", name);
}

/* ---- answers ---- */

bool soap_is(const struct xml_node *n, const char *ns, const char *name)
{
	return n && strcmp(n->name, name) == 0 && (!ns || strcmp(n->ns, ns) == 0);
}

static const struct xml_node *seek(const struct xml_node *n, const char *ns, const char *name)
{
	while (n && !soap_is(n, ns, name))
		n = n->next;
	return n;
}

const struct xml_node *soap_child(const struct xml_node *n, const char *ns, const char *name)
{
	return n ? seek(n->child, ns, name) : NULL;
}

const struct xml_node *soap_next(const struct xml_node *n, const char *ns, const char *name)
{
	return n ? seek(n->next, ns, name) : NULL;
}

static bool is_named(const struct xml_node *n, const char *name, size_t len)
{
	return strlen(n->name) == len && memcmp(n->name, name, len) == 0;
}

const struct xml_node *soap_at(const struct xml_node *n, const char *path)
{
	while (n && *path) {
		size_t len = strcspn(path, "/");
		n = n->child;
		while (n && !is_named(n, path, len))
			n = n->next;
		path += len + (path[len] == '/');
	}
	return n;
}

static struct span trimmed(const struct xml_node *n)
{
	const char *s = n ? n->text : "";
	size_t len;

	s += strspn(s, " \t\r\n");
	for (len = strlen(s); len > 0 && strchr(" \t\r\n", s[len - 1]);)
		len--;
	return (struct span){(const uint8_t *)s, len};
}

const char *soap_text_at(struct arena *a, const struct xml_node *n, const char *path)
{
	struct span s = trimmed(soap_at(n, path));
	const char *copy = s.n ? arena_strndup(a, (const char *)s.p, s.n) : NULL;

	return copy ? copy : "";
}

int64_t soap_number_at(const struct xml_node *n, const char *path)
{
	struct span s = trimmed(soap_at(n, path));
	int64_t v = 0;

	if (s.n == 0 || s.n > 15)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v;
}

/* The element of SOAP's own namespace, of either version. */
static const struct xml_node *own(const struct xml_node *n, const char *name)
{
	const struct xml_node *c = soap_child(n, SOAP_11, name);

	return c ? c : soap_child(n, SOAP_12, name);
}

static void read_fault(struct arena *a, const struct xml_node *n, struct soap_answer *ret)
{
	bool old = soap_is(n, SOAP_11, "Fault");

	if (!old && !soap_is(n, SOAP_12, "Fault"))
		return;
	ret->is_fault = true;
	ret->code = soap_text_at(a, n, old ? "faultcode" : "Code/Value");
	ret->text = soap_text_at(a, n, old ? "faultstring" : "Reason/Text");
	ret->detail = soap_at(n, old ? "detail" : "Detail");
}

/* An envelope that ends before its end tag: cut on the way, not written badly. */
static bool is_cut(struct span file)
{
	static const char WORD[] = "Envelope";
	size_t n = file.n, end = sizeof(WORD) - 1;

	while (n > 0 && strchr(" \t\r\n", file.p[n - 1]))
		n--;
	if (n > end && file.p[n - 1] == '>' && memcmp(file.p + n - 1 - end, WORD, end) == 0)
		return false;
	return n == 0 || memmem(file.p, size_min(file.n, 512), WORD, end) != NULL;
}

int soap_parse(struct arena *a, struct span file, struct soap_answer *ret, struct fault *reterr)
{
	const struct xml_node *root = xml_parse(a, file, &LIMITS, NULL, reterr);
	const struct xml_node *body;

	if (!root && reterr->code == CN_PARSE_ERROR && strcmp(reterr->reason, "malformed") == 0 &&
		is_cut(file))
		return fault_set(
			reterr, CN_INCOMPLETE, "the answer ends in the middle: %zu bytes", file.n);
	if (!root)
		return -1;
	body = own(root, "Body");
	if ((!soap_is(root, SOAP_11, "Envelope") && !soap_is(root, SOAP_12, "Envelope")) || !body)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "the answer is no SOAP envelope");
	*ret = (struct soap_answer){.body = body->child,
		.header = own(root, "Header"),
		.code = "",
		.text = "",
		.bytes = file,
		.arena = a};
	if (body->child)
		read_fault(a, body->child, ret);
	return 0;
}

/* ---- calls ---- */

static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap); /* books carry passwords in some families */
	buf_fini(b);
}

static enum http_flow take(void *arg, const uint8_t *p, size_t n, long status)
{
	struct soap *s = arg;

	if (status >= 300 && status < 400)
		return HTTP_GO; /* what a redirect says is nobody's */
	buf_add(&s->answer, p, n);
	return s->answer.err ? HTTP_ABORT : HTTP_GO;
}

/* A Fault comes with HTTP 500, or 400 in SOAP 1.2, and says more than the status. */
static int understand(struct soap *s, const struct web_reply *r, struct soap_answer *ret,
	struct arena *a, struct fault *reterr)
{
	struct span bytes = buf_span(&s->answer);
	struct fault ignored = FAULT_INIT;

	if ((r->status == 500 || r->status == 400) && soap_parse(a, bytes, ret, &ignored) == 0 &&
		ret->is_fault)
		return 0;
	if (web_status(s->web.errand, r, s->probing, reterr) < 0)
		return -1;
	return soap_parse(a, bytes, ret, reterr);
}

/* The session, and s with it, may be gone after fn. */
static void on_answer(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct soap *s = arg;
	struct soap_answer answer = {.body = NULL};
	struct buf bytes = s->answer;
	struct fault why = FAULT_INIT;
	struct arena a;

	if (f && s->answer.err)
		f = (fault_set(&why, CN_RESPONSE_TOO_BIG, "an answer of more than %zu bytes",
			     s->answer.max),
			&why);
	arena_init(&a, TREE_MAX);
	if (!f && understand(s, r, &answer, &a, &why) < 0)
		f = &why;
	answer.status = r ? r->status : 0;
	s->answer = BUF_INIT;
	s->fn(s->arg, f ? NULL : &answer, f);
	arena_fini(&a);
	wipe(&bytes);
}

void soap_send(struct soap *s, const struct soap_call *call, soap_fn fn, void *arg)
{
	struct web_request r = {.method = "POST",
		.path = call->path,
		.type = call->type,
		.header = call->header,
		.body = call->message,
		.max_body = call->max_answer ? call->max_answer : ANSWER_MAX,
		.total_ms = call->total_ms,
		.follow = call->follow,
		.last = call->last,
		.once = call->once,
		.take = take};

	wipe(&s->answer);
	s->answer.max = r.max_body;
	s->probing = call->probing;
	s->fn = fn;
	s->arg = arg;
	web_send(&s->web, &r, on_answer, s);
}

void soap_cancel(struct soap *s)
{
	web_cancel(&s->web);
	wipe(&s->answer);
}
