// SPDX-License-Identifier: Apache-2.0
/* LDIF (RFC 2849; docs/spec/address-books.md 4.3): people and groups of a directory as entries,
 * what stands between them kept as it is. Nothing is fetched, no change is carried out. */
#include "common/book/formats/ldif.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/crypto/crypto.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define DN_MAX_LENGTH 4096
#define NAME_MAX_LENGTH 64 /* of an attribute: it fits into a folded line */

/* ---- lines ---- */

bool ldif_named(const struct line *l, const char *name)
{
	return l->kind >= LINE_TEXT && l->name.n == strlen(name) &&
	       ascii_same_n((const char *)l->name.p, name, l->name.n);
}

struct span ldif_value(const struct line *l)
{
	struct span v = l->value;

	while (v.n > 0 && v.p[0] == ' ') {
		v.p++;
		v.n--;
	}
	return v;
}

const char *ldif_text(const struct line *l, struct arena *a)
{
	struct span v = ldif_value(l);
	struct buf b = BUF_INIT;
	char *s = NULL;
	bool good = true;

	if (l->kind == LINE_BASE64)
		good = base64_decode((const char *)v.p, v.n, &b) == 0;
	else
		buf_add(&b, v.p, v.n);
	if (good && utf8_valid(b.p, b.n) && (b.n == 0 || !memchr(b.p, 0, b.n)))
		s = arena_strndup(a, buf_str(&b), b.n);
	buf_fini(&b);
	return s;
}

static bool one_of(struct span v, const char *const *words)
{
	for (; *words; words++)
		if (v.n == strlen(*words) && ascii_same_n((const char *)v.p, *words, v.n))
			return true;
	return false;
}

/* What a server keeps of an entry for itself; no attribute of anybody's (RFC 4512, 4530). */
static bool operational(struct span name)
{
	static const char *const NAMES[] = {"structuralObjectClass", "entryUUID", "entryCSN",
		"entryDN", "creatorsName", "createTimestamp", "modifiersName", "modifyTimestamp",
		"subschemaSubentry", "hasSubordinates", "contextCSN", NULL};

	return one_of(name, NAMES);
}

bool ldif_silent(const struct line *l)
{
	static const char *const CLASSES[] = {
		"top", "person", "organizationalPerson", "uidObject", NULL};

	return operational(l->name) ||
	       (ldif_named(l, "objectClass") && one_of(ldif_value(l), CLASSES));
}

bool ldif_secret(struct span name)
{
	static const char *const WORDS[] = {"passw", "pwd"};

	for (size_t w = 0; w < array_len(WORDS); w++)
		for (size_t i = 0; i + strlen(WORDS[w]) <= name.n; i++)
			if (ascii_same_n((const char *)name.p + i, WORDS[w], strlen(WORDS[w])))
				return true;
	return false;
}

const char *ldif_dn(const struct record *r, struct arena *a)
{
	uint32_t i = 0;

	while (i < r->n && r->line[i].kind == LINE_COMMENT)
		i++;
	return i < r->n && ldif_named(&r->line[i], "dn") ? ldif_text(&r->line[i], a) : NULL;
}

/* ---- faults ---- */

struct reader {
	struct decoder *d;
	struct lines lines;
	struct arena scratch; /* of one record */
	struct map names;     /* of entries, folded: struct named */
	struct map parents;   /* of lists, normal: index + 1 */
	struct map slots;     /* that are taken */
	struct book_list *list;
	uint32_t records;
};

/* Where an entry went. */
struct named {
	uint32_t list, entry;
};

static struct book_fault at(const struct line *l, const uint8_t *p)
{
	struct book_fault f = {.code = CN_PARSE_ERROR};
	bool inside = p >= l->whole.p && p < l->whole.p + l->whole.n;

	lines_place(l, inside ? p : l->whole.p, &f);
	if (l->folded && !inside)
		f.column = f.byte = 0;
	return f;
}

static int wrong(struct reader *x, const struct line *l, const uint8_t *p, const char *reason,
	const char *text)
{
	struct book_fault f = at(l, p);

	f.reason = reason;
	if (l->kind >= LINE_TEXT)
		f.where = book_strn(x->d->book, (const char *)l->name.p, size_min(l->name.n, 40));
	if (strcmp(reason, "charset") == 0)
		f.code = CN_CHARSET_ERROR;
	if (strcmp(reason, "line") == 0 || strcmp(reason, "field") == 0)
		f.code = CN_RESPONSE_TOO_BIG;
	return decode_wrong(x->d, &f, "%s", text);
}

