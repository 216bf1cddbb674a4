// SPDX-License-Identifier: Apache-2.0
/* Lists from the seed, and what people changed in them. */
#include "services/simulator/book.h"

#include <stdlib.h>
#include <string.h>

static const char *const ITEM_NAMES[ITEMS] = {"list_1", "list_2", "list_3", "list_4", "list_5",
	"list_6", "list_7", "list_8", "list_9", "list_10", "one_touch", "coded_dial", "favorites",
	"address_book", "speed_dial"};

const char *item_name(enum item item)
{
	return ITEM_NAMES[item];
}

int item_find(const char *name)
{
	for (int i = 0; i < ITEMS; i++)
		if (strcmp(ITEM_NAMES[i], name) == 0)
			return i;
	return -1;
}

/* How full a device's book is. */
enum size { SIZE_EMPTY, SIZE_SMALL, SIZE_MEDIUM, SIZE_LARGE, SIZE_FULL, SIZES };

struct shape {
	enum size size;
	uint32_t lists;     /* address lists that exist */
	uint32_t per_list;  /* entries in each */
	uint32_t one_touch; /* entries */
	bool duplicates;
};

static uint32_t weight(const struct device *d, const char *name, uint32_t otherwise)
{
	const json_t *w = json_object_get(json_object_get(d->sim->fleet.spec, "books"), name);

	return json_is_integer(w) ? (uint32_t)json_integer_value(w) : otherwise;
}

static enum size pick_size(const struct device *d, struct rng *r)
{
	const uint32_t weights[SIZES] = {weight(d, "empty", 5), weight(d, "small", 40),
		weight(d, "medium", 40), weight(d, "large", 12), weight(d, "full", 3)};
	uint32_t sum = 0;

	for (int i = 0; i < SIZES; i++)
		sum += weights[i];
	uint32_t at = sum ? rng_below(r, sum) : 0;
	for (int i = 0; i < SIZES; i++) {
		if (at < weights[i])
			return (enum size)i;
		at -= weights[i];
	}
	return SIZE_EMPTY;
}

static struct shape shape_of(const struct device *d)
{
	struct rng r = rng_of(d->sim->fleet.seed, d->index, RNG_DEVICE);
	struct shape s = {.size = pick_size(d, &r)};
	static const uint32_t LISTS[SIZES] = {1, 3, 6, 10, 10};
	static const uint32_t ENTRIES[SIZES] = {0, 30, 160, 600, 1600};

	s.lists = s.size >= SIZE_LARGE ? 10 : 1 + rng_below(&r, LISTS[s.size]);
	uint32_t total = ENTRIES[s.size];
	if (s.size != SIZE_EMPTY && s.size != SIZE_FULL)
		total = total / 2 + rng_below(&r, total);
	s.per_list = total / s.lists;
	s.one_touch =
		s.size == SIZE_FULL ? ONE_TOUCH_MAX : size_min(total / 4, ONE_TOUCH_MAX) & 0xff;
	s.duplicates = rng_chance(&r, weight(d, "duplicates", 10) * 10);
	return s;
}

bool book_has(const struct device *d, enum item item)
{
	switch (d->model->type) {
	case TYPE_I:
		return item <= ITEM_LIST_10 ? item < shape_of(d).lists : item == ITEM_ONE_TOUCH;
	case TYPE_II:
		return item == ITEM_CODED_DIAL || item == ITEM_FAVORITES;
	case TYPE_III:
		return item == ITEM_ADDRESS_BOOK || item == ITEM_SPEED_DIAL;
	case TYPE_NONE:
		break;
	}
	return false;
}

uint32_t book_items(const struct device *d)
{
	uint32_t items = 0;

	for (int i = 0; i < ITEMS; i++)
		items |= book_has(d, (enum item)i) ? 1u << i : 0;
	return items;
}

/* ---- making entries ---- */

static const char *keep(char *s)
{
	bug_if(!s);
	return s;
}

