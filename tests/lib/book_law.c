// SPDX-License-Identifier: Apache-2.0
/* What the laws of address books are checked with. */
#include "tests/lib/book_law.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/map.h"
#include "common/book/norm.h"

/* ---- printing ---- */

static void print_fields(const struct fields *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		(void)fprintf(stderr, " %s=<%s>", field_info(f->v[i].id)->name, f->v[i].value);
}

static void print_entry(const struct book_entry *e)
{
	(void)fprintf(stderr, "  %s <%s>", e->group ? "group" : "entry", e->key);
	print_fields(&e->f);
	for (uint32_t i = 0; i < e->n_tags; i++)
		(void)fprintf(stderr, " #%s=<%s>", e->tag[i].system, e->tag[i].value);
	for (uint32_t i = 0; i < e->n_dests; i++) {
		(void)fprintf(stderr, "\n    %s", dest_kind_name(e->dest[i].kind));
		print_fields(&e->dest[i].f);
		(void)fprintf(stderr, " secret %s <%s>", secret_state_name(e->dest[i].secret.state),
			e->dest[i].secret.text ? e->dest[i].secret.text : "");
	}
	for (uint32_t i = 0; i < e->n_members; i++)
		(void)fprintf(stderr, "\n    member <%s> <%s>",
			e->member[i].key ? e->member[i].key : "NULL", e->member[i].text);
	for (uint32_t i = 0; i < e->n_extras; i++)
		(void)fprintf(stderr, "\n    extra <%s>=<%s>", e->extra[i].name, e->extra[i].value);
	(void)fputc('\n', stderr);
}

void law_print(const struct book *b)
{
	(void)fprintf(stderr, "book of %s (%s)\n", b->family, b->codec);
	for (uint32_t i = 0; i < b->n_lists; i++) {
		(void)fprintf(stderr, " list <%s> %s <%s>\n", b->list[i].slot,
			list_kind_name(b->list[i].kind), b->list[i].name);
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			print_entry(&b->list[i].entry[k]);
	}
}

void law_print_ledger(const struct ledger *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct ledger_line *x = &l->line[i];
		(void)fprintf(stderr, "  %s list <%s> key <%s> %s: <%s> → <%s>: %s\n",
			ledger_action_name(x->action), x->list, x->key, x->field, x->before,
			x->after, x->reason);
	}
}

/* ---- equality ---- */

static bool same_fields(const struct fields *a, const struct fields *b)
{
	bool same = a->n == b->n;

	for (uint32_t i = 0; same && i < a->n; i++)
		same = a->v[i].id == b->v[i].id && strcmp(a->v[i].value, b->v[i].value) == 0;
	return same;
}

/* Destinations have no order. */
static bool has_secret(const struct book_entry *e, const struct book_dest *d)
{
	for (uint32_t i = 0; i < e->n_dests; i++) {
		const struct book_dest *x = &e->dest[i];
		if (x->kind == d->kind && x->secret.state == d->secret.state &&
			strcmp(x->secret.text, d->secret.text) == 0 && same_fields(&x->f, &d->f))
			return true;
	}
	return false;
}

static bool same_secrets(
	const struct book_entry *x, const struct book_entry *y, const struct codec *codec)
{
	bool clear = (codec->flags & CODEC_SECRETS) != 0;

	for (uint32_t i = 0; i < x->n_dests; i++) {
		enum secret_state state = x->dest[i].secret.state;
		if (((state == SECRET_CLEAR && clear) || state == SECRET_ENCRYPTED) &&
			!has_secret(y, &x->dest[i]))
			return false;
	}
	return x->n_dests == y->n_dests;
}

static bool same_entry(
	const struct book_entry *x, const struct book_entry *y, const struct codec *codec)
{
	struct buf a = BUF_INIT;
	struct buf b = BUF_INIT;

	entry_serialise(x, NULL, &a);
	entry_serialise(y, NULL, &b);
	bool same = a.n == b.n && memcmp(a.p, b.p, a.n) == 0 && same_secrets(x, y, codec);
	buf_fini(&a);
	buf_fini(&b);
	return same;
}