static void odd(struct reader *x, const struct line *l, const char *reason, const char *text)
{
	struct book_fault f = at(l, l->whole.p);

	f.reason = reason;
	f.where = book_strn(x->d->book, (const char *)l->name.p, size_min(l->name.n, 40));
	decode_odd(x->d, &f, "%s", text);
}

/* ---- is a line sound? 1 = yes, 0 = no and told, -1 = stop ---- */

static bool name_valid(struct span n)
{
	size_t i = 0;

	if (n.n == 0 || n.n > NAME_MAX_LENGTH ||
		!(ascii_alpha((char)n.p[0]) || ascii_digit((char)n.p[0])))
		return false;
	while (i < n.n && (ascii_alpha((char)n.p[i]) || ascii_digit((char)n.p[i]) ||
				  n.p[i] == '-' || n.p[i] == '.' || n.p[i] == ';'))
		i++;
	return i == n.n;
}

static int check_base64(struct reader *x, const struct line *l)
{
	struct span v = ldif_value(l);
	struct buf bytes = BUF_INIT, again = BUF_INIT;
	bool good = base64_decode((const char *)v.p, v.n, &bytes) == 0;

	if (good)
		base64_encode(buf_span(&bytes), &again);
	good = good && again.n == v.n && (v.n == 0 || memcmp(again.p, v.p, v.n) == 0);
	buf_fini(&bytes);
	buf_fini(&again);
	return good ? 1 : wrong(x, l, v.p, "base64", "a value that is not base64");
}

static int check_text(struct reader *x, const struct line *l)
{
	struct span v = ldif_value(l);

	if (v.n > 0 && (v.p[0] == ':' || v.p[0] == '<'))
		return wrong(x, l, v.p, "not_safe",
			"a value that begins with : or < must be base64 (RFC 2849)");
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\r')
			return wrong(x, l, v.p + i, "bare_cr", "a carriage return inside a line");
		if (v.p[i] >= 0x80)
			return wrong(x, l, v.p + i, "not_safe",
				"a value with other characters than ASCII must be base64 (RFC "
				"2849)");
	}
	return 1;
}

static int check_bytes(struct reader *x, const struct line *l)
{
	const uint8_t *nul = memchr(l->whole.p, 0, l->whole.n);
	size_t good = utf8_prefix(l->whole.p, l->whole.n);

	if (l->longest)
		return wrong(x, l, l->whole.p, "line", "a line of more than 1 MiB");
	if (l->cut)
		return wrong(x, l, l->whole.p, "field", "a value of more than 65536 bytes");
	if (nul)
		return wrong(x, l, nul, "nul", "a NUL byte");
	if (good < l->whole.n)
		return wrong(x, l, l->whole.p + good, "charset", "a byte that is not UTF-8");
	return 1;
}

static int check_line(struct reader *x, const struct line *l)
{
	int r = check_bytes(x, l);

	if (r != 1 || l->kind < LINE_TEXT)
		return r;
	if (l->kind == LINE_MALFORMED)
		return wrong(x, l, l->whole.p, "no_colon",
			l->whole.p[0] == ' ' ? "the continuation of nothing"
					     : "a line without a colon");
	if (!name_valid(l->name))
		return wrong(x, l, l->name.p, "name", "this is no name of an attribute");
	if (l->kind == LINE_URL)
		return wrong(x, l, l->value.p, "url",
			"a value that would have to be fetched from an address");
	return l->kind == LINE_BASE64 ? check_base64(x, l) : check_text(x, l);
}

/* ---- records ---- */

enum what { NOTHING, PERSON, GROUP, CONTAINER };

static enum what what_is(const struct record *r)
{
	static const char *const GROUPS[] = {"groupOfNames", NULL};
	static const char *const PEOPLE[] = {
		"person", "organizationalPerson", "inetOrgPerson", "residentialPerson", NULL};
	static const char *const UNITS[] = {"organizationalUnit", NULL};
	enum what w = NOTHING;

	for (uint32_t i = 0; i < r->n; i++) {
		struct span v = ldif_value(&r->line[i]);

		if (r->line[i].kind != LINE_TEXT || !ldif_named(&r->line[i], "objectClass"))
			continue;
		if (one_of(v, PEOPLE))
			return PERSON;
		if (one_of(v, GROUPS))
			w = GROUP;
		else if (one_of(v, UNITS) && w == NOTHING)
			w = CONTAINER;
	}
	return w;
}

