// SPDX-License-Identifier: Apache-2.0
/* carnet book merge: both sides' changes since a common base; nothing is written while a conflict
 * is open (docs/spec/address-books.md AB-27, AB-28). */
#include <string.h>

#include "common/base/map.h"
#include "common/book/compare/merge.h"
#include "common/book/convert/read_back.h"
#include "services/cli/book.h"

static const char *const SIDES[] = {
	[MERGE_BASE] = "base", [MERGE_LEFT] = "left", [MERGE_RIGHT] = "right"};

static int side_named(const char *word)
{
	for (int i = 0; i < (int)array_len(SIDES); i++)
		if (strcmp(word, SIDES[i]) == 0)
			return i;
	return -1;
}

static int prefer(struct cli *c, int *ret)
{
	const char *word = cli_flag(c, "prefer");

	*ret = word == NULL ? -1 : side_named(word);
	return word == NULL || *ret >= 0 ? 0 : cli_fail(-1, "--prefer is left, right or base");
}

/* ---- --resolve LIST[/KEY[/FIELD]]=SIDE ---- */

struct rules {
	const char *v[CLI_ARGS];
	size_t n;
};

static int rules(struct cli *c, struct rules *ret)
{
	const char *rule;
	size_t at = 0;

	while ((rule = cli_flag_next(c, "resolve", &at)) != NULL) {
		const char *eq = strrchr(rule, '=');
		if (eq == NULL || side_named(eq + 1) < 0)
			return cli_fail(
				-1, "--resolve is LIST[/KEY[/FIELD]]=left, =right or =base");
		ret->v[ret->n++] = rule;
	}
	return 0;
}

/* Does the rule's path begin with part? Then what stands behind it. */
static const char *behind(const char *path, const char *part)
{
	size_t n = strlen(part);

	if (strncmp(path, part, n) != 0 || (path[n] != '/' && path[n] != '='))
		return NULL;
	return path + n + (path[n] == '/');
}

static bool names(const char *rule, const struct merge_conflict *x)
{
	const char *rest = behind(rule, x->list);

	if (rest != NULL && *rest != '=')
		rest = behind(rest, x->key);
	if (rest != NULL && *rest != '=')
		rest = behind(rest, x->field);
	return rest != NULL && *rest == '=' && rest == strrchr(rule, '=');
}

/* The last rule that names the conflict. */
static int resolve(const struct merge_conflict *x, void *arg)
{
	const struct rules *r = arg;

	for (size_t i = r->n; i > 0; i--)
		if (names(r->v[i - 1], x))
			return side_named(strrchr(r->v[i - 1], '=') + 1);
	return -1;
}

/* ---- telling ---- */

static void side(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "  %s ", name);
	if (value == NULL) {
		buf_adds(b, "(none)");
		return;
	}
	buf_addc(b, '"');
	safe_text(b, value);
	buf_addc(b, '"');
}

static void show_conflict(const struct cli *c, FILE *out, const struct merge_conflict *x)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%sconflict%s list ", paint(c, "\033[31m"), paint(c, "\033[0m"));
	safe_text(&b, x->list);
	buf_addc(&b, ' ');
	safe_text(&b, x->key);
	buf_addc(&b, ' ');
	safe_text(&b, x->name);
	if (*x->field != '\0') {
		buf_adds(&b, " ");
		safe_text(&b, x->field);
	}
	buf_addf(&b, ": %s\n   ", x->reason);
	side(&b, "base", x->base);
	side(&b, "left", x->left);
	side(&b, "right", x->right);
	(void)fprintf(out, "%s\n", buf_str(&b));
	buf_fini(&b);
}

static json_t *text_or_null(const char *s)
{
	return s == NULL ? json_null() : json_string(s);
}

static void tell_json(FILE *out, const struct merge *m, bool written)
{
	json_t *conflicts = json_array(), *notes = json_array();

	for (uint32_t i = 0; i < m->n; i++) {
		const struct merge_conflict *x = &m->conflict[i];
		(void)json_array_append_new(conflicts,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "list", x->list,
				"key", x->key, "name", x->name, "field", x->field, "reason",
				x->reason, "base", text_or_null(x->base), "left",
				text_or_null(x->left), "right", text_or_null(x->right)));
	}
	for (uint32_t i = 0; i < m->n_notes; i++)
		(void)json_array_append_new(notes, json_string(m->note[i]));
	json_t *j = json_pack("{s:i, s:o, s:o, s:b}", "entries", (int)m->book->n_entries,
		"conflicts", conflicts, "notes", notes, "written", (int)written);
	(void)json_dumpf(j, out, JSON_INDENT(2) | JSON_SORT_KEYS);
	(void)fputc('\n', out);
	json_decref(j);
}

