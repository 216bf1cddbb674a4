// SPDX-License-Identifier: Apache-2.0
/* Asks the networks this machine stands in, by multicast DNS (RFC 6762), and hears who answers: as
 * one of the group, for a server with many queues answers with as much as it has only there. Where
 * port 5353 is another's alone, from a port of our own, with a number that an answer must have. An
 * answer counts from port 5353 of the network that was asked. Loop thread only. */
#pragma once

#include "common/loop/loop.h"
#include "common/net/address.h"
#include "services/worker/discover/dns_message.h"

struct dns_sd_counts {
	uint64_t networks, sent, answered;
	uint64_t malformed, foreign, oversize; /* dropped */
};

struct dns_sd_order {
	const struct address_rules *rules; /* only networks in which we may look */
	void *arg;
	/* What to ask now; all: from the beginning. false: nothing is open. */
	bool (*question)(void *arg, bool all, struct dns_query *q);
	int (*answer)(void *arg, struct span datagram, int id); /* -1: malformed */
	/* f: no network to ask. Not from inside of dns_sd_start. */
	void (*done)(void *arg, const struct dns_sd_counts *counts, const struct fault *f);
};

struct dns_sd;
struct dns_sd *dns_sd_start(struct loop *loop, const struct dns_sd_order *order);
/* Forgets it; done is not called. NULL is fine. */
void dns_sd_stop(struct dns_sd *s);
