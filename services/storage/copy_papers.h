// SPDX-License-Identifier: Apache-2.0
/* What a vault for copies gets beside copies: key slots that were wrapped anew (ST-29), and a
 * passport of its own. */
#pragma once

#include "services/storage/copy_files.h"

struct papers {
	const struct vault *vault;
	char override[300]; /* why it may be on the same disk; "" = it is not */
	bool passport;      /* there is one */
	bool changed;       /* since then */
	uint64_t due_ms;    /* monotonic: no other passport before */
	uint64_t slots_ms;  /* monotonic: slots are not looked for before */
	void (*done)(void *arg, bool database_down);
	void *arg;
};

/* Slots, then a passport if one is due; done. One at a time. */
void papers_write(struct papers *p);
/* The first passport, before the first copy: copies that are interrupted lie beside a true one. */
void papers_begin(struct papers *p);
