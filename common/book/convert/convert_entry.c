// SPDX-License-Identifier: Apache-2.0
/* One source entry: its destinations, how many entries of the target they need, and what each of
 * these says. Pure. */
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/convert/convert_priv.h"
#include "common/book/norm.h"

/* "email", "file[2].path" as in a diff: the first of a kind has no number. */
static const char *dest_path(struct conv *c, enum dest_kind kind, uint32_t nth)
{
	if (nth == 0)
		return dest_kind_name(kind);
	return conv_fmt(c, "%s[%u]", dest_kind_name(kind), nth + 1);
}

/* A format whose groups are not understood keeps its own as they are; nobody else has a use for a
 * group without members. */
static const char *group_refused(struct conv *c)
{
	bool of_its_own = c->same_codec || c->to->whole_model;

	if ((c->to->kinds & 1u << DEST_GROUP) == 0 ||
		((c->codec->flags & CODEC_GROUPS) == 0 && !of_its_own))
		return conv_fmt(c, "%s has no groups", c->codec->title);
	if (c->reader && (c->reader->flags & CODEC_GROUPS) == 0 && !of_its_own)
		return conv_fmt(c, "%s does not say who is in it", c->reader->title);
	return NULL;
}

/* ---- destinations ---- */

static void convert_dests(struct conv *c, struct book_entry *e, const char **why)
{
	const struct book_entry *src = c->now->entry;
	uint32_t seen[DEST_KINDS] = {0};

	for (uint32_t i = 0; i < src->n_dests; i++) {
		const struct book_dest *d = &src->dest[i];
		const char *reason;
		if (!convert_dest(c, e, d, dest_path(c, d->kind, seen[d->kind]++), &reason))
			*why = reason;
	}
}

/* In which of the target's entries the i-th destination stands: what may stand once goes to the
 * next where it stands already. */
static uint32_t *placed(struct conv *c, const struct book_entry *e, uint32_t *ret_parts)
{
	uint32_t *at = conv_take(c, e->n_dests, sizeof(*at));
	uint32_t stand[PROFILE_PLACES] = {0};

	*ret_parts = 1;
	for (uint32_t i = 0; i < e->n_dests; i++) {
		const struct book_dest *d = &e->dest[i];
		if (c->to->dests == DESTS_ANY)
			continue; /* all in the first */
		at[i] = stand[profile_place(c->to, d->kind, fields_get(&d->f, F_PROTOCOL))]++;
		if (at[i] >= *ret_parts)
			*ret_parts = at[i] + 1;
	}
	return at;
}

/* ---- fields of the entry ---- */

static const char *first_address(const struct book_entry *e)
{
	static const enum book_field fields[] = {
		F_ADDRESS, F_FAX_NUMBER, F_URI, F_HOST, F_PATH, F_BOX_ID, F_ACCOUNT};

	for (uint32_t i = 0; i < e->n_dests; i++)
		for (size_t k = 0; k < array_len(fields); k++) {
			const char *v = fields_get(&e->dest[i].f, fields[k]);
			if (v)
				return v;
		}
	return e->group ? "Group" : "-";
}

static void name_it(struct conv *c, struct book_entry *e)
{
	uint32_t mark = c->n_pending;
	const char *why;
	const char *name;

	if (!c->to->name_required || fields_get(&e->f, F_NAME))
		return;
	name = convert_value(c, DEST_NONE, F_NAME, "", first_address(e), &why);
	c->n_pending = mark;
	if (name == NULL)
		name = "-";
	book_set(c->out, &e->f, F_NAME, name);
	conv_note(c, LEDGER_DEFAULTED, "name", "", name,
		conv_fmt(c, "%s shows entries by their names", c->codec->title));
}

static void convert_fields(struct conv *c, struct book_entry *e)
{
	const struct fields *from = &c->now->entry->f;

	for (uint32_t i = 0; i < from->n; i++) {
		const struct field *f = &from->v[i];
		const char *why = NULL;
		if ((f->id == F_NUMBER && !c->to->whole_model) ||
			!field_passes(c, DEST_NONE, f, ""))
			continue;
		const char *v = convert_value(c, DEST_NONE, f->id, "", f->value, &why);
		if (v == NULL)
			conv_note(c, LEDGER_DROPPED, field_info(f->id)->name, f->value, "", why);
		else
			book_set(c->out, &e->f, f->id, v);
	}
	name_it(c, e);
}

static const char *lower(struct conv *c, const char *s)
{
	size_t n = strlen(s);
	char *low = conv_take(c, n, 1);

	for (size_t i = 0; i < n; i++)
		low[i] = ascii_lower(s[i]);
	return low;
}

/* Columns have one name each whatever its case (AB-11): that which came first. */
static const char *column(struct conv *c, const char *name)
{
	const char *low = lower(c, name);
	struct name *first = map_get(&c->columns, low, strlen(low));

	if (first == NULL) {
		first = conv_take(c, 1, sizeof(*first));
		first->s = name;
		(void)map_put(&c->columns, low, strlen(low), first);
	}
	return first->s;
}

/* Whatever a format knows of it: a password never stands in a ledger. */
static bool names_secret(struct conv *c, const char *name)
{
	const char *low = lower(c, name);

	return strstr(low, "passw") || strstr(low, "pwd") || strstr(low, "passphrase");
}

