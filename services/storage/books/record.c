// SPDX-License-Identifier: Apache-2.0
/* From the model to the message. Pure. */
#include "services/storage/books/record.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/search_key.h"
#include "common/text/utf8.h"

#define VALUES 600
#define SECRETS 64
#define KINDS 16
#define TEXT_MAX 4096

const char *record_text(struct arena *a, const char *s, size_t max)
{
	const char *copy = s == NULL ? NULL : arena_strndup(a, s, utf8_cut(s, max));
	return copy == NULL ? "" : copy;
}

bool record_hides(const char *name)
{
	static const char *const words[] = {"pwd", "pass", "secret", "pin", "credential", "crypt"};
	for (size_t i = 0; i < array_len(words); i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

uint64_t record_number(const struct book_entry *e)
{
	const char *number = fields_get(&e->f, F_NUMBER);
	unsigned long long n = number == NULL ? 0 : strtoull(number, NULL, 10);
	return n > UINT32_MAX ? 0 : n;
}

unsigned record_kinds(const struct book_entry *e)
{
	unsigned kinds = e->group ? 1u << DEST_GROUP : 0;
	for (uint32_t i = 0; i < e->n_dests; i++)
		kinds |= 1u << e->dest[i].kind;
	return kinds;
}

/* ---- the first destination ---- */

static const char *or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

static const char *dest_text(struct arena *a, const struct book_dest *d)
{
	static const enum book_field shown[] = {
		F_ADDRESS, F_FAX_NUMBER, F_URI, F_BOX_ID, F_ACCOUNT};
	const struct fields *f = &d->f;
	if (d->kind == DEST_FILE) {
		const char *share = or_empty(fields_get(f, F_SHARE));
		const char *path = or_empty(fields_get(f, F_PATH));
		const char *protocol = fields_get(f, F_PROTOCOL);
		return arena_printf(a, "%s://%s%s%s%s%s", protocol == NULL ? "file" : protocol,
			or_empty(fields_get(f, F_HOST)),
			share[0] == 0 || share[0] == '/' ? "" : "/", share,
			path[0] == 0 || path[0] == '/' || path[0] == '\\' ? "" : "/", path);
	}
	for (size_t i = 0; i < array_len(shown); i++)
		if (fields_get(f, shown[i]) != NULL)
			return arena_printf(
				a, "%s %s", dest_kind_name(d->kind), fields_get(f, shown[i]));
	return dest_kind_name(d->kind);
}

const char *record_dest(struct arena *a, const struct book_entry *e)
{
	const char *text = "";
	if (e->group)
		text = arena_printf(a, "%u members", e->n_members);
	else if (e->n_dests > 0)
		text = dest_text(a, &e->dest[0]);
	if (text != NULL && e->n_dests > 1)
		text = arena_printf(a, "%.900s (+%u)", text, e->n_dests - 1);
	return record_text(a, text, 1024);
}

/* ---- values ---- */

struct filling {
	struct arena *arena;
	struct m_entry *out;
	struct m_book_value *values;
	size_t room; /* values that fit */
	size_t left; /* bytes that may still be added */
	bool place;  /* with what says where it stands, too */
};

static void put(struct filling *f, const char *name, const char *value)
{
	size_t max = size_min(TEXT_MAX, f->left);
	if (name == NULL || f->out->values_n == f->room || max == 0) {
		f->out->cut = true;
		return;
	}
	f->out->cut = f->out->cut || strlen(value) > max;
	f->left -= size_min(f->left, strlen(name) + strlen(value));
	f->values[f->out->values_n++] =
		(struct m_book_value){.name = record_text(f->arena, name, 128),
			.value = record_text(f->arena, value, max)};
}

/* Number and name have members of their own; number and uuid belong to the place. */
static bool shown(const struct filling *f, enum book_field id)
{
	return id != F_NUMBER && id != F_NAME && (f->place || id != F_UUID);
}

static void put_fields(struct filling *f, const char *prefix, const struct fields *fields)
{
	for (uint32_t i = 0; i < fields->n; i++) {
		const struct field *v = &fields->v[i];
		const struct field_info *info = field_info(v->id);
		if (info != NULL && shown(f, v->id))
			put(f, arena_printf(f->arena, "%s%s", prefix, info->name), v->value);
	}
}

/* "file." of the first of its kind, "file[2]." of the second */
static const char *dest_prefix(struct arena *a, const struct book_entry *e, uint32_t no)
{
	unsigned same = 1;
	for (uint32_t i = 0; i < no; i++)
		same += e->dest[i].kind == e->dest[no].kind;
	const char *kind = dest_kind_name(e->dest[no].kind);
	const char *text =
		same == 1 ? arena_printf(a, "%s.", kind) : arena_printf(a, "%s[%u].", kind, same);
	return or_empty(text);
}

static void put_kinds(struct filling *f, unsigned bits)
{
	const char **kinds = arena_array(f->arena, KINDS, sizeof(*kinds));
	if (kinds == NULL)
		return;
	for (int k = 1; k < DEST_KINDS; k++)
		if ((bits >> k & 1) != 0)
			kinds[f->out->kinds_n++] = dest_kind_name((enum dest_kind)k);
	f->out->kinds = kinds;
}

static void put_extras(struct filling *f, const struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_extras; i++) {
		const char *name = e->extra[i].name;
		put(f, arena_printf(f->arena, "extra.%s", name),
			record_hides(name) ? "(not shown)" : e->extra[i].value);
	}
}

static void put_secrets(struct filling *f, const struct book_entry *e)
{
	size_t room = size_min(SECRETS, e->n_dests), n = 0;
	struct m_book_value *s = arena_array(f->arena, room + 1, sizeof(*s));
	for (uint32_t i = 0; s != NULL && i < e->n_dests && n < room; i++)
		if (e->dest[i].secret.state != SECRET_ABSENT)
			s[n++] = (struct m_book_value){.name = arena_printf(f->arena, "%ssecret",
							       dest_prefix(f->arena, e, i)),
				.value = secret_state_name(e->dest[i].secret.state)};
	f->out->secrets = s;
	f->out->secrets_n = n;
}

static size_t count_values(const struct book_entry *e)
{
	size_t n = (size_t)e->f.n + e->n_tags + e->n_members + e->n_extras;
	for (uint32_t i = 0; i < e->n_dests; i++)
		n += e->dest[i].f.n;
	return size_min(n, VALUES);
}

static void put_all(struct filling *f, const struct book_entry *e)
{
	struct arena *a = f->arena;
	*f->out = (struct m_entry){.name = record_text(a, entry_name(e), 1024),
		.group = e->group,
		.dest = record_dest(a, e)};
	f->room = count_values(e);
	f->values = arena_array(a, f->room + 1, sizeof(*f->values));
	if (f->values == NULL)
		return;
	f->out->values = f->values;
	put_kinds(f, record_kinds(e));
	put_fields(f, "", &e->f);
	for (uint32_t i = 0; i < e->n_dests; i++)
		put_fields(f, dest_prefix(a, e, i), &e->dest[i].f);
	for (uint32_t i = 0; i < e->n_tags; i++)
		put(f, arena_printf(a, "tag.%s", e->tag[i].system), e->tag[i].value);
	for (uint32_t i = 0; i < e->n_members; i++)
		put(f, "member",
			or_empty(e->member[i].key != NULL ? e->member[i].key : e->member[i].text));
	if (f->place)
		put_extras(f, e);
}

void record_content(struct arena *a, const struct book_entry *e, size_t max, struct m_entry *ret)
{
	struct filling f = {.arena = a, .out = ret, .left = max};
	put_all(&f, e);
}

void record_entry(
	struct arena *a, const struct book_list *l, const struct book_entry *e, struct m_entry *ret)
{
	struct filling f = {.arena = a, .out = ret, .left = RECORD_LARGE, .place = true};
	put_all(&f, e);
	put_secrets(&f, e);
	ret->list = record_text(a, l->slot, 64);
	ret->key = record_text(a, e->key, 256);
	ret->number = record_number(e);
}

/* ---- words ---- */

struct words {
	void (*each)(int kind, const char *word, void *arg);
	void *arg;
};

/* Scripts that put no space between words: from each of their characters on. */
static bool dense(const uint8_t *p)
{
	return p[0] >= 0xe3 || (p[0] == 0xe2 && p[1] >= 0xba); /* U+2E80 and above */
}

static bool between(uint8_t c)
{
	return c < 0x80 && !ascii_alpha((char)c) && !ascii_digit((char)c);
}

static void words_of_key(enum search_kind kind, const char *text, void *arg)
{
	const struct words *w = arg;
	const uint8_t *p = (const uint8_t *)text;
	char word[WORD_MAX + 1];
	bool whole = kind == SEARCH_FAX || kind == SEARCH_FAX_END;
	unsigned n = 0;
	for (size_t i = 0; p[i] != 0 && n < WORD_MAX; i++) {
		bool begins = i == 0 || (!whole && (p[i] & 0xc0) != 0x80 && !between(p[i]) &&
						(between(p[i - 1]) || dense(p + i)));
		if (!begins)
			continue;
		size_t len = utf8_cut(text + i, WORD_MAX);
		memcpy(word, text + i, len);
		word[len] = 0;
		w->each((int)kind, word, w->arg);
		n++;
	}
}

int record_words(
	const struct book_entry *e, void (*each)(int kind, const char *word, void *arg), void *arg)
{
	struct words w = {each, arg};
	unsigned kinds = record_kinds(e);
	for (int k = 1; k < DEST_KINDS; k++)
		if ((kinds >> k & 1) != 0)
			each(WORD_DEST, dest_kind_name((enum dest_kind)k), arg);
	return search_keys(e, words_of_key, &w);
}
