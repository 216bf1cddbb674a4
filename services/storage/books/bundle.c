// SPDX-License-Identifier: Apache-2.0
/* Small files first: who looks into the begin of it sees what it is. */
#include "services/storage/books/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/books/zip.h"

#define SMALL_MAX 8

struct small {
	const char *name;
	struct buf bytes;
};

struct bundle {
	char folder[FILE_NAME_MAX + 1];
	const char *suffix; /* of native items */
	int64_t at;         /* seconds */
	struct small small[SMALL_MAX];
	size_t n_small;
	struct stored_item *items;
	size_t n_items;
	size_t next;                  /* small files, then items */
	struct stored_reader *reader; /* of the item that is being read */
	struct zip *zip;              /* NULL before the first bundle_next */
};

struct bundle *bundle_new(
	const char *folder, const struct m_version *v, const struct stored_item *items, size_t n)
{
	struct bundle *b = mem_alloc(sizeof(*b));
	(void)snprintf(b->folder, sizeof(b->folder), "%s", folder);
	b->suffix = file_suffix(v->format);
	b->at = (int64_t)(v->committed_at / 1000);
	b->items = mem_alloc((n + 1) * sizeof(*b->items));
	for (size_t i = 0; i < n; i++)
		if (items[i].native)
			b->items[b->n_items++] = items[i];
	return b;
}

void bundle_add(struct bundle *b, const char *name, struct buf *bytes)
{
	bug_if(b->n_small == SMALL_MAX);
	b->small[b->n_small++] = (struct small){name, *bytes};
	*bytes = BUF_INIT;
}

static int add_small(struct bundle *b, struct small *s, struct fault *reterr)
{
	char name[FILE_NAME_MAX + 64];
	(void)snprintf(name, sizeof(name), "%s/%s", b->folder, s->name);
	if (zip_file(b->zip, name, s->bytes.n, reterr) < 0 ||
		zip_bytes(b->zip, buf_span(&s->bytes), reterr) < 0)
		return -1;
	buf_wipe(&s->bytes);
	b->next++;
	return 0;
}

static int begin_item(struct bundle *b, const struct stored_item *i, struct fault *reterr)
{
	char name[FILE_NAME_MAX + 128];
	(void)snprintf(name, sizeof(name), "%s/native/%s.%s", b->folder, i->name, b->suffix);
	b->reader = stored_open(i, reterr);
	return b->reader == NULL ? -1 : zip_file(b->zip, name, i->ref.plain_len, reterr);
}

static int add_piece(struct bundle *b, struct fault *reterr)
{
	struct span piece;
	if (stored_next(b->reader, &piece, reterr) < 0)
		return -1;
	if (piece.n > 0)
		return zip_bytes(b->zip, piece, reterr);
	stored_close(b->reader);
	b->reader = NULL;
	b->next++;
	return 0;
}

int bundle_next(struct bundle *b, struct buf *out, bool *ret_end, struct fault *reterr)
{
	*ret_end = false;
	if (b->zip == NULL)
		b->zip = zip_new(out, b->at);
	if (b->next < b->n_small)
		return add_small(b, &b->small[b->next], reterr);
	if (b->reader != NULL)
		return add_piece(b, reterr);
	if (b->next < b->n_small + b->n_items)
		return begin_item(b, &b->items[b->next - b->n_small], reterr);
	*ret_end = true;
	return zip_end(b->zip, reterr);
}

void bundle_free(struct bundle *b)
{
	if (b == NULL)
		return;
	stored_close(b->reader);
	zip_free(b->zip);
	for (size_t i = 0; i < b->n_small; i++)
		buf_wipe(&b->small[i].bytes);
	crypto_wipe(b->items, b->n_items * sizeof(*b->items));
	free(b->items);
	free(b);
}
