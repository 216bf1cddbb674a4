// SPDX-License-Identifier: Apache-2.0
/* carnet book convert: what would be lost first, then the file, if that was accepted. */
#include <stdlib.h>
#include <string.h>

#include "common/book/compare/diff.h"
#include "common/book/convert/read_back.h"
#include "common/book/formats/view.h"
#include "services/cli/book.h"

/* One conversion, as the flags say. */
struct conversion {
	struct target to;
	const char *out, *base, *accept, *ledger_file;
	bool transliterate, join, reveal, view;
};

/* Everything made on the way. */
struct result {
	struct source source, base;
	struct span over;  /* what it is written over */
	struct book *book; /* in the target's domain */
	struct ledger ledger;
	struct buf bytes;
};

static int take_flags(struct cli *c, struct conversion *k)
{
	const char *to = cli_flag(c, "to");

	*k = (struct conversion){.out = cli_flag(c, "o"),
		.base = cli_flag(c, "base"),
		.accept = cli_flag(c, "accept"),
		.ledger_file = cli_flag(c, "ledger"),
		.transliterate = cli_flag(c, "transliterate") != NULL,
		.join = cli_flag(c, "join") != NULL,
		.reveal = cli_flag(c, "reveal-secrets") != NULL,
		.view = cli_flag(c, "view") != NULL};
	book_reading_flags(c);
	if (cli_flags_done(c) != 0)
		return -1;
	if (k->out != NULL && book_out_name(k->out, k->view) != 0)
		return -1;
	if (k->view)
		return k->out != NULL && to == NULL
			       ? 0
			       : cli_fail(-1, "--view needs -o FILE" VIEW_SUFFIX " and no --to");
	if (to == NULL)
		return cli_fail(-1, "--to says the format or the profile to convert to");
	return book_target(to, &k->to);
}

static bool same_field(const struct book_dest *a, const struct book_dest *b, enum book_field id)
{
	const char *x = fields_get(&a->f, id), *y = fields_get(&b->f, id);

	return strcmp(x == NULL ? "" : x, y == NULL ? "" : y) == 0;
}

/* The same account at the same place: its password is the same one. */
static const struct book_dest *alike(const struct book_entry *e, const struct book_dest *d)
{
	for (uint32_t i = 0; i < e->n_dests; i++)
		if (e->dest[i].kind == d->kind && same_field(&e->dest[i], d, F_PROTOCOL) &&
			same_field(&e->dest[i], d, F_HOST) && same_field(&e->dest[i], d, F_ACCOUNT))
			return &e->dest[i];
	return NULL;
}

static void fill_entry(struct book *b, struct book_entry *e, const struct book_entry *base)
{
	for (uint32_t i = 0; base != NULL && i < e->n_dests; i++) {
		struct book_dest *d = &e->dest[i];
		const struct book_dest *known = alike(base, d);
		bool unsaid =
			d->secret.state == SECRET_WITHHELD || d->secret.state == SECRET_UNKNOWN;
		if (known == NULL || !unsaid)
			continue;
		book_set_secret(
			b, d, known->secret.state, known->secret.text, known->secret.scheme);
	}
}

/* A password that the source does not say stays as it is in the printer's own file. */
static int fill_secrets(struct book *b, const struct book *base)
{
	const struct book_entry **pair = book_match(b, base);
	size_t n = 0;

	if (pair == NULL)
		return cli_fail(-1, "the books are too large to compare");
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			fill_entry(b, &b->list[i].entry[k], pair[n++]);
	free(pair);
	return 0;
}

/* The printer's own file, or the source itself when the format stays. *ret_book where it was read.
 */
static int find_base(const struct conversion *k, struct result *r, struct book **ret_book)
{
	struct fault f = FAULT_INIT;

	r->over = (struct span){NULL, 0};
	if (k->base == NULL) {
		if (r->source.codec == k->to.codec && r->source.mapping == NULL)
			r->over = source_span(&r->source);
		return 0;
	}
	if (source_read(&r->base, k->base) != 0)
		return -1;
	r->over = source_span(&r->base);
	if (book_decode(r->over, k->to.codec, NULL, ret_book, &f) == 0)
		return 0;
	return cli_fail(-1, "%s: %s", r->base.name, f.detail);
}

/* A view that goes back into the file it was made of is no conversion: it is that book, edited. */
static int fit(const struct conversion *k, struct result *r, const struct book *base)
{
	const struct convert_options how = {.target = k->to.profile,
		.codec = k->to.codec,
		.transliterate = k->transliterate,
		.merge_same_name = k->join};
	struct fault f = FAULT_INIT;

	if (base != NULL && r->source.codec == NULL &&
		strcmp(r->source.book->family, base->family) == 0)
		r->book = book_copy(r->source.book);
	else if (book_convert(r->source.book, &how, &r->book, &r->ledger, &f) != 0)
		return cli_fail(-1, "%s: %s", r->source.name, f.detail);
	return base == NULL ? 0 : fill_secrets(r->book, base);
}

static int read_back(const struct conversion *k, struct result *r)
{
	const struct convert_options how = {.target = k->to.profile, .codec = k->to.codec};
	const char *why =
		k->reveal ? "the format has no place for it" : "written only with --reveal-secrets";
	struct fault f = FAULT_INIT;

	if (book_read_back(&how, r->book, buf_span(&r->bytes), why, &r->ledger, &f) == 0)
		return 0;
	return cli_fail(-1, "%s", f.detail);
}

