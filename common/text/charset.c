// SPDX-License-Identifier: Apache-2.0
/* Charsets, strict both ways. One character at a time through tables; runs of ASCII in one go.
 * iconv is asked once per process, for the table of Windows-31J (a gconv module of Debian's libc6;
 * without it every character above ASCII is refused, none is guessed). */
#include "common/text/charset.h"

#include <iconv.h>
#include <pthread.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/text/utf8.h"

static const struct {
	const char *label;
	enum charset c;
} LABELS[] = {
	{"UTF-8", CHARSET_UTF8},
	{"windows-1252", CHARSET_CP1252},
	{"Windows-31J", CHARSET_CP932},
	{"UTF-16LE", CHARSET_UTF16LE},
	{"UTF-16BE", CHARSET_UTF16BE},
	/* those above are the names we say; enum order */
	{"UTF8", CHARSET_UTF8},
	{"US-ASCII", CHARSET_UTF8},
	{"ASCII", CHARSET_UTF8},
	{"WCP1252", CHARSET_CP1252},
	{"CP1252", CHARSET_CP1252},
	{"SJIS", CHARSET_CP932},
	{"Shift_JIS", CHARSET_CP932},
	{"Shift-JIS", CHARSET_CP932},
	{"CP932", CHARSET_CP932},
	{"WCP932", CHARSET_CP932},
	{"MS932", CHARSET_CP932},
	{"MS_Kanji", CHARSET_CP932},
	{"UTF16LE", CHARSET_UTF16LE},
	{"UTF16BE", CHARSET_UTF16BE},
};

/* ---- Windows-1252: 80 to 9F; 0 = undefined there (AB-17) ---- */

static const uint16_t CP1252[32] = {0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d,
	0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};

static size_t cp1252_read(const uint8_t *s, uint32_t *ret)
{
	*ret = s[0] >= 0x80 && s[0] < 0xa0 ? CP1252[s[0] - 0x80] : s[0];
	return *ret || s[0] == 0 ? 1 : 0;
}

static size_t cp1252_write(uint32_t cp, uint8_t *out)
{
	out[0] = (uint8_t)cp;
	if (cp < 0x80 || (cp >= 0xa0 && cp <= 0xff))
		return 1;
	for (size_t i = 0; i < array_len(CP1252); i++) {
		if (CP1252[i] == cp && cp) {
			out[0] = (uint8_t)(0x80 + i);
			return 1;
		}
	}
	return 0;
}

/* ---- Windows-31J: what Canon and others call SJIS; 5C is a backslash (AB-21) ---- */

#define LEADS 0x80                      /* 80 to FF */
static uint16_t from_932[LEADS][0x100]; /* two bytes to a code point, 0 = none */
static uint16_t to_932[0x10000];        /* and back: one code, of several the one iconv prefers */
static pthread_once_t once_932 = PTHREAD_ONCE_INIT;

static size_t ask(iconv_t cd, const void *in, size_t n, uint8_t out[static 8])
{
	char from[4], *p = from, *q = (char *)out;
	size_t room = 8;

	memcpy(from, in, n);
	iconv(cd, NULL, NULL, NULL, NULL);
	return iconv(cd, &p, &n, &q, &room) == (size_t)-1 ? 0 : 8 - room;
}

static void add_932(iconv_t to_unicode, iconv_t back, unsigned lead, unsigned trail)
{
	const uint8_t code[2] = {(uint8_t)lead, (uint8_t)trail};
	uint8_t u[8], best[8];

	if (ask(to_unicode, code, 2, u) != 2)
		return;
	uint16_t cp = (uint16_t)(u[0] | u[1] << 8);
	from_932[lead - 0x80][trail] = cp;
	if (ask(back, u, 2, best) == 2)
		to_932[cp] = (uint16_t)(best[0] << 8 | best[1]);
	else
		to_932[cp] = (uint16_t)(lead << 8 | trail);
}

