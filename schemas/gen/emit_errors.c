// SPDX-License-Identifier: Apache-2.0
/* errors.tab to gen/errors.h and .c. The format stands at the head of errors.tab. */
#include <stdlib.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

static const char *const classes[] = {"support", "auth", "busy", "network", "tls", "protocol",
	"content", "limit", "lock", "storage", "schedule", "operator", "internal", "api"};
static const char *const outcomes[] = {
	"none", "skipped", "failed", "deferred", "retry", "partial", "missed", "cancelled", "dead"};
static const char *const whos[] = {"nobody", "operator", "device_admin", "network", "carnet"};
static const char *const langs[] = {"en", "fr", "ja"};

/* A code, or a reason word inside codes (code 0). */
struct error {
	struct at at;
	unsigned code;
	char *name;
	int class, outcome, then, who;
	unsigned retries, status;
	bool retry, suspends;
	char *text[3], *hint[3];
};

struct errors {
	struct error *e;
	size_t n;
	unsigned *retired;
	size_t n_retired;
};

static int word_of(const struct token *t, const char *what, const char *const *words, size_t n)
{
	int i = index_of(words, n, t->s);

	if (i < 0)
		die(t->at, "'%s' is no %s", t->s, what);
	return i;
}

static unsigned code_of(const struct token *t)
{
	if (strncmp(t->s, "CN-", 3) != 0)
		die(t->at, "CN-NNNN wanted, not '%s'", t->s);
	return (unsigned)number(t->at, t->s + 3, 9999);
}

static void read_option(struct error *e, const struct token *t)
{
	if (strncmp(t->s, "retries:", 8) == 0)
		e->retries = (unsigned)number(t->at, t->s + 8, 100);
	else if (strncmp(t->s, "then:", 5) == 0)
		e->then = word_of(&(struct token){.s = t->s + 5, .at = t->at}, "outcome", outcomes,
			array_len(outcomes));
	else if (strcmp(t->s, "suspends") == 0)
		e->suspends = true;
	else
		die(t->at, "'%s' is no option: retries:N then:OUTCOME suspends", t->s);
}

/* CN-NNNN NAME CLASS OUTCOME retry|final WHO STATUS [option…] */
static struct error read_code(const struct line *l)
{
	struct error e = {.at = l->at, .code = code_of(&l->w[0])};

	if (l->n < 7)
		die(l->at, "CN-NNNN NAME CLASS OUTCOME retry|final WHO STATUS wanted");
	check_name(l->w[1].at, l->w[1].s);
	e.name = l->w[1].s;
	e.class = word_of(&l->w[2], "class", classes, array_len(classes));
	e.outcome = word_of(&l->w[3], "outcome", outcomes, array_len(outcomes));
	e.retry = strcmp(l->w[4].s, "retry") == 0;
	if (!e.retry && strcmp(l->w[4].s, "final") != 0)
		die(l->w[4].at, "retry or final wanted, not '%s'", l->w[4].s);
	e.who = word_of(&l->w[5], "person", whos, array_len(whos));
	e.status = (unsigned)number(l->w[6].at, l->w[6].s, 599);
	if (e.status < 400)
		die(l->w[6].at, "an error has an HTTP status from 400 to 599");
	for (size_t i = 7; i < l->n; i++)
		read_option(&e, &l->w[i]);
	return e;
}

/* en "what happened" "what to do next" */
static void read_text(struct errors *all, const struct line *l)
{
	int lang =
		word_of(&l->w[0], "language, code or word of this table", langs, array_len(langs));

	if (all->n == 0 || l->n != 3 || l->w[1].kind != T_STRING || l->w[2].kind != T_STRING)
		die(l->at, "%s \"what happened\" \"what to do next\" wanted, below a code",
			langs[lang]);
	struct error *e = &all->e[all->n - 1];
	if (e->text[lang] != NULL)
		die(l->at, "second %s text", langs[lang]);
	e->text[lang] = l->w[1].s;
	e->hint[lang] = l->w[2].s;
}

