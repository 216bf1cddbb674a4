// SPDX-License-Identifier: Apache-2.0
/* Random address books for laws. */
#include "tests/lib/book_random.h"

#include <stdlib.h>
#include <string.h>

const struct book_shape book_any_shape = {
	.lists = 3,
	.entries = 12,
	.kinds = (1u << DEST_KINDS) - 2,
	.dests = 3,
	.tags = true,
	.extras = true,
	.uuids = true,
	.secrets = true,
};

const struct book_shape book_small_shape = {
	.lists = 3,
	.entries = 4,
	.kinds = (1u << DEST_KINDS) - 2,
	.dests = 3,
	.tags = true,
	.extras = true,
	.uuids = true,
	.secrets = true,
};

static const uint8_t *fed;
static size_t n_fed;

void random_feed(const uint8_t *bytes, size_t n)
{
	fed = bytes;
	n_fed = n;
}

uint64_t random_draw(struct random *r)
{
	if (fed) {
		uint64_t byte = n_fed > 0 ? *fed++ : 0;
		n_fed -= n_fed > 0;
		return byte << 32;
	}
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545F4914F6CDD1Du;
}

uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)((random_draw(r) >> 32) % n);
}

bool random_one_in(struct random *r, uint32_t n)
{
	return random_below(r, n) == 0;
}

uint32_t book_cases(uint32_t usual)
{
	const char *cases = getenv("BOOK_CASES");
	long n = cases ? strtol(cases, NULL, 10) : 0;

	return n > 0 && n < INT32_MAX ? (uint32_t)n : usual;
}

/* ---- values ---- */

#define PICK(r, pool) (pool)[random_below(r, array_len(pool))]

static const char *const NAMES[] = {"Ana Silva", "ana silva", "Ana Silva ", "José",
	"Jos\x65\xCC\x81", "山田 太郎", "やまだ", "ﾔﾏﾀﾞ", "Müller & Söhne", "=1+1", "'quoted\"",
	"a,b;c\td", "line\r\nend", "line\nend", "  lead", "007", "2027-01-05", "+33 1", "[x]", "Ω",
	"x", "[", "]a[", "[[x]]", "say \"hi\"", "@SUM(A1)", "-2+3",
	"\x07"
	"bell",
	"1e5", "TRUE", "(null)", "😀 Team 👩‍👩‍👧", "e\xCC\x81\xCC\xA3n",
	"ＡＢＣ　カタカナ", "ｱﾞ〜～−－", "é", "ß Æ €", "髙橋 﨑", "<b>&amp;]]>", "a: b",
	"# not a comment", ":x", "<y", "\\back\\slash", "¥ 100%", "مرحبا", "ไทย", "null",
	"a\xC2\xA0non-breaking", "0x10", "1,5", "one; two", "@End", "\"", "''",
	"'b64:eA==", "\xEF\xBB\xBFmark",
	"A very long name that no small panel of a printer can show in one line of its display",
	"長い名前の部署と担当者の名前がここに書かれています山田太郎"};
static const char *const MAILS[] = {"ana@example.com", "Ana@Example.COM", "ana@example.com.",
	" bob@b\xC3\xBC"
	"cher.example",
	"bob@xn--bcher-kva.example", "scan", "a@b@c", "@", "x@", "\"o, k\"@example.org",
	"o'neil+x@example.org", "山田@example.jp", "0123@example.com",
	"a.very.long.address.that.goes.on.and.on.until.it.is.longer.than.one.hundred.and.twenty."
	"eight.characters.which.is.what.some.machines.hold@example.org"};
static const char *const HOSTS[] = {"server", "SERVER", "server.", "192.168.0.10", "2001:DB8::1",
	"2001:db8:0::1", "[2001:db8::1]", "bücher.example", "n a s", "..."};
static const char *const PATHS[] = {"/in", "\\in", "in/é", "Scan", " a ", "C:\\x",
	"\\\\srv\\share\\a b", "share\\受信", "a,b", "[in]", "=x", "%USER%", "in;out", "\\\\", "/"};
static const char *const FAXES[] = {"+33123456789", "+33 1 23 45 67 89", "0123", "0,123-4P5",
	"*67#", " ", "=0", "-12", "00", "(0)1/23"};
