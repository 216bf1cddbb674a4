// SPDX-License-Identifier: Apache-2.0
/* As much of ASN.1 BER as SNMP v1 and v2c need. Reading is bounded by the datagram; writing goes
 * backwards, so that lengths are known when they are written. */
#pragma once

#include "common/base/base.h"

enum {
	BER_INTEGER = 0x02,
	BER_OCTETS = 0x04,
	BER_NULL = 0x05,
	BER_OID = 0x06,
	BER_SEQUENCE = 0x30,
	SNMP_COUNTER = 0x41,
	SNMP_TICKS = 0x43,
	SNMP_NO_OBJECT = 0x80,
	SNMP_NO_INSTANCE = 0x81,
	SNMP_END_OF_VIEW = 0x82,
	SNMP_GET = 0xa0,
	SNMP_GETNEXT = 0xa1,
	SNMP_RESPONSE = 0xa2,
	SNMP_SET = 0xa3,
	SNMP_GETBULK = 0xa5,
};

enum { OID_MAX = 32 };

struct oid {
	uint32_t n;
	uint32_t id[OID_MAX];
};

struct ber_reader {
	const uint8_t *p, *end;
};

/* The next element's tag and contents; 0 or -1. */
int ber_next(struct ber_reader *r, int *ret_tag, struct ber_reader *ret_contents) must_check;
int ber_integer(struct ber_reader *r, int64_t *ret_n) must_check;
int ber_octets(struct ber_reader *r, struct span *ret_bytes) must_check;
int ber_oid(struct ber_reader *r, struct oid *ret_oid) must_check;
int oid_cmp(const struct oid *a, const struct oid *b);

struct ber_writer {
	uint8_t *start, *p; /* what is written stands from p on */
	uint8_t *end;
	bool err;
};

void ber_begin(struct ber_writer *w, uint8_t *out, size_t size);
/* Wraps everything written since mark (a former p) in a header. */
void ber_wrap(struct ber_writer *w, int tag, const uint8_t *mark);
void ber_put_integer(struct ber_writer *w, int tag, int64_t n);
void ber_put_bytes(struct ber_writer *w, int tag, const void *bytes, size_t n);
void ber_put_oid(struct ber_writer *w, const struct oid *oid);