static void load_932(void)
{
	iconv_t to_unicode = iconv_open("UTF-16LE", "CP932");
	iconv_t back = iconv_open("CP932", "UTF-16LE");

	if (to_unicode != (iconv_t)-1 && back != (iconv_t)-1) {
		for (unsigned lead = 0x81; lead <= 0xfc; lead++) {
			if (lead < 0xa0 || lead > 0xdf)
				for (unsigned trail = 0x40; trail <= 0xfc; trail++)
					add_932(to_unicode, back, lead, trail);
		}
	}
	if (to_unicode != (iconv_t)-1)
		iconv_close(to_unicode);
	if (back != (iconv_t)-1)
		iconv_close(back);
}

static size_t cp932_read(const uint8_t *s, size_t n, uint32_t *ret)
{
	*ret = s[0];
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xa1 && s[0] <= 0xdf) {
		*ret = 0xff61u + s[0] - 0xa1; /* half-width katakana */
		return 1;
	}
	if (n < 2)
		return 0;
	*ret = from_932[s[0] - 0x80][s[1]];
	return *ret ? 2 : 0;
}

static size_t cp932_write(uint32_t cp, uint8_t *out)
{
	uint16_t code = cp < 0x10000 ? to_932[cp] : 0;

	if (cp < 0x80 || (cp >= 0xff61 && cp <= 0xff9f)) {
		out[0] = (uint8_t)(cp < 0x80 ? cp : cp - 0xff61 + 0xa1);
		return 1;
	}
	out[0] = (uint8_t)(code >> 8);
	out[1] = (uint8_t)code;
	return code ? 2 : 0;
}

/* ---- UTF-16 ---- */

static uint32_t unit(const uint8_t *s, bool big)
{
	return big ? (uint32_t)(s[0] << 8 | s[1]) : (uint32_t)(s[1] << 8 | s[0]);
}

static size_t utf16_read(const uint8_t *s, size_t n, bool big, uint32_t *ret)
{
	uint32_t low;

	if (n < 2)
		return 0;
	*ret = unit(s, big);
	if (*ret < 0xd800 || *ret > 0xdfff)
		return 2;
	if (*ret > 0xdbff || n < 4)
		return 0; /* half a pair */
	low = unit(s + 2, big);
	*ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
	return low >= 0xdc00 && low <= 0xdfff ? 4 : 0;
}

static void put_unit(uint8_t *out, uint32_t u, bool big)
{
	out[big ? 0 : 1] = (uint8_t)(u >> 8);
	out[big ? 1 : 0] = (uint8_t)u;
}

static size_t utf16_write(uint32_t cp, bool big, uint8_t *out)
{
	if (cp < 0x10000) {
		put_unit(out, cp, big);
		return 2;
	}
	put_unit(out, 0xd800 + ((cp - 0x10000) >> 10), big);
	put_unit(out + 2, 0xdc00 + ((cp - 0x10000) & 0x3ff), big);
	return 4;
}

/* ---- one character ---- */

/* Bytes of the character at s, 0 = there is none. */
static size_t read_one(enum charset c, const uint8_t *s, size_t n, uint32_t *ret)
{
	switch (c) {
	case CHARSET_CP1252:
		return cp1252_read(s, ret);
	case CHARSET_CP932:
		return cp932_read(s, n, ret);
	case CHARSET_UTF16LE:
	case CHARSET_UTF16BE:
		return utf16_read(s, n, c == CHARSET_UTF16BE, ret);
	case CHARSET_UTF8:
	case CHARSETS:
		break;
	}
	return utf8_read(s, n, ret);
}

static size_t write_one(enum charset c, uint32_t cp, uint8_t out[static 4])
{
	switch (c) {
	case CHARSET_CP1252:
		return cp1252_write(cp, out);
	case CHARSET_CP932:
		return cp932_write(cp, out);
	case CHARSET_UTF16LE:
	case CHARSET_UTF16BE:
		return utf16_write(cp, c == CHARSET_UTF16BE, out);
	case CHARSET_UTF8:
	case CHARSETS:
		break;
	}
	return utf8_write(cp, out);
}

static void ready(enum charset c)
{
	if (c == CHARSET_CP932)
		pthread_once(&once_932, load_932);
}

