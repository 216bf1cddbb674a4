// SPDX-License-Identifier: Apache-2.0
/* The entries of a list as the device shall hold them. */
#include <stdio.h>
#include <string.h>

#include "common/book/import/import_priv.h"

/* The row that is being written. */
struct pen {
	struct importer *im;
	const struct target *t;
	struct map was, src; /* key on that side → row */
	struct map keys;     /* of what is written → row */
	struct book_list *list;
};

static const struct book_entry *was_normal(const struct pen *p, const struct row *r)
{
	return p->t->left.v[r->was - p->t->was->entry].normal;
}

static const struct book_entry *src_normal(const struct pen *p, const struct row *r)
{
	return p->t->right.v[r->src - p->t->src->entry].normal;
}

/* ---- passwords ---- */

static bool says_nothing(const struct book_secret *s)
{
	return s->state == SECRET_WITHHELD || s->state == SECRET_UNKNOWN;
}

static void secret_needed(struct pen *p, const struct row *r, const struct book_dest *d)
{
	const struct ledger_line line = {.action = LEDGER_SECRET_NEEDED,
		.field = import_fmt(p->im, "%s.secret", dest_kind_name(d->kind)),
		.reason = "the source does not say it"};

	if (p->t->native && d->secret.state == SECRET_WITHHELD && d->kind == DEST_FILE)
		import_note(p->im, p->t, r->src, &line);
}

/* e was made of r->src: what the source does not say and the device does stays. */
static void keep_secrets(struct pen *p, const struct row *r, struct book_entry *e)
{
	uint32_t *pair;

	bug_if(r->src == NULL);
	pair = import_take(p->im, r->src->n_dests, sizeof(*pair));
	for (uint32_t i = 0; i < r->src->n_dests; i++)
		pair[i] = NO_PAIR;
	if (r->was)
		match_dests(src_normal(p, r), was_normal(p, r), pair);
	for (uint32_t i = 0; i < r->src->n_dests && i < e->n_dests; i++) {
		const struct book_secret *old;
		if (!says_nothing(&e->dest[i].secret))
			continue;
		if (pair[i] == NO_PAIR || !same_address(&src_normal(p, r)->dest[i],
						  &was_normal(p, r)->dest[pair[i]])) {
			secret_needed(p, r, &e->dest[i]);
			continue;
		}
		old = &r->was->dest[pair[i]].secret;
		book_set_secret(p->im->out, &e->dest[i], old->state, old->text, old->scheme);
	}
}

/* e is as it was, but for passwords that the source tells and the device does not. */
static void tell_secrets(struct pen *p, const struct row *r, struct book_entry *e)
{
	uint32_t *pair;

	if (!r->src || p->im->opts->mode == IMPORT_ADD)
		return;
	pair = import_take(p->im, r->src->n_dests, sizeof(*pair));
	match_dests(src_normal(p, r), was_normal(p, r), pair);
	for (uint32_t i = 0; i < r->src->n_dests; i++) {
		const struct book_secret *s = &r->src->dest[i].secret;
		if (pair[i] != NO_PAIR && !says_nothing(s) &&
			says_nothing(&e->dest[pair[i]].secret))
			book_set_secret(
				p->im->out, &e->dest[pair[i]], s->state, s->text, s->scheme);
	}
}

/* ---- members ---- */

static void member_lost(struct pen *p, const struct row *r, const char *name, const char *why)
{
	const struct ledger_line line = {
		.action = LEDGER_MEMBER_LOST, .field = "member", .before = name, .reason = why};

	import_note(p->im, p->t, r->src ? r->src : r->was, &line);
}

/* Of the source's nobody, who would be somebody here. */
static bool is_somebody(const struct pen *p, const char *text)
{
	const char *number = text ? text + strspn(text, "0") : "";

	return text &&
	       (map_get(&p->keys, text, strlen(text)) || map_get(&p->keys, number, strlen(number)));
}

/* from: whose members they are, as their side names them. */
static void write_members(struct pen *p, const struct row *r, struct book_entry *e,
	const struct book_entry *from, const struct map *rows)
{
	bug_if(from == NULL);
	e->n_members = 0;
	for (uint32_t i = 0; i < from->n_members; i++) {
		const struct book_member *m = &from->member[i];
		const struct row *is = m->key ? map_get(rows, m->key, strlen(m->key)) : NULL;
		if (!is && (rows == &p->was || (p->t->native && !is_somebody(p, m->text))))
			book_add_member(p->im->out, e, NULL, m->text);
		else if (!is)
			member_lost(p, r, m->text ? m->text : "", "there is no such entry");
		else if (is->dropped)
			member_lost(p, r, entry_name(is->src), "it is not in the target");
		else
			book_add_member(p->im->out, e, is->key,
				m->text && strcmp(m->key, is->key) == 0 ? m->text : is->key);
	}
}

/* ---- places ---- */

static void keep_place(struct pen *p, const struct row *r, struct book_entry *e)
{
	book_set(p->im->out, &e->f, F_NUMBER, fields_get(&r->was->f, F_NUMBER));
	book_set(p->im->out, &e->f, F_UUID, fields_get(&r->was->f, F_UUID));
}

/* The identity of somebody else is nobody's. */
static void one_uuid(struct pen *p, const struct row *r, struct book_entry *e)
{
	const char *uuid = fields_get(&e->f, F_UUID);
	const struct ledger_line line = {.action = LEDGER_DROPPED,
		.field = "uuid",
		.before = uuid,
		.reason = "another entry has it, too"};

	if (!uuid || !p->im->opts->profile->key_uuid || strcmp(uuid, r->key) == 0)
		return;
	import_note(p->im, p->t, r->src, &line);
	book_set(p->im->out, &e->f, F_UUID, NULL);
}

