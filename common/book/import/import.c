// SPDX-License-Identifier: Apache-2.0
/* The steps of an import. Pure. */
#include "common/book/import/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/book/import/import_priv.h"
#include "common/text/charset.h"
#include "gen/errors.h"

void *import_take(struct importer *im, size_t n, size_t size)
{
	void *p = arena_array(&im->work, n + 1, size);

	bug_if(p == NULL);
	return p;
}

const char *import_fmt(struct importer *im, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	const char *s = arena_strndup(&im->work, buf_str(&text), text.n);
	bug_if(s == NULL || text.err);
	buf_fini(&text);
	return s;
}

void import_note(struct importer *im, const struct target *t, const struct book_entry *e,
	const struct ledger_line *what)
{
	struct ledger_line line = *what;

	line.list = t->from->slot;
	line.key = e ? e->key : "";
	line.name = e ? entry_name(e) : t->from->name;
	ledger_add(im->ledger, &line);
}

/* ---- set up ---- */

/* Numbers and capacities are given here, over what the device has already; its characters are those
 * that it wrote. */
static void loosen(struct importer *im)
{
	struct book_profile *p = &im->loose;
	struct profile_list *lists;

	*p = *im->opts->profile;
	lists = import_take(im, p->n_lists, sizeof(*lists));
	for (uint32_t i = 0; i < p->n_lists; i++) {
		lists[i] = p->list[i];
		lists[i].capacity = lists[i].together = lists[i].first = lists[i].last = 0;
	}
	p->list = lists;
	p->entries = 0;
	if (im->before->charset && charset_named(im->before->charset) >= 0)
		p->charset = im->before->charset;
}

static bool other_charset(const struct book *before, const struct book *source)
{
	const char *a = before->charset, *b = source->charset;

	return a && b && *a && *b && charset_named(a) != charset_named(b);
}

static void set_up(struct importer *im)
{
	loosen(im);
	im->reader = codec_named(im->source->codec);
	im->foreign = strcmp(im->source->codec, im->opts->codec->name) != 0 ||
		      other_charset(im->before, im->source);
	im->overlay = im->opts->mode == IMPORT_MERGE &&
		      strcmp(im->source->codec, im->opts->codec->name) != 0;
}

static void tear_down(struct importer *im)
{
	for (uint32_t i = 0; i < im->n_targets; i++) {
		struct target *t = &im->target[i];
		map_fini(&t->left_keys);
		map_fini(&t->right_keys);
		match_side_fini(&t->left);
		match_side_fini(&t->right);
		book_free(t->left_book);
		book_free(t->right_book);
		book_free(t->made);
	}
	arena_fini(&im->work);
}

/* ---- the whole ---- */

static const struct target *target_of(const struct importer *im, const char *slot)
{
	for (uint32_t i = 0; i < im->n_targets; i++)
		if (strcmp(im->target[i].slot, slot) == 0)
			return &im->target[i];
	return NULL;
}

static void copy_list(struct importer *im, const struct book_list *l)
{
	struct book_list *to = book_add_list(im->out, l->slot, l->kind, l->name);

	for (uint32_t i = 0; i < l->n_entries; i++)
		(void)book_copy_entry(im->out, to, &l->entry[i]);
}

/* In the device's order of lists. */
static void write_out(struct importer *im)
{
	const struct book *b = im->before;

	im->out = book_new(b->family);
	im->out->codec = book_str(im->out, b->codec);
	im->out->charset = book_str(im->out, b->charset);
	for (uint32_t i = 0; i < b->n_meta; i++)
		book_add_meta(im->out, b->meta[i].name, b->meta[i].value);
	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct target *t = target_of(im, b->list[i].slot);
		if (t)
			import_write(im, t);
		else
			copy_list(im, &b->list[i]);
	}
}

static void tell_side_effects(struct importer *im)
{
	for (const char *const *s = im->opts->profile->side_effects; s && *s; s++) {
		const struct ledger_line line = {.action = LEDGER_SIDE_EFFECT, .reason = *s};
		ledger_add(im->ledger, &line);
	}
}

static int work(struct importer *im, struct fault *reterr)
{
	if (import_sources(im, reterr) < 0)
		return -1;
	for (uint32_t i = 0; i < im->n_targets; i++) {
		if (import_rows(im, &im->target[i]) < 0)
			return fault_set(
				reterr, CN_RESPONSE_TOO_BIG, "the books are too big together");
		import_numbers(im, &im->target[i]);
	}
	import_capacity(im);
	for (uint32_t i = 0; i < im->n_targets; i++)
		import_keys(im, &im->target[i]);
	write_out(im);
	if (im->out->too_big) {
		book_free(im->out);
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "the books are too big together");
	}
	tell_side_effects(im);
	return 0;
}

int book_import(const struct book *before, const struct book *source,
	const struct import_options *opts, struct book **ret_wanted, struct ledger *ledger,
	struct fault *reterr)
{
	struct importer im = {.before = before, .source = source, .opts = opts, .ledger = ledger};
	int rc;

	arena_init(&im.work, 0);
	set_up(&im);
	rc = work(&im, reterr);
	tear_down(&im);
	if (rc == 0)
		*ret_wanted = im.out;
	return rc;
}
