// SPDX-License-Identifier: Apache-2.0
/* A book over the file that it came from: only what changed changes. */
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/tree.h"
#include "common/book/engines/words.h"

struct over {
	struct tree_writer *w;
	struct tree base;
	struct book *book;    /* the base's */
	struct map base_keys; /* to its entries */
	struct tree_edits edits;
	struct tree_leaves leaves; /* of the record at hand */
	struct tree_grow piece;
	bool *gone;                   /* records of base that are no longer in the book */
	uint32_t added;               /* records, all at one place */
	const struct xml_node *grown; /* what holds them */
};

/* ---- one place ---- */

/* What stands there and does not count yet. */
static const char *stale(const struct over *o, const struct tree_row *row)
{
	const char *text = tree_text(&o->leaves, row->path);
	const char *yes_no = NULL;

	if (row->role == TREE_BOOL || row->role == TREE_SWITCH)
		yes_no = bool_read(text);
	return yes_no ? yes_no : text;
}

static void set_leaf(struct over *o, const struct tree_row *row, const char *value)
{
	const struct tree_leaf *leaf = tree_leaf(&o->leaves, row->path);
	const char *words = tree_words(row, tree_text(&o->leaves, row->path), value);
	struct buf xml = BUF_INIT;

	if (!leaf || !leaf->value) {
		if (value[0] && !(row->role == TREE_SWITCH && strcmp(value, "false") == 0))
			tree_grow_add(&o->w->grow, row->path, words, false);
		if (leaf && value[0])
			tree_remove(&o->edits, leaf->whole);
		return;
	}
	if (tree_escape(&xml, words) < 0)
		o->w->grow.unfit = true;
	tree_set_inner(&o->edits, leaf->value, buf_span(&xml));
	buf_fini(&xml);
}

static void change_leaf(struct over *o, const struct tree_record *r, const struct tree_row *row,
	const struct book_entry *was, const struct book_entry *is)
{
	const struct tree_block *b = &r->block[row->block];
	bool counted = !row->block || tree_dest(b, was), counts = !row->block || tree_dest(b, is);
	const char *before, *after;

	if (!counted && !counts)
		return;
	before = counted ? tree_say(o->w->format, r, row, was, &o->base_keys, &o->w->was)
			 : stale(o, row);
	after = tree_say(o->w->format, r, row, is, &o->w->keys, &o->w->is);
	if (row->role == TREE_SECRET && !after) {
		if (counts)
			tree_secret_lost(o->w, is, tree_dest(b, is));
		after = counted ? NULL : "";
	}
	if (!after || (before && strcmp(before, after) == 0))
		return;
	if (row->role == TREE_SECRET && counts && !o->w->e->reveal_secrets) {
		tree_secret_lost(o->w, is, tree_dest(b, is));
		after = "";
	}
	set_leaf(o, row, after);
}

/* ---- a place that repeats ---- */

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_piece(struct over *o, const struct tree_record *r, const struct tree_row *row,
	const char *text, struct buf *out)
{
	struct tree_style style = tree_style_of(o->base.file, o->w->grow.root.have);

	tree_grow_begin(&o->piece, o->w->format, r, NULL);
	tree_grow_more(
		&o->piece, last_name(row->path), row->role == TREE_MEMBER ? row->fresh : "", text);
	tree_grow_last(&o->piece, &style, out);
	o->w->grow.unfit |= o->piece.unfit;
}

/* In the first one's place, what is wanted: as it was where it was there, else new. The others go.
 */
static void replace_all(struct over *o, const struct tree_record *r, const struct tree_row *row,
	const struct xml_node *first, const struct map *had)
{
	struct span space = tree_space(o->base.file, first->begin);
	const struct buf *is = &o->w->is;
	struct buf b = BUF_INIT;

	for (size_t at = 0; at < is->n; at += strlen(buf_str(is) + at) + 1) {
		const char *text = buf_str(is) + at;
		const struct tree_leaf *leaf = map_get(had, text, strlen(text));

		if (b.n > 0)
			buf_add(&b, space.p, space.n);
		if (leaf)
			buf_add(&b, o->base.file.p + leaf->whole->begin,
				leaf->whole->end - leaf->whole->begin);
		else
			add_piece(o, r, row, text, &b);
	}
	if (b.n > 0)
		tree_edit(&o->edits, first->begin, first->end - first->begin, buf_span(&b));
	else
		tree_remove(&o->edits, first);
	buf_fini(&b);
}

static void grow_all(struct over *o, const struct tree_row *row)
{
	const struct buf *is = &o->w->is;

	for (size_t at = 0; at < is->n; at += strlen(buf_str(is) + at) + 1)
		tree_grow_more(&o->w->grow, row->path, row->role == TREE_MEMBER ? row->fresh : "",
			buf_str(is) + at);
}

