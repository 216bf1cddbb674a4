// SPDX-License-Identifier: Apache-2.0
/* A file that is XML: its records, the leaves of a record. */
#include "common/book/engines/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"

/* A tag of a record or of a property list: what a device sends has few. */
static const struct xml_limits LIMITS = {.depth = BOOK_NESTING_MAX,
	.nodes = 8 * 1024 * 1024,
	.attributes = BOOK_COLUMNS_MAX,
	.text = BOOK_FIELD_MAX};

/* ---- records ---- */

static void add_entry(struct tree *t, const struct xml_node *n, const struct xml_node *parent,
	const struct tree_record *r)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->entry = mem_realloc(t->entry, t->cap * sizeof(t->entry[0]));
	}
	t->entry[t->n++] = (struct tree_entry){n, parent, r};
}

/* Depth is bounded by LIMITS. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void find_records(struct tree *t, const struct xml_node *n, const struct xml_node *parent)
{
	for (; n; n = n->next) {
		const struct tree_record *r = t->format->record_of(n);

		if (r) {
			add_entry(t, n, parent, r);
			continue;
		}
		if (t->format->is_container(n))
			t->container = n;
		find_records(t, n->child, n);
	}
}

int tree_open(struct tree *t, const struct tree_format *format, struct span file,
	struct xml_place *ret_place, struct fault *reterr)
{
	*t = (struct tree){.format = format, .file = file};
	arena_init(&t->arena, TREE_ARENA_MAX);
	t->root = xml_parse(&t->arena, file, &LIMITS, ret_place, reterr);
	if (!t->root)
		return -1;
	find_records(t, t->root, NULL);
	return 0;
}

void tree_close(struct tree *t)
{
	arena_fini(&t->arena);
	free(t->entry);
}

/* ---- leaves ---- */

static void add_leaf(struct tree_leaves *l, const char *path, const struct xml_node *whole,
	const struct xml_node *value, const struct tree_row *row)
{
	const char *copy = row ? row->path : arena_strdup(&l->arena, path);

	bug_if(!copy);
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = mem_realloc(l->v, l->cap * sizeof(l->v[0]));
	}
	l->v[l->n++] = (struct tree_leaf){copy, whole, value, row};
}

/* It stands at a place of the table and is not what belongs there: not the first one, say. */
static void add_other(struct tree_leaves *l, const char *path, const struct xml_node *whole,
	const struct xml_node *value)
{
	const char *other = arena_printf(&l->arena, "%s" TREE_OTHER, path);

	bug_if(!other);
	add_leaf(l, other, whole, value, NULL);
}

/* Index of the row of that path, or -1. */
static int row_at(const struct tree_record *r, const char *path)
{
	for (unsigned i = 0; i < r->n_rows; i++)
		if (strcmp(r->row[i].path, path) == 0)
			return (int)i;
	return -1;
}

/* The first row below that path, or -1. */
static int row_below(const struct tree_record *r, const char *path)
{
	size_t n = strlen(path);

	for (unsigned i = 0; i < r->n_rows; i++)
		if (strncmp(r->row[i].path, path, n) == 0 && r->row[i].path[n] == '/')
			return (int)i;
	return -1;
}

/* Is this the first? seen: bits of rows. */
static bool first(uint64_t *seen, int row)
{
	uint64_t bit = (uint64_t)1 << row;
	bool yes = !(*seen & bit);

	*seen |= bit;
	return yes;
}

/* A list of properties; the first of a name counts. */
static void read_properties(struct tree_leaves *l, const struct tree_entry *te)
{
	uint64_t seen = 0;

	for (const struct xml_node *n = te->node->child; n; n = n->next) {
		const char *name = xml_child_text(n, "propName");
		int i = row_at(te->record, name);
		const struct xml_node *value = xml_child(n, "propVal");

		if (i >= 0 && !first(&seen, i))
			add_other(l, name, n, value);
		else
			add_leaf(l, name, n, value, i >= 0 ? &te->record->row[i] : NULL);
	}
}

struct walk {
	struct tree_leaves *l;
	const struct tree_record *record;
	const char *ns; /* that counts; NULL = any */
	char path[TREE_PATH_MAX];
};

/* Which elements of one parent were met; bits of rows. */
struct met {
	uint64_t leaves, ways;
};

enum found { FOUND_ROW, FOUND_WAY, FOUND_OTHER, FOUND_UNKNOWN };

