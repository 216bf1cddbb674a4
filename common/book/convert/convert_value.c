// SPDX-License-Identifier: Apache-2.0
/* One value for the target: control characters, charset, length (AB-7, AB-20). Pure. */
#include <stdlib.h>
#include <string.h>

#include "common/book/convert/convert_priv.h"
#include "common/book/norm.h"
#include "common/text/unicode.h"
#include "common/text/utf8.h"

/* Characters that charsets confuse: same meaning, exact forms of each other. */
static const uint32_t SAME[][2] = {
	{0x301c, 0xff5e}, /* wave dash, fullwidth tilde */
	{0x2016, 0x2225}, /* double vertical line, parallel to */
	{0x2212, 0xff0d}, /* minus sign, fullwidth hyphen-minus */
	{0x2014, 0x2015}, /* em dash, horizontal bar */
	{0x00a2, 0xffe0},
	{0x00a3, 0xffe1},
	{0x00ac, 0xffe2},
	{0x00a5, 0xffe5}, /* yen: never from or to a backslash (AB-21) */
	{0x00a6, 0xffe4},
};

bool value_absent(struct conv *c, enum book_field field, const char *value)
{
	return norm_value(c->out, field, value) == NULL;
}

static bool noncharacter(uint32_t cp)
{
	return (cp & 0xfffe) == 0xfffe || (cp >= 0xfdd0 && cp <= 0xfdef);
}

static bool control_refused(const struct conv *c, uint32_t cp)
{
	const char *allowed = c->to->controls;

	if (strcmp(allowed, "*") == 0)
		return false;
	if (cp < 0x20)
		return strchr(allowed, (int)cp) == NULL;
	return cp == 0x7f || (cp >= 0x80 && cp < 0xa0) || noncharacter(cp);
}

static void put_code_point(uint32_t cp, struct buf *out)
{
	uint8_t text[4];

	buf_add(out, text, utf8_write(cp, text));
}

/* Another form of a character, when the charset has all of it. */
static bool put_if_there(const struct conv *c, const struct buf *text, struct buf *out)
{
	uint32_t cp;

	for (size_t i = 0, n; i < text->n; i += n) {
		n = utf8_read(text->p + i, text->n - i, &cp);
		if (n == 0 || !charset_has(c->charset, cp))
			return false;
	}
	buf_add(out, text->p, text->n);
	return true;
}

/* Half-width katakana and other compatibility forms, both ways. */
static bool reencode(struct conv *c, uint32_t cp, struct buf *out)
{
	struct buf form = BUF_INIT;
	bool found = false;

	for (size_t i = 0; i < array_len(SAME) && !found; i++)
		for (int k = 0; k < 2 && !found; k++)
			if (cp == SAME[i][k] && charset_has(c->charset, SAME[i][1 - k])) {
				put_code_point(SAME[i][1 - k], out);
				found = true;
			}
	if (!found && unicode_width(cp, &form) == 0)
		found = put_if_there(c, &form, out);
	buf_fini(&form);
	return found;
}

static bool transliterate(struct conv *c, uint32_t cp, struct buf *out)
{
	struct buf form = BUF_INIT;
	bool found = unicode_plain(cp, &form) == 0 && put_if_there(c, &form, out);

	buf_fini(&form);
	return found;
}

struct change {
	bool controls, reencoded, transliterated;
	const char *why;
};

/* One character; false when the charset has no form of it. */
static bool put_character(struct conv *c, uint32_t cp, struct buf *out, struct change *ch)
{
	if (control_refused(c, cp)) {
		ch->controls = true;
		buf_addc(out, ' ');
	} else if (charset_has(c->charset, cp)) {
		put_code_point(cp, out);
	} else if (reencode(c, cp, out)) {
		ch->reencoded = true;
	} else if (c->opts->transliterate && transliterate(c, cp, out)) {
		ch->transliterated = true;
	} else {
		ch->why = conv_fmt(c, "%s has no character U+%04X", charset_name(c->charset), cp);
		return false;
	}
	return true;
}

static bool put_text(struct conv *c, const char *v, struct buf *out, struct change *ch)
{
	size_t len = strlen(v);
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_read((const uint8_t *)v + i, len - i, &cp);
		bug_if(n == 0); /* the book's texts are UTF-8 */
		if (!put_character(c, cp, out, ch))
			return false;
	}
	return true;
}

/* All of it in the target's charset: as it is, composed, or in other forms. NULL = it cannot be. */
static const char *recode(struct conv *c, const char *v, struct change *ch)
{
	struct buf composed = BUF_INIT;
	struct buf out = BUF_INIT;
	const char *r = NULL;

	if (put_text(c, v, &out, ch)) {
		r = strcmp(buf_str(&out), v) == 0 ? v : conv_fmt(c, "%s", buf_str(&out));
	} else if (unicode_nfc(v, &composed) == 0 && strcmp(buf_str(&composed), v) != 0) {
		*ch = (struct change){.why = NULL};
		buf_reset(&out);
		if (put_text(c, buf_str(&composed), &out, ch))
			r = conv_fmt(c, "%s", buf_str(&out));
	}
	buf_fini(&out);
	buf_fini(&composed);
	return r;
}

