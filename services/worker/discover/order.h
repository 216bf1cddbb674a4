// SPDX-License-Identifier: Apache-2.0
/* Where one job of discovery looks: its text ("10.1.0.1-10.1.0.254, printer-3") taken apart,
 * without what the task leaves out and what the worker may not reach. Pure. */
#pragma once

#include "common/base/arena.h"
#include "common/net/address.h"
#include "gen/msg.h"
#include "services/worker/discover/scan.h"

#define ORDER_REFUSED_MAX 16u /* stretches named one by one */

struct order {
	const struct address_rules *rules;
	const struct m_discovery *settings;
	struct arena *arena;
	struct address targets[SCAN_TARGETS_MAX];
	bool simulated[SCAN_TARGETS_MAX];
	size_t n;
	const char **names; /* to be resolved first */
	size_t n_names;
	/* not looked at: outside of the networks allowed */
	const char *refused[ORDER_REFUSED_MAX];
	size_t n_refused;
	uint64_t refused_addresses;
};

/* 0, or -1 with CN_VALIDATION_FAILED: not a text of ours. */
int order_read(struct order *o, const char *text, struct fault *reterr) must_check;
/* Adds one address, unless it is left out, refused or there already. */
bool order_add(struct order *o, const struct address *a);
/* Where it stands among the targets; n = nowhere. */
size_t order_place(const struct order *o, const struct address *a);
/* One that was said by somebody and may not be asked; the text lives as long as the order. */
void order_refuse(struct order *o, const char *address);
/* Excluded by the task? */
bool order_excludes(const struct m_discovery *settings, const struct address *a);
