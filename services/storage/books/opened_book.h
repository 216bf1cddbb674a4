// SPDX-License-Identifier: Apache-2.0
/* For handlers: the books of one or two versions, read on the work pool. */
#pragma once

#include "services/storage/books/book_work.h"
#include "services/storage/books/bundle.h"
#include "services/storage/books/version_book.h"

struct opened {
	struct call *call;
	size_t n; /* 1 or 2 */
	struct uuid id[2];
	struct m_version version[2];
	struct version_book read[2];
	/* on the work pool, with the books read; what it makes lies in the call's arena and it may
	 * set fault */
	void (*work)(struct opened *o);
	/* on the loop; the books are gone */
	void (*reply)(struct opened *o);
	void *arg;
	struct fault fault;
	/* inside */
	struct stored_item *items[2];
	size_t items_n[2];
	struct book_work job;
};

/* ---- export.c, on_version_read.c ---- */

/* version_open with a format: answers the call. */
void export_start(struct call *call);
/* Something that was made of a version. */
struct made {
	const struct m_version *version;
	const char *name, *format, *ext;
	struct buf *whole;     /* its bytes; or */
	struct bundle *bundle; /* what gives them */
	uint32_t losses;
};
/* Gives it out; takes the bytes or the bundle. */
void reading_make(struct call *call, const struct made *m);

/* Answers the call with a fault when a version is not there or cannot be read. */
void opened_start(struct opened *o);
/* The faults of both as message parts; items of the call's arena. */
size_t opened_faults(const struct opened *o, const struct m_book_fault **ret);
/* The profile after which values of this version are compared. */
const struct book_profile *opened_profile(const struct opened *o, size_t i);
/* "12" → 12; the cursors of lists that are made anew each time. -1 when it is none. */
int cursor_number(const char *text, uint64_t *ret) must_check;
