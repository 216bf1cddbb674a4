// SPDX-License-Identifier: Apache-2.0
/* Words typed by people → ranges of the index. Pure. */
#include "services/storage/books/query.h"

#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/buf.h"
#include "common/book/search_key.h"
#include "common/text/rfc3339.h"
#include "common/text/utf8.h"
#include "gen/errors.h"
#include "services/storage/books/record.h"

#define HIGHEST "\xf4\x8f\xbf\xbf" /* U+10FFFF: no word goes beyond */
#define FAX_LEAST 3                /* digits, to be taken for the end of a number unasked */
#define PHONE_LEAST 5              /* digits of words that are one number */
#define TRUNK_LEAST 6              /* digits that stay when a leading 0 is left out */

static const struct {
	const char *name;
	uint32_t kinds; /* bits 1 << search_kind */
} FIELDS[] = {
	{"name", 1u << SEARCH_NAME | 1u << SEARCH_NAME_PLAIN},
	{"reading", 1u << SEARCH_READING},
	{"email", 1u << SEARCH_EMAIL},
	{"mail", 1u << SEARCH_EMAIL},
	{"fax", 1u << SEARCH_FAX | 1u << SEARCH_FAX_END},
	{"host", 1u << SEARCH_HOST},
	{"path", 1u << SEARCH_PATH},
	{"account", 1u << SEARCH_ACCOUNT},
	{"uses-account", 1u << SEARCH_ACCOUNT},
	{"tag", 1u << SEARCH_TAG},
	{"uri", 1u << SEARCH_URI},
};

struct parsing {
	struct arena *arena;
	struct query *q;
	struct fault *fault;
};

static int out_of_memory(const struct parsing *p)
{
	return fault_set(p->fault, CN_INTERNAL_ERROR, "out of memory");
}

static int add_range(struct parsing *p, int kind, const char *lo, bool exact)
{
	struct query *q = p->q;
	if (q->n == QUERY_RANGES)
		return fault_why(
			p->fault, CN_VALIDATION_FAILED, "too_many_words", "too many words");
	char *low = arena_strndup(p->arena, lo, utf8_cut(lo, WORD_MAX));
	char *high = low == NULL || exact ? low : arena_printf(p->arena, "%s" HIGHEST, low);
	if (high == NULL)
		return out_of_memory(p);
	q->range[q->n++] = (struct query_range){q->terms, kind, low, high};
	return 0;
}

static size_t digits_of(const char *s)
{
	size_t n = 0;
	for (; *s != 0; s++)
		n += ascii_digit(*s);
	return n;
}

/* 01 23 … at home is +33 1 23 … from abroad: the end without the leading 0 is looked for, too. */
static int add_without_trunk(struct parsing *p, const char *typed)
{
	struct buf b = BUF_INIT;
	const char *rest = typed;
	while (*rest != 0 && (*rest == '0' || !ascii_digit(*rest)) && *rest != '+')
		rest++;
	int rc = 0;
	if (rest != typed && *rest != '+' && digits_of(rest) >= TRUNK_LEAST &&
		search_word(SEARCH_FAX_END, rest, &b) == 0 && b.n > 0)
		rc = add_range(p, SEARCH_FAX_END, buf_str(&b), false);
	buf_fini(&b);
	return rc;
}

static int add_kind(struct parsing *p, enum search_kind kind, const char *typed)
{
	struct buf b = BUF_INIT;
	int rc = search_word(kind, typed, &b);
	if (rc < 0)
		rc = out_of_memory(p);
	else if (b.n > 0)
		rc = add_range(p, (int)kind, buf_str(&b), false);
	buf_fini(&b);
	if (rc == 0 && kind == SEARCH_FAX_END)
		rc = add_without_trunk(p, typed);
	return rc;
}

static int begin_term(struct parsing *p)
{
	if (p->q->terms == QUERY_TERMS)
		return fault_why(p->fault, CN_VALIDATION_FAILED, "too_many_words",
			"at most %d words", QUERY_TERMS);
	p->q->terms++;
	return 0;
}

