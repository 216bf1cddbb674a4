// SPDX-License-Identifier: Apache-2.0
/* Which entry a member of a group is. Only keys that members name are looked for: most books have
 * few groups. */
#include <string.h>

#include "common/base/buf.h"
#include "common/book/compare/match.h"

static size_t map_key(struct buf *key, const char *slot, const char *text)
{
	buf_reset(key);
	buf_add(key, slot, strlen(slot) + 1);
	buf_adds(key, text);
	return key->n;
}

/* Values of a map are never NULL. */
static void *number(uint32_t item)
{
	return (void *)((uintptr_t)item + 1);
}

static void name_members(const struct match_item *group, struct map *named, struct buf *key)
{
	for (uint32_t m = 0; m < group->normal->n_members; m++) {
		const char *k = group->normal->member[m].key;
		if (k == NULL)
			continue;
		size_t n = map_key(key, group->list->slot, k);
		map_put(named, key->p, n, number(0));
	}
}

/* From the last on: the first of that key is meant. */
void match_index_members(const struct match_side *s, struct map *named)
{
	struct buf key = BUF_INIT;

	for (uint32_t i = 0; i < s->n; i++)
		name_members(&s->v[i], named, &key);
	for (uint32_t i = s->n; named->n > 0 && i > 0; i--) {
		size_t n = map_key(&key, s->v[i - 1].list->slot, s->v[i - 1].raw->key);

		if (map_get(named, key.p, n) != NULL)
			map_put(named, key.p, n, number(i - 1));
	}
	buf_fini(&key);
}

uint32_t match_member(const struct map *named, const char *slot, const char *key)
{
	struct buf k = BUF_INIT;
	size_t n = map_key(&k, slot, key);
	uintptr_t item = (uintptr_t)map_get(named, k.p, n);

	bug_if(item == 0);
	buf_fini(&k);
	return (uint32_t)(item - 1);
}
