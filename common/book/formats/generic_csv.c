// SPDX-License-Identifier: Apache-2.0
/* The generic CSV (docs/spec/address-books.md 4.10): Carnet's own, with a row for each destination,
 * and by a mapping file anybody's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/engines/joined.h"
#include "common/book/engines/sheet.h"
#include "common/book/formats/generic_priv.h"
#include "common/book/formats/view.h"
#include "gen/errors.h"

enum { LIST, NUMBER, KIND, LIST_NAME, SECRET };

/* Where the rows of an entry go. */
struct place {
	uint32_t list, entry;
};

/* A cell of the column members, until all entries are known. */
struct group_cell {
	struct place at;
	const char *text;
};

struct generic {
	struct map by_number; /* "slot\0number" to struct place */
	struct buf key;
	struct group_cell *group;
	size_t n, cap;
	struct map old; /* writing: "slot\0key" of the base to its entry */
	struct writer *w;
};

/* ---- reading ---- */

static int charset_of(struct sheet *s)
{
	const struct mapping *m = s->d->opts->mapping;

	return m && m->charset >= 0 ? m->charset : CHARSET_UTF8;
}

static const char *renamed(struct sheet *s, const char *name)
{
	const struct mapping *m = s->d->opts->mapping;

	for (size_t i = 0; m && i < m->n; i++)
		if (ascii_same(m->pair[i].from, name))
			return m->pair[i].to;
	return name;
}

static struct place *place_of(struct generic *g, const char *slot, const char *number)
{
	buf_reset(&g->key);
	buf_add(&g->key, slot, strlen(slot) + 1);
	buf_adds(&g->key, number);
	return map_get(&g->by_number, g->key.p, g->key.n);
}

static void note_place(struct sheet *s, struct generic *g, const struct record *r)
{
	struct place *p = mem_alloc(sizeof(*p));

	*p = (struct place){
		(uint32_t)(r->list - s->d->book->list), (uint32_t)(r->entry - r->list->entry)};
	map_put(&g->by_number, g->key.p, g->key.n, p);
}

/* A new entry, or the one of this list and number again. */
static int find_entry(struct sheet *s, struct record *r, const char *slot, const char *number)
{
	struct generic *g = s->state;
	const char *plain = *number ? plain_number(number) : NULL;
	const struct place *p = plain ? place_of(g, slot, plain) : NULL;
	const char *name = sheet_text(s, s->look[LIST_NAME]);

	if (!name)
		return -1;
	if (p) {
		r->list = &s->d->book->list[p->list];
		r->entry = &r->list->entry[p->entry];
		r->first = r->entry->n_dests;
		r->again = true;
		return 0;
	}
	if (sheet_add(s, r, sheet_list(s, slot, LIST_FLAT, name)) < 0)
		return -1;
	if (plain)
		note_place(s, g, r);
	return 0;
}

/* A kind without an address of its own still is a destination. */
static int set_kind(struct sheet *s, const struct record *r, const char *kind)
{
	int k = *kind ? dest_kind_named(kind) : 0;

	if (k < 0) {
		sheet_wrong(s, s->look[KIND], CN_PARSE_ERROR, "bad_kind",
			"no kind of destination has this name");
		return -1;
	}
	if (k == DEST_GROUP)
		r->entry->group = true;
	else if (k && !r->entry->group)
		book_add_dest(s->d->book, r->entry, (enum dest_kind)k);
	return 0;
}

static int row(struct sheet *s, struct record *r)
{
	const char *slot = sheet_text(s, s->look[LIST]);
	const char *number = sheet_text(s, s->look[NUMBER]);
	const char *kind = sheet_text(s, s->look[KIND]);

	if (!slot || !number || !kind)
		return 0;
	if (find_entry(s, r, *slot ? slot : "1", number) < 0)
		return 0;
	return set_kind(s, r, kind) == 0;
}

