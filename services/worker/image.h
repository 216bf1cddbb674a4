// SPDX-License-Identifier: Apache-2.0
/* What a job that writes has read, whole and in memory, counted against what its session and the
 * worker may hold. Overwritten at the end: books have passwords. Loop thread, but for reading. */
#pragma once

#include "common/book/book.h"
#include "services/worker/adapters/adapter.h"

#define PICTURE_ITEMS 40u
#define PICTURES_MAX ((size_t)64 * 1024 * 1024) /* of one session */

struct image_budget {
	struct image_budget *parent; /* counts there, too; NULL = none */
	size_t bytes, max;
};

struct picture {
	struct image_budget *budget;
	struct buf data[PICTURE_ITEMS];
	struct image_item item[PICTURE_ITEMS]; /* span of data */
	size_t n_items;
	struct book *book;  /* owned; NULL = none, or not looked at yet */
	struct image image; /* of both, after picture_image */
};

void picture_init(struct picture *p, struct image_budget *budget);
/* Wipes. It is empty then and can be filled again. */
void picture_fini(struct picture *p);
/* name must live on. false: too many items. */
bool picture_item(struct picture *p, const char *name) must_check;
/* Of the newest item. false: over the budget. */
bool picture_bytes(struct picture *p, struct span bytes) must_check;
/* NULL = no such item. */
const struct image_item *picture_find(const struct picture *p, const char *name);
const struct image *picture_image(struct picture *p);
size_t picture_size(const struct picture *p);

/* Is there room for so many bytes? On the loop only. */
bool budget_take(struct image_budget *b, size_t n) must_check;
void budget_give(struct image_budget *b, size_t n);
/* The worker is what is full, not this session. */
bool budget_full_above(const struct image_budget *b, size_t n);
