// SPDX-License-Identifier: Apache-2.0
/* Long answers: a backlog between the writer on the loop and MHD, which is asleep while it is
 * empty. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/http/server_priv.h"

struct http_stream *http_stream_new(
	struct http_request *r, loop_fn on_room, loop_fn on_close, void *arg)
{
	struct http_stream *s = mem_alloc(sizeof(*s));

	s->request = r;
	s->on_room = on_room;
	s->on_close = on_close;
	s->arg = arg;
	return s;
}

void http_stream_free(struct http_stream *s)
{
	loop_fn on_close = s->on_close;
	void *arg = s->arg;

	buf_fini(&s->out);
	free(s);
	if (on_close)
		on_close(arg);
}

static size_t backlog(const struct http_stream *s)
{
	return s->out.n - s->sent;
}

/* Moves the rest to the front only when half is sent: each byte is moved at most once or so. */
static void take(struct http_stream *s, char *out, size_t n)
{
	memcpy(out, s->out.p + s->sent, n);
	s->sent += n;
	if (s->sent == s->out.n && s->out.cap > HTTP_ROOM) {
		buf_fini(&s->out); /* an idle stream holds no memory */
		s->sent = 0;
	} else if (s->sent >= s->out.n - s->sent) {
		buf_drop(&s->out, s->sent);
		s->sent = 0;
	}
}

ssize_t http_stream_read(struct http_stream *s, char *out, size_t max)
{
	size_t n = size_min(max, backlog(s));

	if (s->aborted)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && s->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		http_request_sleep(s->request);
		return 0;
	}
	take(s, out, n);
	if (s->full && backlog(s) < HTTP_ROOM) {
		s->full = false;
		if (s->on_room)
			s->on_room(s->arg);
	}
	return (ssize_t)n;
}

size_t http_stream_write(struct http_stream *s, struct span bytes)
{
	if (s->ended || s->aborted)
		return backlog(s);
	buf_add(&s->out, bytes.p, bytes.n);
	if (s->out.err) {
		http_stream_abort(s);
		return 0;
	}
	s->full = s->full || backlog(s) >= HTTP_ROOM;
	http_request_wake(s->request);
	return backlog(s);
}

void http_stream_end(struct http_stream *s)
{
	s->ended = true;
	http_request_wake(s->request);
}

/* Connecting to nobody resets a TCP connection at once; a unix socket is shut down instead. */
void http_stream_abort(struct http_stream *s)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int fd = s->request->conn->fd;

	s->aborted = true;
	if (connect(fd, &nobody, sizeof(nobody)) < 0)
		(void)shutdown(fd, SHUT_RDWR);
	http_request_wake(s->request);
}
