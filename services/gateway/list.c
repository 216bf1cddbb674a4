// SPDX-License-Identifier: Apache-2.0
/* Answering a small table as one page, a larger one page by page. */
#include "services/gateway/list.h"

#include <string.h>

#include "services/gateway/body.h"

#define PAGE_MAX 1000u

struct list {
	struct rest *r;
	const struct msg_desc *page;
	size_t item_size;
	list_row_fn row;
	const char *after; /* of a table in pages: last of the page before, NULL = from the start */
	size_t limit;      /* 0 = all in one */
	int key;           /* column that the pages are ordered by */
};

static void listed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	const struct list *l = arg;
	const struct msg_field *items = &l->page->fields[0];
	char *page = arena_alloc(l->r->arena, l->page->size);

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(l->r, f);
		return;
	}
	size_t rows = (size_t)db_rows(res[0]);
	bool more = l->limit > 0 && rows > l->limit;
	rows = more ? l->limit : rows;
	char *all = arena_array(l->r->arena, rows + 1, l->item_size);
	if (page == NULL || all == NULL) {
		rest_refuse(l->r, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	for (size_t i = 0; i < rows; i++)
		l->row(res[0], (int)i, l->r->arena, all + i * l->item_size);
	memcpy(page + items->offset, &all, sizeof(all));
	memcpy(page + items->offset_n, &rows, sizeof(rows));
	if (more) {
		const struct msg_field *next = body_field(l->page, "next");
		const char *last = db_get_text(res[0], (int)rows - 1, l->key);
		bug_if(next == NULL);
		memcpy(page + next->offset, &last, sizeof(last));
	}
	rest_reply(l->r, l->page, page);
}

static void no_parameters(struct db_args *a, void *arg)
{
	(void)a;
	(void)arg;
}

void list_all(struct rest *r, const struct db_sql *sql, const struct msg_desc *page,
	size_t item_size, list_row_fn row)
{
	struct list *l = arena_alloc(r->arena, sizeof(*l));

	if (l == NULL) {
		rest_refuse(r, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	*l = (struct list){.r = r, .page = page, .item_size = item_size, .row = row};
	db_query(r->gateway->service->db, sql, no_parameters, listed, l);
}

static void place(struct db_args *a, void *arg)
{
	const struct list *l = arg;

	db_text(a, l->after);
	db_int(a, (int64_t)l->limit + 1);
}

void list_pages(struct rest *r, const struct list_pages *p, const char *cursor, uint64_t limit)
{
	struct list *l = arena_alloc(r->arena, sizeof(*l));

	if (l == NULL) {
		rest_refuse(r, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	*l = (struct list){.r = r,
		.page = p->page,
		.item_size = p->item_size,
		.row = p->row,
		.after = cursor,
		.limit = limit == 0 || limit > PAGE_MAX ? PAGE_MAX : (size_t)limit,
		.key = p->key};
	db_query(r->gateway->service->db, p->sql, place, listed, l);
}