/* NULL = e has that column already. */
static const char *place_of_extra(struct conv *c, struct map *seen, struct book_extra *x)
{
	const char *name = column(c, x->name);

	return map_put(seen, name, strlen(name), x) ? NULL : name;
}

/* AB-1: they go back to where they came from as they were, and to formats that are nobody's. */
static void convert_extras(struct conv *c, struct book_entry *e)
{
	const struct book_entry *src = c->now->entry;
	bool as_is = c->same_codec || c->to->whole_model;
	bool keep = as_is || (c->to->neutral && (c->codec->flags & CODEC_EXTRAS) != 0);
	struct map seen = MAP_INIT;

	for (uint32_t i = 0; i < src->n_extras; i++) {
		struct book_extra *x = &src->extra[i];
		const char *why = NULL;
		const char *name = x->name;
		if (*x->value == '\0' && !as_is)
			continue; /* an empty cell */
		const char *v = keep ? convert_text(c, x->value, &why) : NULL;
		if (v && !as_is && !(name = place_of_extra(c, &seen, x)))
			why = "another of that name stands before it";
		if (v && name)
			book_add_extra(c->out, e, name, v);
		else
			conv_note(c, LEDGER_DROPPED, conv_fmt(c, "extra.%s", x->name),
				names_secret(c, x->name) ? "" : x->value, "",
				why ? why : "a value of its own format alone");
	}
	map_fini(&seen);
}

/* ---- parts ---- */

static uint32_t number_of(const char *s)
{
	uint64_t n = 0;

	for (; s && *s >= '0' && *s <= '9' && n <= UINT32_MAX; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return s && *s == '\0' && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static struct part *next_part(struct conv *c, struct target *t)
{
	if (t->n == t->cap) {
		struct part *v;
		t->cap = t->cap ? 2 * t->cap : 64;
		v = conv_take(c, t->cap, sizeof(*v));
		if (t->n)
			memcpy(v, t->part, t->n * sizeof(*v));
		t->part = v;
	}
	return &t->part[t->n++];
}

/* whole: all of the source entry in one; its place-th piece becomes an entry. */
static void add_part(struct conv *c, struct origin *o, const struct book_entry *whole,
	const uint32_t *at, uint32_t place)
{
	struct target *t = o->target;
	struct book_entry *e = book_add_entry(c->out, &c->out->list[t->list], "");
	struct part *p;

	if (c->out->too_big)
		return;
	p = next_part(c, t);
	*p = (struct part){.origin = o};
	if (place == 0)
		p->said = norm_value(c->out, F_NUMBER, fields_get(&o->entry->f, F_NUMBER));
	p->wanted = number_of(p->said);
	e->group = whole->group;
	for (uint32_t i = 0; i < whole->f.n; i++)
		if (place == 0 || whole->f.v[i].id != F_UUID)
			book_set(c->out, &e->f, whole->f.v[i].id, whole->f.v[i].value);
	if (place == 0 && c->opts->keep_numbers)
		book_set(c->out, &e->f, F_NUMBER, fields_get(&o->entry->f, F_NUMBER));
	for (uint32_t i = 0; i < whole->n_tags; i++)
		book_add_tag(c->out, e, whole->tag[i].system, whole->tag[i].value);
	for (uint32_t i = 0; place == 0 && i < whole->n_extras; i++)
		book_add_extra(c->out, e, whole->extra[i].name, whole->extra[i].value);
	for (uint32_t i = 0; i < whole->n_dests; i++)
		if (at[i] == place)
			*book_add_dest(c->out, e, DEST_NONE) = whole->dest[i];
}

/* A kind that the model does not know is all in extras, which its own format takes back; an entry
 * whose destinations are all lost is no use to anybody. */
static bool needs_dest(const struct conv *c, const struct book_entry *e)
{
	if (e->n_dests)
		return true;
	if (c->to->whole_model || (c->same_codec && e->n_extras))
		return false;
	return c->to->dest_required || (c->from && c->from->dest_required);
}

void convert_entry(struct conv *c, struct origin *o)
{
	struct book_entry whole = {.key = "", .group = o->entry->group};
	const char *why = whole.group ? group_refused(c) : NULL;
	uint32_t parts;

	c->now = o;
	o->first = o->target->n;
	if (why) {
		conv_drop_origin(c, why);
		return;
	}
	convert_dests(c, &whole, &why);
	if (!whole.group && whole.n_dests == 0 && needs_dest(c, o->entry)) {
		conv_drop_origin(c, why ? why : "it has no destination that is understood");
		return;
	}
	convert_fields(c, &whole);
	convert_tags(c, &whole, o->entry);
	convert_extras(c, &whole);
	uint32_t *at = placed(c, &whole, &parts);
	for (uint32_t i = 0; i < parts; i++)
		add_part(c, o, &whole, at, i);
	o->n = o->target->n - o->first;
	if (parts > 1)
		conv_note(c, LEDGER_SPLIT, "", "", conv_fmt(c, "%u entries", parts),
			c->to->dests == DESTS_ONE ? "one destination in an entry"
						  : "one destination of a kind in an entry");
}
