// SPDX-License-Identifier: Apache-2.0
/* From a version in the vault to rows of the index, and from entries to contents with their words.
 * Work pool only. */
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/storage/books/index_reader.h"
#include "services/storage/books/record.h"

/* ---- from the vault to rows ---- */

static int by_identity(const void *a, const void *b)
{
	const struct book_row *x = a, *y = b;
	int c = strcmp(x->slot, y->slot);
	if (c == 0)
		c = strcmp(x->key, y->key);
	return c != 0 ? c : memcmp(x->hash, y->hash, sizeof(x->hash));
}

static void add_row(struct reader *r, const struct book_list *l, const struct book_entry *e)
{
	struct book_hashes h;
	struct book_row *row = &r->rows[r->rows_n++];
	entry_hash(e, NULL, &h);
	*row = (struct book_row){.slot = record_text(&r->arena, l->slot, 64),
		.key = record_text(&r->arena, e->key, 256),
		.number = (int64_t)record_number(e),
		.entry = e};
	memcpy(row->hash, h.pub, sizeof(row->hash));
}

/* What stands twice in one list under one key is one row. */
static void unique_rows(struct reader *r)
{
	size_t kept = 0;
	qsort(r->rows, r->rows_n, sizeof(*r->rows), by_identity);
	for (size_t i = 0; i < r->rows_n; i++)
		if (kept == 0 || by_identity(&r->rows[kept - 1], &r->rows[i]) != 0)
			r->rows[kept++] = r->rows[i];
	r->rows_n = kept;
}

static void make_rows(struct reader *r)
{
	r->book = book_normal_view(r->read.book, NULL);
	book_hash(r->book, NULL, &r->hashes);
	r->rows = mem_alloc((r->book->n_entries + (size_t)1) * sizeof(*r->rows));
	for (uint32_t i = 0; i < r->book->n_lists; i++)
		for (uint32_t k = 0; k < r->book->list[i].n_entries; k++)
			add_row(r, &r->book->list[i], &r->book->list[i].entry[k]);
	unique_rows(r);
}

void reader_read(struct reader *r)
{
	CRASHPOINT("index.claimed");
	if (version_book_read(r->items, r->items_n, &r->read, &r->fault) < 0)
		return;
	if (r->read.book != NULL && !r->read.broken && !r->torn)
		make_rows(r);
	CRASHPOINT("index.read");
}

/* ---- contents of a piece ---- */

struct wording {
	struct reader *r;
	unsigned of;
};

static void add_word(int kind, const char *word, void *arg)
{
	const struct wording *w = arg;
	struct reader *r = w->r;
	const char *text = arena_strdup(&r->piece_arena, word);
	if (text == NULL)
		return;
	if (r->words_n == r->words_cap) {
		r->words_cap = r->words_cap * 2 + 256;
		r->words = mem_realloc(r->words, r->words_cap * sizeof(*r->words));
	}
	r->words[r->words_n++] = (struct book_word){w->of, kind, text};
}

/* As people may read it in the database; parsed again for an answer. */
static const char *record_json(struct arena *a, const struct book_entry *e)
{
	struct m_entry entry;
	record_content(a, e, RECORD_SMALL, &entry);
	json_t *json = msg_to_json(&m_entry_desc, &entry);
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	const char *kept = text == NULL ? NULL : arena_strdup(a, text);
	free(text);
	json_decref(json);
	return kept == NULL ? "{}" : kept;
}

void reader_contents(struct reader *r)
{
	arena_reset(&r->piece_arena);
	r->contents_n = size_min(PIECE, r->unknown_n - r->piece);
	r->words_n = 0;
	for (size_t i = 0; i < r->contents_n; i++) {
		const struct book_row *row = r->unknown[r->piece + i];
		struct wording w = {r, (unsigned)i};
		r->contents[i] = (struct book_content){.row = row,
			.kinds = record_kinds(row->entry),
			.name = record_text(&r->piece_arena, entry_name(row->entry), 1024),
			.record = record_json(&r->piece_arena, row->entry)};
		if (record_words(row->entry, add_word, &w) < 0)
			return; /* found by the words it has */
	}
}
