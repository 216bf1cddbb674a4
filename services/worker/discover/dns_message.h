// SPDX-License-Identifier: Apache-2.0
/* DNS messages of service discovery on memory (RFC 6762, RFC 6763): questions, and the records of
 * an answer, which the C library takes apart. An answer comes from anybody: a message with one bad
 * record is no message. Pure. */
#pragma once

#include "common/base/base.h"

#define DNS_NAME_MAX 255u
#define DNS_DATAGRAM 9000u /* RFC 6762 section 17 */

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33 };

/* As on the wire: labels with their lengths, ends with a zero, nothing compressed. */
struct dns_name {
	uint8_t n;
	uint8_t b[DNS_NAME_MAX];
};
/* "_ipp._tcp.local". false: not a name. */
bool dns_name_of(const char *text, struct dns_name *ret);
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);
/* What stands before the rest, as one label: "Lobby Printer" of "Lobby Printer._ipp._tcp.local".
 * NULL bytes: the name does not end so. */
struct span dns_name_first(const struct dns_name *name, const struct dns_name *rest);

/* Adding one question: false = no room. */
struct dns_query {
	uint8_t out[1400];
	size_t n;
	unsigned questions;
};
void dns_query_begin(struct dns_query *q, uint16_t id);
bool dns_query_add(struct dns_query *q, const struct dns_name *name, enum dns_type type);

struct dns_record {
	enum dns_type type; /* others are passed over, as are those that are taken back (TTL 0) */
	struct dns_name name;
	struct dns_name target; /* PTR, SRV */
	uint16_t port;          /* SRV */
	struct span data;       /* TXT: the strings; A, AAAA: the address; inside of the datagram */
};
#define DNS_ANY_ID (-1) /* of a multicast response */
/* Calls fn for each record of a response to the query with this id, in order. 0, or -1: not such a
 * response; what fn heard before is to be thrown away then. */
int dns_read(struct span datagram, int id, void (*fn)(void *arg, const struct dns_record *record),
	void *arg) must_check;
/* The value of key in a TXT record ("ty" of "ty=Canon iR"), whatever its case; NULL bytes = none.
 */
struct span dns_txt(struct span txt, const char *key);
