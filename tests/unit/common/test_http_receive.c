// SPDX-License-Identifier: Apache-2.0
/* Long bodies that their handler takes piece by piece: who sends is let in first, waits, or is cut
 * off. */
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

#include "common/http/server.h"

#define MAX ((size_t)300 * 1024)

struct world {
	struct loop *loop;
	struct http_server *server;
	int port;
	struct timer *timer;
	struct http_request *request;
	bool refuse, waiting;
	size_t bytes, pieces, expected;
	int lasts, longs, gones, answers;
	void (*script)(struct world *w);
};

static void answer(struct world *w, unsigned status)
{
	w->answers++;
	http_respond(w->request, status, "text/plain", (struct span){(const uint8_t *)"said\n", 5});
}

static void piece(void *arg, enum http_piece what, struct span bytes)
{
	struct world *w = arg;

	switch (what) {
	case HTTP_PIECE:
		assert_false(w->waiting);
		w->pieces++;
		for (size_t i = 0; i < bytes.n; i++)
			assert_int_equal(bytes.p[i], (w->bytes + i) % 251);
		w->bytes += bytes.n;
		if (w->pieces % 2 == 0) { /* now and then somebody else has to be asked first */
			w->waiting = true;
			timer_set(w->timer, 1, 0);
		} else {
			http_receive_more(w->request);
		}
		break;
	case HTTP_LAST:
		w->lasts++;
		answer(w, 201);
		break;
	case HTTP_TOO_LONG:
		w->longs++;
		answer(w, 413);
		break;
	case HTTP_GONE:
		w->gones++;
		break;
	}
}

/* The head was looked at: only now is the body wanted, or not. */
static void on_timer(void *arg)
{
	struct world *w = arg;

	if (w->waiting) {
		w->waiting = false;
		http_receive_more(w->request);
	} else if (w->refuse) {
		answer(w, 403);
	} else {
		http_receive(w->request, MAX, piece, w);
	}
}

static bool early(void *arg, const struct http_request *r)
{
	(void)arg;
	return strcmp(http_path(r), "/files") == 0;
}

