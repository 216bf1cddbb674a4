// SPDX-License-Identifier: Apache-2.0
/* Books as CSV for spreadsheets, and back. A row for each destination of an entry; a group has one
 * of its own. */
#include "common/book/formats/view.h"

#include <string.h>

#include "common/book/engines/joined.h"
#include "common/book/engines/table.h"
#include "common/crypto/crypto.h"
#include "common/text/utf8.h"

#define EXTRA_COLUMNS 100u /* names beyond go into the column "more" */

/* ---- cells ---- */

/* What a spreadsheet takes for the begin of a formula, or for our own guard. */
static bool dangerous(struct span s)
{
	static const char *const WIDE[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"};

	if (s.n == 0 || strchr("=+-@\t\r\n'", s.p[0]))
		return true;
	for (size_t i = 0; i < array_len(WIDE); i++)
		if (s.n >= 3 && memcmp(s.p, WIDE[i], 3) == 0)
			return true;
	return false;
}

static bool plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r')
			return false;
	return utf8_valid(s.p, s.n);
}

void view_guard(struct span text, struct buf *out)
{
	if (!plain(text)) {
		buf_adds(out, "'b64:");
		base64_encode(text, out);
		return;
	}
	if (dangerous(text))
		buf_addc(out, '\'');
	buf_add(out, text.p, text.n);
}

int view_unguard(struct span cell, struct buf *out)
{
	if (cell.n == 0 || cell.p[0] != '\'') {
		buf_add(out, cell.p, cell.n);
		return 0;
	}
	cell = (struct span){cell.p + 1, cell.n - 1};
	if (cell.n >= 4 && memcmp(cell.p, "b64:", 4) == 0)
		return base64_decode((const char *)cell.p + 4, cell.n - 4, out);
	buf_add(out, cell.p, cell.n);
	return 0;
}

/* ---- columns ---- */

enum what {
	MARK,
	FAMILY,
	LIST,
	LIST_NAME,
	LIST_KIND,
	KEY,
	ENTRY_FIELD,
	KIND,
	DEST_FIELD,
	SECRET,
	MEMBERS,
	TAGS,
	EXTRA,
	MORE,
};

struct view_column {
	enum what what;
	enum book_field field;
	const char *name; /* of an EXTRA: the extra's */
};

static const struct {
	enum what what;
	const char *name;
} NAMES[] = {
	{MARK, VIEW_MARK},
	{FAMILY, "family"},
	{LIST, "list"},
	{LIST_NAME, "list_name"},
	{LIST_KIND, "list_kind"},
	{KEY, "key"},
	{KIND, "kind"},
	{SECRET, "secret"},
	{MEMBERS, "members"},
	{TAGS, "tags"},
	{MORE, "more"},
};

static const char *name_of(enum what what)
{
	for (size_t i = 0; i < array_len(NAMES); i++)
		if (NAMES[i].what == what)
			return NAMES[i].name;
	return "";
}

struct view {
	struct view_column col[BOOK_COLUMNS_MAX];
	size_t n;
};

static void add_column(struct view *v, enum what what, enum book_field field, const char *name)
{
	v->col[v->n++] = (struct view_column){what, field, name};
}

/* ---- export: what the book uses ---- */

struct used {
	bool field[FIELD_NUMBERS];
	bool list_name, list_kind, secret, members, tags, more;
	const char *extra[EXTRA_COLUMNS];
	size_t n_extras;
};

static bool extra_has_column(const struct used *u, const char *name)
{
	for (size_t i = 0; i < u->n_extras; i++)
		if (strcmp(u->extra[i], name) == 0)
			return true;
	return false;
}

static void use_extra(struct used *u, const char *name)
{
	if (extra_has_column(u, name))
		return;
	if (u->n_extras < EXTRA_COLUMNS)
		u->extra[u->n_extras++] = name;
	else
		u->more = true;
}

static void use_fields(struct used *u, const struct fields *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		u->field[f->v[i].id] = true;
}

/* A folder or a login without a password is worth a word; an address is not. */
static bool shows_secret(const struct book_dest *d)
{
	return d->secret.state != SECRET_ABSENT || d->kind == DEST_FILE ||
	       d->kind >= DEST_LDAP_AUTH;
}

