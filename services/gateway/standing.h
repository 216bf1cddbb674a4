// SPDX-License-Identifier: Apache-2.0
/* What somebody was let in with holds as long as their stream is open (docs/spec/security.md
 * SE-42): a session that ended, a token that was revoked or ran out, another role or scope ends the
 * stream. Looked at every second, for what other gateways change, and at once for what this one
 * does. */
#pragma once

#include "common/base/list.h"
#include "services/gateway/gateway.h"

struct standings *standings_new(struct gateway *g);

/* Of one stream; embedded. */
struct standing {
	struct list node;
	uint8_t digest[32]; /* of the token or cookie */
	enum msg_right right;
	char *scope;       /* lines, owned; "" = everywhere */
	uint64_t known_ns; /* when it was true last */
	int place;         /* in the look that is under way, from 1; 0 = it came later */
	void (*over)(void *arg);
	void *arg;
};
/* over(arg) is called once when it does not hold any more, never from within. */
void standing_init(struct standings *all, struct standing *s, const struct person *who,
	void (*over)(void *arg), void *arg);
void standing_fini(struct standing *s);
/* Somebody's rights were changed here. */
void standings_look(struct standings *all);
