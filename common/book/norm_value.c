// SPDX-License-Identifier: Apache-2.0
/* The normal form of one value, by the type of its field (address-books.md section 8). */
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/sort.h"
#include "common/book/engines/words.h"
#include "common/book/norm.h"
#include "common/text/unicode.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The text in the book's arena, or as it came when nothing changed; NULL when nothing is left. */
static const char *keep(struct book *b, const char *value, const char *s, size_t n)
{
	if (n == 0)
		return NULL;
	return strlen(value) == n && memcmp(value, s, n) == 0 ? value : book_strn(b, s, n);
}

static uint64_t word_at(const char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return word;
}

/* Eight bytes at a time, the last eight overlapping. */
static bool ascii(const char *s, size_t n)
{
	uint64_t high = 0;

	if (n < sizeof(high)) {
		for (size_t i = 0; i < n; i++)
			high |= (uint8_t)s[i];
		return high < 0x80;
	}
	for (size_t i = 0; i + sizeof(high) <= n; i += sizeof(high))
		high |= word_at(s + i);
	high |= word_at(s + n - sizeof(high));
	return (high & 0x8080808080808080u) == 0;
}

/* Most texts need nothing: ASCII, no CR, no space at the end. */
static bool plain(const char *s, size_t n)
{
	return n > 0 && s[n - 1] != ' ' && ascii(s, n) && memchr(s, '\r', n) == NULL;
}

/* CRs before a LF fall away; how many is left. */
static size_t join_line_ends(uint8_t *s, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			while (out > 0 && s[out - 1] == '\r')
				out--;
		s[out++] = s[i];
	}
	return out;
}

static const char *norm_text(struct book *b, const char *value)
{
	size_t n = strlen(value);
	struct buf nfc = BUF_INIT;

	if (plain(value, n))
		return value;
	if (unicode_nfc(value, &nfc) < 0)
		b->too_big = true;
	n = join_line_ends(nfc.p, nfc.n);
	while (n > 0 && nfc.p[n - 1] == ' ')
		n--;
	value = keep(b, value, (const char *)nfc.p, n);
	buf_fini(&nfc);
	return value;
}

/* Without the blanks and dots behind it; nothing but such stays. */
static size_t host_length(const char *s, size_t n)
{
	size_t m = n;

	while (m > 0 && (blank(s[m - 1]) || s[m - 1] == '.'))
		m--;
	return m > 0 ? m : n;
}

/* Trimmed; what stands behind the last '@' (or all of it) as a host. */
static void add_with_host(const char *s, bool email, struct buf *out, bool *failed)
{
	struct buf host = BUF_INIT;
	const char *at;
	size_t n;

	while (blank(*s))
		s++;
	n = strlen(s);
	while (n > 0 && blank(s[n - 1]))
		n--;
	at = email ? memrchr(s, '@', n) : NULL;
	size_t local = at ? (size_t)(at + 1 - s) : email ? n : 0;
	buf_add(out, s, local);
	buf_add(&host, s + local, host_length(s + local, n - local));
	if (host.n > 0 && strspn(buf_str(&host), " \t.") == host.n)
		buf_add(out, host.p, host.n);
	else
		*failed |= host_canonical(buf_str(&host), out) < 0;
	buf_fini(&host);
}

static bool lower_ascii(const char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s >= 0x80 || blank(*s) || *s == ':' || ascii_lower(*s) != *s)
			return false;
	return true;
}

/* IDNA maps full-width spaces and dots to what is trimmed: hence again until nothing changes. */
static const char *norm_host(struct book *b, const char *value, bool email)
{
	struct buf now = BUF_INIT, again = BUF_INIT;
	size_t n = strlen(value);

	if (n > 0 && value[n - 1] != '.' && lower_ascii(value))
		return value;
	add_with_host(value, email, &now, &b->too_big);
	for (int i = 0; i < 4; i++) {
		buf_reset(&again);
		add_with_host(buf_str(&now), email, &again, &b->too_big);
		if (now.n == again.n)
			break;
		buf_reset(&now);
		buf_add(&now, again.p, again.n);
	}
	value = keep(b, value, buf_str(&now), now.n);
	buf_fini(&now);
	buf_fini(&again);
	return value;
}

