// SPDX-License-Identifier: Apache-2.0
/* The server's sockets: our own listener, MHD's epoll descriptor on the loop, time-outs. */
#include "common/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/http/server_priv.h"
#include "gen/errors.h"

enum { ACCEPT_BATCH = 64, SWEEP_MS = 1000, POOL = 32 * 1024 };

static void rearm(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	if (MHD_get_timeout(s->mhd, &ms) == MHD_YES)
		timer_set(s->timer, ms, 0);
	else
		timer_stop(s->timer);
}

static void drive(void *arg)
{
	struct http_server *s = arg;

	(void)MHD_run(s->mhd);
	rearm(s);
}

static void on_epoll(void *arg, int events unused)
{
	drive(arg);
}

static void peer_name(int fd, char *out, size_t size)
{
	union {
		struct sockaddr a;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage s;
	} u = {.s = {.ss_family = AF_UNSPEC}};
	socklen_t n = sizeof(u);
	const char *text = NULL;

	if (getpeername(fd, &u.a, &n) == 0 && u.a.sa_family == AF_INET)
		text = inet_ntop(AF_INET, &u.in.sin_addr, out, (socklen_t)size);
	else if (u.a.sa_family == AF_INET6)
		text = inet_ntop(AF_INET6, &u.in6.sin6_addr, out, (socklen_t)size);
	if (!text)
		out[0] = '\0';
}

static void on_accept(void *arg, int events);

static void listen_resume(struct http_server *s)
{
	if (s->listen_fd >= 0 && !s->listen_watch && s->n_conns < s->max_connections)
		s->listen_watch = loop_watch(s->loop, s->listen_fd, LOOP_READ, on_accept, s);
}

static void listen_pause(struct http_server *s)
{
	if (s->listen_watch)
		loop_unwatch(s->listen_watch);
	s->listen_watch = NULL;
}

static void conn_started(struct http_server *s, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *c = mem_alloc(sizeof(*c));

	bug_if(!info);
	c->server = s;
	c->mhd = mhd;
	c->fd = info->connect_fd;
	c->arg = s->adding_arg;
	c->since_ms = clock_mono_ms();
	peer_name(c->fd, c->peer, sizeof(c->peer));
	list_push(&s->conns, &c->node);
	s->n_conns++;
	*context = c;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = arg;
	struct conn *c = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_started(s, mhd, context);
	} else if (c) {
		list_remove(&c->node);
		free(c);
		*context = NULL;
		s->n_conns--;
	}
}

/* The address is only for MHD's books; the peer's name is read from the socket. */
static int give(struct http_server *s, int fd, void *conn_arg)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET};
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->adding_arg = conn_arg;
	enum MHD_Result ok =
		MHD_add_connection(s->mhd, fd, (const struct sockaddr *)&nobody, sizeof(nobody));
	s->adding_arg = NULL;
	return ok == MHD_YES ? 0 : -1;
}

static void on_accept(void *arg, int events unused)
{
	struct http_server *s = arg;

	for (int i = 0; i < ACCEPT_BATCH && s->n_conns < s->max_connections; i++) {
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
			listen_pause(s); /* the sweep tries again */
		if (fd < 0)
			break;
		(void)give(s, fd, NULL);
	}
	if (s->n_conns >= s->max_connections)
		listen_pause(s);
	rearm(s);
}

/* A suspended connection is not polled by MHD: look whether the reader of a stream is still there.
 */
static void check_reader(struct conn *c)
{
	char byte;
	ssize_t n;

	if (!c->request || !c->request->stream || !c->request->suspended)
		return;
	n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		c->request->stream->aborted = true;
		http_request_wake(c->request);
	}
}

/* MHD's own time-out starts anew with each byte, so a slow sender needs a deadline of ours. */
static void check_slow(struct conn *c, uint64_t now)
{
	uint64_t limit = (uint64_t)c->server->idle_seconds * 2000;

	if (c->since_ms && now > c->since_ms + limit)
		(void)shutdown(c->fd, SHUT_RDWR);
}

static void on_sweep(void *arg)
{
	struct http_server *s = arg;
	uint64_t now = clock_mono_ms();

	list_each_safe (it, &s->conns) {
		struct conn *c = container_of(it, struct conn, node);
		check_reader(c);
		check_slow(c, now);
	}
	listen_resume(s);
}

static int listen_unix(struct http_server *s, const char *path, struct fault *reterr)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(a.sun_path))
		return fault_set(reterr, CN_VALIDATION_FAILED, "socket path too long: %s", path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listen_fd < 0 || bind(s->listen_fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "cannot listen on unix:%s: %s", path,
			strerror(errno));
	s->unix_path = mem_strdup(path);
	return 0;
}

