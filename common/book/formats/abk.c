// SPDX-License-Identifier: Apache-2.0
/* A byte-wise scanner for Canon .abk text: counts, checks, remembers nothing of the values. */
#include "common/book/formats/abk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "gen/errors.h"

enum state {
	LINE_START,
	IN_COMMENT,
	IN_NAME,
	AFTER_COLON,  /* `attr:` was read: space, second colon or line end */
	AFTER_BASE64, /* `attr::` was read: space or line end */
	IN_VALUE,
};

/* ---- faults with their place ---- */

static int wrong(struct abk_scan *s, int code, const char *reason, const char *fmt, ...)
	printf_like(4, 5);

static int wrong(struct abk_scan *s, int code, const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->what, sizeof(s->what), fmt, ap);
	va_end(ap);
	return fault_why(&s->fault, code, reason, "line %llu, column %u (byte %u): %s",
		(unsigned long long)s->line, s->character, s->column, s->what);
}

static int parse_error(struct abk_scan *s, const char *reason, const char *what)
{
	return wrong(s, CN_PARSE_ERROR, reason, "%s", what);
}

/* ---- charset ---- */

/* The byte is ASCII, or begins, continues or ends a character of the charset. */
static bool fits(struct abk_scan *s, uint8_t b)
{
	if (s->part_n == 0 && b < 0x80)
		return true;
	s->part[s->part_n++] = b;
	switch (charset_step(s->info.charset, (struct span){s->part, s->part_n})) {
	case CHARSET_WHOLE:
		s->part_n = 0;
		return true;
	case CHARSET_PART:
		return true;
	case CHARSET_WRONG:
		break;
	}
	return false;
}

static const char *charset_word(const struct abk_scan *s)
{
	return s->info.charset == CHARSET_UTF8     ? "utf8"
	       : s->info.charset == CHARSET_CP1252 ? "cp1252"
						   : "charset";
}

static int check_charset(struct abk_scan *s, uint8_t b)
{
	if (b == 0)
		return parse_error(s, "nul", "a NUL byte");
	if (!fits(s, b))
		return wrong(s, CN_CHARSET_ERROR, charset_word(s), "byte %02X is not valid %s here",
			b, charset_name(s->info.charset));
	return 0;
}

/* ---- lines ---- */

/* Lines of UTF-16 are none, so it cannot be declared in one. */
static int declare(struct abk_scan *s, struct span label)
{
	int c;

	while (label.n > 0 && label.p[label.n - 1] == ' ')
		label.n--;
	label.n = size_min(label.n, sizeof(s->info.declared) - 1);
	memcpy(s->info.declared, label.p, label.n);
	s->info.declared[label.n] = 0;
	c = charset_named(s->info.declared);
	if (c < 0 || c >= CHARSET_UTF16LE)
		return parse_error(s, "charset", "an unknown charset is declared");
	s->info.charset = (enum charset)c;
	return 0;
}

static int end_of_comment(struct abk_scan *s)
{
	struct span line = {(const uint8_t *)s->comment, s->comment_n}, label;

	if (s->comment_n >= 19 && memcmp(s->comment, "# Canon AddressBook", 19) == 0)
		s->info.preamble = true;
	return abk_comment(line, "CharSet", &label) ? declare(s, label) : 0;
}

static int end_of_record(struct abk_scan *s)
{
	bool whole = s->kind_seen;

	s->in_record = s->kind_seen = false;
	s->fields = 0;
	if (!whole)
		return wrong(s, CN_INCOMPLETE, "half_record",
			"the record that ends here has no objectclass");
	if (++s->info.entries > ABK_ENTRIES_MAX)
		return wrong(
			s, CN_RESPONSE_TOO_BIG, "entries", "more than %u entries", ABK_ENTRIES_MAX);
	return 0;
}

