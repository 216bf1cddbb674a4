// SPDX-License-Identifier: Apache-2.0
/* The dialogue: one command, one reply, one step; the data when 150 came and the connection stands.
 */
#include "services/worker/adapters/ftp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"

enum {
	CONNECT_MS = 10000,
	QUIT_MS = 4000, /* DV-3: a release takes at most 5 s */
	PIECE = 64 * 1024,
};

enum ftp_step { CONNECT, GREETING, USER, PASS, PWD, CWD, EPSV, PASV, TYPE, STOR, STORED, QUIT };

/* One of the two connections. */
struct channel {
	int fd;
	struct loop_watch *watch;
};

struct ftp {
	struct errand *errand;
	ftp_fn fn;
	void *arg;
	struct ftp_request ask; /* its strings are copies */
	char user[256], password[256];
	enum ftp_step step;
	struct channel control, data;
	struct timer *timer;
	struct ftp_reader reader;
	struct ftp_reply last;

	char command[512];
	size_t command_n, command_sent;
	size_t data_sent;
	bool data_open;   /* connected */
	bool go;          /* 150: the server takes data */
	bool data_broken; /* it closed, or reset; its reply says why */
	bool ended;
	struct fault fault; /* how it ends */
};

/* ---- the end ---- */

static void channel_close(struct channel *c)
{
	if (c->watch)
		loop_unwatch(c->watch);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct channel){.fd = -1};
}

static void ftp_free(struct ftp *x)
{
	channel_close(&x->control);
	channel_close(&x->data);
	timer_free(x->timer);
	crypto_wipe(x, sizeof(*x)); /* the password, and its command */
	free(x);
}

