// SPDX-License-Identifier: Apache-2.0
/* The steps of a conversion, and what is written down about it. Pure. */
#include "common/book/convert/convert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/convert/convert_priv.h"
#include "gen/errors.h"

/* ---- memory and lines ---- */

void *conv_take(struct conv *c, size_t n, size_t size)
{
	void *p = arena_array(&c->work, n + 1, size);

	bug_if(p == NULL);
	return p;
}

const char *conv_fmt(struct conv *c, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	const char *s = arena_strndup(&c->work, buf_str(&text), text.n);
	bug_if(s == NULL || text.err);
	buf_fini(&text);
	return s;
}

const char *conv_place(struct conv *c, const char *path, enum book_field field)
{
	if (field == 0)
		return path;
	if (*path == '\0')
		return field_info(field)->name;
	return conv_fmt(c, "%s.%s", path, field_info(field)->name);
}

void conv_note(struct conv *c, enum ledger_action action, const char *field, const char *before,
	const char *after, const char *reason)
{
	const struct origin *o = c->now;
	const struct book_entry *e = o ? o->entry : NULL;

	if (c->n_pending == c->cap_pending) {
		uint32_t cap = c->cap_pending ? 2 * c->cap_pending : 64;
		struct pending *v = conv_take(c, cap, sizeof(*v));
		if (c->n_pending)
			memcpy(v, c->pending, c->n_pending * sizeof(*v));
		c->pending = v;
		c->cap_pending = cap;
	}
	c->pending[c->n_pending] = (struct pending){
		.order = o ? o->order : 0,
		.at = c->n_pending,
		.line = {.action = action,
			.list = o ? o->list->slot : "",
			.key = e ? e->key : "",
			.name = e   ? entry_name(e)
				: o ? o->list->name
				    : "",
			.field = field,
			.before = before,
			.after = after,
			.reason = reason},
	};
	c->n_pending++;
}

void conv_drop_origin(struct conv *c, const char *reason)
{
	struct origin *o = &c->origin[c->now->order - 1];

	o->dropped = true;
	conv_note(c, LEDGER_ENTRY_DROPPED, "", "", "", reason);
}

static int in_order(const void *a, const void *b)
{
	const struct pending *x = a;
	const struct pending *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

void conv_write_ledger(struct conv *c, struct ledger *ledger)
{
	if (c->n_pending)
		qsort(c->pending, c->n_pending, sizeof(*c->pending), in_order);
	for (uint32_t i = 0; i < c->n_pending; i++) {
		const struct pending *p = &c->pending[i];
		bool gone = p->order && c->origin[p->order - 1].dropped;
		if (!gone || (p->line.action == LEDGER_ENTRY_DROPPED && *p->line.field == '\0'))
			ledger_add(ledger, &p->line);
	}
}

/* ---- lists ---- */

static void convert_lists(struct conv *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->src->n_lists; i++)
		n += c->src->list[i].n_entries;
	c->origin = conv_take(c, n, sizeof(*c->origin));
	c->target = conv_take(c, c->src->n_lists, sizeof(*c->target));
	convert_slots(c);
	for (uint32_t i = 0; i < c->src->n_lists; i++) {
		const struct book_list *l = &c->src->list[i];
		if (l->n_entries == 0 && !c->to->whole_model) {
			convert_empty(c, l);
			continue;
		}
		struct target *t = convert_list(c, l);
		struct origin *first = &c->origin[c->n_origins];
		for (uint32_t k = 0; k < l->n_entries; k++)
			first[k] = (struct origin){.list = l,
				.entry = &l->entry[k],
				.target = t,
				.order = ++c->n_origins}; /* from 1 */
		const uint32_t *order = convert_order(c, l);
		for (uint32_t k = 0; k < l->n_entries && !c->out->too_big; k++)
			convert_entry(c, &first[order[k]]);
	}
}

/* ---- what two lists bring twice ---- */

static const char *what_it_is(struct conv *c, const struct book_entry *e)
{
	struct buf id = BUF_INIT;
	const char *s;

	buf_adds(&id, entry_name(e));
	for (uint32_t i = 0; i < e->n_dests; i++) {
		buf_addf(&id, "\n%d", (int)e->dest[i].kind);
		for (uint32_t k = 0; k < e->dest[i].f.n; k++)
			if (field_info(e->dest[i].f.v[k].id)->address)
				buf_addf(&id, "\t%s", e->dest[i].f.v[k].value);
	}
	s = conv_fmt(c, "%s", buf_str(&id));
	buf_fini(&id);
	return s;
}