/* Each name above entries is a list: by its ou, "1" where it has none; where that is taken, by the
 * whole name. */
static struct book_list *list_of(struct reader *x, const char *parent)
{
	struct book *b = x->d->book;
	struct buf normal = BUF_INIT, ou = BUF_INIT;
	bool unit = dn_value(parent, "ou", &ou) && utf8_valid(ou.p, ou.n) && ou.n > 0;
	uintptr_t i;

	dn_normal(parent, &normal);
	i = (uintptr_t)map_get(&x->parents, buf_str(&normal), normal.n);
	if (!i) {
		const char *slot = unit ? buf_str(&ou) : "1";
		if (map_get(&x->slots, slot, strlen(slot)))
			slot = normal.n ? buf_str(&normal) : "/";
		(void)map_put(&x->slots, slot, strlen(slot), b);
		i = (uintptr_t)b->n_lists + 1;
		(void)map_put(&x->parents, buf_str(&normal), normal.n, (void *)i);
		book_add_list(b, slot, unit ? LIST_ADDRESS_LIST : LIST_FLAT, "");
	}
	buf_fini(&normal);
	buf_fini(&ou);
	return b->too_big ? &b->spare_list : &b->list[i - 1];
}

static const char *text_of(struct reader *x, const struct record *r, const char *name)
{
	for (uint32_t i = 0; i < r->n; i++) {
		const char *s =
			ldif_named(&r->line[i], name) ? ldif_text(&r->line[i], &x->scratch) : NULL;
		if (s && *s)
			return s;
	}
	return NULL;
}

static void container(struct reader *x, const struct record *r, const char *dn)
{
	const char *name = text_of(x, r, "description");
	const char *kind = text_of(x, r, "businessCategory");
	struct buf ou = BUF_INIT;

	if (dn_value(dn, "ou", &ou) && ou.n > 0) {
		struct book_list *l = list_of(x, dn);

		if (name && !*l->name)
			l->name = book_str(x->d->book, name);
		if (kind && list_kind_named(kind) >= 0)
			l->kind = (enum list_kind)list_kind_named(kind);
	}
	buf_fini(&ou);
}

static void add_extra(
	struct reader *x, struct book_entry *e, const struct line *l, const char *text)
{
	struct span v = ldif_value(l);
	struct buf name = BUF_INIT;

	buf_add(&name, l->name.p, l->name.n);
	if (!text) { /* bytes that are no text stay base64 */
		buf_addc(&name, ':');
		text = arena_strndup(&x->scratch, (const char *)v.p, v.n);
	}
	book_add_extra(x->d->book, e, buf_str(&name), text ? text : "");
	buf_fini(&name);
}

static const char *last_word(const char *name)
{
	const char *space = strrchr(name, ' ');

	return space && space[1] ? space + 1 : name;
}

/* Is the line what follows from the name? */
static bool implied(const struct line *l, const char *text, const char *name)
{
	return (ldif_named(l, "sn") && strcmp(text, last_word(name)) == 0) ||
	       (ldif_named(l, "displayName") && strcmp(text, name) == 0);
}

static bool class_said(const struct line *l)
{
	static const char *const CLASSES[] = {"inetOrgPerson", "groupOfNames", NULL};

	return ldif_named(l, "objectClass") && l->kind == LINE_TEXT &&
	       one_of(ldif_value(l), CLASSES);
}

static void add_address(struct reader *x, struct book_entry *e, enum dest_kind kind,
	enum book_field id, const char *text)
{
	book_set(x->d->book, &book_add_dest(x->d->book, e, kind)->f, id, text);
}

static void attribute(struct reader *x, struct book_entry *e, const struct line *l)
{
	const char *text = ldif_text(l, &x->scratch);
	const char *name = entry_name(e);

	if (ldif_value(l).n == 0 || ldif_silent(l) || class_said(l))
		return;
	if (ldif_secret(l->name)) {
		odd(x, l, "password", "a password: it stays in this file only");
		return;
	}
	if (text && ldif_named(l, "mail"))
		add_address(x, e, DEST_EMAIL, F_ADDRESS, text);
	else if (text && ldif_named(l, "facsimileTelephoneNumber"))
		add_address(x, e, DEST_FAX, F_FAX_NUMBER, text);
	else if (text && e->group && ldif_named(l, "member"))
		book_add_member(x->d->book, e, NULL, text);
	else if (text && ldif_named(l, "labeledURI") && ldif_uri_read(text, x->d->book, e))
		return;
	else if (!text || !implied(l, text, name))
		add_extra(x, e, l, text);
}

