// SPDX-License-Identifier: Apache-2.0
/* The vaults beside the primary one, as this process sees them. Used by chores only, of which one
 * runs at a time. */
#pragma once

#include "services/storage/storage.h"

/* The primary vault (0) and those that are there now; NULL after the last. */
const struct vault *vault_nth(size_t i);