static int bind_first(struct http_server *s, const struct addrinfo *list)
{
	int one = 1;

	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, a->ai_addr, a->ai_addrlen) == 0) {
			s->listen_fd = fd;
			return 0;
		}
		(void)close(fd);
	}
	return -1;
}

/* "host:port" or "[v6]:port" */
static int listen_tcp(struct http_server *s, const char *listen_on, struct fault *reterr)
{
	char host[256];
	const char *colon = strrchr(listen_on, ':');
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	if (!colon || (size_t)(colon - listen_on) >= sizeof(host))
		return fault_set(reterr, CN_VALIDATION_FAILED, "not HOST:PORT: %s", listen_on);
	size_t n = (size_t)(colon - listen_on);
	if (n >= 2 && listen_on[0] == '[' && listen_on[n - 1] == ']') {
		listen_on++;
		n -= 2;
	}
	memcpy(host, listen_on, n);
	host[n] = '\0';
	if (getaddrinfo(n ? host : NULL, colon + 1, &hints, &list) != 0)
		return fault_set(reterr, CN_NAME_UNRESOLVED, "cannot resolve %s", listen_on);
	int rc = bind_first(s, list);
	int err = errno;
	freeaddrinfo(list);
	if (rc < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "cannot listen on %s: %s", listen_on,
			strerror(err));
	return 0;
}

static int listen_start(struct http_server *s, const char *listen_on, struct fault *reterr)
{
	int rc = strncmp(listen_on, "unix:", 5) == 0 ? listen_unix(s, listen_on + 5, reterr)
						     : listen_tcp(s, listen_on, reterr);

	if (rc < 0)
		return rc;
	if (listen(s->listen_fd, 1024) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "cannot listen on %s: %s", listen_on,
			strerror(errno));
	listen_resume(s);
	return 0;
}

static int daemon_start(struct http_server *s, struct fault *reterr)
{
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_CONNECTION_LIMIT, (intptr_t)s->max_connections + 1, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)s->idle_seconds, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL, NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	s->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
		http_on_request, s, MHD_OPTION_ARRAY, options, MHD_OPTION_NOTIFY_COMPLETED,
		http_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_UNESCAPE_CALLBACK, http_unescape, s, MHD_OPTION_END);
	if (!s->mhd)
		return fault_set(reterr, CN_INTERNAL_ERROR, "cannot start the HTTP server");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	bug_if(!info);
	s->watch = loop_watch(s->loop, info->epoll_fd, LOOP_READ, on_epoll, s);
	return 0;
}

struct http_server *http_server_new(struct loop *l, const struct http_server_opts *opts,
	http_handler_fn fn, void *arg, struct fault *reterr)
{
	struct http_server *s = mem_alloc(sizeof(*s));

	s->loop = l;
	s->fn = fn;
	s->early = opts->early;
	s->refuse = opts->refuse;
	s->arg = arg;
	s->listen_fd = -1;
	s->max_body = opts->max_body ? opts->max_body : (size_t)1024 * 1024;
	s->max_connections = opts->max_connections ? opts->max_connections : 2000;
	s->idle_seconds = opts->idle_seconds ? opts->idle_seconds : 30;
	list_init(&s->conns);
	s->timer = timer_new(l, drive, s);
	s->sweep = timer_new(l, on_sweep, s);
	timer_set(s->sweep, SWEEP_MS, SWEEP_MS);
	if (daemon_start(s, reterr) < 0 ||
		(opts->listen && listen_start(s, opts->listen, reterr) < 0)) {
		http_server_free(s);
		return NULL;
	}
	return s;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	listen_pause(s);
	if (s->listen_fd >= 0)
		(void)close(s->listen_fd);
	if (s->unix_path)
		(void)unlink(s->unix_path);
	list_each (it, &s->conns) { /* MHD does not stop with suspended connections */
		struct conn *c = container_of(it, struct conn, node);
		if (c->request)
			http_request_wake(c->request);
	}
	if (s->watch)
		loop_unwatch(s->watch);
	if (s->mhd)
		MHD_stop_daemon(s->mhd);
	timer_free(s->timer);
	timer_free(s->sweep);
	free(s->unix_path);
	free(s);
}

int http_server_add(struct http_server *s, int fd, void *conn_arg)
{
	if (s->n_conns >= s->max_connections) {
		(void)close(fd);
		return -1;
	}
	int rc = give(s, fd, conn_arg);
	rearm(s);
	return rc;
}
