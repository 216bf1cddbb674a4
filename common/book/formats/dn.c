// SPDX-License-Identifier: Apache-2.0
/* Distinguished names, RFC 4514. */
#include "common/book/formats/dn.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/text/unicode.h"
#include "common/text/utf8.h"

static int hex(char c)
{
	return ascii_digit(c)         ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* A piece of a part: type and value as written. */
struct piece {
	struct span type, value;
	char end; /* '+', ',' or 0 */
	const char *next;
};

/* Bytes of one character or escape of a value; 0 = it may not stand there. */
static size_t step(const char *s)
{
	if (s[0] != '\\')
		return strchr("\"+,;<>", s[0]) ? 0 : 1;
	if (s[1] && strchr(" \"#+,;<=>\\", s[1]))
		return 2;
	return hex(s[1]) >= 0 && hex(s[2]) >= 0 && (s[1] != '0' || s[2] != '0') ? 3 : 0;
}

static bool type_valid(struct span t)
{
	size_t i = 0;

	if (t.n == 0 || !(ascii_alpha((char)t.p[0]) || ascii_digit((char)t.p[0])))
		return false;
	while (i < t.n && (ascii_alpha((char)t.p[i]) || ascii_digit((char)t.p[i]) ||
				  t.p[i] == '-' || t.p[i] == '.'))
		i++;
	return i == t.n;
}

/* The piece at s; false where none is. Spaces around it, of older writers, do not belong to it. */
static bool piece_at(const char *s, struct piece *ret)
{
	const char *equals, *end;
	size_t k = 0;

	s += strspn(s, " ");
	equals = s + strcspn(s, "=+,\\");
	if (*equals != '=')
		return false;
	ret->type = (struct span){(const uint8_t *)s, (size_t)(equals - s)};
	s = equals + 1 + strspn(equals + 1, " ");
	for (end = s; *end && *end != '+' && *end != ','; end += k) {
		k = step(end);
		if (k == 0)
			return false;
	}
	ret->end = *end;
	ret->next = *end ? end + 1 : end;
	while (end > s && end[-1] == ' ' && !(end - 1 > s && end[-2] == '\\'))
		end--;
	ret->value = (struct span){(const uint8_t *)s, (size_t)(end - s)};
	return type_valid(ret->type);
}

size_t dn_first(const char *dn)
{
	size_t n = 0;

	while (dn[n] && dn[n] != ',')
		n += dn[n] == '\\' && dn[n + 1] ? 2 : 1;
	return n;
}

const char *dn_parent(const char *dn)
{
	const char *s = dn + dn_first(dn);

	s += *s == ',';
	return s + strspn(s, " ");
}

static void unescape(struct span v, struct buf *out)
{
	const char *s = (const char *)v.p;

	for (size_t i = 0; i < v.n; i++) {
		if (s[i] != '\\') {
			buf_addc(out, s[i]);
		} else if (hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			buf_addc(out, (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])));
			i += 2;
		} else {
			buf_addc(out, s[++i]);
		}
	}
}

/* An escape may stand for any byte: together they are text. */
static bool is_text(struct span value)
{
	struct buf b = BUF_INIT;
	bool good;

	unescape(value, &b);
	good = utf8_valid(b.p, b.n);
	buf_fini(&b);
	return good;
}

bool dn_valid(const char *dn)
{
	struct piece p = {.end = ','};

	if (*dn == 0)
		return true;
	for (const char *s = dn; p.end; s = p.next)
		if (!piece_at(s, &p) || !is_text(p.value))
			return false;
	return true;
}

bool dn_value(const char *dn, const char *attribute, struct buf *out)
{
	struct piece p = {.end = '+'};

	for (const char *s = dn; p.end == '+' && piece_at(s, &p); s = p.next) {
		if (p.type.n == strlen(attribute) &&
			ascii_same_n((const char *)p.type.p, attribute, p.type.n)) {
			unescape(p.value, out);
			return true;
		}
	}
	return false;
}

void dn_add_value(const char *value, struct buf *out)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++) {
		bool edge = (i == 0 && (value[i] == ' ' || value[i] == '#')) ||
			    (i == n - 1 && value[i] == ' ');

		if ((uint8_t)value[i] < 0x20 || value[i] == 0x7f) {
			buf_addf(out, "\\%02X", (uint8_t)value[i]);
			continue;
		}
		if (edge || strchr("\"+,;<>\\", value[i]))
			buf_addc(out, '\\');
		buf_addc(out, value[i]);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

#define PIECES 16

/* Of spaces only single ones inside count. */
static void add_squeezed(const char *s, struct buf *out)
{
	for (s += strspn(s, " "); *s; s++)
		if (*s != ' ' || (s[1] && s[1] != ' '))
			buf_addc(out, *s);
}

static void fold_value(struct buf *value)
{
	struct buf folded = BUF_INIT;

	if (!utf8_valid(value->p, value->n) || unicode_fold(buf_str(value), false, &folded) < 0) {
		buf_reset(&folded);
		buf_add(&folded, value->p, value->n);
	}
	buf_reset(value);
	add_squeezed(buf_str(&folded), value);
	buf_fini(&folded);
}

static char *normal_piece(const struct piece *p, bool fold)
{
	struct buf one = BUF_INIT, value = BUF_INIT;

	for (size_t i = 0; i < p->type.n; i++)
		buf_addc(&one, ascii_lower((char)p->type.p[i]));
	buf_addc(&one, '=');
	unescape(p->value, &value);
	if (fold)
		fold_value(&value);
	dn_add_value(buf_str(&value), &one);
	buf_fini(&value);
	return buf_detach(&one);
}

static void add_sorted(char **v, size_t n, struct buf *out)
{
	qsort(v, n, sizeof(v[0]), by_text);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(out, '+');
		buf_adds(out, v[i]);
		free(v[i]);
	}
}

static void write_normal(const char *dn, bool fold, struct buf *out)
{
	struct piece p = {.end = ','};
	char *v[PIECES] = {NULL};
	size_t n = 0;

	for (const char *s = dn; *s && p.end && piece_at(s, &p); s = p.next) {
		v[n++] = normal_piece(&p, fold);
		if (p.end == '+' && n < PIECES)
			continue;
		add_sorted(v, n, out);
		n = 0;
		if (p.end)
			buf_addc(out, p.end);
	}
	add_sorted(v, n, out);
}

void dn_normal(const char *dn, struct buf *out)
{
	write_normal(dn, false, out);
}

void dn_fold(const char *dn, struct buf *out)
{
	write_normal(dn, true, out);
}
