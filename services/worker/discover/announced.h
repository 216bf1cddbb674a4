// SPDX-License-Identifier: Apache-2.0
/* What the printers of a network announce by DNS-SD, gathered from records in whatever order they
 * come, and what is still to be asked. Bounded, whoever announces. Pure. */
#pragma once

#include "services/worker/discover/dns_message.h"
#include "services/worker/discover/found.h"
#include "services/worker/discover/order.h"

#define ANNOUNCED_MAX 1024u /* services: some four of a printer */
#define ANNOUNCED_HOSTS_MAX 512u
#define ANNOUNCED_ADDRESSES 4u

/* One service of one printer. */
struct instance {
	struct dns_name name, host;
	size_t service; /* of announced.services */
	uint16_t port;  /* 0: its SRV record is not there yet */
	bool txt;
	const char *kind, *maker, *uuid, *note, *path; /* of its TXT record */
};
struct host {
	struct dns_name name;
	struct address address[ANNOUNCED_ADDRESSES];
	size_t n; /* 0: not known yet */
};

struct announced {
	const struct errand *e;       /* texts go to its arena */
	const char *const *types;     /* "_ipp._tcp" */
	struct dns_name services[16]; /* the same with ".local" */
	size_t n_services;
	struct instance *instances;
	size_t n_instances;
	struct host *hosts;
	size_t n_hosts;
	uint64_t left_out; /* announcements for which there was no room */
	size_t asked;      /* where the next questions begin */
};

/* Service types of a task, none = those of printers. */
void announced_begin(
	struct announced *a, const struct errand *e, const char *const *types, size_t n);
void announced_end(struct announced *a);
/* Takes a whole response, or nothing of it. 0 or -1. */
int announced_take(struct announced *a, struct span datagram, int id) must_check;
/* Appends the questions that are open: who is there (all), and what is missing of who answered;
 * those that do not fit come first the next time. false: none. */
bool announced_ask(struct announced *a, bool all, struct dns_query *q);

enum announced_verdict {
	ANNOUNCED_FOUND,
	ANNOUNCED_PARTLY,  /* not enough is known of it */
	ANNOUNCED_REFUSED, /* it says an address that may not be asked */
};
/* The i-th instance as a candidate, its address among those of the order. */
enum announced_verdict announced_candidate(
	const struct announced *a, size_t i, struct order *may, struct m_candidate *ret);
/* May it be asked by IPP, and at which path? NULL = no. Anybody can announce any port: one of ours
 * is not to make a printer print what was meant for another (port 9100). */
bool announced_tls(const struct announced *a, size_t i);
const char *announced_ipp_path(const struct announced *a, size_t i, bool simulated);
