// SPDX-License-Identifier: Apache-2.0
/* Documents with places: one builder, fed by libyaml's events or by our JSON tokens. */
#include "common/text/doc.h"

#include <string.h>
#include <yaml.h>

#include "common/base/map.h"
#include "common/text/json_pull.h"
#include "common/text/utf8.h"

#define TEXT_MAX ((size_t)1024 * 1024) /* of one scalar */

/* A map or list that is being filled. */
struct level {
	struct doc *doc;
	struct doc *last;
	struct map keys; /* of a map: names seen */
	const char *key; /* read, its value comes next */
	uint32_t key_line, key_column;
};

struct builder {
	struct arena *arena;
	struct doc *root;
	struct level levels[DOC_DEPTH_MAX];
	size_t depth;
	struct doc_wrong *wrong;
};

static int wrong_at(
	struct doc_wrong *w, uint32_t line, uint32_t column, const char *reason, const char *detail)
{
	*w = (struct doc_wrong){.line = line, .column = column, .reason = reason};
	(void)snprintf(w->detail, sizeof(w->detail), "%s", detail);
	return -1;
}

static struct level *top(struct builder *b)
{
	return b->depth == 0 ? NULL : &b->levels[b->depth - 1];
}

static bool wants_key(struct builder *b)
{
	const struct level *l = top(b);

	return l != NULL && l->doc->kind == DOC_MAP && l->key == NULL;
}

static int take_key(struct builder *b, const char *text, uint32_t line, uint32_t column)
{
	struct level *l = top(b);

	if (map_put(&l->keys, text, strlen(text), l->doc) != NULL)
		return wrong_at(b->wrong, line, column, "twice", "this name stands here twice");
	l->key = arena_strdup(b->arena, text);
	l->key_line = line;
	l->key_column = column;
	return l->key == NULL ? wrong_at(b->wrong, line, column, "too_long", "out of memory") : 0;
}

static struct doc *put(
	struct builder *b, enum doc_kind kind, const char *text, uint32_t line, uint32_t column)
{
	struct level *l = top(b);
	struct doc *d = arena_alloc(b->arena, sizeof(*d));

	if (d == NULL)
		return NULL;
	*d = (struct doc){.kind = kind, .line = line, .column = column};
	if (text != NULL && (d->text = arena_strdup(b->arena, text)) == NULL)
		return NULL;
	if (l == NULL) {
		b->root = d;
		return d;
	}
	d->key = l->key;
	d->key_line = l->key_line;
	d->key_column = l->key_column;
	l->key = NULL;
	l->doc->n++;
	if (l->last == NULL)
		l->doc->first = d;
	else
		l->last->next = d;
	l->last = d;
	return d;
}

static int scalar(struct builder *b, const char *text, bool quoted, uint32_t line, uint32_t column)
{
	if (strlen(text) > TEXT_MAX)
		return wrong_at(b->wrong, line, column, "too_long", "a text of more than 1 MiB");
	if (wants_key(b))
		return take_key(b, text, line, column);
	struct doc *d = put(b, DOC_SCALAR, text, line, column);
	if (d == NULL)
		return wrong_at(b->wrong, line, column, "too_long", "out of memory");
	d->quoted = quoted;
	return 0;
}

static int open_level(struct builder *b, enum doc_kind kind, uint32_t line, uint32_t column)
{
	if (wants_key(b))
		return wrong_at(b->wrong, line, column, "malformed", "a name must be a text");
	if (b->depth == DOC_DEPTH_MAX)
		return wrong_at(b->wrong, line, column, "too_deep", "more than 32 levels");
	struct doc *d = put(b, kind, NULL, line, column);
	if (d == NULL)
		return wrong_at(b->wrong, line, column, "too_long", "out of memory");
	b->levels[b->depth++] = (struct level){.doc = d};
	return 0;
}

static void close_level(struct builder *b)
{
	map_fini(&b->levels[--b->depth].keys);
}

/* ---- JSON ---- */