static bool same_list(
	const struct book_list *x, const struct book_list *y, const struct codec *codec)
{
	struct map keys = MAP_INIT;
	bool same = x->n_entries == y->n_entries && strcmp(x->name, y->name) == 0;

	if (!same)
		(void)fprintf(stderr, "list %s: %u entries <%s>, %u entries <%s>\n", x->slot,
			x->n_entries, x->name, y->n_entries, y->name);
	for (uint32_t i = 0; i < y->n_entries; i++)
		(void)map_put(&keys, y->entry[i].key, strlen(y->entry[i].key), &y->entry[i]);
	for (uint32_t i = 0; same && i < x->n_entries; i++) {
		const struct book_entry *a = &x->entry[i];
		const struct book_entry *b = map_get(&keys, a->key, strlen(a->key));
		/* without a number the place is the key, and places move */
		if (!b && !fields_get(&a->f, F_NUMBER))
			b = &y->entry[i];
		same = b && same_entry(a, b, codec);
		if (!same) {
			(void)fprintf(stderr, "list %s, wanted, and got:\n", x->slot);
			print_entry(a);
			if (b)
				print_entry(b);
		}
	}
	map_fini(&keys);
	return same;
}

/* Most files say which list an entry is in: one without any is nowhere. */
static bool counts(const struct book_list *l, const struct book_profile *profile)
{
	return l->n_entries || (profile->whole_model && *l->name);
}

static uint32_t lists_that_count(const struct book *b, const struct book_profile *profile)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_lists; i++)
		n += counts(&b->list[i], profile);
	return n;
}

bool law_same(const struct book *x, const struct book *y, const struct codec *codec,
	const struct book_profile *profile)
{
	struct book *a = book_normalise(x, profile);
	struct book *b = book_normalise(y, profile);
	bool same = lists_that_count(a, profile) == lists_that_count(b, profile);

	if (!same)
		(void)fprintf(stderr, "%u lists, and %u\n", a->n_lists, b->n_lists);
	for (uint32_t i = 0; same && i < a->n_lists; i++) {
		const struct book_list *l = &a->list[i];
		const struct book_list *m = book_find_list(b, l->slot);
		if (!counts(l, profile))
			continue;
		same = m && same_list(l, m, codec);
		if (!m)
			(void)fprintf(stderr, "no list %s\n", l->slot);
	}
	book_free(a);
	book_free(b);
	return same;
}

/* ---- fields of source = fields of target + ledger ---- */

/* How many of each value there are: "path\nvalue" → count. */
struct census {
	struct map count;
	struct arena arena;
};

static void census_add(struct census *c, const char *path, const char *value, int n)
{
	char *key = arena_printf(&c->arena, "%s\n%s", path, value);
	bug_if(key == NULL);
	int *count = map_get(&c->count, key, strlen(key));

	if (count == NULL) {
		count = arena_alloc(&c->arena, sizeof(*count));
		bug_if(count == NULL);
		(void)map_put(&c->count, key, strlen(key), count);
	}
	*count += n;
}

static int census_of(const struct census *c, const char *path, const char *value)
{
	struct buf key = BUF_INIT;

	buf_addf(&key, "%s\n%s", path, value);
	const int *count = map_get(&c->count, key.p, key.n);
	buf_fini(&key);
	return count ? *count : 0;
}

/* The lines of one entry of the source. */
struct named {
	struct ledger_line **line;
	uint32_t n, cap;
};

static bool covers(const char *field, const char *path)
{
	size_t n = strlen(field);

	return n == 0 || (strncmp(field, path, n) == 0 && (path[n] == '\0' || path[n] == '.'));
}

static bool is_named(const struct named *x, const char *path)
{
	for (uint32_t i = 0; x && i < x->n; i++)
		if (covers(x->line[i]->field, path) && x->line[i]->action != LEDGER_SPLIT &&
			(*x->line[i]->field || x->line[i]->action == LEDGER_ENTRY_DROPPED ||
				x->line[i]->action == LEDGER_MERGED))
			return true;
	return false;
}

typedef void visit_fn(void *arg, const char *path, const char *plain, const char *value);

/* Normal values of a book, in the order in which they stand. */
struct reader {
	const struct book_profile *profile; /* whose defaults count as absent */
	struct book *scratch;
	visit_fn *visit;
	void *arg;
	bool every; /* what counts as absent, too */
};

