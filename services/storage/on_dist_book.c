// SPDX-License-Identifier: Apache-2.0
/* Books for distribution: lists that pick from the destination list (docs/spec/address-books.md
 * 11.1, step 4). Saving makes the next version; devices' versions are never one of them (AB-33). */
#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/books/distribution.h"
#include "services/storage/books/opened_book.h"
#include "services/storage/books/pool.h"
#include "services/storage/books/record.h"

#define BOOKS 1000

static struct m_dist_book of_version(const struct m_version *v)
{
	return (struct m_dist_book){.id = v->device,
		.name = v->device_name,
		.version = v->id,
		.generation = v->generation,
		.entries = v->entries,
		.saved_at = v->committed_at};
}

/* ---- dist_book_list ---- */

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_dist_book_page page = {0};
	struct m_dist_book *items = arena_array(&call->arena, BOOKS, sizeof(*items));
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	for (int i = 0; items != NULL && i < db_rows(r[0]) && page.items_n < BOOKS; i++) {
		struct m_version v;
		sql_version_read(r[0], i, &call->arena, &v);
		if (!uuid_eq(&v.device, &POOL_ID))
			items[page.items_n++] = of_version(&v);
	}
	page.items = items;
	call_reply(call, &page);
}

void on_dist_book_list(struct call *call)
{
	sql_distributions(NULL, call->scope, call, listed);
}

/* ---- one ---- */

struct one {
	struct call *call;
	struct opened opened;
	struct uuid id;
	struct m_dist_book book;
	struct spool *plain; /* when saving */
	char family[33];
};

static void take_list(struct arena *a, const struct book_list *from, struct m_dist_list *to)
{
	const char **keys = arena_array(a, from->n_entries + (size_t)1, sizeof(*keys));
	*to = (struct m_dist_list){.name = record_text(a, from->name, 128),
		.kind = list_kind_name(from->kind),
		.n = from->n_entries};
	for (uint32_t i = 0; keys != NULL && i < from->n_entries && i < 10000; i++)
		keys[to->entries_n++] = record_text(a, from->entry[i].key, 64);
	to->entries = keys;
}

static void take_lists(struct one *o, const struct book *b)
{
	struct arena *a = &o->call->arena;
	size_t n = size_min(b->n_lists, 32);
	struct m_dist_list *lists = arena_array(a, n + 1, sizeof(*lists));
	for (size_t i = 0; lists != NULL && i < n; i++)
		take_list(a, &b->list[i], &lists[i]);
	o->book.lists = lists;
	o->book.lists_n = lists == NULL ? 0 : n;
	o->book.entries = b->n_entries;
}

static void answer(struct one *o)
{
	const struct m_dist_book_one reply = {.book = &o->book};
	call_reply(o->call, &reply);
}

/* ---- dist_book_get ---- */

static void read_one(struct opened *opened)
{
	struct one *o = opened->arg;
	if (opened->read[0].book != NULL)
		take_lists(o, opened->read[0].book);
}

static void got_one(struct opened *opened)
{
	answer(opened->arg);
}

static void found_one(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct one *o = arg;
	struct m_version v;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(o->call, f);
		return;
	}
	if (db_rows(r[0]) == 0) {
		call_refuse(o->call, CN_NOT_FOUND, "dist_book", "no such distribution book");
		return;
	}
	sql_version_read(r[0], 0, &o->call->arena, &v);
	o->book = of_version(&v);
	o->book.name = record_text(&o->call->arena, v.device_name, 128); /* the row goes */
	o->opened = (struct opened){.call = o->call,
		.n = 1,
		.id = {v.id},
		.work = read_one,
		.reply = got_one,
		.arg = o};
	opened_start(&o->opened);
}

void on_dist_book_get(struct call *call)
{
	const struct m_dist_book_get *ask = call->body;
	struct one *o = arena_alloc(&call->arena, sizeof(*o));
	bug_if(o == NULL);
	*o = (struct one){.call = call};
	sql_distributions(ask->ref, call->scope, o, found_one);
}

/* ---- dist_book_save ---- */

