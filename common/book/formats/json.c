// SPDX-License-Identifier: Apache-2.0
/* carnet_json, Carnet's own JSON (docs/spec/address-books.md 4.12): the whole model, of any family,
 * with one order of members, so that two files of equal books are equal. Here the writer. */
#include "common/book/formats/json.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/text/json_pull.h"
#include "gen/errors.h"

struct writer {
	struct buf *out;
	unsigned depth;
	bool any; /* something stands in the open bracket already */
	bool reveal;
};

/* ---- layout: two spaces per level, a member or element per line ---- */

static void line(struct writer *w)
{
	buf_addc(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		buf_adds(w->out, "  ");
}

static void element(struct writer *w)
{
	if (w->any)
		buf_addc(w->out, ',');
	line(w);
	w->any = true;
}

static void member(struct writer *w, const char *name)
{
	element(w);
	buf_addf(w->out, "\"%s\": ", name);
}

static void begin(struct writer *w, char bracket)
{
	buf_addc(w->out, bracket);
	w->depth++;
	w->any = false;
}

static void end(struct writer *w, char bracket)
{
	w->depth--;
	if (w->any)
		line(w);
	buf_addc(w->out, bracket);
	w->any = true;
}

static void text(struct writer *w, const char *name, const char *value)
{
	member(w, name);
	json_quote(w->out, value);
}

/* An element of up to two texts on one line; NULL = not there. */
static void pair(struct writer *w, const char *n1, const char *v1, const char *n2, const char *v2)
{
	element(w);
	buf_addc(w->out, '{');
	if (v1) {
		buf_addf(w->out, "\"%s\": ", n1);
		json_quote(w->out, v1);
	}
	if (v2) {
		buf_addf(w->out, "%s\"%s\": ", v1 ? ", " : "", n2);
		json_quote(w->out, v2);
	}
	buf_addc(w->out, '}');
}

/* ---- the model ---- */

bool book_json_plain(const char *digits)
{
	size_t n = strlen(digits);

	if (n == 0 || n > 10 || (*digits == '0' && n > 1))
		return false;
	while (ascii_digit(*digits))
		digits++;
	return *digits == '\0';
}

static bool is_word(enum field_type type, const char *value)
{
	if (type == FIELD_BOOL)
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	return (type == FIELD_UINT || type == FIELD_PORT) && book_json_plain(value);
}

static void fields(struct writer *w, const struct fields *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const struct field_info *info = field_info(f->v[i].id);
		bug_if(!info);
		member(w, info->name);
		if (is_word(info->type, f->v[i].value))
			buf_adds(w->out, f->v[i].value);
		else
			json_quote(w->out, f->v[i].value);
	}
}

static void secret(struct writer *w, const struct book_secret *s)
{
	if (s->state == SECRET_ABSENT)
		return;
	member(w, "secret");
	buf_adds(w->out, "{\"state\": ");
	json_quote(w->out, secret_state_name(s->state));
	if (s->scheme) {
		buf_adds(w->out, ", \"scheme\": ");
		json_quote(w->out, s->scheme);
	}
	if (s->text && w->reveal) {
		buf_adds(w->out, ", \"text\": ");
		json_quote(w->out, s->text);
	}
	buf_addc(w->out, '}');
}

static void dests(struct writer *w, const struct book_entry *e)
{
	if (e->n_dests == 0)
		return;
	member(w, "destinations");
	begin(w, '[');
	for (uint32_t i = 0; i < e->n_dests; i++) {
		element(w);
		begin(w, '{');
		text(w, "kind", dest_kind_name(e->dest[i].kind));
		fields(w, &e->dest[i].f);
		secret(w, &e->dest[i].secret);
		end(w, '}');
	}
	end(w, ']');
}

static void extras(struct writer *w, const char *name, const struct book_extra *x, uint32_t n)
{
	if (n == 0)
		return;
	member(w, name);
	begin(w, '[');
	for (uint32_t i = 0; i < n; i++)
		pair(w, "name", x[i].name, "value", x[i].value);
	end(w, ']');
}

static void tags(struct writer *w, const struct book_entry *e)
{
	if (e->n_tags == 0)
		return;
	member(w, "tags");
	begin(w, '[');
	for (uint32_t i = 0; i < e->n_tags; i++)
		pair(w, "system", e->tag[i].system, "value", e->tag[i].value);
	end(w, ']');
}

