// SPDX-License-Identifier: Apache-2.0
/* Connecting to an SFTP server, and what its refusals mean. */
#include "services/storage/vaults/sftp_link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gen/errors.h"
#include "services/storage/vaults/reach.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void library(void)
{
	bug_if(libssh2_init(0) != 0);
}

/* ---- TCP ---- */

union place {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t place_of(const struct address *a, unsigned port, union place *ret)
{
	*ret = (union place){.v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)}};
	if (a->v6) {
		memcpy(&ret->v6.sin6_addr, a->b, 16);
		return sizeof(ret->v6);
	}
	*ret = (union place){.v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}};
	memcpy(&ret->v4.sin_addr, a->b, 4);
	return sizeof(ret->v4);
}

/* 0, or an errno. */
static int connect_one(int fd, const union place *to, socklen_t n, uint32_t timeout_ms)
{
	int e = 0;
	socklen_t size = sizeof(e);
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	if (connect(fd, &to->any, n) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	int got;
	do
		got = poll(&wait, 1, (int)timeout_ms);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &size) < 0 ? errno : e;
}

static int dial(const struct sftp_target *t, struct fault *reterr)
{
	struct resolved all;
	union place to;
	unsigned port = t->server.port == 0 ? 22 : t->server.port;
	int fd = -1, e = 0, on = 1;
	if (reach(t->server.host, t->where, &all, reterr) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		socklen_t n = place_of(&all.at[i], port, &to);
		fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		e = fd < 0 ? errno : connect_one(fd, &to, n, t->timeout_ms);
		if (e == 0)
			break;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (fd < 0)
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_unreachable",
			"%s port %u: %s", t->server.host, port, strerror(e));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* ---- what failures mean ---- */

static int ssh_fault(struct sftp_link *l, int code, const char *what, struct fault *reterr)
{
	char *text = NULL;
	(void)libssh2_session_last_error(l->session, &text, NULL, 0);
	const char *word = code == LIBSSH2_ERROR_TIMEOUT ? "vault_no_answer" : "vault_lost";
	(void)fault_why(reterr, CN_STORE_UNAVAILABLE, word, "%s: %s", what,
		text == NULL || text[0] == 0 ? "connection lost" : text);
	sftp_link_close(l);
	return -1;
}

int sftp_fault(struct sftp_link *l, const char *what, struct fault *reterr)
{
	if (l->sftp == NULL)
		return fault_why(
			reterr, CN_STORE_UNAVAILABLE, "vault_lost", "%s: not connected", what);
	int code = libssh2_session_last_errno(l->session);
	if (code != LIBSSH2_ERROR_SFTP_PROTOCOL)
		return ssh_fault(l, code, what, reterr);
	unsigned long status = libssh2_sftp_last_error(l->sftp);
	switch (status) {
	case LIBSSH2_FX_NO_SUCH_FILE:
	case LIBSSH2_FX_NO_SUCH_PATH:
		return fault_set(reterr, CN_NOT_FOUND, "%s: no such file", what);
	case LIBSSH2_FX_PERMISSION_DENIED:
	case LIBSSH2_FX_WRITE_PROTECT:
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_denied",
			"%s: the server does not allow it", what);
	case LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM:
	case LIBSSH2_FX_QUOTA_EXCEEDED:
		return fault_set(reterr, CN_STORE_FULL, "%s: the server is full", what);
	case LIBSSH2_FX_FILE_ALREADY_EXISTS:
		return fault_why(reterr, CN_CONFLICT, "name_taken", "%s is there", what);
	default: /* protocol 3 has one word for many things: full, exists, read-only */
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_failure",
			"%s: the server answers with failure %lu", what, status);
	}
}

/* ---- who is it, who are we ---- */