static int end_of_line(struct abk_scan *s)
{
	int r = 0;

	s->blank_end = s->state == LINE_START;
	if (s->part_n)
		return wrong(
			s, CN_CHARSET_ERROR, charset_word(s), "the line ends inside a character");
	if (s->state == IN_NAME)
		return parse_error(s, "no_colon", "an attribute name without a colon");
	if (s->state == IN_COMMENT)
		r = end_of_comment(s);
	else if (s->blank_end && s->in_record)
		r = end_of_record(s);
	if (r < 0)
		return r;
	s->state = LINE_START;
	s->line++;
	s->column = s->character = 0;
	return 0;
}

/* ---- bytes ---- */

static bool name_byte(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
	       b == '-' || b == '_' || b == '.' || b == ';';
}

static int value_byte(struct abk_scan *s)
{
	if (++s->field_bytes > ABK_FIELD_MAX)
		return wrong(s, CN_RESPONSE_TOO_BIG, "field", "a field of more than %zu bytes",
			ABK_FIELD_MAX);
	return 0;
}

static int first_byte(struct abk_scan *s, uint8_t b)
{
	if (b == '#') {
		if (s->in_record)
			return parse_error(s, "comment", "a comment inside a record");
		s->state = IN_COMMENT;
		s->comment[0] = '#';
		s->comment_n = 1;
		return 0;
	}
	if (b == ' ') {
		if (!s->in_record)
			return parse_error(s, "continuation", "a continuation of nothing");
		s->info.folded = true;
		s->state = IN_VALUE;
		s->field_bytes++; /* the line end is kept, too */
		return value_byte(s);
	}
	if (b == '<')
		return parse_error(s, "html", "a web page instead of a list");
	if (!name_byte(b))
		return wrong(s, CN_PARSE_ERROR, "name", "byte %02X cannot begin a line", b);
	if (++s->fields > ABK_FIELDS_MAX)
		return wrong(s, CN_RESPONSE_TOO_BIG, "fields", "more than %u lines in a record",
			ABK_FIELDS_MAX);
	s->in_record = true;
	s->state = IN_NAME;
	s->name[0] = (char)b;
	s->name_n = 1;
	return 0;
}

static int name_more(struct abk_scan *s, uint8_t b)
{
	if (b == ':') {
		s->name[s->name_n] = 0;
		s->kind_seen |= ascii_same(s->name, "objectclass");
		s->field_bytes = 0;
		s->state = AFTER_COLON;
		return 0;
	}
	if (!name_byte(b))
		return wrong(s, CN_PARSE_ERROR, "name", "byte %02X in an attribute name", b);
	if (s->name_n == ABK_NAME_MAX)
		return parse_error(s, "name", "an attribute name of more than 64 characters");
	s->name[s->name_n++] = (char)b;
	return 0;
}

static int after_colon(struct abk_scan *s, uint8_t b)
{
	if (b == ':' && s->state == AFTER_COLON) {
		s->info.base64 = true;
		s->state = AFTER_BASE64;
		return 0;
	}
	if (b != ' ')
		return parse_error(s, "no_space", "no space after the colon");
	s->state = IN_VALUE;
	return 0;
}

static int comment_byte(struct abk_scan *s, uint8_t b)
{
	if (s->column > ABK_LINE_MAX)
		return wrong(s, CN_RESPONSE_TOO_BIG, "line", "a line of more than 1 MiB");
	if (s->comment_n < sizeof(s->comment) - 1)
		s->comment[s->comment_n++] = (char)b;
	return 0;
}

static int line_byte(struct abk_scan *s, uint8_t b)
{
	switch ((enum state)s->state) {
	case LINE_START:
		return first_byte(s, b);
	case IN_COMMENT:
		return comment_byte(s, b);
	case IN_NAME:
		return name_more(s, b);
	case AFTER_COLON:
	case AFTER_BASE64:
		return after_colon(s, b);
	case IN_VALUE:
		return value_byte(s);
	}
	return 0;
}

