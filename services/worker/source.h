// SPDX-License-Identifier: Apache-2.0
/* A version's items, fetched from storage into memory: what is written, or what is put back. Loop
 * thread only. */
#pragma once

#include "common/service/service.h"
#include "gen/msg.h"
#include "services/worker/image.h"

struct source_ask {
	struct uuid id; /* or, nil: the newest of a device and kind at a time */
	struct uuid device;
	enum version_kind kind;
	int64_t at;   /* 0 = now */
	bool book_id; /* id may be a distribution book's, too: its newest version is meant */
};

struct source {
	struct peer *storage;
	struct arena *arena; /* of names and of about */
	struct uuid trace;
	struct picture picture;
	struct m_version about; /* texts in the arena; without book and flags */
	bool whole;             /* it is all there */

	/* inside */
	bool busy;        /* a call is under way */
	struct uuid book; /* asked for when there is no such version; nil = not */
	size_t at;        /* of about.items */
	uint64_t offset, instance;
	struct uuid stream;
	void *arg;
	void (*done)(void *arg, const struct fault *f);
};

void source_init(struct source *s, struct peer *storage, struct arena *arena,
	struct image_budget *budget, const struct uuid *trace);
/* Later done(arg, NULL or why not), never from inside the call. */
void source_fetch(struct source *s, const struct source_ask *ask,
	void (*done)(void *arg, const struct fault *f), void *arg);
void source_fini(struct source *s);
