// SPDX-License-Identifier: Apache-2.0
/* The HTTP client against a server that keeps no rules (devices.md 2.1 common mapping and section
 * 3, hostile behaviours of security.md section 5). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/clock/clock.h"
#include "common/http/client.h"
#include "common/http/server.h"
#include "gen/errors.h"

/* A peer that accepts one connection after another and plays a script on each. */
struct peer {
	int fd, port;
	pthread_t thread;
	void (*script)(int fd, const char *request);
	int connections;
	volatile bool stop;
	char request[8192];
};

static void *peer_run(void *arg)
{
	struct peer *p = arg;
	struct timeval limit = {.tv_sec = 5};

	for (;;) {
		int fd = accept(p->fd, NULL, NULL);
		if (fd < 0 || p->stop) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		p->connections++;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		ssize_t n = recv(fd, p->request, sizeof(p->request) - 1, 0);
		p->request[n > 0 ? n : 0] = '\0';
		if (n > 0)
			p->script(fd, p->request);
		close(fd);
	}
}

static void peer_start(struct peer *p, void (*script)(int, const char *))
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	*p = (struct peer){.fd = socket(AF_INET, SOCK_STREAM, 0), .script = script};
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(p->fd, 64), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&a, &n), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

static void peer_stop(struct peer *p)
{
	p->stop = true;
	(void)shutdown(p->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	close(p->fd);
}

static void say(int fd, const char *s)
{
	(void)send(fd, s, strlen(s), MSG_NOSIGNAL);
}

/* ---- one transfer and what came of it ---- */

struct result {
	struct loop *loop;
	struct http_transfer *x;
	struct timer *timer;
	int done, code;
	long status;
	char detail[256], type[64];
	struct buf body;
	uint64_t ms;
	int pauses;
	bool pause, abort, cancel_in_body;
};

static enum http_flow on_body(void *arg, const uint8_t *p, size_t n, long status)
{
	struct result *r = arg;

	assert_int_equal(status, 200);
	if (r->abort)
		return HTTP_ABORT;
	if (r->cancel_in_body) {
		http_cancel(r->x);
		timer_set(r->timer, 200, 0);
		return HTTP_GO;
	}
	if (r->pause) {
		r->pause = false;
		r->pauses++;
		timer_set(r->timer, 50, 0);
		return HTTP_PAUSE;
	}
	buf_add(&r->body, p, n);
	return HTTP_GO;
}

static void on_done(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct result *r = arg;

	r->done++;
	r->code = f ? f->code : 0;
	r->status = reply->status;
	(void)snprintf(r->detail, sizeof(r->detail), "%s", f ? f->detail : "");
	(void)http_header(reply->headers, "content-type", r->type, sizeof(r->type));
	loop_stop(r->loop);
}

static void on_timer(void *arg)
{
	struct result *r = arg;

	if (r->cancel_in_body)
		loop_stop(r->loop);
	else
		http_resume(r->x);
}

static struct result run(const struct http_req *req, struct result how)
{
	struct result r = how;
	struct http_client *c;
	uint64_t start = clock_mono_ms();

	r.loop = loop_new();
	r.timer = timer_new(r.loop, on_timer, &r);
	c = http_client_new(
		r.loop, &(struct http_client_opts){.max_per_host = 1, .reset_on_close = true});
	r.x = http_send(c, req, on_body, on_done, &r);
	assert_int_equal(r.done, 0); /* never from inside http_send */
	loop_run(r.loop);
	r.ms = clock_mono_ms() - start;
	http_client_free(c);
	timer_free(r.timer);
	loop_free(r.loop);
	return r;
}

static struct result fetch(const struct peer *p, struct http_req req)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/x?y=1", p->port);
	req.method = req.method ? req.method : "GET";
	req.url = url;
	req.max_body = req.max_body ? req.max_body : 1024 * 1024;
	return run(&req, (struct result){.done = 0});
}

