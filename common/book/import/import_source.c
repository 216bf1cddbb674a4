// SPDX-License-Identifier: Apache-2.0
/* Which list of the source goes into which of the device, and what of it the device can hold. */
#include <string.h>

#include "common/book/convert/convert.h"
#include "common/book/import/import_priv.h"
#include "gen/errors.h"

/* ---- lines of a conversion ---- */

/* Places are given later, and said then; what a write destroys is said once. */
static bool ours(const struct importer *im, const struct ledger_line *l)
{
	bool place = l->action == LEDGER_RENUMBERED || l->action == LEDGER_DEFAULTED;

	return l->action == LEDGER_SIDE_EFFECT ||
	       (place && strcmp(l->field, "number") == 0 &&
		       im->opts->codec->holds(DEST_NONE, F_NUMBER)) ||
	       (l->action == LEDGER_REMAPPED && strcmp(l->field, "list") == 0);
}

/* The list has its own slot again: it was that of the device for the conversion. */
static void take_lines(struct importer *im, const struct ledger *from, const struct target *t)
{
	for (uint32_t i = 0; i < from->n; i++) {
		struct ledger_line line = from->line[i];
		if (ours(im, &line))
			continue;
		if (t && *line.list)
			line.list = t->from->slot;
		ledger_add(im->ledger, &line);
	}
}

static bool says_anything(const struct importer *im, const struct ledger *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (!ours(im, &l->line[i]))
			return true;
	return false;
}

/* *ret NULL: nothing of it is lost, and it stays as it is written. */
static int convert(struct importer *im, const struct book *source, const struct target *t,
	struct book **ret, struct fault *reterr)
{
	const struct convert_options opts = {.target = &im->loose,
		.codec = im->opts->codec,
		.keep_numbers = !im->foreign,
		.transliterate = im->opts->transliterate};
	struct ledger lines;
	int rc;

	ledger_init(&lines);
	rc = book_convert(source, &opts, ret, &lines, reterr);
	if (rc == 0 && !im->foreign && im->opts->written && !says_anything(im, &lines)) {
		book_free(*ret);
		*ret = NULL;
	} else if (rc == 0) {
		take_lines(im, &lines, t);
	}
	ledger_fini(&lines);
	return rc;
}

/* ---- one list ---- */

static struct book *alone(
	const struct book *b, const struct book_list *l, const char *slot, enum list_kind kind)
{
	struct book *one = book_new(b->family);
	struct book_list *to;

	one->codec = book_str(one, b->codec);
	one->charset = book_str(one, b->charset);
	for (uint32_t i = 0; i < b->n_meta; i++)
		book_add_meta(one, b->meta[i].name, b->meta[i].value);
	to = book_add_list(one, slot, kind, l->name);
	for (uint32_t i = 0; i < l->n_entries; i++)
		(void)book_copy_entry(one, to, &l->entry[i]);
	return one;
}

static const struct profile_list *limits_of(const struct importer *im, const char *slot)
{
	const struct book_profile *p = im->opts->profile;

	for (uint32_t i = 0; i < p->n_lists; i++)
		if (strcmp(p->list[i].slot, slot) == 0)
			return &p->list[i];
	return NULL;
}

static struct target *add_target(
	struct importer *im, const struct book_list *was, const struct book_list *from)
{
	struct target *t = &im->target[im->n_targets++];

	*t = (struct target){
		.slot = was->slot, .was = was, .from = from, .limits = limits_of(im, was->slot)};
	return t;
}

static int make(struct importer *im, struct target *t, struct fault *reterr)
{
	struct book *one = alone(im->source, t->from, t->slot, t->was->kind);
	int rc = 0;

	t->native = !im->foreign && t->from->kind == t->was->kind;
	if (one->too_big)
		rc = fault_set(reterr, CN_RESPONSE_TOO_BIG, "the source is too big");
	else if (im->foreign || !im->opts->own)
		rc = convert(im, one, t, &t->made, reterr);
	if (rc == 0 && !t->made) {
		t->made = one;
		one = NULL;
	}
	book_free(one);
	if (rc < 0)
		return -1;
	bug_if(t->made == NULL);
	t->src = t->made->n_lists ? &t->made->list[0] : NULL;
	return 0;
}

