// SPDX-License-Identifier: Apache-2.0
/* What an import or export moves (docs/spec/import-export.md section 1). Ids and bits are stable.
 */
#pragma once

#include "common/base/base.h"

/* Ids of the items of `indiv_ie` or `batch_ie`, in the order of their bits; the batch ones are
 * numbered 1 … 19 in the makers' menus. NULL and 0 for other operations. */
const char *const *exchange_items(const char *op, size_t *ret_n);
/* Position in the 32-bit item set, never reused; -1 = no such item. */
int exchange_item_bit(const char *id);
/* For people; language 0 en, 1 fr, 2 ja. An unknown id is its own name. */
const char *exchange_item_name(const char *id, unsigned language);
