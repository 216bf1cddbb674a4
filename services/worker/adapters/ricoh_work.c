// SPDX-License-Identifier: Apache-2.0
/* What is to be sent. Both books are written by the codec, so that only what differs in the model
 * differs here. */
#include "services/worker/adapters/ricoh_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/book/codec.h"
#include "gen/errors.h"

#define WORK_MAX ((size_t)256 * 1024 * 1024)
#define TAG_LAST 26u

enum class {
	TEXT,
	NUMBER,
	BOOL,
	TAGS,
	WORD,  /* one of words */
	OPEN,  /* a value set that nobody published: what the machine itself says */
	FIXED, /* given by the machine, or only once */
};

static const struct known {
	const char *name;
	enum class class;
	uint32_t min, max;
	const char *words[4]; /* "" is one of them where it means "none" */
} KNOWN[] = {
	{"entryType", FIXED, 0, 0, {NULL}},
	{"id", FIXED, 0, 0, {NULL}},
	{"index", NUMBER, 1, 99999, {NULL}},
	{"name", TEXT, 0, 0, {NULL}},
	{"longName", TEXT, 0, 0, {NULL}},
	{"phoneticName", TEXT, 0, 0, {NULL}},
	{"displayedOrder", NUMBER, 1, 10, {NULL}},
	{"tagId", TAGS, 0, 0, {NULL}},
	{"isSender", BOOL, 0, 0, {NULL}},
	{"isDestination", BOOL, 0, 0, {NULL}},
	{"auth:", BOOL, 0, 0, {NULL}},
	{"auth:name", TEXT, 0, 0, {NULL}},
	{"mail:", BOOL, 0, 0, {NULL}},
	{"mail:address", TEXT, 0, 0, {NULL}},
	{"mail:parameter", OPEN, 0, 0, {NULL}},
	{"mail:isDirectSMTP", BOOL, 0, 0, {NULL}},
	{"fax:", BOOL, 0, 0, {NULL}},
	{"fax:number", TEXT, 0, 0, {NULL}},
	{"fax:lineType", OPEN, 0, 0, {NULL}},
	{"fax:isAbroad", BOOL, 0, 0, {NULL}},
	{"fax:parameter", OPEN, 0, 0, {NULL}},
	{"faxAux:label1", OPEN, 0, 0, {NULL}},
	{"faxAux:label2String", OPEN, 0, 0, {NULL}},
	{"faxAux:messageNo", OPEN, 0, 0, {NULL}},
	{"faxAux:ttiNo", OPEN, 0, 0, {NULL}},
	{"ifax:", BOOL, 0, 0, {NULL}},
	{"ifax:address", TEXT, 0, 0, {NULL}},
	{"ifax:isDirectSMTP", BOOL, 0, 0, {NULL}},
	{"ifax:parameter", OPEN, 0, 0, {NULL}},
	{"remoteFolder:", BOOL, 0, 0, {NULL}},
	{"remoteFolder:type", WORD, 0, 0, {"smb", "ftp", "ncp", NULL}},
	{"remoteFolder:serverName", TEXT, 0, 0, {NULL}},
	{"remoteFolder:path", TEXT, 0, 0, {NULL}},
	{"remoteFolder:port", NUMBER, 1, 65535, {NULL}},
	{"remoteFolder:accountName", TEXT, 0, 0, {NULL}},
	{"remoteFolder:select", WORD, 0, 0, {"", "private", NULL}},
	{"remoteFolder:logonMode", OPEN, 0, 0, {NULL}},
	{"remoteFolder:characterEncoding", OPEN, 0, 0, {NULL}},
	{"ldap:", BOOL, 0, 0, {NULL}},
	{"ldap:accountName", TEXT, 0, 0, {NULL}},
	{"ldap:select", WORD, 0, 0, {"", "private", NULL}},
	{"smtp:", BOOL, 0, 0, {NULL}},
	{"smtp:accountName", TEXT, 0, 0, {NULL}},
	{"smtp:select", WORD, 0, 0, {"", "private", NULL}},
};

/* Neither content nor ever written. */
static const char *const SILENT[] = {"lastAccessDateTime", "faxAux:", "password:password",
	"password:passwordEncoding", "auth:password", "remoteFolder:password",
	"remoteFolder:passwordEncoding", "ldap:password", "ldap:passwordEncoding", "smtp:password",
	"smtp:passwordEncoding"};

/* ---- values ---- */

static const struct known *known(const char *name)
{
	for (size_t i = 0; i < array_len(KNOWN); i++)
		if (strcmp(KNOWN[i].name, name) == 0)
			return &KNOWN[i];
	return NULL;
}

