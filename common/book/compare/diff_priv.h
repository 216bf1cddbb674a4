// SPDX-License-Identifier: Apache-2.0
/* Inside diff: the two sides, and the pair that is being looked at. */
#pragma once

#include "common/book/compare/diff.h"
#include "common/book/compare/match.h"

struct differ {
	struct diff *d;
	struct match_side l, r;
	struct map members[2]; /* of each side; made when a group asks */
	struct map texts;      /* of dangling members → what stands for them */
	bool too_big;
};

struct diff_pair {
	struct differ *x;
	const struct match_item *l, *r;
	bool content; /* something of its content differs */
};

struct diff_change diff_change_of(const struct diff_pair *p, enum diff_op op, enum diff_part part);
void diff_add(struct differ *x, const struct diff_change *c);
/* A change of content. */
void diff_add_content(struct diff_pair *p, struct diff_change *c, const char *field,
	const char *before, const char *after);
/* A string of the diff's arena, which may be full. */
const char *diff_keep(struct differ *x, const char *s);

void diff_fields(struct diff_pair *p);
void diff_tags(struct diff_pair *p);
void diff_dests(struct diff_pair *p);
void diff_extras(struct diff_pair *p);
void diff_members(struct diff_pair *p);