static bool get_members(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)c;
	struct generic *g = s->state;

	r->entry->group = true;
	if (r->again)
		return true;
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 32;
		g->group = mem_realloc(g->group, g->cap * sizeof(g->group[0]));
	}
	g->group[g->n++] = (struct group_cell){
		{(uint32_t)(r->list - s->d->book->list), (uint32_t)(r->entry - r->list->entry)},
		book_str(s->d->book, text)};
	return true;
}

static bool get_tags(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)c;
	struct buf system = BUF_INIT, value = BUF_INIT;

	while (!r->again && *text) {
		text = joined_pair(text, &system, &value);
		if (value.n)
			book_add_tag(s->d->book, r->entry, system.n ? buf_str(&system) : "tag",
				buf_str(&value));
	}
	buf_fini(&system);
	buf_fini(&value);
	return true;
}

/* Of the destination of this row. A password is known only where its own column says it. */
static bool get_state(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)c;
	const char *secret = sheet_text(s, s->look[SECRET]);
	int state = secret_state_named(text);

	if (state < 0 || r->first >= r->entry->n_dests)
		return false;
	if (secret && *secret)
		return true;
	if (state == SECRET_CLEAR || state == SECRET_ENCRYPTED)
		state = SECRET_WITHHELD;
	book_set_secret(
		s->d->book, &r->entry->dest[r->first], (enum secret_state)state, NULL, NULL);
	return true;
}

static void add_members(struct sheet *s, struct generic *g, const struct group_cell *c)
{
	struct book_list *l = &s->d->book->list[c->at.list];
	struct buf token = BUF_INIT;
	const char *p = c->text;

	while (*p) {
		const char *plain;
		const struct place *at;

		p = joined_next(p, &token);
		plain = token.n ? plain_number(buf_str(&token)) : NULL;
		at = plain ? place_of(g, l->slot, plain) : NULL;
		book_add_member(s->d->book, &l->entry[c->at.entry],
			at ? l->entry[at->entry].key : NULL, buf_str(&token));
	}
	buf_fini(&token);
}

static void done(struct sheet *s)
{
	struct generic *g = s->state;

	if (s->d->book->n_lists == 0)
		sheet_list(s, "1", LIST_FLAT, "");
	for (size_t i = 0; i < g->n; i++)
		add_members(s, g, &g->group[i]);
}

/* ---- writing ---- */

static const char *put_list(const struct saying *y)
{
	return y->about->list->slot;
}

static const char *put_list_name(const struct saying *y)
{
	return y->about->list->name;
}

/* The only one of the row; of several, the first. */
static const char *put_kind(const struct saying *y)
{
	if (y->about->entry->group)
		return "group";
	for (int k = DEST_EMAIL; k < DEST_KINDS; k++)
		if (y->about->pick[k])
			return dest_kind_name((enum dest_kind)k);
	return "";
}

static const struct book_entry *entry_of(const struct saying *y, const char *key)
{
	struct generic *g = y->state;
	const struct target *t;

	buf_reset(&g->key);
	buf_add(&g->key, y->about->list->slot, strlen(y->about->list->slot) + 1);
	buf_adds(&g->key, key);
	if (y->about->book == g->w->base_of.book)
		return map_get(&g->old, g->key.p, g->key.n);
	t = map_get(&g->w->by_key, g->key.p, g->key.n);
	return t ? t->entry : NULL;
}

static const char *put_members(const struct saying *y)
{
	const struct book_entry *e = y->about->entry;

	for (uint32_t i = 0; i < e->n_members; i++) {
		const struct book_member *m = &e->member[i];
		const struct book_entry *to = m->key ? entry_of(y, m->key) : NULL;
		const char *number = to ? fields_get(&to->f, F_NUMBER) : NULL;

		joined_add(y->text, number ? number : *m->text ? m->text : m->key ? m->key : "");
	}
	return e->n_members ? buf_str(y->text) : NULL;
}

static const char *put_tags(const struct saying *y)
{
	const struct book_entry *e = y->about->entry;

	for (uint32_t i = 0; i < e->n_tags; i++)
		joined_add_pair(y->text,
			strcmp(e->tag[i].system, "tag") == 0 ? "" : e->tag[i].system,
			e->tag[i].value);
	return e->n_tags ? buf_str(y->text) : NULL;
}

