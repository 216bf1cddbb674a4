// SPDX-License-Identifier: Apache-2.0
/* carnet book show: lists and entries as tables, one entry in full, or all of it as JSON. */
#include <string.h>

#include "common/book/formats/json.h"
#include "services/cli/book.h"

extern const struct codec codec_carnet_json;

#define NARROW 100 /* cells: below it the table has what one needs to recognise an entry */

static void list_cell(const void *arg, size_t row, const char *member, struct buf *out)
{
	const struct book *b = arg;
	const struct book_list *l = &b->list[row];

	if (strcmp(member, "list") == 0)
		safe_text(out, l->slot);
	else if (strcmp(member, "kind") == 0)
		buf_adds(out, list_kind_name(l->kind));
	else if (strcmp(member, "name") == 0)
		safe_text(out, l->name);
	else
		buf_addf(out, "%u", l->n_entries);
}

static void entry_cell(const void *arg, size_t row, const char *member, struct buf *out)
{
	const struct book_list *l = arg;
	const struct book_entry *e = &l->entry[row];

	if (strcmp(member, "number") == 0)
		safe_text(out, entry_number(e));
	else if (strcmp(member, "name") == 0)
		safe_text(out, entry_name(e));
	else if (strcmp(member, "kind") == 0)
		entry_kinds(out, e);
	else if (strcmp(member, "where") == 0)
		entry_where(out, e);
	else if (strcmp(member, "line") == 0)
		buf_addf(out, e->at.line > 0 ? "%u" : "", e->at.line);
	else if (strcmp(member, "key") == 0)
		safe_text(out, e->key);
	else {
		const char *value = fields_get(&e->f, field_named(member));
		safe_text(out, value == NULL ? "" : value);
	}
}

static void show_list(const struct cli *c, const struct book_list *l)
{
	bool narrow = c->terminal > 0 && c->terminal < NARROW && !c->wide;
	struct buf title = BUF_INIT;
	const struct listing t = {narrow ? "number=NO,name,where=DESTINATION"
					 : "number=NO,name,reading,kind,where=DESTINATION,line",
		"short_label,access_no,key", l->n_entries, entry_cell, l};

	list_title(&title, l);
	(void)printf("\n%s%s%s\n", paint(c, "\033[1m"), buf_str(&title), paint(c, "\033[0m"));
	table_rows(c, &t);
	buf_fini(&title);
}

static void show_book(const struct cli *c, const struct source *s)
{
	const struct book *b = s->book;
	const struct listing lists = {"list,kind,name,entries", NULL, b->n_lists, list_cell, b};
	struct buf name = BUF_INIT;

	safe_text(&name, s->name);
	buf_addf(&name, ": %s%s", s->title, *b->charset != '\0' ? ", " : "");
	safe_text(&name, b->charset);
	(void)printf(
		"%s, %u entr%s\n", buf_str(&name), b->n_entries, b->n_entries == 1 ? "y" : "ies");
	table_rows(c, &lists);
	for (uint32_t i = 0; i < b->n_lists; i++)
		if (b->list[i].n_entries > 0)
			show_list(c, &b->list[i]);
	buf_fini(&name);
}

/* ---- one entry ---- */

/* Names of tags and extras come from the file, too. */
static void line(const char *indent, const char *name, const char *value)
{
	struct buf n = BUF_INIT, v = BUF_INIT;

	safe_text(&n, name);
	safe_text(&v, value);
	(void)printf("%s%-*s %s\n", indent, (int)(22 - strlen(indent)), buf_str(&n), buf_str(&v));
	buf_fini(&n);
	buf_fini(&v);
}

static void show_fields(const struct fields *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		line("  ", field_info(f->v[i].id)->name, f->v[i].value);
}

static void show_dests(const struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_dests; i++) {
		const struct book_dest *d = &e->dest[i];
		(void)printf("  %s\n", dest_kind_name(d->kind));
		for (uint32_t k = 0; k < d->f.n; k++)
			line("    ", field_info(d->f.v[k].id)->name, d->f.v[k].value);
		if (d->secret.state != SECRET_ABSENT)
			line("    ", "password", secret_words(d->secret.state));
	}
}