/* 0, or -1 after a message. What can only be told about needs no template. */
static int encode(const struct conversion *k, struct result *r)
{
	const struct encode_options opts = {
		.profile = k->to.profile, .base = r->over, .reveal_secrets = k->reveal};
	struct fault f = FAULT_INIT;

	if (book_encode(r->book, k->to.codec, &opts, &r->bytes, &r->ledger, &f) == 0)
		return read_back(k, r);
	bool template = strcmp(f.reason, "encode_needs_template") == 0;
	if (template && k->out == NULL)
		return 0;
	return cli_fail(-1, "%s: %s%s", r->source.name, f.detail, template ? "; --base FILE" : "");
}

static int make(const struct conversion *k, struct result *r)
{
	struct book *base = NULL;

	bug_if(k->to.codec == NULL);
	int rc = find_base(k, r, &base);
	if (rc == 0)
		rc = fit(k, r, base);
	book_free(base);
	return rc == 0 ? encode(k, r) : -1;
}

/* ---- telling ---- */

static void tell_json(FILE *out, const struct conversion *k, const struct result *r, bool written)
{
	char hash[LEDGER_HASH_TEXT];

	ledger_hash_text(&r->ledger, hash);
	json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:b, s:o}", "file", r->source.name,
		"format", k->to.codec->name, "profile", k->to.profile->name, "entries",
		(int)r->book->n_entries, "losses", (int)ledger_losses(&r->ledger), "hash", hash,
		"written", (int)written, "ledger", ledger_to_json(&r->ledger));
	(void)json_dumpf(j, out, JSON_INDENT(2) | JSON_SORT_KEYS);
	(void)fputc('\n', out);
	json_decref(j);
}

static void tell(const struct cli *c, FILE *out, const struct conversion *k, const struct result *r,
	int open)
{
	uint32_t losses = ledger_losses(&r->ledger);
	char hash[LEDGER_HASH_TEXT];
	struct buf name = BUF_INIT;

	ledger_hash_text(&r->ledger, hash);
	safe_text(&name, r->source.name);
	ledger_show(c, out, &r->ledger, r->source.book);
	(void)fprintf(out, "%s: %s → %s for %s, %u of %u entries", buf_str(&name), r->source.title,
		k->to.codec->title, k->to.profile->title, r->book->n_entries,
		r->source.book->n_entries);
	if (losses == 0)
		(void)fprintf(out, ", nothing is lost\n");
	else
		(void)fprintf(
			out, ", %u loss%s, ledger %s\n", losses, losses == 1 ? "" : "es", hash);
	if (open > 0)
		(void)fprintf(out, "%d of them %s; nothing is written\n", open,
			k->accept == NULL ? "must be accepted: --accept loss,action or all"
					  : "are not accepted");
	buf_fini(&name);
}

static int write_ledger(const struct conversion *k, const struct result *r)
{
	struct buf csv = BUF_INIT;
	int rc = 0;

	if (k->ledger_file == NULL)
		return 0;
	ledger_csv(&r->ledger, &csv);
	rc = book_write(k->ledger_file, buf_span(&csv));
	buf_fini(&csv);
	return rc;
}

static int finish(const struct cli *c, const struct conversion *k, const struct result *r)
{
	FILE *out = k->out != NULL && strcmp(k->out, "-") == 0 ? stderr : stdout;
	int open = ledger_open_lines(&r->ledger, k->accept);
	bool written = k->out != NULL && open == 0;

	if (open < 0 || write_ledger(k, r) != 0)
		return EXIT_BOOK_ERROR;
	if (written && book_write(k->out, buf_span(&r->bytes)) != 0)
		return EXIT_BOOK_ERROR;
	if (c->json)
		tell_json(out, k, r, written);
	else
		tell(c, out, k, r, k->out == NULL ? 0 : open);
	return open > 0 ? EXIT_BOOK_DIFFERS : EXIT_BOOK_SAME;
}

/* For a spreadsheet: everything but the passwords, and it comes back exactly (AB-23). */
static int write_view(const struct conversion *k, const struct source *s)
{
	struct buf out = BUF_INIT;

	view_export(s->book, &out);
	int rc = out.err ? cli_fail(-1, "%s: too large for a view", s->name)
			 : book_write(k->out, buf_span(&out));
	buf_fini(&out);
	return rc == 0 ? EXIT_BOOK_SAME : EXIT_BOOK_ERROR;
}

static int convert(const struct cli *c, const struct conversion *k, struct result *r)
{
	if (k->view)
		return write_view(k, &r->source);
	return make(k, r) == 0 ? finish(c, k, r) : EXIT_BOOK_ERROR;
}

int run_book_convert(struct cli *c, const struct verb *v)
{
	struct conversion k;
	struct result r = {.bytes = BUF_INIT};
	int rc = EXIT_BOOK_ERROR;

	if (take_flags(c, &k) != 0)
		return EXIT_BOOK_ERROR;
	if (c->n_args != 1)
		return cli_fail(EXIT_BOOK_ERROR, "%s %s needs %s", v->noun, v->name, v->args);
	ledger_init(&r.ledger);
	if (source_open(c, &r.source, c->args[0]) == 0)
		rc = convert(c, &k, &r);
	ledger_fini(&r.ledger);
	buf_fini(&r.bytes);
	book_free(r.book);
	source_close(&r.base);
	source_close(&r.source);
	return rc;
}
