// SPDX-License-Identifier: Apache-2.0
/* What a device shows after a write, beside what it was to hold (import-export.md V1, V2, V5; R21
 * to R23, R25): record by record. Pure; takes long for big books. */
#pragma once

#include "services/worker/foresee.h"

enum proof_result {
	PROOF_EQUAL,
	PROOF_CORRECTED, /* the device shortened or dropped what it cannot hold, and said so */
	PROOF_DIFFERS,
};

#define PROOF_ROWS 40u
#define PROOF_CORRECTIONS 16u /* of one item */
#define PROOF_TOLD 48u        /* of all: the result goes in one message */

struct proof {
	struct arena *arena;
	struct m_item_report *rows;
	size_t n;
	size_t told; /* corrections listed */
	enum proof_result result;
	bool strict;   /* nothing explains a difference but another number */
	char why[160]; /* the first thing that differs */
};

void proof_init(struct proof *p, struct arena *arena);
/* written: items that were sent (the others are told as unchanged). */
int proof_books(struct proof *p, const struct book *wanted, const struct book *seen,
	const struct book_profile *profile, const struct picture *written,
	struct fault *reterr) must_check;
/* What the device says cannot be understood. */
void proof_unreadable(struct proof *p, const struct picture *written, const struct fault *f);
/* Bytes, or what the adapter calls the same. */
void proof_items(struct proof *p, const struct adapter *a, const struct errand *e,
	const struct picture *wanted, const struct picture *seen);