static const char *put_state(const struct saying *y)
{
	enum secret_state state = y->dest->secret.state;

	return state == SECRET_ABSENT ? NULL : secret_state_name(state);
}

static void plan(struct writer *w)
{
	const struct book *b = w->base_of.book;
	struct generic *g = w->state;

	g->w = w;
	for (uint32_t i = 0; i < b->n_lists; i++) {
		for (uint32_t j = 0; j < b->list[i].n_entries; j++) {
			struct book_entry *e = &b->list[i].entry[j];

			buf_reset(&g->key);
			buf_add(&g->key, b->list[i].slot, strlen(b->list[i].slot) + 1);
			buf_adds(&g->key, e->key);
			map_put(&g->old, g->key.p, g->key.n, e);
		}
	}
}

#define OWN COLUMN_OWN
#define DEFINES COLUMN_DEFINES
/* clang-format off */
static const struct column COLUMNS[] = {
	{.name = "list", .flags = OWN, .put = put_list},
	{.name = "number", .field = F_NUMBER},
	{.name = "name", .field = F_NAME, .flags = COLUMN_REQUIRED},
	{.name = "reading", .field = F_READING},
	{.name = "short_label", .field = F_SHORT_LABEL},
	{.name = "kind", .flags = OWN, .put = put_kind},
	{.name = "email", .kind = DEST_EMAIL, .field = F_ADDRESS, .flags = DEFINES},
	{.name = "fax", .kind = DEST_FAX, .field = F_FAX_NUMBER, .flags = DEFINES},
	{.name = "ifax", .kind = DEST_IFAX, .field = F_ADDRESS, .flags = DEFINES},
	{.name = "ipfax", .kind = DEST_IPFAX, .field = F_URI, .flags = DEFINES},
	{.name = "protocol", .kind = DEST_FILE, .field = F_PROTOCOL, .flags = DEFINES},
	{.name = "host", .kind = DEST_FILE, .field = F_HOST, .flags = DEFINES},
	{.name = "port", .kind = DEST_FILE, .field = F_PORT, .flags = DEFINES},
	{.name = "share", .kind = DEST_FILE, .field = F_SHARE, .flags = DEFINES},
	{.name = "path", .kind = DEST_FILE, .field = F_PATH, .flags = DEFINES},
	{.name = "account", .kind = DEST_FILE, .field = F_ACCOUNT, .flags = DEFINES},
	{.name = "secret_state", .kind = DEST_FILE, .get = get_state, .put = put_state},
	{.name = "secret_state", .kind = DEST_EMAIL, .get = get_state, .put = put_state},
	{.name = "secret_state", .kind = DEST_FAX, .get = get_state, .put = put_state},
	{.name = "secret_state", .kind = DEST_IFAX, .get = get_state, .put = put_state},
	{.name = "secret_state", .kind = DEST_IPFAX, .get = get_state, .put = put_state},
	{.name = "members", .get = get_members, .put = put_members},
	{.name = "tags", .get = get_tags, .put = put_tags},
	{.name = "favourite", .field = F_FAVOURITE},
	{.name = "access_no", .field = F_ACCESS_NO},
	{.name = "uuid", .field = F_UUID},
	/* only where there is something to say */
	{.name = "list_name", .flags = OWN, .put = put_list_name},
	{.name = "secret", .kind = DEST_FILE, .flags = COLUMN_SECRET},
	{.name = "secret", .kind = DEST_EMAIL, .flags = COLUMN_SECRET},
	{.name = "secret", .kind = DEST_FAX, .flags = COLUMN_SECRET},
	{.name = "secret", .kind = DEST_IFAX, .flags = COLUMN_SECRET},
	{.name = "secret", .kind = DEST_IPFAX, .flags = COLUMN_SECRET},
};
/* clang-format on */

#define ALWAYS 26 /* of COLUMNS, up to uuid */

static void fresh(struct encoder *e, struct buf *out);