static bool is_number(const char *said, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return said && strspn(said, "0") < strlen(said) &&
	       strcmp(said + strspn(said, "0"), text) == 0;
}

static void set_number(struct pen *p, const struct row *r, struct book_entry *e)
{
	const char *said = fields_get(&r->src->f, F_NUMBER);

	if (r->number && is_number(fields_get(&e->f, F_NUMBER), r->number))
		return;
	book_set(p->im->out, &e->f, F_NUMBER,
		r->number == 0 || is_number(said, r->number) ? said
							     : import_fmt(p->im, "%u", r->number));
}

static void put_place(struct pen *p, const struct row *r, struct book_entry *e)
{
	book_set(p->im->out, &e->f, F_UUID, import_uuid(p->im, r));
	set_number(p, r, e);
	one_uuid(p, r, e);
}

/* ---- what both have, where the source is of another family ---- */

static void overlay_fields(struct pen *p, struct fields *to, const struct fields *from)
{
	for (uint32_t i = 0; i < from->n; i++)
		if (from->v[i].id != F_NUMBER && from->v[i].id != F_UUID)
			book_set(p->im->out, to, from->v[i].id, from->v[i].value);
}

static void put_dest(
	struct pen *p, struct book_entry *e, uint32_t at, const struct book_dest *from, bool whole)
{
	struct book *b = p->im->out;
	struct book_dest *d = at == NO_PAIR ? book_add_dest(b, e, from->kind) : &e->dest[at];

	if (whole && at != NO_PAIR) {
		d->kind = from->kind;
		d->f.n = 0;
	}
	overlay_fields(p, &d->f, &from->f);
	if (whole || !says_nothing(&from->secret))
		book_set_secret(b, d, from->secret.state, from->secret.text, from->secret.scheme);
}

static void overlay_dests(struct pen *p, const struct row *r, struct book_entry *e)
{
	uint32_t *pair = import_take(p->im, r->src->n_dests, sizeof(*pair));

	import_dests(p->im, src_normal(p, r), was_normal(p, r), pair);
	for (uint32_t i = 0; i < r->src->n_dests; i++) {
		bool same = pair[i] != NO_PAIR && import_same_place(&src_normal(p, r)->dest[i],
							  &was_normal(p, r)->dest[pair[i]]);
		put_dest(p, e, pair[i], &r->src->dest[i], !same);
	}
}

static void overlay_tags(struct pen *p, struct book_entry *e, const struct book_entry *from)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < e->n_tags; i++) {
		bool said = false;
		for (uint32_t k = 0; k < from->n_tags; k++)
			said |= strcmp(from->tag[k].system, e->tag[i].system) == 0;
		if (!said)
			e->tag[kept++] = e->tag[i];
	}
	e->n_tags = kept;
	for (uint32_t k = 0; k < from->n_tags; k++)
		book_add_tag(p->im->out, e, from->tag[k].system, from->tag[k].value);
}

static struct book_entry *write_over(struct pen *p, const struct row *r)
{
	struct book_entry *e = book_copy_entry(p->im->out, p->list, r->was);

	overlay_fields(p, &e->f, &r->src->f);
	overlay_tags(p, e, r->src);
	overlay_dests(p, r, e);
	if (r->src->n_members)
		write_members(p, r, e, r->src, &p->src);
	else
		write_members(p, r, e, r->was, &p->was);
	return e;
}

/* ---- rows ---- */

static struct book_entry *write_was(struct pen *p, const struct row *r)
{
	struct book_entry *e = book_copy_entry(p->im->out, p->list, r->was);

	write_members(p, r, e, r->was, &p->was);
	tell_secrets(p, r, e);
	return e;
}

static struct book_entry *write_src(struct pen *p, const struct row *r)
{
	struct book_entry *e = book_copy_entry(p->im->out, p->list, r->src);

	keep_secrets(p, r, e);
	write_members(p, r, e, r->src, &p->src);
	return e;
}

static void write_row(struct pen *p, const struct row *r)
{
	struct book_entry *e;

	if (r->same)
		e = write_was(p, r);
	else if (r->was && p->im->overlay)
		e = write_over(p, r);
	else
		e = write_src(p, r);
	e->key = book_str(p->im->out, r->key);
	if (!import_in_place(p->im, r))
		put_place(p, r, e);
	else
		keep_place(p, r, e);
}

static const char *list_name(const struct importer *im, const struct target *t)
{
	bool takes = im->opts->mode == IMPORT_REPLACE && t->src && (t->native || *t->src->name) &&
		     im->opts->profile->list_names;

	return takes ? t->src->name : t->was->name;
}

void import_write(struct importer *im, const struct target *t)
{
	struct pen p = {.im = im, .t = t, .was = MAP_INIT, .src = MAP_INIT, .keys = MAP_INIT};

	for (uint32_t i = 0; i < t->n; i++) {
		struct row *r = &t->row[i];
		if (r->was)
			(void)map_put(&p.was, r->was->key, strlen(r->was->key), r);
		if (r->src)
			(void)map_put(&p.src, r->src->key, strlen(r->src->key), r);
		if (!r->dropped)
			(void)map_put(&p.keys, r->key, strlen(r->key), r);
	}
	p.list = book_add_list(im->out, t->slot, t->was->kind, list_name(im, t));
	for (uint32_t i = 0; i < t->n && !im->out->too_big; i++)
		if (!t->row[i].dropped)
			write_row(&p, &t->row[i]);
	map_fini(&p.was);
	map_fini(&p.src);
	map_fini(&p.keys);
}