/* What stands there and does not count yet. */
static void say_stale(const struct over *o, const struct tree_row *row)
{
	buf_reset(&o->w->was);
	for (uint32_t i = 0; i < o->leaves.n; i++)
		if (o->leaves.v[i].row == row) {
			buf_adds(&o->w->was, tree_repeated_text(&o->leaves.v[i]));
			buf_addc(&o->w->was, 0);
		}
}

static void change_all(struct over *o, const struct tree_record *r, const struct tree_row *row,
	const struct book_entry *was, const struct book_entry *is)
{
	const struct tree_block *b = &r->block[row->block];
	const struct xml_node *first = NULL;
	struct map had = MAP_INIT;

	if (row->block && !tree_dest(b, was) && !tree_dest(b, is))
		return;
	tree_say_all(r, row, was, &o->base_keys, &o->w->was);
	if (row->block && !tree_dest(b, was))
		say_stale(o, row);
	tree_say_all(r, row, is, &o->w->keys, &o->w->is);
	if (o->w->was.n == o->w->is.n &&
		(o->w->is.n == 0 || memcmp(o->w->was.p, o->w->is.p, o->w->is.n) == 0))
		return;
	for (uint32_t i = 0; i < o->leaves.n; i++) {
		struct tree_leaf *leaf = &o->leaves.v[i];
		const char *text;

		if (leaf->row != row)
			continue;
		text = tree_repeated_text(leaf);
		(void)map_put(&had, text, strlen(text), leaf);
		if (first)
			tree_remove(&o->edits, leaf->whole);
		else
			first = leaf->whole;
	}
	if (first)
		replace_all(o, r, row, first, &had);
	else
		grow_all(o, row);
	map_fini(&had);
}

/* ---- extras ---- */

static bool same_extra(const struct book_extra *a, const struct book_extra *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->value, b->value) == 0;
}

static bool same_extras(const struct book_entry *a, const struct book_entry *b)
{
	bool same = a->n_extras == b->n_extras;

	for (uint32_t i = 0; same && i < a->n_extras; i++)
		same = same_extra(&a->extra[i], &b->extra[i]);
	return same;
}

/* The first one of it that is not taken, taken; -1 = none. */
static int take_extra(const struct book_entry *e, bool *taken, const struct book_extra *x)
{
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (!taken[i] && same_extra(&e->extra[i], x)) {
			taken[i] = true;
			return (int)i;
		}
	return -1;
}

/* The k-th leaf that is an extra is the base entry's k-th extra. Those of the same name and bytes
 * stay, others go, new ones come. */
static int change_extras(struct over *o, const struct tree_record *r, const struct book_entry *was,
	const struct book_entry *is)
{
	uint32_t blocks = tree_blocks(r, &o->leaves), k = 0;
	bool *taken;
	int result = 0;

	if (same_extras(was, is))
		return 0;
	taken = mem_alloc((is->n_extras + 1) * sizeof(*taken));
	for (uint32_t i = 0; i < o->leaves.n; i++) {
		const struct tree_leaf *leaf = &o->leaves.v[i];

		if (tree_is_extra(r, leaf, blocks) && take_extra(is, taken, &was->extra[k++]) < 0)
			tree_remove(&o->edits, leaf->whole);
	}
	for (uint32_t i = 0; i < is->n_extras && result == 0; i++)
		if (!taken[i])
			result = tree_grow_extra(o->w, is, is->extra[i].name, is->extra[i].value);
	free(taken);
	return result;
}

/* ---- records ---- */

static int change_entry(
	struct over *o, uint32_t i, const struct book_entry *was, const struct book_entry *is)
{
	const struct tree_entry *te = &o->base.entry[i];
	const struct tree_record *r = te->record;

	bug_if(was->at.offset != te->node->begin);
	tree_leaves_read(&o->leaves, &o->base, te);
	tree_grow_begin(&o->w->grow, o->w->format, r, te->node);
	for (unsigned k = 0; k < r->n_rows; k++) {
		if (tree_repeats(&r->row[k]))
			change_all(o, r, &r->row[k], was, is);
		else
			change_leaf(o, r, &r->row[k], was, is);
	}
	if (change_extras(o, r, was, is) < 0)
		return -1;
	tree_grow_into(&o->w->grow, &o->edits);
	return tree_check_grown(o->w, is);
}

static int change_entries(struct over *o)
{
	const struct book_list *l = &o->book->list[0];
	int result = 0;

	bug_if(l->n_entries != o->base.n);
	for (uint32_t i = 0; i < l->n_entries && result == 0; i++) {
		const struct book_entry *was = &l->entry[i];
		const struct book_entry *is = map_get(&o->w->keys, was->key, strlen(was->key));

		o->gone[i] = !is || is->group != was->group;
		if (o->gone[i])
			tree_remove(&o->edits, o->base.entry[i].node);
		else
			result = change_entry(o, i, was, is);
	}
	return result;
}

/* ---- new records ---- */