/* As ssh-keygen -lf prints it: base64 without padding. */
static void fingerprint(LIBSSH2_SESSION *session, char out[static 64])
{
	struct buf text = BUF_INIT;
	const char *hash = libssh2_hostkey_hash(session, LIBSSH2_HOSTKEY_HASH_SHA256);
	if (hash != NULL)
		base64_encode((struct span){(const uint8_t *)hash, SHA256_LEN}, &text);
	(void)snprintf(out, 64, "SHA256:%.*s", (int)strcspn(buf_str(&text), "="), buf_str(&text));
	buf_fini(&text);
}

static int check_pin(const struct sftp_link *l, const struct sftp_target *t, struct fault *reterr)
{
	char shown[64];
	fingerprint(l->session, shown);
	if (t->pin[0] == 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "host_key_unknown",
			"%s shows the key %s", t->server.host, shown);
	if (strcmp(t->pin, shown) != 0)
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "host_key_changed",
			"%s shows the key %s instead of %s", t->server.host, shown, t->pin);
	return 0;
}

static int sign_in(const struct sftp_link *l, const struct sftp_target *t, struct fault *reterr)
{
	const struct login *login =
		t->login == NULL ? NULL : (const void *)secret_bytes(t->login).p;
	int rc = LIBSSH2_ERROR_AUTHENTICATION_FAILED;
	if (login != NULL && login->key[0] != 0)
		rc = libssh2_userauth_publickey_frommemory(l->session, t->account,
			strlen(t->account), NULL, 0, login->key, strlen(login->key),
			login->passphrase);
	else if (login != NULL)
		rc = libssh2_userauth_password(l->session, t->account, login->password);
	if (rc == 0)
		return 0;
	bool answered = rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
			rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED || rc == LIBSSH2_ERROR_FILE ||
			rc == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED || /* passphrase */
			rc == LIBSSH2_ERROR_PASSWORD_EXPIRED || rc == LIBSSH2_ERROR_METHOD_NONE;
	return fault_why(reterr, CN_STORE_UNAVAILABLE,
		answered                      ? "login_refused"
		: rc == LIBSSH2_ERROR_TIMEOUT ? "vault_no_answer"
					      : "vault_lost",
		"%s does not let '%s' in (%d)", t->server.host, t->account, rc);
}

static int handshake(struct sftp_link *l, const struct sftp_target *t, struct fault *reterr)
{
	l->session = libssh2_session_init();
	bug_if(l->session == NULL);
	libssh2_session_set_blocking(l->session, 1);
	libssh2_session_set_timeout(l->session, (long)t->timeout_ms);
	int rc = libssh2_session_handshake(l->session, l->fd);
	if (rc != 0)
		return fault_why(reterr, CN_STORE_UNAVAILABLE,
			rc == LIBSSH2_ERROR_TIMEOUT ? "vault_no_answer" : "vault_protocol",
			"%s does not speak SSH with us (%d)", t->server.host, rc);
	if (check_pin(l, t, reterr) < 0 || sign_in(l, t, reterr) < 0)
		return -1;
	l->sftp = libssh2_sftp_init(l->session);
	if (l->sftp == NULL)
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_protocol",
			"%s offers no SFTP to '%s'", t->server.host, t->account);
	return 0;
}

int sftp_link_open(struct sftp_link *l, const struct sftp_target *t, struct fault *reterr)
{
	(void)pthread_once(&once, library);
	*l = (struct sftp_link){.fd = dial(t, reterr), .serial = l->serial + 1};
	if (l->fd >= 0 && handshake(l, t, reterr) == 0)
		return 0;
	sftp_link_close(l);
	return -1;
}

void sftp_link_close(struct sftp_link *l)
{
	/* nothing is said any more to a server that may not listen */
	if (l->fd >= 0)
		(void)shutdown(l->fd, SHUT_RDWR);
	if (l->sftp != NULL)
		(void)libssh2_sftp_shutdown(l->sftp);
	if (l->session != NULL)
		(void)libssh2_session_free(l->session);
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct sftp_link){.fd = -1, .serial = l->serial};
}
