// SPDX-License-Identifier: Apache-2.0
/* carnet book search: where a name, an address, a fax number or a host stands, over files. */
#include <stdlib.h>
#include <string.h>

#include "common/book/search_key.h"
#include "services/cli/book.h"

/* What was typed, made comparable for each kind; "" = this kind cannot match. */
struct query {
	struct buf word[SEARCH_KINDS];
};

struct hit {
	char *file, *list, *number, *name, *value;
	enum search_kind kind;
	uint32_t line;
};

struct hits {
	struct hit *v;
	size_t n, cap;
};

/* One entry being looked at. */
struct look {
	const struct query *q;
	struct hits *hits;
	const struct source *s;
	const struct book_list *l;
	const struct book_entry *e;
	uint32_t found; /* bit per kind: once is enough */
};

/* "+33 (0) 1-23", not "2nd floor": what else has letters stands in no fax number. */
static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789+-()./ ")] == '\0';
}

static int query_init(struct query *q, const char *text)
{
	const char *colon = strchr(text, ':');
	int only = -1;
	char name[16];

	if (colon != NULL && (size_t)(colon - text) < sizeof(name)) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
		only = search_kind_named(name);
	}
	for (int k = 1; k < SEARCH_KINDS; k++) {
		q->word[k] = BUF_INIT;
		/* accents do not count when the name was typed without them */
		bool wanted = (only < 0 && (k != SEARCH_FAX_END || is_number(text))) || only == k ||
			      (only == SEARCH_NAME && k == SEARCH_NAME_PLAIN) ||
			      (only == SEARCH_FAX && k == SEARCH_FAX_END);
		if (wanted && search_word((enum search_kind)k, only < 0 ? text : colon + 1,
				      &q->word[k]) != 0)
			return -1;
	}
	return 0;
}

static bool matches(const struct query *q, enum search_kind kind, const char *key)
{
	const char *word = buf_str(&q->word[kind]);

	if (*word == '\0' || kind == SEARCH_FAX)
		return false;
	if (kind == SEARCH_FAX_END)
		return strncmp(key, word, strlen(word)) == 0;
	return strstr(key, word) != NULL;
}

/* The field of the entry that gave the key, as it is written there. */
static const char *written(const struct book_entry *e, enum search_kind kind, const char *key)
{
	static const enum book_field fields[] = {F_NAME, F_SHORT_LABEL, F_READING, F_ADDRESS,
		F_FAX_NUMBER, F_HOST, F_ACCOUNT, F_USER_CODE, F_URI};
	struct buf word = BUF_INIT;
	const char *found = NULL;

	for (uint32_t d = 0; d <= e->n_dests && found == NULL; d++)
		for (size_t i = 0; i < array_len(fields) && found == NULL; i++) {
			const char *value =
				fields_get(d == 0 ? &e->f : &e->dest[d - 1].f, fields[i]);
			buf_reset(&word);
			if (value != NULL && search_word(kind, value, &word) == 0 &&
				strcmp(buf_str(&word), key) == 0)
				found = value;
		}
	buf_fini(&word);
	return found;
}

static void on_key(enum search_kind kind, const char *key, void *arg)
{
	struct look *k = arg;
	enum search_kind shown = kind == SEARCH_NAME_PLAIN ? SEARCH_NAME
				 : kind == SEARCH_FAX_END  ? SEARCH_FAX
							   : kind;

	if (!matches(k->q, kind, key) || (k->found & 1u << shown))
		return;
	k->found |= 1u << shown;
	if (k->hits->n == k->hits->cap) {
		k->hits->cap = k->hits->cap * 2 + 16;
		k->hits->v = mem_realloc(k->hits->v, k->hits->cap * sizeof(*k->hits->v));
	}
	const char *value = written(k->e, kind, key);
	k->hits->v[k->hits->n++] = (struct hit){.file = mem_strdup(k->s->name),
		.list = mem_strdup(k->l->slot),
		.number = mem_strdup(entry_number(k->e)),
		.name = mem_strdup(entry_name(k->e)),
		.value = mem_strdup(value != NULL ? value : key),
		.kind = shown,
		.line = k->e->at.line};
}

static int search(struct cli *c, const struct query *q, const char *path, struct hits *hits)
{
	struct source s;
	int rc = source_open(c, &s, path);

	for (uint32_t i = 0; rc == 0 && i < s.book->n_lists; i++)
		for (uint32_t k = 0; rc == 0 && k < s.book->list[i].n_entries; k++) {
			struct look look = {.q = q,
				.hits = hits,
				.s = &s,
				.l = &s.book->list[i],
				.e = &s.book->list[i].entry[k]};
			rc = search_keys(look.e, on_key, &look);
		}
	source_close(&s);
	return rc;
}

static void cell(const void *arg, size_t row, const char *member, struct buf *out)
{
	const struct hit *h = &((const struct hits *)arg)->v[row];

	if (strcmp(member, "file") == 0)
		safe_text(out, h->file);
	else if (strcmp(member, "list") == 0)
		safe_text(out, h->list);
	else if (strcmp(member, "number") == 0)
		safe_text(out, h->number);
	else if (strcmp(member, "name") == 0)
		safe_text(out, h->name);
	else if (strcmp(member, "field") == 0)
		buf_adds(out, search_kind_name(h->kind));
	else if (strcmp(member, "value") == 0)
		safe_text(out, h->value);
	else
		buf_addf(out, h->line > 0 ? "%u" : "", h->line);
}

static void show_json(const struct hits *hits)
{
	json_t *all = json_array();

	for (size_t i = 0; i < hits->n; i++) {
		const struct hit *h = &hits->v[i];
		(void)json_array_append_new(
			all, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "file", h->file,
				     "list", h->list, "number", h->number, "name", h->name, "field",
				     search_kind_name(h->kind), "value", h->value, "line",
				     (int)h->line));
	}
	print_json(all);
	json_decref(all);
}

static void hits_free(struct hits *hits)
{
	for (size_t i = 0; i < hits->n; i++) {
		free(hits->v[i].file);
		free(hits->v[i].list);
		free(hits->v[i].number);
		free(hits->v[i].name);
		free(hits->v[i].value);
	}
	free(hits->v);
}

int run_book_search(struct cli *c, const struct verb *v)
{
	struct query q;
	struct hits hits = {.n = 0};
	bool failed = false;

	book_reading_flags(c);
	if (cli_flags_done(c) != 0)
		return EXIT_BOOK_ERROR;
	if (c->n_args < 2)
		return cli_fail(EXIT_BOOK_ERROR, "%s %s needs %s", v->noun, v->name, v->args);
	if (query_init(&q, c->args[0]) != 0)
		return cli_fail(EXIT_BOOK_ERROR, "'%s' cannot be searched for", c->args[0]);
	for (size_t i = 1; i < c->n_args; i++)
		failed |= search(c, &q, c->args[i], &hits) != 0;
	const struct listing t = {
		"file,list,number=NO,name,field,value,line", NULL, hits.n, cell, &hits};
	if (c->json)
		show_json(&hits);
	else if (hits.n > 0)
		table_rows(c, &t);
	int rc = failed ? EXIT_BOOK_ERROR : hits.n > 0 ? EXIT_BOOK_SAME : EXIT_BOOK_DIFFERS;
	hits_free(&hits);
	for (int k = 1; k < SEARCH_KINDS; k++)
		buf_fini(&q.word[k]);
	return rc;
}