/* How many bytes at s are ASCII. */
static size_t ascii_run(const uint8_t *s, size_t n)
{
	size_t i = 0;
	uint64_t eight;

	while (n - i >= 8 && (memcpy(&eight, s + i, 8), (eight & 0x8080808080808080u) == 0))
		i += 8;
	while (i < n && s[i] < 0x80)
		i++;
	return i;
}

static int undo(struct buf *out, size_t n, size_t at, size_t *ret_offset)
{
	out->n = n;
	if (out->p)
		out->p[n] = 0;
	*ret_offset = at;
	return -1;
}

static int same(struct span in, struct buf *out, size_t *ret_offset)
{
	size_t good = utf8_prefix(in.p, in.n);

	if (good < in.n) {
		*ret_offset = good;
		return -1;
	}
	buf_add(out, in.p, in.n);
	return 0;
}

static int convert(
	enum charset from, enum charset to, struct span in, struct buf *out, size_t *ret_offset)
{
	bool wide = from >= CHARSET_UTF16LE || to >= CHARSET_UTF16LE;
	size_t before = out->n;

	ready(from);
	ready(to);
	for (size_t i = 0; i < in.n;) {
		uint8_t bytes[4];
		uint32_t cp;
		size_t run = wide ? 0 : ascii_run(in.p + i, in.n - i);

		buf_add(out, in.p + i, run);
		i += run;
		if (i == in.n)
			break;
		size_t k = read_one(from, in.p + i, in.n - i, &cp);
		size_t m = k ? write_one(to, cp, bytes) : 0;
		if (m == 0)
			return undo(out, before, i, ret_offset);
		buf_add(out, bytes, m);
		i += k;
	}
	return 0;
}

/* ---- the public face ---- */

int charset_named(const char *label)
{
	for (size_t i = 0; i < array_len(LABELS); i++) {
		if (ascii_same(LABELS[i].label, label))
			return (int)LABELS[i].c;
	}
	return -1;
}

const char *charset_name(enum charset c)
{
	return LABELS[c].label;
}

int charset_decode(enum charset c, struct span in, struct buf *out, size_t *ret_offset)
{
	return c == CHARSET_UTF8 ? same(in, out, ret_offset)
				 : convert(c, CHARSET_UTF8, in, out, ret_offset);
}

int charset_encode(enum charset c, struct span utf8, struct buf *out, size_t *ret_offset)
{
	return c == CHARSET_UTF8 ? same(utf8, out, ret_offset)
				 : convert(CHARSET_UTF8, c, utf8, out, ret_offset);
}

/* A begin is one that some end makes whole. */
static bool begins(enum charset c, struct span bytes)
{
	static const uint8_t ENDS[] = {0x40, 0x80, 0x90, 0xa0, 0xdc};
	uint8_t whole[4];
	uint32_t cp;

	if (bytes.n > 3)
		return false;
	for (size_t i = 0; i < array_len(ENDS); i++) {
		for (size_t n = bytes.n + 1; n <= 4; n++) {
			memset(whole, 0x80, 4);
			memcpy(whole, bytes.p, bytes.n);
			whole[bytes.n] = ENDS[i];
			if (read_one(c, whole, n, &cp) == n)
				return true;
		}
	}
	return false;
}

enum charset_step charset_step(enum charset c, struct span bytes)
{
	uint32_t cp;

	ready(c);
	if (read_one(c, bytes.p, bytes.n, &cp) == bytes.n)
		return CHARSET_WHOLE;
	return begins(c, bytes) ? CHARSET_PART : CHARSET_WRONG;
}

bool charset_has(enum charset c, uint32_t code_point)
{
	uint8_t bytes[4];

	if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
		return false;
	ready(c);
	return write_one(c, code_point, bytes) > 0;
}

int charset_bom(struct span head, size_t *ret_length)
{
	if (head.n >= 3 && memcmp(head.p, "\xef\xbb\xbf", 3) == 0) {
		*ret_length = 3;
		return CHARSET_UTF8;
	}
	if (head.n < 2 || (head.p[0] ^ head.p[1]) != 1 || head.p[0] < 0xfe)
		return -1;
	*ret_length = 2;
	return head.p[0] == 0xff ? CHARSET_UTF16LE : CHARSET_UTF16BE;
}
