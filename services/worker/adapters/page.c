// SPDX-License-Identifier: Apache-2.0
/* A tag scanner for pages of devices: good enough for forms, harmless on anything else. */
#include "services/worker/adapters/page.h"

#include <string.h>
#include <strings.h>

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_alpha(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t find(struct span in, size_t from, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = from; i + n <= in.n; i++)
		if (strncasecmp((const char *)in.p + i, word, n) == 0)
			return i;
	return in.n;
}

/* End of a tag that begins at i, quotes respected: the index of its '>' or the page's end. */
static size_t tag_end(struct span in, size_t i)
{
	uint8_t quote = 0;

	for (; i < in.n; i++) {
		uint8_t c = in.p[i];
		if (quote ? c == quote : c == '>')
			return quote ? tag_end(in, i + 1) : i;
		if (!quote && (c == '"' || c == '\'') && i > 0 && in.p[i - 1] == '=')
			quote = c;
	}
	return in.n;
}

bool tag_is(const struct tag *t, const char *name)
{
	return t->name.n == strlen(name) &&
	       strncasecmp((const char *)t->name.p, name, t->name.n) == 0;
}

bool page_next(struct page *p, struct tag *ret)
{
	struct span in = p->html;

	while (p->at < in.n) {
		size_t i = p->at, name, end;
		if (in.p[i] != '<') {
			p->at++;
			continue;
		}
		if (i + 4 <= in.n && memcmp(in.p + i, "<!--", 4) == 0) {
			p->at = size_min(find(in, i, "-->") + 3, in.n);
			continue;
		}
		for (name = ++i; i < in.n && is_alpha(in.p[i]); i++)
			;
		p->at = end = tag_end(in, i);
		if (i == name)
			continue; /* an end tag, a doctype, a lone < */
		ret->name = (struct span){in.p + name, i - name};
		ret->attributes = (struct span){in.p + i, end - i};
		if (tag_is(ret, "script"))
			p->at = find(in, end, "</script");
		else if (tag_is(ret, "style"))
			p->at = find(in, end, "</style");
		return true;
	}
	return false;
}

/* ---- attributes ---- */

struct entity {
	const char *text;
	char is;
};

static const struct entity entities[] = {{"&amp;", '&'}, {"&quot;", '"'}, {"&#39;", '\''},
	{"&#x27;", '\''}, {"&lt;", '<'}, {"&gt;", '>'}};

static void copy_value(struct span v, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n && n + 1 < size; i++) {
		char c = (char)v.p[i];
		for (size_t k = 0; c == '&' && k < array_len(entities); k++) {
			size_t len = strlen(entities[k].text);
			if (i + len <= v.n && memcmp(v.p + i, entities[k].text, len) == 0) {
				c = entities[k].is;
				i += len - 1;
				break;
			}
		}
		out[n++] = c;
	}
	out[n] = 0;
}

/* One attribute from *at on. false at the end of the tag. */
static bool next_attribute(struct span in, size_t *at, struct span *name, struct span *value)
{
	size_t i = *at, from;

	while (i < in.n && (is_space(in.p[i]) || in.p[i] == '/'))
		i++;
	for (from = i; i < in.n && !is_space(in.p[i]) && in.p[i] != '='; i++)
		;
	if (i == from && i >= in.n)
		return false;
	*name = (struct span){in.p + from, i - from};
	*value = (struct span){in.p + i, 0};
	while (i < in.n && is_space(in.p[i]))
		i++;
	if (i < in.n && in.p[i] == '=') {
		i++;
		while (i < in.n && is_space(in.p[i]))
			i++;
		uint8_t quote = i < in.n && (in.p[i] == '"' || in.p[i] == '\'') ? in.p[i++] : 0;
		for (from = i; i < in.n && (quote ? in.p[i] != quote : !is_space(in.p[i])); i++)
			;
		*value = (struct span){in.p + from, i - from};
		i += quote && i < in.n;
	}
	*at = i;
	return true;
}

