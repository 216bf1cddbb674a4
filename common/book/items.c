// SPDX-License-Identifier: Apache-2.0
/* From the items of a device or a version to one book. */
#include "common/book/items.h"

#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"

static const struct item {
	const char *name, *slot;
	enum list_kind kind;
} items_known[] = {
	{"list_1", "1", LIST_ADDRESS_LIST}, {"list_2", "2", LIST_ADDRESS_LIST},
	{"list_3", "3", LIST_ADDRESS_LIST}, {"list_4", "4", LIST_ADDRESS_LIST},
	{"list_5", "5", LIST_ADDRESS_LIST}, {"list_6", "6", LIST_ADDRESS_LIST},
	{"list_7", "7", LIST_ADDRESS_LIST}, {"list_8", "8", LIST_ADDRESS_LIST},
	{"list_9", "9", LIST_ADDRESS_LIST}, {"list_10", "10", LIST_ADDRESS_LIST},
	{"one_touch", "11", LIST_ONE_TOUCH}, /* as its records say */
};

static const struct item *item_named(const char *name)
{
	for (size_t i = 0; i < array_len(items_known); i++)
		if (strcmp(items_known[i].name, name) == 0)
			return &items_known[i];
	return NULL;
}

const char *item_slot(const char *item)
{
	const struct item *i = item_named(item);

	return i ? i->slot : NULL;
}

const char *item_of_slot(const char *slot)
{
	for (size_t i = 0; i < array_len(items_known); i++)
		if (strcmp(items_known[i].slot, slot) == 0)
			return items_known[i].name;
	return NULL;
}

void book_add_item(struct book *to, const char *item, const struct book *part)
{
	const struct item *i = item_named(item);

	if (i && part->n_lists == 0)
		(void)book_add_list(to, i->slot, i->kind, "");
	for (uint32_t k = 0; k < part->n_lists; k++) {
		const struct book_list *from = &part->list[k];
		bool alone = i && part->n_lists == 1;
		struct book_list *l = book_add_list(
			to, alone ? i->slot : from->slot, alone ? i->kind : from->kind, from->name);
		for (uint32_t e = 0; e < from->n_entries; e++)
			(void)book_copy_entry(to, l, &from->entry[e]);
	}
	if (to->charset == NULL || to->charset[0] == 0)
		to->charset = book_str(to, part->charset);
}

/* A place in a file means nothing without the file. */
static int wrong_item(const char *item, const struct fault *f, struct fault *reterr)
{
	return fault_why(reterr, f->code, f->reason, "%s: %.200s", item, f->detail);
}

static int add_item(
	struct book *to, const struct book_item *i, const struct codec *codec, struct fault *reterr)
{
	struct book *part = NULL;
	struct fault f = FAULT_INIT;

	if (book_decode(i->bytes, codec, NULL, &part, &f) < 0) {
		book_wipe(part);
		book_free(part);
		return wrong_item(i->name, &f, reterr);
	}
	book_add_item(to, i->name, part);
	book_wipe(part);
	book_free(part);
	return 0;
}

int book_of_items(const struct book_item *items, size_t n, const struct codec *codec,
	struct book **ret_book, struct fault *reterr)
{
	struct book *b = book_new(codec->family);
	int rc = 0;

	b->codec = book_str(b, codec->name);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_item(b, &items[i], codec, reterr);
	if (rc == 0 && b->too_big)
		rc = fault_why(
			reterr, CN_RESPONSE_TOO_BIG, "too_big", "the lists together are too much");
	if (rc < 0) {
		book_wipe(b);
		book_free(b);
		return -1;
	}
	*ret_book = b;
	return 0;
}

static void wipe_text(const char *text)
{
	if (text != NULL) /* in the book's own arena */
		crypto_wipe((char *)(uintptr_t)text, strlen(text));
}

void book_wipe(struct book *b)
{
	for (uint32_t i = 0; b != NULL && i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++) {
			const struct book_entry *e = &b->list[i].entry[k];
			for (uint32_t d = 0; d < e->n_dests; d++)
				wipe_text(e->dest[d].secret.text);
		}
}
