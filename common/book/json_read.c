// SPDX-License-Identifier: Apache-2.0
/* carnet_json read: every member is known, of its type and there once; a fault has its place and
 * its path (docs/spec/address-books.md 4.12). */
#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/json.h"
#include "common/text/json_pull.h"
#include "gen/errors.h"

/* Members that are no fields get numbers above them. */
enum {
	M_CARNET = FIELD_NUMBERS,
	M_FAMILY,
	M_FORMAT,
	M_CHARSET,
	M_META,
	M_LISTS,
	M_SLOT,
	M_KIND,
	M_LIST_NAME,
	M_ENTRIES,
	M_KEY,
	M_GROUP,
	M_TAGS,
	M_DESTS,
	M_MEMBERS,
	M_EXTRA,
	M_SECRET,
	M_STATE,
	M_SCHEME,
	M_TEXT,
	M_SYSTEM,
	M_VALUE,
	M_PAIR_NAME,
	M_END,
};
_Static_assert(M_END <= 128, "the set of members seen has 128 bits");

struct word {
	const char *name;
	unsigned id;
};

/* What an object may hold: words of its own, and the fields of a kind. */
struct shape {
	const char *what; /* "an entry" */
	const struct word *words;
	int fields_of; /* enum dest_kind, any destination's for -1, or -2 for no fields */
};

/* An object's members seen so far. */
struct seen {
	uint64_t bits[2];
};

struct reader {
	struct pull p;
	struct decoder *d;
	struct book *b;
	struct book_list *list; /* being read; NULL between lists */
	struct book_entry *entry;
	const char *part; /* "destinations", "tags" …; NULL = the entry itself */
	uint32_t part_n;
	char member[48]; /* the last name read */
};

/* The two texts of a pair, and the three of a secret; in the book's arena. */
struct texts {
	const char *a, *b, *c;
};

/* ---- faults ---- */

static void step(struct buf *out, const char *name, uint32_t i)
{
	buf_addf(out, "%s%s[%u]", out->n > 0 ? "." : "", name, i);
}

static const char *path(const struct reader *r, struct buf *out)
{
	if (r->list)
		step(out, "lists", r->b->n_lists - 1);
	if (r->entry)
		step(out, "entries", r->list->n_entries - 1);
	if (r->part)
		step(out, r->part, r->part_n - 1);
	if (*r->member)
		buf_addf(out, "%s%s", out->n > 0 ? "." : "", r->member);
	return out->n > 0 ? buf_str(out) : "the book";
}

/* At the last token. 0 in lenient mode. */
static int wrong(struct reader *r, int code, const char *reason, const char *text)
{
	struct buf where = BUF_INIT;
	struct book_fault f = {.code = code,
		.line = r->p.line,
		.column = pull_column(&r->p),
		.byte = pull_byte(&r->p),
		.where = path(r, &where),
		.reason = reason};
	int rc = decode_wrong(r->d, &f, "%s: %s", f.where, text);

	buf_fini(&where);
	return rc;
}

/* No way on behind this, lenient or not. */
static int broken(struct reader *r)
{
	int code = CN_PARSE_ERROR;

	if (strcmp(r->p.reason, "charset") == 0)
		code = CN_CHARSET_ERROR;
	else if (strncmp(r->p.reason, "too_", 4) == 0)
		code = CN_RESPONSE_TOO_BIG;
	(void)wrong(r, code, r->p.reason, r->p.wrong);
	return -1;
}

static int skip(struct reader *r, enum pull_token t)
{
	return pull_skip(&r->p, t) == 0 ? 0 : broken(r);
}

/* Notes that the value is not what it should be, and goes on behind it where that is allowed. */
static int not_a(struct reader *r, enum pull_token t, const char *text)
{
	if (t == PULL_WRONG)
		return broken(r);
	return wrong(r, CN_PARSE_ERROR, "wrong_type", text) < 0 ? -1 : skip(r, t);
}

/* ---- objects and arrays ---- */