static bool is_silent(const char *name)
{
	for (size_t i = 0; i < array_len(SILENT); i++)
		if (strcmp(SILENT[i], name) == 0)
			return true;
	return false;
}

static bool number_within(const char *s, uint32_t min, uint32_t max)
{
	size_t digits = strspn(s, "0123456789");
	unsigned long v = digits > 0 && digits < 10 && !s[digits] ? strtoul(s, NULL, 10) : 0;

	return v >= min && v <= max && v > 0;
}

/* "1,3" as bits; 0 = none, or a tag that nobody published. */
static uint32_t tag_bits(const char *s)
{
	uint32_t bits = 0;

	while (*s) {
		char *end;
		unsigned long v = *s >= '0' && *s <= '9' ? strtoul(s, &end, 10) : 0;

		if (v == 0 || v > TAG_LAST || (*end && *end != ','))
			return 0;
		bits |= 1u << v;
		s = end + (*end == ',');
	}
	return bits;
}

static bool is_word(const struct known *k, const char *value)
{
	for (size_t i = 0; k->words[i]; i++)
		if (strcmp(k->words[i], value) == 0)
			return true;
	return false;
}

static int said_key(char *key, size_t size, const char *name, const char *value)
{
	int n = snprintf(key, size, "%s\n%s", name, value);

	return n > 0 && (size_t)n < size ? n : -1;
}

void ricoh_said_add(struct ricoh_said *s, const struct ricoh_objects *o)
{
	static char yes;
	char key[256];

	for (size_t i = 0; i < o->n; i++)
		for (size_t j = 0; j < o->object[i].n; j++) {
			const struct ricoh_prop *p = &o->object[i].prop[j];
			const struct known *k = known(p->name);
			int n = k && k->class == OPEN
					? said_key(key, sizeof(key), p->name, p->value)
					: -1;
			if (n > 0 && s->values.n < 4096)
				(void)map_put(&s->values, key, (size_t)n, &yes);
		}
}

void ricoh_said_fini(struct ricoh_said *s)
{
	map_fini(&s->values);
}

static bool was_said(const struct ricoh_said *s, const char *name, const char *value)
{
	char key[256];
	int n = s ? said_key(key, sizeof(key), name, value) : -1;

	return n > 0 && map_get(&s->values, key, (size_t)n);
}

/* ---- what is sent of one entry ---- */

struct maker {
	struct ricoh_work *w;
	const struct ricoh_said *said, *now; /* in this session; in the book of before */
	struct fault *fault;
	bool full;
};

static bool writable(const struct maker *m, const struct known *k, const char *value)
{
	switch (k->class) {
	case TEXT:
		return true;
	case NUMBER:
		return number_within(value, k->min, k->max);
	case BOOL:
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	case TAGS:
		return tag_bits(value) != 0;
	case WORD:
		return is_word(k, value);
	case OPEN:
		return was_said(m->now, k->name, value) || was_said(m->said, k->name, value);
	case FIXED:
		return false;
	}
	return false;
}

static void leave_out(struct maker *m, const struct ricoh_object *o, const char *prop,
	const char *value, enum ricoh_why why)
{
	struct ricoh_work *w = m->w;

	if (w->n_left == w->cap_left) {
		size_t cap = w->cap_left ? 2 * w->cap_left : 16;
		struct ricoh_left *more = arena_array(&w->arena, cap, sizeof(*more));
		if (!more) {
			m->full = true;
			return;
		}
		if (w->n_left)
			memcpy(more, w->left, w->n_left * sizeof(*more));
		w->left = more;
		w->cap_left = cap;
	}
	const char *name = ricoh_value(o, "name");
	w->left[w->n_left++] =
		(struct ricoh_left){.entry = *name ? name : ricoh_value(o, "longName"),
			.prop = prop,
			.value = value,
			.why = why};
}

/* What stands for nothing. */
static const char *value_of(const struct ricoh_object *o, const struct known *k)
{
	const char *v = ricoh_value(o, k->name);

	return *v || k->class != BOOL ? v : "false";
}

static bool same_value(const struct known *k, const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (k->class == TAGS && tag_bits(a) && tag_bits(a) == tag_bits(b));
}

/* The switch of the property's block: "mail:" of "mail:address"; NULL = of the entry itself. */
static const struct known *switch_of(const struct known *k)
{
	const char *colon = strchr(k->name, ':');

	if (!colon || !colon[1] || strncmp(k->name, "faxAux:", 7) == 0)
		return NULL;
	for (size_t i = 0; i < array_len(KNOWN); i++)
		if (strncmp(KNOWN[i].name, k->name, (size_t)(colon - k->name) + 1) == 0 &&
			!KNOWN[i].name[colon - k->name + 1])
			return &KNOWN[i];
	return NULL;
}