static int picks(const struct m_dist_book *b, struct pool_pick *ret, struct fault *f)
{
	for (size_t i = 0; i < b->lists_n; i++) {
		const struct m_dist_list *l = &b->lists[i];
		int kind = l->kind == NULL || l->kind[0] == 0 ? LIST_ADDRESS_LIST
							      : list_kind_named(l->kind);
		if (kind != LIST_ADDRESS_LIST && kind != LIST_ONE_TOUCH)
			return fault_why(f, CN_VALIDATION_FAILED, "unknown_word",
				"list '%.64s': address_list or one_touch", l->name);
		if (l->name[0] == 0 || (l->entries_n == 0 && !l->all))
			return fault_why(f, CN_VALIDATION_FAILED, "required",
				"a list needs a name and entries");
		ret[i] = (struct pool_pick){.name = l->name,
			.kind = (enum list_kind)kind,
			.keys = l->entries,
			.n = l->entries_n,
			.all = l->all};
	}
	return 0;
}

/* On the work pool, with the destination list. */
static void build(struct opened *opened)
{
	struct one *o = opened->arg;
	const struct m_dist_book_save *ask = o->call->body;
	struct pool_pick lists[32];
	struct book *b = NULL;
	if (opened->read[0].book == NULL || opened->read[0].book->n_lists != 1) {
		fault_why(&opened->fault, CN_VALIDATION_FAILED, "no_destinations",
			"the destination list is empty: import a file first");
		return;
	}
	if (picks(ask->book, lists, &opened->fault) == 0 &&
		pool_book(opened->read[0].book, lists, ask->book->lists_n, &b, &opened->fault) ==
			0) {
		take_lists(o, b);
		memcpy(o->family, b->family, size_min(strlen(b->family), 32));
		o->plain = distribution_encode(b, &opened->fault);
		book_wipe(b);
		book_free(b);
	}
}

static void saved(const struct draft *d, void *arg)
{
	struct one *o = arg;
	if (d->fault.code != 0) {
		call_fault(o->call, &d->fault);
		return;
	}
	o->book.version = d->result.version;
	o->book.generation = d->result.generation;
	o->book.saved_at = (int64_t)clock_wall_ms();
	answer(o);
}

static void built(struct opened *opened)
{
	struct one *o = opened->arg;
	const struct m_dist_book_save *ask = o->call->body;
	o->book.id = o->id;
	o->book.name = ask->book->name;
	const struct distribution_save save = {.id = o->id,
		.name = ask->book->name,
		.family = o->family,
		.plain = o->plain,
		.entries = (unsigned)o->book.entries};
	distribution_make(o->call, &save, saved, o);
}

static void found_pool(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct one *o = arg;
	struct m_version v;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(o->call, f);
		return;
	}
	if (db_rows(r[0]) == 0) {
		call_refuse(o->call, CN_VALIDATION_FAILED, "no_destinations",
			"the destination list is empty: import a file first");
		return;
	}
	sql_version_read(r[0], 0, &o->call->arena, &v);
	o->opened = (struct opened){
		.call = o->call, .n = 1, .id = {v.id}, .work = build, .reply = built, .arg = o};
	opened_start(&o->opened);
}

/* A name is one book's. */
static void named(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct one *o = arg;
	const struct m_dist_book_save *ask = o->call->body;
	struct m_version v;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(o->call, f);
		return;
	}
	for (int i = 0; i < db_rows(r[0]); i++) {
		sql_version_read(r[0], i, &o->call->arena, &v);
		if (!uuid_eq(&v.device, &o->id)) {
			call_refuse(o->call, CN_CONFLICT, "name", "there is a book '%.128s'",
				ask->book->name);
			return;
		}
	}
	sql_head(&POOL_ID, o, found_pool);
}

void on_dist_book_save(struct call *call)
{
	const struct m_dist_book_save *ask = call->body;
	struct one *o = arena_alloc(&call->arena, sizeof(*o));
	struct uuid id;
	bug_if(o == NULL);
	/* the same request twice is one book */
	*o = (struct one){.call = call, .id = ask->id};
	if (uuid_is_nil(&o->id))
		o->id = call->header.request;
	if (ask->book->name == NULL || ask->book->name[0] == 0 || ask->book->lists_n == 0)
		call_refuse(
			call, CN_VALIDATION_FAILED, "required", "a book needs a name and lists");
	else if (uuid_parse(ask->book->name, &id) == 0 || uuid_eq(&o->id, &POOL_ID))
		call_refuse(call, CN_VALIDATION_FAILED, "name", "a name, not an id");
	else
		sql_distributions(ask->book->name, NULL, o, named);
}