static void serve(void *arg, struct http_request *r)
{
	struct world *w = arg;

	w->request = r;
	if (strcmp(http_path(r), "/files") != 0) {
		answer(w, 200);
		return;
	}
	assert_int_equal(http_body(r).n, 0);
	w->refuse = http_query(r, "refuse") != NULL;
	timer_set(w->timer, 10, 0);
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

static struct world play(void (*script)(struct world *), unsigned idle_seconds)
{
	struct world w = {.loop = loop_new(), .script = script, .port = free_port()};
	struct fault f = FAULT_INIT;
	char listen_on[64];
	struct http_server_opts opts = {.listen = listen_on,
		.max_body = 1000,
		.early = early,
		.idle_seconds = idle_seconds};
	pthread_t thread;

	(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", w.port);
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
	(void)send(fd, s, strlen(s), MSG_NOSIGNAL);
}

/* n bytes of the pattern from `from` on; false when the other side will take no more. */
static bool put_body(int fd, size_t from, size_t n)
{
	uint8_t block[4096];

	while (n > 0) {
		size_t k = n < sizeof(block) ? n : sizeof(block);
		for (size_t i = 0; i < k; i++)
			block[i] = (uint8_t)((from + i) % 251);
		if (send(fd, block, k, MSG_NOSIGNAL) != (ssize_t)k)
			return false;
		from += k;
		n -= k;
	}
	return true;
}

/* Until end of connection or until the text has been seen. */
static char *get(int fd, const char *until)
{
	static char out[4096];
	size_t n = 0;

	out[0] = '\0';
	while (n < sizeof(out) - 1 && !(until && strstr(out, until))) {
		ssize_t got = recv(fd, out + n, sizeof(out) - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		out[n] = '\0';
	}
	return out;
}

static void whole_script(struct world *w)
{
	int fd = dial(w);

	put(fd, "POST /files?name=a HTTP/1.1\r\nHost: t\r\nContent-Length: 300000\r\n\r\n");
	assert_true(put_body(fd, 0, 300000));
	assert_non_null(strstr(get(fd, "said"), " 201 "));
	put(fd, "GET /x HTTP/1.1\r\nHost: t\r\n\r\n"); /* the connection goes on */
	assert_non_null(strstr(get(fd, "said"), " 200 "));
	close(fd);
}

static void a_body_comes_in_pieces_while_its_taker_makes_it_wait(void **state)
{
	(void)state;
	struct world w = play(whole_script, 0);
	assert_int_equal(w.bytes, 300000);
	assert_int_equal(w.lasts, 1);
	assert_int_equal(w.gones, 0);
	assert_true(w.pieces > 4);
}

static void chunked_script(struct world *w)
{
	int fd = dial(w);
	char head[32];
	size_t sent = 0;

	put(fd, "POST /files HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t n = 1; sent < 200000; sent += n, n = n % 700 + 1) {
		(void)snprintf(head, sizeof(head), "%zx\r\n", n);
		put(fd, head);
		assert_true(put_body(fd, sent, n));
		put(fd, "\r\n");
	}
	w->expected = sent;
	put(fd, "0\r\n\r\n");
	assert_non_null(strstr(get(fd, "said"), " 201 "));
	close(fd);
}

static void small_chunks_wait_too_and_none_comes_while_one_is_in_hand(void **state)
{
	(void)state;
	struct world w = play(chunked_script, 0);
	assert_int_equal(w.bytes, w.expected);
	assert_int_equal(w.lasts, 1);
}

static void continue_script(struct world *w)
{
	int fd = dial(w);

	put(fd, "POST /files HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n"
		"Expect: 100-continue\r\n\r\n");
	assert_non_null(strstr(get(fd, "\r\n\r\n"), " 100 "));
	assert_true(put_body(fd, 0, 5000));
	assert_non_null(strstr(get(fd, "said"), " 201 "));
	close(fd);
	fd = dial(w); /* refused by its head, nothing of the body is asked for */
	put(fd, "POST /files?refuse=1 HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n"
		"Expect: 100-continue\r\n\r\n");
	assert_non_null(strstr(get(fd, "said"), " 403 "));
	close(fd);
}

static void a_sender_that_asks_first_is_answered_after_the_head_was_looked_at(void **state)
{
	(void)state;
	struct world w = play(continue_script, 0);
	assert_int_equal(w.bytes, 5000);
	assert_int_equal(w.answers, 2);
}

static void refused_script(struct world *w)
{
	int fd = dial(w);

	put(fd, "POST /files?refuse=1 HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n");
	char *a = get(fd, "said");
	assert_non_null(strstr(a, " 403 "));
	close(fd);
}

static void a_refusal_comes_before_any_of_the_body(void **state)
{
	(void)state;
	struct world w = play(refused_script, 0);
	assert_int_equal(w.bytes, 0);
	assert_int_equal(w.gones, 0);
	assert_int_equal(w.answers, 1);
}

static void long_script(struct world *w)
{
	int fd = dial(w);
	char head[32];

	put(fd, "POST /files HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
	(void)snprintf(head, sizeof(head), "%zx\r\n", MAX + 4096);
	put(fd, head);
	assert_true(put_body(fd, 0, MAX + 4096));
	put(fd, "\r\n0\r\n\r\n");
	assert_non_null(strstr(get(fd, "said"), " 413 "));
	close(fd);
}

static void more_than_is_taken_is_said_and_the_rest_thrown_away(void **state)
{
	(void)state;
	struct world w = play(long_script, 0);
	assert_int_equal(w.longs, 1);
	assert_int_equal(w.lasts, 0);
	assert_int_equal(w.answers, 1);
	assert_true(w.bytes <= MAX);
}

static void endless_script(struct world *w)
{
	int fd = dial(w);
	char head[32];
	size_t sent = 0;

	put(fd, "POST /files HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
	(void)snprintf(head, sizeof(head), "%x\r\n", 1u << 30);
	put(fd, head);
	while (sent < 64 * MAX && put_body(fd, sent, 4096))
		sent += 4096;
	assert_true(sent < 64 * MAX); /* cut off at last */
	close(fd);
}

static void a_body_without_end_is_cut_off(void **state)
{
	(void)state;
	assert_int_equal(play(endless_script, 0).longs, 1);
}

static void gone_script(struct world *w)
{
	int fd = dial(w);

	put(fd, "POST /files HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n");
	assert_true(put_body(fd, 0, 100000));
	shutdown(fd, SHUT_WR); /* cut short */
	(void)get(fd, NULL);
	close(fd);
}

static void a_body_that_is_cut_short_is_told_as_gone_and_never_as_whole(void **state)
{
	(void)state;
	struct world w = play(gone_script, 0);
	assert_int_equal(w.gones, 1);
	assert_int_equal(w.lasts, 0);
	assert_int_equal(w.answers, 0);
}

static void slow_script(struct world *w)
{
	int fd = dial(w);
	ssize_t sent = 1;

	put(fd, "POST /files HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n");
	for (int i = 0; i < 80 && sent == 1; i++) {
		uint8_t byte = (uint8_t)(i % 251);
		usleep(100 * 1000);
		sent = send(fd, &byte, 1, MSG_NOSIGNAL);
	}
	assert_int_equal(sent, -1);
	close(fd);
}

static void a_body_that_trickles_in_is_cut_off(void **state)
{
	(void)state;
	struct world w = play(slow_script, 1);
	assert_int_equal(w.gones, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_comes_in_pieces_while_its_taker_makes_it_wait),
		cmocka_unit_test(small_chunks_wait_too_and_none_comes_while_one_is_in_hand),
		cmocka_unit_test(a_sender_that_asks_first_is_answered_after_the_head_was_looked_at),
		cmocka_unit_test(a_refusal_comes_before_any_of_the_body),
		cmocka_unit_test(more_than_is_taken_is_said_and_the_rest_thrown_away),
		cmocka_unit_test(a_body_without_end_is_cut_off),
		cmocka_unit_test(a_body_that_is_cut_short_is_told_as_gone_and_never_as_whole),
		cmocka_unit_test(a_body_that_trickles_in_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
