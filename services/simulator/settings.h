// SPDX-License-Identifier: Apache-2.0
/* Items of import-export.md section 1 besides the address lists (simulated only). */
#pragma once

#include "services/simulator/book.h"
#include "services/simulator/canon.h"

bool setting_is_batch(const char *id);
/* Has this machine such an item? */
bool setting_offered(const struct device *d, const char *id);
void setting_state(const struct device *d, const char *id, struct buf *out);
void setting_put(struct device *d, const char *id, struct span state);
/* password "" for individual items. */
void setting_export(const struct device *d, const char *id, const char *password, struct buf *out);

/* A file, opened. */
struct setting_file {
	struct arena arena; /* arena_fini */
	const char *id, *policy;
	struct span state;
};
/* What the machine says to it: name of a text of the profile; "imported" = it may go in. */
const char *setting_judge(
	struct device *d, struct span file, const char *password, struct setting_file *ret);
