// SPDX-License-Identifier: Apache-2.0
/* What happened, counted for dashboards. */
#pragma once

#include "services/lock/ledger.h"

void count_start(void);
/* What a committed transaction noted. */
void count_events(const struct ledger *l);
/* Renewals and releases that were answered lost (locks.md section 7). */
void count_lost(size_t n);