static int add_term(struct parsing *p, uint32_t kinds, const char *typed)
{
	size_t before = p->q->n;
	if (begin_term(p) < 0)
		return -1;
	for (int k = 1; k < SEARCH_KINDS; k++)
		if ((kinds >> k & 1) != 0 && add_kind(p, (enum search_kind)k, typed) < 0)
			return -1;
	if (p->q->n == before)
		return fault_why(p->fault, CN_VALIDATION_FAILED, "nothing_to_find",
			"'%.64s' can match nothing", typed);
	return 0;
}

static bool like_phone(const char *s)
{
	for (; *s != 0; s++)
		if (!ascii_digit(*s) && strchr("+-()./ ", *s) == NULL)
			return false;
	return true;
}

static int add_free(struct parsing *p, const char *typed)
{
	uint32_t kinds = (1u << SEARCH_KINDS) - 2;
	if (!like_phone(typed) || digits_of(typed) < FAX_LEAST)
		kinds &= ~(1u << SEARCH_FAX | 1u << SEARCH_FAX_END);
	return add_term(p, kinds, typed);
}

static int add_dest(struct parsing *p, const char *kind)
{
	if (dest_kind_named(kind) < 0)
		return fault_why(p->fault, CN_VALIDATION_FAILED, "unknown_kind",
			"'%.32s' is no kind of destination", kind);
	return begin_term(p) < 0 ? -1 : add_range(p, WORD_DEST, kind, true);
}

/* A day means all of it. */
static int take_at(struct parsing *p, const char *text)
{
	const char *whole = text;
	if (strlen(text) == 10)
		whole = arena_printf(p->arena, "%sT23:59:59.999Z", text);
	if (whole == NULL || rfc3339_parse(whole, &p->q->at_ms) < 0)
		return fault_why(p->fault, CN_VALIDATION_FAILED, "not_a_time",
			"at: takes a day such as 2027-05-03 or a time such as "
			"2027-05-03T12:00:00Z");
	return 0;
}

static int add_word(struct parsing *p, const char *word)
{
	const char *colon = strchr(word, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - word);
	const char *value = colon == NULL ? "" : colon + 1;
	if (value[0] == 0)
		return add_free(p, word);
	if (n == 4 && memcmp(word, "kind", 4) == 0)
		return add_dest(p, value);
	if (n == 4 && memcmp(word, "site", 4) == 0) {
		p->q->site = value;
		return 0;
	}
	if (n == 2 && memcmp(word, "at", 2) == 0)
		return take_at(p, value);
	for (size_t i = 0; i < array_len(FIELDS); i++)
		if (strlen(FIELDS[i].name) == n && memcmp(word, FIELDS[i].name, n) == 0)
			return add_term(p, FIELDS[i].kinds, value);
	return add_free(p, word);
}

/* ---- words ---- */

/* The next word in place, ended by a NUL; "…" holds blanks. NULL at the end. */
static char *next_word(char **rest)
{
	char *s = *rest, *out;
	while (*s == ' ')
		s++;
	if (*s == 0)
		return NULL;
	char *word = out = s;
	bool quoted = false;
	for (; *s != 0 && (quoted || *s != ' '); s++)
		if (*s == '"')
			quoted = !quoted;
		else
			*out++ = *s;
	*rest = *s == 0 ? s : s + 1;
	*out = 0;
	return word;
}

static int parse_words(struct parsing *p, char *rest)
{
	char *word;
	while ((word = next_word(&rest)) != NULL)
		if (word[0] != 0 && add_word(p, word) < 0)
			return -1;
	return 0;
}

int query_parse(struct arena *a, const char *text, const char *kind, struct query *ret,
	struct fault *reterr)
{
	struct parsing p = {a, ret, reterr};
	*ret = (struct query){.n = 0};
	char *copy = arena_strdup(a, text == NULL ? "" : text);
	if (copy == NULL)
		return out_of_memory(&p);
	int rc = like_phone(copy) && digits_of(copy) >= PHONE_LEAST ? add_free(&p, copy)
								    : parse_words(&p, copy);
	if (rc == 0 && kind != NULL && kind[0] != 0)
		rc = add_dest(&p, kind);
	return rc;
}