static bool says_nothing(const struct reader *r, const struct fields *all, enum dest_kind kind,
	enum book_field id, const char *value)
{
	const char *ssl = fields_get(all, F_SSL);
	const char *own =
		protocol_port(norm_value(r->scratch, F_PROTOCOL, fields_get(all, F_PROTOCOL)),
			ssl && strcmp(norm_value(r->scratch, F_SSL, ssl), "true") == 0);

	for (uint32_t i = 0; r->profile && i < r->profile->n_defaults; i++) {
		const struct profile_default *d = &r->profile->defaults[i];
		if (d->kind == kind && d->field == id && strcmp(d->value, value) == 0)
			return true;
	}
	return id == F_PORT && own && strcmp(own, value) == 0;
}

static void read_fields(const struct reader *r, const struct fields *f, enum dest_kind kind,
	const char *path, const char *plain)
{
	char field[300];
	char name[300];

	for (uint32_t i = 0; i < f->n; i++) {
		enum book_field id = f->v[i].id;
		const char *value = norm_value(r->scratch, id, f->v[i].value);
		if (value == NULL || (!r->every && says_nothing(r, f, kind, id, value)))
			continue;
		(void)snprintf(field, sizeof(field), "%s%s", path, field_info(id)->name);
		(void)snprintf(name, sizeof(name), "%s%s", plain, field_info(id)->name);
		r->visit(r->arg, field, name, value);
	}
}

/* path as in a ledger ("file[2].host"), plain without the index. */
static void each_value(const struct reader *r, const struct book_entry *e)
{
	uint32_t seen[DEST_KINDS] = {0};
	char path[300];
	char plain[300];

	read_fields(r, &e->f, DEST_NONE, "", "");
	for (uint32_t i = 0; i < e->n_dests; i++) {
		enum dest_kind kind = e->dest[i].kind;
		char nth[16] = "";
		if (seen[kind]++)
			(void)snprintf(nth, sizeof(nth), "[%u]", seen[kind]);
		(void)snprintf(path, sizeof(path), "%s%s.", dest_kind_name(kind), nth);
		(void)snprintf(plain, sizeof(plain), "%s.", dest_kind_name(kind));
		read_fields(r, &e->dest[i].f, kind, path, plain);
	}
	for (uint32_t i = 0; i < e->n_tags; i++) {
		const char *value = norm_value(r->scratch, F_NAME, e->tag[i].value);
		(void)snprintf(path, sizeof(path), "tag.%s", e->tag[i].system);
		if (value)
			r->visit(r->arg, path, path, value);
	}
	for (uint32_t i = 0; i < e->n_extras; i++) {
		/* the name of a column is the same in any case */
		(void)snprintf(path, sizeof(path), "extra.%s", e->extra[i].name);
		(void)snprintf(plain, sizeof(plain), "%s", path);
		for (char *p = plain; *p; p++)
			*p = ascii_lower(*p);
		r->visit(r->arg, path, plain, e->extra[i].value);
	}
}

struct check {
	struct census census; /* of the other book, or of what lines say they wrote */
	const struct named *named;
	const struct census *also;
	const struct book_entry *entry;
	bool ok;
};

static void count_value(void *arg, const char *path, const char *plain, const char *value)
{
	(void)path;
	census_add(arg, plain, value, 1);
}

static void want_value(void *arg, const char *path, const char *plain, const char *value)
{
	struct check *c = arg;

	if (!c->ok || *value == '\0' || is_named(c->named, path))
		return;
	if (census_of(&c->census, plain, value) > 0 ||
		(c->also && census_of(c->also, plain, value) > 0)) {
		census_add(&c->census, plain, value, c->also ? 0 : -1);
		return;
	}
	c->ok = false;
	(void)fprintf(stderr, "%s <%s> is in neither book nor ledger:\n", path, value);
	print_entry(c->entry);
}

static void census_init(struct census *c)
{
	*c = (struct census){.count = MAP_INIT};
	arena_init(&c->arena, 0);
}

static void census_fini(struct census *c)
{
	map_fini(&c->count);
	arena_fini(&c->arena);
}

