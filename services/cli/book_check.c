// SPDX-License-Identifier: Apache-2.0
/* carnet book check: every fault of every file, a line each, like a compiler; and what a printer
 * could not hold. */
#include <string.h>

#include "common/book/convert/convert.h"
#include "services/cli/book.h"

struct counts {
	uint32_t errors, warnings, losses;
};

static const char *clean(struct buf *b, const char *text)
{
	buf_reset(b);
	safe_text(b, text);
	return buf_str(b);
}

/* FILE:LINE:COLUMN: error: what is wrong (where) [reason] */
static void show_fault(const struct cli *c, const char *file, const struct book_fault *f)
{
	struct buf b = BUF_INIT;
	bool named = f->where[0] == '\0' || strstr(f->text, f->where) != NULL;

	(void)printf("%s%s", paint(c, "\033[1m"), clean(&b, file));
	if (f->line > 0)
		(void)printf(":%u", f->line);
	if (f->line > 0 && f->column > 0)
		(void)printf(":%u", f->column);
	(void)printf(":%s %s%s:%s ", paint(c, "\033[0m"),
		paint(c, f->warning ? "\033[35m" : "\033[31m"), f->warning ? "warning" : "error",
		paint(c, "\033[0m"));
	(void)printf("%s", clean(&b, f->text));
	if (!named)
		(void)printf(" (%s)", clean(&b, f->where));
	(void)printf(f->reason[0] != '\0' ? " [%s]\n" : "%s\n", clean(&b, f->reason));
	buf_fini(&b);
}

static json_t *fault_json(const struct book_fault *f)
{
	return json_pack("{s:s, s:i, s:s, s:i, s:i, s:i, s:s, s:s}", "severity",
		f->warning ? "warning" : "error", "code", f->code, "reason", f->reason, "line",
		(int)f->line, "column", (int)f->column, "byte", (int)f->byte, "where", f->where,
		"text", f->text);
}

/* A file that is no address book has one fault, without a place. */
static void count(const struct source *s, struct counts *n)
{
	for (uint32_t i = 0; s->book != NULL && i < s->book->n_faults; i++) {
		n->errors += !s->book->fault[i].warning;
		n->warnings += s->book->fault[i].warning;
	}
	if (n->errors == 0 && s->fault.code != 0)
		n->errors = 1;
}

static json_t *lists_json(const struct book *b)
{
	json_t *lists = json_array();

	for (uint32_t i = 0; i < b->n_lists; i++)
		(void)json_array_append_new(
			lists, json_pack("{s:s, s:s, s:s, s:i}", "slot", b->list[i].slot, "kind",
				       list_kind_name(b->list[i].kind), "name", b->list[i].name,
				       "entries", (int)b->list[i].n_entries));
	return lists;
}

static json_t *report(const struct source *s, const struct counts *n, const struct ledger *l)
{
	json_t *faults = json_array();
	json_t *j = json_pack("{s:s, s:i, s:i, s:o}", "file", s->name, "errors", (int)n->errors,
		"warnings", (int)n->warnings, "faults", faults);

	for (uint32_t i = 0; s->book != NULL && i < s->book->n_faults; i++)
		(void)json_array_append_new(faults, fault_json(&s->book->fault[i]));
	if (json_array_size(faults) == 0 && n->errors > 0)
		(void)json_array_append_new(
			faults, fault_json(&(struct book_fault){.code = s->fault.code,
					.reason = s->fault.reason,
					.where = "",
					.text = s->fault.detail}));
	if (s->format != NULL)
		(void)json_object_update_new(
			j, json_pack("{s:s, s:s}", "format", s->format, "title", s->title));
	if (s->book != NULL)
		(void)json_object_update_new(
			j, json_pack("{s:s, s:s, s:i, s:o}", "family", s->book->family, "charset",
				   s->book->charset, "entries", (int)s->book->n_entries, "lists",
				   lists_json(s->book)));
	if (l->n > 0)
		(void)json_object_set_new(j, "ledger", ledger_to_json(l));
	return j;
}

