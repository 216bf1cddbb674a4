// SPDX-License-Identifier: Apache-2.0
/* What a write will do to one device, before anything is written: the gates (import-export.md D2 to
 * D5), the book or items that the device shall hold, and the plan that people see. Pure but for the
 * adapter's own foresee and same; takes long: work pool. */
#pragma once

#include "common/book/codec.h"
#include "common/book/ledger.h"
#include "services/worker/source.h"

struct foresight {
	/* ---- given ---- */
	const struct adapter *adapter;
	const struct errand *errand;
	const struct m_job_work *job;
	const char *const *lock_items; /* of import-export.md section 1 */
	size_t n_lock_items;
	const struct picture *before; /* as the device gave it */
	const struct source *source;
	bool weak; /* nothing says that it is the device of its record (FL-4) */

	/* ---- made ---- */
	struct arena arena; /* of the plan's texts */
	struct ledger ledger;
	struct book *before_book; /* NULL = no address book */
	struct book *source_book;
	struct picture wanted; /* items that differ, and the whole book */
	struct m_device_plan plan;
	uint8_t hash[32], before_hash[32], after_hash[32];
	bool changes; /* something is to be written */
};

void foresight_init(struct foresight *f, struct image_budget *budget);
void foresight_fini(struct foresight *f);
/* 0, or -1: this device cannot be written as asked; the plan holds the notes so far. */
int foresee(struct foresight *f, struct fault *reterr) must_check;

/* Is the source what a device itself said, in this family's codec (errand->source)? A person's file
 * is not. */
bool foresight_of_device(const struct foresight *f);

/* Only what the device held: before_book. */
int foresight_before(struct foresight *f, struct fault *reterr) must_check;
/* Makes the book of what was read. 0 or -1. */
int picture_read_book(
	struct picture *p, const struct codec *codec, struct fault *reterr) must_check;
/* The codec of a device's books; NULL = none. */
const struct codec *device_codec(const struct adapter *a);
/* Does this job write a book that Carnet understands? Types II and III go as they are. */
bool job_has_book(const struct adapter *a, const struct m_job_work *job);
const struct book_profile *device_profile(const struct adapter *a, const struct errand *e);
/* At most max bytes, at a border of UTF-8. NULL stays NULL; "" becomes NULL. */
const char *cut_text(struct arena *a, const char *s, size_t max);