static void make_address(struct rng *r, struct arena *a, struct entry *e, const char *local)
{
	static const char *const DOMAINS[] = {
		"example.com", "lyon.example.fr", "kyoto.example.jp", "partner.example.org"};

	e->mail = keep(
		arena_printf(a, "%s%u@%s", local, rng_below(r, 90) + 10, rng_pick(r, DOMAINS)));
}

static void make_number(struct rng *r, struct arena *a, struct entry *e)
{
	uint32_t n = rng_below(r, 10000000);

	e->dial = keep(rng_chance(r, 500) ? arena_printf(a, "0%u", 100000000 + n)
					  : arena_printf(a, "+33 4 72-%07u", n));
}

static void make_folder(struct rng *r, struct arena *a, struct entry *e, bool latin)
{
	static const char *const PROTOCOLS[] = {"smb", "smb", "ftp", "webdav"};

	e->protocol = rng_pick(r, PROTOCOLS);
	e->host = keep(arena_printf(a, "%snas%u.example.com%s",
		strcmp(e->protocol, "webdav") == 0 ? "https://"
						   : "\\\\" + (*e->protocol != 's' ? 2 : 0),
		rng_below(r, 9) + 1, strcmp(e->protocol, "smb") == 0 ? "\\scan" : ""));
	e->path = keep(arena_printf(
		a, latin || rng_chance(r, 600) ? "Numérisés\\%u" : "共有\\%u", rng_below(r, 500)));
	e->user = keep(arena_printf(a, "EXAMPLE\\scan%u", rng_below(r, 40)));
	e->password = keep(arena_printf(a, "Pw-%08x", (unsigned)rng_next(r)));
}

static void make_group(
	struct rng *r, struct arena *a, struct sim_list *l, size_t i, const struct device *d)
{
	struct entry *e = &l->entries[i];
	size_t n = size_min(i, 1 + rng_below(r, 12));

	e->kind = KIND_GROUP;
	e->mail = NULL;
	e->reading = "";
	e->name = name_department(r, d->language, !d->model->utf8);
	e->members = arena_array(a, n, sizeof(*e->members));
	bug_if(!e->members);
	for (size_t k = 0; k < n; k++)
		e->members[k] = l->entries[rng_below(r, (uint32_t)i)].number;
	e->n_members = n;
}

static void make_entry(struct rng *r, struct sim_list *l, size_t i, const struct device *d)
{
	bool latin = !d->model->utf8;
	struct entry *e = &l->entries[i];
	uint32_t dice = rng_below(r, 100);

	name_person(r, &l->arena, d->language, latin, e);
	const char *local = e->mail;
	e->mail = NULL;
	if (dice < 55) {
		e->kind = KIND_EMAIL;
		e->protocol = "smtp";
		make_address(r, &l->arena, e, local);
	} else if (dice < 72) {
		e->kind = KIND_FAX;
		make_number(r, &l->arena, e);
	} else if (dice < 76) {
		e->kind = KIND_IFAX;
		make_address(r, &l->arena, e, "fax.");
	} else if (dice < 78) {
		e->kind = KIND_IPFAX;
		e->host =
			keep(arena_printf(&l->arena, "sip:%u@pbx.example.com", rng_below(r, 9000)));
	} else if (dice < 92 || i == 0) {
		e->kind = KIND_FILE;
		make_folder(r, &l->arena, e, latin);
	} else {
		make_group(r, &l->arena, l, i, d);
	}
}

static uint32_t entries_of(const struct device *d, const struct shape *s, enum item item)
{
	if (d->model->type == TYPE_I)
		return item == ITEM_ONE_TOUCH ? s->one_touch : s->per_list;
	return item == ITEM_FAVORITES || item == ITEM_SPEED_DIAL ? s->one_touch / 4
								 : s->per_list * 2;
}

struct sim_list *sim_list_new(size_t entries)
{
	struct sim_list *l = mem_alloc(sizeof(*l));

	arena_init(&l->arena, 0);
	l->name = "";
	l->entries = arena_array(&l->arena, entries + 1, sizeof(*l->entries));
	bug_if(!l->entries);
	return l;
}

