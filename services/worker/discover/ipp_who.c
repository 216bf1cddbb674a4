// SPDX-License-Identifier: Apache-2.0
/* Who are you, by IPP. */
#include "services/worker/discover/ipp_who.h"

#include <stdlib.h>
#include <string.h>

#include "common/http/client.h"
#include "gen/errors.h"

#define AT_ONCE 8u
#define CONNECT_MS 3000u
#define TOTAL_MS 10000u
#define ANSWER_MAX ((size_t)64 * 1024)

struct question {
	struct ipp_who *who;
	const struct ipp_place *place; /* NULL: free */
	struct http_transfer *transfer;
	unsigned version;
	bool tls;
	uint16_t port;
	struct buf answer;
};

struct ipp_who {
	struct ipp_who_order order;
	struct question questions[AT_ONCE];
	size_t next, under_way;
};

static const char *const names[] = {"printer-uuid", "printer-device-id", "printer-make-and-model",
	"printer-firmware-string-version", "printer-serial-number", "printer-location"};

static enum http_flow on_bytes(void *arg, const uint8_t *p, size_t n, long status unused)
{
	struct question *q = arg;

	buf_add(&q->answer, p, n);
	return q->answer.err ? HTTP_ABORT : HTTP_GO;
}

static void on_answer(void *arg, const struct http_reply *reply, const struct fault *f);

static void ask(struct question *q)
{
	static const char *const headers[] = {"Content-Type: application/ipp", NULL};
	const struct ipp_place *p = q->place;
	bool v6 = strchr(p->address, ':') != NULL;
	struct buf host = BUF_INIT, uri = BUF_INIT, url = BUF_INIT, message = BUF_INIT;

	buf_addf(&host, v6 ? "[%s]:%u/%s" : "%s:%u/%s", p->address, q->port, p->path);
	buf_addf(&uri, q->tls ? "ipps://%s" : "ipp://%s", buf_str(&host));
	buf_addf(&url, q->tls ? "https://%s" : "http://%s", buf_str(&host));
	ipp_get_attributes(&message, buf_str(&uri), q->version, names, array_len(names));
	buf_reset(&q->answer);
	q->answer.max = ANSWER_MAX;
	const struct http_req req = {.method = "POST",
		.url = buf_str(&url),
		.headers = headers,
		.body = buf_span(&message),
		.max_body = ANSWER_MAX,
		.connect_ms = CONNECT_MS,
		.first_byte_ms = TOTAL_MS,
		.total_ms = TOTAL_MS,
		.fresh = true,
		.any_key = q->tls};
	q->transfer = http_send(q->who->order.http, &req, on_bytes, on_answer, q);
	buf_fini(&host);
	buf_fini(&uri);
	buf_fini(&url);
	buf_fini(&message);
}

static void ask_next(struct ipp_who *w)
{
	for (size_t i = 0; i < AT_ONCE && w->next < w->order.n; i++) {
		struct question *q = &w->questions[i];
		if (q->place != NULL)
			continue;
		q->who = w;
		q->place = &w->order.places[w->next++];
		q->version = 0x0200;
		q->tls = q->place->tls;
		q->port = q->place->port;
		w->under_way++;
		ask(q);
	}
}

static void settle(struct ipp_who *w)
{
	struct ipp_who_order order = w->order;

	ask_next(w);
	if (w->under_way > 0)
		return;
	ipp_who_stop(w);
	order.done(order.arg);
}

/* Over TLS, where it says so or where something is that is no plain HTTP; then at TLS's own port.
 * false: it is no printer that speaks IPP. */
static bool other_way(struct question *q, long status, const struct fault *f)
{
	bool wants_tls = f == NULL && (status == 426 || (status >= 301 && status <= 308));
	bool there = f != NULL && f->code != CN_UNREACHABLE && f->code != CN_TIMEOUT;

	q->version = 0x0200;
	if (!q->tls && (wants_tls || (q->place->usual && there))) {
		q->tls = true;
		return true;
	}
	if (!q->place->usual || f == NULL || q->port == IPP_WHO_TLS_PORT)
		return false;
	q->tls = true;
	q->port = IPP_WHO_TLS_PORT;
	return true;
}

static void on_answer(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct question *q = arg;
	struct ipp_who *w = q->who;
	struct ipp_identity id;
	struct fault why = FAULT_INIT;
	void (*leave)(void) = w->order.leave;

	w->order.enter(w->order.arg);
	q->transfer = NULL;
	bool good = f == NULL && reply->status == 200 && !q->answer.err;
	if (good && q->version == 0x0200 && ipp_is_version_refused(buf_span(&q->answer))) {
		q->version = 0x0101;
		ask(q);
		leave();
		return;
	}
	if (!good && other_way(q, reply->status, f)) {
		ask(q);
		leave();
		return;
	}
	if (good && ipp_read_identity(buf_span(&q->answer), w->order.arena, &id, &why) == 0)
		w->order.found(w->order.arg, q->place,
			&(struct ipp_seen){q->tls, q->port, reply->key_sha256}, &id);
	buf_fini(&q->answer);
	q->answer = BUF_INIT;
	q->place = NULL;
	w->under_way--;
	settle(w);
	leave();
}

struct ipp_who *ipp_who_start(const struct ipp_who_order *order)
{
	struct ipp_who *w = mem_alloc(sizeof(*w));

	bug_if(order->n == 0);
	*w = (struct ipp_who){.order = *order};
	for (size_t i = 0; i < AT_ONCE; i++)
		w->questions[i].answer = BUF_INIT;
	ask_next(w);
	return w;
}

void ipp_who_stop(struct ipp_who *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < AT_ONCE; i++) {
		if (w->questions[i].transfer != NULL)
			http_cancel(w->questions[i].transfer);
		buf_fini(&w->questions[i].answer);
	}
	free(w);
}