static const char *const PORTS[] = {"445", "21", "0021", "80", "443", "8080", "any"};
static const char *const BOOLS[] = {"true", "false", "on", "OFF", "Yes", "no", "1", "0", "maybe"};
static const char *const TOKENS[] = {"smb", "ftp", "webdav", "g3", "auto", "200x200 400x400",
	"400x400 200x200 200x200", "to", "Line1"};
static const char *const PROTOCOLS[] = {
	"smb", "smb", "ftp", "ftp", "webdav", "ncp", "sftp", "desktop"};
static const char *const NUMBERS[] = {"0", "1", "001", "5", "10", "x1", " 7 "};
static const char *const DIGITS[] = {"0", "0000", "0123", "123", "12345678"};

const char *book_random_value(struct random *r, struct book *b, enum book_field id)
{
	if (id == F_PROTOCOL && !random_one_in(r, 8))
		return PICK(r, PROTOCOLS);
	switch (field_info(id)->type) {
	case FIELD_EMAIL:
		return PICK(r, MAILS);
	case FIELD_HOST:
		return PICK(r, HOSTS);
	case FIELD_PATH:
		return PICK(r, PATHS);
	case FIELD_FAX:
		return PICK(r, FAXES);
	case FIELD_PORT:
		return PICK(r, PORTS);
	case FIELD_BOOL:
		return PICK(r, BOOLS);
	case FIELD_TOKEN:
		return PICK(r, TOKENS);
	case FIELD_UINT:
		return PICK(r, NUMBERS);
	case FIELD_DIGITS:
		return PICK(r, DIGITS);
	case FIELD_TEXT:
		break;
	}
	return random_one_in(r, 4) ? book_fmt(b, "n%u", random_below(r, 1000)) : PICK(r, NAMES);
}

/* ---- entries ---- */

/* One of n entries has it not, or few have it: what makes a destination is mostly there. */
static bool drawn(struct random *r, unsigned id)
{
	switch (id) {
	case F_NAME:
	case F_ADDRESS:
	case F_FAX_NUMBER:
	case F_URI:
	case F_HOST:
	case F_PROTOCOL:
	case F_BOX_ID:
		return !random_one_in(r, 6);
	default:
		return random_one_in(r, field_info(id)->address ? 2 : 8);
	}
}

static void add_fields(struct random *r, struct book *b, struct fields *f, enum dest_kind kind)
{
	for (unsigned id = 1; id < FIELD_NUMBERS; id++) {
		const struct field_info *info = field_info(id);
		bool place = id == F_NUMBER || id == F_UUID;

		if (info && !place && info->kinds & 1u << kind && drawn(r, id))
			book_set(b, f, (enum book_field)id,
				book_random_value(r, b, (enum book_field)id));
	}
}

static void set_secret(struct random *r, struct book *b, struct book_dest *d)
{
	static const char *const words[] = {"", "pass", "Pass", "geheim"};
	enum secret_state state = (enum secret_state)random_below(r, SECRET_UNKNOWN + 1);

	book_set_secret(b, d, state, PICK(r, words), "canon_crypto_2");
}

static void add_dest(
	struct random *r, struct book *b, struct book_entry *e, const struct book_shape *shape)
{
	enum dest_kind kind = (enum dest_kind)(1 + random_below(r, DEST_GROUP - 1));

	if (!(shape->kinds & 1u << kind))
		return;
	struct book_dest *d = book_add_dest(b, e, kind);
	add_fields(r, b, &d->f, kind);
	if (shape->secrets && (kind == DEST_FILE || kind >= DEST_LDAP_AUTH))
		set_secret(r, b, d);
}

static void add_tag(struct random *r, struct book *b, struct book_entry *e)
{
	static const char *const systems[] = {
		"title1", "title2", "title3", "frequent", "category", "search_key"};
	static const char *const values[] = {
		"1", "2", "5", "10", "true", "Sales", "sales ", "Abc", "Other"};

	book_add_tag(b, e, PICK(r, systems), PICK(r, values));
}

