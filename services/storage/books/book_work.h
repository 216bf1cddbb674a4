// SPDX-License-Identifier: Apache-2.0
/* Decoding books on the work pool, few at a time: a large one is alone, so that memory stays
 * bounded whatever is asked at once. Loop thread only. */
#pragma once

#include "common/base/list.h"
#include "common/loop/loop.h"

#define BOOK_WORKERS 3
#define BOOK_WORK_BYTES ((uint64_t)16 * 1024 * 1024)

/* Belongs to who asks, until done(arg). */
struct book_work {
	struct list node;
	loop_fn work, done; /* on the pool, then on the loop */
	void *arg;
	uint64_t bytes; /* of the files that are decoded */
};

void book_work(struct book_work *w);
