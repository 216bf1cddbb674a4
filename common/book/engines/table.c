// SPDX-License-Identifier: Apache-2.0
/* Rows and cells of delimited text, with the place of everything. */
#include "common/book/engines/table.h"

#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"
#include "gen/errors.h"

static int wrong(struct table *t, int code, const char *reason, size_t offset, const char *text)
{
	t->wrong = (struct table_wrong){code, reason, text, offset};
	return -1;
}

/* ---- opening ---- */

static int from_utf16(struct table *t, struct span file)
{
	size_t at;

	t->wide.max = BOOK_FILE_MAX;
	if (charset_decode(t->outside, file, &t->wide, &at) < 0)
		return wrong(t, CN_CHARSET_ERROR, "utf16", 0, "half a character of UTF-16");
	if (t->wide.err)
		return wrong(t, CN_RESPONSE_TOO_BIG, "file", 0, "more than 64 MiB of text");
	if (t->wide.n)
		t->file = buf_span(&t->wide);
	else
		t->file.n = 0;
	return 0;
}

int table_init(struct table *t, struct span file, enum charset charset, char delimiter)
{
	size_t bom = 0;
	int marked = charset_bom(file, &bom);

	memset(t, 0, sizeof(*t));
	t->bom = bom;
	t->field_max = BOOK_FIELD_MAX;
	t->line_max = BOOK_LINE_MAX;
	t->outside = marked >= 0 ? (enum charset)marked : charset;
	t->charset = t->outside >= CHARSET_UTF16LE ? CHARSET_UTF8 : t->outside;
	t->delimiter = delimiter;
	if (file.n == 0)
		file.p = (const uint8_t *)"";
	t->file = (struct span){file.p + bom, file.n - bom};
	table_rewind(t);
	if (t->outside >= CHARSET_UTF16LE && from_utf16(t, t->file) < 0)
		return -1;
	t->has_nul = t->file.n && memchr(t->file.p, 0, t->file.n);
	t->bad_utf8 = t->charset == CHARSET_UTF8 && !utf8_valid(t->file.p, t->file.n);
	return 0;
}

void table_fini(struct table *t)
{
	buf_fini(&t->wide);
	buf_fini(&t->convert);
	free(t->scratch);
}

void table_rewind(struct table *t)
{
	t->next = 0;
	t->next_line = 1;
}

/* ---- rows ---- */

/* Behind the closing quote, or NULL; p stands behind the opening one. */
static const uint8_t *quoted_end(struct table *t, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *stop = p + size_min((size_t)(end - p), t->field_max + 1);
	const uint8_t *begin = p - 1;

	for (;;) {
		const uint8_t *q = memchr(p, '"', (size_t)(stop - p));

		if (!q)
			break;
		if (q + 1 == end || q[1] != '"')
			return q + 1;
		p = q + 2;
		if (p > stop)
			break;
	}
	if (stop < end)
		wrong(t, CN_RESPONSE_TOO_BIG, "field", (size_t)(begin - t->file.p),
			"a quoted cell of more than 64 KiB");
	else
		wrong(t, CN_PARSE_ERROR, "unbalanced_quote", (size_t)(begin - t->file.p),
			"a quote that is not closed");
	return NULL;
}

static const uint8_t *plain_end(const uint8_t *p, const uint8_t *end, char delimiter)
{
	while (p < end && *p != (uint8_t)delimiter && *p != '\n' && *p != '\r')
		p++;
	return p;
}

/* Blanks before a quote: part of the text, or not? Nobody can tell. */
static bool ambiguous(const uint8_t *p, const uint8_t *end)
{
	if (*p != ' ')
		return false;
	while (p < end && *p == ' ')
		p++;
	return p < end && *p == '"';
}

/* One cell; *p moves behind it. */
static int read_cell(struct table *t, const uint8_t **p, const uint8_t *end)
{
	const uint8_t *from = *p, *to;
	size_t at = (size_t)(from - t->file.p);
	bool quoted = from < end && *from == '"';

	if (t->n == BOOK_COLUMNS_MAX)
		return wrong(t, CN_RESPONSE_TOO_BIG, "columns", at, "more than 256 columns");
	if (quoted) {
		to = quoted_end(t, from + 1, end);
		if (!to)
			return -1;
		if (to < end && *to != (uint8_t)t->delimiter && *to != '\n' && *to != '\r')
			return wrong(t, CN_PARSE_ERROR, "text_after_quote",
				(size_t)(to - t->file.p), "text after a closing quote");
	} else {
		if (from < end && ambiguous(from, end))
			return wrong(t, CN_PARSE_ERROR, "stray_quote", at, "blanks before a quote");
		to = plain_end(from, end, t->delimiter);
	}
	if ((size_t)(to - from) > t->field_max + (quoted ? 2 : 0))
		return wrong(t, CN_RESPONSE_TOO_BIG, "field", at, "a cell of more than 64 KiB");
	t->cell[t->n++] = (struct table_cell){{from, (size_t)(to - from)}, quoted, NULL, 0};
	*p = to;
	return 0;
}