static int one_byte(struct abk_scan *s, uint8_t b)
{
	s->column++;
	s->character += s->part_n == 0;
	if (b == '\n') {
		s->info.bare_lf |= !s->pending_cr;
		s->pending_cr = false;
		return end_of_line(s);
	}
	if (s->pending_cr)
		return parse_error(s, "bare_cr", "a carriage return inside a line");
	if (b == '\r') {
		s->pending_cr = true;
		return 0;
	}
	return check_charset(s, b) < 0 ? -1 : line_byte(s, b);
}

/* Values are most of a list: pass over plain ASCII in one go. */
static size_t plain_run(struct abk_scan *s, const uint8_t *p, size_t n)
{
	size_t i = 0;
	size_t room = ABK_FIELD_MAX - s->field_bytes;

	if (s->state != IN_VALUE || s->pending_cr || s->part_n)
		return 0;
	n = size_min(n, room);
	while (i < n && p[i] >= 0x20 && p[i] < 0x7f)
		i++;
	s->column += (uint32_t)i;
	s->character += (uint32_t)i;
	s->field_bytes += i;
	return i;
}

/* ---- the public face ---- */

void abk_scan_init(struct abk_scan *s)
{
	memset(s, 0, sizeof(*s));
	s->line = 1;
	s->info.charset = CHARSET_CP1252;
}

void abk_scan_skip_line(struct abk_scan *s)
{
	s->fault.code = 0;
	s->state = LINE_START;
	s->blank_end = s->pending_cr = false;
	s->kind_seen = s->in_record; /* it may have stood there */
	s->part_n = 0;
	s->line++;
	s->column = s->character = 0;
}

int abk_scan_feed(struct abk_scan *s, struct span bytes, struct fault *reterr)
{
	size_t i = 0;

	while (!s->fault.code && i < bytes.n) {
		i += plain_run(s, bytes.p + i, bytes.n - i);
		if (i < bytes.n && one_byte(s, bytes.p[i++]) < 0)
			break;
	}
	s->info.bytes += i;
	if (!s->fault.code)
		return 0;
	*reterr = s->fault;
	return -1;
}

int abk_scan_end(struct abk_scan *s, struct abk_info *ret_info, struct fault *reterr)
{
	bool whole = s->blank_end && s->state == LINE_START && !s->in_record && !s->pending_cr &&
		     s->column == 0;

	if (!s->fault.code && !whole)
		wrong(s, CN_INCOMPLETE, "truncated",
			"the list stops without its last blank line, after %u entries",
			s->info.entries);
	if (s->fault.code) {
		*reterr = s->fault;
		return -1;
	}
	*ret_info = s->info;
	return 0;
}

int abk_check(struct span text, struct abk_info *ret_info, struct fault *reterr)
{
	struct abk_scan s;

	abk_scan_init(&s);
	if (abk_scan_feed(&s, text, reterr) < 0)
		return -1;
	return abk_scan_end(&s, ret_info, reterr);
}

bool abk_comment(struct span line, const char *key, struct span *ret_value)
{
	size_t n = strlen(key);
	size_t skip = 2 + n + 1;

	if (line.n < skip || memcmp(line.p, "# ", 2) != 0 || line.p[2 + n] != ':' ||
		!ascii_same_n((const char *)line.p + 2, key, n))
		return false;
	skip += skip < line.n && line.p[skip] == ' ';
	*ret_value = (struct span){line.p + skip, line.n - skip};
	return true;
}

bool abk_looks_html(struct span head)
{
	static const uint8_t BOM[] = {0xef, 0xbb, 0xbf};
	size_t i = 0;

	if (head.n >= sizeof(BOM) && memcmp(head.p, BOM, sizeof(BOM)) == 0)
		i = sizeof(BOM);
	while (i < head.n && (head.p[i] == ' ' || (head.p[i] >= '\t' && head.p[i] <= '\r')))
		i++;
	return i < head.n && head.p[i] == '<';
}
