// SPDX-License-Identifier: Apache-2.0
/* Pairs of destinations inside two entries that are the same: in one order, equal ones first. */
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/compare/match.h"

bool is_address(enum book_field id)
{
	const struct field_info *info = field_info(id);

	return info && info->address && id != F_PORT;
}

static int compare_values(const char *x, const char *y)
{
	return x == y ? 0 : strcmp(x ? x : "", y ? y : "");
}

static int compare_fields(const struct fields *x, const struct fields *y, bool addresses)
{
	uint32_t i = 0, j = 0;

	for (;; i++, j++) {
		while (addresses && i < x->n && !is_address(x->v[i].id))
			i++;
		while (addresses && j < y->n && !is_address(y->v[j].id))
			j++;
		if (i == x->n || j == y->n)
			return (i < x->n) - (j < y->n);
		int order = (x->v[i].id > y->v[j].id) - (x->v[i].id < y->v[j].id);
		if (order == 0)
			order = strcmp(x->v[i].value, y->v[j].value);
		if (order)
			return order;
	}
}

static int compare_secrets(const struct book_secret *x, const struct book_secret *y)
{
	int order = (x->state > y->state) - (x->state < y->state);

	if (order == 0)
		order = compare_values(x->text, y->text);
	return order ? order : compare_values(x->scheme, y->scheme);
}

/* How much must be equal; each step looks at more than the next. */
enum { ALL, ALL_BUT_SECRETS, ADDRESS, KIND, STEPS };

static int compare(const struct book_dest *x, const struct book_dest *y, int step)
{
	int order = (x->kind > y->kind) - (x->kind < y->kind);

	if (order == 0 && step <= ADDRESS)
		order = compare_fields(&x->f, &y->f, true);
	if (order == 0 && step <= ALL_BUT_SECRETS)
		order = compare_fields(&x->f, &y->f, false);
	if (order == 0 && step == ALL)
		order = compare_secrets(&x->secret, &y->secret);
	return order;
}

bool same_address(const struct book_dest *x, const struct book_dest *y)
{
	bool any = false;

	for (uint32_t i = 0; i < x->f.n && !any; i++)
		any = is_address(x->f.v[i].id);
	return any && compare(x, y, ADDRESS) == 0;
}

bool same_dest(const struct book_dest *x, const struct book_dest *y)
{
	bool same = x->kind == y->kind && x->f.n == y->f.n;

	for (uint32_t i = 0; same && i < x->f.n; i++)
		same = x->f.v[i].id == y->f.v[i].id &&
		       strcmp(x->f.v[i].value, y->f.v[i].value) == 0;
	return same && compare_secrets(&x->secret, &y->secret) == 0;
}

struct place {
	const struct book_dest *d;
	uint32_t at;
	bool taken;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return compare(x->d, y->d, ALL);
}

static struct place *sorted(const struct book_entry *e)
{
	struct place *v = mem_alloc(size_max(e->n_dests, 1) * sizeof(*v));

	for (uint32_t i = 0; i < e->n_dests; i++)
		v[i] = (struct place){&e->dest[i], i, false};
	sort_stable(v, e->n_dests, sizeof(*v), compare_places);
	return v;
}

static void walk(struct place *l, uint32_t n, struct place *r, uint32_t m, int step, uint32_t *pair)
{
	uint32_t i = 0, j = 0;

	while (i < n && j < m) {
		int order = l[i].taken ? -1 : r[j].taken ? 1 : compare(l[i].d, r[j].d, step);

		if (order == 0) {
			pair[l[i].at] = r[j].at;
			l[i].taken = r[j].taken = true;
		}
		i += order <= 0;
		j += order >= 0;
	}
}

void match_dests(const struct book_entry *left, const struct book_entry *right, uint32_t *pair)
{
	uint32_t n = left->n_dests, m = right->n_dests;

	if (n == 1 && m == 1) {
		pair[0] = left->dest[0].kind == right->dest[0].kind ? 0 : NO_PAIR;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		pair[i] = NO_PAIR;
	if (n == 0 || m == 0)
		return;
	struct place *l = sorted(left), *r = sorted(right);
	for (int step = ALL; step < STEPS; step++)
		walk(l, n, r, m, step, pair);
	free(l);
	free(r);
}
