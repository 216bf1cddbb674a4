// SPDX-License-Identifier: Apache-2.0
/* The HTTP server on the loop, against a plain socket as client (DESIGN.md, security.md). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http/server.h"

/* A server in this thread; the client's script runs in another, blocking. */
struct world {
	struct loop *loop;
	struct http_server *server;
	int port;
	char unix_path[64];
	struct timer *timer;
	struct http_request *pending;
	struct http_stream *stream;
	int rooms, closes, requests;
	size_t written, most_backlog;
	void (*script)(struct world *w);
	bool later;
};

static const struct span HELLO = {.p = (const uint8_t *)"hello", .n = 5};
static uint8_t block[16 * 1024];

static void fill(struct world *w)
{
	const size_t total = 4 * 1024 * 1024;

	while (w->written < total) {
		struct span s = {.p = block, .n = sizeof(block)};
		size_t backlog = http_stream_write(w->stream, s);
		w->written += s.n;
		if (backlog > w->most_backlog)
			w->most_backlog = backlog;
		if (backlog >= 64 * 1024)
			return;
	}
	http_stream_end(w->stream);
}

static void on_room(void *arg)
{
	struct world *w = arg;

	w->rooms++;
	fill(w);
}

static void on_stream_closed(void *arg)
{
	struct world *w = arg;

	w->closes++;
	w->stream = NULL;
}

static void on_later(void *arg)
{
	struct world *w = arg;

	http_respond(w->pending, 200, "text/plain", HELLO);
}

static void echo(struct http_request *r)
{
	char *text = arena_printf(http_arena(r), "%s %s a=%s peer=%s n=%zu arg=%s", http_method(r),
		http_path(r), http_query(r, "a") ? http_query(r, "a") : "-", http_peer(r),
		http_body(r).n, http_conn_arg(r) ? (char *)http_conn_arg(r) : "-");

	http_set_header(r, "X-Test", "yes");
	http_set_header(r, "X-Evil", "a\r\nSet-Cookie: b");
	http_respond(
		r, 200, "text/plain", (struct span){.p = (const uint8_t *)text, .n = strlen(text)});
}

static void serve(void *arg, struct http_request *r)
{
	struct world *w = arg;

	w->requests++;
	if (strcmp(http_path(r), "/later") == 0) {
		w->pending = r;
		timer_set(w->timer, 20, 0);
	} else if (strcmp(http_path(r), "/stream") == 0) {
		w->stream = http_respond_stream(r, 200, "text/plain", on_room, on_stream_closed, w);
		fill(w);
	} else if (strcmp(http_path(r), "/events") == 0) {
		w->stream =
			http_respond_stream(r, 200, "text/event-stream", NULL, on_stream_closed, w);
		(void)http_stream_write(w->stream, HELLO);
	} else if (strcmp(http_path(r), "/abort") == 0) {
		w->stream = http_respond_stream(r, 200, "text/plain", NULL, on_stream_closed, w);
		(void)http_stream_write(w->stream, HELLO);
		w->later = true;
		timer_set(w->timer, 30, 0);
	} else {
		echo(r);
	}
}

static void on_timer(void *arg)
{
	struct world *w = arg;

	if (w->later)
		http_stream_abort(w->stream);
	else
		on_later(w);
}

static void stop(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

static void *run_script(void *arg)
{
	struct world *w = arg;

	w->script(w);
	loop_post(w->loop, stop, w);
	return NULL;
}

/* Two ports are never asked twice: the kernel picks one for a moment. */
static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static struct world play(
	void (*script)(struct world *), const struct http_server_opts *more, bool on_unix)
{
	struct world w = {.loop = loop_new(), .script = script, .port = free_port()};
	struct http_server_opts opts = more ? *more : (struct http_server_opts){.max_body = 0};
	struct fault f = FAULT_INIT;
	char listen_on[128];
	pthread_t thread;

	(void)snprintf(w.unix_path, sizeof(w.unix_path), "/tmp/carnet-http-%d.sock", getpid());
	if (on_unix)
		(void)snprintf(listen_on, sizeof(listen_on), "unix:%s", w.unix_path);
	else
		(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", w.port);
	opts.listen = listen_on;
	w.timer = timer_new(w.loop, on_timer, &w);
	w.server = http_server_new(w.loop, &opts, serve, &w, &f);
	assert_non_null(w.server);
	assert_int_equal(pthread_create(&thread, NULL, run_script, &w), 0);
	loop_run(w.loop);
	assert_int_equal(pthread_join(thread, NULL), 0);
	http_server_free(w.server);
	timer_free(w.timer);
	loop_free(w.loop);
	return w;
}

/* ---- the client's side, blocking with a deadline ---- */

static int dial(const struct world *w)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval limit = {.tv_sec = 8};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void put(int fd, const char *s)
{
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), (ssize_t)strlen(s));
}