/* An entry: uid is its key, else its name is. */
static int entry(struct reader *x, const struct record *r, const char *dn, bool group)
{
	struct book *b = x->d->book;
	const char *uid = text_of(x, r, "uid"), *cn = text_of(x, r, "cn");
	struct book_list *l = list_of(x, dn_parent(dn));
	struct buf normal = BUF_INIT;
	struct named *place = arena_alloc(&b->arena, sizeof(*place));
	struct book_entry *e;
	bool twice;

	if (!place) {
		b->too_big = true;
		return 0;
	}
	if (!uid && !*dn)
		return wrong(
			x, &r->line[0], r->line[0].whole.p, "dn", "an entry needs a name or a uid");
	*place = (struct named){(uint32_t)(l - b->list), l->n_entries};
	dn_fold(dn, &normal);
	twice = map_get(&x->names, buf_str(&normal), normal.n);
	if (!twice)
		(void)map_put(&x->names, buf_str(&normal), normal.n, place);
	buf_fini(&normal);
	if (twice)
		return wrong(x, &r->line[0], r->line[0].whole.p, "duplicate_dn",
			"two records have this name");
	e = book_add_entry(b, l, uid ? uid : dn);
	e->at = (struct book_place){r->number, (size_t)(r->whole.p - x->d->file.p)};
	e->group = group;
	book_set(b, &e->f, F_NAME, cn);
	for (uint32_t i = 0; i < r->n; i++) {
		const struct line *line = &r->line[i];
		const char *text = ldif_text(line, &x->scratch);

		if (line->kind == LINE_COMMENT || ldif_named(line, "dn") ||
			ldif_named(line, "changetype"))
			continue;
		if (uid && ldif_named(line, "uid") && text && *text) {
			uid = NULL; /* the first one */
			continue;
		}
		if (cn && ldif_named(line, "cn") && text && *text) {
			cn = NULL;
			continue;
		}
		attribute(x, e, line);
	}
	return 0;
}

static int change(struct reader *x, const struct line *l)
{
	static const char *const ADD[] = {"add", NULL};

	if (ldif_named(l, "changetype") && one_of(ldif_value(l), ADD) && x->d->opts->lenient) {
		odd(x, l, "change_record", "changetype: add is read like an entry");
		return 1;
	}
	return wrong(x, l, l->whole.p, "change_record",
		"a change to a directory is no entry of an address book");
}

static int check_columns(struct reader *x, const struct record *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		n += !ldif_named(&r->line[i], "member");
	if (!r->many && n <= BOOK_COLUMNS_MAX)
		return 1;
	const struct book_fault f = {
		.code = CN_RESPONSE_TOO_BIG, .line = r->number, .reason = "fields"};
	return decode_wrong(x->d, &f, "more than %u lines in a record", BOOK_COLUMNS_MAX);
}

static int check(struct reader *x, const struct record *r)
{
	int sound = check_columns(x, r);

	for (uint32_t i = 0; i < r->n && sound >= 0; i++) {
		bool second = i > 0 && r->line[i - 1].kind >= LINE_TEXT &&
			      ldif_named(&r->line[i - 1], "dn");
		if (second && (ldif_named(&r->line[i], "changetype") ||
				      ldif_named(&r->line[i], "control"))) {
			int r2 = change(x, &r->line[i]);
			if (r2 != 1)
				return r2;
		}
		int one = check_line(x, &r->line[i]);
		if (one != 1)
			sound = one;
	}
	return sound;
}

static int version(struct reader *x, const struct line *l)
{
	static const char *const ONE[] = {"1", NULL};

	if (x->records > 0 || !one_of(ldif_value(l), ONE) || l->kind != LINE_TEXT)
		return wrong(x, l, l->whole.p, "version", "only version 1 is known, and once");
	return 0;
}