static int json_token(struct builder *b, struct pull *p, enum pull_token t)
{
	uint32_t column = pull_column(p);

	switch (t) {
	case PULL_OBJECT:
		return open_level(b, DOC_MAP, p->line, column);
	case PULL_ARRAY:
		return open_level(b, DOC_LIST, p->line, column);
	case PULL_OBJECT_END:
	case PULL_ARRAY_END:
		close_level(b);
		return 0;
	case PULL_NAME:
	case PULL_STRING:
		return scalar(b, buf_str(&p->text), true, p->line, column);
	case PULL_NUMBER:
		return scalar(b, buf_str(&p->text), false, p->line, column);
	case PULL_TRUE:
		return scalar(b, "true", false, p->line, column);
	case PULL_FALSE:
		return scalar(b, "false", false, p->line, column);
	case PULL_NULL:
		return scalar(b, "null", false, p->line, column);
	case PULL_END:
	case PULL_WRONG:
		break;
	}
	return wrong_at(b->wrong, p->line, column, p->reason, p->wrong);
}

static int read_json(struct builder *b, struct span text)
{
	struct pull p;
	enum pull_token t;
	int rc = 0;

	pull_init(&p, text, TEXT_MAX);
	while (rc == 0 && (t = pull_next(&p)) != PULL_END)
		rc = json_token(b, &p, t);
	pull_fini(&p);
	return rc;
}

/* ---- YAML ---- */

static uint32_t from_one(size_t n)
{
	return n >= UINT32_MAX ? UINT32_MAX : (uint32_t)n + 1;
}

/* What makes a document more than maps, lists and scalars. */
static const char *too_much(const yaml_event_t *e)
{
	const char *no_tags = "tags are not taken here";
	const char *no_anchors = "anchors and aliases are not taken here";

	if (e->type == YAML_ALIAS_EVENT)
		return no_anchors;
	if (e->type == YAML_SCALAR_EVENT)
		return e->data.scalar.anchor != NULL ? no_anchors
		       : e->data.scalar.tag != NULL  ? no_tags
						     : NULL;
	if (e->type == YAML_SEQUENCE_START_EVENT)
		return e->data.sequence_start.anchor != NULL ? no_anchors
		       : e->data.sequence_start.tag != NULL  ? no_tags
							     : NULL;
	if (e->type == YAML_MAPPING_START_EVENT)
		return e->data.mapping_start.anchor != NULL ? no_anchors
		       : e->data.mapping_start.tag != NULL  ? no_tags
							    : NULL;
	return NULL;
}

static int yaml_scalar(struct builder *b, const yaml_event_t *e, uint32_t line, uint32_t column)
{
	const char *text = (const char *)e->data.scalar.value;
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (strlen(text) != e->data.scalar.length)
		return wrong_at(b->wrong, line, column, "nul", "a NUL character");
	if (plain && strcmp(text, "<<") == 0 && wants_key(b))
		return wrong_at(
			b->wrong, line, column, "not_plain", "merge keys are not taken here");
	return scalar(b, text, !plain, line, column);
}

static int yaml_event(struct builder *b, const yaml_event_t *e)
{
	uint32_t line = from_one(e->start_mark.line), column = from_one(e->start_mark.column);
	const char *more = too_much(e);

	if (more != NULL)
		return wrong_at(b->wrong, line, column, "not_plain", more);
	if (e->type == YAML_DOCUMENT_START_EVENT && b->root != NULL)
		return wrong_at(b->wrong, line, column, "not_plain", "a second document");
	if (e->type == YAML_SCALAR_EVENT)
		return yaml_scalar(b, e, line, column);
	if (e->type == YAML_SEQUENCE_START_EVENT)
		return open_level(b, DOC_LIST, line, column);
	if (e->type == YAML_MAPPING_START_EVENT)
		return open_level(b, DOC_MAP, line, column);
	if (e->type == YAML_SEQUENCE_END_EVENT || e->type == YAML_MAPPING_END_EVENT)
		close_level(b);
	return 0;
}

