// SPDX-License-Identifier: Apache-2.0
/* Tags: kept where the target has their system; letter groups are made anew from reading or name
 * (docs/spec/address-books.md 10.2). Pure. */
#include <string.h>

#include "common/book/convert/convert_priv.h"
#include "common/text/unicode.h"

static bool is_value(const struct profile_tag *t, const char *value)
{
	const char *const *v = t->values;

	if (*v == NULL)
		return true;
	while (*v && strcmp(*v, value) != 0)
		v++;
	return *v != NULL;
}

static bool has_place(const struct conv *c, const struct book_tag *tag)
{
	const struct book_profile *p = c->to;

	for (uint32_t i = 0; (c->codec->flags & CODEC_TAGS) && i < p->n_tags; i++)
		if (strcmp(p->tag[i].system, "*") == 0 ||
			strcmp(p->tag[i].system, tag->system) == 0)
			return is_value(&p->tag[i], tag->value);
	return false;
}

static bool has_tag(const struct book_entry *e, const char *system)
{
	for (uint32_t i = 0; i < e->n_tags; i++)
		if (strcmp(e->tag[i].system, system) == 0)
			return true;
	return false;
}

static bool is_letters(const struct book_profile *p, const char *system)
{
	return p && p->letter_system && strcmp(p->letter_system, system) == 0;
}

/* The first letter, A–Z, accents away; 0 = none. */
static char letter_of(const char *name)
{
	struct buf plain = BUF_INIT;
	char r = 0;

	if (unicode_fold(name, true, &plain) == 0 && plain.n && plain.p[0] >= 'a' &&
		plain.p[0] <= 'z')
		r = (char)(plain.p[0] - 'a' + 'A');
	buf_fini(&plain);
	return r;
}

static const char *group_of(const struct book_profile *p, char letter)
{
	const char *others = NULL;

	for (uint32_t i = 0; i < p->n_letters; i++) {
		if (letter && strchr(p->letter[i].letters, letter))
			return p->letter[i].value;
		if (p->letter[i].letters[0] == '\0')
			others = p->letter[i].value;
	}
	return others;
}

/* before: the source's letter group, NULL = it had none. */
static void add_letters(struct conv *c, struct book_entry *e, const char *before)
{
	const char *system = c->to->letter_system;
	const char *reading = fields_get(&e->f, F_READING);
	char letter = letter_of(reading ? reading : entry_name(e));
	const char *value;

	if (!letter)
		letter = letter_of(entry_name(e));
	value = group_of(c->to, letter);
	if (value == NULL) {
		if (before)
			conv_note(c, LEDGER_DROPPED, conv_fmt(c, "tag.%s", c->from->letter_system),
				before, "", "the name begins with none of its letters");
		return;
	}
	book_add_tag(c->out, e, system, value);
	if (before)
		conv_note(c, LEDGER_REMAPPED, conv_fmt(c, "tag.%s", c->from->letter_system), before,
			conv_fmt(c, "%s=%s", system, value),
			"each maker has its own letter groups");
	else
		conv_note(c, LEDGER_DEFAULTED, conv_fmt(c, "tag.%s", system), "", value,
			"people find the entry under its first letter");
}

void convert_tags(struct conv *c, struct book_entry *e, const struct book_entry *src)
{
	const char *before = NULL;
	bool have = false;

	for (uint32_t i = 0; i < src->n_tags; i++) {
		const struct book_tag *t = &src->tag[i];
		const char *why = NULL;
		const char *value = NULL;
		if (has_place(c, t) && !(c->to->tags_once && has_tag(e, t->system)))
			value = convert_text(c, t->value, &why);
		if (value) {
			book_add_tag(c->out, e, t->system, value);
			have |= is_letters(c->to, t->system);
		} else if (c->to->letter_system && is_letters(c->from, t->system) && !before) {
			before = t->value;
		} else {
			conv_note(c, LEDGER_DROPPED, conv_fmt(c, "tag.%s", t->system), t->value, "",
				why ? why : conv_fmt(c, "%s has no place for it", c->codec->title));
		}
	}
	if (c->to->letter_system && (c->codec->flags & CODEC_TAGS) && !have &&
		(!c->same_family || before))
		add_letters(c, e, before);
	else if (before)
		conv_note(c, LEDGER_DROPPED, conv_fmt(c, "tag.%s", c->from->letter_system), before,
			"", "it has a letter group already");
}