/* The fault that a script leads to. */
static int fault_of(void (*script)(int, const char *), struct http_req req)
{
	struct peer p;

	peer_start(&p, script);
	struct result r = fetch(&p, req);
	peer_stop(&p);
	assert_int_equal(r.done, 1);
	buf_fini(&r.body);
	return r.code;
}

/* ---- good answers ---- */

static void plain(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\n"
		"Content-Length: 5\r\n\r\nhello");
}

static void an_answer_comes_with_status_headers_and_body(void **state)
{
	const char *headers[] = {"Cookie: a=b", "Content-Type: application/x-test", NULL};
	struct peer p;

	(void)state;
	peer_start(&p, plain);
	struct result r = fetch(&p, (struct http_req){.method = "POST",
					    .headers = headers,
					    .body = {.p = (const uint8_t *)"k=v", .n = 3}});
	peer_stop(&p);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_string_equal(r.type, "text/plain");
	assert_non_null(strstr(p.request, "POST /x?y=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(p.request, "Cookie: a=b\r\n"));
	assert_non_null(strstr(p.request, "Content-Type: application/x-test\r\n"));
	assert_non_null(strstr(p.request, "\r\n\r\nk=v"));
	assert_null(strstr(p.request, "Expect"));
	buf_fini(&r.body);
}

static void redirect(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n"
		"Content-Length: 0\r\n\r\n");
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
	struct peer p;

	(void)state;
	peer_start(&p, redirect);
	struct result r = fetch(&p, (struct http_req){.max_body = 0});
	peer_stop(&p);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.status, 302);
	assert_int_equal(p.connections, 1);
}

static void the_address_given_is_dialled_whatever_the_name_says(void **state)
{
	struct peer p;
	char url[80];

	(void)state;
	peer_start(&p, plain);
	(void)snprintf(url, sizeof(url), "http://printer.invalid:%d/", p.port);
	struct http_req req = {
		.method = "GET", .url = url, .connect_ip = "127.0.0.1", .max_body = 100};
	struct result r = run(&req, (struct result){.done = 0});
	peer_stop(&p);
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(p.request, "Host: printer.invalid"));
	buf_fini(&r.body);
}

static void a_paused_transfer_gives_the_same_bytes_again(void **state)
{
	struct peer p;
	char url[64];

	(void)state;
	peer_start(&p, plain);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", p.port);
	struct http_req req = {.method = "GET", .url = url, .max_body = 100};
	struct result r = run(&req, (struct result){.pause = true});
	peer_stop(&p);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.pauses, 1);
	assert_string_equal(buf_str(&r.body), "hello");
	buf_fini(&r.body);
}

static void a_reader_may_end_or_cancel_a_transfer_from_its_body(void **state)
{
	struct peer p;
	char url[64];

	(void)state;
	peer_start(&p, plain);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", p.port);
	struct http_req req = {.method = "GET", .url = url, .max_body = 100};
	assert_int_not_equal(run(&req, (struct result){.abort = true}).code, 0);
	assert_int_equal(run(&req, (struct result){.cancel_in_body = true}).done, 0);
	peer_stop(&p);
}

/* ---- common mapping ---- */

static void reset(int fd, const char *request unused)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	usleep(50 * 1000);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void short_body(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
}

static void no_answer(int fd unused, const char *request unused)
{
}

static void a_cut_answer_is_connection_lost(void **state)
{
	struct http_req req = {.max_body = 0};

	(void)state;
	assert_int_equal(fault_of(reset, req), CN_CONNECTION_LOST);
	assert_int_equal(fault_of(short_body, req), CN_CONNECTION_LOST);
	assert_int_equal(fault_of(no_answer, req), CN_CONNECTION_LOST);
}

static void a_refused_connection_is_unreachable(void **state)
{
	struct peer p;

	(void)state;
	peer_start(&p, plain);
	peer_stop(&p);
	struct result r = fetch(&p, (struct http_req){.max_body = 0});
	assert_int_equal(r.code, CN_UNREACHABLE);
	assert_int_equal(r.status, 0);
}

