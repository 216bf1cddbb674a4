// SPDX-License-Identifier: Apache-2.0
/* carnet_json read: every member is known, of its type and there once
 * (docs/spec/address-books.md 4.12). */
#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/formats/json_priv.h"
#include "gen/errors.h"

/* The two texts of a pair, and the three of a secret; in the book's arena. */
struct texts {
	const char *a, *b, *c;
};

/* ---- fields ---- */

static int field(struct json_reader *r, struct fields *f, unsigned id, enum pull_token t)
{
	enum field_type type = field_info(id)->type;
	const char *value = NULL;

	if (t == PULL_STRING)
		value = buf_str(&r->p.text);
	else if (type == FIELD_BOOL && (t == PULL_TRUE || t == PULL_FALSE))
		value = t == PULL_TRUE ? "true" : "false";
	else if ((type == FIELD_UINT || type == FIELD_PORT) && t == PULL_NUMBER &&
		 book_json_plain(buf_str(&r->p.text)))
		value = buf_str(&r->p.text);
	else if (t == PULL_NUMBER)
		return jread_not_a(
			r, t, "a text in quotes was expected: leading zeros and signs count in it");
	else
		return jread_not_a(r, t, "a text in quotes was expected");
	book_set(r->b, f, (enum book_field)id, value);
	return 0;
}

/* ---- pairs: tags, members, extras ---- */

static int pair(struct json_reader *r, const struct shape *s, struct texts *ret, struct seen *seen)
{
	enum pull_token t = PULL_END;
	unsigned id = 0;
	int more;

	while ((more = jread_member(r, s, seen, &id, &t)) > 0)
		if (jread_text(r, t, id == s->words[0].id ? &ret->a : &ret->b) < 0)
			return -1;
	return more;
}

