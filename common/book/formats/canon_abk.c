// SPDX-License-Identifier: Apache-2.0
/* Canon address list text, `.abk` and the Remote UI's `abook.ldif`
 * (docs/spec/address-books.md 4.2). abk.c says whether a file is sound; here its lines become
 * entries. */
#include "common/book/formats/canon_abk.h"
#include "common/book/formats/canon.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/engines/words.h"
#include "common/book/formats/abk.h"
#include "gen/errors.h"

#define ENTRY (1u << DEST_NONE)
#define EMAIL (1u << DEST_EMAIL)
#define FAX (1u << DEST_FAX)
#define IFAX (1u << DEST_IFAX)
#define IPFAX (1u << DEST_IPFAX)
#define FOLDER (1u << DEST_FILE)

/* In the order of a fresh record. */
/* clang-format off */
const struct abk_attr ABK_ATTRS[] = {
	{"dn", ENTRY, F_NUMBER, true, NULL, NULL},
	{"cn", ENTRY, F_NAME, true, NULL, NULL},
	{"cnread", ENTRY, F_READING, true, NULL, ""},
	{"cnshort", ENTRY, F_SHORT_LABEL, false, NULL, NULL},
	{"mailaddress", EMAIL | IFAX, F_ADDRESS, true, NULL, NULL},
	{"dialdata", FAX, F_FAX_NUMBER, true, NULL, NULL},
	{"sub", FAX, F_SUB, false, NULL, NULL},
	{"faxprotocol", FAX, F_FAX_PROTOCOL, false, NULL, NULL},
	{"ecm", FAX, F_ECM, false, "on", NULL},
	{"txstartspeed", FAX, F_SPEED, false, NULL, NULL},
	{"lineselect", FAX, F_LINE, false, NULL, NULL},
	{"uri", IPFAX, F_URI, false, NULL, NULL},
	{"uricommode", IPFAX, F_MODE, false, NULL, NULL},
	{"ifaxmode", IFAX, F_MODE, false, NULL, NULL},
	{"ifaxdirectmode", IFAX, F_DIRECT, false, "on", NULL},
	{"bwpapersize", IFAX, F_BW_PAPER, false, NULL, NULL},
	{"bwcompressiontype", IFAX, F_BW_COMPRESSION, false, NULL, NULL},
	{"bwpixeltype", IFAX, F_BW_PIXEL, false, NULL, NULL},
	{"bwbitsperpixel", IFAX, F_BW_BITS, false, NULL, NULL},
	{"bwresolution", IFAX, F_BW_RESOLUTION, false, NULL, NULL},
	{"clpapersize", IFAX, F_COLOUR_PAPER, false, NULL, NULL},
	{"clcompressiontype", IFAX, F_COLOUR_COMPRESSION, false, NULL, NULL},
	{"clpixeltype", IFAX, F_COLOUR_PIXEL, false, NULL, NULL},
	{"clbitsperpixel", IFAX, F_COLOUR_BITS, false, NULL, NULL},
	{"clresolution", IFAX, F_COLOUR_RESOLUTION, false, NULL, NULL},
	{"url", FOLDER, F_HOST, true, NULL, NULL},
	{"path", FOLDER, F_PATH, true, NULL, NULL},
	{"username", FOLDER, F_ACCOUNT, true, NULL, NULL},
	{"pwdinputflag", FOLDER, F_ASK_PASSWORD, false, "on", NULL},
	{"protocol", FOLDER, F_PROTOCOL, true, NULL, NULL},
	{"enablepartial", EMAIL, F_SPLIT_LARGE, true, "true", NULL},
	{"accesscode", ENTRY, F_ACCESS_NO, true, NULL, "0"},
	{"uuid", ENTRY, F_UUID, false, NULL, NULL},
	{"loginusername", ENTRY, F_OWNER_USER, false, NULL, NULL},
	{"logindomainname", ENTRY, F_OWNER_DOMAIN, false, NULL, NULL},
	{"usergroupname", ENTRY, F_OWNER_GROUP, false, NULL, NULL},
	{"personalid", ENTRY, F_PERSONAL_ID, false, NULL, NULL},
};
/* clang-format on */
const size_t ABK_N_ATTRS = array_len(ABK_ATTRS);

/* ---- lines ---- */

static bool is(struct span s, const char *word)
{
	return s.n == strlen(word) && ascii_same_n((const char *)s.p, word, s.n);
}

struct span abk_value(const struct line *l)
{
	struct span v = l->value;

	if (v.n > 0 && v.p[0] == ' ') {
		v.p++;
		v.n--;
	}
	return v;
}

bool abk_silent(const struct line *l)
{
	struct span v = abk_value(l);

	return is(l->name, "objectclass") && (is(v, "top") || is(v, "extensibleobject"));
}