static void use_entry(struct used *u, const struct book_entry *e)
{
	use_fields(u, &e->f);
	for (uint32_t i = 0; i < e->n_dests; i++) {
		use_fields(u, &e->dest[i].f);
		u->secret |= shows_secret(&e->dest[i]);
	}
	for (uint32_t i = 0; i < e->n_extras; i++)
		use_extra(u, e->extra[i].name);
	u->members |= e->n_members > 0;
	u->tags |= e->n_tags > 0;
}

static struct used uses(const struct book *b)
{
	struct used u = {.field = {[F_NUMBER] = true, [F_NAME] = true}};

	for (uint32_t i = 0; i < b->n_lists; i++) {
		u.list_name |= *b->list[i].name != 0;
		u.list_kind |= b->list[i].kind != LIST_FLAT;
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			use_entry(&u, &b->list[i].entry[j]);
	}
	return u;
}

static void add_fields(struct view *v, const struct used *u, bool of_entry)
{
	for (unsigned f = 1; f < FIELD_NUMBERS; f++) {
		const struct field_info *info = field_info(f);

		if (info && u->field[f] && (info->kinds == 1u << DEST_NONE) == of_entry)
			add_column(v, of_entry ? ENTRY_FIELD : DEST_FIELD, (enum book_field)f,
				info->name);
	}
}

static void add_columns(struct view *v, const struct used *u)
{
	static const enum what HEAD[] = {MARK, FAMILY, LIST, LIST_NAME, LIST_KIND, KEY};
	const bool head[] = {true, true, true, u->list_name, u->list_kind, true};

	for (size_t i = 0; i < array_len(HEAD); i++)
		if (head[i])
			add_column(v, HEAD[i], (enum book_field)0, NULL);
	add_fields(v, u, true);
	add_column(v, KIND, (enum book_field)0, NULL);
	add_fields(v, u, false);
	if (u->secret)
		add_column(v, SECRET, (enum book_field)0, NULL);
	if (u->members)
		add_column(v, MEMBERS, (enum book_field)0, NULL);
	if (u->tags)
		add_column(v, TAGS, (enum book_field)0, NULL);
	for (size_t i = 0; i < u->n_extras; i++)
		add_column(v, EXTRA, (enum book_field)0, u->extra[i]);
	if (u->more)
		add_column(v, MORE, (enum book_field)0, NULL);
}

/* ---- export: rows ---- */

/* What a row is about. */
struct view_row {
	const struct book *book;
	const struct book_list *list;
	const struct book_entry *entry; /* NULL: an empty list */
	const struct book_dest *dest;
	uint32_t n; /* of the entry's rows, from 0 */
};

/* "key", "key=text", or "?text" of one that is not there. */
static const char *join_members(const struct book_entry *e, struct buf *text)
{
	for (uint32_t i = 0; i < e->n_members; i++) {
		const struct book_member *m = &e->member[i];
		struct buf one = BUF_INIT;
		bool both = m->key && *m->text && strcmp(m->key, m->text) != 0;

		if (!m->key)
			buf_addc(&one, '?');
		else if (strchr("?\\", *m->key))
			buf_addc(&one, '\\');
		buf_adds(&one, m->key ? m->key : m->text);
		if (both)
			joined_add_pair(text, buf_str(&one), m->text);
		else
			joined_add(text, buf_str(&one));
		buf_fini(&one);
	}
	return e->n_members ? buf_str(text) : NULL;
}

static const char *join_tags(const struct book_entry *e, struct buf *text)
{
	for (uint32_t i = 0; i < e->n_tags; i++)
		joined_add_pair(text, e->tag[i].system, e->tag[i].value);
	return e->n_tags ? buf_str(text) : NULL;
}

static bool is_column(const struct view *v, const char *extra)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->col[i].what == EXTRA && strcmp(v->col[i].name, extra) == 0)
			return true;
	return false;
}

static const char *join_more(const struct view *v, const struct book_entry *e, struct buf *text)
{
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (!is_column(v, e->extra[i].name))
			joined_add_pair(text, e->extra[i].name, e->extra[i].value);
	return text->n ? buf_str(text) : NULL;
}

/* The n-th extra of that name: several of one name stand in several rows. */
static const char *nth_extra(const struct book_entry *e, const char *name, uint32_t n)
{
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (strcmp(e->extra[i].name, name) == 0 && n-- == 0)
			return e->extra[i].value;
	return NULL;
}

static const char *say_kind(const struct view_row *r)
{
	if (r->dest)
		return dest_kind_name(r->dest->kind);
	return r->entry && r->entry->group && r->n == 0 ? "group" : NULL;
}

