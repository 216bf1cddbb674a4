// SPDX-License-Identifier: Apache-2.0
/* JSON token by token. */
#include "common/text/json_pull.h"

#include <string.h>

#include "common/text/utf8.h"

enum {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* just behind [ */
	EXPECT_NAME,
	EXPECT_NAME_OR_END, /* just behind { */
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING,
	EXPECT_STOPPED,
};

void pull_init(struct pull *p, struct span text, size_t string_max)
{
	static const uint8_t bom[] = {0xef, 0xbb, 0xbf};

	*p = (struct pull){.in = text, .string_max = string_max, .line = 1, .column = 1};
	if (text.n >= sizeof(bom) && memcmp(text.p, bom, sizeof(bom)) == 0)
		p->at = p->offset = p->line_begin = p->column_at = sizeof(bom);
}

void pull_fini(struct pull *p)
{
	buf_fini(&p->text);
}

uint32_t pull_byte(const struct pull *p)
{
	return (uint32_t)(p->offset - p->line_begin) + 1;
}

uint32_t pull_column(struct pull *p)
{
	if (p->column_at < p->line_begin || p->column_at > p->offset) {
		p->column_at = p->line_begin;
		p->column = 1;
	}
	for (; p->column_at < p->offset; p->column_at++)
		p->column += (p->in.p[p->column_at] & 0xc0) != 0x80;
	return p->column;
}

static enum pull_token wrong(struct pull *p, size_t offset, const char *reason, const char *text)
{
	p->offset = offset;
	p->reason = reason;
	p->wrong = text;
	p->expect = EXPECT_STOPPED;
	return PULL_WRONG;
}

static void skip_space(struct pull *p)
{
	for (; p->at < p->in.n; p->at++) {
		uint8_t c = p->in.p[p->at];
		if (c == '\n') {
			p->line++;
			p->line_begin = p->at + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

/* ---- strings ---- */

static int hex4(const struct pull *p, size_t at, uint32_t *ret)
{
	uint32_t v = 0;

	if (p->in.n - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		uint8_t c = p->in.p[i];
		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + c - 'A' + 10;
		else
			return -1;
	}
	*ret = v;
	return 0;
}

/* \uXXXX, or two of them; p->at stands behind \u. Returns a wrong token or PULL_STRING. */
static enum pull_token unicode_escape(struct pull *p)
{
	size_t begin = p->at - 2;
	uint32_t c, low;

	if (hex4(p, p->at, &c) != 0)
		return wrong(p, begin, "malformed", "\\u needs four hexadecimal digits");
	p->at += 4;
	if (c >= 0xd800 && c < 0xdc00) {
		if (p->in.n - p->at < 6 || memcmp(p->in.p + p->at, "\\u", 2) != 0 ||
			hex4(p, p->at + 2, &low) != 0 || low < 0xdc00 || low > 0xdfff)
			return wrong(p, begin, "charset", "half a surrogate pair");
		p->at += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		return wrong(p, begin, "charset", "half a surrogate pair");
	}
	if (c == 0)
		return wrong(p, begin, "nul", "a NUL character in a text");
	uint8_t bytes[4];
	buf_add(&p->text, bytes, utf8_write(c, bytes));
	return PULL_STRING;
}

static enum pull_token escape(struct pull *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t begin = p->at++;

	if (p->at == p->in.n)
		return wrong(p, begin, "malformed", "the text ends inside a string");
	uint8_t c = p->in.p[p->at++];
	if (c == 'u')
		return unicode_escape(p);
	const char *found = c == 0 ? NULL : strchr(from, c);
	if (found == NULL)
		return wrong(p, begin, "malformed", "no such escape");
	buf_addc(&p->text, to[found - from]);
	return PULL_STRING;
}

/* The plain characters up to the next quote, escape or fault. */
static enum pull_token plain(struct pull *p)
{
	size_t end = p->at;

	while (end < p->in.n && p->in.p[end] >= 0x20 && p->in.p[end] != '"' && p->in.p[end] != '\\')
		end++;
	size_t good = utf8_prefix(p->in.p + p->at, end - p->at);
	if (p->at + good < end)
		return wrong(p, p->at + good, "charset", "a byte that is not UTF-8");
	if (p->text.n + good > p->string_max)
		return wrong(p, p->offset, "too_long", "the text is too long");
	buf_add(&p->text, p->in.p + p->at, good);
	p->at = end;
	return PULL_STRING;
}

static enum pull_token string(struct pull *p)
{
	buf_reset(&p->text);
	p->at++;
	while (p->at < p->in.n) {
		uint8_t c = p->in.p[p->at];
		if (c == '"') {
			p->at++;
			return PULL_STRING;
		}
		if (c == 0)
			return wrong(p, p->at, "nul", "a NUL byte");
		if (c < 0x20)
			return wrong(p, p->at, "malformed",
				c == '\n'
					? "a string that does not end on its line"
					: "a control character in a string must be written as \\u");
		enum pull_token t = c == '\\' ? escape(p) : plain(p);
		if (t != PULL_STRING)
			return t;
		if (p->text.n > p->string_max)
			return wrong(p, p->offset, "too_long", "the text is too long");
	}
	return wrong(p, p->offset, "malformed", "a string without its end");
}

/* ---- other tokens ---- */

static bool digit(const struct pull *p)
{
	return p->at < p->in.n && p->in.p[p->at] >= '0' && p->in.p[p->at] <= '9';
}

static bool digits(struct pull *p)
{
	bool any = digit(p);

	while (digit(p))
		p->at++;
	return any;
}

static bool one_of(struct pull *p, const char *set)
{
	if (p->at == p->in.n || p->in.p[p->at] == 0 || strchr(set, p->in.p[p->at]) == NULL)
		return false;
	p->at++;
	return true;
}

static enum pull_token number(struct pull *p)
{
	(void)one_of(p, "-");
	bool good = one_of(p, "0") ? !digit(p) : digits(p);

	if (good && one_of(p, "."))
		good = digits(p);
	if (good && one_of(p, "eE")) {
		(void)one_of(p, "+-");
		good = digits(p);
	}
	if (!good)
		return wrong(p, p->offset, "malformed",
			"not a number: digits without a leading zero; a text stands in quotes");
	if (p->at - p->offset > p->string_max)
		return wrong(p, p->offset, "too_long", "the number is too long");
	buf_reset(&p->text);
	buf_add(&p->text, p->in.p + p->offset, p->at - p->offset);
	return PULL_NUMBER;
}

static enum pull_token word(struct pull *p, const char *name, enum pull_token t)
{
	size_t n = strlen(name);

	if (p->in.n - p->at < n || memcmp(p->in.p + p->at, name, n) != 0)
		return wrong(p, p->offset, "malformed", "a value was expected");
	p->at += n;
	return t;
}

static enum pull_token open_one(struct pull *p, bool array)
{
	if (p->depth == PULL_DEPTH_MAX)
		return wrong(p, p->offset, "too_deep", "nested more than 64 levels deep");
	p->at++;
	p->arrays = p->arrays << 1 | array;
	p->depth++;
	p->expect = array ? EXPECT_VALUE_OR_END : EXPECT_NAME_OR_END;
	return array ? PULL_ARRAY : PULL_OBJECT;
}

/* Behind a whole value. */
static void value_done(struct pull *p)
{
	p->expect = p->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

static enum pull_token value(struct pull *p)
{
	enum pull_token t = PULL_WRONG;

	switch (p->in.p[p->at]) {
	case '{':
		return open_one(p, false);
	case '[':
		return open_one(p, true);
	case '"':
		t = string(p);
		break;
	case 't':
		t = word(p, "true", PULL_TRUE);
		break;
	case 'f':
		t = word(p, "false", PULL_FALSE);
		break;
	case 'n':
		t = word(p, "null", PULL_NULL);
		break;
	case 0:
		return wrong(p, p->at, "nul", "a NUL byte");
	default:
		if (!digit(p) && p->in.p[p->at] != '-')
			return wrong(p, p->at, "malformed", "a value was expected");
		t = number(p);
	}
	if (t != PULL_WRONG)
		value_done(p);
	return t;
}

static enum pull_token name(struct pull *p)
{
	if (p->in.p[p->at] != '"')
		return wrong(p, p->at, "malformed", "a member name in quotes was expected");
	if (string(p) == PULL_WRONG)
		return PULL_WRONG;
	p->expect = EXPECT_COLON;
	return PULL_NAME;
}

/* Behind a value or an opening bracket: the closing one, if it stands here. */
static bool closes(struct pull *p, enum pull_token *ret)
{
	bool array = p->arrays & 1;

	if (p->in.p[p->at] != (array ? ']' : '}'))
		return false;
	p->at++;
	p->arrays >>= 1;
	p->depth--;
	value_done(p);
	*ret = array ? PULL_ARRAY_END : PULL_OBJECT_END;
	return true;
}

static bool eat(struct pull *p, char c)
{
	if (p->at == p->in.n || p->in.p[p->at] != (uint8_t)c)
		return false;
	p->at++;
	skip_space(p);
	p->offset = p->at;
	return true;
}

enum pull_token pull_next(struct pull *p)
{
	enum pull_token t = PULL_END;

	if (p->expect == EXPECT_STOPPED)
		return PULL_WRONG;
	skip_space(p);
	p->offset = p->at;
	if (p->expect == EXPECT_COLON && !eat(p, ':'))
		return wrong(p, p->at, "malformed", "a colon was expected");
	if (p->expect == EXPECT_COMMA_OR_END && eat(p, ','))
		p->expect = p->arrays & 1 ? EXPECT_VALUE : EXPECT_NAME;
	if (p->at == p->in.n)
		return p->expect == EXPECT_NOTHING
			       ? PULL_END
			       : wrong(p, p->at, "malformed", "the text ends too early");
	switch (p->expect) {
	case EXPECT_NOTHING:
		return wrong(p, p->at, "malformed", "something stands behind the end");
	case EXPECT_COMMA_OR_END:
		if (!closes(p, &t))
			return wrong(p, p->at, "malformed",
				"a comma or the closing bracket was expected");
		return t;
	case EXPECT_NAME_OR_END:
		return closes(p, &t) ? t : name(p);
	case EXPECT_NAME:
		return name(p);
	case EXPECT_VALUE_OR_END:
		return closes(p, &t) ? t : value(p);
	default:
		return value(p);
	}
}

int pull_skip(struct pull *p, enum pull_token t)
{
	uint32_t depth = p->depth;

	if (t == PULL_OBJECT || t == PULL_ARRAY)
		do {
			t = pull_next(p);
		} while (t != PULL_WRONG && t != PULL_END && p->depth >= depth);
	return t == PULL_WRONG ? -1 : 0;
}

/* C0, DEL, C1, line separators and the characters that turn the writing direction round. */
static bool unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void json_quote(struct buf *out, const char *s)
{
	size_t n = strlen(s), plain_from = 0, k;

	buf_addc(out, '"');
	for (size_t i = 0; i < n; i += k) {
		uint32_t c = 0;
		k = utf8_read((const uint8_t *)s + i, n - i, &c);
		bug_if(k == 0);
		if (c != '"' && c != '\\' && !unsafe(c))
			continue;
		buf_add(out, s + plain_from, i - plain_from);
		plain_from = i + k;
		if (c == '\n')
			buf_adds(out, "\\n");
		else if (c == '\t')
			buf_adds(out, "\\t");
		else if (unsafe(c))
			buf_addf(out, "\\u%04x", c);
		else
			buf_addf(out, "\\%c", (char)c);
	}
	buf_add(out, s + plain_from, n - plain_from);
	buf_addc(out, '"');
}
