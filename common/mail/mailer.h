// SPDX-License-Identifier: Apache-2.0
/* Sends mails to a server, over libcurl. TLS with a verified certificate, unless the server is said
 * to be a plain one. Each mail has a connection of its own; mails of one mailer go one after
 * another, on the work pool: libcurl takes leave of a server (QUIT) blocking. Loop thread only.
 *
 * What became of a mail is a fault with one of two codes, and a reason word:
 *   CN_MAIL_DEFERRED  the same mail may be taken later: mail_unreachable mail_no_answer
 * mail_dropped mail_busy (any 4xx) CN_MAIL_REFUSED   somebody must change something: mail_login
 * mail_sender mail_recipient mail_too_large mail_no_tls mail_certificate mail_relay mail_network
 * A connection
 * that is lost after the last byte leaves open whether the mail was taken: it is deferred, and goes
 * again with the same id. */
#pragma once

#include "common/base/fault.h"
#include "common/loop/loop.h"
#include "common/net/address.h"

struct mailer;

struct mail_server {
	const char *url; /* smtps://host:465, or smtp://host:587: there STARTTLS is demanded */
	bool plain;      /* no TLS, password in the clear: for a server on this host */
	const char *user, *password; /* or NULL */
	const char *ca_file;    /* NULL = the system's; with neither it nor the pin: the system's */
	const char *pin_sha256; /* base64 SHA-256 of the SPKI, or NULL; without ca_file it alone
				   decides */
	/* where it may be (SE-9..11); NULL = anywhere; kept by the caller */
	const struct address_rules *where;
	uint32_t connect_ms; /* until the server takes mails; 0 = 15 s */
	uint32_t answer_ms;  /* 0 = 60 s */
	uint32_t total_ms;   /* 0 = 5 min */
};

/* f NULL = the server answers for the mail now; answer is its last line. */
typedef void (*mail_done_fn)(void *arg, const char *answer, const struct fault *f);

/* Is it an address as above? CN_VALIDATION_FAILED "mail_server". */
int mail_server_check(const struct mail_server *s, struct fault *reterr) must_check;

struct mailer *mailer_new(struct loop *l);
/* Mails under way end within a second, without a call of done. */
void mailer_free(struct mailer *m);
/* What goes over the wire. */
struct mail_parcel {
	const char *from;
	const char *const *to;
	size_t to_n;
	struct span message; /* mail_compose */
};
/* All is copied. done is called once, later; an address of a server that is none is told there. */
void mailer_send(struct mailer *m, const struct mail_server *s, const struct mail_parcel *parcel,
	mail_done_fn done, void *arg);
