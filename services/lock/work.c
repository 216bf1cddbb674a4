// SPDX-License-Identifier: Apache-2.0
/* A call on its way through a transaction: made, its ids in order, ended. */
#include <stdlib.h>

#include "services/lock/serve.h"

struct work *serve_work(struct call *call)
{
	struct work *w = arena_alloc(&call->arena, sizeof(*w));

	if (w == NULL) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
		return NULL;
	}
	w->call = call;
	w->arena = &call->arena;
	return w;
}

bool serve_ids_ok(struct call *call, const struct uuid *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!uuid_is_nil(&ids[i]))
			continue;
		call_refuse(call, CN_VALIDATION_FAILED, "id", "an id is nil");
		return false;
	}
	return true;
}

int work_by_id(const void *a, const void *b)
{
	return uuid_cmp(a, b);
}

size_t work_sort(struct uuid *ids, size_t n)
{
	size_t kept = 0;

	qsort(ids, n, sizeof(*ids), work_by_id);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !uuid_eq(&ids[kept - 1], &ids[i]))
			ids[kept++] = ids[i];
	return kept;
}

const struct uuid *serve_devices(struct arena *a, const struct uuid *ids, size_t n, size_t *ret_n)
{
	struct uuid *copy = arena_dup(a, ids, n * sizeof(*ids));

	if (copy != NULL)
		*ret_n = work_sort(copy, n);
	return copy;
}

void work_end(struct work *w)
{
	if (w->call == NULL) {
		arena_fini(w->arena);
		free(w->arena);
		free(w);
		return;
	}
	if (w->fault.code != 0)
		call_fault(w->call, &w->fault);
	else
		call_reply(w->call, w->answer);
}
