// SPDX-License-Identifier: Apache-2.0
/* Opened items of stored versions. What is read comes from frames whose tags are good; the last
 * piece only when the whole object proved good. */
#pragma once

#include "services/storage/sql.h"

/* An item of a version, with what is needed to open its object. Plain memory. */
struct stored_item {
	char name[65];
	struct object_ref ref;
	struct object_sealed sealed;
	struct uuid version, kek;
	unsigned no;
	uint8_t wrapped_key[WRAPPED_LEN], wrapped_dek[WRAPPED_LEN];
	bool has_key; /* false: erased */
	bool native;
};

void stored_item_read(struct db_result *r, int row, struct stored_item *ret);
/* The object's reader on its file. Blocks. */
struct stored_reader;
struct stored_reader *stored_open(const struct stored_item *i, struct fault *reterr) must_check;
int stored_next(struct stored_reader *r, struct span *ret_piece, struct fault *reterr) must_check;
/* After the good end: is the file the one of the catalogue? */
bool stored_same(const struct stored_reader *r);
void stored_close(struct stored_reader *r);