/* Behind the last record of the same kind, else of any; else in the container. */
static const struct tree_entry *model(const struct over *o, const struct tree_record *r)
{
	for (uint32_t i = o->base.n; i-- > 0;)
		if (o->base.entry[i].record == r)
			return &o->base.entry[i];
	return o->base.n > 0 ? &o->base.entry[o->base.n - 1] : NULL;
}

struct spot {
	struct tree_style style;
	const struct xml_node *parent;
	size_t at;
	bool empty; /* the parent has nothing in it: all goes in at once */
};

static struct spot find_spot(const struct over *o, const struct tree_record *r)
{
	const struct tree_entry *like = model(o, r);
	const struct xml_node *last = o->base.container ? o->base.container->child : NULL;
	struct spot s = {.parent = like ? like->parent : o->base.container};

	if (like) {
		s.style = tree_style_of(o->base.file, like->node);
		s.at = like->node->end;
		return s;
	}
	while (last && last->next)
		last = last->next;
	s.empty = !last;
	s.style = tree_style_of(o->base.file, last ? last : s.parent);
	s.style.inner_prefix = s.style.prefix;
	s.style.flat = s.style.space.n == 0;
	s.at = last ? last->end : 0;
	return s;
}

static int add_new(struct over *o, const struct tree_record *r, struct spot *s, struct buf *out)
{
	const struct book *b = o->w->e->book;
	int result = 0;

	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries && result == 0; j++) {
			const struct book_entry *e = &b->list[i].entry[j];
			const struct book_entry *was =
				map_get(&o->base_keys, e->key, strlen(e->key));

			if (tree_record_for(o->w->format, e) != r ||
				(was && was->group == e->group))
				continue;
			tree_grow_begin(&o->w->grow, o->w->format, r, NULL);
			result = tree_grow_entry(o->w, r, e);
			buf_add(out, s->style.space.p, s->style.space.n);
			tree_grow_record(&o->w->grow, &s->style, out);
			if (result == 0)
				result = tree_check_grown(o->w, e);
			o->added++;
		}
	return result;
}

static int add_entries(struct over *o)
{
	struct buf all = BUF_INIT;
	int result = 0;

	for (unsigned k = 0; k < o->w->format->n_records && result == 0; k++) {
		const struct tree_record *r = &o->w->format->record[k];
		struct spot s = find_spot(o, r);

		buf_reset(&all);
		result = add_new(o, r, &s, &all);
		if (all.n == 0)
			continue;
		o->grown = s.parent;
		if (s.empty)
			tree_set_inner(&o->edits, s.parent, buf_span(&all));
		else
			tree_edit(&o->edits, s.at, 0, buf_span(&all));
	}
	buf_fini(&all);
	return result;
}

/* ---- what counts records ---- */

/* A number beside the records that was theirs goes with them; another one means something else. */
static void recount(struct over *o, const struct xml_node *parent, uint32_t was, uint32_t is)
{
	const struct xml_node *n = parent ? xml_child(parent, o->w->format->count) : NULL;
	struct buf b = BUF_INIT;

	buf_addf(&b, "%u", was);
	if (n && was != is && strcmp(n->text, buf_str(&b)) == 0) {
		buf_reset(&b);
		buf_addf(&b, "%u", is);
		tree_set_inner(&o->edits, n, buf_span(&b));
	}
	buf_fini(&b);
}

static void recount_all(struct over *o)
{
	bool met = false;

	for (uint32_t i = 0, end; i < o->base.n; i = end) {
		const struct xml_node *parent = o->base.entry[i].parent;
		uint32_t gone = 0, added = parent == o->grown ? o->added : 0;

		for (end = i; end < o->base.n && o->base.entry[end].parent == parent; end++)
			gone += o->gone[end];
		recount(o, parent, end - i, end - i - gone + added);
		met |= parent == o->grown;
	}
	if (!met)
		recount(o, o->grown, 0, o->added);
}

/* ---- all of it ---- */

static int write_changes(struct over *o)
{
	o->gone = mem_alloc((o->base.n + 1) * sizeof(o->gone[0]));
	tree_map_keys(&o->base_keys, o->book);
	o->edits.file = o->base.file;
	if (change_entries(o) < 0 || add_entries(o) < 0)
		return -1;
	if (o->w->format->count)
		recount_all(o);
	tree_apply(&o->edits, o->w->e->out);
	return 0;
}

int tree_write_over(struct tree_writer *w)
{
	struct encoder *e = w->e;
	struct over o = {.w = w};
	int result;

	if (book_decode(e->base, w->codec, NULL, &o.book, e->fault) < 0) {
		book_free(o.book);
		return -1;
	}
	result = tree_open(&o.base, w->format, e->base, NULL, e->fault);
	if (result == 0)
		result = write_changes(&o);
	tree_close(&o.base);
	book_free(o.book);
	map_fini(&o.base_keys);
	tree_edits_fini(&o.edits);
	tree_leaves_fini(&o.leaves);
	tree_grow_fini(&o.piece);
	free(o.gone);
	return result;
}