static void tell(const struct cli *c, FILE *out, const struct merge *m)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < m->n; i++)
		show_conflict(c, out, &m->conflict[i]);
	for (uint32_t i = 0; i < m->n_notes; i++) {
		buf_reset(&b);
		safe_text(&b, m->note[i]);
		(void)fprintf(out, "note: %s\n", buf_str(&b));
	}
	(void)fprintf(out, "%u entries, %u conflict%s%s\n", m->book->n_entries, m->n,
		m->n == 1 ? "" : "s",
		m->n > 0 ? " open: --prefer, --resolve; nothing is written" : "");
	buf_fini(&b);
}

/* ---- writing ---- */

/* What a book's printer could not hold; 0 or -1 after a message. */
static int preflight(const struct target *t, const struct book *b, struct ledger *l)
{
	const struct convert_options opts = {.target = t->profile, .codec = t->codec};
	struct book *fitted = NULL;
	struct fault f = FAULT_INIT;
	int rc = book_convert(b, &opts, &fitted, l, &f);

	book_free(fitted);
	return rc == 0 ? 0 : cli_fail(-1, "%s", f.detail);
}

static struct span place_of(const struct ledger_line *x, struct buf *out)
{
	buf_reset(out);
	buf_addf(out, "%u", (unsigned)x->action);
	buf_add(out, x->list, strlen(x->list) + 1);
	buf_add(out, x->key, strlen(x->key) + 1);
	buf_adds(out, x->field);
	return buf_span(out);
}

/* Losses that a side has as it is are not the merge's. */
static void only_new(const struct ledger *merged, struct ledger sides[2], struct ledger *ret)
{
	struct map known = MAP_INIT;
	struct buf place = BUF_INIT;

	for (int s = 0; s < 2; s++)
		for (uint32_t i = 0; i < sides[s].n; i++) {
			struct span at = place_of(&sides[s].line[i], &place);
			(void)map_put(&known, at.p, at.n, ret);
		}
	for (uint32_t i = 0; i < merged->n; i++) {
		struct span at = place_of(&merged->line[i], &place);
		if (map_get(&known, at.p, at.n) == NULL)
			ledger_add(ret, &merged->line[i]);
	}
	map_fini(&known);
	buf_fini(&place);
}

/* The merged book passes the preflight of its printer (AB-28). */
static int fits(
	const struct source s[3], const struct target *t, const struct merge *m, struct ledger *ret)
{
	struct ledger merged, sides[2];
	int rc = -1;

	ledger_init(&merged);
	ledger_init(&sides[0]);
	ledger_init(&sides[1]);
	if (preflight(t, m->book, &merged) == 0 && preflight(t, s[1].book, &sides[0]) == 0 &&
		preflight(t, s[2].book, &sides[1]) == 0) {
		only_new(&merged, sides, ret);
		rc = 0;
	}
	ledger_fini(&merged);
	ledger_fini(&sides[0]);
	ledger_fini(&sides[1]);
	return rc;
}