/* ---- with a map ---- */

static const struct book_list *named(const struct book *b, const char *name)
{
	const struct book_list *l = book_find_list(b, name);

	for (uint32_t i = 0; !l && i < b->n_lists; i++)
		if (strcmp(b->list[i].name, name) == 0)
			l = &b->list[i];
	return l;
}

static int unknown_list(struct fault *reterr, const char *whose, const char *name)
{
	return fault_why(
		reterr, CN_VALIDATION_FAILED, "unknown_list", "%s has no list %.64s", whose, name);
}

static int map_one(struct importer *im, const struct import_slot *m, struct fault *reterr)
{
	const struct book_list *was = book_find_list(im->before, m->slot);
	const struct book_list *from;
	bool none = !m->from || !*m->from; /* it keeps its content, if it is there (AB-32) */

	if (!was)
		return none ? 0 : unknown_list(reterr, "the device", m->slot);
	for (uint32_t i = 0; i < im->n_targets; i++)
		if (im->target[i].was == was)
			return fault_why(reterr, CN_VALIDATION_FAILED, "unknown_list",
				"list %.64s of the device is named twice", m->slot);
	if (none)
		return 0;
	from = named(im->source, m->from);
	if (!from)
		return unknown_list(reterr, "the source", m->from);
	return make(im, add_target(im, was, from), reterr);
}

/* ---- list for list ---- */

static void tell_no_list(struct importer *im, const struct book_list *l)
{
	const struct target t = {.from = l};
	const struct ledger_line line = {.action = LEDGER_ENTRY_DROPPED,
		.reason = import_fmt(im, "the device has no list %s", l->slot)};

	for (uint32_t i = 0; i < l->n_entries; i++)
		import_note(im, &t, &l->entry[i], &line);
}

static bool is_target(const struct importer *im, const struct book_list *was)
{
	for (uint32_t i = 0; i < im->n_targets; i++)
		if (im->target[i].was == was)
			return true;
	return false;
}

/* The list of its own slot; else, of another family, the first that no list of the source has. */
static const struct book_list *place_for(const struct importer *im, const struct book_list *l)
{
	const struct book_list *was = book_find_list(im->before, l->slot);

	if (was || !im->foreign)
		return was;
	for (uint32_t i = 0; i < im->before->n_lists; i++) {
		const struct book_list *free = &im->before->list[i];
		if (!is_target(im, free) && !book_find_list(im->source, free->slot))
			return free;
	}
	return NULL;
}

static int list_by_list(struct importer *im, struct fault *reterr)
{
	for (uint32_t i = 0; i < im->source->n_lists; i++) {
		const struct book_list *l = &im->source->list[i];
		const struct book_list *was = place_for(im, l);
		if (!was)
			tell_no_list(im, l);
		else if (make(im, add_target(im, was, l), reterr) < 0)
			return -1;
	}
	return 0;
}

/* Several lists of another family become the one that the device has. */
static int all_in_one(struct importer *im, struct fault *reterr)
{
	const struct book_list *was = &im->before->list[0];
	struct target *t = add_target(im, was, &im->source->list[0]);

	if (convert(im, im->source, NULL, &t->made, reterr) < 0)
		return -1;
	bug_if(t->made == NULL);
	t->src = t->made->n_lists ? &t->made->list[0] : NULL;
	return 0;
}

int import_sources(struct importer *im, struct fault *reterr)
{
	const struct import_options *o = im->opts;

	im->target = import_take(im, size_max(o->n_map, im->source->n_lists), sizeof(*im->target));
	for (size_t i = 0; o->map && i < o->n_map; i++)
		if (map_one(im, &o->map[i], reterr) < 0)
			return -1;
	if (o->map)
		return 0;
	if (im->foreign && im->before->n_lists == 1 && im->source->n_lists > 1)
		return all_in_one(im, reterr);
	return list_by_list(im, reterr);
}