static bool is_on(const struct ricoh_object *o, const struct known *block)
{
	return !block || strcmp(value_of(o, block), "true") == 0;
}

static void add_prop(struct ricoh_prop *p, size_t *n, const char *name, const char *value)
{
	p[(*n)++] = (struct ricoh_prop){.name = name, .value = value};
}

/* Properties that nobody published and that shall be otherwise than they are. */
static void leave_unknown(
	struct maker *m, const struct ricoh_object *was, const struct ricoh_object *o)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct ricoh_prop *p = &o->prop[i];
		if (*p->value && !known(p->name) && !is_silent(p->name) &&
			(!was || strcmp(ricoh_value(was, p->name), p->value) != 0))
			leave_out(m, o, p->name, p->value, RICOH_UNKNOWN_PROPERTY);
	}
}

static void diff_prop(struct maker *m, const struct known *k, const struct ricoh_object *was,
	const struct ricoh_object *o, struct ricoh_prop *p, size_t *n)
{
	const struct known *block = switch_of(k);
	const char *now = value_of(was, k), *then = value_of(o, k);
	bool fresh = block && !is_on(was, block); /* what it held while off means nothing */

	if (k->class == FIXED || !is_on(o, block) || (fresh ? !*then : same_value(k, now, then)))
		return;
	if (k->class == TAGS && !*then)
		leave_out(m, o, k->name, then, RICOH_NO_TAG);
	else if (writable(m, k, then))
		add_prop(p, n, k->name, then);
	else
		leave_out(m, o, k->name, then, RICOH_UNKNOWN_VALUE);
}

static void make_change(struct maker *m, const struct ricoh_object *was,
	const struct ricoh_object *o, struct ricoh_change *ret)
{
	struct ricoh_prop *p = arena_array(&m->w->arena, array_len(KNOWN), sizeof(*p));

	*ret = (struct ricoh_change){.id = ricoh_id(was), .o = {.prop = p}};
	if (!p) {
		m->full = true;
		return;
	}
	for (size_t i = 0; i < array_len(KNOWN); i++)
		diff_prop(m, &KNOWN[i], was, o, p, &ret->o.n);
	leave_unknown(m, was, o);
}

/* The title of a name's first letter, as the machine's own panel has them (address-books.md 4.4);
 * names in other scripts become frequent ones. */
static const char *tag_for(const char *name)
{
	static const struct {
		const char *letters, *tag;
	} TITLES[] = {{"AB", "2"}, {"CD", "3"}, {"EF", "4"}, {"GH", "5"}, {"IJK", "6"},
		{"LMN", "7"}, {"OPQ", "8"}, {"RST", "9"}, {"UVW", "10"}, {"XYZ", "11"}};
	char c = *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;

	for (size_t i = 0; c && i < array_len(TITLES); i++)
		if (strchr(TITLES[i].letters, c))
			return TITLES[i].tag;
	return "1";
}

/* What a new entry says besides its own values: clients always do. */
static const char *initial(const struct ricoh_object *o, const struct known *k)
{
	const char *v = ricoh_value(o, k->name);

	if (*v)
		return v;
	if (strcmp(k->name, "tagId") == 0)
		return tag_for(ricoh_value(o, "name"));
	if (strcmp(k->name, "isDestination") == 0)
		return "true";
	if (strcmp(k->name, "isSender") == 0)
		return "false";
	if (strcmp(k->name, "auth:") == 0 && *ricoh_value(o, "auth:name"))
		return "true";
	return "";
}

static void make_object(struct maker *m, const struct ricoh_object *o, struct ricoh_object *ret)
{
	struct ricoh_prop *p = arena_array(&m->w->arena, array_len(KNOWN) + 1, sizeof(*p));

	*ret = (struct ricoh_object){.prop = p};
	if (!p) {
		m->full = true;
		return;
	}
	add_prop(p, &ret->n, "entryType", "user");
	for (size_t i = 0; i < array_len(KNOWN); i++) {
		const struct known *k = &KNOWN[i], *block = switch_of(k);
		const char *v = initial(o, k);

		if (!*v || k->class == FIXED || (block && strcmp(initial(o, block), "true") != 0))
			continue;
		if (writable(m, k, v))
			add_prop(p, &ret->n, k->name, v);
		else
			leave_out(m, o, k->name, v, RICOH_UNKNOWN_VALUE);
	}
	leave_unknown(m, NULL, o);
}