bool tag_value(const struct tag *t, const char *name, char *out, size_t size)
{
	struct span n, v;
	size_t at = 0;

	while (next_attribute(t->attributes, &at, &n, &v)) {
		if (n.n != strlen(name) || strncasecmp((const char *)n.p, name, n.n) != 0)
			continue;
		copy_value(v, out, size);
		return true;
	}
	return false;
}

/* ---- forms ---- */

static bool names(const struct tag *t, const char *input)
{
	char name[64];

	return tag_is(t, "input") && tag_value(t, "name", name, sizeof(name)) &&
	       strcmp(name, input) == 0;
}

bool page_has_input(struct span html, const char *name)
{
	struct page p = {.html = html};
	struct tag t;

	while (page_next(&p, &t))
		if (names(&t, name))
			return true;
	return false;
}

/* The part of the page that is the form with this input; from is the place after its <form …>. */
static bool form_with(
	struct span html, const char *input, struct tag *ret_form, struct span *ret_inside)
{
	struct page p = {.html = html};
	struct tag t, form = {.name = {.p = NULL}};
	size_t from = 0;

	while (page_next(&p, &t)) {
		if (tag_is(&t, "form")) {
			form = t;
			from = p.at;
		} else if (form.name.p && names(&t, input)) {
			size_t end = find(html, from, "</form");
			*ret_form = form;
			*ret_inside = (struct span){html.p + from, end - from};
			return p.at <= end;
		}
	}
	return false;
}

bool page_form_of(struct span html, const char *input, char *action, size_t size)
{
	struct tag form;
	struct span inside;

	return form_with(html, input, &form, &inside) && tag_value(&form, "action", action, size);
}

bool page_hidden_at(struct span html, const char *input, size_t i, struct page_field *ret)
{
	struct tag form, t;
	struct page p = {.at = 0};
	char type[16];

	if (!form_with(html, input, &form, &p.html))
		return false;
	while (page_next(&p, &t)) {
		if (!tag_is(&t, "input") || !tag_value(&t, "type", type, sizeof(type)) ||
			strcasecmp(type, "hidden") != 0 ||
			!tag_value(&t, "name", ret->name, sizeof(ret->name)) || i-- > 0)
			continue;
		if (!tag_value(&t, "value", ret->value, sizeof(ret->value)))
			ret->value[0] = 0;
		return true;
	}
	return false;
}

void page_hidden_fields(struct span html, const char *input, struct buf *out)
{
	struct page_field f;

	for (size_t i = 0; page_hidden_at(html, input, i, &f); i++) {
		form_value(out, f.name);
		buf_addc(out, '=');
		form_value(out, f.value);
		buf_addc(out, '&');
	}
}

/* ---- choices and links ---- */

static bool says(struct span html, const char *const *words)
{
	struct buf text = BUF_INIT;
	bool r = false;

	page_text(html, 512, &text);
	for (; *words && !r; words++)
		r = text_contains(buf_span(&text), *words);
	buf_fini(&text);
	return r;
}

/* The next choice of a control: a radio button of this name, or an option inside the select. */
static bool next_choice(struct page *p, const char *control, bool *inside, struct tag *ret)
{
	char name[64], type[16];

	while (page_next(p, ret)) {
		bool named =
			tag_value(ret, "name", name, sizeof(name)) && strcmp(name, control) == 0;
		if (tag_is(ret, "select"))
			*inside = named;
		else if (tag_is(ret, "input") && named &&
			 tag_value(ret, "type", type, sizeof(type)) &&
			 strcasecmp(type, "radio") == 0)
			return true;
		else if (*inside && tag_is(ret, "option"))
			return true;
	}
	return false;
}

/* What stands behind a choice, up to the next control. */
static struct span text_behind(struct span html, size_t from)
{
	struct page p = {.html = html, .at = from};
	size_t end = html.n;
	struct tag t;