static void count_book(struct census *c, const struct book *b, struct book *scratch)
{
	const struct reader r = {.scratch = scratch, .visit = count_value, .arg = c, .every = true};

	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			each_value(&r, &b->list[i].entry[k]);
}

/* Lines by the entry of the source that they are about. */
static void index_lines(struct map *by_entry, struct arena *a, const struct ledger *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		char *key = arena_printf(a, "%s\n%s", l->line[i].list, l->line[i].key);
		bug_if(key == NULL);
		struct named *x = map_get(by_entry, key, strlen(key));
		if (x == NULL) {
			x = arena_alloc(a, sizeof(*x));
			bug_if(x == NULL);
			(void)map_put(by_entry, key, strlen(key), x);
		}
		if (x->n == x->cap) {
			struct ledger_line **v =
				arena_array(a, x->cap ? 2 * x->cap : 4, sizeof(*v));
			bug_if(v == NULL);
			if (x->n)
				memcpy(v, x->line, x->n * sizeof(*v));
			x->cap = x->cap ? 2 * x->cap : 4;
			x->line = v;
		}
		x->line[x->n++] = &l->line[i];
	}
}

static bool source_is_told(const struct book *source, const struct book *target,
	const struct ledger *ledger, const struct book_profile *from)
{
	struct check c = {.ok = true};
	struct book *scratch = book_new("");
	const struct reader r = {from, scratch, want_value, &c, false};
	struct map by_entry = MAP_INIT;
	struct buf key = BUF_INIT;

	census_init(&c.census);
	count_book(&c.census, target, scratch);
	index_lines(&by_entry, &c.census.arena, ledger);
	for (uint32_t i = 0; i < source->n_lists; i++) {
		const struct book_list *l = &source->list[i];
		for (uint32_t k = 0; c.ok && k < l->n_entries; k++) {
			buf_reset(&key);
			buf_addf(&key, "%s\n%s", l->slot, l->entry[k].key);
			c.entry = &l->entry[k];
			c.named = map_get(&by_entry, key.p, key.n);
			each_value(&r, c.entry);
		}
	}
	book_free(scratch);
	buf_fini(&key);
	map_fini(&by_entry);
	census_fini(&c.census);
	return c.ok;
}

/* What a line says is now there, under each name that a value may have. */
static void count_after(struct census *c, const struct ledger *l, struct book *scratch)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct ledger_line *x = &l->line[i];
		const char *leaf = strrchr(x->field, '.');
		enum book_field f = field_named(leaf ? leaf + 1 : x->field);
		char plain[300];
		size_t n = strcspn(x->field, "[");
		const char *rest = strchr(x->field, ']');
		const char *value = f ? norm_value(scratch, f, x->after) : x->after;

		(void)snprintf(
			plain, sizeof(plain), "%.*s%s", (int)n, x->field, rest ? rest + 1 : "");
		census_add(c, plain, value ? value : "", 1);
		/* "title1=3": the tag of another system */
		const char *equal = strchr(x->after, '=');
		if (equal && strncmp(x->field, "tag.", 4) == 0) {
			(void)snprintf(plain, sizeof(plain), "tag.%.*s", (int)(equal - x->after),
				x->after);
			census_add(c, plain, equal + 1, 1);
		}
	}
}

static bool target_is_told(const struct book *source, const struct book *target,
	const struct ledger *ledger, const struct book_profile *to)
{
	struct check c = {.ok = true};
	struct census said;
	struct book *scratch = book_new("");
	const struct reader r = {to, scratch, want_value, &c, false};

	census_init(&c.census);
	census_init(&said);
	count_book(&c.census, source, scratch);
	count_after(&said, ledger, scratch);
	c.also = &said;
	for (uint32_t i = 0; i < target->n_lists; i++)
		for (uint32_t k = 0; c.ok && k < target->list[i].n_entries; k++) {
			const struct book_entry *e = &target->list[i].entry[k];
			const char *number = fields_get(&e->f, F_NUMBER);
			c.entry = e;
			/* numbers of the further pieces of a split entry have no line */
			if (number)
				census_add(&said, "number", number, 1);
			each_value(&r, e);
		}
	census_fini(&said);
	census_fini(&c.census);
	book_free(scratch);
	return c.ok;
}

