// SPDX-License-Identifier: Apache-2.0
/* Tables that say on a member which groups it is in (Ricoh's Groups, Xerox's MemberOf): gathered
 * while rows are read, turned into the members of each group at the end, and said again on writing.
 * How several groups are separated is not documented: one of , ; / or blank is read, the first one
 * seen is written, else a comma. A cell that names something else than groups stays as it is. */
#pragma once

#include "common/base/map.h"
#include "common/book/engines/sheet.h"

struct member_cell {
	uint32_t list, entry;
	const char *text;
};

struct member_of {
	const char *column;
	/* by what a group is named in the file */
	const char *(*id)(const struct book_entry *e);
	bool names_too; /* or by its name, where that is one group's alone */

	struct member_cell *cell;
	size_t n, cap;
	struct map groups;   /* id to entry, while reading */
	struct map names;    /* name to entry */
	char separator;      /* 0 = none was seen */
	bool by_name;        /* that is how this file says it */
	struct map old, new; /* writing: key of a member to the text of its groups */
	const struct book *base;
};

/* As get and put of the column; the format's state begins with a struct member_of. */
bool member_of_get(
	struct sheet *s, const struct record *r, const struct column *c, const char *text);
const char *member_of_put(const struct saying *y);
/* In done, plan, and after all. */
void member_of_join(struct sheet *s, struct member_of *m);
void member_of_plan(struct writer *w, struct member_of *m);
void member_of_fini(struct member_of *m);