static int yaml_wrong(struct builder *b, const yaml_parser_t *p)
{
	bool charset = p->error == YAML_READER_ERROR;
	char text[128];

	(void)snprintf(text, sizeof(text), "%s%s%s", p->problem == NULL ? "no YAML" : p->problem,
		p->context == NULL ? "" : " ", p->context == NULL ? "" : p->context);
	/* a reader knows only where it has got to */
	const yaml_mark_t *at = charset ? &p->mark : &p->problem_mark;
	return wrong_at(b->wrong, from_one(at->line), from_one(at->column),
		charset ? "charset" : "malformed", text);
}

static int read_yaml(struct builder *b, struct span text)
{
	yaml_parser_t parser;
	bool end = false;
	int rc = 0;

	if (yaml_parser_initialize(&parser) == 0)
		return wrong_at(b->wrong, 1, 1, "too_long", "out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, text.p, text.n);
	while (rc == 0 && !end) {
		yaml_event_t event;
		if (yaml_parser_parse(&parser, &event) == 0) {
			rc = yaml_wrong(b, &parser);
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		rc = yaml_event(b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return rc;
}

/* ---- both ---- */

int doc_read(struct span text, struct arena *arena, const struct doc **ret, struct doc_wrong *wrong)
{
	struct builder b = {.arena = arena, .wrong = wrong};
	size_t at = 0;

	if (text.n > DOC_MAX)
		return wrong_at(wrong, 1, 1, "too_long", "a file of more than 64 MiB");
	while (at < text.n && memchr(" \t\r\n", text.p[at], 4) != NULL)
		at++;
	bool json = at < text.n && (text.p[at] == '{' || text.p[at] == '[');
	int rc = json ? read_json(&b, text) : read_yaml(&b, text);
	while (b.depth > 0)
		close_level(&b);
	if (rc == 0)
		*ret = b.root != NULL && doc_is_null(b.root) ? NULL : b.root;
	return rc;
}

const struct doc *doc_get(const struct doc *map, const char *key)
{
	if (map == NULL || map->kind != DOC_MAP)
		return NULL;
	for (const struct doc *d = map->first; d != NULL; d = d->next)
		if (strcmp(d->key, key) == 0)
			return d;
	return NULL;
}

bool doc_is_null(const struct doc *d)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; d->kind == DOC_SCALAR && !d->quoted && i < array_len(nulls); i++)
		if (strcmp(d->text, nulls[i]) == 0)
			return true;
	return false;
}

/* ---- writing ---- */

/* Words that some reader takes for null or a boolean. */
static bool word(const char *s)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"};

	for (size_t i = 0; i < array_len(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

static bool plain(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "0123456789_-./+() ";

	if (*s == '\0' || strchr(letters, *s) == NULL || word(s) || s[strlen(s) - 1] == ' ')
		return false;
	for (; *s != '\0'; s++)
		if (strchr(letters, *s) == NULL && strchr(others, *s) == NULL)
			return false;
	return true;
}

/* What YAML's readers refuse as it is: json_quote leaves it. */
static bool unreadable(const char *s)
{
	return strstr(s, "\xef\xbb\xbf") != NULL || strstr(s, "\xef\xbf\xbe") != NULL ||
	       strstr(s, "\xef\xbf\xbf") != NULL;
}

/* Character by character as numbers: rare, and safe. */
static void numbered(struct buf *out, const char *s)
{
	size_t n = strlen(s), k;

	buf_addc(out, '"');
	for (size_t i = 0; i < n; i += k) {
		uint32_t c = 0;
		k = utf8_read((const uint8_t *)s + i, n - i, &c);
		bug_if(k == 0);
		buf_addf(out, "\\U%08x", c);
	}
	buf_addc(out, '"');
}

void yaml_text(struct buf *out, const char *s)
{
	if (plain(s))
		buf_adds(out, s);
	else if (unreadable(s))
		numbered(out, s);
	else
		json_quote(out, s);
}