static uint32_t count_lines(struct span text)
{
	const uint8_t *p = text.p, *end = p + text.n;
	uint32_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

/* The bytes are looked at only where the file is known to have bad ones. */
static int check_row(struct table *t)
{
	const uint8_t *p = t->file.p + t->begin;
	size_t n = t->next - t->begin;
	const uint8_t *nul = t->has_nul ? memchr(p, 0, n) : NULL;
	size_t good = t->bad_utf8 ? utf8_prefix(p, n) : n;

	if (n > t->line_max)
		return wrong(t, CN_RESPONSE_TOO_BIG, "line", t->begin, "a line of more than 1 MiB");
	if (nul)
		return wrong(t, CN_PARSE_ERROR, "nul", (size_t)(nul - t->file.p), "a NUL byte");
	if (good < n)
		return wrong(
			t, CN_CHARSET_ERROR, "utf8", t->begin + good, "bytes that are not UTF-8");
	return 0;
}

static int end_row(struct table *t, const uint8_t *p, const uint8_t *end, bool multiline)
{
	t->end = (size_t)(p - t->file.p);
	if (p < end && *p == '\r') {
		if (p + 1 == end || p[1] != '\n')
			return wrong(t, CN_PARSE_ERROR, "bare_cr", t->end,
				"a carriage return without line feed");
		p++;
	}
	t->next = (size_t)(p - t->file.p) + (p < end);
	t->next_line = t->line + (p < end);
	if (multiline)
		t->next_line += count_lines((struct span){t->file.p + t->begin, t->end - t->begin});
	return check_row(t);
}

static bool begin_row(struct table *t)
{
	t->begin = t->end = t->next;
	t->line = t->next_line;
	t->n = 0;
	t->scratch_n = 0;
	return t->next < t->file.n;
}

/* Most cells of most rows are empty. */
static const uint8_t *skip_empty(struct table *t, const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p == (uint8_t)t->delimiter && t->n < BOOK_COLUMNS_MAX)
		t->cell[t->n++] = (struct table_cell){{p++, 0}, false, NULL, 0};
	return p;
}

int table_next(struct table *t)
{
	const uint8_t *p = t->file.p + t->next, *end = t->file.p + t->file.n;
	bool multiline = false;

	if (!begin_row(t))
		return 0;
	for (;;) {
		p = skip_empty(t, p, end);
		if (read_cell(t, &p, end) < 0)
			return -1;
		multiline |= t->cell[t->n - 1].quoted;
		if (p == end || *p != (uint8_t)t->delimiter)
			break;
		p++;
	}
	return end_row(t, p, end, multiline) < 0 ? -1 : 1;
}

int table_next_line(struct table *t)
{
	const uint8_t *p, *nl, *end = t->file.p + t->file.n;

	if (!begin_row(t))
		return 0;
	p = t->file.p + t->begin;
	nl = memchr(p, '\n', (size_t)(end - p));
	p = nl ? nl : end;
	if (nl && nl > t->file.p + t->begin && nl[-1] == '\r')
		p = nl - 1;
	return end_row(t, p, end, false) < 0 ? -1 : 1;
}

void table_again(struct table *t)
{
	t->next = t->begin;
	t->next_line = t->line;
}

void table_skip(struct table *t)
{
	const uint8_t *p = t->file.p + t->begin;
	const uint8_t *nl = memchr(p, '\n', t->file.n - t->begin);

	t->next = nl ? (size_t)(nl - t->file.p) + 1 : t->file.n;
	t->next_line = t->line + 1;
}

bool table_row_empty(const struct table *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->cell[i].raw.n > (t->cell[i].quoted ? 2 : 0))
			return false;
	return true;
}

struct span table_line(const struct table *t)
{
	return (struct span){t->file.p + t->begin, t->end - t->begin};
}

struct span table_eol(const struct table *t)
{
	return (struct span){t->file.p + t->end, t->next - t->end};
}

/* ---- texts ---- */