static struct sim_list *generate(const struct device *d, enum item item)
{
	struct rng r = rng_of(d->sim->fleet.seed, d->index, RNG_LIST + item);
	struct shape shape = shape_of(d);
	bool touch = item == ITEM_ONE_TOUCH || item == ITEM_FAVORITES || item == ITEM_SPEED_DIAL;
	uint32_t number = touch ? 1 : 201;

	struct sim_list *l = sim_list_new(entries_of(d, &shape, item));
	l->n = entries_of(d, &shape, item);
	l->name = touch ? "" : name_department(&r, d->language, !d->model->utf8);
	for (size_t i = 0; i < l->n; i++) {
		l->entries[i].number = number;
		make_entry(&r, l, i, d);
		if (shape.duplicates && i > 0 && rng_chance(&r, 50))
			l->entries[i].name = l->entries[i - 1].name;
		bool gap = rng_chance(&r, 100) && shape.size != SIZE_FULL;
		bool room = !touch || number + (l->n - i) <= ONE_TOUCH_MAX;
		number += gap && room ? 2 : 1;
	}
	return l;
}

/* ---- what people changed ---- */

void sim_list_free(struct sim_list *l)
{
	if (l)
		arena_fini(&l->arena);
	free(l);
}

struct sim_list *book_get(const struct device *d, enum item item)
{
	if (d->kept && d->kept[item])
		return d->kept[item];
	return generate(d, item);
}

void book_put_back(const struct device *d, enum item item, struct sim_list *l)
{
	if (!d->kept || d->kept[item] != l)
		sim_list_free(l);
}

struct sim_list *book_edit(struct device *d, enum item item)
{
	if (!d->kept)
		d->kept = mem_alloc(ITEMS * sizeof(struct sim_list *));
	if (!d->kept[item])
		d->kept[item] = generate(d, item);
	if (d->raw)
		buf_fini(&d->raw[item]);
	d->config_changes++;
	return d->kept[item];
}

void book_forget(struct device *d)
{
	for (int i = 0; d->kept && i < ITEMS; i++)
		sim_list_free(d->kept[i]);
	for (int i = 0; d->raw && i < ITEMS; i++)
		buf_fini(&d->raw[i]);
	free(d->kept);
	free(d->raw);
	d->kept = NULL;
	d->raw = NULL;
}

void book_set_raw(struct device *d, enum item item, struct span bytes)
{
	if (!d->raw)
		d->raw = mem_alloc(ITEMS * sizeof(struct buf));
	buf_reset(&d->raw[item]);
	buf_add(&d->raw[item], bytes.p, bytes.n);
	d->config_changes++;
}

static const char *dup(struct sim_list *l, const char *s)
{
	return s ? keep(arena_strdup(&l->arena, s)) : NULL;
}

void sim_list_copy_entry(struct sim_list *l, struct entry *e)
{
	const char **texts[] = {&e->name, &e->reading, &e->mail, &e->dial, &e->protocol, &e->host,
		&e->path, &e->user, &e->password};

	for (size_t i = 0; i < array_len(texts); i++)
		*texts[i] = dup(l, *texts[i]);
	if (e->n_members)
		e->members = arena_dup(&l->arena, e->members, e->n_members * sizeof(*e->members));
	if (e->n_more)
		e->more = arena_dup(&l->arena, e->more, e->n_more * sizeof(*e->more));
	bug_if((e->n_members && !e->members) || (e->n_more && !e->more));
	for (size_t i = 0; i < e->n_more; i++)
		e->more[i] = (struct entry_line){dup(l, e->more[i].name), dup(l, e->more[i].value)};
}

void book_take(struct device *d, enum item item, struct sim_list *l)
{
	if (!d->kept)
		d->kept = mem_alloc(ITEMS * sizeof(struct sim_list *));
	sim_list_free(d->kept[item]);
	d->kept[item] = l;
	if (d->raw)
		buf_fini(&d->raw[item]);
	d->config_changes++;
}

struct entry *book_find(struct sim_list *l, uint32_t number)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].number == number)
			return &l->entries[i];
	return NULL;
}
