// SPDX-License-Identifier: Apache-2.0
/* The time zones of a task's targets, as they are now (FL-30). */
#include <string.h>

#include "services/scheduler/zones.h"

struct looking {
	struct arena *arena;
	zones_fn fn;
	void *arg;
};

static void counted(struct txn *t, struct db_result *r, const struct fault *f, void *arg)
{
	struct looking *l = arg;
	struct zones zones = {.n = 0};

	if (f != NULL) {
		l->fn(NULL, &zones, f, l->arg);
		return;
	}
	const struct zone **list = arena_array(l->arena, (size_t)db_rows(r) + 1, sizeof(*list));
	bug_if(list == NULL);
	for (int row = 0; row < db_rows(r); row++) {
		if (strcmp(db_get_text(r, row, 0), "zone") == 0)
			list[zones.n++] = zone_or_utc(db_get_text(r, row, 1));
	}
	zones.list = list;
	l->fn(t, &zones, NULL, l->arg);
}

const struct zone *zone_or_utc(const char *name)
{
	const struct zone *z = zone_find(name);

	return z == NULL ? zone_find("UTC") : z;
}

void zones_of(
	struct txn *t, const struct zones_asked *asked, struct arena *arena, zones_fn fn, void *arg)
{
	struct looking *l = arena_alloc(arena, sizeof(*l));

	bug_if(l == NULL);
	*l = (struct looking){.arena = arena, .fn = fn, .arg = arg};
	opening_preview(t,
		&(struct opening){.run = asked->task,
			.targets = asked->targets,
			.kind = "",
			.sees = asked->sees},
		arena, counted, l);
}