/* Faults are said in English; whoever reads another language gets what it means, once per code. */
static void explain(const struct cli *c, const struct source *s)
{
	int seen[16] = {0};
	size_t n = 0, k;

	for (uint32_t i = 0; s->book != NULL && i < s->book->n_faults && n < array_len(seen); i++) {
		const struct error_info *e = error_info(s->book->fault[i].code);
		for (k = 0; k < n && seen[k] != s->book->fault[i].code; k++)
			;
		if (e == NULL || k < n || cli_lang(c) == 0)
			continue;
		seen[n++] = e->code;
		(void)printf(
			"CN-%04d: %s %s\n", e->code, e->text[cli_lang(c)], e->hint[cli_lang(c)]);
	}
}

static void summary(
	const struct cli *c, const struct source *s, const struct counts *n, const struct ledger *l)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; s->book != NULL && i < s->book->n_faults; i++)
		show_fault(c, s->name, &s->book->fault[i]);
	if (s->book == NULL || s->book->n_faults == 0) {
		if (n->errors > 0)
			show_fault(c, s->name,
				&(struct book_fault){.text = s->fault.detail,
					.reason = s->fault.reason,
					.where = ""});
	}
	if (s->book != NULL && s->book->n_faults == BOOK_FAULTS_MAX)
		(void)printf("%s: more faults are not listed\n", clean(&b, s->name));
	if (s->title != NULL && s->book != NULL) {
		uint32_t lists = s->book->n_lists, entries = s->book->n_entries;
		(void)printf("%s: %s", clean(&b, s->name), s->title);
		(void)printf("%s%s, %u list%s, %u entr%s, ", *s->book->charset ? ", " : "",
			clean(&b, s->book->charset), lists, lists == 1 ? "" : "s", entries,
			entries == 1 ? "y" : "ies");
		(void)printf("%u error%s, %u warning%s\n", n->errors, n->errors == 1 ? "" : "s",
			n->warnings, n->warnings == 1 ? "" : "s");
	}
	explain(c, s);
	if (s->book != NULL)
		ledger_show(c, stdout, l, s->book);
	buf_fini(&b);
}

/* What the printer of --profile could not hold. */
static int limits(const struct source *s, const struct target *t, struct ledger *l)
{
	const struct convert_options opts = {.target = t->profile, .codec = t->codec};
	struct fault f = FAULT_INIT;
	struct book *fitted = NULL;

	if (book_convert(s->book, &opts, &fitted, l, &f) != 0)
		return cli_fail(-1, "%s: %s", s->name, f.detail);
	book_free(fitted);
	return 0;
}

static int check(struct cli *c, const char *path, const struct target *t, json_t *reports)
{
	struct source s;
	struct counts n = {0};
	struct ledger l;
	int rc = source_check(c, &s, path);

	ledger_init(&l);
	if (rc == -2) {
		source_close(&s);
		ledger_fini(&l);
		return EXIT_BOOK_ERROR;
	}
	count(&s, &n);
	rc = n.errors > 0 ? EXIT_BOOK_ERROR : n.warnings > 0 ? EXIT_BOOK_DIFFERS : EXIT_BOOK_SAME;
	if (t->profile != NULL && n.errors == 0 && limits(&s, t, &l) != 0)
		rc = EXIT_BOOK_ERROR;
	if (rc == EXIT_BOOK_SAME && ledger_losses(&l) > 0)
		rc = EXIT_BOOK_DIFFERS;
	if (c->json)
		(void)json_array_append_new(reports, report(&s, &n, &l));
	else
		summary(c, &s, &n, &l);
	ledger_fini(&l);
	source_close(&s);
	return rc;
}

int run_book_check(struct cli *c, const struct verb *v)
{
	const char *profile = cli_flag(c, "profile");
	struct target t = {.profile = NULL};
	int rc = EXIT_BOOK_SAME;

	book_reading_flags(c);
	if (cli_flags_done(c) != 0 || (profile != NULL && book_target(profile, &t) != 0))
		return EXIT_BOOK_ERROR;
	if (c->n_args == 0)
		return cli_fail(EXIT_BOOK_ERROR, "%s %s needs %s", v->noun, v->name, v->args);
	json_t *reports = json_array();
	for (size_t i = 0; i < c->n_args; i++) {
		int one = check(c, c->args[i], &t, reports);
		rc = one > rc ? one : rc;
	}
	if (c->json)
		print_json(reports);
	json_decref(reports);
	return rc;
}