static void a_silent_network_is_unreachable_after_the_connect_time(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int fill[8];
	struct peer p = {.port = 0};

	(void)state; /* a full backlog drops SYNs */
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	p.port = ntohs(a.sin_port);
	for (int i = 0; i < 8; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&a, sizeof(a));
	}
	struct result r = fetch(&p, (struct http_req){.connect_ms = 300});
	assert_int_equal(r.code, CN_UNREACHABLE);
	assert_true(r.ms >= 300 && r.ms < 3000);
	for (int i = 0; i < 8; i++)
		close(fill[i]);
	close(fd);
}

static void an_unknown_name_is_name_unresolved(void **state)
{
	struct http_req req = {
		.method = "GET", .url = "http://no-such-printer.invalid/", .max_body = 10};

	(void)state;
	assert_int_equal(run(&req, (struct result){.done = 0}).code, CN_NAME_UNRESOLVED);
}

static void silent(int fd, const char *request unused)
{
	char byte;

	(void)recv(fd, &byte, 1, 0);
}

static void trickle(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
	for (int i = 0; i < 40; i++) {
		say(fd, "x");
		usleep(50 * 1000);
	}
}

static void mp_02_and_mp_03_silence_and_trickle_are_timeouts(void **state)
{
	(void)state;
	assert_int_equal(fault_of(silent, (struct http_req){.first_byte_ms = 200}), CN_TIMEOUT);
	assert_int_equal(fault_of(trickle, (struct http_req){.total_ms = 300}), CN_TIMEOUT);
}

static void endless_body(int fd, const char *request unused)
{
	static const char block[4096] = "x";

	say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < 10000 && send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0; i++)
		;
}

static void endless_headers(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 10000; i++)
		if (send(fd, "X-More: and more and more\r\n", 27, MSG_NOSIGNAL) <= 0)
			return;
}

static void endless_header_line(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nX: ");
	for (int i = 0; i < 100000; i++)
		if (send(fd, "more and more and more and more", 31, MSG_NOSIGNAL) <= 0)
			return;
}

static void announced_too_long(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 70000000\r\n\r\n");
}

static void mp_04_and_mp_05_endless_answers_are_too_big(void **state)
{
	struct http_req req = {.max_body = 100000};

	(void)state;
	assert_int_equal(fault_of(endless_body, req), CN_RESPONSE_TOO_BIG);
	assert_int_equal(fault_of(endless_headers, req), CN_RESPONSE_TOO_BIG);
	assert_int_equal(fault_of(endless_header_line, req), CN_RESPONSE_TOO_BIG);
	assert_int_equal(fault_of(announced_too_long, req), CN_RESPONSE_TOO_BIG);
}

static void length_negative(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello");
}

static void length_huge(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nhello");
}

static void length_twice(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello");
}

static void chunk_overflow(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"fffffffffffffffff\r\nhello\r\n0\r\n\r\n");
}

static void chunk_bad_hex(int fd, const char *request unused)
{
	say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n");
}

static void not_http(int fd, const char *request unused)
{
	say(fd, "220 printer FTP server ready\r\n");
}

static void mp_06_and_mp_07_lying_lengths_are_protocol_errors(void **state)
{
	struct http_req req = {.max_body = 0};

	(void)state;
	assert_int_equal(fault_of(length_negative, req), CN_PROTOCOL_ERROR);
	assert_int_equal(fault_of(length_huge, req), CN_PROTOCOL_ERROR);
	assert_int_equal(fault_of(length_twice, req), CN_PROTOCOL_ERROR);
	assert_int_equal(fault_of(chunk_overflow, req), CN_PROTOCOL_ERROR);
	assert_int_equal(fault_of(chunk_bad_hex, req), CN_PROTOCOL_ERROR);
	assert_int_equal(fault_of(not_http, req), CN_PROTOCOL_ERROR);
}