static const char *norm_fax(struct book *b, const char *value)
{
	struct buf out = BUF_INIT;

	if (*value && strchr(value, ' ') == NULL)
		return value;
	for (const char *s = value; *s; s++)
		if (*s != ' ')
			buf_addc(&out, *s);
	value = keep(b, value, buf_str(&out), out.n);
	buf_fini(&out);
	return value;
}

static const char *norm_number(struct book *b, const char *value)
{
	const char *s = value, *digits;
	size_t n;

	while (blank(*s))
		s++;
	digits = s;
	while (ascii_digit(*s))
		s++;
	n = (size_t)(s - digits);
	while (blank(*s))
		s++;
	if (n == 0 || *s)
		return norm_text(b, value);
	for (; n > 1 && *digits == '0'; n--)
		digits++;
	return keep(b, value, digits, n);
}

static const char *norm_bool(struct book *b, const char *value)
{
	const char *text = norm_text(b, value), *word = text ? bool_read(text) : NULL;

	return word ? word : text;
}

static const char *norm_access_no(struct book *b, const char *value)
{
	value = norm_text(b, value);
	return value && value[strspn(value, "0")] ? value : NULL;
}

static int compare_words(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int order = memcmp(x->p, y->p, size_min(x->n, y->n));

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static size_t split(const char *s, struct span *word, size_t max)
{
	size_t n = 0;

	while (n < max) {
		s += strspn(s, " ");
		size_t length = strcspn(s, " ");
		if (length == 0)
			break;
		word[n++] = (struct span){(const uint8_t *)s, length};
		s += length;
	}
	return n;
}

/* A set of words. More than a device could ever name stay as they are. */
static const char *norm_set(struct book *b, const char *value)
{
	struct span word[64];
	struct buf out = BUF_INIT;
	size_t n = split(value, word, array_len(word));

	if (n == array_len(word))
		return value;
	sort_stable(word, n, sizeof(word[0]), compare_words);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && compare_words(&word[i - 1], &word[i]) == 0)
			continue;
		if (out.n > 0)
			buf_addc(&out, ' ');
		buf_add(&out, word[i].p, word[i].n);
	}
	value = keep(b, value, buf_str(&out), out.n);
	buf_fini(&out);
	return value;
}

const char *norm_value(struct book *b, enum book_field id, const char *value)
{
	const struct field_info *info = field_info(id);

	if (value == NULL || *value == 0)
		return NULL;
	if (id == F_ACCESS_NO)
		return norm_access_no(b, value);
	if (id == F_RESOLUTIONS)
		return norm_set(b, value);
	switch (info ? info->type : FIELD_TEXT) {
	case FIELD_EMAIL:
		return norm_host(b, value, true);
	case FIELD_HOST:
		return norm_host(b, value, false);
	case FIELD_PATH:
		return value;
	case FIELD_FAX:
		return norm_fax(b, value);
	case FIELD_PORT:
	case FIELD_UINT:
		return norm_number(b, value);
	case FIELD_BOOL:
		return norm_bool(b, value);
	case FIELD_TEXT:
	case FIELD_TOKEN:
	case FIELD_DIGITS:
		break;
	}
	return norm_text(b, value);
}

const char *protocol_port(const char *protocol, bool ssl)
{
	static const char *const ports[][3] = {
		{"smb", "445", "445"},
		{"ftp", "21", "21"},
		{"ftps", "990", "990"},
		{"sftp", "22", "22"},
		{"webdav", "80", "443"},
		{"http", "80", "443"},
		{"ncp", "524", "524"},
	};

	for (size_t i = 0; protocol != NULL && i < array_len(ports); i++)
		if (strcmp(ports[i][0], protocol) == 0)
			return ports[i][ssl ? 2 : 1];
	return NULL;
}
