// SPDX-License-Identifier: Apache-2.0
/* Members of a group on both sides: the same when they are the same person, whatever the number is
 * by which each side calls it. */
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/compare/diff_priv.h"

/* Who a member is: an item of the right side; one that only the left has; a text. */
#define ONLY_LEFT ((uint64_t)1 << 32)
#define ONLY_TEXT ((uint64_t)2 << 32)

struct member {
	uint64_t who;
	const char *name;
};

static uint64_t text_id(struct differ *x, const char *text)
{
	uintptr_t id = (uintptr_t)map_get(&x->texts, text, strlen(text));

	if (id == 0) {
		id = x->texts.n + 1;
		map_put(&x->texts, text, strlen(text), (void *)id);
	}
	return ONLY_TEXT | id;
}

static struct member who(struct differ *x, int side, const struct match_item *group, uint32_t m)
{
	const struct match_side *s = side ? &x->r : &x->l;
	const struct book_member *normal = &group->normal->member[m];

	if (normal->key == NULL) {
		const char *text = diff_keep(x, arena_strdup(&x->d->arena, normal->text));
		return (struct member){text_id(x, text), text};
	}
	uint64_t i = match_member(&x->members[side], group->list->slot, normal->key);
	const struct match_item *target = &s->v[i];
	const char *name = entry_name(target->raw);
	if (side == 0)
		i = target->pair == NO_PAIR ? ONLY_LEFT | i : target->pair;
	return (struct member){i, *name ? name : target->raw->key};
}

static struct member *members(struct differ *x, int side, const struct match_item *group)
{
	uint32_t n = group->normal->n_members;
	struct member *v = mem_alloc(size_max(n, 1) * sizeof(*v));

	for (uint32_t i = 0; i < n; i++)
		v[i] = who(x, side, group, i);
	return v;
}

static const char *names(struct differ *x, const struct member *v, uint32_t n)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", v[i].name);
	const char *s = diff_keep(x, arena_strdup(&x->d->arena, buf_str(&b)));
	buf_fini(&b);
	return s;
}

static void member_differs(struct diff_pair *p, const char *before, const char *after)
{
	struct diff_change c = diff_change_of(p, DIFF_CHANGE, DIFF_MEMBER);

	diff_add_content(p, &c, "member", before, after);
}

static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return (x->who > y->who) - (x->who < y->who);
}

static bool same_order(const struct member *l, uint32_t n, const struct member *r, uint32_t m)
{
	uint32_t i = 0;

	while (i < n && i < m && l[i].who == r[i].who)
		i++;
	return i == n && i == m;
}

/* Who came and who went; sorts both. How many. */
static uint32_t diff_sets(
	struct diff_pair *p, struct member *l, uint32_t n, struct member *r, uint32_t m)
{
	uint32_t found = 0;

	sort_stable(l, n, sizeof(*l), compare);
	sort_stable(r, m, sizeof(*r), compare);
	for (uint32_t i = 0, j = 0; i < n || j < m;) {
		int order = i == n ? 1 : j == m ? -1 : compare(&l[i], &r[j]);

		found += order != 0;
		if (order < 0)
			member_differs(p, l[i].name, NULL);
		if (order > 0)
			member_differs(p, NULL, r[j].name);
		i += order <= 0;
		j += order >= 0;
	}
	return found;
}

void diff_members(struct diff_pair *p)
{
	struct differ *x = p->x;
	uint32_t n = p->l->normal->n_members, m = p->r->normal->n_members;

	if (n + m == 0)
		return;
	if (x->members[0].n == 0 && x->members[1].n == 0) {
		match_index_members(&x->l, &x->members[0]);
		match_index_members(&x->r, &x->members[1]);
	}
	struct member *l = members(x, 0, p->l), *r = members(x, 1, p->r);
	if (!same_order(l, n, r, m)) {
		const char *before = names(x, l, n), *after = names(x, r, m);

		if (diff_sets(p, l, n, r, m) == 0)
			member_differs(p, before, after);
	}
	free(l);
	free(r);
}