/* In the format of the left side, over its bytes: what nobody changed stays as it is there. */
static int write_merged(const struct cli *c, const struct source s[3], const struct target *t,
	const struct merge *m, const char *out)
{
	const struct source *left = &s[1];
	const struct encode_options opts = {
		.profile = t->profile, .base = source_span(left), .reveal_secrets = true};
	const struct convert_options how = {.target = t->profile, .codec = t->codec};
	struct buf bytes = BUF_INIT;
	struct fault f = FAULT_INIT;
	struct ledger l;
	int rc = EXIT_BOOK_SAME;

	bug_if(t->profile == NULL);
	ledger_init(&l);
	if (fits(s, t, m, &l) != 0)
		rc = EXIT_BOOK_ERROR;
	else if (book_encode(m->book, left->codec, &opts, &bytes, &l, &f) != 0)
		rc = cli_fail(EXIT_BOOK_ERROR, "%s: %s", left->name, f.detail);
	else if (book_read_back(&how, m->book, buf_span(&bytes), "the format has no place for it",
			 &l, &f) != 0)
		rc = cli_fail(EXIT_BOOK_ERROR, "%s", f.detail);
	if (rc == EXIT_BOOK_SAME && ledger_losses(&l) > 0) {
		ledger_show(c, stderr, &l, m->book);
		rc = cli_fail(EXIT_BOOK_DIFFERS,
			"the merged book does not fit %s; nothing is written", t->profile->title);
	}
	if (rc == EXIT_BOOK_SAME && book_write(out, buf_span(&bytes)) != 0)
		rc = EXIT_BOOK_ERROR;
	buf_fini(&bytes);
	ledger_fini(&l);
	return rc;
}

static int merge(struct cli *c, const struct source s[3], const struct merge_options *opts,
	const struct target *t, const char *out)
{
	FILE *to = out != NULL && strcmp(out, "-") == 0 ? stderr : stdout;
	struct merge m;

	if (book_merge(s[0].book, s[1].book, s[2].book, opts, &m) != 0)
		return cli_fail(EXIT_BOOK_ERROR, "too large to merge");
	int rc = m.n > 0 ? EXIT_BOOK_DIFFERS : EXIT_BOOK_SAME;
	if (rc == EXIT_BOOK_SAME && out != NULL)
		rc = write_merged(c, s, t, &m, out);
	if (c->json)
		tell_json(to, &m, rc == EXIT_BOOK_SAME && out != NULL);
	else
		tell(c, to, &m);
	merge_fini(&m);
	return rc;
}

/* The printer is the one of --profile, else the format's; what is written is the left's format. */
static int target_of(const char *profile, const struct source *left, struct target *ret)
{
	if (left->codec == NULL)
		return cli_fail(
			-1, "%s: a view for people; LEFT is a file of a printer", left->name);
	if (book_target(profile != NULL ? profile : left->codec->name, ret) != 0)
		return -1;
	ret->codec = left->codec;
	return 0;
}

int run_book_merge(struct cli *c, const struct verb *v)
{
	const char *out = cli_flag(c, "o"), *profile = cli_flag(c, "profile");
	struct rules given = {.n = 0};
	struct merge_options opts = {.prefer = -1, .resolve = resolve, .arg = &given};
	struct target t = {.profile = NULL};
	struct source s[3] = {{.n = 0}};
	int rc = EXIT_BOOK_ERROR, opened = 0;

	book_reading_flags(c);
	if (prefer(c, &opts.prefer) != 0 || rules(c, &given) != 0 || cli_flags_done(c) != 0 ||
		(out != NULL && book_out_name(out, false) != 0))
		return EXIT_BOOK_ERROR;
	if (c->n_args != 3)
		return cli_fail(EXIT_BOOK_ERROR, "%s %s needs %s", v->noun, v->name, v->args);
	for (int i = 0; i < 3; i++)
		opened += source_open(c, &s[i], c->args[i]) == 0;
	if (opened == 3 && target_of(profile, &s[1], &t) == 0) {
		opts.profile = t.profile;
		rc = merge(c, s, &opts, &t, out);
	}
	for (int i = 0; i < 3; i++)
		source_close(&s[i]);
	return rc;
}
