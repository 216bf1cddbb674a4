// SPDX-License-Identifier: Apache-2.0
/* What of an entry can be searched for (address-books.md section 12). */
#include "common/book/search_key.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/sort.h"
#include "common/book/norm.h"
#include "common/text/unicode.h"

/* ---- the form in which things are compared ---- */

static int add_folded(const char *s, bool strip, struct buf *out)
{
	struct buf folded = BUF_INIT;
	int rc = unicode_fold(s, strip, &folded);
	size_t n = folded.n;
	const char *p = buf_str(&folded);

	for (; n > 0 && p[n - 1] == ' '; n--)
		;
	for (; n > 0 && *p == ' '; n--)
		p++;
	buf_add(out, p, n);
	buf_fini(&folded);
	return rc;
}

/* Full-width digits are digits. */
static int add_digits(const char *s, bool reversed, struct buf *out)
{
	struct buf folded = BUF_INIT;
	int rc = unicode_fold(s, false, &folded);

	for (size_t i = 0; i < folded.n; i++) {
		char c = (char)folded.p[reversed ? folded.n - 1 - i : i];
		if (ascii_digit(c))
			buf_addc(out, c);
	}
	buf_fini(&folded);
	return rc;
}

/* The normal form of the field first, so that both spellings of a host are one. */
static int add_normal(enum book_field id, const char *s, struct buf *out)
{
	struct book *b = book_new("");
	const char *value = norm_value(b, id, s);
	int rc = b->too_big ? -1 : value ? add_folded(value, false, out) : 0;

	book_free(b);
	return rc;
}

static int add_path(const char *s, struct buf *out)
{
	size_t begin = out->n;
	int rc = add_folded(s, false, out);

	for (size_t i = begin; i < out->n; i++)
		if (out->p[i] == '\\')
			out->p[i] = '/';
	return rc;
}

int search_word(enum search_kind kind, const char *typed, struct buf *out)
{
	switch (kind) {
	case SEARCH_NAME_PLAIN:
	case SEARCH_READING:
		return add_folded(typed, true, out);
	case SEARCH_EMAIL:
		return add_normal(F_ADDRESS, typed, out);
	case SEARCH_FAX:
	case SEARCH_FAX_END:
		return add_digits(typed, kind == SEARCH_FAX_END, out);
	case SEARCH_HOST:
		return add_normal(F_HOST, typed, out);
	case SEARCH_PATH:
		return add_path(typed, out);
	case SEARCH_NAME:
	case SEARCH_ACCOUNT:
	case SEARCH_TAG:
	case SEARCH_URI:
		break;
	}
	return add_folded(typed, false, out);
}

/* ---- the keys of an entry ---- */

struct found {
	enum search_kind kind;
	size_t at; /* of its text in keys.text, NUL-terminated */
	const struct keys *in;
};

struct keys {
	struct buf text;
	struct found *v;
	uint32_t n, cap;
	int rc;
};

static void add_key(struct keys *k, enum search_kind kind, const char *value)
{
	size_t at = k->text.n;

	if (value == NULL || *value == 0)
		return;
	k->rc |= search_word(kind, value, &k->text);
	if (k->text.n == at)
		return;
	buf_addc(&k->text, 0);
	if (k->n == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 16;
		k->v = mem_realloc(k->v, k->cap * sizeof(*k->v));
	}
	k->v[k->n++] = (struct found){kind, at, k};
}

static const char *key_text(const struct found *f)
{
	return (const char *)f->in->text.p + f->at;
}

static void add_name(struct keys *k, const char *name)
{
	add_key(k, SEARCH_NAME, name);
	uint32_t before = k->n;
	add_key(k, SEARCH_NAME_PLAIN, name);
	if (before > 0 && k->n > before &&
		strcmp(key_text(&k->v[before - 1]), key_text(&k->v[before])) == 0)
		k->n = before;
}

static void add_pair(
	struct keys *k, enum search_kind kind, const char *a, const char *between, const char *b)
{
	struct buf both = BUF_INIT;

	buf_addf(&both, "%s%s%s", a ? a : "", a && b ? between : "", b ? b : "");
	k->rc |= both.err ? -1 : 0;
	add_key(k, kind, buf_str(&both));
	buf_fini(&both);
}

static void add_dest(struct keys *k, const struct book_dest *d)
{
	const struct fields *f = &d->f;

	add_key(k, SEARCH_EMAIL, fields_get(f, F_ADDRESS));
	add_key(k, SEARCH_FAX, fields_get(f, F_FAX_NUMBER));
	add_key(k, SEARCH_FAX_END, fields_get(f, F_FAX_NUMBER));
	add_key(k, SEARCH_HOST, fields_get(f, F_HOST));
	add_pair(k, SEARCH_PATH, fields_get(f, F_SHARE), "/", fields_get(f, F_PATH));
	add_key(k, SEARCH_ACCOUNT, fields_get(f, F_ACCOUNT));
	add_key(k, SEARCH_URI, fields_get(f, F_URI));
}

static void add_entry(struct keys *k, const struct book_entry *e)
{
	add_name(k, fields_get(&e->f, F_NAME));
	add_name(k, fields_get(&e->f, F_SHORT_LABEL));
	add_key(k, SEARCH_READING, fields_get(&e->f, F_READING));
	add_key(k, SEARCH_ACCOUNT, fields_get(&e->f, F_USER_CODE));
	add_key(k, SEARCH_ACCOUNT, fields_get(&e->f, F_OWNER_USER));
	for (uint32_t i = 0; i < e->n_dests; i++)
		add_dest(k, &e->dest[i]);
	for (uint32_t i = 0; i < e->n_tags; i++)
		add_pair(k, SEARCH_TAG, e->tag[i].system, "=", e->tag[i].value);
}

static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(key_text(x), key_text(y));
}

int search_keys(const struct book_entry *e,
	void (*each)(enum search_kind kind, const char *text, void *arg), void *arg)
{
	struct keys k = {.text = BUF_INIT};

	add_entry(&k, e);
	k.rc |= k.text.err ? -1 : 0;
	if (k.n > 1 && k.rc == 0)
		sort_stable(k.v, k.n, sizeof(k.v[0]), compare_found);
	for (uint32_t i = 0; i < k.n && k.rc == 0; i++)
		if (i == 0 || compare_found(&k.v[i - 1], &k.v[i]) != 0)
			each(k.v[i].kind, key_text(&k.v[i]), arg);
	free(k.v);
	buf_fini(&k.text);
	return k.rc;
}

/* ---- names ---- */

static const char *const KINDS[SEARCH_KINDS] = {
	[SEARCH_NAME] = "name",
	[SEARCH_NAME_PLAIN] = "name_plain",
	[SEARCH_READING] = "reading",
	[SEARCH_EMAIL] = "email",
	[SEARCH_FAX] = "fax",
	[SEARCH_FAX_END] = "fax_end",
	[SEARCH_HOST] = "host",
	[SEARCH_PATH] = "path",
	[SEARCH_ACCOUNT] = "account",
	[SEARCH_TAG] = "tag",
	[SEARCH_URI] = "uri",
};

const char *search_kind_name(enum search_kind kind)
{
	return KINDS[kind];
}

int search_kind_named(const char *name)
{
	for (int i = SEARCH_NAME; i < SEARCH_KINDS; i++)
		if (strcmp(KINDS[i], name) == 0)
			return i;
	return -1;
}