static bool ascii_only(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* Room for every text of the row: three bytes of UTF-8 for each of the file at most. Texts already
 * given must not move, so it is taken once for the row. */
static char *scratch(struct table *t)
{
	size_t most = 3 * (t->end - t->begin) + BOOK_COLUMNS_MAX;

	if (t->scratch_n == 0 && most > t->scratch_cap) {
		t->scratch_cap = most * 2;
		t->scratch = mem_realloc(t->scratch, t->scratch_cap);
	}
	return t->scratch + t->scratch_n;
}

/* "" in quotes is one quote. */
static size_t unquote(char *out, struct span s)
{
	size_t n = 0;

	while (s.n) {
		const uint8_t *q = memchr(s.p, '"', s.n);
		size_t run = q ? (size_t)(q - s.p) + 1 : s.n;
		size_t used = q ? run + 1 : run;

		memcpy(out + n, s.p, run);
		n += run;
		s = (struct span){s.p + used, s.n - used};
	}
	return n;
}

static int convert(struct table *t, struct span *text)
{
	size_t at;

	buf_reset(&t->convert);
	if (charset_decode(t->charset, *text, &t->convert, &at) < 0)
		return wrong(t, CN_CHARSET_ERROR, "bytes", (size_t)(text->p - t->file.p) + at,
			"bytes that the charset of the file has not");
	*text = buf_span(&t->convert);
	return 0;
}

/* Exactly one pair; more of them belong to the value. An empty cell is as good as []. */
static bool strip_brackets(struct span *text)
{
	if (text->n == 0)
		return true;
	if (text->n < 2 || text->p[0] != '[' || text->p[text->n - 1] != ']')
		return false;
	*text = (struct span){text->p + 1, text->n - 2};
	return true;
}

static int bare(struct table *t, uint32_t i, struct span *text)
{
	const struct table_cell *c = &t->cell[i];

	*text = c->quoted ? (struct span){c->raw.p + 1, c->raw.n - 2} : c->raw;
	if (t->brackets && !strip_brackets(text))
		return wrong(t, CN_PARSE_ERROR, "brackets", (size_t)(c->raw.p - t->file.p),
			"a cell that is not wrapped in square brackets");
	return 0;
}

const char *table_text(struct table *t, uint32_t i)
{
	struct table_cell *c = &t->cell[i];
	struct span text;
	char *out;
	size_t n;

	if (c->text)
		return c->text;
	if (bare(t, i, &text) < 0)
		return NULL;
	if (text.n == 0)
		return "";
	out = scratch(t);
	if (t->charset != CHARSET_UTF8 && !ascii_only(text) && convert(t, &text) < 0)
		return NULL;
	if (c->quoted) {
		n = unquote(out, text);
	} else {
		memcpy(out, text.p, text.n);
		n = text.n;
	}
	out[n] = 0;
	c->n = n;
	t->scratch_n += n + 1;
	return c->text = out;
}

/* ---- places ---- */

static uint32_t characters(const struct table *t, const uint8_t *p, size_t n)
{
	uint32_t count = 0, cp;

	for (size_t i = 0; i < n; count++) {
		size_t step = 1;

		if (t->charset == CHARSET_UTF8)
			step = size_max(utf8_read(p + i, n - i, &cp), 1);
		else if (t->charset == CHARSET_CP932)
			step = p[i] >= 0x81 && (p[i] < 0xa0 || p[i] > 0xdf) ? 2 : 1;
		i += step;
	}
	return count;
}

/* In bytes of the file as it came. */
static uint32_t bytes_outside(const struct table *t, const uint8_t *p, size_t n)
{
	uint32_t units = 0, cp;

	if (t->outside < CHARSET_UTF16LE)
		return (uint32_t)n;
	for (size_t i = 0; i < n;) {
		i += size_max(utf8_read(p + i, n - i, &cp), 1);
		units += cp > 0xffff ? 2 : 1;
	}
	return units * 2;
}

size_t table_offset(struct table *t)
{
	if (t->outside < CHARSET_UTF16LE)
		return t->bom + t->begin;
	if (t->counted > t->begin)
		t->counted = t->outside_at = 0;
	t->outside_at += bytes_outside(t, t->file.p + t->counted, t->begin - t->counted);
	t->counted = t->begin;
	return t->bom + t->outside_at;
}

void table_place(const struct table *t, size_t offset, struct book_fault *f)
{
	size_t from = size_min(offset, t->file.n);
	const uint8_t *p = t->file.p;

	while (from > t->begin && p[from - 1] != '\n')
		from--;
	f->line = t->line + count_lines((struct span){p + t->begin, from - t->begin});
	f->column = characters(t, p + from, offset - from) + 1;
	f->byte = bytes_outside(t, p + from, offset - from) + 1;
	if (from == 0)
		f->byte += (uint32_t)t->bom;
}

/* ---- writing ---- */

static bool must_quote(const char *text, char delimiter)
{
	size_t n = strlen(text);

	if (n == 0)
		return false;
	if (text[0] == ' ' || text[n - 1] == ' ' || strchr(text, delimiter))
		return true;
	return strpbrk(text, "\"\r\n") != NULL;
}

int table_put(struct buf *out, enum charset charset, char delimiter, const char *text, bool quoted)
{
	size_t at;

	if (!quoted && !must_quote(text, delimiter))
		return charset_encode(
			charset, (struct span){(const uint8_t *)text, strlen(text)}, out, &at);
	buf_addc(out, '"');
	for (;;) {
		size_t n = strcspn(text, "\"");

		if (charset_encode(charset, (struct span){(const uint8_t *)text, n}, out, &at) < 0)
			return -1;
		if (!text[n])
			break;
		buf_adds(out, "\"\"");
		text += n + 1;
	}
	buf_addc(out, '"');
	return 0;
}
