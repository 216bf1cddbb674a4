// SPDX-License-Identifier: Apache-2.0
/* Normal forms, folding and characters over utf8proc. Nearly every text of an address book is ASCII
 * or already normal: such text never reaches the library. */
#include "common/text/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "common/base/ascii.h"
#include "common/text/utf8.h"

/* UAX #15's Stream-Safe limit. The library sorts a run of marks in quadratic time; a text with a
 * longer run is nobody's name and stays as it is. */
#define MARKS_MAX 30

static bool is_ascii(const char *s, size_t n)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < n; i++)
		seen |= (uint8_t)s[i];
	return seen < 0x80;
}

static size_t next(const char *s, size_t n, uint32_t *ret)
{
	size_t len = utf8_read((const uint8_t *)s, n, ret);

	bug_if(len == 0); /* the contract: valid UTF-8 */
	return len;
}

/* Characters that no normalisation touches and that compose with nothing among themselves: below
 * the first mark, kana, kanji, Hangul syllables, full-width forms. */
static bool always_nfc(uint32_t c)
{
	return c < 0x300 || (c >= 0x3000 && c < 0x302A) || (c >= 0x3041 && c < 0x3097) ||
	       (c >= 0x309B && c < 0x3100) || (c >= 0x4E00 && c < 0xA000) ||
	       (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xFF01 && c < 0xFFA0);
}

enum form { FORM_NFC, FORM_OPEN, FORM_MARKS };

/* Is it surely NFC, to be worked on, or not to be given to the library? */
static enum form form_of(const char *s, size_t n)
{
	enum form form = FORM_NFC;
	unsigned run = 0;
	uint32_t c;

	for (size_t i = 0; i < n;) {
		i += next(s + i, n - i, &c);
		if (always_nfc(c)) {
			run = 0;
			continue;
		}
		form = FORM_OPEN;
		bool mark = utf8proc_get_property((utf8proc_int32_t)c)->combining_class != 0;
		run = mark ? run + 1 : 0;
		if (run > MARKS_MAX)
			return FORM_MARKS;
	}
	return form;
}

int unicode_nfc(const char *s, struct buf *out)
{
	size_t n = strlen(s);
	utf8proc_uint8_t *nfc;

	if (is_ascii(s, n) || form_of(s, n) != FORM_OPEN) {
		buf_add(out, s, n);
		return out->err ? -1 : 0;
	}
	utf8proc_ssize_t m = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &nfc,
		UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (m < 0)
		return -1;
	buf_add(out, nfc, (size_t)m);
	free(nfc);
	return out->err ? -1 : 0;
}

/* Marks of alphabets. Kana's sound marks and the vowel signs of Indic scripts make other letters:
 * they stay. */
static bool is_accent(int32_t c)
{
	return (c >= 0x300 && c < 0x370) || (c >= 0x1AB0 && c < 0x1B00) ||
	       (c >= 0x1DC0 && c < 0x1E00) || (c >= 0x20D0 && c < 0x2100) ||
	       (c >= 0xFE20 && c < 0xFE30);
}

/* Letters that are not a letter with a mark, as people type them on another keyboard. */
static const struct {
	int32_t c;
	char plain[3];
} plain_letters[] = {
	{0xE6, "ae"},
	{0xF0, "d"},
	{0xF8, "o"},
	{0xFE, "th"},
	{0x111, "d"},
	{0x127, "h"},
	{0x131, "i"},
	{0x142, "l"},
	{0x153, "oe"},
};

static const char *plain_letter(int32_t c)
{
	for (size_t i = 0; i < array_len(plain_letters); i++)
		if (plain_letters[i].c == c)
			return plain_letters[i].plain;
	return NULL;
}

static int32_t hiragana(int32_t c)
{
	bool katakana = (c >= 0x30A1 && c <= 0x30F6) || c == 0x30FD || c == 0x30FE;

	return katakana ? c - 0x60 : c;
}

static void add_folded(struct buf *out, int32_t c, bool strip)
{
	const char *plain = strip && c >= 0x80 ? plain_letter(c) : NULL;
	uint8_t utf8[4];

	if (plain != NULL)
		buf_adds(out, plain);
	else
		buf_add(out, utf8, utf8_write((uint32_t)hiragana(c), utf8));
}

/* Decomposed and case folded; the caller frees. -1 when the library refuses. */
static utf8proc_ssize_t decompose(const char *s, size_t n, utf8proc_int32_t **ret)
{
	const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
				      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)s;
	utf8proc_ssize_t m = utf8proc_decompose(p, (utf8proc_ssize_t)n, NULL, 0, how);

	if (m < 0)
		return -1;
	*ret = calloc((size_t)m + 1, sizeof(**ret));
	if (*ret == NULL)
		return -1;
	return utf8proc_decompose(p, (utf8proc_ssize_t)n, *ret, m, how);
}

static int fold(const char *s, size_t n, bool strip, struct buf *out)
{
	utf8proc_int32_t *c = NULL;
	utf8proc_ssize_t m = decompose(s, n, &c), kept = 0;

	for (utf8proc_ssize_t i = 0; i < m; i++)
		if (!strip || !is_accent(c[i]))
			c[kept++] = c[i];
	if (m >= 0)
		m = utf8proc_normalize_utf32(c, kept, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	for (utf8proc_ssize_t i = 0; i < m; i++)
		add_folded(out, c[i], strip);
	free(c);
	return m < 0 || out->err ? -1 : 0;
}

int unicode_fold(const char *s, bool strip, struct buf *out)
{
	size_t n = strlen(s);

	if (!is_ascii(s, n) && form_of(s, n) != FORM_MARKS)
		return fold(s, n, strip, out);
	for (size_t i = 0; i < n; i++)
		buf_addc(out, ascii_lower(s[i]));
	return out->err ? -1 : 0;
}

/* What the library makes of one character, when it is something else. */
static int form_with(uint32_t c, int options, struct buf *out)
{
	uint8_t text[5] = {0};
	size_t n = utf8_write(c, text);
	utf8proc_uint8_t *form;
	utf8proc_ssize_t m = utf8proc_map(
		text, (utf8proc_ssize_t)n, &form, (utf8proc_option_t)(UTF8PROC_STABLE | options));
	int r = -1;

	if (m < 0)
		return -1;
	if (m > 0 && ((size_t)m != n || memcmp(form, text, n) != 0)) {
		buf_add(out, form, (size_t)m);
		r = out->err ? -1 : 0;
	}
	free(form);
	return r;
}

int unicode_width(uint32_t c, struct buf *out)
{
	if (c != 0x3000 && (c < 0xFF00 || c > 0xFFEF))
		return -1;
	return form_with(c, UTF8PROC_COMPOSE | UTF8PROC_COMPAT, out);
}

int unicode_plain(uint32_t c, struct buf *out)
{
	return form_with(c, UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK, out);
}

size_t unicode_cut(const char *s, size_t max)
{
	size_t n = strlen(s), cut = 0, count = 0;
	uint32_t before = 0, c;
	utf8proc_int32_t state = 0;

	if (n <= max)
		return n;
	for (size_t i = 0; i < n; count++) {
		size_t len = next(s + i, n - i, &c);
		if (i == 0 || utf8proc_grapheme_break_stateful(
				      (utf8proc_int32_t)before, (utf8proc_int32_t)c, &state))
			cut = i;
		if (count == max)
			return cut;
		before = c;
		i += len;
	}
	return n;
}

size_t unicode_length(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((uint8_t)*s & 0xC0) != 0x80;
	return n;
}
