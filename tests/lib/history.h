// SPDX-License-Identifier: Apache-2.0
/* Recorded histories of locks, judged: is there, for each device, one order of all operations, each
 * at an instant between its call and its answer, that the matrix, the queue, the leases and the
 * tokens of docs/spec/locks.md allow? A Wing-Gong search with remembered states, device by device.
 *
 * The rules are written anew from the text (tests/service/lock_rules.h); no line of the service is
 * used. Lines of a history (times in ms of one clock, in any order; words without blanks):
 *
 *   # a sentence
 *   set lease|quarantine|silent|max_hold|slack|late MS
 *   TIME CLIENT call N acquire REQUEST DEVICE,… OP import|export|none [wait=MS] [lease=MS]
 *                                                             [under=REQUEST] [kind=hold]
 *   TIME CLIENT call N renew REQUEST TOKEN
 *   TIME CLIENT call N release REQUEST TOKEN clean|unsure
 *   TIME CLIENT call N cancel REQUEST
 *   TIME CLIENT call N store DEVICE REQUEST TOKEN         an effect that the token guards
 *   TIME CLIENT ret N granted DEVICE:TOKEN,… [items=I,…]  TIME CLIENT ret N queued TICKET
 *   TIME CLIENT ret N busy|refused|cancelled|lost|ok
 *
 * A call without a ret has an unknown outcome: it may have happened at any time after (`late` ms
 * after at most), or never. The token of renew and release is that of the first device. */
#pragma once

#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/map.h"

#define HISTORY_NEVER INT64_MAX

enum history_what {
	HISTORY_ACQUIRE = 1,
	HISTORY_RENEW,
	HISTORY_RELEASE,
	HISTORY_CANCEL,
	HISTORY_STORE,
};
enum history_result {
	HISTORY_UNKNOWN,
	HISTORY_GRANTED,
	HISTORY_QUEUED,
	HISTORY_BUSY,
	HISTORY_REFUSED,
	HISTORY_CANCELLED,
	HISTORY_LOST,
	HISTORY_OK,
};

/* One call and its answer. */
struct history_call {
	uint8_t what, result;
	bool unsure;      /* release */
	bool other;       /* acquire: other content than the first one of its request */
	uint32_t request; /* 1… */
	uint32_t client;
	uint32_t device; /* of a store */
	uint32_t next;   /* of the same request, 0 = none */
	uint64_t token;  /* presented; of an answer queued: the ticket */
	int64_t call, ret;
};

struct history_request {
	uint32_t name; /* into names */
	uint32_t client;
	uint32_t first, last; /* calls */
	uint32_t under;       /* request, 0 = none */
	const uint32_t *devices;
	const uint64_t *tokens; /* as granted, parallel to devices; NULL = not that we know */
	uint32_t devices_n;
	uint8_t op;        /* row of the rules */
	uint8_t direction; /* first letter */
	bool hold;
	bool synced_items; /* granted: among them some of the restricted set */
	int64_t wait, lease;
	uint64_t ticket; /* 0 = none was told */
};

struct history {
	struct arena arena;
	struct map names; /* word → number */
	const char **name;
	size_t names_n, names_cap;
	struct history_call *calls; /* from 1 */
	size_t calls_n, calls_cap;
	struct history_request *requests; /* from 1 */
	size_t requests_n, requests_cap;
	uint32_t *request_of; /* by name */
	struct map open;      /* client and number → call */
	uint32_t devices_n;
	uint32_t *device_of;   /* by name: 1… */
	uint32_t *device_name; /* by device */
	size_t device_cap;
	int64_t lease, quarantine, silent, max_hold, slack, late;
	const char *sentence;  /* the first comment */
	const char *convicted; /* already while it was read */
};

/* 0, or -1 and why: not a history. */
int history_read(struct history *h, FILE *from, char *why, size_t why_n) must_check;
void history_fini(struct history *h);

/* 1 acquitted, 0 convicted, -1 gave up (too much open at once); why in a sentence. */
int history_check(struct history *h, char *why, size_t why_n) must_check;

/* ---- for the files of the checker ---- */

unsigned history_op(const char *id); /* rows + 1, 0 = none of that name */
const char *history_op_name(unsigned op);
char history_may(unsigned later, unsigned earlier); /* y, n, p */

enum history_kind {
	HISTORY_ENTER, /* began to wait */
	HISTORY_POLL,  /* waits on */
	HISTORY_GRANT,
	HISTORY_DENY,      /* busy */
	HISTORY_DROP,      /* cancelled */
	HISTORY_TURN_AWAY, /* refused while it waited */
	HISTORY_PROLONG,
	HISTORY_GIVE_BACK,
	HISTORY_NOT_LIVE, /* renew or release answered lost */
	HISTORY_EFFECT,
	HISTORY_NO_EFFECT,
};

/* What one device sees of it: happened once, between call and ret. */
struct history_event {
	uint8_t kind;
	bool unsure;
	uint32_t request;
	uint64_t token; /* of a grant; of ENTER the ticket */
	int64_t call, ret;
};

/* A call whose outcome is unknown, as far as it matters to one device. */
struct history_maybe {
	uint8_t what;
	bool unsure;
	uint32_t request;
	int64_t call;
};

struct history_device {
	const struct history_event *events; /* by call */
	size_t n;
	const struct history_maybe *maybes;
	size_t maybes_n;
};

/* The search on one device; as history_check. */
int history_search(const struct history *h, uint32_t device, const struct history_device *d,
	char *why, size_t why_n) must_check;
