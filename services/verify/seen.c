// SPDX-License-Identifier: Apache-2.0
/* Open addressing; names of objects are random already. */
#include "services/verify/seen.h"

#include <stdlib.h>
#include <string.h>

struct seen {
	size_t room, n;
	struct seen_object *slots;
};

struct seen *seen_new(void)
{
	struct seen *s = mem_alloc(sizeof(*s));
	s->room = 1024;
	s->slots = mem_alloc(s->room * sizeof(*s->slots));
	return s;
}

void seen_free(struct seen *s)
{
	if (s != NULL)
		free(s->slots);
	free(s);
}

void seen_id(const uint8_t oid[static OID_LEN], uint64_t incarnation, uint8_t id[static 16])
{
	memcpy(id, oid, 16);
	for (unsigned i = 0; i < 8; i++)
		id[8 + i] ^= (uint8_t)(incarnation >> 8 * i);
}

static struct seen_object *place(const struct seen *s, const uint8_t id[static 16])
{
	size_t at;
	memcpy(&at, id, sizeof(at));
	for (at &= s->room - 1; s->slots[at].used; at = (at + 1) & (s->room - 1))
		if (memcmp(s->slots[at].id, id, 16) == 0)
			break;
	return &s->slots[at];
}

const struct seen_object *seen_find(const struct seen *s, const uint8_t id[static 16])
{
	const struct seen_object *o = place(s, id);
	return o->used ? o : NULL;
}

static void grow(struct seen *s)
{
	struct seen old = *s;
	s->room *= 2;
	s->slots = mem_alloc(s->room * sizeof(*s->slots));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].used)
			*place(s, old.slots[i].id) = old.slots[i];
	free(old.slots);
}

void seen_add(struct seen *s, const struct seen_object *o)
{
	if (s->n >= s->room / 4 * 3) {
		if (s->room >= SEEN_MAX)
			return;
		grow(s);
	}
	struct seen_object *at = place(s, o->id);
	s->n += !at->used;
	*at = *o;
	at->used = true;
}