bool law_complete(const struct book *source, const struct book *target, const struct ledger *ledger,
	const struct book_profile *from, const struct book_profile *to)
{
	return source_is_told(source, target, ledger, from) &&
	       target_is_told(source, target, ledger, to);
}

/* ---- there and back ---- */

/* Entries that should be back, and what they are there. */
struct survivors {
	const struct book_list *list;
	const struct book_entry **entry, **mate;
	uint32_t n;
};

static const struct named *lines_of(
	const struct map *by_entry, const struct book_list *l, const struct book_entry *e)
{
	struct buf key = BUF_INIT;

	buf_addf(&key, "%s\n%s", l->slot, e->key);
	const struct named *x = map_get(by_entry, key.p, key.n);
	buf_fini(&key);
	return x;
}

static bool dropped(const struct named *x)
{
	for (uint32_t i = 0; x && i < x->n; i++)
		if (x->line[i]->action == LEDGER_ENTRY_DROPPED && *x->line[i]->field == '\0')
			return true;
	return false;
}

static const struct book_entry *by_number(const struct book_list *l, const char *number)
{
	for (uint32_t i = 0; number && i < l->n_entries; i++) {
		const char *n = fields_get(&l->entry[i].f, F_NUMBER);
		if (n && strcmp(n, number) == 0)
			return &l->entry[i];
	}
	return NULL;
}

/* Numbers are kept, or these books are none of the law; without them the order is. */
static bool find_mates(struct survivors *s, const struct book_list *back)
{
	if (s->n != back->n_entries) {
		(void)fprintf(stderr, "list %s: %u entries should be back, %u are\n", s->list->slot,
			s->n, back->n_entries);
		return false;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		s->mate[i] = by_number(back, fields_get(&s->entry[i]->f, F_NUMBER));
		if (!s->mate[i])
			s->mate[i] = &back->entry[i];
	}
	return true;
}

/* NULL = dangling. */
static const char *key_there(const struct survivors *s, const char *key)
{
	for (uint32_t i = 0; key && i < s->n; i++)
		if (strcmp(s->entry[i]->key, key) == 0)
			return s->mate[i]->key;
	return NULL;
}

static bool members_returned(const struct survivors *s, uint32_t i)
{
	const struct book_entry *e = s->entry[i];
	const struct book_entry *f = s->mate[i];
	bool ok = e->n_members == f->n_members;

	for (uint32_t k = 0; ok && k < e->n_members; k++) {
		const char *key = key_there(s, e->member[k].key);
		const char *there = key_there(s, NULL);
		for (uint32_t m = 0; f->member[k].key && !there && m < s->n; m++)
			if (strcmp(s->mate[m]->key, f->member[k].key) == 0)
				there = f->member[k].key;
		ok = key ? there && strcmp(key, there) == 0 : there == NULL;
	}
	if (!ok)
		(void)fprintf(stderr, "the members of %s did not come back\n", e->key);
	return ok;
}

/* The lines of one entry, there and back: in the middle it may have had its number as its key. */
static void lines_both_ways(const struct survivors *s, uint32_t i, const struct map *there,
	const struct map *later, struct named *ret)
{
	const struct book_entry *e = s->entry[i];
	const struct named *a = lines_of(there, s->list, e);
	const struct named *b = lines_of(later, s->list, e);

	if (!b)
		b = lines_of(later, s->list, s->mate[i]);
	ret->n = 0;
	for (uint32_t k = 0; a && k < a->n; k++)
		ret->line[ret->n++] = a->line[k];
	for (uint32_t k = 0; b && k < b->n && ret->n < ret->cap; k++)
		if (ledger_severity(b->line[k]->action) == SEVERITY_CHANGE)
			ret->line[ret->n++] = b->line[k];
}

