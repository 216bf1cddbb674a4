// SPDX-License-Identifier: Apache-2.0
/* Canonical JSON, strictly. */
#include "common/vault/canonical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"

void canonical_init(struct canonical *c, struct span text)
{
	*c = (struct canonical){.p = text.p, .end = text.p + text.n, .begin = text.p};
}

void canonical_fail(struct canonical *c)
{
	if (!c->err)
		c->err_at = (size_t)(c->p - c->begin);
	c->err = true;
}

static int peek(const struct canonical *c)
{
	return c->err || c->p == c->end ? -1 : *c->p;
}

static bool take(struct canonical *c, char want)
{
	if (peek(c) != want) {
		canonical_fail(c);
		return false;
	}
	c->p++;
	return true;
}

void canonical_enter(struct canonical *c, char open)
{
	if (!take(c, open))
		return;
	if (c->depth == CANONICAL_DEPTH) {
		canonical_fail(c);
		return;
	}
	c->depth++;
	c->first[c->depth] = true;
	c->key[c->depth][0] = 0;
}

/* At the next member or element, or false at the closing bracket. */
static bool more(struct canonical *c, char close)
{
	if (c->err || c->depth == 0)
		return false;
	if (peek(c) == close) {
		c->p++;
		c->depth--;
		return false;
	}
	if (!c->first[c->depth] && !take(c, ','))
		return false;
	c->first[c->depth] = false;
	return true;
}

bool canonical_element(struct canonical *c)
{
	return more(c, ']');
}

bool canonical_key(struct canonical *c)
{
	char key[CANONICAL_KEY];
	bool first = c->depth <= CANONICAL_DEPTH && c->first[c->depth];
	if (!more(c, '}'))
		return false;
	canonical_text(c, key, sizeof(key));
	if (!c->err && !first && strcmp(c->key[c->depth], key) >= 0)
		canonical_fail(c);
	if (c->err || !take(c, ':'))
		return false;
	memcpy(c->key[c->depth], key, sizeof(key));
	return true;
}

bool canonical_is(const struct canonical *c, const char *key)
{
	return !c->err && strcmp(c->key[c->depth], key) == 0;
}

int64_t canonical_int(struct canonical *c)
{
	bool minus = peek(c) == '-';
	uint64_t v = 0;
	if (minus)
		c->p++;
	const uint8_t *digits = c->p;
	while (peek(c) >= '0' && peek(c) <= '9') {
		v = v * 10 + (uint64_t)(*c->p++ - '0');
		if (v > INT64_MAX || c->p - digits > 19) {
			canonical_fail(c);
			return 0;
		}
	}
	if (c->p == digits || (*digits == '0' && (minus || c->p - digits > 1)))
		canonical_fail(c);
	if (c->err)
		return 0;
	return minus ? -(int64_t)v : (int64_t)v;
}

uint64_t canonical_count(struct canonical *c)
{
	int64_t n = canonical_int(c);
	if (n < 0)
		canonical_fail(c);
	return n < 0 ? 0 : (uint64_t)n;
}

uint64_t canonical_time(struct canonical *c)
{
	char text[CLOCK_RFC3339], again[CLOCK_RFC3339];
	struct tm tm = {.tm_isdst = 0};
	unsigned ms = 0;
	canonical_text(c, text, sizeof(text));
	if (c->err)
		return 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3uZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) != 7) {
		canonical_fail(c);
		return 0;
	}
	tm.tm_year -= 1900;
	tm.tm_mon--;
	time_t at = timegm(&tm);
	if (at < 0 || strcmp(clock_rfc3339((uint64_t)at * 1000 + ms, again), text) != 0) {
		canonical_fail(c);
		return 0;
	}
	return (uint64_t)at * 1000 + ms;
}

/* Length of the UTF-8 sequence at p, 0 when it is none. */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80       ? 1
		   : p[0] >> 5 == 6  ? 2
		   : p[0] >> 4 == 14 ? 3
		   : p[0] >> 3 == 30 ? 4
				     : 0;
	if (n <= 1 || n > left)
		return n == 1 ? 1 : 0;
	uint32_t v = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) ? 0 : n;
}

static const char short_escapes[] = "\"\"\\\\b\bf\fn\nr\rt\t";

/* The character behind a backslash; 0 on error. Only what the writer writes is taken. */
static char unescape(struct canonical *c)
{
	int ch = peek(c);
	for (size_t i = 0; ch > 0 && i + 1 < sizeof(short_escapes); i += 2)
		if (short_escapes[i] == ch) {
			c->p++;
			return short_escapes[i + 1];
		}
	uint8_t b[2];
	char hex[5] = "";
	if (ch != 'u' || c->end - c->p < 5) {
		canonical_fail(c);
		return 0;
	}
	memcpy(hex, c->p + 1, 4);
	if (hex_decode(hex, b, 2) < 0 || b[0] != 0 || b[1] == 0 || b[1] >= 0x20 ||
		strchr("\b\f\n\r\t", b[1]) != NULL || strpbrk(hex, "ABCDEF") != NULL) {
		canonical_fail(c);
		return 0;
	}
	c->p += 5;
	return (char)b[1];
}

