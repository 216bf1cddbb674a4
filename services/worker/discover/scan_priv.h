// SPDX-License-Identifier: Apache-2.0
/* A scan inside: scan.c asks and keeps the pace, scan_v3.c knows what SNMPv3 does otherwise. */
#pragma once

#include "common/base/list.h"
#include "services/worker/discover/scan.h"

struct sockaddr_storage;

enum target_state { TARGET_DUE, TARGET_ASKED, TARGET_ENDED };

struct target {
	enum target_state state;
	unsigned tries;
	size_t credential;
	uint32_t objects;
	int32_t id, before; /* of the question, and of the same one asked before; -1 = none */
	uint64_t until;     /* asked: an answer is waited for */
	/* SNMPv3 */
	struct usm_engine engine; /* its clock as of engine_at */
	uint64_t engine_at;
	bool silent;      /* no engine answered: there is none */
	bool known;       /* the engine knows the user and the key it was asked with */
	bool timed;       /* the engine's clock was set right, for this credential */
	uint32_t refused; /* set of 1 << credential: its password is not to be tried again */
};

struct scan {
	struct list node;
	struct scan_order order;
	struct target targets[SCAN_TARGETS_MAX];
	size_t next, open; /* where to look for one that is due; those that have not ended */
	int fd[2];         /* IPv4, IPv6; -1 = none of its targets needs it */
	struct loop_watch *watch[2];
	struct scan_counts counts;
	struct fault fault;
	int32_t nonce;
};

/* The target whose question that is, asked there, now or before; NULL = not a question of ours. */
struct target *scan_asked(struct scan *s, int64_t id, const struct sockaddr_storage *from);
/* It answered: taken, or asked for less. */
void scan_said(struct scan *s, struct target *t, const struct scan_answer *a);
/* That credential is none for it: the next one, or the end. */
void scan_next(struct scan *s, struct target *t);
/* The same again, from anew: as often as anything is asked. */
void scan_again(struct target *t);

bool v3_is(const struct scan *s, const struct target *t);
/* How often a question may be sent: a password that nobody has accepted yet, once. */
unsigned v3_tries(const struct scan *s, const struct target *t, unsigned tries);
/* The question to send. */
size_t v3_write(const struct scan *s, const struct target *t, uint8_t *out, size_t size);
/* Is there a reason not to try this credential there? */
bool v3_pointless(const struct scan *s, const struct target *t, size_t credential);
/* Must it wait for what another address of the same engine says to the same password? */
bool v3_waits(const struct scan *s, const struct target *t);
void v3_take(struct scan *s, struct span datagram, const struct sockaddr_storage *from);
/* Nobody answered the last question. */
void v3_silence(struct target *t);
