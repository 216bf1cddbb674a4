// SPDX-License-Identifier: Apache-2.0
/* Leaves of a record into an entry. */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/base/sort.h"
#include "common/book/engines/tree.h"
#include "common/book/engines/words.h"
#include "gen/errors.h"

struct reader {
	struct decoder *d;
	const struct tree *t;
	const struct tree_entry *te;
	struct tree_leaves leaves;
	struct book_list *list;
	struct buf scratch;
};

/* ---- which destinations there are ---- */

static const struct tree_row *defining_row(const struct tree_record *r, unsigned block)
{
	for (unsigned i = 0; i < r->n_rows; i++)
		if (r->row[i].block == block && r->row[i].role == TREE_VALUE &&
			r->row[i].field == r->block[block].defines)
			return &r->row[i];
	bug_if(true);
}

bool tree_has_switch(const struct tree_record *r, unsigned block)
{
	for (unsigned i = 0; i < r->n_rows; i++)
		if (r->row[i].block == block &&
			(r->row[i].role == TREE_SWITCH || r->row[i].role == TREE_MODE))
			return true;
	return false;
}

/* What a switch or a mode says: 1 the block counts, 0 not, -1 there is none. */
static int chosen(const struct tree_record *r, const struct tree_leaves *l, unsigned block)
{
	for (unsigned i = 0; i < r->n_rows; i++) {
		const struct tree_row *row = &r->row[i];
		const char *text;

		if (row->block != block || (row->role != TREE_SWITCH && row->role != TREE_MODE))
			continue;
		text = tree_text(l, row->path);
		if (row->role == TREE_MODE && text[0])
			return strcmp(text, row->fresh) == 0;
		if (row->role == TREE_SWITCH && bool_read(text))
			return bool_read(text) == bool_read("yes");
	}
	return -1;
}

/* A switch that is on without anything to it makes nothing. */
static bool says_something(const struct tree_record *r, const struct tree_leaves *l, unsigned block)
{
	for (unsigned i = 0; i < r->n_rows; i++)
		if (r->row[i].block == block && r->row[i].field && tree_text(l, r->row[i].path)[0])
			return true;
	return false;
}

uint32_t tree_blocks(const struct tree_record *r, const struct tree_leaves *l)
{
	uint32_t blocks = 1;

	for (unsigned i = 1; i < r->n_blocks; i++) {
		int yes = chosen(r, l, i);

		if (yes > 0 ? says_something(r, l, i)
			    : yes < 0 && tree_text(l, defining_row(r, i)->path)[0])
			blocks |= 1u << i;
	}
	return blocks;
}

const struct book_dest *tree_dest(const struct tree_block *b, const struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_dests; i++) {
		const struct book_dest *d = &e->dest[i];
		const char *protocol = fields_get(&d->f, F_PROTOCOL);

		if (d->kind == b->kind &&
			(!b->protocol || (protocol && strcmp(protocol, b->protocol) == 0)))
			return d;
	}
	return NULL;
}

/* ---- values ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All leaves of the row, sorted, once each. */
static void read_list(struct reader *r, const struct tree_row *row, struct fields *f)
{
	const char **word = mem_alloc((r->leaves.n + 1) * sizeof(*word));
	size_t n = 0;

	for (uint32_t i = 0; i < r->leaves.n; i++)
		if (r->leaves.v[i].row == row && r->leaves.v[i].value->text[0])
			word[n++] = r->leaves.v[i].value->text;
	if (n > 0)
		sort_stable(word, n, sizeof(*word), compare_texts);
	buf_reset(&r->scratch);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(word[i], word[i - 1]) == 0)
			continue;
		buf_adds(&r->scratch, r->scratch.n > 0 ? " " : "");
		buf_adds(&r->scratch, word[i]);
	}
	book_set(r->d->book, f, row->field, buf_str(&r->scratch));
	free(word);
}