/* One character of a string into out; false at the closing quote or on error. */
static bool text_step(struct canonical *c, char out[static 4], size_t *ret_n)
{
	*ret_n = 1;
	int ch = peek(c);
	if (ch == '"') {
		c->p++;
		return false;
	}
	if (ch < 0x20) { /* control character, or the end */
		canonical_fail(c);
		return false;
	}
	if (ch == '\\') {
		c->p++;
		out[0] = unescape(c);
		return !c->err;
	}
	*ret_n = utf8_len(c->p, (size_t)(c->end - c->p));
	if (*ret_n == 0) {
		canonical_fail(c);
		return false;
	}
	memcpy(out, c->p, *ret_n);
	c->p += *ret_n;
	return true;
}

void canonical_text(struct canonical *c, char *out, size_t size)
{
	size_t n = 0, step;
	char ch[4];
	out[0] = 0;
	if (!take(c, '"'))
		return;
	while (text_step(c, ch, &step)) {
		if (n + step >= size) {
			canonical_fail(c);
			break;
		}
		memcpy(out + n, ch, step);
		n += step;
	}
	out[c->err ? 0 : n] = 0;
}

void canonical_uuid(struct canonical *c, struct uuid *out)
{
	char text[UUID_TEXT], again[UUID_TEXT];
	canonical_text(c, text, sizeof(text));
	if (!c->err && (uuid_parse(text, out) < 0 || strcmp(uuid_format(out, again), text) != 0))
		canonical_fail(c);
}

void canonical_hex(struct canonical *c, uint8_t *out, size_t n)
{
	char text[130];
	canonical_text(c, text, size_min(2 * n + 1, sizeof(text)));
	if (!c->err && (strpbrk(text, "ABCDEF") != NULL || hex_decode(text, out, n) < 0))
		canonical_fail(c);
}

size_t canonical_base64(struct canonical *c, uint8_t *out, size_t max)
{
	char text[512];
	struct buf b = BUF_INIT;
	size_t n = 0;
	canonical_text(c, text, sizeof(text));
	if (!c->err && (base64_decode(text, strlen(text), &b) < 0 || b.n > max))
		canonical_fail(c);
	if (!c->err && b.n > 0) {
		memcpy(out, b.p, b.n);
		n = b.n;
	}
	buf_fini(&b);
	return n;
}

static void skip_text(struct canonical *c)
{
	char ch[4];
	size_t n;
	if (take(c, '"'))
		while (text_step(c, ch, &n))
			;
}

/* Depth is bounded by canonical_enter. NOLINTNEXTLINE(misc-no-recursion) */
void canonical_skip(struct canonical *c)
{
	static const char *const words[] = {"true", "false", "null"};
	int ch = peek(c);
	if (ch == '"') {
		skip_text(c);
	} else if (ch == '{') {
		canonical_enter(c, '{');
		while (canonical_key(c))
			canonical_skip(c);
	} else if (ch == '[') {
		canonical_enter(c, '[');
		while (canonical_element(c))
			canonical_skip(c);
	} else {
		for (size_t i = 0; i < array_len(words); i++) {
			size_t n = strlen(words[i]);
			if ((size_t)(c->end - c->p) >= n && memcmp(c->p, words[i], n) == 0) {
				c->p += n;
				return;
			}
		}
		(void)canonical_int(c);
	}
}

bool canonical_end(struct canonical *c)
{
	if (c->depth != 0 || c->p != c->end)
		canonical_fail(c);
	return !c->err;
}

void canonical_put_text(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s != 0; s++) {
		uint8_t ch = (uint8_t)*s;
		const char *esc = NULL;
		for (size_t i = 0; i + 1 < sizeof(short_escapes); i += 2)
			if (short_escapes[i + 1] == *s)
				esc = &short_escapes[i];
		if (esc != NULL) {
			buf_addc(out, '\\');
			buf_addc(out, *esc);
		} else if (ch < 0x20) {
			buf_addf(out, "\\u%04x", ch);
		} else {
			buf_addc(out, *s);
		}
	}
	buf_addc(out, '"');
}

void canonical_put_hex(struct buf *out, struct span bytes)
{
	char hex[129];
	bug_if(bytes.n > 64);
	hex_encode(bytes, hex);
	buf_addf(out, "\"%s\"", hex);
}

void canonical_put_base64(struct buf *out, struct span bytes)
{
	buf_addc(out, '"');
	base64_encode(bytes, out);
	buf_addc(out, '"');
}

void canonical_put_uuid(struct buf *out, const char *member, const struct uuid *id)
{
	char text[UUID_TEXT];
	buf_addf(out, "%s\"%s\"", member, uuid_format(id, text));
}
