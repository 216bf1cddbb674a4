// SPDX-License-Identifier: Apache-2.0
/* version_entries: the book of a version in canonical fields, read from what the device gave. */
#include <stdio.h>
#include <string.h>

#include "common/book/norm.h"
#include "services/storage/books/opened_book.h"
#include "services/storage/books/record.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define PAGE_BYTES ((size_t)600 * 1024) /* of a frame of 1 MiB */

struct page {
	struct m_version_book reply;
	uint64_t from, limit;
	char next[24];
};

static size_t weight(const struct m_entry *e)
{
	size_t n = 200 + strlen(e->name) + strlen(e->dest);
	for (size_t i = 0; i < e->values_n; i++)
		n += 8 + strlen(e->values[i].name) + strlen(e->values[i].value);
	return n + 40 * e->secrets_n;
}

static void take_lists(struct arena *a, const struct book *b, struct m_version_book *reply)
{
	size_t n = size_min(b->n_lists, 256);
	struct m_book_list *lists = arena_array(a, n + 1, sizeof(*lists));
	for (size_t i = 0; lists != NULL && i < n; i++)
		lists[i] = (struct m_book_list){.slot = record_text(a, b->list[i].slot, 64),
			.kind = list_kind_name(b->list[i].kind),
			.name = record_text(a, b->list[i].name, 256),
			.entries = b->list[i].n_entries};
	reply->lists = lists;
	reply->lists_n = lists == NULL ? 0 : n;
}

static void take_entries(
	struct opened *o, const struct book *b, const struct m_version_entries *ask)
{
	struct page *p = o->arg;
	struct arena *a = &o->call->arena;
	struct m_entry *items = arena_array(a, p->limit + 1, sizeof(*items));
	size_t bytes = 0;
	uint64_t n = 0;
	bool full = items == NULL;
	p->reply.items = items;
	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct book_list *l = &b->list[i];
		if (ask->list != NULL && ask->list[0] != 0 && strcmp(ask->list, l->slot) != 0)
			continue;
		for (uint32_t k = 0; k < l->n_entries; k++, n++) {
			if (n < p->from || full)
				continue;
			struct m_entry *e = &items[p->reply.items_n];
			record_entry(a, l, &l->entry[k], e);
			bytes += weight(e);
			full = p->reply.items_n == p->limit ||
			       (bytes > PAGE_BYTES && p->reply.items_n > 0);
			p->reply.items_n += !full;
		}
	}
	p->reply.total = n;
}

static void work(struct opened *o)
{
	const struct m_version_entries *ask = o->call->body;
	const struct version_book *v = &o->read[0];
	struct page *p = o->arg;
	struct arena *a = &o->call->arena;
	struct book_hashes h;
	p->reply.faults_n = opened_faults(o, &p->reply.faults);
	p->reply.wrong = v->n_faults;
	if (v->book == NULL)
		return;
	struct book *b = book_normal_view(v->book, NULL);
	book_hash(b, NULL, &h);
	p->reply.hash = (struct span){arena_dup(a, h.pub, sizeof(h.pub)), sizeof(h.pub)};
	p->reply.family = arena_strdup(a, v->book->family);
	p->reply.codec = v->codec;
	p->reply.charset = arena_strdup(a, v->book->charset == NULL ? "" : v->book->charset);
	take_lists(a, b, &p->reply);
	take_entries(o, b, ask);
	book_wipe(b);
	book_free(b);
}

static void reply(struct opened *o)
{
	struct page *p = o->arg;
	uint64_t next = p->from + p->reply.items_n;
	if (next < p->reply.total) {
		(void)snprintf(p->next, sizeof(p->next), "%llu", (unsigned long long)next);
		p->reply.next = p->next;
	}
	call_reply(o->call, &p->reply);
}

void on_version_entries(struct call *call)
{
	const struct m_version_entries *ask = call->body;
	struct opened *o = arena_alloc(&call->arena, sizeof(*o));
	struct page *p = arena_alloc(&call->arena, sizeof(*p));
	bug_if(o == NULL || p == NULL);
	p->limit = ask->limit == 0 ? LIMIT_DEFAULT : size_min(ask->limit, LIMIT_MAX);
	*o = (struct opened){
		.call = call, .n = 1, .id = {ask->id}, .work = work, .reply = reply, .arg = p};
	if (cursor_number(ask->cursor, &p->from) < 0)
		call_refuse(call, CN_VALIDATION_FAILED, "cursor", "not a cursor of this list");
	else
		opened_start(o);
}
