// SPDX-License-Identifier: Apache-2.0
/* One errand at a Ricoh machine: its session there, calls in it, and what reading and writing keep
 * between calls. Between ricoh_*.c only. */
#pragma once

#include "services/worker/adapters/ricoh_work.h"
#include "services/worker/adapters/snmp_restart.h"

struct ricoh;
typedef void (*ricoh_fn)(struct ricoh *r);
/* A good answer of the method asked for. */
typedef void (*ricoh_answer_fn)(struct ricoh *r, const struct soap_answer *a);

/* Reading of the whole book; the second time in a session to see whether it is still the same. */
struct ricoh_reading {
	bool quiet;   /* nobody is given the bytes */
	uint32_t *id; /* of entries, malloc */
	size_t n, cap;
	uint32_t offset;    /* rows seen, with the machine's own */
	uint32_t announced; /* of them, in all */
	bool asked;         /* announced is known */
	size_t next;        /* of id: not asked yet */
	struct buf page;    /* an answer that is handed over */
	size_t given;
	struct sha256 *hash; /* of all names and values */
	ricoh_fn then;
};

struct ricoh {
	struct errand *errand;
	struct soap soap;
	struct snmp_device snmp;
	struct snmp_restart restart;

	/* the session at the machine */
	char session[128];
	bool open;         /* there is one */
	bool exclusive;    /* it may write */
	bool old;          /* to be ended before its time limit ends it */
	struct timer *age; /* sets old */
	bool want_exclusive;
	ricoh_fn opened, ended; /* what comes then */
	/* of the next begin alone: a refusal that is no failure; NULL = none is */
	bool (*forgiven_start)(struct ricoh *r, const struct fault *f);
	uint32_t at_once;

	/* the call under way */
	enum ricoh_method method;
	ricoh_answer_fn answered;
	bool (*forgiven)(struct ricoh *r, const struct fault *f); /* NULL = every fault ends it */

	struct ricoh_reading reading;
	uint8_t held[32]; /* hash of what was read last */
	bool has_held, held_in_session;
	struct ricoh_said said;

	struct ricoh_work work;
	uint8_t made_for[32]; /* held, when work was made */
	size_t sent;          /* of the objects of this step */
	bool resumed;         /* the session was lost once while writing */
};

void ricoh_done(struct ricoh *r, const struct fault *f);
void ricoh_fail(struct ricoh *r, int code, const char *detail);
/* Sends message (wiped and freed). A fault ends the operation unless forgiven takes it over. */
void ricoh_call(struct ricoh *r, enum ricoh_method m, struct buf *message, ricoh_answer_fn fn);
/* A session that may write, or any, that has time left: the present one, or another. */
void ricoh_with_session(struct ricoh *r, bool exclusive, ricoh_fn then);
/* Ends it, whatever the machine says to that. total_ms 0 = as every call. */
void ricoh_end_session(struct ricoh *r, uint32_t total_ms, ricoh_fn then);

/* ---- ricoh_read.c ---- */
/* Reads the whole book; quiet: only its hash. */
void ricoh_read_book(struct ricoh *r, bool quiet, ricoh_fn then);
void ricoh_read_resume(struct ricoh *r);
void ricoh_read_forget(struct ricoh *r);

/* ---- ricoh_write.c ---- */
void ricoh_write_book(void *self);
int ricoh_foresee(const struct errand *e, struct m_device_plan *plan, struct fault *reterr);
