// SPDX-License-Identifier: Apache-2.0
/* What the destination list and the books for distribution share: both are versions of kind
 * `distribution`, in Carnet's own JSON, that this service makes itself. */
#pragma once

#include "common/book/items.h"
#include "services/storage/sql.h"

/* The id under which the destination list's versions are kept. */
extern const struct uuid POOL_ID;

/* The book as carnet_json, sealed like any spool; NULL with a fault. Blocks. */
struct spool *distribution_encode(const struct book *b, struct fault *reterr) must_check;

struct distribution_save {
	struct uuid id; /* its versions are kept under it */
	const char *name, *family;
	struct spool *plain; /* taken */
	unsigned entries;
};
/* The next version of it; equal to the newest: none. ended as in struct draft. */
void distribution_make(struct call *call, const struct distribution_save *save,
	void (*ended)(const struct draft *d, void *arg), void *arg);
