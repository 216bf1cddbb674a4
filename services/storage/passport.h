// SPDX-License-Identifier: Apache-2.0
/* The passport of our vault: when it is made, and what the catalogue says for it. */
#pragma once

#include "common/vault/passport.h"
#include "services/storage/storage.h"

/* ---- sql_passport.c ---- */

/* Three statements: vaults and time; key ids in use; chains. */
void sql_add_passport(struct txn *t);
/* What they say. Entries are the passport's. */
void sql_passport_read(struct db_result **r, struct passport *p);