const char *convert_text(struct conv *c, const char *value, const char **why)
{
	struct change ch = {.why = NULL};
	const char *v = recode(c, value, &ch);

	if (ch.controls || ch.transliterated) {
		*why = ch.controls ? "control characters have no place" : "other characters";
		return NULL;
	}
	*why = ch.why;
	return v;
}

/* ---- length ---- */

static const struct profile_limit *limit_of(
	const struct conv *c, enum dest_kind kind, enum book_field field)
{
	for (uint32_t i = 0; i < c->to->n_limits; i++)
		if (c->to->limit[i].kind == kind && c->to->limit[i].field == field)
			return c->to->limit[i].max ? &c->to->limit[i] : NULL;
	return NULL;
}

static size_t length(const struct conv *c, const struct profile_limit *l, const char *v, size_t n)
{
	struct buf bytes = BUF_INIT;
	size_t at;
	size_t r = n;

	if (!l->bytes) {
		char *part = mem_alloc(n + 1);
		memcpy(part, v, n);
		r = unicode_length(part);
		free(part);
		return r;
	}
	if (charset_encode(c->charset, (struct span){(const uint8_t *)v, n}, &bytes, &at) == 0)
		r = bytes.n;
	buf_fini(&bytes);
	return r;
}

/* The longest beginning that fits and cuts no grapheme, without spaces at its end. */
static const char *cut(struct conv *c, const struct profile_limit *l, const char *v)
{
	size_t max = l->max;
	size_t n = unicode_cut(v, max);

	while (n && length(c, l, v, n) > l->max)
		n = unicode_cut(v, --max);
	while (n && v[n - 1] == ' ')
		n--;
	return conv_fmt(c, "%.*s", (int)n, v);
}

/* Numbers and switches in their canonical words; NULL = it is none. */
static const char *token(
	struct conv *c, const struct field_info *info, enum book_field field, const char *value)
{
	const char *v = value;

	if (info->type == FIELD_BOOL || info->type == FIELD_UINT || info->type == FIELD_PORT)
		v = norm_value(c->out, field, value);
	if (c->to->whole_model)
		return v ? v : value;
	switch (info->type) {
	case FIELD_BOOL:
		return v && (strcmp(v, "true") == 0 || strcmp(v, "false") == 0) ? v : NULL;
	case FIELD_UINT:
	case FIELD_PORT:
	case FIELD_DIGITS:
		return v && *v && v[strspn(v, "0123456789")] == '\0' && strlen(v) < 10 ? v : NULL;
	case FIELD_TEXT:
	case FIELD_EMAIL:
	case FIELD_HOST:
	case FIELD_PATH:
	case FIELD_FAX:
	case FIELD_TOKEN:
		break;
	}
	return v;
}

const char *convert_value(struct conv *c, enum dest_kind kind, enum book_field field,
	const char *path, const char *value, const char **why)
{
	static const struct field_info label = {.name = "", .type = FIELD_TEXT};
	const struct field_info *info = field ? field_info(field) : &label;
	const struct profile_limit *l = limit_of(c, kind, field);
	struct change ch = {.why = NULL};
	const char *v = token(c, info, field, value);

	*why = "it is not what this field holds";
	if (v == NULL || (v = recode(c, v, &ch)) == NULL) {
		*why = ch.why ? ch.why : *why;
		return NULL;
	}
	if (c->codec->placeholder && c->codec->placeholder(v)) {
		*why = "that text stands for nothing there";
		return NULL;
	}
	if (ch.controls && (info->address || info->type != FIELD_TEXT)) {
		*why = "control characters have no place";
		return NULL;
	}
	if (l && length(c, l, v, strlen(v)) > l->max) {
		*why = conv_fmt(c, "%u %s at most", l->max, l->bytes ? "bytes" : "characters");
		if (info->address || info->type != FIELD_TEXT)
			return NULL;
		const char *shorter = cut(c, l, v);
		if (value_absent(c, field, shorter))
			return NULL;
		conv_note(c, LEDGER_CUT, conv_place(c, path, field), value, shorter, *why);
		return shorter;
	}
	if (value_absent(c, field ? field : F_NAME, v)) {
		*why = "nothing is left of it";
		return NULL;
	}
	if (ch.transliterated)
		conv_note(c, LEDGER_TRANSLITERATED, conv_place(c, path, field), value, v,
			conv_fmt(c, "%s has not all its characters", charset_name(c->charset)));
	else if (ch.reencoded || ch.controls)
		conv_note(c, LEDGER_REENCODED, conv_place(c, path, field), value, v,
			ch.controls ? "line ends and other control characters have no place"
				    : conv_fmt(c, "%s has other forms of its characters",
					      charset_name(c->charset)));
	return v;
}
