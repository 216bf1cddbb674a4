// SPDX-License-Identifier: Apache-2.0
/* The one question of a range scan: who are you? Written and read on memory; an answer is read
 * strictly, it comes from anybody. Around it v1 and v2c; usm.h has v3. Pure. */
#pragma once

#include "common/base/base.h"
#include "common/snmp/ber.h"

/* What is asked for, in this order. */
enum scan_object {
	SCAN_DESCRIPTION, /* sysDescr */
	SCAN_OBJECT_ID,   /* sysObjectID */
	SCAN_NAME,        /* sysName */
	SCAN_LOCATION,    /* sysLocation */
	SCAN_MAC_1,       /* ifPhysAddress of the first interfaces */
	SCAN_MAC_2,
	SCAN_DEVICE,         /* hrDeviceDescr */
	SCAN_PRINTER_STATUS, /* hrPrinterStatus: a printer has it */
	SCAN_PRINTER_NAME,   /* prtGeneralPrinterName */
	SCAN_SERIAL,         /* prtGeneralSerialNumber */
	SCAN_OBJECTS,
};
#define SCAN_ALL ((1u << SCAN_OBJECTS) - 1)
/* What every agent has: asked for alone when an agent stumbles over the rest. */
#define SCAN_LEAST (1u << SCAN_DESCRIPTION | 1u << SCAN_OBJECT_ID | 1u << SCAN_NAME)

#define SCAN_DATAGRAM 4096u /* a larger answer is no answer */

struct scan_question {
	bool v1;
	const char *community;
	int32_t id;
	uint32_t objects; /* set of 1 << scan_object */
};
/* Length of the datagram, 0 = it does not fit. */
size_t scan_write(const struct scan_question *q, uint8_t *out, size_t size);

struct scan_value {
	bool there;
	struct span text; /* of octets, inside of the datagram */
	struct oid oid;   /* of an identifier */
};
struct scan_answer {
	bool v1;
	struct span community;
	int64_t id, error, index; /* index: from 1, of the object that the error is about */
	struct scan_value values[SCAN_OBJECTS];
};
/* A message of SNMPv3, whatever is in it? usm.h reads it. */
bool scan_is_v3(struct span datagram);
/* 0, or -1: not an SNMP response, or one that holds what was never asked for. */
int scan_read(struct span datagram, struct scan_answer *ret) must_check;
/* Only what is said in it: the GET, and the response, the last thing in at (texts stay there). */
void scan_put_question(struct ber_writer *w, int32_t id, uint32_t objects);
int scan_take_response(struct ber_reader *at, struct scan_answer *ret) must_check;
/* v1 refuses the whole question for one absent object, others stumble over its length: what to ask
 * for instead; 0 = nothing is left. */
uint32_t scan_less(uint32_t objects, const struct scan_answer *a);