const char *abk_folded(const struct line *l, struct arena *a)
{
	const uint8_t *from = l->name.p + l->name.n;
	const uint8_t *end = l->whole.p + l->whole.n;
	char *out = arena_alloc(a, l->whole.n + 1), *to = out;

	if (!out)
		return NULL;
	while (from < end && *from == ':')
		from++;
	from += from < end && *from == ' ';
	for (; from < end; from++)
		if (*from != '\r')
			*to++ = (char)*from;
	if (to > out && to[-1] == '\n')
		to--;
	*to = 0;
	return out;
}

const char *abk_text(struct span value, enum charset c, struct arena *a)
{
	struct buf b = BUF_INIT;
	size_t at;
	char *s = NULL;

	if (charset_decode(c, value, &b, &at) == 0)
		s = arena_strndup(a, buf_str(&b), b.n);
	buf_fini(&b);
	return s;
}

struct span abk_slot(const struct record *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->line[i].kind == LINE_TEXT && is(r->line[i].name, "subdbid"))
			return abk_value(&r->line[i]);
	return (struct span){.n = 0};
}

/* The class that says what an entry is: neither top nor extensibleobject. */
static const struct line *class_line(const struct record *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->line[i].kind == LINE_TEXT && is(r->line[i].name, "objectclass") &&
			!abk_silent(&r->line[i]) && abk_value(&r->line[i]).n > 0)
			return &r->line[i];
	return NULL;
}

static enum dest_kind kind_of(const struct line *class)
{
	struct span word = class ? abk_value(class) : (struct span){NULL, 0};

	return canon_kind((const char *)word.p, word.n);
}

/* ---- reading ---- */

struct reader {
	struct decoder *d;
	struct abk_scan scan;
	struct lines lines;
	struct arena scratch;   /* of one record */
	struct map lists;       /* by slot: index + 1 */
	struct book_list *list; /* of the last record */
	const char *section;    /* name of the list that the preamble announces; NULL = none open */
	bool empty;             /* the section has no record yet */
};

static void odd(struct reader *x, const struct line *l, const char *reason, const char *text)
{
	const struct book_fault f = {.line = l->number,
		.reason = reason,
		.where = book_strn(x->d->book, (const char *)l->name.p, l->name.n)};

	decode_odd(x->d, &f, "%s", text);
}

static int tell(struct reader *x)
{
	const struct abk_scan *s = &x->scan;
	const struct book_fault f = {.code = s->fault.code,
		.line = (uint32_t)s->line,
		.column = s->character,
		.byte = s->column,
		.where = s->state != 0 && s->name_n < sizeof(s->name) ? s->name : "",
		.reason = s->fault.reason};

	return decode_wrong(x->d, &f, "%s", s->what);
}

static struct book_list *list_of(struct reader *x, const char *slot, const char *name)
{
	struct book *b = x->d->book;
	uintptr_t i = (uintptr_t)map_get(&x->lists, slot, strlen(slot));

	if (i)
		return &b->list[i - 1];
	map_put(&x->lists, slot, strlen(slot), (void *)(uintptr_t)(b->n_lists + 1));
	return book_add_list(
		b, slot, strcmp(slot, "11") == 0 ? LIST_ONE_TOUCH : LIST_ADDRESS_LIST, name);
}

/* A section that ends without a record is an empty list if it has a name; its number stands
 * nowhere. */
static void end_section(struct reader *x)
{
	if (x->section && *x->section && x->empty)
		x->list = list_of(x, "", x->section);
	x->section = NULL;
}

static const char *text_of(struct reader *x, struct span value)
{
	const char *s = abk_text(value, x->scan.info.charset, &x->scratch);

	return s ? s : "";
}

static void meta(struct reader *x, const char *name, struct span value)
{
	if (book_meta(x->d->book, name)[0] == 0)
		book_add_meta(x->d->book, name, text_of(x, value));
}

static void comment(struct reader *x, struct span line)
{
	struct span value;

	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (abk_comment(line, "Canon AddressBook version", &value)) {
		end_section(x);
		x->section = "";
		x->empty = true;
		meta(x, "version", value);
	} else if (abk_comment(line, "SubAddressBookName", &value)) {
		x->section = book_str(x->d->book, text_of(x, value));
		x->empty |= x->d->book->n_lists == 0;
	} else if (abk_comment(line, "DB Version", &value)) {
		meta(x, "db_version", value);
	}
}