	while (page_next(&p, &t)) {
		if (tag_is(&t, "label") || tag_is(&t, "span") || tag_is(&t, "br"))
			continue;
		end = (size_t)(t.name.p - html.p) - 1;
		break;
	}
	end = size_min(end, find(html, from, "</select"));
	return (struct span){html.p + from, size_min(end, find(html, from, "</form")) - from};
}

bool page_choice(
	struct span html, const char *control, const char *const *words, char *out, size_t size)
{
	struct page p = {.html = html};
	bool inside = false;
	struct tag t;

	while (next_choice(&p, control, &inside, &t))
		if (says(text_behind(html, size_min(p.at + 1, html.n)), words))
			return tag_value(&t, "value", out, size);
	return false;
}

bool page_offers(struct span html, const char *control, const char *value)
{
	struct page p = {.html = html};
	bool inside = false;
	struct tag t;
	char v[64];

	while (next_choice(&p, control, &inside, &t))
		if (tag_value(&t, "value", v, sizeof(v)) && strcmp(v, value) == 0)
			return true;
	return false;
}

bool page_link(struct span html, const char *const *words, char *out, size_t size)
{
	struct page p = {.html = html};
	struct tag t;

	while (page_next(&p, &t)) {
		size_t end = find(html, p.at, "</a");
		if (tag_is(&t, "a") && says((struct span){html.p + p.at, end - p.at}, words))
			return tag_value(&t, "href", out, size);
	}
	return false;
}

bool page_resolve(const char *base, const char *link, char *out, size_t size)
{
	size_t n = strcspn(link, "#"), dir = strcspn(base, "?#");

	if (strncmp(link, "./", 2) == 0) {
		link += 2;
		n -= 2;
	}
	if (n == 0 || strncmp(link, "//", 2) == 0 || memchr(link, '\\', n) ||
		strcspn(link, ":") < strcspn(link, "/?#") || strncmp(link, "..", 2) == 0)
		return false;
	while (dir > 0 && base[dir - 1] != '/')
		dir--;
	dir = link[0] == '/' ? 0 : dir;
	if (dir + n + 1 > size)
		return false;
	memcpy(out, base, dir);
	memcpy(out + dir, link, n);
	out[dir + n] = 0;
	return true;
}

/* ---- text ---- */

/* A tag or its skipped content begins here: where it ends. */
static size_t skip_markup(struct span html, size_t i)
{
	struct page p = {.html = {html.p + i, html.n - i}};
	struct tag t;
	size_t end = tag_end(html, i + 1);

	if (i + 4 <= html.n && memcmp(html.p + i, "<!--", 4) == 0)
		return size_min(find(html, i, "-->") + 2, html.n);
	if (page_next(&p, &t) && t.name.p == html.p + i + 1)
		end = size_max(end, i + p.at);
	return end;
}

void page_text(struct span html, size_t max, struct buf *out)
{
	bool space = false;
	size_t from = out->n;

	for (size_t i = 0; i < html.n && out->n - from < max; i++) {
		uint8_t c = html.p[i];
		if (c == '<') {
			i = skip_markup(html, i);
			if (i < html.n && html.p[i] == '<')
				i--; /* the end tag of a skipped script */
			space = true;
		} else if (is_space(c)) {
			space = true;
		} else {
			if (space && out->n > from)
				buf_addc(out, ' ');
			space = false;
			buf_addc(out, (char)c);
		}
	}
}

bool text_contains(struct span text, const char *word)
{
	return *word && find(text, 0, word) < text.n;
}

/* ---- form encoding ---- */

void form_value(struct buf *out, const char *value)
{
	for (const char *s = value; *s; s++) {
		if (is_alpha((uint8_t)*s) || (*s >= '0' && *s <= '9') || strchr("-._~", *s))
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (uint8_t)*s);
	}
}

void form_add(struct buf *out, const char *name, const char *value)
{
	if (out->n)
		buf_addc(out, '&');
	buf_adds(out, name);
	buf_addc(out, '=');
	form_value(out, value);
}
