// SPDX-License-Identifier: Apache-2.0
/* Elements that a record has not yet. */
#include <string.h>

#include "common/book/engines/tree.h"

#define GROW_MAX ((size_t)16 * 1024 * 1024)

/* ---- twigs ---- */

void tree_grow_begin(struct tree_grow *g, const struct tree_format *f,
	const struct tree_record *record, const struct xml_node *have)
{
	arena_reset(&g->arena);
	g->arena.cap = GROW_MAX;
	g->format = f;
	g->record = record;
	g->root = (struct tree_twig){.name = record->element, .have = have};
}

void tree_grow_fini(struct tree_grow *g)
{
	arena_fini(&g->arena);
}

static struct tree_twig *new_twig(struct tree_grow *g, struct tree_twig *parent, const char *name)
{
	struct tree_twig *t = arena_alloc(&g->arena, sizeof(*t));

	if (!t || !name) {
		g->unfit = true;
		return NULL;
	}
	t->name = name;
	if (parent->last)
		parent->last->next = t;
	else
		parent->child = t;
	parent->last = t;
	return t;
}

static struct tree_twig *way(struct tree_grow *g, struct tree_twig *parent, const char *name)
{
	struct tree_twig *t = parent->child;

	while (t && strcmp(t->name, name) != 0)
		t = t->next;
	if (t)
		return t;
	t = new_twig(g, parent, name);
	if (t && parent->have)
		t->have = xml_child(parent->have, name);
	return t;
}

/* Down the path to where its last name is to grow. */
static struct tree_twig *ways(struct tree_grow *g, const char *path, const char **ret_name)
{
	struct tree_twig *t = &g->root;

	for (const char *slash; !g->format->properties && (slash = strchr(path, '/')) != NULL;
		path = slash + 1) {
		const char *name = arena_strndup(&g->arena, path, (size_t)(slash - path));

		t = name ? way(g, t, name) : NULL;
		if (!t) {
			g->unfit = true;
			return NULL;
		}
	}
	*ret_name = arena_strdup(&g->arena, path);
	return t;
}

void tree_grow_add(struct tree_grow *g, const char *path, const char *text, bool raw)
{
	const char *name;
	struct tree_twig *parent = ways(g, path, &name);
	struct tree_twig *t = parent ? new_twig(g, parent, name) : NULL;

	if (!t)
		return;
	t->text = arena_strdup(&g->arena, text);
	t->raw = raw;
	g->unfit |= !t->text;
}

void tree_grow_more(struct tree_grow *g, const char *path, const char *below, const char *text)
{
	const char *name;
	struct tree_twig *parent = ways(g, path, &name);
	struct tree_twig *t = parent ? new_twig(g, parent, name) : NULL;

	while (t && *below) {
		size_t n = strcspn(below, "/");

		t = new_twig(g, t, arena_strndup(&g->arena, below, n));
		below += below[n] ? n + 1 : n;
	}
	if (!t)
		return;
	t->text = arena_strdup(&g->arena, text);
	g->unfit |= !t->text;
}

