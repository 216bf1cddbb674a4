// SPDX-License-Identifier: Apache-2.0
/* Asks printers by IPP who they are: one Get-Printer-Attributes each, a few of them at a time, with
 * little patience. Without a password, so whoever answers over TLS is believed for now: its key is
 * told, and what is said here is compared again when a device is made of it. Loop thread only. */
#pragma once

#include "services/worker/adapters/ipp_message.h"

struct http_client;

#define IPP_WHO_PORT 631u
#define IPP_WHO_TLS_PORT 443u
#define IPP_WHO_PATH "ipp/print" /* where a printer has its only queue (RFC 8011, PWG 5100.14) */

/* One to ask. */
struct ipp_place {
	const char *address;
	uint16_t port;
	const char *path; /* without the first slash */
	size_t of;        /* whose it is, for the caller */
	bool tls;         /* else plain, and over TLS only if it wants that */
	bool usual;       /* nobody said this port: where there is no IPP, TLS is tried, and 443 */
};

/* Where and as whom it answered. */
struct ipp_seen {
	bool tls;
	uint16_t port;
	const char *pin; /* base64 SHA-256 of its public key, "" = none; valid during the call */
};

struct ipp_who_order {
	struct http_client *http;
	struct arena *arena;
	const struct ipp_place *places; /* live until the end */
	size_t n;
	void *arg;
	/* what the printer said, in the arena, uncleaned */
	void (*found)(void *arg, const struct ipp_place *place, const struct ipp_seen *seen,
		const struct ipp_identity *said);
	void (*done)(void *arg);  /* all were asked; not from inside of ipp_who_start */
	void (*enter)(void *arg); /* around what comes from the network */
	void (*leave)(void);
};

struct ipp_who;
/* At least one place. */
struct ipp_who *ipp_who_start(const struct ipp_who_order *order);
/* Forgets it; done is not called. NULL is fine. */
void ipp_who_stop(struct ipp_who *w);