/* Says how it ended, once; then nothing of x is left. */
static void tell(struct ftp *x)
{
	const struct linger off = {.l_onoff = 0};
	ftp_fn fn = x->fn;
	void *arg = x->arg;
	struct ftp_reply last = x->last;
	struct fault f = x->fault;

	if (x->step == QUIT) /* said good-bye: no reset */
		(void)setsockopt(x->control.fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	ftp_free(x);
	fn(arg, &last, f.code ? &f : NULL);
}

static void end(struct ftp *x)
{
	x->ended = true;
	timer_set(x->timer, 0, 0); /* from the loop, not from inside a caller */
}

static void fail_why(struct ftp *x, int code, const char *reason, const char *text)
{
	fault_why(&x->fault, code, reason, "%s", text);
	end(x);
}

static void fail(struct ftp *x, int code, const char *text)
{
	fail_why(x, code, x->data_sent ? "data_sent" : "", text);
}

static void send_command(struct ftp *x, enum ftp_step step, const char *word, const char *value);

/* The server still listens: leave it as one should, whatever happened. */
static void quit(struct ftp *x)
{
	channel_close(&x->data);
	send_command(x, QUIT, "QUIT", NULL);
}

/* As fail, where the control connection is good. */
static void give_up(struct ftp *x, int code, const char *text)
{
	fault_why(&x->fault, code, x->data_sent ? "data_sent" : "", "%s", text);
	quit(x);
}

/* ---- replies that are no ---- */

int ftp_cause(const struct ftp_reply *r, struct fault *reterr)
{
	int code;

	switch (r->code) {
	case 421:
		code = CN_SESSION_LIMIT;
		break;
	case 120:
	case 425:
	case 450: /* the file, or what stands for it, is in use */
		code = CN_DEVICE_BUSY;
		break;
	case 332:
	case 430:
	case 530:
	case 532:
		code = CN_AUTH_REFUSED;
		break;
	case 426:
	case 451:
		code = CN_CONNECTION_LOST;
		break;
	case 452:
	case 552:
		code = CN_STORE_FULL;
		break;
	default:
		code = r->code >= 500 ? CN_REJECTED : CN_PROTOCOL_ERROR;
	}
	return fault_set(reterr, code, "FTP %d %.200s", r->code, r->text);
}

static void refuse(struct ftp *x)
{
	(void)ftp_cause(&x->last, &x->fault);
	if (x->data_sent)
		snprintf(x->fault.reason, sizeof(x->fault.reason), "data_sent");
	if (x->last.code == 421)
		end(x); /* it hangs up itself */
	else
		quit(x);
}

/* ---- sockets ---- */

static int open_socket(struct ftp *x, struct channel *c, uint16_t port, loop_watch_fn fn)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is6 = strchr(x->errand->ip, ':') != NULL;
	int rc;

	if (inet_pton(is6 ? AF_INET6 : AF_INET, x->errand->ip,
		    is6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		return -1;
	c->fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	/* if this process dies now, the printer sees a reset: half a file is no file */
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	rc = is6 ? connect(c->fd, (struct sockaddr *)&v6, sizeof(v6))
		 : connect(c->fd, (struct sockaddr *)&v4, sizeof(v4));
	if (rc < 0 && errno != EINPROGRESS)
		return -1;
	c->watch = loop_watch(x->errand->loop, c->fd, LOOP_WRITE, fn, x);
	return 0;
}

static int connect_error(int fd)
{
	int error = 0;
	socklen_t n = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 ? errno : error;
}

/* ---- data ---- */

static uint32_t or_else(uint32_t ms, uint32_t otherwise)
{
	return ms ? ms : otherwise;
}

/* All is sent: from now on a close is a good end, and the server says so. */
static void end_data(struct ftp *x)
{
	struct linger off = {.l_onoff = 0};

	(void)setsockopt(x->data.fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	(void)shutdown(x->data.fd, SHUT_WR);
	loop_unwatch(x->data.watch);
	x->data.watch = NULL;
	x->step = STORED;
	timer_set(x->timer, or_else(x->ask.stored_ms, 300000), 0);
}

/* The server hung up on the data: its reply on the other connection says why, if it comes. */
static void data_broke(struct ftp *x)
{
	x->data_broken = true;
	channel_close(&x->data);
	timer_set(x->timer, or_else(x->ask.reply_ms, 60000), 0);
}

static void pump(struct ftp *x)
{
	size_t left = x->ask.bytes.n - x->data_sent;
	ssize_t n = left ? send(x->data.fd, x->ask.bytes.p + x->data_sent, size_min(left, PIECE),
				   MSG_NOSIGNAL)
			 : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		data_broke(x);
		return;
	}
	x->data_sent += (size_t)n;
	timer_set(x->timer, or_else(x->ask.stall_ms, 120000), 0);
	if (x->data_sent == x->ask.bytes.n)
		end_data(x);
}

static void begin_data(struct ftp *x)
{
	if (!x->go || !x->data_open)
		return;
	timer_set(x->timer, or_else(x->ask.stall_ms, 120000), 0);
	loop_watch_set(x->data.watch, LOOP_WRITE);
}

static void data_ready(struct ftp *x)
{
	if (x->data_open) {
		pump(x);
		return;
	}
	if (connect_error(x->data.fd) != 0) {
		give_up(x, CN_CONNECTION_LOST, "the data connection was refused");
		return;
	}
	x->data_open = true;
	loop_watch_set(x->data.watch, 0);
	begin_data(x);
}

static void on_data(void *arg, int events unused)
{
	struct ftp *x = arg;
	struct errand *e = x->errand;

	e->enter(e->arg);
	if (!x->ended)
		data_ready(x);
	e->leave();
}

/* ---- commands ---- */

static void flush(struct ftp *x)
{
	while (x->command_sent < x->command_n) {
		ssize_t n = send(x->control.fd, x->command + x->command_sent,
			x->command_n - x->command_sent, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			if (x->step == QUIT)
				end(x);
			else
				fail(x, CN_CONNECTION_LOST, "the server hung up");
			return;
		}
		x->command_sent += (size_t)n;
	}
	loop_watch_set(x->control.watch,
		x->command_sent < x->command_n ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void send_command(struct ftp *x, enum ftp_step step, const char *word, const char *value)
{
	int n = snprintf(x->command, sizeof(x->command), "%s%s%s\r\n", word, value ? " " : "",
		value ? value : "");

	bug_if(n < 0 || (size_t)n >= sizeof(x->command)); /* lengths were checked at the start */
	x->step = step;
	x->command_n = (size_t)n;
	x->command_sent = 0;
	timer_set(x->timer, step == QUIT ? QUIT_MS : or_else(x->ask.reply_ms, 60000), 0);
	flush(x);
}

static void send_passive(struct ftp *x, bool extended)
{
	bool v6 = strchr(x->errand->ip, ':') != NULL;

	if (extended || v6)
		send_command(x, EPSV, "EPSV", NULL);
	else
		send_command(x, PASV, "PASV", NULL);
}

static void after_pwd(struct ftp *x)
{
	if (x->ask.directory)
		send_command(x, CWD, "CWD", x->ask.directory);
	else
		send_passive(x, x->ask.extended);
}

static void open_data(struct ftp *x)
{
	uint16_t port = ftp_data_port(&x->last);

	if (port == 0) {
		fault_set(&x->fault, CN_PROTOCOL_ERROR, "no usable data port in: %d %.100s",
			x->last.code, x->last.text);
		quit(x);
	} else if (open_socket(x, &x->data, port, on_data) < 0) {
		give_up(x, CN_CONNECTION_LOST, "the data connection was refused");
	} else {
		send_command(x, TYPE, "TYPE", "I");
	}
}

/* ---- replies ---- */

static void next(struct ftp *x);

/* 226 or 250, and we are done. */
static void on_stored(struct ftp *x)
{
	if (x->last.code / 100 != 2) {
		refuse(x);
		return;
	}
	if (x->data_broken || x->data_sent < x->ask.bytes.n)
		fault_why(&x->fault, CN_CONNECTION_LOST, x->data_sent ? "data_sent" : "",
			"the server was content before it had all");
	quit(x);
}

static void on_store_reply(struct ftp *x)
{
	if (x->last.code / 100 == 1) {
		x->go = true;
		begin_data(x);
	} else {
		on_stored(x);
	}
}

static void on_user(struct ftp *x)
{
	if (x->last.code == 331)
		send_command(x, PASS, "PASS", x->password);
	else if (x->last.code / 100 == 2)
		send_command(x, PWD, "PWD", NULL);
	else
		refuse(x);
}

static void on_greeting(struct ftp *x)
{
	if (x->last.code / 100 != 2)
		refuse(x);
	else if (!x->ask.name)
		quit(x);
	else
		send_command(x, USER, "USER", x->user);
}

static void next(struct ftp *x)
{
	bool good = x->last.code / 100 == 2;

	if (x->last.code == 421 && x->step != QUIT) {
		refuse(x);
		return;
	}
	switch (x->step) {
	case GREETING:
		on_greeting(x);
		break;
	case USER:
		on_user(x);
		break;
	case PASS:
		good ? send_command(x, PWD, "PWD", NULL) : refuse(x);
		break;
	case PWD: /* some do not know it: no matter */
		after_pwd(x);
		break;
	case CWD:
		good ? send_passive(x, x->ask.extended) : refuse(x);
		break;
	case EPSV:
		if (!good && !strchr(x->errand->ip, ':'))
			send_passive(x, false);
		else
			good ? open_data(x) : refuse(x);
		break;
	case PASV:
		good ? open_data(x) : refuse(x);
		break;
	case TYPE:
		good ? send_command(x, STOR, "STOR", x->ask.name) : refuse(x);
		break;
	case STOR:
		on_store_reply(x);
		break;
	case STORED:
		on_stored(x);
		break;
	case QUIT:
	case CONNECT:
		end(x);
	}
}

/* The reply that decides is kept; the one to QUIT decides nothing. */
static void take(struct ftp *x, const struct ftp_reply *r)
{
	if (x->step == QUIT) {
		end(x);
		return;
	}
	x->last = *r;
	next(x);
}

static void hung_up(struct ftp *x)
{
	if (x->step == QUIT)
		end(x);
	else
		fail(x, CN_CONNECTION_LOST, "the server hung up");
}

static void read_control(struct ftp *x)
{
	uint8_t bytes[2048];
	ssize_t n = recv(x->control.fd, bytes, sizeof(bytes), 0);
	struct span rest = {bytes, n > 0 ? (size_t)n : 0};
	struct ftp_reply r;
	int rc = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hung_up(x);
		return;
	}
	while (!x->ended && (rc = ftp_read_reply(&x->reader, &rest, &r, &x->fault)) > 0)
		take(x, &r);
	if (rc < 0 && !x->ended)
		end(x);
}

static void on_control(void *arg, int events)
{
	struct ftp *x = arg;
	struct errand *e = x->errand;

	e->enter(e->arg);
	if (!x->ended && x->step == CONNECT) {
		if (connect_error(x->control.fd) != 0) {
			fail(x, CN_UNREACHABLE, "no FTP service there");
		} else {
			x->step = GREETING;
			timer_set(x->timer, or_else(x->ask.reply_ms, 60000), 0);
			loop_watch_set(x->control.watch, LOOP_READ);
		}
	} else if (!x->ended) {
		if (events & LOOP_READ)
			read_control(x);
		if (!x->ended && (events & LOOP_WRITE))
			flush(x);
	}
	e->leave();
}

/* ---- deadlines, and the way out ---- */

static void late(struct ftp *x)
{
	if (x->step == CONNECT)
		fail(x, CN_UNREACHABLE, "no answer to the connection attempt");
	else if (x->step == GREETING)
		fail(x, CN_TIMEOUT, "connected, but no greeting in time");
	else if (x->data_broken)
		give_up(x, CN_CONNECTION_LOST, "the data connection broke");
	else
		give_up(x, CN_TIMEOUT, "the server does not go on");
}

static void on_time(void *arg)
{
	struct ftp *x = arg;
	struct errand *e = x->errand;
	void (*leave)(void) = e->leave;

	e->enter(e->arg);
	if (!x->ended && x->step != QUIT)
		late(x);
	else
		tell(x);
	leave();
}

/* ---- the start ---- */

static bool is_plain(const char *s, bool no_slash)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || (no_slash && *s == '/'))
			return false;
	return true;
}

static bool fits(const char *s)
{
	return !s || strlen(s) <= 255;
}

static const char *copy(struct errand *e, const char *s)
{
	return s && *s ? arena_strdup(e->arena, s) : NULL;
}

struct ftp *ftp_start(struct errand *e, const struct ftp_request *r, ftp_fn fn, void *arg)
{
	struct ftp *x = mem_alloc(sizeof(*x));

	*x = (struct ftp){.errand = e,
		.fn = fn,
		.arg = arg,
		.ask = *r,
		.control = {.fd = -1},
		.data = {.fd = -1}};
	snprintf(x->user, sizeof(x->user), "%s", r->user ? r->user : "anonymous");
	snprintf(x->password, sizeof(x->password), "%s", r->password ? r->password : "carnet@");
	x->ask.directory = copy(e, r->directory);
	x->ask.name = copy(e, r->name);
	x->timer = timer_new(e->loop, on_time, x);
	timer_set(x->timer, CONNECT_MS, 0);
	if (!is_plain(r->user, false) || !is_plain(r->password, false) ||
		!is_plain(r->directory, false) || !is_plain(r->name, true) || !fits(r->user) ||
		!fits(r->password) || !fits(r->directory) || !fits(r->name))
		fail_why(x, CN_VALIDATION_FAILED, "ftp_name", "a name that FTP cannot carry");
	else if (open_socket(x, &x->control, r->port, on_control) < 0)
		fail(x, CN_UNREACHABLE, "no FTP service there");
	return x;
}

void ftp_cancel(struct ftp *x)
{
	if (x)
		ftp_free(x);
}
