// SPDX-License-Identifier: Apache-2.0
/* Files of versions from one vault to another. Work pool. */
#pragma once

#include "services/storage/copy_check.h"

struct copying {
	struct uuid version;
	struct copied copy;
	const struct vault *source;
	bool mend;          /* what is there is damaged or incomplete */
	uint64_t bytes;     /* read back */
	struct fault fault; /* code 0: a good copy */
};

/* All of them with few flushes; each is good when all of its files were read back from the medium.
 */
void copy_files(const struct vault *to, struct copying *all, size_t n);
/* Key slots that were wrapped anew in the primary vault. */
struct slot_copying {
	struct uuid version, kek;
	char stone[VAULT_NAME_MAX]; /* the name of its tombstone */
	bool good;                  /* it lies there, under kek */
};
int copy_slots(const struct vault *to, struct slot_copying *all, size_t n,
	struct fault *reterr) must_check;
/* What no version is opened without: the tenant root under its key, who signs. */
int copy_shared(const struct vault *to, struct fault *reterr) must_check;
