// SPDX-License-Identifier: Apache-2.0
/* Pairs of entries of which there are several alike: one to one, in the order of their numbers. */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/sort.h"
#include "common/book/compare/match.h"

struct twin {
	const char *slot, *number, *key;
	const struct buf *text;
	size_t at, n;
	uint32_t item;
};

static int compare_equal(const struct twin *x, const struct twin *y)
{
	int order = strcmp(x->slot, y->slot);

	if (order == 0)
		order = (x->n > y->n) - (x->n < y->n);
	return order ? order : memcmp(x->text->p + x->at, y->text->p + y->at, x->n);
}

static int compare_twins(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;
	int order = compare_equal(x, y);

	if (order == 0)
		order = number_order(x->number, y->number);
	return order ? order : strcmp(x->key, y->key);
}

static struct twin *twins_of(const struct match_side *s, struct buf *text, uint32_t *ret_n)
{
	struct twin *v = mem_alloc(size_max(s->n, 1) * sizeof(*v));
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct match_item *it = &s->v[i];
		size_t at = text->n;

		if (it->pair != NO_PAIR)
			continue;
		buf_addc(text, it->raw->group ? 'g' : 'p');
		entry_content(it->normal, text);
		v[n++] = (struct twin){it->list->slot, fields_get(&it->normal->f, F_NUMBER),
			it->raw->key, text, at, text->n - at, i};
	}
	bug_if(text->err); /* out of memory */
	sort_stable(v, n, sizeof(*v), compare_twins);
	*ret_n = n;
	return v;
}

void match_equal(struct match_side *left, struct match_side *right)
{
	struct buf text[2] = {BUF_INIT, BUF_INIT};
	uint32_t n, m;

	struct twin *l = twins_of(left, &text[0], &n), *r = twins_of(right, &text[1], &m);
	for (uint32_t i = 0, j = 0; i < n && j < m;) {
		int order = compare_equal(&l[i], &r[j]);

		if (order == 0) {
			left->v[l[i].item].pair = r[j].item;
			right->v[r[j].item].pair = l[i].item;
		}
		i += order <= 0;
		j += order >= 0;
	}
	free(l);
	free(r);
	buf_fini(&text[0]);
	buf_fini(&text[1]);
}