static int both(struct json_reader *r, const struct shape *s, struct texts *ret)
{
	struct seen seen = {{0, 0}};

	if (pair(r, s, ret, &seen) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (jread_needs(r, &seen, s->words[i].id, s->words[i].name) < 0)
			return -1;
	return 0;
}

static int tag(struct json_reader *r)
{
	static const struct word words[] = {{"system", M_SYSTEM}, {"value", M_VALUE}, {0}};
	static const struct shape shape = {"no such member of a tag", words, -2};
	struct texts s = {NULL};

	if (both(r, &shape, &s) < 0)
		return -1;
	if (s.a && s.b)
		book_add_tag(r->b, r->entry, s.a, s.b);
	return 0;
}

static int extra_texts(struct json_reader *r, struct texts *s)
{
	static const struct word words[] = {{"name", M_PAIR_NAME}, {"value", M_VALUE}, {0}};
	static const struct shape shape = {"no such member here", words, -2};

	return both(r, &shape, s);
}

static int extra(struct json_reader *r)
{
	struct texts s = {NULL};

	if (extra_texts(r, &s) < 0)
		return -1;
	if (s.a && s.b)
		book_add_extra(r->b, r->entry, s.a, s.b);
	return 0;
}

static int meta(struct json_reader *r)
{
	struct texts s = {NULL};

	if (extra_texts(r, &s) < 0)
		return -1;
	if (s.a && s.b)
		book_add_meta(r->b, s.a, s.b);
	return 0;
}

static int group_member(struct json_reader *r)
{
	static const struct word words[] = {{"key", M_KEY}, {"text", M_TEXT}, {0}};
	static const struct shape shape = {"no such member of a group's member", words, -2};
	struct texts s = {NULL};
	struct seen seen = {{0, 0}};

	if (pair(r, &shape, &s, &seen) < 0)
		return -1;
	if (!jread_has(&seen, M_TEXT) && jread_needs(r, &seen, M_KEY, "key") < 0)
		return -1;
	if (s.a || s.b)
		book_add_member(r->b, r->entry, s.a, s.b);
	return 0;
}

/* ---- secrets ---- */

/* A password that was not revealed is one that the file withholds. */
static int keep_secret(struct json_reader *r, struct book_dest *d, const struct texts *s)
{
	int state = s->a ? secret_state_named(s->a) : SECRET_ABSENT;

	if (state < 0)
		return jread_wrong(
			r, CN_PARSE_ERROR, "unknown_value", "there is no such state of a secret");
	bool holds = state == SECRET_CLEAR || state == SECRET_ENCRYPTED;
	if ((s->c && !holds) || (s->b && state != SECRET_ENCRYPTED))
		return jread_wrong(r, CN_PARSE_ERROR, "secret_text",
			"only a clear or encrypted secret has a text, only an encrypted one a "
			"scheme");
	if (holds && !s->c)
		state = SECRET_WITHHELD;
	book_set_secret(r->b, d, (enum secret_state)state, s->c, s->b);
	return 0;
}

static int secret(struct json_reader *r, enum pull_token t, struct book_dest *d)
{
	static const struct word words[] = {
		{"state", M_STATE}, {"scheme", M_SCHEME}, {"text", M_TEXT}, {0}};
	static const struct shape shape = {"no such member of a secret", words, -2};
	struct texts s = {NULL};
	struct seen seen = {{0, 0}};
	unsigned id = 0;
	int more;

	if (t != PULL_OBJECT)
		return jread_not_a(r, t, "an object was expected");
	while ((more = jread_member(r, &shape, &seen, &id, &t)) > 0) {
		const char **to = id == M_STATE ? &s.a : id == M_SCHEME ? &s.b : &s.c;
		if (jread_text(r, t, to) < 0)
			return -1;
	}
	if (more < 0 || jread_needs(r, &seen, M_STATE, "state") < 0)
		return -1;
	return keep_secret(r, d, &s);
}

/* ---- destinations ---- */

static int dest_kind(struct json_reader *r, enum pull_token t, struct book_dest *d)
{
	int kind = t == PULL_STRING ? dest_kind_named(buf_str(&r->p.text)) : -1;

	if (t != PULL_STRING)
		return jread_not_a(r, t, "a text in quotes was expected");
	if (kind < 0 || kind == DEST_GROUP)
		return jread_wrong(r, CN_PARSE_ERROR, "unknown_value",
			"there is no such kind of a destination");
	d->kind = (enum dest_kind)kind;
	return 0;
}

/* The kind may stand behind the fields. */
static int check_fields(struct json_reader *r, struct book_dest *d)
{
	for (uint32_t i = 0; i < d->f.n; i++) {
		const struct field_info *info = field_info(d->f.v[i].id);
		if (info->kinds & 1u << d->kind)
			continue;
		(void)snprintf(r->member, sizeof(r->member), "%s", info->name);
		if (jread_wrong(r, CN_PARSE_ERROR, "unknown_member",
			    "destinations of this kind have no such field") < 0)
			return -1;
		book_set(r->b, &d->f, d->f.v[i--].id, NULL);
	}
	return 0;
}

static int dest_members(struct json_reader *r, struct book_dest *d)
{
	static const struct word words[] = {{"kind", M_KIND}, {"secret", M_SECRET}, {0}};
	static const struct shape shape = {"no such member of a destination", words, -1};
	struct seen seen = {{0, 0}};
	enum pull_token t = PULL_END;
	unsigned id = 0;
	int more, rc = 0;

	while (rc == 0 && (more = jread_member(r, &shape, &seen, &id, &t)) > 0) {
		if (id == M_KIND)
			rc = dest_kind(r, t, d);
		else
			rc = id == M_SECRET ? secret(r, t, d) : field(r, &d->f, id, t);
	}
	if (rc < 0 || more < 0)
		return -1;
	return jread_needs(r, &seen, M_KIND, "kind");
}

/* One whose kind is not known does not stay, nor what was read before the text broke. */
static int dest(struct json_reader *r)
{
	struct book_dest *d = book_add_dest(r->b, r->entry, DEST_NONE);
	int rc = dest_members(r, d);

	if (r->b->too_big)
		return -1;
	if (rc == 0 && d->kind != DEST_NONE)
		return check_fields(r, d);
	book_remove_dest(r->entry, d);
	return rc;
}

/* ---- entries ---- */

static int flag(struct json_reader *r, enum pull_token t, bool *ret)
{
	if (t != PULL_TRUE && t != PULL_FALSE)
		return jread_not_a(r, t, "true or false was expected");
	*ret = t == PULL_TRUE;
	return 0;
}

static int entry_member(struct json_reader *r, unsigned id, enum pull_token t)
{
	struct book_entry *e = r->entry;

	switch (id) {
	case M_KEY:
		return jread_text(r, t, &e->key);
	case M_GROUP:
		return flag(r, t, &e->group);
	case M_TAGS:
		return jread_part(r, t, "tags", tag);
	case M_DESTS:
		return jread_part(r, t, "destinations", dest);
	case M_MEMBERS:
		return jread_part(r, t, "members", group_member);
	case M_EXTRA:
		return jread_part(r, t, "extra", extra);
	default:
		return field(r, &e->f, id, t);
	}
}

static int entry(struct json_reader *r)
{
	static const struct word words[] = {{"key", M_KEY}, {"group", M_GROUP}, {"tags", M_TAGS},
		{"destinations", M_DESTS}, {"members", M_MEMBERS}, {"extra", M_EXTRA}, {0}};
	static const struct shape shape = {"no such member of an entry", words, DEST_NONE};
	struct seen seen = {{0, 0}};
	enum pull_token t = PULL_END;
	unsigned id = 0;
	int more;

	r->entry = book_add_entry(r->b, r->list, "");
	r->entry->at = (struct book_place){r->p.line, r->p.offset};
	while ((more = jread_member(r, &shape, &seen, &id, &t)) > 0)
		if (entry_member(r, id, t) < 0)
			return -1;
	if (more < 0)
		return -1;
	const char *number = fields_get(&r->entry->f, F_NUMBER);
	if (!*r->entry->key && number)
		r->entry->key = number;
	if (!*r->entry->key && jread_wrong(r, CN_PARSE_ERROR, "missing_member",
				       "an entry needs a key or a number") < 0)
		return -1;
	r->entry = NULL;
	r->member[0] = '\0';
	return 0;
}

/* ---- lists ---- */

/* A member's key names an entry of the same list; a dangling reference has only its text. */
static int check_members(struct json_reader *r, const struct book_list *l)
{
	struct map keys = MAP_INIT;
	int rc = 0;

	for (uint32_t i = 0; i < l->n_entries; i++)
		if (*l->entry[i].key)
			(void)map_put(
				&keys, l->entry[i].key, strlen(l->entry[i].key), &l->entry[i]);
	for (uint32_t i = 0; i < l->n_entries && rc == 0; i++) {
		struct book_entry *e = &l->entry[i];
		for (uint32_t k = 0; k < e->n_members && rc == 0; k++) {
			const char *key = e->member[k].key;
			if (!key || map_get(&keys, key, strlen(key)))
				continue;
			const struct book_fault f = {.code = CN_PARSE_ERROR,
				.line = e->at.line,
				.where = "members",
				.reason = "dangling_member"};
			rc = decode_wrong(r->d, &f,
				"members: entry %.40s names %.40s, which is not in its list",
				e->key, key);
		}
	}
	map_fini(&keys);
	return rc;
}

static int list_kind(struct json_reader *r, enum pull_token t)
{
	int kind = t == PULL_STRING ? list_kind_named(buf_str(&r->p.text)) : -1;

	if (t != PULL_STRING)
		return jread_not_a(r, t, "a text in quotes was expected");
	if (kind < 0)
		return jread_wrong(
			r, CN_PARSE_ERROR, "unknown_value", "there is no such kind of a list");
	r->list->kind = (enum list_kind)kind;
	return 0;
}

static int slot(struct json_reader *r, enum pull_token t)
{
	const char *s = NULL;

	if (jread_text(r, t, &s) < 0)
		return -1;
	const struct book_list *other = s ? book_find_list(r->b, s) : NULL;
	if (other && other != r->list &&
		jread_wrong(r, CN_PARSE_ERROR, "duplicate_list", "another list has this slot") < 0)
		return -1;
	if (s)
		r->list->slot = s;
	return 0;
}

static int entries(struct json_reader *r, enum pull_token t)
{
	int rc = jread_array(r, t, entry);
	r->entry = NULL;
	return rc;
}

static int list_member(struct json_reader *r, unsigned id, enum pull_token t)
{
	switch (id) {
	case M_SLOT:
		return slot(r, t);
	case M_KIND:
		return list_kind(r, t);
	case M_LIST_NAME:
		return jread_text(r, t, &r->list->name);
	default:
		return entries(r, t);
	}
}

static int list(struct json_reader *r)
{
	static const struct word words[] = {{"slot", M_SLOT}, {"kind", M_KIND},
		{"name", M_LIST_NAME}, {"entries", M_ENTRIES}, {0}};
	static const struct shape shape = {"no such member of a list", words, -2};
	struct seen seen = {{0, 0}};
	enum pull_token t = PULL_END;
	unsigned id = 0;
	int more;

	if (r->b->n_lists == BOOK_JSON_LISTS_MAX)
		return jread_end(jread_wrong(
			r, CN_RESPONSE_TOO_BIG, "too_many_lists", "more than 10,000 lists"));
	r->list = book_add_list(r->b, "", LIST_FLAT, "");
	while ((more = jread_member(r, &shape, &seen, &id, &t)) > 0)
		if (list_member(r, id, t) < 0)
			return -1;
	if (more < 0 || jread_needs(r, &seen, M_SLOT, "slot") < 0 ||
		jread_needs(r, &seen, M_ENTRIES, "entries") < 0)
		return -1;
	more = check_members(r, r->list);
	r->list = NULL;
	return more;
}

/* ---- the book ---- */

static int mark(struct json_reader *r, enum pull_token t)
{
	if (t != PULL_STRING || strcmp(buf_str(&r->p.text), BOOK_JSON_MARK) != 0)
		return jread_not_a(r, t, "\"" BOOK_JSON_MARK "\" was expected");
	return 0;
}

static int format(struct json_reader *r, enum pull_token t)
{
	const char *name = NULL;

	if (jread_text(r, t, &name) < 0)
		return -1;
	if (!name)
		return 0;
	if (!codec_named(name))
		return jread_wrong(r, CN_PARSE_ERROR, "unknown_value", "there is no such format");
	r->b->codec = name;
	return 0;
}

static int book_member(struct json_reader *r, unsigned id, enum pull_token t)
{
	switch (id) {
	case M_CARNET:
		return mark(r, t);
	case M_FAMILY:
		return jread_text(r, t, &r->b->family);
	case M_FORMAT:
		return format(r, t);
	case M_CHARSET:
		return jread_text(r, t, &r->b->charset);
	case M_META:
		return jread_part(r, t, "meta", meta);
	default:
		return jread_array(r, t, list);
	}
}

static int whole(struct json_reader *r)
{
	static const struct word words[] = {{"carnet", M_CARNET}, {"family", M_FAMILY},
		{"format", M_FORMAT}, {"charset", M_CHARSET}, {"meta", M_META}, {"lists", M_LISTS},
		{0}};
	static const struct shape shape = {"no such member of a book", words, -2};
	struct seen seen = {{0, 0}};
	enum pull_token t = pull_next(&r->p);
	unsigned id = 0;
	int more;

	if (t != PULL_OBJECT)
		return jread_end(jread_not_a(r, t, "an object was expected"));
	while ((more = jread_member(r, &shape, &seen, &id, &t)) > 0)
		if (book_member(r, id, t) < 0)
			return -1;
	if (more < 0 || jread_needs(r, &seen, M_CARNET, "carnet") < 0 ||
		jread_needs(r, &seen, M_FAMILY, "family") < 0 ||
		jread_needs(r, &seen, M_LISTS, "lists") < 0)
		return -1;
	return pull_next(&r->p) == PULL_END ? 0 : jread_broken(r);
}

int book_json_decode(struct decoder *d)
{
	struct json_reader r = {.d = d, .b = d->book};

	d->book->charset = "UTF-8";
	pull_init(&r.p, d->file, BOOK_FIELD_MAX);
	int rc = whole(&r);
	pull_fini(&r.p);
	return rc;
}
