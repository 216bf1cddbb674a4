// SPDX-License-Identifier: Apache-2.0
/* Certificates, and the front: one connection at a time per thread, as long as either side talks.
 */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* after OpenSSL, whose names our macros would change */
#include "tests/lib/tls_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/crypto/crypto.h"

/* ---- its certificate ---- */

static void put_pin(struct tls_peer *p, X509 *cert)
{
	struct buf text = BUF_INIT;
	uint8_t *der = NULL, digest[SHA256_LEN];
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bug_if(n <= 0);
	sha256((struct span){der, (size_t)n}, digest);
	base64_encode((struct span){digest, sizeof(digest)}, &text);
	(void)snprintf(p->pin, sizeof(p->pin), "%s", buf_str(&text));
	buf_fini(&text);
	OPENSSL_free(der);
}

void tls_peer_make(struct tls_peer *p, const char *names)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	bug_if(key == NULL || name == NULL);
	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	(void)X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)"peer", -1, -1, 0);
	(void)X509_set_issuer_name(cert, name);
	(void)X509_set_pubkey(cert, key);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	bug_if(san == NULL || X509_add_ext(cert, san, -1) != 1);
	X509_EXTENSION_free(san);
	bug_if(X509_sign(cert, key, EVP_sha256()) == 0);
	put_pin(p, cert);

	(void)signal(SIGPIPE, SIG_IGN); /* of TLS to who has gone */
	p->tls = SSL_CTX_new(TLS_server_method());
	bug_if(SSL_CTX_use_certificate(p->tls, cert) != 1 ||
		SSL_CTX_use_PrivateKey(p->tls, key) != 1);
	(void)snprintf(p->ca_file, sizeof(p->ca_file), "/tmp/tls_peer.XXXXXX");
	int fd = mkstemp(p->ca_file);
	FILE *f = fdopen(fd, "w");
	bug_if(f == NULL || PEM_write_X509(f, cert) != 1 || fclose(f) != 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

void tls_peer_fini(struct tls_peer *p)
{
	(void)unlink(p->ca_file);
	SSL_CTX_free(p->tls);
}

int tls_peer_listen(int *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bug_if(bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 16) != 0);
	bug_if(getsockname(fd, (struct sockaddr *)&a, &n) != 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

/* ---- the front ---- */

struct passing {
	struct tls_front *front;
	int client, server;
	SSL *ssl;
};

static bool all_sent(int fd, const char *p, ssize_t n)
{
	while (n > 0) {
		ssize_t put = send(fd, p, (size_t)n, MSG_NOSIGNAL);
		if (put <= 0)
			return false;
		p += put;
		n -= put;
	}
	return true;
}

/* What is there now, from either side to the other. */
static bool pass(struct passing *p)
{
	char bytes[16384];
	struct pollfd fds[] = {
		{.fd = p->client, .events = POLLIN}, {.fd = p->server, .events = POLLIN}};
	if (SSL_pending(p->ssl) == 0 && poll(fds, 2, -1) < 0)
		return false;
	if (SSL_pending(p->ssl) > 0 || fds[0].revents != 0) {
		int n = SSL_read(p->ssl, bytes, sizeof(bytes));
		if (n <= 0 || !all_sent(p->server, bytes, n))
			return false;
	}
	if (fds[1].revents != 0) {
		ssize_t n = recv(p->server, bytes, sizeof(bytes), 0);
		if (n <= 0 || SSL_write(p->ssl, bytes, (int)n) != n)
			return false;
	}
	return true;
}

static void *serve(void *arg)
{
	struct passing *p = arg;
	const struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)p->front->behind),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	p->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->ssl = SSL_new(p->front->peer.tls);
	bug_if(p->ssl == NULL || SSL_set_fd(p->ssl, p->client) != 1);
	if (SSL_accept(p->ssl) == 1 &&
		connect(p->server, (const struct sockaddr *)&a, sizeof(a)) == 0) {
		atomic_fetch_add(&p->front->served, 1);
		while (pass(p))
			;
	}
	SSL_free(p->ssl);
	(void)close(p->server);
	(void)close(p->client);
	free(p);
	return NULL;
}

static void *run(void *arg)
{
	struct tls_front *f = arg;
	int fd;
	while ((fd = accept(f->fd, NULL, NULL)) >= 0) {
		pthread_t thread;
		struct passing *p = malloc(sizeof(*p));
		bug_if(p == NULL);
		*p = (struct passing){.front = f, .client = fd};
		bug_if(pthread_create(&thread, NULL, serve, p) != 0);
		(void)pthread_detach(thread);
	}
	return NULL;
}

void tls_front_on(struct tls_front *f, const char *names, int fd, int behind)
{
	*f = (struct tls_front){.fd = fd, .port = f->port, .behind = behind};
	tls_peer_make(&f->peer, names);
	bug_if(pthread_create(&f->thread, NULL, run, f) != 0);
}

void tls_front_start(struct tls_front *f, const char *names, int behind)
{
	int fd = tls_peer_listen(&f->port);

	tls_front_on(f, names, fd, behind);
}

void tls_front_stop(struct tls_front *f)
{
	(void)shutdown(f->fd, SHUT_RDWR);
	(void)pthread_join(f->thread, NULL);
	(void)close(f->fd);
	tls_peer_fini(&f->peer);
}