static void read_secret(struct reader *r, const struct tree_row *row, struct book_dest *dest)
{
	const struct tree_format *f = r->t->format;
	const struct tree_leaf *leaf = tree_leaf(&r->leaves, row->path);
	const char *text = leaf && leaf->value ? leaf->value->text : "";

	if (!leaf)
		book_set_secret(r->d->book, dest, f->missing, NULL, NULL);
	else if (!text[0] || f->empty == SECRET_WITHHELD)
		book_set_secret(r->d->book, dest, f->empty, NULL, NULL);
	else
		book_set_secret(r->d->book, dest, SECRET_CLEAR, text, NULL);
}

/* One row of a block that counts; dest NULL = of the entry. */
static void read_row(
	struct reader *r, const struct tree_row *row, struct book_entry *e, struct book_dest *dest)
{
	const char *text = tree_text(&r->leaves, row->path);
	struct fields *f = dest ? &dest->f : &e->f;
	const char *yes_no = row->role == TREE_BOOL ? bool_read(text) : NULL;

	if (row->role == TREE_LIST)
		read_list(r, row, f);
	else if (row->role == TREE_SECRET && dest)
		read_secret(r, row, dest);
	else if (row->role == TREE_OWN && text[0])
		r->t->format->read_own(r->d->book, e, row->path, text);
	else if (row->role == TREE_VALUE || row->role == TREE_BOOL)
		book_set(r->d->book, f, row->field, yes_no ? yes_no : text);
}

static void read_block(
	struct reader *r, unsigned block, struct book_entry *e, struct book_dest *dest)
{
	const struct tree_record *rec = r->te->record;

	for (unsigned i = 0; i < rec->n_rows; i++)
		if (rec->row[i].block == block)
			read_row(r, &rec->row[i], e, dest);
}

const char *tree_repeated_text(const struct tree_leaf *leaf)
{
	const struct xml_node *n = leaf->whole;
	const char *way = leaf->row->role == TREE_MEMBER ? leaf->row->fresh : "";

	while (n && *way) {
		size_t len = strcspn(way, "/");

		n = n->child;
		while (n && (strncmp(n->name, way, len) != 0 || n->name[len]))
			n = n->next;
		way += way[len] ? len + 1 : len;
	}
	return n ? n->text : "";
}

static void read_members(struct reader *r, struct book_entry *e)
{
	for (uint32_t i = 0; i < r->leaves.n; i++) {
		const struct tree_leaf *leaf = &r->leaves.v[i];

		if (leaf->row && leaf->row->role == TREE_MEMBER)
			book_add_member(r->d->book, e, NULL, tree_repeated_text(leaf));
	}
}

/* ---- entries ---- */

static bool is_number(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= 10 && !s[n];
}

static int read_key(struct reader *r, const struct tree_row **ret_row, const char **ret_key)
{
	const struct tree_record *rec = r->te->record;
	const struct xml_node *n = r->te->node;
	unsigned i = 0;

	while (rec->row[i].role != TREE_KEY)
		i++;
	*ret_row = &rec->row[i];
	*ret_key = tree_text(&r->leaves, rec->row[i].path);
	if (!(*ret_key)[0]) {
		const struct book_fault f = {.code = CN_PARSE_ERROR,
			.line = n->line,
			.column = n->column,
			.where = rec->row[i].path,
			.reason = "no_number"};

		*ret_key = book_fmt(r->d->book, "#%u", r->list->n_entries + 1);
		return decode_wrong(r->d, &f, "an entry without %s", rec->row[i].path);
	}
	return 0;
}

static void read_extras(struct reader *r, struct book_entry *e, uint32_t blocks)
{
	for (uint32_t i = 0; i < r->leaves.n && !r->d->book->too_big; i++) {
		const struct tree_leaf *leaf = &r->leaves.v[i];

		if (!tree_is_extra(r->te->record, leaf, blocks))
			continue;
		tree_extra_value(r->t, leaf, &r->scratch);
		book_add_extra(r->d->book, e, leaf->path, buf_str(&r->scratch));
	}
}

