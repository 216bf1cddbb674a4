// SPDX-License-Identifier: Apache-2.0
/* A session of family ipp: ipp.c asks and reads, ipp_write.c sets, ipp_restart.c restarts. */
#pragma once

#include "services/worker/adapters/ipp_settings.h"
#include "services/worker/adapters/snmp_restart.h"
#include "services/worker/adapters/web.h"

struct ipp_session;
/* The whole answer came, with a good HTTP status. */
typedef void (*ipp_answer_fn)(struct ipp_session *s, struct span answer);
typedef void (*ipp_failed_fn)(struct ipp_session *s, const struct fault *f);

enum ipp_question_kind { IPP_GET, IPP_SET, IPP_CALL };

struct ipp_question {
	enum ipp_question_kind kind;
	enum ipp_operation operation; /* IPP_CALL: which */
	const char *path;             /* NULL = the printer's */
	struct ipp_names names;       /* of attributes; IPP_GET: name NULL = all */
	struct span wanted;           /* IPP_SET: where their values are */
	bool any_status;              /* then() looks at the IPP status itself */
	uint32_t total_ms;            /* 0 = as web.h */
	ipp_answer_fn then;
	ipp_failed_fn failed; /* NULL = the operation ends with the fault */
};

struct ipp_session {
	struct errand *errand;
	struct web web;
	const char *path; /* of the printer */
	unsigned version;
	bool with_password; /* it was asked for */
	struct ipp_question question;
	struct buf answer;

	/* reading: bytes not yet taken */
	size_t given;
	uint64_t entries;

	/* writing */
	struct ipp_names names; /* what is to be set */
	bool again;             /* the second time, without what was refused */

	/* restarting */
	struct uptime up;
	struct timer *timer;
	struct snmp_restart snmp;
	bool by_system; /* Restart-System at /ipp/system */
};

/* Asks; one question at a time. */
void ipp_ask(struct ipp_session *s, const struct ipp_question *q);
/* Ends the operation under way. */
void ipp_done(struct ipp_session *s, const struct fault *f);
/* Does it work now, or is it stopped for a reason (section 8)? 0, or -1 with CN_DEVICE_BUSY. */
int ipp_is_free(struct errand *e, const struct ipp_identity *id, struct fault *reterr) must_check;

/* ---- ipp_write.c ---- */
int ipp_foresee(const struct errand *e, struct m_device_plan *plan, struct fault *reterr);
bool ipp_same(
	const struct errand *e, const struct image_item *wanted, const struct image_item *seen);
void ipp_write_settings(void *self);

/* ---- ipp_restart.c ---- */
void ipp_restart(void *self);
void ipp_restart_cancel(struct ipp_session *s);