static void add_extra(struct random *r, struct book *b, struct book_entry *e)
{
	static const char *const names[] = {"x", "cnreadlang", "IconID", "X"};
	static const char *const values[] = {"", "0", "007", "+1", "Z ", "é"};

	book_add_extra(b, e, PICK(r, names), PICK(r, values));
}

/* An entry of the list, itself too, or one that is not there. */
static void add_member(
	struct random *r, struct book *b, const struct book_list *l, struct book_entry *e)
{
	if (random_one_in(r, 6))
		book_add_member(b, e, random_one_in(r, 2) ? "gone" : NULL, PICK(r, NAMES));
	else
		book_add_member(b, e, l->entry[random_below(r, l->n_entries)].key, "");
}

static void fill(
	struct random *r, struct book *b, struct book_list *l, const struct book_shape *shape)
{
	for (uint32_t i = 0; i < l->n_entries; i++) {
		struct book_entry *e = &l->entry[i];

		add_fields(r, b, &e->f, DEST_NONE);
		e->group = shape->kinds & 1u << DEST_GROUP && random_one_in(r, 4);
		for (uint32_t n = random_below(r, shape->dests + 1); n > 0 && !e->group; n--)
			add_dest(r, b, e, shape);
		for (uint32_t n = random_below(r, 5); n > 0 && e->group; n--)
			add_member(r, b, l, e);
		for (uint32_t n = random_below(r, 4); shape->tags && n > 0; n--)
			add_tag(r, b, e);
		for (uint32_t n = random_below(r, 3); shape->extras && n > 0; n--)
			add_extra(r, b, e);
	}
}

/* A place that nobody in the book has. */
static struct book_entry *new_place(
	struct random *r, struct book *b, struct book_list *l, const struct book_shape *shape)
{
	uint32_t number = 1 + random_below(r, 4);

	for (uint32_t i = 0; i < l->n_entries; i++) {
		const char *n = fields_get(&l->entry[i].f, F_NUMBER);
		if (n && strtoul(n, NULL, 10) >= number)
			number = (uint32_t)strtoul(n, NULL, 10) + 1 + random_below(r, 2);
	}
	const char *text = book_fmt(b, "%u", number);
	const char *uuid = book_fmt(b, "u%s-%u-%u", l->slot, number, random_below(r, 1000));
	bool has_uuid = shape->uuids && random_one_in(r, 3);
	struct book_entry *e = book_add_entry(b, l, has_uuid ? uuid : text);
	book_set(b, &e->f, F_NUMBER, text);
	book_set(b, &e->f, F_UUID, has_uuid ? uuid : NULL);
	return e;
}

struct book *book_random(struct random *r, const struct book_shape *shape)
{
	struct book *b = book_new(shape->family ? shape->family : "canon");
	uint32_t n_lists = 1 + random_below(r, shape->lists);

	for (uint32_t i = 0; i < n_lists; i++) {
		struct book_list *l = book_add_list(b, book_fmt(b, "%u", i + 1), LIST_ADDRESS_LIST,
			random_one_in(r, 2) ? PICK(r, NAMES) : "");
		for (uint32_t n = random_below(r, shape->entries + 1); n > 0; n--)
			(void)new_place(r, b, l, shape);
		fill(r, b, l, shape);
	}
	return b;
}

/* ---- edits ---- */

static struct book_list *some_list(struct random *r, struct book *b)
{
	return &b->list[random_below(r, b->n_lists)];
}

static struct book_entry *some_entry(struct random *r, struct book_list *l)
{
	return l->n_entries ? &l->entry[random_below(r, l->n_entries)] : NULL;
}

static void edit_field(struct random *r, struct book *b, struct fields *f, enum dest_kind kind)
{
	enum book_field id = (enum book_field)(1 + random_below(r, FIELD_NUMBERS - 1));
	const struct field_info *info = field_info(id);

	if (id != F_NUMBER && id != F_UUID && info && info->kinds & 1u << kind)
		book_set(b, f, id, random_one_in(r, 4) ? NULL : book_random_value(r, b, id));
}

static void edit_dest(
	struct random *r, struct book *b, struct book_entry *e, const struct book_shape *shape)
{
	struct book_dest *d = e->n_dests ? &e->dest[random_below(r, e->n_dests)] : NULL;

