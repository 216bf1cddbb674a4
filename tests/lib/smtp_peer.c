// SPDX-License-Identifier: Apache-2.0
/* The scripted mail server: one connection at a time. */
#include <openssl/ssl.h>

/* after OpenSSL, whose names our macros would change */
#include "tests/lib/smtp_peer.h"
#include "tests/lib/tls_peer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/crypto/crypto.h"

struct talk {
	struct smtp_peer *peer;
	int fd;
	SSL *ssl; /* or NULL */
};

/* ---- bytes ---- */

static bool put(struct talk *t, const char *line)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s\r\n", line);
	if (t->ssl != NULL)
		return SSL_write(t->ssl, text, n) == n;
	return send(t->fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool get_byte(struct talk *t, char *ret)
{
	if (t->ssl != NULL)
		return SSL_read(t->ssl, ret, 1) == 1;
	return recv(t->fd, ret, 1, 0) == 1;
}

/* Without its CRLF. */
static bool get(struct talk *t, struct buf *line)
{
	char c;
	buf_reset(line);
	while (get_byte(t, &c)) {
		if (c == '\n' && line->n > 0 && line->p[line->n - 1] == '\r') {
			line->p[--line->n] = 0;
			return true;
		}
		buf_addc(line, c);
	}
	return false;
}

/* Nothing is said until the other side goes, or the test. */
static void silence(struct talk *t)
{
	for (int i = 0; i < 30 && !atomic_load(&t->peer->stop); i++)
		(void)poll(NULL, 0, 100);
}

static bool secure(struct talk *t)
{
	t->ssl = SSL_new(t->peer->tls);
	bug_if(t->ssl == NULL || SSL_set_fd(t->ssl, t->fd) != 1);
	return SSL_accept(t->ssl) == 1;
}

/* ---- the script ---- */

/* 1: go on as usual. 0: it was answered. -1: the connection ends. */
static int play(struct talk *t, const char *at)
{
	struct smtp_peer *p = t->peer;
	const struct smtp_peer_script *s = &p->script;
	if (s->at == NULL || strcmp(s->at, at) != 0)
		return 1;
	if (s->times > 0 && atomic_load(&p->played) >= s->times)
		return 1;
	atomic_fetch_add(&p->played, 1);
	if (s->answer == NULL)
		silence(t);
	if (s->answer == NULL || s->answer[0] == 0 || !put(t, s->answer))
		return -1;
	return 0;
}

static bool answer(struct talk *t, const char *at, const char *usual)
{
	int what = play(t, at);
	return what > 0 ? put(t, usual) : what == 0;
}

static bool greet(struct talk *t)
{
	const struct smtp_peer_script *s = &t->peer->script;
	char size[40];
	int what = play(t, "EHLO");
	if (what <= 0)
		return what == 0;
	(void)snprintf(size, sizeof(size), "250-SIZE %u", s->size);
	return put(t, "250-peer") && (s->size == 0 || put(t, size)) &&
	       (s->no_starttls || t->ssl != NULL || put(t, "250-STARTTLS")) &&
	       (s->login == NULL || put(t, "250-AUTH PLAIN")) && put(t, "250 8BITMIME");
}

static bool take_data(struct talk *t, struct buf *line)
{
	struct smtp_peer *p = t->peer;
	struct buf mail = BUF_INIT;
	int what = play(t, "DATA");
	if (what <= 0)
		return what == 0;
	if (!put(t, "354 go on"))
		return false;
	bool whole = false;
	while (!p->script.cut_in_data && get(t, line)) {
		whole = strcmp(buf_str(line), ".") == 0;
		if (whole)
			break;
		buf_addf(&mail, "%s\r\n", buf_str(line) + (buf_str(line)[0] == '.'));
	}
	bool good = whole && (what = play(t, "END")) > 0 && put(t, "250 2.0.0 taken as 4711");
	(void)pthread_mutex_lock(&p->mutex);
	if (good) {
		buf_fini(&p->mail);
		p->mail = mail;
		mail = BUF_INIT;
		p->mails++;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	buf_fini(&mail);
	return good || (whole && what == 0);
}

static bool take_login(struct talk *t, struct buf *line)
{
	const char *expected = t->peer->script.login;
	if (!put(t, "334 ") || !get(t, line))
		return false;
	bool good = expected != NULL && strcmp(buf_str(line), expected) == 0;
	return answer(t, "AUTH", good ? "235 2.7.0 welcome" : "535 5.7.8 wrong password");
}

static bool is(const struct buf *line, const char *command)
{
	return strncmp(buf_str(line), command, strlen(command)) == 0;
}

static bool command(struct talk *t, struct buf *line)
{
	if (is(line, "EHLO") || is(line, "HELO"))
		return greet(t);
	if (is(line, "STARTTLS"))
		return answer(t, "STARTTLS", "220 go on") && secure(t);
	if (is(line, "AUTH"))
		return take_login(t, line);
	if (is(line, "MAIL"))
		return answer(t, "MAIL", "250 2.1.0 good");
	if (is(line, "RCPT"))
		return answer(t, "RCPT", "250 2.1.5 good");
	if (is(line, "DATA"))
		return take_data(t, line);
	if (is(line, "QUIT")) {
		(void)put(t, "221 bye");
		return false;
	}
	return put(t, "502 5.5.2 what?");
}

static void serve(struct talk *t)
{
	struct buf line = BUF_INIT;
	bool on = !t->peer->script.tls || secure(t);
	on = on && answer(t, "CONNECT", "220 peer ESMTP");
	while (on && get(t, &line)) {
		(void)pthread_mutex_lock(&t->peer->mutex);
		buf_addf(&t->peer->talk, "%s\n", buf_str(&line));
		(void)pthread_mutex_unlock(&t->peer->mutex);
		on = command(t, &line);
	}
	buf_fini(&line);
	SSL_free(t->ssl);
	(void)close(t->fd);
}

static void *run(void *arg)
{
	struct smtp_peer *p = arg;
	const struct timeval limit = {.tv_sec = 20};
	int fd;
	while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
		struct talk t = {.peer = p, .fd = fd};
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		serve(&t);
	}
	return NULL;
}

void smtp_peer_start(struct smtp_peer *p, const struct smtp_peer_script *script)
{
	*p = (struct smtp_peer){.script = *script, .mutex = PTHREAD_MUTEX_INITIALIZER};
	struct tls_peer tls;
	tls_peer_make(&tls, "IP:127.0.0.1");
	p->tls = tls.tls;
	(void)snprintf(p->ca_file, sizeof(p->ca_file), "%s", tls.ca_file);
	(void)snprintf(p->pin, sizeof(p->pin), "%s", tls.pin);
	p->fd = tls_peer_listen(&p->port);
	bug_if(pthread_create(&p->thread, NULL, run, p) != 0);
}

void smtp_peer_stop(struct smtp_peer *p)
{
	atomic_store(&p->stop, true);
	(void)shutdown(p->fd, SHUT_RDWR);
	(void)pthread_join(p->thread, NULL);
	(void)close(p->fd);
	(void)unlink(p->ca_file);
	SSL_CTX_free(p->tls);
	buf_fini(&p->mail);
	buf_fini(&p->talk);
}
