// SPDX-License-Identifier: Apache-2.0
/* A job of discovery: discover.c begins it and tells what it found, look.c looks. */
#pragma once

#include "services/worker/discover/announced.h"
#include "services/worker/discover/discover.h"
#include "services/worker/discover/dns_sd.h"
#include "services/worker/discover/ipp_who.h"

#define DISCOVER_CREDENTIALS_MAX 16u
#define DISCOVER_FOUND_MAX 256u /* of one job */

struct discover {
	struct session *session;
	const struct m_discovery *settings;
	struct order order;
	size_t resolved; /* names */
	struct address *named;
	size_t n_named;
	/* by DNS-SD */
	struct announced announced;
	struct dns_sd *dns_sd;
	struct dns_sd_counts dns_counts;
	/* by SNMP */
	struct scan_credential credentials[DISCOVER_CREDENTIALS_MAX];
	struct uuid credential_ids[DISCOVER_CREDENTIALS_MAX]; /* nil: the community public */
	size_t n_credentials;
	struct derivation *derivation; /* of keys, under way */
	uint64_t locked;               /* speak SNMPv3, and to none of the credentials */
	struct m_port port;            /* of SNMP, where it is not the usual one */
	struct scan *scan;
	struct scan_counts counts;
	/* by IPP */
	struct ipp_place *places;
	size_t n_places;
	struct ipp_who *ipp;
	uint64_t ipp_answered;

	struct m_candidate *found;
	size_t n_found;
	uint64_t left_out; /* more than there is room for */
	struct verdict verdict;
};

/* Looks, then discover_report. */
void discover_look(struct discover *d);
void discover_report(struct discover *d);
/* A line of the job's details. */
void discover_note(struct discover *d, const char *name, const char *state, uint64_t entries);
