// SPDX-License-Identifier: Apache-2.0
/* One SNMP question to one device: GET of some objects over UDP, v1, v2c or v3, non-blocking, one
 * socket for the time of the question (devices.md section 9). Only this file and its .c know
 * net-snmp. The one SET is a restart: nothing here can encode another (DV-20). Loop thread only. */
#pragma once

#include "services/worker/adapters/adapter.h"

#define SNMP_OID_MAX 24
#define SNMP_ASK_MAX 64 /* varbinds (DV-23) */

struct snmp_oid {
	uint32_t n;
	uint32_t id[SNMP_OID_MAX];
};

enum snmp_kind { SNMP_ABSENT, SNMP_NUMBER, SNMP_BYTES };

struct snmp_value {
	enum snmp_kind kind;
	int64_t number;
	struct span bytes; /* in the errand's arena */
};

struct snmp_question;
/* f: CN_UNREACHABLE (silence: wrong address or community), CN_AUTH_REFUSED (v3 report),
 * CN_AUTH_MISSING, CN_PERMISSION_DENIED, CN_PROTOCOL_ERROR. */
typedef void (*snmp_fn)(void *arg, const struct fault *f);

/* Asks with the first SNMP credential of the errand, else community "public". values[i] belongs to
 * oids[i]; both live until fn. fn is called once, never from inside; not after snmp_cancel. */
struct snmp_question *snmp_ask(struct errand *e, const struct snmp_oid *oids,
	struct snmp_value *values, size_t n, snmp_fn fn, void *arg);
void snmp_cancel(struct snmp_question *q);

/* Values of prtGeneralReset that may be sent: never another, least of all 6, factory defaults. */
enum snmp_reset {
	SNMP_RESET_POWER_CYCLE = 4,
	SNMP_RESET_NVRAM = 5, /* only where the profile says so */
};
/* Sets it, once: it is not sent again. With the first SNMP credential, which needs community_write
 * in v1 and v2c. Faults besides those of snmp_ask: CN_REJECTED (wrongValue, notWritable),
 * CN_UNREACHABLE with reason snmp_silent (it may have been heard all the same). */
struct snmp_question *snmp_reset(struct errand *e, enum snmp_reset how, snmp_fn fn, void *arg);
