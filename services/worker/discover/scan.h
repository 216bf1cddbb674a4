// SPDX-License-Identifier: Apache-2.0
/* Asks many addresses by SNMP who they are: one socket, a gentle rate, each question repeated once.
 * All scans of a process share one pace: together they send no more than the most careful of them
 * may. Answers come from anybody: what is not an answer to a question of ours, from the address
 * that was asked, is dropped and counted. Loop thread only. */
#pragma once

#include "common/loop/loop.h"
#include "common/net/address.h"
#include "services/worker/discover/scan_message.h"
#include "services/worker/discover/usm.h"

#define SCAN_TARGETS_MAX 256u

enum scan_version { SCAN_V1, SCAN_V2C, SCAN_V3 };

/* One to try; the first one that is answered counts. A community is repeated where nobody answers,
 * for silence may be a lost packet; a user's password is not. */
struct scan_credential {
	enum scan_version version;
	char community[256];  /* v1, v2c */
	struct usm_user user; /* v3 */
};

struct scan_counts {
	uint64_t sent, answered;
	uint64_t engines; /* said that they speak SNMPv3 */
	uint64_t refused; /* credentials, by them */
	/* dropped */
	uint64_t malformed, foreign, oversize, repeated;
};

struct scan_order {
	const struct address *targets; /* live until the end, as does all of this */
	size_t n;                      /* at most SCAN_TARGETS_MAX */
	const struct scan_credential *credentials;
	size_t n_credentials; /* at least one, at most 16 */
	uint16_t port;
	uint32_t rate;    /* packets per second */
	uint32_t wait_ms; /* for an answer; three times as long the second time */
	void *arg;
	/* target and credential by their places; the answer is valid during the call */
	void (*found)(
		void *arg, size_t target, size_t credential, const struct scan_answer *answer);
	/* speaks SNMPv3, and to none of the credentials */
	void (*locked)(void *arg, size_t target);
	void (*moved)(void *arg); /* something was sent */
	/* all were asked; f: no socket. Not from inside of scan_start. */
	void (*done)(void *arg, const struct scan_counts *counts, const struct fault *f);
};

struct scan;
struct scan *scan_start(struct loop *loop, const struct scan_order *order);
/* Forgets it; done is not called. */
void scan_stop(struct scan *s);
