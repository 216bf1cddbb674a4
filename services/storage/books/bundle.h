// SPDX-License-Identifier: Apache-2.0
/* All of a version as one archive (docs/spec/storage.md section 15): its items as the device gave
 * them, read from the vault while it is sent, and small files that were made before. Blocks: work
 * pool only, but for bundle_new and bundle_add. */
#pragma once

#include "services/storage/books/file_name.h"
#include "services/storage/reading.h"

struct bundle;

/* Of the items it takes the native ones. All files lie in a folder of this name. */
struct bundle *bundle_new(
	const char *folder, const struct m_version *v, const struct stored_item *items, size_t n);
/* One more file, before the first bundle_next; takes the bytes. */
void bundle_add(struct bundle *b, const char *name, struct buf *bytes);
/* The next bytes of the archive, added to out; ret_end: these are the last ones. */
int bundle_next(struct bundle *b, struct buf *out, bool *ret_end, struct fault *reterr) must_check;
void bundle_free(struct bundle *b);