/* The scanner reads each line first. 1 = all are sound, 0 = not, in lenient mode. */
static int scan(struct reader *x, const struct record *r)
{
	const uint8_t *p = r->whole.p, *end = p + r->whole.n;
	int sound = 1;

	while (p < end) {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
		struct span line = {p, lf ? (size_t)(lf - p) + 1 : (size_t)(end - p)};
		struct fault f;

		if (x->scan.blank_end && !x->scan.in_record && (*p == '\n' || *p == '\r') &&
			p > r->whole.p)
			line.n = (size_t)(end - p); /* more blank ones */
		if (abk_scan_feed(&x->scan, line, &f) < 0) {
			if (tell(x) < 0)
				return -1;
			sound = 0;
			abk_scan_skip_line(&x->scan);
		} else if (line.p[0] == '#') {
			comment(x, line);
		}
		p += line.n;
	}
	return sound;
}

static void find_list(struct reader *x, const struct record *r)
{
	const char *slot = text_of(x, abk_slot(r));
	bool first = x->empty;

	x->empty = false;
	if (!x->list || strcmp(x->list->slot, slot) != 0)
		x->list = list_of(x, slot, first && x->section ? x->section : "");
}

static bool digits(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && s[n] == 0;
}

static const char *without_zeros(const char *s)
{
	while (s[0] == '0' && s[1])
		s++;
	return s;
}

/* The value as the model says it; NULL = it stays an extra, "" = there is none. */
static const char *modelled(const struct abk_attr *a, const char *text)
{
	if (a->word)
		return bool_read(text);
	if (a->field == F_NUMBER)
		return digits(text) && strlen(without_zeros(text)) <= 9 ? without_zeros(text)
									: NULL;
	if (a->field == F_ACCESS_NO && strspn(text, "0") == strlen(text))
		return "";
	return text;
}

static bool has(const struct record *r, const char *name)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->line[i].kind >= LINE_TEXT && is(r->line[i].name, name))
			return true;
	return false;
}

static const struct abk_attr *find_attr(const struct record *r, struct span name, uint32_t kinds)
{
	if (is(name, "mail") && !has(r, "mailaddress"))
		name = (struct span){(const uint8_t *)"mailaddress", strlen("mailaddress")};
	for (size_t i = 0; i < ABK_N_ATTRS; i++)
		if ((ABK_ATTRS[i].kinds & kinds) && is(name, ABK_ATTRS[i].name))
			return &ABK_ATTRS[i];
	return NULL;
}

/* Of attributes that repeat, the first plain one is the field. */
static bool first_of(const struct record *r, const struct line *l, const struct abk_attr *a)
{
	const struct line *i = r->line;

	while (i < l && !(i->kind == LINE_TEXT && !i->folded && abk_value(i).n > 0 &&
				find_attr(r, i->name, a->kinds) == a))
		i++;
	return i == l;
}

static void add_extra(struct reader *x, struct book_entry *e, const struct line *l, const char *v)
{
	char name[ABK_NAME_MAX + 2];

	memcpy(name, l->name.p, l->name.n);
	memcpy(name + l->name.n, ":", 2);
	if (l->kind != LINE_BASE64)
		name[l->name.n] = 0;
	book_add_extra(x->d->book, e, name, v);
}

/* A password: the entry's, never an extra, which people see. An empty line says that there is none,
 * no line says nothing. */
static void password(struct reader *x, struct book_dest *d, const struct line *l)
{
	if (d && abk_value(l).n == 0 && d->secret.state == SECRET_UNKNOWN)
		book_set_secret(x->d->book, d, SECRET_ABSENT, NULL, NULL);
	else if (d && abk_value(l).n > 0 && l->kind == LINE_TEXT && !l->folded &&
		 d->secret.state != SECRET_CLEAR)
		book_set_secret(x->d->book, d, SECRET_CLEAR, text_of(x, abk_value(l)), NULL);
}

/* Lines that RFC 2849 allows and devices do not write: kept as they stand (AB-16). */
static bool foreign(struct reader *x, struct book_entry *e, const struct line *l)
{
	if (l->folded) {
		odd(x, l, "folded", "a folded line, which Canon does not write: kept as it stands");
		const char *v = abk_folded(l, &x->scratch);
		const char *text =
			v ? text_of(x, (struct span){(const uint8_t *)v, strlen(v)}) : "";
		add_extra(x, e, l, text);
		return true;
	}
	if (l->kind != LINE_BASE64)
		return false;
	odd(x, l, "base64", "a base64 line, which Canon does not write: kept as it stands");
	add_extra(x, e, l, text_of(x, abk_value(l)));
	return true;
}

static void attribute(
	struct reader *x, const struct record *r, struct book_entry *e, const struct line *l)
{
	enum dest_kind kind = e->n_dests ? e->dest[0].kind : DEST_NONE;
	struct book_dest *d = e->n_dests ? &e->dest[0] : NULL;
	const struct abk_attr *a = find_attr(r, l->name, ENTRY | 1u << kind);
	struct span v = abk_value(l);
	struct fields *f;
	const char *value;

