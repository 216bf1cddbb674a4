// SPDX-License-Identifier: Apache-2.0
/* A mail server that plays a script, on a thread of its own: what real ones do on bad days. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "common/base/buf.h"

struct smtp_peer_script {
	bool tls;           /* from the first byte */
	bool no_starttls;   /* plain for ever */
	const char *at;     /* a command, "CONNECT", or "END" of the data: the script's answer is */
	const char *answer; /* … this; NULL = silence for 3 s; "" = the connection is cut */
	int times;          /* so many times, then good; 0 = always */
	bool cut_in_data;   /* after the first bytes of the mail */
	const char *login;  /* base64 of what AUTH PLAIN must say, NULL = offers none */
	unsigned size;      /* announced, 0 = none */
};

struct smtp_peer {
	struct smtp_peer_script script;
	int fd, port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int played; /* how often the script's answer was given */
	char ca_file[64];  /* of its certificate, for 127.0.0.1 */
	char pin[64];
	void *tls; /* SSL_CTX */

	pthread_mutex_t mutex; /* of what follows */
	struct buf mail;       /* the last whole one, dots undone */
	struct buf talk;       /* the commands, one per line */
	int mails;
};

void smtp_peer_start(struct smtp_peer *p, const struct smtp_peer_script *script);
void smtp_peer_stop(struct smtp_peer *p);