bool tree_grow_has(struct tree_grow *g, const char *path)
{
	const char *name;
	struct tree_twig *t = ways(g, path, &name);

	for (struct tree_twig *c = t ? t->child : NULL; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return true;
	return t && t->have && !g->format->properties && xml_child(t->have, name);
}

/* ---- XML of them ---- */

struct pen {
	struct tree_grow *g;
	struct buf *out;
	struct span prefix;
	struct span unit;
};

static void add_span(struct buf *out, struct span s)
{
	buf_add(out, s.p, s.n);
}

/* Before an element some levels below what stands behind this space. */
static void add_space(struct pen *p, struct span space, unsigned deeper)
{
	if (space.n == 0)
		return;
	add_span(p->out, space);
	for (unsigned i = 0; i < deeper; i++)
		add_span(p->out, p->unit);
}

static void add_tag(struct pen *p, const char *open, const char *name)
{
	buf_adds(p->out, open);
	add_span(p->out, p->prefix);
	buf_adds(p->out, name);
	buf_addc(p->out, '>');
}

static void add_text(struct pen *p, const char *text)
{
	if (tree_escape(p->out, text) < 0)
		p->g->unfit = true;
}

static void add_property(struct pen *p, const struct tree_twig *t)
{
	add_tag(p, "<", "item");
	add_tag(p, "<", "propName");
	add_text(p, t->name);
	add_tag(p, "</", "propName");
	add_tag(p, "<", "propVal");
	add_text(p, t->text);
	add_tag(p, "</", "propVal");
	add_tag(p, "</", "item");
}

/* space: that of the record. NOLINTNEXTLINE(misc-no-recursion): as deep as a path has names */
static void add_twig(struct pen *p, const struct tree_twig *t, struct span space, unsigned depth)
{
	if (t->raw)
		buf_adds(p->out, t->text);
	else if (t->text && p->g->format->properties)
		add_property(p, t);
	else {
		add_tag(p, "<", t->name);
		if (t->text)
			add_text(p, t->text);
		for (const struct tree_twig *c = t->child; c; c = c->next) {
			add_space(p, space, depth + 1);
			add_twig(p, c, space, depth + 1);
		}
		if (t->child)
			add_space(p, space, depth);
		add_tag(p, "</", t->name);
	}
}

static struct span inside(const struct tree_style *s)
{
	return s->flat ? (struct span){NULL, 0} : s->space;
}

void tree_grow_record(struct tree_grow *g, const struct tree_style *s, struct buf *out)
{
	struct pen p = {g, out, s->prefix, s->unit};

	add_tag(&p, "<", g->root.name);
	p.prefix = s->inner_prefix;
	for (const struct tree_twig *c = g->root.child; c; c = c->next) {
		add_space(&p, inside(s), 1);
		add_twig(&p, c, inside(s), 1);
	}
	add_space(&p, inside(s), 0);
	p.prefix = s->prefix;
	add_tag(&p, "</", g->root.name);
}

void tree_grow_last(struct tree_grow *g, const struct tree_style *s, struct buf *out)
{
	struct pen p = {g, out, s->inner_prefix, s->unit};

	if (g->root.last)
		add_twig(&p, g->root.last, inside(s), 1);
}

/* ---- into what is there ---- */

/* Where the table names a path first; -1 = nowhere. */
static int rank(const struct tree_record *r, const char *path)
{
	size_t n = strlen(path);

	for (unsigned i = 0; i < r->n_rows; i++)
		if (strncmp(r->row[i].path, path, n) == 0 &&
			(r->row[i].path[n] == 0 || r->row[i].path[n] == '/'))
			return (int)i;
	return -1;
}

struct place {
	struct tree_grow *g;
	struct tree_edits *e;
	struct tree_style style; /* of the record */
	char path[TREE_PATH_MAX];
};

static int rank_in(struct place *pl, size_t len, const char *name)
{
	size_t n = strlen(name);
	int r;

	if (len + n + 2 > sizeof(pl->path))
		return -1;
	if (len > 0)
		pl->path[len++] = '/';
	memcpy(pl->path + len, name, n + 1);
	r = rank(pl->g->record, pl->path);
	return r;
}

/* The element behind which it belongs in the table's order; NULL = before all others. */
static const struct xml_node *neighbour(
	struct place *pl, size_t len, const struct xml_node *have, const char *name)
{
	int mine = rank_in(pl, len, name);
	const struct xml_node *last = NULL;

	for (const struct xml_node *c = have->child; c; c = c->next)
		if (mine < 0 || pl->g->format->properties ||
			(rank_in(pl, len, c->name) >= 0 && rank_in(pl, len, c->name) <= mine))
			last = c;
	pl->path[len] = 0;
	return last;
}

static void grow_child(
	struct place *pl, size_t len, const struct xml_node *have, const struct tree_twig *t)
{
	const struct xml_node *after = neighbour(pl, len, have, t->name);
	const struct xml_node *like = after ? after : have->child;
	struct span space = tree_space(pl->e->file, like->begin);
	struct buf b = BUF_INIT;
	struct pen p = {pl->g, &b, tree_prefix(pl->e->file, like), pl->style.unit};

	add_span(&b, space);
	add_twig(&p, t, space, 0);
	tree_edit(pl->e, after ? after->end : have->inner_begin, 0, buf_span(&b));
	buf_fini(&b);
}

/* An element that has nothing in it yet. */
static void fill(struct place *pl, const struct tree_twig *t)
{
	struct span space =
		pl->style.flat ? (struct span){NULL, 0} : tree_space(pl->e->file, t->have->begin);
	struct buf b = BUF_INIT;
	struct pen p = {pl->g, &b, tree_prefix(pl->e->file, t->have), pl->style.unit};

	for (const struct tree_twig *c = t->child; c; c = c->next) {
		add_space(&p, space, 1);
		add_twig(&p, c, space, 1);
	}
	add_space(&p, space, 0);
	tree_set_inner(pl->e, t->have, buf_span(&b));
	buf_fini(&b);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a path has names */
static void grow(struct place *pl, const struct tree_twig *t, size_t len)
{
	if (t->child && !t->have->child) {
		fill(pl, t);
		return;
	}
	for (const struct tree_twig *c = t->child; c; c = c->next) {
		if (c->have) {
			size_t n = strlen(c->name);

			(void)rank_in(pl, len, c->name);
			grow(pl, c, len + n + (len > 0));
			pl->path[len] = 0;
		} else {
			grow_child(pl, len, t->have, c);
		}
	}
}

void tree_grow_into(struct tree_grow *g, struct tree_edits *e)
{
	struct place pl = {.g = g, .e = e, .style = tree_style_of(e->file, g->root.have)};

	grow(&pl, &g->root, 0);
}
