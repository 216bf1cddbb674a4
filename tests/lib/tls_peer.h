// SPDX-License-Identifier: Apache-2.0
/* The TLS side of servers in tests: a certificate of its own, and a front that speaks TLS to
 * whoever comes and plain to a server behind it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

struct tls_peer {
	void *tls;        /* SSL_CTX */
	char ca_file[64]; /* of its certificate */
	char pin[64];     /* base64 SHA-256 of its key */
};

/* names: of the certificate, as OpenSSL writes them: "IP:127.0.0.1,DNS:a.test" */
void tls_peer_make(struct tls_peer *p, const char *names);
void tls_peer_fini(struct tls_peer *p);
/* A socket that listens on a free port of 127.0.0.1. */
int tls_peer_listen(int *ret_port);

struct tls_front {
	struct tls_peer peer;
	int fd, port;
	int behind;        /* port of the plain server */
	atomic_int served; /* connections whose handshake was good */
	pthread_t thread;
};
void tls_front_start(struct tls_front *f, const char *names, int behind);
/* The same on a socket that listens already. */
void tls_front_on(struct tls_front *f, const char *names, int fd, int behind);
void tls_front_stop(struct tls_front *f);