/* Until end of connection or until the text has been seen. */
static char *get(int fd, const char *until)
{
	static char out[128 * 1024];
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(fd, out + n, sizeof(out) - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		out[n] = '\0';
		if (until && strstr(out, until))
			break;
	}
	out[n] = '\0';
	return out;
}

static void keep_alive_script(struct world *w)
{
	int fd = dial(w);

	put(fd, "GET /one?a=x%20y HTTP/1.1\r\nHost: t\r\n\r\n");
	char *a = get(fd, "arg=-");
	assert_non_null(strstr(a, "GET /one a=x y peer=127.0.0.1 n=0"));
	assert_non_null(strstr(a, "X-Test: yes"));
	assert_null(strstr(a, "Set-Cookie"));
	put(fd, "POST /t%77o HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc");
	assert_non_null(strstr(get(fd, "arg=-"), "POST /two a=- peer=127.0.0.1 n=3"));
	put(fd, "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	assert_non_null(strstr(get(fd, "arg=-"), "n=5"));
	close(fd);
}

static void one_connection_serves_many_requests(void **state)
{
	(void)state;
	assert_int_equal(play(keep_alive_script, NULL, false).requests, 3);
}

static void later_script(struct world *w)
{
	int fd = dial(w);

	put(fd, "GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_non_null(strstr(get(fd, "hello"), "200 OK"));
	put(fd, "GET /x HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_non_null(strstr(get(fd, "arg="), "GET /x"));
	close(fd);
}

static void an_answer_may_come_later(void **state)
{
	(void)state;
	assert_int_equal(play(later_script, NULL, false).requests, 2);
}

static void refused(const struct world *w, const char *request, const char *status)
{
	int fd = dial(w);

	(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
	if (!strstr(get(fd, NULL), status))
		fail_msg("%s wanted for %.60s", status, request);
	close(fd);
}

static void two_lengths_script(struct world *w)
{
	refused(w,
		"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		" 400 ");
	refused(w,
		"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		" 400 ");
	refused(w,
		"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
		"Content-Length: 3\r\n\r\n0\r\n\r\n",
		" 400 ");
}

static void a_request_with_two_lengths_is_refused_and_never_served(void **state)
{
	(void)state;
	assert_int_equal(play(two_lengths_script, NULL, false).requests, 0);
}

static void oversize_script(struct world *w)
{
	char *big = malloc(64 * 1024);

	refused(w, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1001\r\n\r\n", " 413 ");
	int n = snprintf(big, 4096,
		"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
	memset(big + n, 'x', 1001);
	strcpy(big + n + 1001, "\r\n0\r\n\r\n");
	refused(w, big, " 413 ");
	n = snprintf(big, 4096, "GET / HTTP/1.1\r\nHost: t\r\nX: ");
	memset(big + n, 'x', 20000);
	strcpy(big + n + 20000, "\r\n\r\n");
	refused(w, big, " 431 ");
	free(big);
}

static void oversize_body_and_headers_are_refused(void **state)
{
	struct http_server_opts opts = {.max_body = 1000};

	(void)state;
	assert_int_equal(play(oversize_script, &opts, false).requests, 0);
}

static void slow_script(struct world *w)
{
	int fd = dial(w);
	ssize_t sent = 1;

	put(fd, "GET / HTTP/1.1\r\nHost: t\r\nX: ");
	for (int i = 0; i < 80 && sent == 1; i++) { /* one byte per 100 ms never ends by itself */
		usleep(100 * 1000);
		sent = send(fd, "x", 1, MSG_NOSIGNAL);
	}
	assert_int_equal(sent, -1);
	close(fd);
}

static void a_request_that_trickles_in_is_cut_off(void **state)
{
	struct http_server_opts opts = {.idle_seconds = 1};

	(void)state;
	assert_int_equal(play(slow_script, &opts, false).requests, 0);
}

static void idle_script(struct world *w)
{
	int fd = dial(w);

	assert_string_equal(get(fd, NULL), "");
	close(fd);
}

static void an_idle_connection_is_closed(void **state)
{
	struct http_server_opts opts = {.idle_seconds = 1};

	(void)state;
	(void)play(idle_script, &opts, false);
}

static void stream_script(struct world *w)
{
	static char buf[65536];
	int fd = dial(w);
	size_t n = 0;
	ssize_t got;

	put(fd, "GET /stream HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	usleep(200 * 1000); /* let the server run ahead: it must stop at its bound */
	while ((got = recv(fd, buf, sizeof(buf), 0)) > 0)
		n += (size_t)got;
	assert_true(n > 4 * 1024 * 1024);
	close(fd);
}

static void a_stream_waits_for_its_reader(void **state)
{
	(void)state;
	struct world w = play(stream_script, NULL, false);
	assert_int_equal(w.written, 4 * 1024 * 1024);
	assert_true(w.rooms > 10);
	assert_true(w.most_backlog <= 64 * 1024 + sizeof(block));
	assert_int_equal(w.closes, 1);
}

static void gone_script(struct world *w)
{
	int fd = dial(w);

	put(fd, "GET /events HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_non_null(strstr(get(fd, "hello"), "text/event-stream"));
	close(fd);
	for (int i = 0; i < 500 && __atomic_load_n(&w->closes, __ATOMIC_RELAXED) == 0; i++)
		usleep(10 * 1000);
}

static void a_reader_that_left_is_noticed_without_a_write(void **state)
{
	(void)state;
	assert_int_equal(play(gone_script, NULL, false).closes, 1);
}

static void abort_script(struct world *w)
{
	int fd = dial(w);
	char byte;
	ssize_t n;

	put(fd, "GET /abort HTTP/1.1\r\nHost: t\r\n\r\n");
	(void)get(fd, "hello");
	while ((n = recv(fd, &byte, 1, 0)) > 0)
		;
	assert_int_equal(n, -1);
	close(fd);
}

static void an_aborted_stream_ends_with_a_reset(void **state)
{
	(void)state;
	assert_int_equal(play(abort_script, NULL, false).closes, 1);
}

static void unix_script(struct world *w)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", w->unix_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	put(fd, "GET /u HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(get(fd, NULL), "GET /u a=- peer= n=0"));
	close(fd);
}

static void a_unix_socket_serves_too_and_is_removed_at_the_end(void **state)
{
	(void)state;
	struct world w = play(unix_script, NULL, true);
	assert_int_not_equal(access(w.unix_path, F_OK), 0);
}

static void crowd_script(struct world *w)
{
	int fds[40];

	for (int i = 0; i < 40; i++)
		fds[i] = dial(w);
	for (int i = 0; i < 40; i++) { /* only 8 at once; the others wait in the kernel's queue */
		put(fds[i], "GET /c HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	}
	for (int i = 0; i < 40; i++) {
		assert_non_null(strstr(get(fds[i], NULL), "GET /c"));
		close(fds[i]);
	}
}

static void more_connections_than_allowed_wait_their_turn(void **state)
{
	struct http_server_opts opts = {.max_connections = 8};

	(void)state;
	assert_int_equal(play(crowd_script, &opts, false).requests, 40);
}

static void added_script(struct world *w)
{
	int pair[2];

	(void)w;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	close(pair[0]);
	close(pair[1]);
}

static void a_connection_of_the_callers_own_carries_its_argument(void **state)
{
	struct world w = {.loop = loop_new(), .script = added_script};
	struct http_server_opts opts = {.max_body = 0};
	struct fault f = FAULT_INIT;
	char name[] = "device-7";
	char out[1024] = "";
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	w.server = http_server_new(w.loop, &opts, serve, &w, &f);
	assert_non_null(w.server);
	assert_int_equal(http_server_add(w.server, pair[1], name), 0);
	put(pair[0], "GET /d HTTP/1.1\r\nHost: t\r\n\r\n");
	w.timer = timer_new(w.loop, stop, &w);
	timer_set(w.timer, 200, 0);
	loop_run(w.loop);
	assert_true(recv(pair[0], out, sizeof(out) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(out, "arg=device-7"));
	http_server_free(w.server);
	timer_free(w.timer);
	loop_free(w.loop);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_connection_serves_many_requests),
		cmocka_unit_test(an_answer_may_come_later),
		cmocka_unit_test(a_request_with_two_lengths_is_refused_and_never_served),
		cmocka_unit_test(oversize_body_and_headers_are_refused),
		cmocka_unit_test(a_request_that_trickles_in_is_cut_off),
		cmocka_unit_test(an_idle_connection_is_closed),
		cmocka_unit_test(a_stream_waits_for_its_reader),
		cmocka_unit_test(a_reader_that_left_is_noticed_without_a_write),
		cmocka_unit_test(an_aborted_stream_ends_with_a_reset),
		cmocka_unit_test(a_unix_socket_serves_too_and_is_removed_at_the_end),
		cmocka_unit_test(more_connections_than_allowed_wait_their_turn),
		cmocka_unit_test(a_connection_of_the_callers_own_carries_its_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