static void members(struct writer *w, const struct book_entry *e)
{
	if (e->n_members == 0)
		return;
	member(w, "members");
	begin(w, '[');
	for (uint32_t i = 0; i < e->n_members; i++)
		pair(w, "key", e->member[i].key, "text",
			e->member[i].key && !*e->member[i].text ? NULL : e->member[i].text);
	end(w, ']');
}

static void entry(struct writer *w, const struct book_entry *e)
{
	element(w);
	begin(w, '{');
	text(w, "key", e->key);
	if (e->group) {
		member(w, "group");
		buf_adds(w->out, "true");
	}
	fields(w, &e->f);
	tags(w, e);
	dests(w, e);
	members(w, e);
	extras(w, "extra", e->extra, e->n_extras);
	end(w, '}');
}

extern const struct codec codec_carnet_json;

/* The format the records come from, however often they went through this one. */
static void head(struct writer *w, const struct book *b)
{
	text(w, "carnet", BOOK_JSON_MARK);
	text(w, "family", b->family);
	if (*b->codec && strcmp(b->codec, codec_carnet_json.name) != 0)
		text(w, "format", b->codec);
	if (*b->charset)
		text(w, "charset", b->charset);
	extras(w, "meta", b->meta, b->n_meta);
}

static int encode(struct encoder *e)
{
	struct writer w = {.out = e->out, .reveal = e->reveal_secrets};
	size_t before = e->out->n;

	begin(&w, '{');
	head(&w, e->book);
	member(&w, "lists");
	begin(&w, '[');
	for (uint32_t i = 0; i < e->book->n_lists; i++) {
		const struct book_list *l = &e->book->list[i];
		element(&w);
		begin(&w, '{');
		text(&w, "slot", l->slot);
		text(&w, "kind", list_kind_name(l->kind));
		if (*l->name)
			text(&w, "name", l->name);
		member(&w, "entries");
		begin(&w, '[');
		for (uint32_t j = 0; j < l->n_entries; j++) {
			entry(&w, &l->entry[j]);
			if (e->out->n - before > BOOK_FILE_MAX)
				return fault_set(e->fault, CN_RESPONSE_TOO_BIG,
					"the file would be larger than 64 MiB");
		}
		end(&w, ']');
		end(&w, '}');
	}
	end(&w, ']');
	end(&w, '}');
	buf_addc(e->out, '\n');
	return 0;
}

/* ---- the codec ---- */

static size_t space(struct span s, size_t at)
{
	while (at < s.n && memchr(" \t\r\n", s.p[at], 4))
		at++;
	return at;
}

/* "carnet" : "book. at this place? */
static bool marked(struct span s, size_t at)
{
	static const char name[] = "\"carnet\"", value[] = "\"book.";

	if (s.n - at < sizeof(name) - 1 || memcmp(s.p + at, name, sizeof(name) - 1) != 0)
		return false;
	at = space(s, at + sizeof(name) - 1);
	if (at == s.n || s.p[at] != ':')
		return false;
	at = space(s, at + 1);
	return s.n - at >= sizeof(value) - 1 && memcmp(s.p + at, value, sizeof(value) - 1) == 0;
}

/* Whoever wrote it by hand or through another program may have put the mark anywhere. */
static int detect(struct span head_of)
{
	size_t at = head_of.n >= 3 && memcmp(head_of.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	at = space(head_of, at);
	if (at == head_of.n || head_of.p[at] != '{')
		return 0;
	if (marked(head_of, space(head_of, at + 1)))
		return 100;
	for (; at < head_of.n; at++)
		if (head_of.p[at] == '"' && marked(head_of, at))
			return 80;
	return 0;
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	const struct field_info *info = field_info(field);

	return field == 0 || (info && (info->kinds & 1u << kind));
}

const struct codec codec_carnet_json = {
	.name = "carnet_json",
	.family = "carnet",
	.title = "Carnet JSON",
	.suffix = ".json",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_GROUPS | CODEC_LISTS | CODEC_MANY_DESTS | CODEC_TAGS |
		 CODEC_SECRETS | CODEC_EXTRAS,
	.detect = detect,
	.decode = book_json_decode,
	.encode = encode,
	.holds = holds,
};
