// SPDX-License-Identifier: Apache-2.0
/* Who a printer is and what goes on there, over SNMP; used by every family (devices.md 2.1, 9). */
#pragma once

#include "services/worker/adapters/snmp_io.h"

/* Room for the values of one question; lives in the adapter's state. */
struct snmp_device {
	struct errand *errand;
	struct snmp_question *question;
	struct snmp_value values[16];
	struct snmp_oid oids[16];
	size_t asked;
	snmp_fn fn;
	void *arg;
};

/* Fills e->seen: serial, mac, model, firmware, language, charset, change, ops (by the family's
 * panel lines). Then fn: CN_UNREACHABLE when nobody answers (seen.busy_unknown is set), or another
 * fault.
 */
void snmp_device_ask(struct snmp_device *d, struct errand *e, snmp_fn fn, void *arg);
/* Afterwards, for families that know who they are by SNMP alone: capability identity. */
void snmp_device_capability(struct errand *e);
/* Serial, MAC and change counter only. */
void snmp_device_identify(struct snmp_device *d, struct errand *e, snmp_fn fn, void *arg);
/* fn is not called. */
void snmp_device_cancel(struct snmp_device *d);