	if (d == NULL || random_one_in(r, 4)) {
		if (!e->group && e->n_dests < shape->dests)
			add_dest(r, b, e, shape);
	} else if (random_one_in(r, 4)) {
		book_remove_dest(e, d);
	} else if (random_one_in(r, 3) && shape->secrets) {
		set_secret(r, b, d);
	} else {
		edit_field(r, b, &d->f, d->kind);
	}
}

static void edit_sets(struct random *r, struct book *b, struct book_list *l, struct book_entry *e,
	const struct book_shape *shape)
{
	switch (random_below(r, 6)) {
	case 0:
		if (shape->tags)
			add_tag(r, b, e);
		return;
	case 1:
		e->n_tags -= e->n_tags > 0;
		return;
	case 2:
		if (shape->extras)
			add_extra(r, b, e);
		return;
	case 3:
		e->n_extras -= e->n_extras > 0;
		return;
	case 4:
		if (e->group)
			add_member(r, b, l, e);
		return;
	default:
		e->n_members -= e->n_members > 0;
	}
}

/* Members follow. */
static void renumber(struct random *r, struct book *b, struct book_list *l, struct book_entry *e,
	const struct book_shape *shape)
{
	const char *old = e->key;
	struct book_entry *to = new_place(r, b, l, shape);
	const char *key = to->key, *number = fields_get(&to->f, F_NUMBER),
		   *uuid = fields_get(&to->f, F_UUID);

	book_remove_entry(b, l, to);
	e = list_find(l, old);
	e->key = key;
	book_set(b, &e->f, F_NUMBER, number);
	book_set(b, &e->f, F_UUID, uuid);
	for (uint32_t i = 0; i < l->n_entries; i++)
		for (uint32_t m = 0; m < l->entry[i].n_members; m++)
			if (l->entry[i].member[m].key &&
				strcmp(l->entry[i].member[m].key, old) == 0)
				l->entry[i].member[m].key = key;
}

static void swap_entries(struct random *r, struct book_list *l)
{
	struct book_entry *a = some_entry(r, l), *b = some_entry(r, l);

	struct book_entry hold = *a;
	*a = *b;
	*b = hold;
}

static void move(struct random *r, struct book *b, struct book_list *l, struct book_entry *e,
	const struct book_shape *shape)
{
	struct book_list *to = some_list(r, b);

	if (to == l)
		return;
	struct book_entry *moved = new_place(r, b, to, shape);
	struct book_entry place = *moved;
	book_remove_entry(b, to, moved);
	moved = book_copy_entry(b, to, e);
	moved->key = place.key;
	book_set(b, &moved->f, F_NUMBER, fields_get(&place.f, F_NUMBER));
	book_set(b, &moved->f, F_UUID, fields_get(&place.f, F_UUID));
	book_remove_entry(b, l, e);
}

static void edit(struct random *r, struct book *b, const struct book_shape *shape)
{
	struct book_list *l = some_list(r, b);
	struct book_entry *e = some_entry(r, l);
	uint32_t what = random_below(r, 16);

	if (e == NULL || what == 0) {
		uint32_t at = l->n_entries;
		(void)new_place(r, b, l, shape);
		struct book_list one = {.entry = &l->entry[at], .n_entries = 1};
		fill(r, b, &one, shape);
	} else if (what == 1) {
		book_remove_entry(b, l, e);
	} else if (what == 2) {
		renumber(r, b, l, e, shape);
	} else if (what == 3) {
		move(r, b, l, e, shape);
	} else if (what == 4) {
		swap_entries(r, l);
	} else if (what == 5) {
		l->name = PICK(r, NAMES);
	} else if (what < 9) {
		edit_sets(r, b, l, e, shape);
	} else if (what < 13) {
		edit_dest(r, b, e, shape);
	} else {
		edit_field(r, b, &e->f, DEST_NONE);
	}
}

void book_mutate(struct random *r, struct book *b, const struct book_shape *shape, uint32_t edits)
{
	for (; edits > 0; edits--)
		edit(r, b, shape);
}
