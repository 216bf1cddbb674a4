// SPDX-License-Identifier: Apache-2.0
/* What is to be sent. Both books are written by the codec, so that only what differs in the model
 * differs here. */
#include "services/worker/adapters/ricoh_work.h"

#include <stdlib.h>
#include <string.h>

#include "common/book/codec.h"
#include "gen/errors.h"

#define WORK_MAX ((size_t)256 * 1024 * 1024)
static int read_book(
	struct arena *a, const struct book *b, struct ricoh_objects *ret, struct fault *reterr)
{
	static const struct encode_options PLAIN = {.profile = NULL};
	struct buf text = BUF_INIT;
	int rc = book_encode(b, codec_named("ricoh_udirectory"), &PLAIN, &text, NULL, reterr);

	if (rc == 0 && text.err)
		rc = fault_set(reterr, CN_RESPONSE_TOO_BIG, "the book does not fit into memory");
	if (rc == 0)
		rc = ricoh_objects_of(a, buf_span(&text), ret, reterr);
	buf_fini(&text);
	return rc;
}

void ricoh_said_book(struct ricoh_said *s, const struct book *b)
{
	struct ricoh_objects o;
	struct fault ignored = FAULT_INIT;
	struct arena a;

	arena_init(&a, WORK_MAX);
	if (b && read_book(&a, b, &o, &ignored) == 0)
		ricoh_said_add(s, &o);
	arena_fini(&a);
}

/* ---- what is sent of one entry ---- */

struct maker {
	struct ricoh_work *w;
	const struct ricoh_said *said, *now; /* in this session; in the book of before */
	struct fault *fault;
	bool full;
};

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
static const char *value_of(const struct ricoh_object *o, const struct ricoh_rule *k)
{
	const char *v = ricoh_value(o, k->name);

	return *v || k->class != RICOH_BOOL ? v : "false";
}

static bool is_on(const struct ricoh_object *o, const struct ricoh_rule *block)
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
		if (*p->value && !ricoh_rule(p->name) && !ricoh_is_silent(p->name) &&
			(!was || strcmp(ricoh_value(was, p->name), p->value) != 0))
			leave_out(m, o, p->name, p->value, RICOH_UNKNOWN_PROPERTY);
	}
}

static void diff_prop(struct maker *m, const struct ricoh_rule *k, const struct ricoh_object *was,
	const struct ricoh_object *o, struct ricoh_prop *p, size_t *n)
{
	const struct ricoh_rule *block = ricoh_switch_of(k);
	const char *now = value_of(was, k), *then = value_of(o, k);
	bool fresh = block && !is_on(was, block); /* what it held while off means nothing */

	if (k->class == RICOH_FIXED || !is_on(o, block) ||
		(fresh ? !*then : ricoh_same_value(k, now, then)))
		return;
	if (k->class == RICOH_TAGS && !*then)
		leave_out(m, o, k->name, then, RICOH_NO_TAG);
	else if (ricoh_writable(k, then, m->now, m->said))
		add_prop(p, n, k->name, then);
	else
		leave_out(m, o, k->name, then, RICOH_UNKNOWN_VALUE);
}

