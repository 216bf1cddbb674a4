// SPDX-License-Identifier: Apache-2.0
/* version_diff: what the book of one version has other than that of another. */
#include <stdio.h>
#include <string.h>

#include "common/book/compare/diff.h"
#include "services/storage/books/opened_book.h"
#include "services/storage/books/record.h"

#define LIMIT_DEFAULT 1000
#define PAGE_BYTES ((size_t)600 * 1024) /* of a frame of 1 MiB */

struct page {
	struct m_version_changes reply;
	uint64_t from, limit;
	char next[24];
};

static const char *value(struct arena *a, const struct diff_change *c, const char *text)
{
	if (text != NULL && strncmp(c->field, "extra.", 6) == 0 && record_hides(c->field + 6))
		return "(not shown)";
	return record_text(a, text, 4096);
}

static void fill(struct arena *a, const struct diff_change *c, struct m_book_change *ret)
{
	const struct book_entry *e = c->right != NULL ? c->right : c->left;
	bool whole = c->op == DIFF_ADD || c->op == DIFF_REMOVE;
	*ret = (struct m_book_change){.op = diff_op_name(c->op),
		.list = record_text(a, c->list, 64),
		.number = e == NULL ? 0 : record_number(e),
		.name = record_text(a, c->name, 1024),
		.field = record_text(a, c->field, 128),
		.before = value(a, c, c->before),
		.after = value(a, c, c->after),
		.dest = whole && e != NULL ? record_dest(a, e) : NULL};
}

static size_t weight(const struct m_book_change *c)
{
	return 120 + strlen(c->list) + strlen(c->name) + strlen(c->field) + strlen(c->before) +
	       strlen(c->after) + (c->dest == NULL ? 0 : strlen(c->dest));
}

static void take_changes(struct arena *a, const struct diff *d, struct page *p)
{
	struct m_book_change *items = arena_array(a, p->limit + 1, sizeof(*items));
	size_t bytes = 0, n = 0;
	for (uint64_t i = p->from; items != NULL && i < d->n && n < p->limit; i++) {
		fill(a, &d->change[i], &items[n]);
		bytes += weight(&items[n]);
		if (bytes > PAGE_BYTES && n > 0)
			break;
		n++;
	}
	p->reply.items = items;
	p->reply.items_n = items == NULL ? 0 : n;
	p->reply.total = d->n;
	p->reply.added = d->added;
	p->reply.removed = d->removed;
	p->reply.changed = d->changed;
	p->reply.moved = d->moved;
	p->reply.renumbered = d->renumbered;
	p->reply.unchanged = d->unchanged;
}

static void work(struct opened *o)
{
	struct page *p = o->arg;
	struct diff d;
	p->reply.faults_n = opened_faults(o, &p->reply.faults);
	for (size_t i = 0; i < 2; i++) {
		const struct version_book *v = &o->read[i];
		if (v->book != NULL && !v->broken)
			continue;
		fault_why(&o->fault, v->broken ? CN_PARSE_ERROR : CN_UNSUPPORTED_OPERATION,
			v->broken ? "broken" : "opaque", "version %c: %.200s", (char)('a' + i),
			v->n_kept > 0 ? v->fault[0].f.text : "nothing in it can be read as a book");
		return;
	}
	/* values are compared as the second one's printer takes them */
	if (book_diff(o->read[0].book, o->read[1].book, opened_profile(o, 1), &d) < 0) {
		fault_set(&o->fault, CN_RESPONSE_TOO_BIG, "these books are too large to compare");
		return;
	}
	take_changes(&o->call->arena, &d, p);
	diff_fini(&d);
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

void on_version_diff(struct call *call)
{
	const struct m_version_diff *ask = call->body;
	struct opened *o = arena_alloc(&call->arena, sizeof(*o));
	struct page *p = arena_alloc(&call->arena, sizeof(*p));
	bug_if(o == NULL || p == NULL);
	p->limit = ask->limit == 0 ? LIMIT_DEFAULT : size_min(ask->limit, LIMIT_DEFAULT);
	*o = (struct opened){.call = call,
		.n = 2,
		.id = {ask->a, ask->b},
		.work = work,
		.reply = reply,
		.arg = p};
	if (cursor_number(ask->cursor, &p->from) < 0)
		call_refuse(call, CN_VALIDATION_FAILED, "cursor", "not a cursor of this list");
	else
		opened_start(o);
}
