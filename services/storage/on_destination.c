// SPDX-License-Identifier: Apache-2.0
/* destination_import and destination_list: the pool that books for distribution pick from
 * (docs/spec/address-books.md 11.1, steps 2 and 3). It is a version of kind `distribution` with an
 * id of its own; each import makes its next generation. */
#include <string.h>

#include "services/storage/books/distribution.h"
#include "services/storage/books/opened_book.h"
#include "services/storage/books/pool.h"
#include "services/storage/books/record.h"

#define ITEMS 1000
#define ITEM_BYTES ((size_t)600 * 1024) /* of a frame of 1 MiB */
#define TWINS 200

const struct uuid POOL_ID = {{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0xd1, 0x57, 0}};

/* ---- destination_list ---- */

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_version version;
	const struct m_version_one one = {.version = &version};
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
	} else if (db_rows(r[0]) == 0) {
		call_refuse(call, CN_NOT_FOUND, "no_destinations",
			"the destination list is empty: import a file first");
	} else {
		sql_version_read(r[0], 0, &call->arena, &version);
		call_reply(call, &one);
	}
}

void on_destination_list(struct call *call)
{
	sql_head(&POOL_ID, call, listed);
}

/* ---- destination_import ---- */

struct import {
	struct call *call;
	struct opened opened;
	struct m_destination_imported reply;
	struct spool *plain; /* of the pool as it shall be; NULL = nothing to save */
	unsigned entries;
	char family[33];
};

static void take_new(struct import *m, const struct book *pool, uint32_t first)
{
	struct arena *a = &m->call->arena;
	const struct book_list *l = &pool->list[0];
	struct m_entry *items = arena_array(a, ITEMS, sizeof(*items));
	size_t bytes = 0;
	for (uint32_t i = first; items != NULL && i < l->n_entries; i++) {
		struct m_entry *e = &items[m->reply.items_n];
		if (m->reply.items_n == ITEMS || bytes > ITEM_BYTES)
			break;
		record_entry(a, l, &l->entry[i], e);
		for (size_t v = 0; v < e->values_n; v++)
			bytes += 16 + strlen(e->values[v].name) + strlen(e->values[v].value);
		bytes += 200 + strlen(e->name) + strlen(e->dest);
		m->reply.items_n++;
	}
	m->reply.items = items;
}

static void take_twins(struct import *m, const struct book *pool, const struct pool_added *added)
{
	struct arena *a = &m->call->arena;
	size_t n = size_min(added->n_twins, TWINS);
	struct m_twin *twins = arena_array(a, n + 1, sizeof(*twins));
	for (size_t i = 0; twins != NULL && i < n; i++) {
		const struct book_entry *there = &pool->list[0].entry[added->twin[i].there];
		twins[i] = (struct m_twin){
			.name = record_text(a, entry_name(added->twin[i].comes), 1024),
			.dest = record_dest(a, added->twin[i].comes),
			.key = record_text(a, there->key, 256),
			.there = record_text(a, entry_name(there), 1024)};
	}
	m->reply.twins = twins;
	m->reply.twins_n = twins == NULL ? 0 : n;
}

static bool faultless(const struct version_book *v)
{
	for (size_t i = 0; i < v->n_kept; i++)
		if (!v->fault[i].f.warning)
			return false;
	return !v->broken;
}

/* On the work pool, with the source and the pool as it is. */
static void work(struct opened *o)
{
	struct import *m = o->arg;
	const struct m_destination_import *ask = m->call->body;
	struct version_book *source = &o->read[0];
	struct pool_added added = {0};
	m->reply.faults_n = opened_faults(o, &m->reply.faults);
	m->reply.wrong = source->n_faults;
	if (source->book == NULL) {
		fault_why(&o->fault, CN_VALIDATION_FAILED, "no_book",
			"nothing of that version is an address book");
		return;
	}
	struct book *pool = o->n == 2 && o->read[1].book != NULL ? book_copy(o->read[1].book)
								 : pool_new(source->book->family);
	if (pool_add(pool, source->book, ask->list, ask->join, &added, &o->fault) == 0) {
		m->reply.total = pool->n_entries;
		m->reply.added = added.added;
		m->reply.joined = added.joined;
		m->reply.doubles = added.doubles;
		take_new(m, pool, added.first);
		take_twins(m, pool, &added);
		if (!ask->preview && faultless(source) && added.added > 0)
			m->plain = distribution_encode(pool, &o->fault);
		m->entries = pool->n_entries;
		memcpy(m->family, pool->family, size_min(strlen(pool->family), 32));
	}
	pool_added_fini(&added);
	book_wipe(pool);
	book_free(pool);
}

static void saved(const struct draft *d, void *arg)
{
	struct import *m = arg;
	if (d->fault.code != 0) {
		call_fault(m->call, &d->fault);
		return;
	}
	m->reply.version = d->result.version;
	m->reply.generation = d->result.generation;
	call_reply(m->call, &m->reply);
}

static void reply(struct opened *o)
{
	struct import *m = o->arg;
	if (m->plain == NULL) {
		call_reply(m->call, &m->reply);
		return;
	}
	const struct distribution_save save = {.id = POOL_ID,
		.name = "destination list",
		.family = m->family,
		.plain = m->plain,
		.entries = m->entries};
	distribution_make(m->call, &save, saved, m);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct import *m = arg;
	const struct m_destination_import *ask = m->call->body;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(m->call, f);
		return;
	}
	m->opened = (struct opened){.call = m->call,
		.n = 1,
		.id = {ask->source},
		.work = work,
		.reply = reply,
		.arg = m};
	if (db_rows(r[0]) > 0) {
		struct m_version pool;
		sql_version_read(r[0], 0, &m->call->arena, &pool);
		m->opened.id[m->opened.n++] = pool.id;
	}
	opened_start(&m->opened);
}

void on_destination_import(struct call *call)
{
	struct import *m = arena_alloc(&call->arena, sizeof(*m));
	bug_if(m == NULL);
	*m = (struct import){.call = call};
	sql_head(&POOL_ID, m, found);
}