/* ---- many at once ---- */

struct crowd {
	struct loop *loop;
	struct http_client *client;
	int left, now, most;
	struct timer *timer;
	struct http_request *held[64];
	int n_held;
};

static void hold(void *arg, struct http_request *r)
{
	struct crowd *c = arg;

	c->held[c->n_held++] = r;
	c->now++;
	if (c->now > c->most)
		c->most = c->now;
	timer_set(c->timer, 20, 0);
}

static void answer_all(void *arg)
{
	struct crowd *c = arg;
	int n = c->n_held;

	c->n_held = 0;
	c->now = 0;
	for (int i = 0; i < n; i++)
		http_respond(c->held[i], 200, "text/plain", (struct span){.n = 0});
}

static void one_less(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct crowd *c = arg;

	assert_null(f);
	assert_int_equal(reply->status, 200);
	if (--c->left == 0)
		loop_stop(c->loop);
}

static void no_more_connections_than_allowed_are_open_and_all_are_served(void **state)
{
	struct crowd c = {.loop = loop_new(), .left = 50};
	char path[64], listen_on[80];
	struct fault f = FAULT_INIT;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/carnet-httpc-%d.sock", getpid());
	(void)snprintf(listen_on, sizeof(listen_on), "unix:%s", path);
	struct http_server *s = http_server_new(
		c.loop, &(struct http_server_opts){.listen = listen_on}, hold, &c, &f);
	assert_non_null(s);
	c.timer = timer_new(c.loop, answer_all, &c);
	c.client = http_client_new(c.loop, &(struct http_client_opts){.max_connections = 8});
	struct http_req req = {
		.method = "GET", .url = "http://local/", .unix_socket = path, .max_body = 10};
	for (int i = 0; i < 50; i++)
		(void)http_send(c.client, &req, NULL, one_less, &c);
	loop_run(c.loop);
	assert_int_equal(c.left, 0);
	assert_int_equal(c.most, 8);
	http_client_free(c.client);
	http_server_free(s);
	timer_free(c.timer);
	loop_free(c.loop);
}

static void headers_are_found_by_name_and_cut_at_the_line(void **state)
{
	const char *h = "HTTP/1.1 200 OK\r\nX-A:  one \r\nX-AB: two\r\nEmpty:\r\n\r\n";
	char out[8];

	(void)state;
	assert_string_equal(http_header(h, "x-ab", out, sizeof(out)), "two");
	assert_string_equal(http_header(h, "X-A", out, sizeof(out)), "one");
	assert_string_equal(http_header(h, "Empty", out, sizeof(out)), "");
	assert_null(http_header(h, "X", out, sizeof(out)));
	assert_string_equal(http_header(h, "X-A", out, 3), "on");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_with_status_headers_and_body),
		cmocka_unit_test(a_redirect_is_an_answer_and_is_not_followed),
		cmocka_unit_test(the_address_given_is_dialled_whatever_the_name_says),
		cmocka_unit_test(a_paused_transfer_gives_the_same_bytes_again),
		cmocka_unit_test(a_reader_may_end_or_cancel_a_transfer_from_its_body),
		cmocka_unit_test(a_cut_answer_is_connection_lost),
		cmocka_unit_test(a_refused_connection_is_unreachable),
		cmocka_unit_test(a_silent_network_is_unreachable_after_the_connect_time),
		cmocka_unit_test(an_unknown_name_is_name_unresolved),
		cmocka_unit_test(mp_02_and_mp_03_silence_and_trickle_are_timeouts),
		cmocka_unit_test(mp_04_and_mp_05_endless_answers_are_too_big),
		cmocka_unit_test(mp_06_and_mp_07_lying_lengths_are_protocol_errors),
		cmocka_unit_test(no_more_connections_than_allowed_are_open_and_all_are_served),
		cmocka_unit_test(headers_are_found_by_name_and_cut_at_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