static int read_entry(struct reader *r)
{
	const struct tree_record *rec = r->te->record;
	struct book *b = r->d->book;
	const struct tree_row *row;
	struct book_entry *e;
	const char *key;
	uint32_t blocks;

	tree_leaves_read(&r->leaves, r->t, r->te);
	if (read_key(r, &row, &key) < 0)
		return -1;
	blocks = tree_blocks(rec, &r->leaves);
	e = book_add_entry(b, r->list, key);
	e->group = !rec->persons;
	e->at = (struct book_place){r->te->node->line, r->te->node->begin};
	if (row->field && is_number(key))
		book_set(b, &e->f, row->field, key);
	read_block(r, 0, e, NULL);
	for (unsigned i = 1; i < rec->n_blocks; i++) {
		struct book_dest *dest;

		if (!(blocks & 1u << i))
			continue;
		dest = book_add_dest(b, e, rec->block[i].kind);
		book_set(b, &dest->f, F_PROTOCOL, rec->block[i].protocol);
		read_block(r, i, e, dest);
	}
	read_members(r, e);
	read_extras(r, e, blocks);
	return 0;
}

/* ---- the book ---- */

/* Nothing of the file can be read, lenient or not. */
static int fatal(struct decoder *d, const struct book_fault *f, const char *text)
{
	int r = decode_wrong(d, f, "%s", text);

	return r < 0 ? r : -1;
}

/* A group may have the number of a person: the format keeps them apart by their element. Members
 * are persons. */
static void settle_groups(struct reader *r)
{
	struct map persons = MAP_INIT;
	struct book_list *l = r->list;

	for (uint32_t i = 0; i < l->n_entries; i++)
		if (!l->entry[i].group)
			(void)map_put(
				&persons, l->entry[i].key, strlen(l->entry[i].key), &l->entry[i]);
	for (uint32_t i = 0; i < l->n_entries; i++) {
		struct book_entry *e = &l->entry[i];

		if (e->group && map_get(&persons, e->key, strlen(e->key)))
			e->key = book_fmt(r->d->book, TREE_GROUP_KEY "%s", e->key);
		for (uint32_t j = 0; j < e->n_members; j++)
			if (map_get(&persons, e->member[j].text, strlen(e->member[j].text)))
				e->member[j].key = e->member[j].text;
	}
	map_fini(&persons);
}

static int read_all(struct decoder *d, const struct tree *t)
{
	struct reader r = {.d = d, .t = t};
	int result = 0;

	d->book->charset = book_str(d->book, "UTF-8");
	r.list = book_add_list(d->book, "1", LIST_FLAT, "");
	for (uint32_t i = 0; i < t->n && result == 0 && !d->book->too_big; i++) {
		r.te = &t->entry[i];
		result = read_entry(&r);
	}
	settle_groups(&r);
	tree_leaves_fini(&r.leaves);
	buf_fini(&r.scratch);
	return result;
}

int tree_decode(struct decoder *d, const struct tree_format *f)
{
	static const struct book_fault NO_BOOK = {.code = CN_PARSE_ERROR, .reason = "no_book"};
	struct xml_place at = {.line = 0};
	struct fault fault = FAULT_INIT;
	struct tree t;
	int r;

	if (tree_open(&t, f, d->file, &at, &fault) < 0) {
		const struct book_fault wrong = {.code = fault.code,
			.line = at.line,
			.column = at.column,
			.byte = at.byte,
			.reason = fault.reason};

		r = fatal(d, &wrong, fault.detail);
	} else if (t.n == 0 && !t.container) {
		r = fatal(d, &NO_BOOK, "there is no address book in this XML");
	} else {
		r = read_all(d, &t);
	}
	if (r == 0 && f->finish)
		f->finish(d);
	tree_close(&t);
	return r;
}
