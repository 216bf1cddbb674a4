// SPDX-License-Identifier: Apache-2.0
/* A job that writes (import-export.md sections 4, 5 and 8):
 *
 *   source → probe → busy → lock → running → read → identify → foresee
 *     plan:    … leave → report
 *     apply:   → keep (pre-image) → journal pre_image → journal sent → lease → WRITE
 *              → journal answered → rest → restart → read → identify → prove
 *                 as wanted:  journal verified → leave → read-back to storage → report
 *                 otherwise:  journal reverting → lease → WRITE the pre-image → read → prove
 *                             → journal reverted → fail
 *
 * An attempt after one that came to "sent" looks first (C4): it reads, and goes on from what it
 * finds: the new content, the old one, or neither, which is undone.
 *
 * From the first changing call on nobody cuts it but the end of the lease; then the lock goes back
 * unsure and the next attempt looks. Who wants it cancelled then gets it finished, or put back; an
 * attempt that looks for somebody who cancelled writes nothing anew. Loop thread only; the heavy
 * parts are on the work pool. */
#pragma once

#include "services/worker/proof.h"
#include "services/worker/session.h"

enum looked { LOOK_NEW, LOOK_OLD, LOOK_MIXED };

struct change {
	struct session *s;
	struct arena arena;         /* of the report */
	struct image_budget budget; /* of this session, counted in the worker's */
	struct image_budget own;    /* of what is made on the work pool, reserved before */
	size_t reserved;

	struct source source; /* what is written */
	struct source old;    /* the pre-image of an earlier attempt */
	struct picture before, now;
	struct picture *reading;
	struct foresight foresight;
	struct proof proof; /* of the write; its rows are the report */
	struct proof back;  /* of putting the pre-image back */
	struct book *empty; /* stands for a book that cannot be read */

	bool looking;   /* an earlier attempt may have written */
	bool touched;   /* a changing call was begun */
	bool counting;  /* the change counter, right before what was written is read back (ST-13) */
	bool reverting; /* the pre-image is being put back */
	bool settled;   /* it is known what the device holds */
	bool kept_old;  /* read back: it is as it was */
	bool restart_pending; /* needed, not allowed or not possible now */
	bool restart_unknown; /* an earlier attempt may have sent it */
	bool restart_later; /* allowed, and the device was at work: the scheduler queues it (B4) */
	bool cancelled;     /* what was begun is put right, nothing new is begun */
	bool no_way_on;     /* looking: nothing can be written, only put back */
	enum looked looked;

	enum write_step step; /* as the scheduler has it */
	struct uuid pre_image;
	void (*next)(struct change *c); /* after journal, lease or storage */

	const struct picture *feeding; /* to storage */
	size_t item, offset;
	struct fault fault;   /* of the work pool */
	struct fault gone;    /* looking: the source is not there any more */
	struct fault refused; /* what the device said to the write: the read-back decides */
	struct timer *timer;  /* the lease is looked at again */
	struct image was, wanted, given; /* for the adapter */
	struct image_item undo[PICTURE_ITEMS];
};

/* Is it one? */
bool change_wanted(const struct m_job_work *job);
/* May it be done at all? 0 or -1, before anything else (FL-5, AB-38). */
int change_allowed(
	const struct adapter *a, const struct m_job_work *job, struct fault *reterr) must_check;
struct change *change_new(struct session *s);
void change_free(struct change *c);

/* ---- from steps.c, in this order ---- */
void change_source(struct change *c); /* the address is known */
void change_running(struct change *c);
/* An operation of the adapter ended in a step of a change? */
bool change_device(struct change *c, const struct fault *f) must_check;
void change_item(struct change *c, const char *name);
bool change_bytes(struct change *c, struct span bytes) must_check; /* false: no room */
void change_about_version(const struct change *c, struct m_store_begin *m);
void change_room(struct change *c);
void change_sent(struct change *c);
void change_left(struct change *c);
void change_stored(struct change *c, const struct fault *f);

/* ---- from session.c and tell.c ---- */
/* It goes on although somebody wants it to stop: a cancelled write is finished or rolled back. */
bool change_finishes(struct change *c, const struct fault *why);
bool change_touched(const struct change *c); /* NULL: no */
bool change_began(const struct change *c);   /* a changing call was begun; NULL: no */
void change_journal(const struct change *c, struct m_journal_entry *e);
void change_outcome(struct change *c, struct m_job_outcome *ret);

/* ---- between change.c and change_write.c ---- */
void change_read(struct change *c, struct picture *into);
/* A fault that ends the job. */
void change_fail(struct change *c, int code, const char *reason, const char *text);
void change_cancel(struct change *c);
/* What stands in storage for undoing, or what was read: the device's old content. */
const struct picture *change_base(const struct change *c);
void change_keep(struct change *c);
void change_begin_write(struct change *c);
void change_verified(struct change *c);
void change_undo(struct change *c);
void change_prove(struct change *c);
void change_feed(struct change *c, const struct picture *p, void (*next)(struct change *c));
void change_tell(struct change *c, enum write_step step, void (*next)(struct change *c));
bool change_device_write(struct change *c, const struct fault *f);
void change_restart(struct change *c);
/* It was written: is a restart needed, and allowed? */
bool change_restarts(struct change *c);
bool change_is_book(const struct change *c);
/* On the work pool. */
void change_compare(struct change *c, struct proof *p, bool with_old);