static void make_change(struct maker *m, const struct ricoh_object *was,
	const struct ricoh_object *o, struct ricoh_change *ret)
{
	struct ricoh_prop *p = arena_array(&m->w->arena, RICOH_RULES, sizeof(*p));

	*ret = (struct ricoh_change){.id = ricoh_id(was), .o = {.prop = p}};
	if (!p) {
		m->full = true;
		return;
	}
	for (size_t i = 0; i < RICOH_RULES; i++)
		diff_prop(m, &ricoh_rules[i], was, o, p, &ret->o.n);
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
static const char *initial(const struct ricoh_object *o, const struct ricoh_rule *k)
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
	struct ricoh_prop *p = arena_array(&m->w->arena, RICOH_RULES + 1, sizeof(*p));

	*ret = (struct ricoh_object){.prop = p};
	if (!p) {
		m->full = true;
		return;
	}
	add_prop(p, &ret->n, "entryType", "user");
	for (size_t i = 0; i < RICOH_RULES; i++) {
		const struct ricoh_rule *k = &ricoh_rules[i], *block = ricoh_switch_of(k);
		const char *v = initial(o, k);

		if (!*v || k->class == RICOH_FIXED ||
			(block && strcmp(initial(o, block), "true") != 0))
			continue;
		if (ricoh_writable(k, v, m->now, m->said))
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

/* ---- numbers ---- */

/* An entry cannot take the number of another one, not even for a moment: those that shall have a
 * number which somebody still has go to a free one first, and to theirs when it is free. */
struct numbers {
	struct map holder; /* number → object of before that stays */
	struct map taken;  /* numbers of both books */
	uint32_t next;     /* free from here on, or taken */
};

static uint32_t number_of(const struct ricoh_object *o)
{
	const char *s = ricoh_value(o, "index");

	return (uint32_t)strtoul(s, NULL, 10);
}

static void note_number(struct map *m, const struct ricoh_object *o)
{
	uint32_t n = number_of(o);

	if (n)
		(void)map_put(m, &n, sizeof(n), (void *)(uintptr_t)o);
}

static bool is_held(const struct numbers *n, const struct ricoh_change *c)
{
	uint32_t number = number_of(&c->o);
	const struct ricoh_object *holder =
		number ? map_get(&n->holder, &number, sizeof(number)) : NULL;

	return holder && ricoh_id(holder) != c->id;
}

static bool move_away(struct maker *m, struct numbers *n, uint32_t id, struct ricoh_change *ret)
{
	struct ricoh_prop *p = arena_alloc(&m->w->arena, sizeof(*p));
	const char *text;

	while (map_get(&n->taken, &n->next, sizeof(n->next)))
		n->next++;
	text = arena_printf(&m->w->arena, "%u", n->next++);
	if (!p || !text)
		return false;
	*p = (struct ricoh_prop){.name = "index", .value = text};
	*ret = (struct ricoh_change){.id = id, .o = {.prop = p, .n = 1}};
	return true;
}

static void order_changes(struct maker *m, struct numbers *n)
{
	struct ricoh_work *w = m->w;
	struct ricoh_change *c = arena_array(&w->arena, 2 * w->n_change + 1, sizeof(*c));
	size_t k = 0;

	m->full |= !c;
	for (size_t i = 0; i < w->n_change && !m->full; i++)
		if (is_held(n, &w->change[i]))
			m->full |= !move_away(m, n, w->change[i].id, &c[k++]);
	for (int held = 0; held < 2 && !m->full; held++)
		for (size_t i = 0; i < w->n_change; i++)
			if (is_held(n, &w->change[i]) == held)
				c[k++] = w->change[i];
	w->change = c;
	w->n_change = k;
}

static bool is_removed(const struct ricoh_work *w, uint32_t id)
{
	for (size_t i = 0; i < w->n_remove; i++)
		if (w->remove[i] == id)
			return true;
	return false;
}

static void make_room(
	struct maker *m, const struct ricoh_objects *was, const struct ricoh_objects *then)
{
	struct numbers n = {.holder = MAP_INIT, .taken = MAP_INIT, .next = 1};

	for (size_t i = 0; i < was->n; i++) {
		note_number(&n.taken, &was->object[i]);
		if (!is_removed(m->w, ricoh_id(&was->object[i])))
			note_number(&n.holder, &was->object[i]);
	}
	for (size_t i = 0; i < then->n; i++)
		note_number(&n.taken, &then->object[i]);
	order_changes(m, &n);
	map_fini(&n.holder);
	map_fini(&n.taken);
}

/* ---- the whole ---- */

int ricoh_work_make(struct ricoh_work *w, const struct book *before, const struct book *wanted,
	const struct ricoh_said *said, struct fault *reterr)
{
	struct ricoh_objects was = {.n = 0}, then = {.n = 0};
	struct ricoh_said now = {.values = MAP_INIT};
	struct maker m = {.w = w, .said = said, .now = &now, .fault = reterr};
	struct map ids = MAP_INIT;

	*w = (struct ricoh_work){.remove = NULL};
	arena_init(&w->arena, WORK_MAX);
	if (read_book(&w->arena, before, &was, reterr) < 0 ||
		read_book(&w->arena, wanted, &then, reterr) < 0)
		return -1;
	w->remove = arena_array(&w->arena, was.n + 1, sizeof(*w->remove));
	w->change = arena_array(&w->arena, then.n + 1, sizeof(*w->change));
	w->add = arena_array(&w->arena, then.n + 1, sizeof(*w->add));
	m.full = !w->remove || !w->change || !w->add;
	if (!m.full) {
		map_ids(&ids, &was);
		ricoh_said_add(&now, &was);
		compare(&m, &was, &then, &ids);
		make_room(&m, &was, &then);
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
