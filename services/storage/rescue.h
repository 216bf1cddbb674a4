// SPDX-License-Identifier: Apache-2.0
/* New backups in place of lost ones. */
#pragma once

#include "services/storage/storage.h"

/* done later, or at once. */
void rescue(void (*done)(void));
