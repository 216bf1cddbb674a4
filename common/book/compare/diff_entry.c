// SPDX-License-Identifier: Apache-2.0
/* Two entries that are the same, field by field: compared in normal form, shown as written. */
#include <stdlib.h>
#include <string.h>

#include "common/book/compare/diff_priv.h"

/* ---- fields ---- */

/* Whose fields they are. */
struct where {
	enum dest_kind kind;  /* DEST_NONE = the entry's own */
	uint32_t left, right; /* destinations */
	uint32_t nth;         /* from 1 among its kind; 0 = there is one only */
};

static const char *path(struct diff_pair *p, const struct where *w, const char *field)
{
	struct arena *a = &p->x->d->arena;
	const char *dot = *field ? "." : "";

	if (w->kind == DEST_NONE)
		return field;
	if (w->nth == 0)
		return diff_keep(
			p->x, arena_printf(a, "%s%s%s", dest_kind_name(w->kind), dot, field));
	return diff_keep(
		p->x, arena_printf(a, "%s[%u]%s%s", dest_kind_name(w->kind), w->nth, dot, field));
}

static void differs(struct diff_pair *p, const struct where *w, enum book_field id,
	const char *before, const char *after)
{
	bool of_entry = w->kind == DEST_NONE;
	struct diff_change c =
		diff_change_of(p, DIFF_CHANGE, of_entry ? DIFF_FIELD : DIFF_DEST_FIELD);

	c.id = id;
	c.left_dest = w->left;
	c.right_dest = w->right;
	diff_add_content(p, &c, path(p, w, field_info(id)->name), before, after);
}

struct sides {
	const struct fields *l, *r, *raw_l, *raw_r;
};

static void compare(struct diff_pair *p, const struct where *w, const struct sides *s)
{
	const struct fields *l = s->l, *r = s->r;

	for (uint32_t i = 0, j = 0; i < l->n || j < r->n;) {
		unsigned a = i < l->n ? l->v[i].id : FIELD_NUMBERS;
		unsigned b = j < r->n ? r->v[j].id : FIELD_NUMBERS;
		enum book_field id = (enum book_field)(a < b ? a : b);
		bool place = w->kind == DEST_NONE && (id == F_NUMBER || id == F_UUID);

		if (!place && (a != b || strcmp(l->v[i].value, r->v[j].value) != 0))
			differs(p, w, id, a <= b ? fields_get(s->raw_l, id) : NULL,
				b <= a ? fields_get(s->raw_r, id) : NULL);
		i += a <= b;
		j += b <= a;
	}
}

void diff_fields(struct diff_pair *p)
{
	const struct where entry = {DEST_NONE, DIFF_NO_DEST, DIFF_NO_DEST, 0};

	compare(p, &entry,
		&(struct sides){&p->l->normal->f, &p->r->normal->f, &p->l->raw->f, &p->r->raw->f});
}

/* ---- tags and extras ---- */

static const char *copy(struct diff_pair *p, const char *s)
{
	return s ? diff_keep(p->x, arena_strdup(&p->x->d->arena, s)) : NULL;
}

static void tag_differs(
	struct diff_pair *p, const char *system, const char *before, const char *after)
{
	struct diff_change c = diff_change_of(p, DIFF_CHANGE, DIFF_TAG);
	const char *field = diff_keep(p->x, arena_printf(&p->x->d->arena, "tag.%s", system));

	diff_add_content(p, &c, field, copy(p, before), copy(p, after));
}

void diff_tags(struct diff_pair *p)
{
	const struct book_entry *l = p->l->normal, *r = p->r->normal;

	for (uint32_t i = 0, j = 0; i < l->n_tags || j < r->n_tags;) {
		int order = i == l->n_tags ? 1 : j == r->n_tags ? -1 : 0;

		if (order == 0)
			order = strcmp(l->tag[i].system, r->tag[j].system);
		if (order == 0)
			order = strcmp(l->tag[i].value, r->tag[j].value);
		if (order < 0)
			tag_differs(p, l->tag[i].system, l->tag[i].value, NULL);
		if (order > 0)
			tag_differs(p, r->tag[j].system, NULL, r->tag[j].value);
		i += order <= 0;
		j += order >= 0;
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void diff_extras(struct diff_pair *p)
{
	const struct book_entry *l = p->l->normal, *r = p->r->normal;

	for (uint32_t i = 0, j = 0; i < l->n_extras || j < r->n_extras;) {
		struct diff_change c = diff_change_of(p, DIFF_CHANGE, DIFF_EXTRA);
		int order = i == l->n_extras ? 1 : j == r->n_extras ? -1 : 0;

		if (order == 0)
			order = strcmp(l->extra[i].name, r->extra[j].name);
		const char *name = order <= 0 ? l->extra[i].name : r->extra[j].name;
		const char *before = order <= 0 ? l->extra[i].value : NULL;
		const char *after = order >= 0 ? r->extra[j].value : NULL;
		if (!same_text(before, after))
			diff_add_content(p, &c,
				diff_keep(p->x, arena_printf(&p->x->d->arena, "extra.%s", name)),
				before, after);
		i += order <= 0;
		j += order >= 0;
	}
}

/* ---- secrets: never a value ---- */

static bool told(const struct book_secret *s)
{
	return s->state != SECRET_WITHHELD && s->state != SECRET_UNKNOWN;
}

static bool comparable(const struct book_secret *l, const struct book_secret *r)
{
	bool none = l->state == SECRET_ABSENT || r->state == SECRET_ABSENT;

	return told(l) && told(r) && (none || l->state == r->state);
}

static const char *word_for(const struct book_secret *s)
{
	if (s->state == SECRET_ABSENT)
		return "not set";
	return told(s) ? "set" : secret_state_name(s->state);
}

static void diff_secret(struct diff_pair *p, const struct where *w, const struct book_secret *l,
	const struct book_secret *r)
{
	struct diff_change c = diff_change_of(p, DIFF_SECRET_CHANGED, DIFF_SECRET);

	if (l->state == r->state && same_text(l->text, r->text) && same_text(l->scheme, r->scheme))
		return;
	c.left_dest = w->left;
	c.right_dest = w->right;
	c.field = path(p, w, "secret");
	c.before = word_for(l);
	c.after = word_for(r);
	if (!comparable(l, r)) {
		c.op = DIFF_SECRET_UNKNOWN;
		p->x->d->secrets_unknown++;
	} else {
		p->content = true;
		c.after = strcmp(c.before, c.after) == 0 ? "changed" : c.after;
	}
	diff_add(p->x, &c);
}

/* ---- destinations ---- */

/* "address=ana@example.com, as=to" */
static const char *dest_words(struct diff_pair *p, const struct book_dest *d)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < d->f.n; i++)
		buf_addf(&b, "%s%s=%s", i ? ", " : "", field_info(d->f.v[i].id)->name,
			d->f.v[i].value);
	const char *words = copy(p, buf_str(&b));
	buf_fini(&b);
	return words;
}

