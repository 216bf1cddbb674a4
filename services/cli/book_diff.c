// SPDX-License-Identifier: Apache-2.0
/* carnet book diff: what differs in meaning between two books of whatever formats. */
#include <string.h>

#include "common/book/compare/diff.h"
#include "services/cli/book.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

/* ---- for people: a line per entry, its fields below it ---- */

static const struct {
	char sign;
	const char *color;
} SIGNS[DIFF_OPS] = {
	[DIFF_ADD] = {'+', GREEN},
	[DIFF_REMOVE] = {'-', RED},
	[DIFF_CHANGE] = {'~', YELLOW},
	[DIFF_RENUMBER] = {'#', YELLOW},
	[DIFF_MOVE] = {'>', YELLOW},
	[DIFF_SECRET_CHANGED] = {'~', YELLOW},
	[DIFF_SECRET_UNKNOWN] = {'~', YELLOW},
};

static bool of_list(enum diff_op op)
{
	return op == DIFF_LIST_RENAMED || op == DIFF_LIST_ADDED || op == DIFF_LIST_REMOVED;
}

static void value(struct buf *b, const char *text)
{
	if (text == NULL)
		buf_adds(b, "(none)");
	else
		safe_text(b, text);
}

static void list_line(const struct cli *c, struct buf *b, const struct diff_change *x)
{
	buf_addf(b, "%slist ", paint(c, "\033[1m"));
	safe_text(b, x->list);
	buf_adds(b, paint(c, PLAIN));
	if (x->op == DIFF_LIST_RENAMED) {
		buf_adds(b, " renamed  ");
		value(b, x->before);
		buf_adds(b, " → ");
		value(b, x->after);
	} else if (of_list(x->op)) {
		buf_addf(b, " %s  ", x->op == DIFF_LIST_ADDED ? "added" : "removed");
		value(b, x->name);
	}
	buf_addc(b, '\n');
}

static void entry_line(const struct cli *c, struct buf *b, const struct diff_change *x)
{
	const struct book_entry *e = x->right != NULL ? x->right : x->left;

	buf_addf(b, "  %s%c ", paint(c, SIGNS[x->op].color), SIGNS[x->op].sign);
	safe_text(b, entry_number(e));
	buf_addc(b, ' ');
	safe_text(b, entry_name(e));
	buf_adds(b, paint(c, PLAIN));
	if (x->op == DIFF_ADD || x->op == DIFF_REMOVE) {
		buf_adds(b, "  ");
		entry_where(b, e);
	}
	buf_addc(b, '\n');
}

static void field_line(const struct cli *c, struct buf *b, const struct diff_change *x)
{
	buf_adds(b, "      ");
	safe_text(b, x->op == DIFF_MOVE ? "list" : x->field);
	if (x->op == DIFF_SECRET_UNKNOWN) {
		buf_adds(b, "  cannot be compared\n");
		return;
	}
	buf_addf(b, "  %s", paint(c, RED));
	value(b, x->before);
	buf_addf(b, "%s → %s", paint(c, PLAIN), paint(c, GREEN));
	value(b, x->after);
	buf_addf(b, "%s\n", paint(c, PLAIN));
}

/* Another place and nothing else: a page of them says less than their number (9.2). */
static bool folded(const struct cli *c, const struct diff_change *x)
{
	return x->op == DIFF_RENUMBER && !c->wide;
}

static void show(const struct cli *c, const struct diff *d)
{
	const struct diff_change *last = NULL, *list = NULL;
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < d->n; i++) {
		const struct diff_change *x = &d->change[i];
		if (folded(c, x))
			continue;
		if (list == NULL || of_list(x->op) || strcmp(list->list, x->list) != 0) {
			list_line(c, &b, x);
			list = x;
		}
		if (!of_list(x->op) && (last == NULL || of_list(last->op) ||
					       last->left != x->left || last->right != x->right))
			entry_line(c, &b, x);
		if (!of_list(x->op) && x->op != DIFF_ADD && x->op != DIFF_REMOVE)
			field_line(c, &b, x);
		last = x;
	}
	(void)fwrite(buf_str(&b), 1, b.n, stdout);
	buf_fini(&b);
}

static void counts(const struct cli *c, const struct diff *d)
{
	const struct {
		uint32_t n;
		const char *what;
	} parts[] = {{d->added, "added"}, {d->removed, "removed"}, {d->changed, "changed"},
		{d->moved, "moved"}, {d->renumbered, "renumbered"}, {d->unchanged, "unchanged"}};
	const char *before = "";

	if (d->n == 0) {
		(void)printf("no difference\n");
		return;
	}
	for (size_t i = 0; i < array_len(parts); i++) {
		if (parts[i].n == 0)
			continue;
		(void)printf("%s%u %s", before, parts[i].n, parts[i].what);
		before = ", ";
	}
	(void)printf("%s\n", d->renumbered > 0 && !c->wide ? "; --wide shows the renumbered" : "");
}

/* ---- for programs ---- */

static json_t *text_or_null(const char *s)
{
	return s == NULL ? json_null() : json_string(s);
}

static json_t *place(const struct book_entry *e)
{
	return e == NULL ? json_null()
			 : json_pack("{s:s, s:s, s:s, s:i}", "key", e->key, "number",
				   entry_number(e), "name", entry_name(e), "line", (int)e->at.line);
}

static json_t *changes_json(const struct diff *d)
{
	json_t *changes = json_array();

	for (uint32_t i = 0; i < d->n; i++) {
		const struct diff_change *x = &d->change[i];
		(void)json_array_append_new(
			changes, json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "op",
					 diff_op_name(x->op), "list", x->list, "name",
					 text_or_null(x->name), "field", x->field, "before",
					 text_or_null(x->before), "after", text_or_null(x->after),
					 "left", place(x->left), "right", place(x->right)));
	}
	return changes;
}

static void show_json(const struct diff *d, bool only_counts)
{
	json_t *j = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "added", (int)d->added, "removed",
		(int)d->removed, "changed", (int)d->changed, "moved", (int)d->moved, "renumbered",
		(int)d->renumbered, "unchanged", (int)d->unchanged);

	if (!only_counts)
		(void)json_object_set_new(j, "changes", changes_json(d));
	print_json(j);
	json_decref(j);
}

static int compare(const struct cli *c, const struct source s[2], bool only_counts)
{
	struct diff d;

	if (book_diff(s[0].book, s[1].book, profile_named(s[0].book->family), &d) != 0)
		return cli_fail(EXIT_BOOK_ERROR, "the books are too large to compare");
	if (c->json)
		show_json(&d, only_counts);
	else if (!only_counts)
		show(c, &d);
	if (!c->json)
		counts(c, &d);
	int rc = d.n > 0 ? EXIT_BOOK_DIFFERS : EXIT_BOOK_SAME;
	diff_fini(&d);
	return rc;
}

int run_book_diff(struct cli *c, const struct verb *v)
{
	bool only_counts = cli_flag(c, "summary") != NULL;
	struct source s[2] = {{.n = 0}};
	int rc = EXIT_BOOK_ERROR;

	book_reading_flags(c);
	if (cli_flags_done(c) != 0)
		return EXIT_BOOK_ERROR;
	if (c->n_args != 2)
		return cli_fail(EXIT_BOOK_ERROR, "%s %s needs %s", v->noun, v->name, v->args);
	if (source_open(c, &s[0], c->args[0]) == 0 && source_open(c, &s[1], c->args[1]) == 0)
		rc = compare(c, s, only_counts);
	source_close(&s[0]);
	source_close(&s[1]);
	return rc;
}
