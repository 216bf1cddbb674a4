// SPDX-License-Identifier: Apache-2.0
/* What was written is read again and compared: no file goes out that says something else than the
 * book. Pure. */
#pragma once

#include "common/book/codec.h"

struct proof {
	const struct codec *codec;
	struct decode_options read;
	/* Extras that the file need not say; NULL = it says all. */
	bool (*unsaid)(const void *arg, const char *extra);
	const void *arg;
	bool named; /* a key may be made of the name: whoever is renamed gets a new one */
};

/* e->out from there on. 0, or -1 and CN_UNSUPPORTED_OPERATION "no_place" with what it does not say.
 * Secrets are not looked at: the ledger tells of them. */
int proof_written(const struct proof *p, struct encoder *e, size_t from) must_check;