static int find(const struct shape *s, const char *name)
{
	enum book_field field = field_named(name);

	for (const struct word *w = s->words; w->name; w++)
		if (strcmp(w->name, name) == 0)
			return (int)w->id;
	if (!field || s->fields_of == -2)
		return -1;
	uint32_t kinds = field_info(field)->kinds;
	bool mine = s->fields_of == -1 ? kinds != 1u << DEST_NONE : kinds & 1u << s->fields_of;
	return mine ? (int)field : -1;
}

/* The next member: its number and its value's first token. 1, 0 at the end of the object, -1. */
static int next_member(struct reader *r, const struct shape *s, struct seen *seen, unsigned *ret_id,
	enum pull_token *ret)
{
	for (;;) {
		enum pull_token t = pull_next(&r->p);
		if (t == PULL_OBJECT_END)
			return 0;
		if (t != PULL_NAME)
			return broken(r);
		(void)snprintf(r->member, sizeof(r->member), "%s", buf_str(&r->p.text));
		int id = find(s, buf_str(&r->p.text));
		uint64_t *bits = id < 0 ? NULL : &seen->bits[id / 64];
		bool twice = bits && (*bits >> (id % 64) & 1);
		if (id < 0 && wrong(r, CN_PARSE_ERROR, "unknown_member", s->what) < 0)
			return -1;
		if (twice && wrong(r, CN_PARSE_ERROR, "duplicate_member",
				     "the member stands here twice") < 0)
			return -1;
		t = pull_next(&r->p);
		if (t == PULL_WRONG)
			return broken(r);
		if (id >= 0 && !twice) {
			*bits |= UINT64_C(1) << (id % 64);
			*ret_id = (unsigned)id;
			*ret = t;
			return 1;
		}
		if (skip(r, t) < 0)
			return -1;
	}
}

static bool has(const struct seen *s, unsigned id)
{
	return s->bits[id / 64] >> (id % 64) & 1;
}

/* At the end of an object. */
static int needs(struct reader *r, const struct seen *s, unsigned id, const char *name)
{
	if (has(s, id))
		return 0;
	(void)snprintf(r->member, sizeof(r->member), "%s", name);
	return wrong(r, CN_PARSE_ERROR, "missing_member", "the member is missing");
}

/* The next element of an array of objects: 1 inside the object, 0 at the end, -1. */
static int next_object(struct reader *r)
{
	for (;;) {
		enum pull_token t = pull_next(&r->p);
		r->member[0] = '\0';
		r->part_n++;
		if (t == PULL_ARRAY_END)
			return 0;
		if (t == PULL_OBJECT)
			return r->b->too_big ? -1 : 1;
		if (not_a(r, t, "an object was expected") < 0)
			return -1;
	}
}

static int text(struct reader *r, enum pull_token t, const char **ret)
{
	if (t != PULL_STRING)
		return not_a(r, t, "a text in quotes was expected");
	*ret = book_strn(r->b, buf_str(&r->p.text), r->p.text.n);
	return 0;
}

static int array(struct reader *r, enum pull_token t, int (*each)(struct reader *r))
{
	int more;

	if (t != PULL_ARRAY)
		return not_a(r, t, "an array was expected");
	while ((more = next_object(r)) > 0)
		if (each(r) < 0)
			return -1;
	return more;
}

/* An array inside an entry, or the book's meta. */
static int part(struct reader *r, enum pull_token t, const char *name, int (*each)(struct reader *))
{
	r->part = name;
	r->part_n = 0;
	int rc = array(r, t, each);
	r->part = NULL;
	return rc;
}

/* ---- fields ---- */

static int field(struct reader *r, struct fields *f, unsigned id, enum pull_token t)
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
		return not_a(
			r, t, "a text in quotes was expected: leading zeros and signs count in it");
	else
		return not_a(r, t, "a text in quotes was expected");
	book_set(r->b, f, (enum book_field)id, value);
	return 0;
}

/* ---- pairs: tags, members, extras ---- */

static int pair(struct reader *r, const struct shape *s, struct texts *ret, struct seen *seen)
{
	enum pull_token t;
	unsigned id;
	int more;

	while ((more = next_member(r, s, seen, &id, &t)) > 0)
		if (text(r, t, id == s->words[0].id ? &ret->a : &ret->b) < 0)
			return -1;
	return more;
}