	if (is(l->name, "pwd")) {
		password(x, d, l);
		if (v.n > 0 && (!d || !d->secret.text))
			odd(x, l, "password",
				"a password of nothing that is known: it stays in this file only");
		return;
	}
	if (v.n == 0 || abk_silent(l))
		return;
	if (foreign(x, e, l) ||
		(is(l->name, "subdbid") && strcmp(text_of(x, v), x->list->slot) == 0))
		return;
	if ((kind == DEST_EMAIL || kind == DEST_IFAX) && is(l->name, "protocol") && is(v, "smtp"))
		return;
	f = a && a->kinds != ENTRY ? &d->f : &e->f;
	value = a && first_of(r, l, a) ? modelled(a, text_of(x, v)) : NULL;
	if (value)
		book_set(x->d->book, f, a->field, value);
	else
		add_extra(x, e, l, text_of(x, v));
}

static const char *key_of(struct reader *x, const struct record *r)
{
	const char *number = NULL, *uuid = NULL;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct line *l = &r->line[i];

		if (l->kind != LINE_TEXT || l->folded || abk_value(l).n == 0)
			continue;
		if (!number && is(l->name, "dn"))
			number = text_of(x, abk_value(l));
		if (!uuid && is(l->name, "uuid"))
			uuid = text_of(x, abk_value(l));
	}
	if (uuid || (number && !digits(number)))
		return uuid ? uuid : number;
	return number ? without_zeros(number) : book_fmt(x->d->book, "?%u", x->list->n_entries + 1);
}

static void entry(struct reader *x, const struct record *r)
{
	struct book *b = x->d->book;
	const struct line *class = class_line(r);
	enum dest_kind kind = kind_of(class);
	struct book_entry *e;

	find_list(x, r);
	e = book_add_entry(b, x->list, key_of(x, r));
	e->at = (struct book_place){r->number, (size_t)(r->whole.p - x->d->file.p)};
	e->group = kind == DEST_GROUP;
	if (kind != DEST_NONE && kind != DEST_GROUP)
		book_add_dest(b, e, kind)->secret.state =
			kind == DEST_FILE ? SECRET_UNKNOWN : SECRET_ABSENT;
	for (uint32_t i = 0; i < r->n; i++)
		if (&r->line[i] != class || kind == DEST_NONE)
			attribute(x, r, e, &r->line[i]);
}

static int record(struct reader *x, const struct record *r)
{
	int sound = scan(x, r);

	if (sound > 0 && r->attributes)
		entry(x, r);
	arena_reset(&x->scratch);
	return sound < 0 ? -1 : 0;
}

static int end(struct reader *x)
{
	struct abk_info info;
	struct fault f;

	if (abk_scan_end(&x->scan, &info, &f) < 0 && tell(x) < 0)
		return -1;
	end_section(x);
	x->d->book->charset = charset_name(x->scan.info.charset);
	return 0;
}

static int decode(struct decoder *d)
{
	struct reader x = {.d = d, .section = NULL};
	struct record r = {.line = NULL};
	int rc = 0;

	arena_init(&x.scratch, BOOK_ARENA_MAX);
	x.lines = (struct lines){.file = d->file, .arena = &x.scratch};
	abk_scan_init(&x.scan);
	while (rc == 0 && !d->book->too_big && lines_record(&x.lines, &r))
		rc = record(&x, &r);
	if (rc == 0)
		rc = end(&x);
	free(r.line);
	map_fini(&x.lists);
	arena_fini(&x.scratch);
	return rc;
}

/* ---- what it is ---- */

static int detect(struct span head)
{
	struct lines l = {.file = head};
	struct arena none;
	struct line line;
	struct span value;
	int score = 0;

	arena_init(&none, 1);
	l.arena = &none;
	while (lines_next(&l, &line)) {
		if (line.kind == LINE_COMMENT &&
			abk_comment(line.name, "Canon AddressBook version", &value)) {
			score = 100;
			break;
		}
		if (line.kind < LINE_TEXT)
			continue;
		value = abk_value(&line);
		if (is(line.name, "subdbid"))
			score = 70;
		else if (is(line.name, "dn") && value.n > 0 && value.p[0] >= '0' &&
			 value.p[0] <= '9')
			score = 60;
		break;
	}
	arena_fini(&none);
	return score;
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	for (size_t i = 0; i < ABK_N_ATTRS; i++)
		if (ABK_ATTRS[i].seen && (ABK_ATTRS[i].kinds & 1u << kind) &&
			(!field || ABK_ATTRS[i].field == field))
			return true;
	return false;
}

const struct codec codec_canon_abk = {
	.name = "canon_abk",
	.family = "canon",
	.title = "Canon address list text",
	.suffix = ".abk",
	.charset = "windows-1252",
	.flags = CODEC_ENCODE | CODEC_LISTS | CODEC_EXACT | CODEC_SECRETS,
	.detect = detect,
	.decode = decode,
	.encode = abk_encode,
	.holds = holds,
};