static bool list_returned(struct survivors *s, const struct book_list *back,
	const struct map *by_entry, const struct map *later, const struct book_profile *profile)
{
	struct check c = {.ok = find_mates(s, back)};
	struct book *scratch = book_new("");
	const struct reader want = {profile, scratch, want_value, &c, false};
	struct ledger_line *lines[400];
	struct named named = {.line = lines, .cap = array_len(lines)};

	for (uint32_t i = 0; c.ok && i < s->n; i++) {
		const struct reader have = {NULL, scratch, count_value, &c.census, true};
		census_init(&c.census);
		each_value(&have, s->mate[i]);
		c.entry = s->entry[i];
		lines_both_ways(s, i, by_entry, later, &named);
		c.named = &named;
		each_value(&want, c.entry);
		if (c.ok && !is_named(c.named, "member"))
			c.ok = members_returned(s, i);
		census_fini(&c.census);
	}
	book_free(scratch);
	return c.ok;
}

bool law_returned(const struct book *source, const struct book *back, const struct ledger *there,
	const struct ledger *on_return, const struct book_profile *profile)
{
	struct map by_entry = MAP_INIT;
	struct map later = MAP_INIT;
	struct arena arena;
	bool ok = true;

	arena_init(&arena, 0);
	index_lines(&by_entry, &arena, there);
	index_lines(&later, &arena, on_return);
	for (uint32_t i = 0; ok && i < source->n_lists; i++) {
		const struct book_list *l = &source->list[i];
		const struct book_list *m = book_find_list(back, l->slot);
		struct survivors s = {.list = l,
			.entry = mem_alloc((l->n_entries + 1) * sizeof(*s.entry)),
			.mate = mem_alloc((l->n_entries + 1) * sizeof(*s.mate))};
		for (uint32_t k = 0; k < l->n_entries; k++)
			if (!dropped(lines_of(&by_entry, l, &l->entry[k])))
				s.entry[s.n++] = &l->entry[k];
		if (m || s.n)
			ok = m && list_returned(&s, m, &by_entry, &later, profile);
		free(s.entry);
		free(s.mate);
	}
	map_fini(&by_entry);
	map_fini(&later);
	arena_fini(&arena);
	return ok;
}

/* ---- samples ---- */

static char *slurp(const char *path, struct span *ret)
{
	FILE *f = fopen(path, "r");
	char *p = NULL;
	size_t n = 0;
	FILE *mem = open_memstream(&p, &n);

	bug_if(f == NULL || mem == NULL);
	for (int c = fgetc(f); c != EOF; c = fgetc(f))
		(void)fputc(c, mem);
	(void)fclose(f);
	(void)fclose(mem);
	*ret = (struct span){(const uint8_t *)p, n};
	return p;
}

static int is_file(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

unsigned law_samples(const struct codec *codec,
	void (*fn)(const struct codec *codec, const char *path, struct span file, void *arg),
	void *arg)
{
	struct dirent **names;
	char path[512];
	(void)snprintf(path, sizeof(path), "tests/golden/book/%s", codec->name);
	int n = scandir(path, &names, is_file, alphasort);

	for (int i = 0; i < n; i++) {
		struct span file;
		(void)snprintf(path, sizeof(path), "tests/golden/book/%s/%s", codec->name,
			names[i]->d_name);
		char *p = slurp(path, &file);
		fn(codec, path, file, arg);
		free(p);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n > 0 ? (unsigned)n : 0;
}

struct first {
	char *p;
	struct span file;
};

static void keep_first(const struct codec *codec, const char *path, struct span file, void *arg)
{
	struct first *first = arg;
	struct book *b = NULL;
	struct fault fault = FAULT_INIT;
	const struct decode_options strict = {.lenient = false};

	(void)path;
	if (first->p || book_decode(file, codec, &strict, &b, &fault) < 0) {
		book_free(b);
		return;
	}
	book_free(b);
	first->p = mem_alloc(file.n + 1);
	memcpy(first->p, file.p, file.n);
	first->file = (struct span){(const uint8_t *)first->p, file.n};
}

char *law_first_sample(const struct codec *codec, struct span *ret_file)
{
	struct first first = {.p = NULL};

	(void)law_samples(codec, keep_first, &first);
	*ret_file = first.file;
	return first.p;
}

const struct book_profile *law_profile(const struct book *b)
{
	const struct book_profile *p = profile_named(b->codec);

	return p && strcmp(p->family, b->family) == 0 ? p : profile_named(b->family);
}