static int both(struct reader *r, const struct shape *s, struct texts *ret)
{
	struct seen seen = {{0, 0}};

	if (pair(r, s, ret, &seen) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (needs(r, &seen, s->words[i].id, s->words[i].name) < 0)
			return -1;
	return 0;
}

static int tag(struct reader *r)
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

static int extra_texts(struct reader *r, struct texts *s)
{
	static const struct word words[] = {{"name", M_PAIR_NAME}, {"value", M_VALUE}, {0}};
	static const struct shape shape = {"no such member here", words, -2};

	return both(r, &shape, s);
}

static int extra(struct reader *r)
{
	struct texts s = {NULL};

	if (extra_texts(r, &s) < 0)
		return -1;
	if (s.a && s.b)
		book_add_extra(r->b, r->entry, s.a, s.b);
	return 0;
}

static int meta(struct reader *r)
{
	struct texts s = {NULL};

	if (extra_texts(r, &s) < 0)
		return -1;
	if (s.a && s.b)
		book_add_meta(r->b, s.a, s.b);
	return 0;
}

static int group_member(struct reader *r)
{
	static const struct word words[] = {{"key", M_KEY}, {"text", M_TEXT}, {0}};
	static const struct shape shape = {"no such member of a group's member", words, -2};
	struct texts s = {NULL};
	struct seen seen = {{0, 0}};

	if (pair(r, &shape, &s, &seen) < 0)
		return -1;
	if (!has(&seen, M_TEXT) && needs(r, &seen, M_KEY, "key") < 0)
		return -1;
	if (s.a || s.b)
		book_add_member(r->b, r->entry, s.a, s.b);
	return 0;
}

/* ---- secrets ---- */

/* A password that was not revealed is one that the file withholds. */
static int keep_secret(struct reader *r, struct book_dest *d, const struct texts *s)
{
	int state = s->a ? secret_state_named(s->a) : SECRET_ABSENT;

	if (state < 0)
		return wrong(
			r, CN_PARSE_ERROR, "unknown_value", "there is no such state of a secret");
	bool holds = state == SECRET_CLEAR || state == SECRET_ENCRYPTED;
	if ((s->c && !holds) || (s->b && state != SECRET_ENCRYPTED))
		return wrong(r, CN_PARSE_ERROR, "secret_text",
			"only a clear or encrypted secret has a text, only an encrypted one a "
			"scheme");
	if (holds && !s->c)
		state = SECRET_WITHHELD;
	book_set_secret(r->b, d, (enum secret_state)state, s->c, s->b);
	return 0;
}

static int secret(struct reader *r, enum pull_token t, struct book_dest *d)
{
	static const struct word words[] = {
		{"state", M_STATE}, {"scheme", M_SCHEME}, {"text", M_TEXT}, {0}};
	static const struct shape shape = {"no such member of a secret", words, -2};
	struct texts s = {NULL};
	struct seen seen = {{0, 0}};
	unsigned id;
	int more;

	if (t != PULL_OBJECT)
		return not_a(r, t, "an object was expected");
	while ((more = next_member(r, &shape, &seen, &id, &t)) > 0) {
		const char **to = id == M_STATE ? &s.a : id == M_SCHEME ? &s.b : &s.c;
		if (text(r, t, to) < 0)
			return -1;
	}
	if (more < 0 || needs(r, &seen, M_STATE, "state") < 0)
		return -1;
	return keep_secret(r, d, &s);
}

/* ---- destinations ---- */

static int dest_kind(struct reader *r, enum pull_token t, struct book_dest *d)
{
	int kind = t == PULL_STRING ? dest_kind_named(buf_str(&r->p.text)) : -1;

	if (t != PULL_STRING)
		return not_a(r, t, "a text in quotes was expected");
	if (kind < 0 || kind == DEST_GROUP)
		return wrong(r, CN_PARSE_ERROR, "unknown_value",
			"there is no such kind of a destination");
	d->kind = (enum dest_kind)kind;
	return 0;
}

/* The kind may stand behind the fields. */
static int check_fields(struct reader *r, struct book_dest *d)
{
	for (uint32_t i = 0; i < d->f.n; i++) {
		const struct field_info *info = field_info(d->f.v[i].id);
		if (info->kinds & 1u << d->kind)
			continue;
		(void)snprintf(r->member, sizeof(r->member), "%s", info->name);
		if (wrong(r, CN_PARSE_ERROR, "unknown_member",
			    "destinations of this kind have no such field") < 0)
			return -1;
		book_set(r->b, &d->f, d->f.v[i--].id, NULL);
	}
	return 0;
}

static int dest_members(struct reader *r, struct book_dest *d)
{
	static const struct word words[] = {{"kind", M_KIND}, {"secret", M_SECRET}, {0}};
	static const struct shape shape = {"no such member of a destination", words, -1};
	struct seen seen = {{0, 0}};
	enum pull_token t;
	unsigned id;
	int more, rc = 0;

	while (rc == 0 && (more = next_member(r, &shape, &seen, &id, &t)) > 0) {
		if (id == M_KIND)
			rc = dest_kind(r, t, d);
		else
			rc = id == M_SECRET ? secret(r, t, d) : field(r, &d->f, id, t);
	}
	if (rc < 0 || more < 0)
		return -1;
	return needs(r, &seen, M_KIND, "kind");
}

/* One whose kind is not known does not stay, nor what was read before the text broke. */
static int dest(struct reader *r)
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

static int flag(struct reader *r, enum pull_token t, bool *ret)
{
	if (t != PULL_TRUE && t != PULL_FALSE)
		return not_a(r, t, "true or false was expected");
	*ret = t == PULL_TRUE;
	return 0;
}

static int entry_member(struct reader *r, unsigned id, enum pull_token t)
{
	struct book_entry *e = r->entry;

	switch (id) {
	case M_KEY:
		return text(r, t, &e->key);
	case M_GROUP:
		return flag(r, t, &e->group);
	case M_TAGS:
		return part(r, t, "tags", tag);
	case M_DESTS:
		return part(r, t, "destinations", dest);
	case M_MEMBERS:
		return part(r, t, "members", group_member);
	case M_EXTRA:
		return part(r, t, "extra", extra);
	default:
		return field(r, &e->f, id, t);
	}
}

static int entry(struct reader *r)
{
	static const struct word words[] = {{"key", M_KEY}, {"group", M_GROUP}, {"tags", M_TAGS},
		{"destinations", M_DESTS}, {"members", M_MEMBERS}, {"extra", M_EXTRA}, {0}};
	static const struct shape shape = {"no such member of an entry", words, DEST_NONE};
	struct seen seen = {{0, 0}};
	enum pull_token t;
	unsigned id;
	int more;

	r->entry = book_add_entry(r->b, r->list, "");
	r->entry->at = (struct book_place){r->p.line, r->p.offset};
	while ((more = next_member(r, &shape, &seen, &id, &t)) > 0)
		if (entry_member(r, id, t) < 0)
			return -1;
	if (more < 0)
		return -1;
	const char *number = fields_get(&r->entry->f, F_NUMBER);
	if (!*r->entry->key && number)
		r->entry->key = number;
	if (!*r->entry->key &&
		wrong(r, CN_PARSE_ERROR, "missing_member", "an entry needs a key or a number") < 0)
		return -1;
	r->entry = NULL;
	r->member[0] = '\0';
	return 0;
}

/* ---- lists ---- */

/* A member's key names an entry of the same list; a dangling reference has only its text. */
static int check_members(struct reader *r, const struct book_list *l)
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

static int list_kind(struct reader *r, enum pull_token t)
{
	int kind = t == PULL_STRING ? list_kind_named(buf_str(&r->p.text)) : -1;

	if (t != PULL_STRING)
		return not_a(r, t, "a text in quotes was expected");
	if (kind < 0)
		return wrong(r, CN_PARSE_ERROR, "unknown_value", "there is no such kind of a list");
	r->list->kind = (enum list_kind)kind;
	return 0;
}

static int slot(struct reader *r, enum pull_token t)
{
	const char *s = NULL;

	if (text(r, t, &s) < 0)
		return -1;
	const struct book_list *other = s ? book_find_list(r->b, s) : NULL;
	if (other && other != r->list &&
		wrong(r, CN_PARSE_ERROR, "duplicate_list", "another list has this slot") < 0)
		return -1;
	if (s)
		r->list->slot = s;
	return 0;
}

static int entries(struct reader *r, enum pull_token t)
{
	int rc = array(r, t, entry);
	r->entry = NULL;
	return rc;
}

static int list_member(struct reader *r, unsigned id, enum pull_token t)
{
	switch (id) {
	case M_SLOT:
		return slot(r, t);
	case M_KIND:
		return list_kind(r, t);
	case M_LIST_NAME:
		return text(r, t, &r->list->name);
	default:
		return entries(r, t);
	}
}

static int list(struct reader *r)
{
	static const struct word words[] = {{"slot", M_SLOT}, {"kind", M_KIND},
		{"name", M_LIST_NAME}, {"entries", M_ENTRIES}, {0}};
	static const struct shape shape = {"no such member of a list", words, -2};
	struct seen seen = {{0, 0}};
	enum pull_token t;
	unsigned id;
	int more;

	if (r->b->n_lists == BOOK_JSON_LISTS_MAX) {
		(void)wrong(r, CN_RESPONSE_TOO_BIG, "too_many_lists", "more than 10,000 lists");
		return -1;
	}
	r->list = book_add_list(r->b, "", LIST_FLAT, "");
	while ((more = next_member(r, &shape, &seen, &id, &t)) > 0)
		if (list_member(r, id, t) < 0)
			return -1;
	if (more < 0 || needs(r, &seen, M_SLOT, "slot") < 0 ||
		needs(r, &seen, M_ENTRIES, "entries") < 0)
		return -1;
	more = check_members(r, r->list);
	r->list = NULL;
	return more;
}

/* ---- the book ---- */

static int mark(struct reader *r, enum pull_token t)
{
	if (t != PULL_STRING || strcmp(buf_str(&r->p.text), BOOK_JSON_MARK) != 0)
		return not_a(r, t, "\"" BOOK_JSON_MARK "\" was expected");
	return 0;
}

static int format(struct reader *r, enum pull_token t)
{
	const char *name = NULL;

	if (text(r, t, &name) < 0)
		return -1;
	if (!name)
		return 0;
	if (!codec_named(name))
		return wrong(r, CN_PARSE_ERROR, "unknown_value", "there is no such format");
	r->b->codec = name;
	return 0;
}

static int book_member(struct reader *r, unsigned id, enum pull_token t)
{
	switch (id) {
	case M_CARNET:
		return mark(r, t);
	case M_FAMILY:
		return text(r, t, &r->b->family);
	case M_FORMAT:
		return format(r, t);
	case M_CHARSET:
		return text(r, t, &r->b->charset);
	case M_META:
		return part(r, t, "meta", meta);
	default:
		return array(r, t, list);
	}
}

static int whole(struct reader *r)
{
	static const struct word words[] = {{"carnet", M_CARNET}, {"family", M_FAMILY},
		{"format", M_FORMAT}, {"charset", M_CHARSET}, {"meta", M_META}, {"lists", M_LISTS},
		{0}};
	static const struct shape shape = {"no such member of a book", words, -2};
	struct seen seen = {{0, 0}};
	enum pull_token t = pull_next(&r->p);
	unsigned id;
	int more;

	if (t != PULL_OBJECT) {
		(void)not_a(r, t, "an object was expected");
		return -1;
	}
	while ((more = next_member(r, &shape, &seen, &id, &t)) > 0)
		if (book_member(r, id, t) < 0)
			return -1;
	if (more < 0 || needs(r, &seen, M_CARNET, "carnet") < 0 ||
		needs(r, &seen, M_FAMILY, "family") < 0 || needs(r, &seen, M_LISTS, "lists") < 0)
		return -1;
	return pull_next(&r->p) == PULL_END ? 0 : broken(r);
}

int book_json_decode(struct decoder *d)
{
	struct reader r = {.d = d, .b = d->book};

	d->book->charset = "UTF-8";
	pull_init(&r.p, d->file, BOOK_FIELD_MAX);
	int rc = whole(&r);
	pull_fini(&r.p);
	return rc;
}