/* On one side only. */
static void diff_lone(struct diff_pair *p, const struct where *w)
{
	struct diff_change c = diff_change_of(p, DIFF_CHANGE, DIFF_DEST);
	bool removed = w->right == DIFF_NO_DEST;
	const struct book_dest *d =
		removed ? &p->l->normal->dest[w->left] : &p->r->normal->dest[w->right];
	const char *words = dest_words(p, d);

	c.left_dest = w->left;
	c.right_dest = w->right;
	diff_add_content(p, &c, path(p, w, ""), removed ? words : NULL, removed ? NULL : words);
}

static void diff_both(struct diff_pair *p, const struct where *w)
{
	const struct book_dest *l = &p->l->normal->dest[w->left];
	const struct book_dest *r = &p->r->normal->dest[w->right];

	if (same_dest(l, r))
		return;
	compare(p, w,
		&(struct sides){
			&l->f, &r->f, &p->l->raw->dest[w->left].f, &p->r->raw->dest[w->right].f});
	diff_secret(p, w, &l->secret, &r->secret);
}

/* Positions among their kind, or 0 throughout where no kind has two. */
struct places {
	uint32_t *pair;  /* left → right */
	uint32_t *nth_l; /* then the right ones' */
	uint32_t *nth_r;
	bool *taken; /* of the right */
	uint32_t most[DEST_KINDS];
};

static void count_kinds(const struct book_entry *e, uint32_t *nth, uint32_t *most)
{
	uint32_t n[DEST_KINDS] = {0};

	for (uint32_t i = 0; i < e->n_dests; i++) {
		enum dest_kind kind = e->dest[i].kind;

		nth[i] = ++n[kind];
		most[kind] = n[kind] > most[kind] ? n[kind] : most[kind];
	}
}

static void places_init(struct places *s, const struct diff_pair *p)
{
	const struct book_entry *l = p->l->normal, *r = p->r->normal;

	*s = (struct places){
		.pair = mem_alloc((2 * (size_t)l->n_dests + r->n_dests) * sizeof(uint32_t)),
		.taken = mem_alloc((size_t)r->n_dests + 1),
	};
	s->nth_l = s->pair + l->n_dests;
	s->nth_r = s->nth_l + l->n_dests;
	count_kinds(l, s->nth_l, s->most);
	count_kinds(r, s->nth_r, s->most);
	match_dests(l, r, s->pair);
}

static struct where where(
	const struct places *s, enum dest_kind kind, uint32_t left, uint32_t right)
{
	uint32_t nth = right != DIFF_NO_DEST ? s->nth_r[right] : s->nth_l[left];

	return (struct where){kind, left, right, s->most[kind] > 1 ? nth : 0};
}

static void diff_many(struct diff_pair *p)
{
	const struct book_entry *l = p->l->normal, *r = p->r->normal;
	struct places s;
	struct where w;

	places_init(&s, p);
	for (uint32_t i = 0; i < l->n_dests; i++) {
		w = where(&s, l->dest[i].kind, i, s.pair[i]);
		if (s.pair[i] == NO_PAIR)
			continue;
		s.taken[s.pair[i]] = true;
		diff_both(p, &w);
	}
	for (uint32_t i = 0; i < l->n_dests; i++) {
		w = where(&s, l->dest[i].kind, i, DIFF_NO_DEST);
		if (s.pair[i] == NO_PAIR)
			diff_lone(p, &w);
	}
	for (uint32_t i = 0; i < r->n_dests; i++) {
		w = where(&s, r->dest[i].kind, DIFF_NO_DEST, i);
		if (!s.taken[i])
			diff_lone(p, &w);
	}
	free(s.pair);
	free(s.taken);
}

void diff_dests(struct diff_pair *p)
{
	const struct book_entry *l = p->l->normal, *r = p->r->normal;

	if (l->n_dests == 1 && r->n_dests == 1 && l->dest[0].kind == r->dest[0].kind)
		diff_both(p, &(struct where){l->dest[0].kind, 0, 0, 0});
	else if (l->n_dests + r->n_dests > 0)
		diff_many(p);
}