static void show_entry(const struct cli *c, const struct book_list *l, const struct book_entry *e)
{
	struct buf title = BUF_INIT;

	list_title(&title, l);
	(void)printf("%s%s, key ", paint(c, "\033[1m"), buf_str(&title));
	buf_reset(&title);
	safe_text(&title, e->key);
	(void)printf("%s%s%s\n", buf_str(&title), e->group ? ", group" : "", paint(c, "\033[0m"));
	buf_fini(&title);
	show_fields(&e->f);
	for (uint32_t i = 0; i < e->n_tags; i++)
		line("  ", e->tag[i].system, e->tag[i].value);
	show_dests(e);
	for (uint32_t i = 0; i < e->n_members; i++) {
		const struct book_entry *m =
			e->member[i].key ? list_find(l, e->member[i].key) : NULL;
		line("  ", "member", m ? entry_name(m) : e->member[i].text);
	}
	for (uint32_t i = 0; i < e->n_extras; i++)
		line("  ", e->extra[i].name, e->extra[i].value);
	if (e->at.line > 0)
		(void)printf("  %-20s %u\n", "line in the file", e->at.line);
}

/* ---- what was asked for ---- */

static bool is_entry(const struct book_entry *e, const char *wanted)
{
	return strcmp(e->key, wanted) == 0 || strcmp(entry_number(e), wanted) == 0 ||
	       strcmp(entry_name(e), wanted) == 0;
}

/* A member that is not shown itself stays as a reference. */
static void loosen(struct book_list *l)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		for (uint32_t k = 0; k < l->entry[i].n_members; k++) {
			struct book_member *m = &l->entry[i].member[k];
			if (m->key == NULL || list_find(l, m->key) != NULL)
				continue;
			m->text = *m->text != '\0' ? m->text : m->key;
			m->key = NULL;
		}
}

/* Leaves of the book what was asked for; 0 or -1 after a message. */
static int leave(struct book *b, const char *list, const char *entry)
{
	for (uint32_t i = 0; i < b->n_lists;) {
		struct book_list *l = &b->list[i];
		bool wanted =
			list == NULL || strcmp(list, l->slot) == 0 || strcmp(list, l->name) == 0;
		uint32_t n = 0;
		for (uint32_t k = 0; wanted && k < l->n_entries; k++)
			if (entry == NULL || is_entry(&l->entry[k], entry))
				l->entry[n++] = l->entry[k];
		if (!wanted || (entry != NULL && n == 0)) {
			book_remove_list(b, l);
			continue;
		}
		b->n_entries -= l->n_entries - n;
		l->n_entries = n;
		if (entry != NULL)
			loosen(l);
		i++;
	}
	if (b->n_lists > 0 || (list == NULL && entry == NULL))
		return 0;
	return entry != NULL ? cli_fail(-1, "there is no entry '%s'", entry)
			     : cli_fail(-1, "there is no list '%s'", list);
}

static int show_json(struct book *b, bool reveal)
{
	const struct encode_options opts = {.reveal_secrets = reveal};
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;
	int rc = EXIT_BOOK_SAME;

	if (book_encode(b, &codec_carnet_json, &opts, &out, NULL, &f) != 0)
		rc = cli_fail(EXIT_BOOK_ERROR, "%s", f.detail);
	else
		(void)fwrite(out.p, 1, out.n, stdout);
	buf_fini(&out);
	return rc;
}

static int show(struct cli *c, struct source *s, const char *list, const char *entry, bool reveal)
{
	if (leave(s->book, list, entry) != 0)
		return EXIT_BOOK_ERROR;
	if (c->json)
		return show_json(s->book, reveal);
	if (entry == NULL)
		show_book(c, s);
	for (uint32_t i = 0; entry != NULL && i < s->book->n_lists; i++)
		for (uint32_t k = 0; k < s->book->list[i].n_entries; k++)
			show_entry(c, &s->book->list[i], &s->book->list[i].entry[k]);
	return EXIT_BOOK_SAME;
}

int run_book_show(struct cli *c, const struct verb *v)
{
	const char *list = cli_flag(c, "list"), *entry = cli_flag(c, "entry");
	bool reveal = cli_flag(c, "reveal-secrets") != NULL;
	int rc = EXIT_BOOK_SAME;

	book_reading_flags(c);
	if (cli_flags_done(c) != 0)
		return EXIT_BOOK_ERROR;
	if (c->n_args == 0 || (c->json && c->n_args > 1))
		return cli_fail(EXIT_BOOK_ERROR, "%s %s %sneeds %s", v->noun, v->name,
			c->json ? "--json " : "", c->json ? "one FILE" : v->args);
	for (size_t i = 0; i < c->n_args; i++) {
		struct source s;
		if (i > 0)
			(void)putchar('\n');
		int one = source_open(c, &s, c->args[i]) != 0 ? EXIT_BOOK_ERROR
							      : show(c, &s, list, entry, reveal);
		rc = one > rc ? one : rc;
		source_close(&s);
	}
	return rc;
}
