// SPDX-License-Identifier: Apache-2.0
/* What becomes of each entry of the device and of the source. */
#include <string.h>

#include "common/book/import/import_priv.h"

/* ---- rows ---- */

static const struct book_entry *was_at(const struct target *t, uint32_t i)
{
	return &t->was->entry[i];
}

static const struct book_entry *src_at(const struct target *t, uint32_t i)
{
	bug_if(t->src == NULL); /* then the right side is empty */
	return &t->src->entry[i];
}

static void rows_of_source(struct importer *im, struct target *t)
{
	for (uint32_t i = 0; i < t->right.n; i++) {
		const struct match_item *r = &t->right.v[i];
		struct row *row = &t->row[t->n++];
		*row = (struct row){.src = src_at(t, i)};
		if (r->pair == NO_PAIR)
			continue;
		row->was = was_at(t, r->pair);
		row->same = import_says(im, t, &t->left.v[r->pair], r);
	}
}

/* It is there already and stays as it is: worth a line only if the source says otherwise. */
static void tell_kept(struct importer *im, struct target *t, const struct match_item *l,
	const struct match_item *r)
{
	const struct ledger_line line = {.action = LEDGER_DUPLICATE,
		.before = entry_name(r->raw),
		.after = entry_name(l->raw),
		.reason = "the device has it already, and that stays as it is"};

	if (!import_says(im, t, l, r))
		import_note(im, t, r->raw, &line);
}

static void rows_of_device(struct importer *im, struct target *t)
{
	bool add = im->opts->mode == IMPORT_ADD;

	for (uint32_t i = 0; i < t->left.n; i++) {
		const struct match_item *l = &t->left.v[i];
		const struct match_item *r = l->pair == NO_PAIR ? NULL : &t->right.v[l->pair];
		struct row *row = &t->row[t->n++];
		*row = (struct row){.was = was_at(t, i), .src = r ? src_at(t, l->pair) : NULL};
		row->same = add || !r || import_says(im, t, l, r);
		if (add && r)
			tell_kept(im, t, l, r);
	}
	bug_if(t->right.n > 0 && t->right.v == NULL);
	for (uint32_t i = 0; i < t->right.n; i++)
		if (t->right.v[i].pair == NO_PAIR)
			t->row[t->n++] = (struct row){.src = src_at(t, i)};
}

int import_rows(struct importer *im, struct target *t)
{
	if (import_pair(im, t) < 0)
		return -1;
	t->row = import_take(im, (size_t)t->left.n + t->right.n, sizeof(*t->row));
	if (im->opts->mode == IMPORT_REPLACE)
		rows_of_source(im, t);
	else
		rows_of_device(im, t);
	return 0;
}