static const char *say_secret(const struct book_dest *d)
{
	if (!d || !shows_secret(d))
		return NULL;
	if (d->secret.state == SECRET_CLEAR || d->secret.state == SECRET_ENCRYPTED)
		return "set";
	return d->secret.state == SECRET_ABSENT ? "not set" : "unknown";
}

static const char *say_entry(const struct view *v, const struct view_row *r,
	const struct view_column *c, struct buf *text)
{
	const struct book_entry *e = r->entry;

	if (c->what == KEY)
		return e->key;
	if (c->what == EXTRA)
		return nth_extra(e, c->name, r->n);
	if (c->what == ENTRY_FIELD && (r->n == 0 || c->field == F_NAME || c->field == F_NUMBER))
		return fields_get(&e->f, c->field);
	if (r->n > 0)
		return NULL;
	if (c->what == MEMBERS)
		return join_members(e, text);
	if (c->what == TAGS)
		return join_tags(e, text);
	return c->what == MORE ? join_more(v, e, text) : NULL;
}

/* NULL = absent. */
static const char *say(const struct view *v, const struct view_row *r, const struct view_column *c,
	struct buf *text)
{
	buf_reset(text);
	switch (c->what) {
	case MARK:
		return "1";
	case FAMILY:
		return r->book->family;
	case LIST:
		return r->list->slot;
	case LIST_NAME:
		return *r->list->name ? r->list->name : NULL;
	case LIST_KIND:
		return list_kind_name(r->list->kind);
	case KIND:
		return say_kind(r);
	case DEST_FIELD:
		return r->dest ? fields_get(&r->dest->f, c->field) : NULL;
	case SECRET:
		return say_secret(r->dest);
	case KEY:
	case ENTRY_FIELD:
	case MEMBERS:
	case TAGS:
	case EXTRA:
	case MORE:
		break;
	}
	return r->entry ? say_entry(v, r, c, text) : NULL;
}

static void put(struct buf *out, const char *text)
{
	struct buf cell = BUF_INIT;

	if (text)
		view_guard((struct span){(const uint8_t *)text, strlen(text)}, &cell);
	if (table_put(out, CHARSET_UTF8, ',', buf_str(&cell), true) < 0)
		bug_if(true); /* view_guard gives UTF-8 */
	buf_fini(&cell);
}

static void put_row(const struct view *v, const struct view_row *r, struct buf *out)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < v->n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		put(out, say(v, r, &v->col[i], &text));
	}
	buf_adds(out, "\r\n");
	buf_fini(&text);
}

static void put_heading(const struct view *v, struct buf *out)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct view_column *c = &v->col[i];
		struct buf name = BUF_INIT;

		if (i > 0)
			buf_addc(out, ',');
		if (c->what == EXTRA)
			buf_adds(&name, "x.");
		buf_adds(&name, c->name ? c->name : name_of(c->what));
		put(out, buf_str(&name));
		buf_fini(&name);
	}
	buf_adds(out, "\r\n");
}

/* How many rows its extras need: names that stand twice. */
static uint32_t rows_of_extras(const struct view *v, const struct book_entry *e)
{
	uint32_t rows = 1;

	for (uint32_t i = 0; i < e->n_extras; i++)
		while (is_column(v, e->extra[i].name) && nth_extra(e, e->extra[i].name, rows))
			rows++;
	return rows;
}

static void put_entry(const struct view *v, struct view_row r, struct buf *out)
{
	uint32_t own = r.entry->group ? 1 : 0; /* the row of the group itself */
	uint32_t n = r.entry->n_dests + own;
	uint32_t rows = rows_of_extras(v, r.entry);

	if (rows < n)
		rows = n;
	for (r.n = 0; r.n < rows; r.n++) {
		r.dest = r.n >= own && r.n < n ? &r.entry->dest[r.n - own] : NULL;
		put_row(v, &r, out);
	}
}

void view_export(const struct book *b, struct buf *out)
{
	const struct used u = uses(b);
	struct view v = {.n = 0};

	add_columns(&v, &u);
	buf_adds(out, "\xef\xbb\xbf");
	put_heading(&v, out);
	for (uint32_t i = 0; i < b->n_lists; i++) {
		struct view_row r = {.book = b, .list = &b->list[i]};

		if (r.list->n_entries == 0)
			put_row(&v, &r, out);
		for (uint32_t j = 0; j < r.list->n_entries; j++) {
			r.entry = &r.list->entry[j];
			put_entry(&v, r, out);
		}
	}
}