static int record(struct reader *x, const struct record *r)
{
	const char *dn;
	enum what what;
	int sound = check(x, r);

	if (sound != 1 || !r->attributes)
		return sound < 0 ? -1 : 0;
	if (r->n == 1 && ldif_named(&r->line[0], "version"))
		return version(x, &r->line[0]);
	x->records++;
	dn = ldif_dn(r, &x->scratch);
	if (!dn)
		return wrong(x, &r->line[0], r->line[0].whole.p, "no_dn",
			"a record does not begin with its name (dn)");
	if (strlen(dn) > DN_MAX_LENGTH)
		return wrong(x, &r->line[0], r->line[0].whole.p, "field",
			"a name of an entry of more than 4096 bytes");
	if (!dn_valid(dn))
		return wrong(x, &r->line[0], r->line[0].whole.p, "dn",
			"this is no name of an entry (RFC 4514)");
	what = what_is(r);
	if (what == CONTAINER)
		container(x, r, dn);
	return what == PERSON || what == GROUP ? entry(x, r, dn, what == GROUP) : 0;
}

/* ---- members ---- */

/* `cn=text` alone is how a name that led nowhere was written. */
static const char *dangling(struct book *b, const char *dn)
{
	struct buf text = BUF_INIT;
	bool alone = dn_valid(dn) && dn[dn_first(dn)] == 0 && dn_value(dn, "cn", &text);

	if (alone && utf8_valid(text.p, text.n))
		dn = book_str(b, buf_str(&text));
	buf_fini(&text);
	return dn;
}

static void resolve(struct reader *x, uint32_t list, struct book_member *m)
{
	struct book *b = x->d->book;
	struct buf normal = BUF_INIT;
	const struct named *to;

	dn_fold(m->text, &normal);
	to = dn_valid(m->text) ? map_get(&x->names, buf_str(&normal), normal.n) : NULL;
	if (to && to->list == list)
		m->key = b->list[list].entry[to->entry].key;
	else
		m->text = dangling(b, m->text);
	buf_fini(&normal);
}

static void resolve_all(struct reader *x)
{
	struct book *b = x->d->book;

	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			for (uint32_t k = 0; k < b->list[i].entry[j].n_members; k++)
				resolve(x, i, &b->list[i].entry[j].member[k]);
}

static int decode(struct decoder *d)
{
	struct reader x = {.d = d};
	struct record r = {.line = NULL};
	const struct book_fault empty = {.code = CN_PARSE_ERROR, .reason = "empty"};
	int rc = d->file.n ? 0 : decode_wrong(d, &empty, "the file is empty");

	arena_init(&x.scratch, BOOK_ARENA_MAX);
	x.lines = (struct lines){.file = d->file, .ldif = true, .arena = &x.scratch};
	d->book->charset = "UTF-8";
	while (rc == 0 && !d->book->too_big && lines_record(&x.lines, &r)) {
		rc = record(&x, &r);
		arena_reset(&x.scratch);
	}
	if (rc == 0 && !d->book->too_big)
		resolve_all(&x);
	free(r.line);
	map_fini(&x.names);
	map_fini(&x.parents);
	map_fini(&x.slots);
	arena_fini(&x.scratch);
	return rc;
}

/* ---- what it is ---- */

static int detect(struct span head)
{
	struct arena none;
	struct lines l = {.file = head, .arena = &none};
	struct line line;
	int score = 0;

	arena_init(&none, 4096);
	while (lines_next(&l, &line)) {
		if (line.kind < LINE_TEXT)
			continue;
		if (ldif_named(&line, "version") && line.kind == LINE_TEXT)
			score = 50;
		else if (ldif_named(&line, "dn") &&
			 (line.kind == LINE_BASE64 || memchr(line.value.p, '=', line.value.n)))
			score = 90;
		if (!ldif_named(&line, "version"))
			break;
	}
	arena_fini(&none);
	return score;
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	static const struct {
		enum dest_kind kind;
		enum book_field field;
	} HELD[] = {
		{DEST_NONE, F_NAME},
		{DEST_EMAIL, F_ADDRESS},
		{DEST_FAX, F_FAX_NUMBER},
	};

	if (kind == DEST_GROUP)
		return !field;
	if (kind == DEST_FILE) /* all of it fits into a URI */
		return !field || (field_info(field)->kinds & 1u << DEST_FILE);
	for (size_t i = 0; i < array_len(HELD); i++)
		if (HELD[i].kind == kind && (!field || HELD[i].field == field))
			return true;
	return false;
}

const struct codec codec_ldif = {
	.name = "ldif",
	.family = "ldif",
	.title = "LDIF",
	.suffix = ".ldif",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_GROUPS | CODEC_LISTS | CODEC_MANY_DESTS | CODEC_EXACT,
	.detect = detect,
	.decode = decode,
	.encode = ldif_encode,
	.holds = holds,
};