/* ---- two books ---- */

static bool is_group(const struct ricoh_object *o)
{
	return strcmp(ricoh_value(o, "entryType"), "user") != 0;
}

/* May the machine hold a password for it, which it never says? */
static bool may_have_password(const struct ricoh_object *o)
{
	static const char *const SELECT[] = {
		"remoteFolder:select", "ldap:select", "smtp:select", "remoteFolder:accountName"};

	for (size_t i = 0; i < array_len(SELECT); i++)
		if (*ricoh_value(o, SELECT[i]))
			return true;
	return false;
}

static int read_book(
	struct ricoh_work *w, const struct book *b, struct ricoh_objects *ret, struct fault *reterr)
{
	static const struct encode_options PLAIN = {.profile = NULL};
	struct buf text = BUF_INIT;
	int rc = book_encode(b, codec_named("ricoh_udirectory"), &PLAIN, &text, NULL, reterr);

	if (rc == 0 && text.err)
		rc = fault_set(reterr, CN_RESPONSE_TOO_BIG, "the book does not fit into memory");
	if (rc == 0)
		rc = ricoh_objects_of(&w->arena, buf_span(&text), ret, reterr);
	buf_fini(&text);
	return rc;
}

static void remove_object(struct ricoh_work *w, const struct ricoh_object *o)
{
	w->remove[w->n_remove++] = ricoh_id(o);
	w->groups_removed += is_group(o);
	w->passwords_removed += may_have_password(o);
}

static void map_ids(struct map *ids, const struct ricoh_objects *o)
{
	for (size_t i = 0; i < o->n; i++) {
		uint32_t id = ricoh_id(&o->object[i]);
		if (id)
			(void)map_put(ids, &id, sizeof(id), &o->object[i]);
	}
}

/* Each object of the machine stands for one entry at most: its second one is new. */
static const struct ricoh_object *take_match(struct map *ids, const struct ricoh_object *o)
{
	uint32_t id = ricoh_id(o);
	const struct ricoh_object *was = id ? map_get(ids, &id, sizeof(id)) : NULL;

	if (!was || is_group(was) != is_group(o))
		return NULL;
	return map_remove(ids, &id, sizeof(id));
}

static void compare(struct maker *m, const struct ricoh_objects *before,
	const struct ricoh_objects *wanted, struct map *ids)
{
	struct ricoh_work *w = m->w;

	for (size_t i = 0; i < wanted->n && !m->full; i++) {
		const struct ricoh_object *o = &wanted->object[i], *was = take_match(ids, o);
		if (was) {
			make_change(m, was, o, &w->change[w->n_change]);
			w->n_change += w->change[w->n_change].o.n > 0;
		} else if (is_group(o)) {
			leave_out(m, o, "entryType", "group", RICOH_NEW_GROUP);
		} else {
			make_object(m, o, &w->add[w->n_add++]);
		}
	}
	for (size_t i = 0; i < before->n; i++) {
		uint32_t id = ricoh_id(&before->object[i]);
		if (id && map_get(ids, &id, sizeof(id)) == &before->object[i])
			remove_object(w, &before->object[i]);
	}
}

int ricoh_work_make(struct ricoh_work *w, const struct book *before, const struct book *wanted,
	const struct ricoh_said *said, struct fault *reterr)
{
	struct ricoh_objects was, then;
	struct ricoh_said now = {.values = MAP_INIT};
	struct maker m = {.w = w, .said = said, .now = &now, .fault = reterr};
	struct map ids = MAP_INIT;

	*w = (struct ricoh_work){.remove = NULL};
	arena_init(&w->arena, WORK_MAX);
	if (read_book(w, before, &was, reterr) < 0 || read_book(w, wanted, &then, reterr) < 0)
		return -1;
	w->remove = arena_array(&w->arena, was.n + 1, sizeof(*w->remove));
	w->change = arena_array(&w->arena, then.n + 1, sizeof(*w->change));
	w->add = arena_array(&w->arena, then.n + 1, sizeof(*w->add));
	m.full = !w->remove || !w->change || !w->add;
	if (!m.full) {
		map_ids(&ids, &was);
		ricoh_said_add(&now, &was);
		compare(&m, &was, &then, &ids);
	}
	map_fini(&ids);
	ricoh_said_fini(&now);
	return m.full ? fault_set(reterr, CN_RESPONSE_TOO_BIG, "the book does not fit into memory")
		      : 0;
}

void ricoh_work_fini(struct ricoh_work *w)
{
	arena_fini(&w->arena);
	*w = (struct ricoh_work){.remove = NULL};
}
