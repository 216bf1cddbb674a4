// SPDX-License-Identifier: Apache-2.0
/* Items in memory. */
#include "services/worker/image.h"

#include <string.h>

#include "common/book/items.h"
#include "common/crypto/crypto.h"

bool budget_take(struct image_budget *b, size_t n)
{
	for (const struct image_budget *i = b; i; i = i->parent)
		if (i->max - i->bytes < n)
			return false;
	for (; b; b = b->parent)
		b->bytes += n;
	return true;
}

void budget_give(struct image_budget *b, size_t n)
{
	for (; b; b = b->parent)
		b->bytes -= n;
}

bool budget_full_above(const struct image_budget *b, size_t n)
{
	return b->max - b->bytes >= n;
}

void picture_init(struct picture *p, struct image_budget *budget)
{
	*p = (struct picture){.budget = budget};
}

void picture_fini(struct picture *p)
{
	struct image_budget *budget = p->budget;

	if (p->n_items)
		budget_give(budget, picture_size(p));
	for (size_t i = 0; i < p->n_items; i++) {
		if (p->data[i].p)
			crypto_wipe(p->data[i].p, p->data[i].cap);
		buf_fini(&p->data[i]);
	}
	book_wipe(p->book);
	book_free(p->book);
	picture_init(p, budget);
}

bool picture_item(struct picture *p, const char *name)
{
	if (p->n_items == PICTURE_ITEMS)
		return false;
	p->item[p->n_items] = (struct image_item){.name = name};
	p->data[p->n_items++] = BUF_INIT;
	return true;
}

bool picture_bytes(struct picture *p, struct span bytes)
{
	struct buf *b = &p->data[p->n_items - 1];

	if (!budget_take(p->budget, bytes.n))
		return false;
	buf_add(b, bytes.p, bytes.n);
	bug_if(b->err);
	p->item[p->n_items - 1].bytes = buf_span(b);
	return true;
}

const struct image_item *picture_find(const struct picture *p, const char *name)
{
	for (size_t i = 0; i < p->n_items; i++)
		if (strcmp(p->item[i].name, name) == 0)
			return &p->item[i];
	return NULL;
}

const struct image *picture_image(struct picture *p)
{
	p->image = (struct image){.item = p->item, .n_items = p->n_items, .book = p->book};
	return &p->image;
}

size_t picture_size(const struct picture *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_items; i++)
		n += p->item[i].bytes.n;
	return n;
}
