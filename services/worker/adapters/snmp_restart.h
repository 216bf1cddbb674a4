// SPDX-License-Identifier: Apache-2.0
/* Restart of a printer over SNMP, for every family that has no way of its own (DV-21): is it busy?
 * → set 4, once, or the family's own call → it falls silent or its up time falls → it answers again
 * and is not down. */
#pragma once

#include "services/worker/adapters/snmp_device.h"
#include "services/worker/adapters/uptime.h"

/* Lives in the adapter's state. */
struct snmp_restart {
	struct errand *errand;
	enum snmp_reset how;
	struct snmp_device device;
	struct snmp_question *question;
	struct snmp_value values[4];
	struct timer *timer;
	struct uptime up;
	void (*send)(void *arg); /* instead of the SET */
	bool unheard;            /* the SET was not answered: perhaps it was done all the same */
	snmp_fn fn;
	void *arg;
};

/* fn once, when the printer is back, or with a fault: CN_DEVICE_BUSY (and nothing sent),
 * CN_UNSUPPORTED_OPERATION (no such object), the refusals of snmp_reset, CN_REJECTED (it said yes
 * and did not restart), CN_RESTART_PENDING (it does not come back within 15 min). The waiting
 * scales with e->probe_ms: 24 of them until it goes, 180 until it is back. e->seen.ops is what went
 * on before. */
void snmp_restart(
	struct snmp_restart *r, struct errand *e, enum snmp_reset how, snmp_fn fn, void *arg);
/* The same, for a family that has a call of its own: send is called in place of the SET; what came
 * of it is said to snmp_restart_sent(): NULL = it was taken, or nobody knows, and the up time says
 * it. */
void snmp_restart_by(
	struct snmp_restart *r, struct errand *e, void (*send)(void *arg), snmp_fn fn, void *arg);
void snmp_restart_sent(struct snmp_restart *r, const struct fault *f);
/* fn is not called. Harmless when nothing is under way. */
void snmp_restart_cancel(struct snmp_restart *r);