/* What the element at w->path is; *ret_row for FOUND_ROW. A leaf with elements in it is none. */
static enum found look_up(const struct walk *w, const struct xml_node *n, struct met *met,
	const struct tree_row **ret_row)
{
	int at = row_at(w->record, w->path);
	int below = at < 0 ? row_below(w->record, w->path) : -1;
	const struct tree_row *row = at < 0 ? NULL : &w->record->row[at];

	*ret_row = row;
	if (below >= 0)
		return first(&met->ways, below) ? FOUND_WAY : FOUND_OTHER;
	if (!row || (n->child && row->role != TREE_PLAIN && !tree_repeats(row)))
		return FOUND_UNKNOWN;
	return tree_repeats(row) || first(&met->leaves, at) ? FOUND_ROW : FOUND_OTHER;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by LIMITS.depth */
static void read_elements(struct walk *w, const struct xml_node *parent, size_t len)
{
	struct met met = {0, 0};

	for (const struct xml_node *n = parent->child; n; n = n->next) {
		size_t room = sizeof(w->path) - len;
		size_t more =
			(size_t)snprintf(w->path + len, room, "%s%s", len > 0 ? "/" : "", n->name);
		bool ours = more < room && (!w->ns || strcmp(n->ns, w->ns) == 0);
		const struct tree_row *row = NULL;
		enum found found = ours ? look_up(w, n, &met, &row) : FOUND_UNKNOWN;

		if (found == FOUND_WAY)
			read_elements(w, n, len + more);
		else if (found == FOUND_OTHER)
			add_other(w->l, w->path, n, n);
		else
			add_leaf(w->l, w->path, n, n, found == FOUND_ROW ? row : NULL);
		w->path[len] = 0;
	}
}

void tree_leaves_read(struct tree_leaves *l, const struct tree *t, const struct tree_entry *te)
{
	struct walk w = {
		.l = l, .record = te->record, .ns = t->format->one_ns ? te->node->ns : NULL};

	bug_if(te->record->n_rows > 64);
	arena_reset(&l->arena);
	l->n = 0;
	if (t->format->properties)
		read_properties(l, te);
	else
		read_elements(&w, te->node, 0);
}

void tree_leaves_fini(struct tree_leaves *l)
{
	arena_fini(&l->arena);
	free(l->v);
}

const struct tree_leaf *tree_leaf(const struct tree_leaves *l, const char *path)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i].row && strcmp(l->v[i].path, path) == 0)
			return &l->v[i];
	return NULL;
}

const char *tree_text(const struct tree_leaves *l, const char *path)
{
	const struct tree_leaf *leaf = tree_leaf(l, path);

	return leaf && leaf->value ? leaf->value->text : "";
}

/* ---- extras ---- */

static bool names_secret(const char *name)
{
	static const char *const ENDS[] = {"password", "passwd", "pwd", "passphrase"};
	size_t n = strlen(name);

	for (size_t i = 0; i < array_len(ENDS); i++) {
		size_t m = strlen(ENDS[i]);

		if (n >= m && ascii_same(name + n - m, ENDS[i]))
			return true;
	}
	return false;
}

/* Does the record say the mode that stands here? */
static bool is_mode(const struct tree_record *r, const struct tree_leaf *leaf)
{
	for (unsigned i = 0; i < r->n_rows; i++)
		if (strcmp(r->row[i].path, leaf->path) == 0 &&
			strcmp(r->row[i].fresh, leaf->value->text) == 0)
			return true;
	return false;
}

bool tree_is_extra(const struct tree_record *r, const struct tree_leaf *leaf, uint32_t blocks)
{
	const struct tree_row *row = leaf->row;
	const char *text = leaf->value ? leaf->value->text : "";

	if (!row)
		return leaf->path[0] != 0;
	if (row->role == TREE_MODE)
		return text[0] != 0 && !is_mode(r, leaf);
	if (row->role != TREE_PLAIN || !(blocks & 1u << row->block))
		return false;
	if (leaf->value && leaf->value->child)
		return true;
	return text[0] != 0 && !(row->fresh && strcmp(row->fresh, text) == 0);
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by LIMITS.depth */
void tree_blank_secrets(struct tree_edits *e, const struct xml_node *n)
{
	const struct xml_node *value = xml_child(n, "propVal");

	if (!n->child && n->text[0] && names_secret(n->name))
		tree_set_inner(e, n, (struct span){NULL, 0});
	if (value && value->text[0] && names_secret(xml_child_text(n, "propName")))
		tree_set_inner(e, value, (struct span){NULL, 0});
	for (const struct xml_node *c = n->child; c; c = c->next)
		tree_blank_secrets(e, c);
}

void tree_extra_value(const struct tree *t, const struct tree_leaf *leaf, struct buf *out)
{
	struct tree_edits e = {.file = t->file};
	const struct xml_node *n = leaf->whole;

	buf_reset(out);
	if (t->format->properties) {
		if (leaf->value && !names_secret(leaf->path))
			buf_adds(out, leaf->value->text);
		return;
	}
	e.file.n = n->end;
	tree_blank_secrets(&e, n);
	tree_edit(&e, 0, n->begin, (struct span){NULL, 0});
	tree_apply(&e, out);
	tree_edits_fini(&e);
}

/* ---- the format ---- */

int tree_detect(struct span head, const char *word)
{
	size_t at = head.n >= 3 && memcmp(head.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < head.n && strchr(" \t\r\n", head.p[at]) && head.p[at])
		at++;
	if (at == head.n || head.p[at] != '<')
		return 0;
	return memmem(head.p, head.n, word, strlen(word)) ? 90 : 0;
}

static bool row_holds(const struct tree_record *r, const struct tree_row *row, enum dest_kind kind,
	enum book_field field)
{
	if (row->role == TREE_MEMBER)
		return kind == DEST_GROUP && field == 0;
	return r->block[row->block].kind == kind && (field == 0 || row->field == field) &&
	       row->role != TREE_PLAIN;
}

bool tree_holds(const struct tree_format *f, enum dest_kind kind, enum book_field field)
{
	for (unsigned i = 0; i < f->n_records; i++) {
		const struct tree_record *r = &f->record[i];

		for (unsigned j = 1; j < r->n_blocks; j++)
			if (field == F_PROTOCOL && kind == DEST_FILE && r->block[j].protocol)
				return true;
		for (unsigned j = 0; j < r->n_rows; j++)
			if (row_holds(r, &r->row[j], kind, field))
				return true;
	}
	return false;
}