static void check(const struct errors *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct error *e = &all->e[i];
		for (size_t k = 0; k < i; k++) {
			if (strcmp(all->e[k].name, e->name) == 0)
				die(e->at, "second '%s'", e->name);
			if (e->code != 0 && all->e[k].code == e->code)
				die(e->at, "CN-%u belongs to %s", e->code, all->e[k].name);
		}
		for (size_t k = 0; k < all->n_retired; k++) {
			if (e->code == all->retired[k])
				die(e->at, "CN-%u is retired", e->code);
		}
		for (size_t k = 0; k < 3; k++) {
			if (e->text[k] == NULL || *e->text[k] == '\0' || *e->hint[k] == '\0')
				die(e->at, "%s has no text or hint in %s", e->name, langs[k]);
		}
	}
}

static int by_code(const void *a, const void *b)
{
	const struct error *x = a;
	const struct error *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct errors read_errors(const char *schemas)
{
	struct errors all = {0};
	struct lex l;
	struct line line;

	lex_open(&l, text("%s/errors.tab", schemas), true);
	while (lex_line(&l, &line)) {
		struct token *w = line.w;
		if (strncmp(w->s, "CN-", 3) == 0) {
			*grow(all.e, all.n) = read_code(&line);
		} else if (strcmp(w->s, "retired") == 0 && line.n == 2) {
			*grow(all.retired, all.n_retired) = code_of(&w[1]);
		} else if (strcmp(w->s, "word") == 0 && line.n == 2) {
			check_name(w[1].at, w[1].s);
			*grow(all.e, all.n) = (struct error){.at = line.at, .name = w[1].s};
		} else {
			read_text(&all, &line);
		}
	}
	check(&all);
	/* codes rising, words before them by name: both look-ups are binary searches */
	qsort(all.e, all.n, sizeof(*all.e), by_code);
	return all;
}

static void put_enum(struct out *o, const char *name, const char *const *words, size_t n)
{
	put(o, "enum error_%s {\n", name);
	for (size_t i = 0; i < n; i++)
		put(o, "\tERROR_%s_%s,\n", upper(name), upper(words[i]));
	put(o, "};\nextern const char *const error_%s_words[];\n\n", name);
}

static void put_words(struct out *o, const char *name, const char *const *words, size_t n)
{
	put(o, "const char *const error_%s_words[] = {", name);
	for (size_t i = 0; i < n; i++)
		put(o, "\"%s\", ", words[i]);
	put(o, "};\n");
}

static const char header[] =
	"enum error_lang {\n\tERROR_EN,\n\tERROR_FR,\n\tERROR_JA,\n};\n\n"
	"struct error_info {\n"
	"\tint code; /* 0 for a reason word, which has name, text and hint only */\n"
	"\tconst char *name;\n"
	"\tenum error_class class;\n"
	"\tenum error_outcome outcome; /* of a job, at first */\n"
	"\tenum error_outcome then; /* when `retries` is used up; NONE = the task's own limit "
	"decides */\n"
	"\tunsigned retries; /* most repeats for this cause, 0 = the task's own limit */\n"
	"\tbool retryable; /* trying again later can help */\n"
	"\tbool suspends; /* the device is suspended */\n"
	"\tenum error_who who; /* must act */\n"
	"\tunsigned status; /* HTTP, when it is the answer of a REST call */\n"
	"\tconst char *text[3]; /* what happened; by error_lang */\n"
	"\tconst char *hint[3]; /* what to do next */\n"
	"};\n\n"
	"/* NULL when there is no such code. */\n"
	"const struct error_info *error_info(int code);\n"
	"/* By name, for example \"device_busy\"; NULL when unknown. */\n"
	"const struct error_info *error_named(const char *name);\n"
	"/* A reason word inside a code, for example \"group_cycle\"; NULL when unknown. */\n"
	"const struct error_info *error_reason(const char *word);\n"
	"/* All codes, rising. */\n"
	"extern const struct error_info *const error_all;\n"
	"extern const size_t error_all_n;\n"
	"extern const struct error_info *const error_words;\n"
	"extern const size_t error_words_n;\n";

static const char lookup[] =
	"static int cmp_code(const void *key, const void *at)\n{\n"
	"\treturn *(const int *)key - ((const struct error_info *)at)->code;\n}\n\n"
	"const struct error_info *error_info(int code)\n{\n"
	"\treturn bsearch(&code, error_all, error_all_n, sizeof(*error_all), cmp_code);\n}\n\n"
	"const struct error_info *error_named(const char *name)\n{\n"
	"\tfor (size_t i = 0; i < error_all_n; i++) {\n"
	"\t\tif (strcmp(error_all[i].name, name) == 0)\n\t\t\treturn &error_all[i];\n\t}\n"
	"\treturn NULL;\n}\n\n"
	"static int cmp_word(const void *key, const void *at)\n{\n"
	"\treturn strcmp(key, ((const struct error_info *)at)->name);\n}\n\n"
	"const struct error_info *error_reason(const char *word)\n{\n"
	"\tif (error_words_n == 0)\n\t\treturn NULL;\n"
	"\treturn bsearch(word, error_words, error_words_n, sizeof(*error_words), cmp_word);\n}\n";

static void put_row(struct out *o, const struct error *e)
{
	put(o, "\t{.code = %u, .name = \"%s\", ", e->code, e->name);
	if (e->code != 0)
		put(o,
			".class = %d, .outcome = %d, .then = %d, .retries = %u, .retryable = %d, "
			".suspends = %d, .who = %d, .status = %u,",
			e->class, e->outcome, e->then, e->retries, e->retry, e->suspends, e->who,
			e->status);
	put(o, "\n\t\t.text = {");
	for (size_t i = 0; i < 3; i++) {
		put_text(o, e->text[i]);
		put(o, ",\n\t\t");
	}
	put(o, "}, .hint = {");
	for (size_t i = 0; i < 3; i++) {
		put_text(o, e->hint[i]);
		put(o, ",\n\t\t");
	}
	put(o, "}},\n");
}

void make_errors(const char *schemas, const char *dir)
{
	struct errors all = read_errors(schemas);
	struct out o;
	size_t n_words = 0;

	while (n_words < all.n && all.e[n_words].code == 0)
		n_words++;
	out_open(&o, dir, "errors.h", "Cause codes, docs/spec/fleet.md section 8.");
	put(&o, "#include <stdbool.h>\n#include <stddef.h>\n\nenum cn {\n");
	for (size_t i = n_words; i < all.n; i++)
		put(&o, "\tCN_%s = %u,\n", upper(all.e[i].name), all.e[i].code);
	put(&o, "};\n\n");
	put_enum(&o, "class", classes, array_len(classes));
	put_enum(&o, "outcome", outcomes, array_len(outcomes));
	put_enum(&o, "who", whos, array_len(whos));
	put(&o, "%s", header);
	out_close(&o);

	out_open(&o, dir, "errors.c", "Cause codes with their texts.");
	put(&o, "#include \"gen/errors.h\"\n\n#include <stdlib.h>\n#include <string.h>\n\n");
	put_words(&o, "class", classes, array_len(classes));
	put_words(&o, "outcome", outcomes, array_len(outcomes));
	put_words(&o, "who", whos, array_len(whos));
	put(&o, "\nstatic const struct error_info rows[] = {\n");
	for (size_t i = 0; i < all.n; i++)
		put_row(&o, &all.e[i]);
	put(&o,
		"};\nconst struct error_info *const error_words = rows;\n"
		"const size_t error_words_n = %zu;\n"
		"const struct error_info *const error_all = rows + %zu;\n"
		"const size_t error_all_n = %zu;\n\n%s",
		n_words, n_words, all.n - n_words, lookup);
	out_close(&o);
}
