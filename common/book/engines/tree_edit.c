// SPDX-License-Identifier: Apache-2.0
/* Changes to a file that stays the same everywhere else. */
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/engines/tree.h"

/* ---- a list of changes ---- */

void tree_edits_fini(struct tree_edits *e)
{
	buf_fini(&e->text);
	free(e->v);
}

void tree_edit(struct tree_edits *e, size_t at, size_t n, struct span text)
{
	if (e->n == e->cap) {
		e->cap = e->cap ? e->cap * 2 : 64;
		e->v = mem_realloc(e->v, e->cap * sizeof(e->v[0]));
	}
	e->v[e->n++] = (struct tree_edit){at, n, e->text.n, text.n};
	buf_add(&e->text, text.p, text.n);
}

static int compare_edits(const void *a, const void *b)
{
	const struct tree_edit *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->n > 0) - (y->n > 0);
}

void tree_apply(struct tree_edits *e, struct buf *out)
{
	size_t done = 0;

	if (e->n > 0)
		sort_stable(e->v, e->n, sizeof(e->v[0]), compare_edits);
	for (uint32_t i = 0; i < e->n; i++) {
		const struct tree_edit *x = &e->v[i];

		if (x->at < done)
			continue;
		buf_add(out, e->file.p + done, x->at - done);
		buf_add(out, e->text.p + x->text, x->text_n);
		done = x->at + x->n;
	}
	buf_add(out, e->file.p + done, e->file.n - done);
	out->err |= e->text.err;
}

/* ---- elements ---- */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span tree_space(struct span file, size_t at)
{
	size_t begin = at;

	while (begin > 0 && is_space(file.p[begin - 1]))
		begin--;
	return (struct span){file.p + begin, at - begin};
}

/* Of the name in its tag, as written. */
static struct span full_name(struct span file, const struct xml_node *n)
{
	const uint8_t *p = file.p + n->begin + 1;
	size_t len = 0;

	while (!is_space(p[len]) && p[len] != '>' && p[len] != '/')
		len++;
	return (struct span){p, len};
}

struct span tree_prefix(struct span file, const struct xml_node *n)
{
	struct span name = full_name(file, n);
	const uint8_t *colon = memchr(name.p, ':', name.n);

	return (struct span){name.p, colon ? (size_t)(colon + 1 - name.p) : 0};
}

/* <x a=""/> becomes <x a="">…</x>; one that says xsi:nil must not say so any longer. */
static void open_up(struct tree_edits *e, const struct xml_node *n, struct span xml)
{
	struct span name = full_name(e->file, n);
	size_t cut = n->end - 2;
	struct buf b = BUF_INIT;

	while (is_space(e->file.p[cut - 1]))
		cut--;
	if (xml_attribute(n, "nil"))
		cut = (size_t)(name.p + name.n - e->file.p);
	buf_addc(&b, '>');
	buf_add(&b, xml.p, xml.n);
	buf_adds(&b, "</");
	buf_add(&b, name.p, name.n);
	buf_addc(&b, '>');
	tree_edit(e, cut, n->end - cut, buf_span(&b));
	buf_fini(&b);
}

void tree_set_inner(struct tree_edits *e, const struct xml_node *n, struct span xml)
{
	if (xml.n > 0 && (n->inner_begin == n->end || xml_attribute(n, "nil")))
		open_up(e, n, xml);
	else if (n->inner_begin < n->end)
		tree_edit(e, n->inner_begin, n->inner_end - n->inner_begin, xml);
}

void tree_remove(struct tree_edits *e, const struct xml_node *n)
{
	size_t space = tree_space(e->file, n->begin).n;

	tree_edit(e, n->begin - space, n->end - n->begin + space, (struct span){NULL, 0});
}

/* A line end that is not a line feed would come back as one. */
int tree_escape(struct buf *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '&')
			buf_adds(out, "&amp;");
		else if (*c == '<')
			buf_adds(out, "&lt;");
		else if (*c == '>')
			buf_adds(out, "&gt;");
		else if (*c == '\r')
			buf_adds(out, "&#13;");
		else if ((unsigned char)*c < ' ' && *c != '\t' && *c != '\n')
			return -1;
		else if (strncmp(c, "\xef\xbf\xbe", 3) == 0 || strncmp(c, "\xef\xbf\xbf", 3) == 0)
			return -1;
		else
			buf_addc(out, *c);
	}
	return 0;
}

/* ---- style ---- */

struct tree_style tree_style_of(struct span file, const struct xml_node *record)
{
	const struct xml_node *child = record->child;
	struct tree_style s = {.prefix = tree_prefix(file, record),
		.space = tree_space(file, record->begin),
		.unit = {(const uint8_t *)"  ", 2}};
	struct span inner = child ? tree_space(file, child->begin) : s.space;

	s.inner_prefix = child ? tree_prefix(file, child) : s.prefix;
	s.flat = inner.n == 0;
	if (inner.n > s.space.n && memcmp(inner.p, s.space.p, s.space.n) == 0)
		s.unit = (struct span){inner.p + s.space.n, inner.n - s.space.n};
	else if (child)
		s.unit.n = 0;
	return s;
}