static const struct format FORMAT = {
	.column = COLUMNS,
	.n_columns = array_len(COLUMNS),
	.family = "generic",
	.number = "number",
	.look = {[LIST] = "list",
		[NUMBER] = "number",
		[KIND] = "kind",
		[LIST_NAME] = "list_name",
		[SECRET] = "secret"},
	.prefix = "x.",
	.row_per_dest = true,
	.tags = true,
	.members = true,
	.yes = "true",
	.charset = charset_of,
	.rename = renamed,
	.row = row,
	.done = done,
	.fresh = fresh,
	.plan = plan,
};

static bool any_list_name(const struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		if (*b->list[i].name)
			return true;
	return false;
}

static void fresh(struct encoder *e, struct buf *out)
{
	struct format f = FORMAT;
	struct column column[array_len(COLUMNS)];
	size_t n = ALWAYS;

	memcpy(column, COLUMNS, sizeof(column));
	if (any_list_name(e->book))
		column[n++] = COLUMNS[ALWAYS];
	for (size_t i = ALWAYS + 1; e->reveal_secrets && i < array_len(COLUMNS); i++)
		column[n++] = COLUMNS[i];
	f.column = column;
	writer_heading(e, &f, n, out);
	buf_adds(out, "\r\n");
}

/* ---- the codec ---- */

static void free_place(void *value, void *arg)
{
	(void)arg;
	free(value);
}

static void generic_fini(struct generic *g)
{
	map_each(&g->by_number, free_place, NULL);
	map_fini(&g->by_number);
	map_fini(&g->old);
	buf_fini(&g->key);
	free(g->group);
}

/* Is one of the cells of the first line this name? */
static bool names(struct span line, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= line.n; i++) {
		bool begin = i == 0 || strchr(",;\t\"", line.p[i - 1]);
		bool end = i + n == line.n || strchr(",;\t\"", line.p[i + n]);

		if (begin && end && ascii_same_n((const char *)line.p + i, name, n))
			return true;
	}
	return false;
}

static int detect(struct span head)
{
	size_t mark = head.n >= 3 && memcmp(head.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct span line = {head.p + mark, head.n - mark};
	const uint8_t *nl = line.n ? memchr(line.p, '\n', line.n) : NULL;
	static const char *const TELLING[] = {"email", "fax", "ifax", "ipfax", "host", "members"};
	int score = 0;

	if (nl)
		line.n = (size_t)(nl - line.p);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n > 200 * 256 || memchr(line.p, 0, line.n))
		return 0;
	if (names(line, VIEW_MARK) && names(line, "list") && names(line, "kind"))
		return 45; /* so that it is refused by its name */
	if (!names(line, "name"))
		return 0;
	for (size_t i = 0; i < array_len(TELLING); i++)
		score += names(line, TELLING[i]) ? 5 : 0;
	return score ? 25 + score : 0;
}

static struct format format_by(const struct mapping *m)
{
	struct format f = FORMAT;

	f.brackets = m && m->brackets;
	f.delimiter = m ? m->delimiter : 0;
	return f;
}

static int decode(struct decoder *d)
{
	const struct format f = format_by(d->opts->mapping);
	struct generic g = {.n = 0};
	int r;

	r = sheet_decode(d, &f, &g);
	generic_fini(&g);
	return r;
}

extern const struct codec codec_generic_csv;

static int encode(struct encoder *e)
{
	struct generic g = {.n = 0};
	const struct format f = format_by(e->base.n ? e->mapping : NULL);
	int r = sheet_encode(e, &codec_generic_csv, &f, &g);

	generic_fini(&g);
	return r;
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return (kind == DEST_GROUP && field == 0) || sheet_holds(&FORMAT, kind, field);
}

const struct codec codec_generic_csv = {
	.name = "generic_csv",
	.family = "generic",
	.title = "generic CSV",
	.suffix = ".csv",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_GROUPS | CODEC_LISTS | CODEC_MANY_DESTS | CODEC_TAGS |
		 CODEC_EXACT | CODEC_SECRETS | CODEC_EXTRAS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};