static void tell_duplicates(struct conv *c)
{
	for (uint32_t k = 0; k < c->n_targets; k++) {
		struct target *t = &c->target[k];
		struct map seen = MAP_INIT;
		for (uint32_t i = 0; i < t->n && c->src->n_lists > 1; i++) {
			struct part *p = &t->part[i];
			const struct book_entry *e = &c->out->list[t->list].entry[i];
			if (p->dropped || e->group)
				continue;
			const char *id = what_it_is(c, e);
			const struct part *first = map_get(&seen, id, strlen(id));
			if (!first) {
				(void)map_put(&seen, id, strlen(id), p);
			} else if (first->origin->list != p->origin->list) {
				c->now = p->origin;
				conv_note(c, LEDGER_DUPLICATE, "", entry_name(e),
					conv_fmt(c, "%u", first->number),
					conv_fmt(c, "it is in list %s, too",
						first->origin->list->slot));
			}
		}
		map_fini(&seen);
	}
}

/* ---- the whole ---- */

static void take_out_dropped(struct conv *c)
{
	for (uint32_t k = 0; k < c->n_targets; k++) {
		const struct target *t = &c->target[k];
		struct book_list *l = &c->out->list[t->list];
		uint32_t kept = 0;
		for (uint32_t i = 0; i < l->n_entries; i++)
			if (!t->part[i].dropped)
				l->entry[kept++] = l->entry[i];
		c->out->n_entries -= l->n_entries - kept;
		l->n_entries = kept;
	}
}

/* Nothing of it could be taken: such a list is nowhere in the target's file. */
static void take_out_empty_lists(struct conv *c)
{
	struct book *b = c->out;
	uint32_t kept = 0;

	if (c->to->whole_model)
		return;
	for (uint32_t i = 0; i < b->n_lists; i++) {
		if (b->list[i].n_entries) {
			b->list[kept++] = b->list[i];
			continue;
		}
		convert_empty(c, &b->list[i]);
		free(b->list[i].entry);
	}
	b->n_lists = kept;
	/* a file has one all the same */
	if (kept == 0 && c->to->n_lists)
		(void)book_add_list(b, c->to->list[0].slot, c->to->list[0].kind, "");
}

static void tell_side_effects(struct conv *c)
{
	c->now = NULL;
	for (const char *const *s = c->to->side_effects; *s; s++)
		conv_note(c, LEDGER_SIDE_EFFECT, "", "", "", *s);
}

static void convert(struct conv *c)
{
	c->out->charset = book_str(c->out, charset_name(c->charset));
	/* what nobody's format keeps goes back to its own format from there */
	c->out->codec = book_str(c->out, c->to->neutral ? c->src->codec : c->codec->name);
	for (uint32_t i = 0; (c->same_codec || c->to->whole_model) && i < c->src->n_meta; i++)
		book_add_meta(c->out, c->src->meta[i].name, c->src->meta[i].value);
	convert_lists(c);
	convert_numbers(c);
	convert_members(c);
	tell_duplicates(c);
	take_out_dropped(c);
	take_out_empty_lists(c);
	tell_side_effects(c);
}

/* Of the format that it was read from, if that is its family's own. */
static const struct book_profile *profile_of(const struct book *b)
{
	const struct book_profile *p = profile_named(b->codec);

	return p && strcmp(p->family, b->family) == 0 ? p : profile_named(b->family);
}

static int set_up(struct conv *c, const struct book *source, const struct convert_options *opts,
	struct fault *reterr)
{
	int charset = charset_named(opts->target->charset);

	*c = (struct conv){.src = source, .to = opts->target, .opts = opts};
	c->codec = opts->codec ? opts->codec : codec_named(opts->target->codec);
	if (c->codec == NULL || c->codec->encode == NULL)
		return fault_why(reterr, CN_UNSUPPORTED_OPERATION, "read_only",
			"no book is written as %s", opts->target->codec);
	bug_if(charset < 0);
	c->charset = (enum charset)charset;
	c->from = profile_of(source);
	c->reader = codec_named(source->codec);
	c->same_family = c->to->neutral || strcmp(source->family, c->to->family) == 0;
	c->same_codec = strcmp(source->codec, c->codec->name) == 0;
	return 0;
}

int book_convert(const struct book *source, const struct convert_options *opts,
	struct book **ret_book, struct ledger *ledger, struct fault *reterr)
{
	struct conv c;
	struct book *merged = NULL;

	if (set_up(&c, source, opts, reterr) < 0)
		return -1;
	arena_init(&c.work, 0);
	c.out = book_new(c.to->neutral ? source->family : c.to->family);
	if (opts->merge_same_name && c.to->dests != DESTS_ONE)
		c.src = merged = convert_merge(&c);
	convert(&c);
	bool too_big = c.out->too_big || c.src->too_big;
	if (too_big) {
		book_free(c.out);
		fault_set(reterr, CN_RESPONSE_TOO_BIG, "the converted book does not fit");
	} else {
		conv_write_ledger(&c, ledger);
		*ret_book = c.out;
	}
	for (uint32_t i = 0; i < c.n_targets; i++)
		map_fini(&c.target[i].keys);
	map_fini(&c.columns);
	map_fini(&c.slots);
	map_fini(&c.called);
	arena_fini(&c.work);
	book_free(merged);
	return too_big ? -1 : 0;
}
