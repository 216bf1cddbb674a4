// SPDX-License-Identifier: Apache-2.0
/* entry_search: where do entries stand, since when; from the index of all books. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/sql_book.h"

#define LIMIT_MAX 100
#define PAGE_BYTES ((size_t)700 * 1024) /* of a frame of 1 MiB */
#define MICROSECONDS_MAX INT64_C(253402300800000000)

/* ---- cursors: "part.entry.until.id.word", in base64 ---- */

static int read_cursor(struct call *call, const char *text, struct search_at *ret)
{
	struct buf b = BUF_INIT;
	long long part, entry, until, id;
	int at = 0, rc = -1;
	if (base64_decode(text, strlen(text), &b) == 0 &&
		sscanf(buf_str(&b), "%lld.%lld.%lld.%lld.%n", &part, &entry, &until, &id, &at) ==
			4 &&
		at > 0 && part > 0 && part <= 1000 && entry >= 0 && id >= 0 && until >= 0 &&
		(until == UNTIL_NOW || until < MICROSECONDS_MAX)) {
		*ret = (struct search_at){.part = part,
			.entry = entry,
			.until_us = until,
			.id = id,
			.word = arena_strdup(&call->arena, buf_str(&b) + at)};
		rc = 0;
	}
	buf_fini(&b);
	return rc;
}

static const char *write_cursor(struct call *call, const struct search_at *at)
{
	struct buf b = BUF_INIT, text = BUF_INIT;
	/* a row without an id says where to go on: before all rows of that entry */
	long long id = at->id == 0 ? INT64_MAX : (long long)at->id;
	buf_addf(&b, "%lld.%lld.%lld.%lld.%s", (long long)at->part, (long long)at->entry,
		(long long)at->until_us, id, at->word);
	base64_encode(buf_span(&b), &text);
	const char *kept = arena_strdup(&call->arena, buf_str(&text));
	buf_fini(&b);
	buf_fini(&text);
	return kept;
}

/* ---- answer ---- */

static void read_record(struct call *call, struct sql_found *found)
{
	struct fault f;
	void *entry = NULL;
	json_t *json = json_loads(found->record, 0, NULL);
	if (json != NULL && msg_from_json(&m_entry_desc, json, &call->arena, &entry, &f) == 0) {
		const struct m_entry *e = entry;
		found->entry.entry = e;
		found->entry.dest = e->dest;
		found->entry.kinds = e->kinds;
		found->entry.kinds_n = e->kinds_n;
	}
	json_decref(json);
}

static void answer(const struct sql_search *s, struct db_result *r)
{
	struct call *call = s->call;
	struct m_entry_page page = {.waiting = sql_search_waiting(r)};
	struct m_found_entry *items = arena_array(&call->arena, s->limit + 1, sizeof(*items));
	size_t bytes = 0;
	struct search_at last = {.part = 0};
	bug_if(items == NULL);
	page.items = items;
	for (int row = 0; row < db_rows(r); row++) {
		struct sql_found found;
		sql_found_read(r, row, &found);
		bytes += 600 + strlen(found.record);
		if (found.at.id == 0)
			last = found.at;
		if (found.at.id == 0 || page.items_n == s->limit ||
			(bytes > PAGE_BYTES && page.items_n > 0)) {
			page.next = write_cursor(call, &last);
			break;
		}
		read_record(call, &found);
		items[page.items_n++] = found.entry;
		last = found.at;
	}
	call_reply(call, &page);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct sql_search *s = arg;
	(void)t;
	(void)n;
	if (f != NULL)
		catalogue_refuse(s->call, f);
	else
		answer(s, r[0]);
}

/* ---- question ---- */

/* Now; or at one moment; or between two, either of which may be left out. */
static void take_times(struct sql_search *s, const struct m_entry_search *ask)
{
	int64_t at = ask->at != 0 ? ask->at : s->query.at_ms;
	s->from_ms = s->to_ms = UNTIL_NOW;
	if (at != 0) {
		s->from_ms = s->to_ms = at;
	} else if (ask->from != 0 || ask->to != 0) {
		s->from_ms = ask->from != 0 ? ask->from : 1;
		if (ask->to != 0)
			s->to_ms = ask->to;
	}
}

static int take(struct sql_search *s, struct fault *f)
{
	const struct m_entry_search *ask = s->call->body;
	if (!app.config->book_index)
		return fault_why(f, CN_UNSUPPORTED_OPERATION, "index_off",
			"the index of books is switched off (book_index)");
	if (query_parse(&s->call->arena, ask->q, ask->kind, &s->query, f) < 0)
		return -1;
	if (s->query.n == 0 && ask->device_n == 0)
		return fault_why(f, CN_VALIDATION_FAILED, "nothing_to_find",
			"say what to look for: words, a kind or a device");
	s->site = ask->site != NULL && ask->site[0] != 0 ? ask->site : s->query.site;
	take_times(s, ask);
	s->limit = ask->limit == 0 ? LIMIT_MAX : (unsigned)size_min(ask->limit, LIMIT_MAX);
	if (ask->cursor == NULL || ask->cursor[0] == 0)
		return 0;
	if (read_cursor(s->call, ask->cursor, &s->at) < 0 ||
		(s->call->scope == NULL && /* else the devices are known to the database only */
			(uint64_t)s->at.part > size_max(s->query.n, ask->device_n)))
		return fault_why(f, CN_VALIDATION_FAILED, "cursor", "not a cursor of this list");
	return 0;
}

void on_entry_search(struct call *call)
{
	struct fault f = FAULT_INIT;
	struct sql_search *s = arena_alloc(&call->arena, sizeof(*s));
	bug_if(s == NULL);
	*s = (struct sql_search){.call = call};
	if (take(s, &f) < 0)
		call_fault(call, &f);
	else
		sql_book_search(s, found);
}
