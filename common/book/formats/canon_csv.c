// SPDX-License-Identifier: Apache-2.0
/* Canon's device CSV (docs/spec/address-books.md 4.1): comment lines, a blank one, column names, a
 * row for each entry with one destination. The cipher of passwords is Canon's secret: its text goes
 * back as it came or not at all, and the two Crypto lines tell the truth about it (AB-15). */
#include <stdio.h>
#include <string.h>

#include "common/book/codec.h"
#include "common/book/engines/sheet.h"
#include "common/book/formats/canon.h"
#include "gen/errors.h"

#define SIGNATURE "# Canon AddressBook CSV version"

enum { CLASS, LIST };

struct canon {
	bool one_touch;   /* `# dn: fixed`: numbers are buttons */
	const char *name; /* of the list */
	char scheme[40];
};

/* ---- columns ---- */

/* NULL: of an unknown kind, whose cell was kept as an extra. */
static const char *put_class(const struct saying *y)
{
	return canon_class(y->about->entry);
}

static bool get_class(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)c;
	(void)s;
	(void)text;
	return r->entry->group || r->entry->n_dests;
}

static const char *put_list(const struct saying *y)
{
	const struct book_list *l = y->about->list;

	if (plain_number(l->slot))
		return l->slot;
	return l->kind == LIST_ONE_TOUCH ? "11" : "1";
}

#define Q COLUMN_QUOTED
/* Without kind and field: kept, but neither known nor made. */
/* clang-format off */
static const struct column COLUMNS[] = {
	{.name = "objectclass", .flags = COLUMN_REQUIRED, .get = get_class, .put = put_class},
	{.name = "cn", .field = F_NAME, .flags = Q | COLUMN_REQUIRED},
	{.name = "cnread", .field = F_READING, .flags = Q},
	{.name = "cnshort", .field = F_SHORT_LABEL, .flags = Q},
	{.name = "subdbid", .flags = COLUMN_OWN, .put = put_list},
	{.name = "mailaddress", .kind = DEST_EMAIL, .field = F_ADDRESS, .flags = Q},
	{.name = "mailaddress", .kind = DEST_IFAX, .field = F_ADDRESS, .flags = Q},
	{.name = "dialdata", .kind = DEST_FAX, .field = F_FAX_NUMBER, .flags = Q},
	{.name = "uri", .kind = DEST_IPFAX, .field = F_URI, .flags = Q},
	{.name = "url", .kind = DEST_FILE, .field = F_HOST, .flags = Q},
	{.name = "path", .kind = DEST_FILE, .field = F_PATH, .flags = Q},
	{.name = "protocol", .kind = DEST_FILE, .field = F_PROTOCOL},
	{.name = "protocol", .kind = DEST_EMAIL, .none = "smtp"},
	{.name = "username", .kind = DEST_FILE, .field = F_ACCOUNT, .flags = Q},
	{.name = "pwd", .kind = DEST_FILE, .flags = Q | COLUMN_SECRET},
	{.name = "pwd", .kind = DEST_EMAIL, .flags = Q | COLUMN_SECRET},
	{.name = "pwd", .kind = DEST_FAX, .flags = Q | COLUMN_SECRET},
	{.name = "pwd", .kind = DEST_IFAX, .flags = Q | COLUMN_SECRET},
	{.name = "pwd", .kind = DEST_IPFAX, .flags = Q | COLUMN_SECRET},
	{.name = "member"}, /* its separator is not documented */
	{.name = "indxid", .field = F_NUMBER, .flags = COLUMN_REQUIRED},
	{.name = "enablepartial", .kind = DEST_EMAIL, .field = F_SPLIT_LARGE},
	{.name = "sub", .kind = DEST_FAX, .field = F_SUB, .flags = Q},
	{.name = "faxprotocol", .kind = DEST_FAX, .field = F_FAX_PROTOCOL},
	{.name = "ecm", .kind = DEST_FAX, .field = F_ECM},
	{.name = "txstartspeed", .kind = DEST_FAX, .field = F_SPEED},
	{.name = "commode"},
	{.name = "lineselect", .kind = DEST_FAX, .field = F_LINE},
	{.name = "uricommode", .kind = DEST_IPFAX, .field = F_MODE},
	{.name = "uriflag"},
	{.name = "pwdinputflag", .kind = DEST_FILE, .field = F_ASK_PASSWORD},
	{.name = "ifaxmode", .kind = DEST_IFAX, .field = F_MODE},
	{.name = "transsvcstr1"},
	{.name = "transsvcstr2"},
	{.name = "ifaxdirectmode", .kind = DEST_IFAX, .field = F_DIRECT},
	{.name = "documenttype"},
	{.name = "bwpapersize", .kind = DEST_IFAX, .field = F_BW_PAPER},
	{.name = "bwcompressiontype", .kind = DEST_IFAX, .field = F_BW_COMPRESSION},
	{.name = "bwpixeltype", .kind = DEST_IFAX, .field = F_BW_PIXEL},
	{.name = "bwbitsperpixel", .kind = DEST_IFAX, .field = F_BW_BITS},
	{.name = "bwresolution", .kind = DEST_IFAX, .field = F_BW_RESOLUTION},
	{.name = "clpapersize", .kind = DEST_IFAX, .field = F_COLOUR_PAPER},
	{.name = "clcompressiontype", .kind = DEST_IFAX, .field = F_COLOUR_COMPRESSION},
	{.name = "clpixeltype", .kind = DEST_IFAX, .field = F_COLOUR_PIXEL},
	{.name = "clbitsperpixel", .kind = DEST_IFAX, .field = F_COLOUR_BITS},
	{.name = "clresolution", .kind = DEST_IFAX, .field = F_COLOUR_RESOLUTION},
	{.name = "accesscode", .field = F_ACCESS_NO, .none = "0"},
	{.name = "uuid", .field = F_UUID},
	{.name = "cnreadlang"},
	{.name = "enablesfp"},
	{.name = "memberobjectuuid"},
	{.name = "loginusername", .field = F_OWNER_USER, .flags = Q},
	{.name = "logindomainname", .field = F_OWNER_DOMAIN, .flags = Q},
	{.name = "usergroupname", .field = F_OWNER_GROUP, .flags = Q},
	{.name = "personalid", .field = F_PERSONAL_ID},
	{.name = "folderidflag"}, /* since version 0x0003 */
};
/* clang-format on */

/* ---- comment lines ---- */

/* The value of `# name: value`, NULL when the line is not that. */
static const char *comment(struct span line, const char *name, size_t *ret_n)
{
	const char *p = (const char *)line.p;
	size_t n = strlen(name), end = line.n;

	if (line.n < n + 3 || p[0] != '#' || p[1] != ' ' || p[n + 2] != ':')
		return NULL;
	if (!ascii_same_n(p + 2, name, n))
		return NULL;
	n += 3;
	while (end > n && p[end - 1] == ',') /* a spreadsheet passed over it */
		end--;
	if (n < end && p[n] == ' ')
		n++;
	*ret_n = end - n;
	return p + n;
}

static int unknown_charset(struct sheet *s, uint32_t line, const char *label, size_t n)
{
	const struct book_fault f = {
		.code = CN_PARSE_ERROR, .line = line, .where = "CharSet", .reason = "charset"};

	if (decode_wrong(s->d, &f, "%.*s is no charset known here", (int)size_min(n, 40), label) <
		0)
		s->stop = true;
	return -1;
}

static int declared_charset(struct sheet *s)
{
	const uint8_t *p = s->d->file.p, *end = p + s->d->file.n;
	uint32_t line = 1;
	size_t n;

	if (s->d->file.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (; p < end && (*p == '#' || *p == '\r' || *p == '\n'); line++) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		struct span text = {p, (size_t)((nl ? nl : end) - p)};
		const char *value;
		char label[41] = "";
		int c;

		if (text.n && text.p[text.n - 1] == '\r')
			text.n--;
		value = comment(text, "CharSet", &n);
		if (value) {
			snprintf(label, sizeof(label), "%.*s", (int)size_min(n, 40), value);
			c = charset_named(label);
			return c >= 0 && c < CHARSET_UTF16LE ? c
							     : unknown_charset(s, line, value, n);
		}
		if (!nl)
			break;
		p = nl + 1;
	}
	return CHARSET_UTF8;
}

static void note_name(struct sheet *s, const char *value, size_t n)
{
	struct canon *c = s->state;
	struct buf text = BUF_INIT;
	size_t at;

	if (charset_decode(s->t.charset, (struct span){(const uint8_t *)value, n}, &text, &at) < 0)
		sheet_wrong(s, -1, CN_CHARSET_ERROR, "bytes",
			"bytes that the charset of the file has not");
	else
		c->name = book_str(s->d->book, buf_str(&text));
	buf_fini(&text);
}

static void note_comment(struct sheet *s, struct span line)
{
	static const char *const META[][2] = {
		{"Canon AddressBook CSV version", "version"},
		{"DB Version", "db_version"},
		{"Crypto Version", "crypto_version"},
		{"Crypto Attribute", "crypto_attribute"},
		{"dn", "dn"},
	};
	struct canon *c = s->state;
	const char *value;
	size_t n;

	for (size_t i = 0; i < array_len(META); i++) {
		value = comment(line, META[i][0], &n);
		if (value)
			book_add_meta(s->d->book, META[i][1], book_strn(s->d->book, value, n));
	}
	value = comment(line, "dn", &n);
	if (value && n == 5 && ascii_same_n(value, "fixed", n))
		c->one_touch = true;
	value = comment(line, "SubAddressBookName", &n);
	if (value)
		note_name(s, value, n);
	value = comment(line, "Crypto Version", &n);
	if (value) {
		snprintf(c->scheme, sizeof(c->scheme), "canon_crypto_%.*s", (int)size_min(n, 20),
			value);
		s->scheme = c->scheme;
	}
}

static int preamble(struct sheet *s, struct span line)
{
	if (line.n && line.p[0] != '#')
		return 1;
	note_comment(s, line);
	return 0;
}

/* ---- rows ---- */

static struct book_list *list_of(struct sheet *s, const char *slot)
{
	struct canon *c = s->state;
	bool first = s->d->book->n_lists == 0;

	if (!*slot)
		slot = c->one_touch ? "11" : "1";
	return sheet_list(s, slot, c->one_touch ? LIST_ONE_TOUCH : LIST_ADDRESS_LIST,
		first && c->name ? c->name : "");
}

static int row(struct sheet *s, struct record *r)
{
	const char *class = sheet_text(s, s->look[CLASS]);
	const char *slot = sheet_text(s, s->look[LIST]);
	enum dest_kind kind;

	if (!class || !slot)
		return 0;
	if (*slot && !(slot = plain_number(slot))) {
		sheet_wrong(
			s, s->look[LIST], CN_PARSE_ERROR, "bad_number", "this is no list number");
		return 0;
	}
	if (sheet_add(s, r, list_of(s, slot)) < 0)
		return 0;
	kind = canon_kind(class, strlen(class));
	if (kind == DEST_GROUP)
		r->entry->group = true;
	else if (kind)
		book_add_dest(s->d->book, r->entry, kind);
	return 1;
}

static void done(struct sheet *s)
{
	if (s->d->book->n_lists == 0)
		list_of(s, "");
}

/* ---- writing ---- */

/* The scheme of its cipher texts, when they can go into a new file: all of one scheme, and no clear
 * password beside them. */
static const char *one_scheme(const struct encoder *e)
{
	const char *scheme = NULL;

	for (uint32_t i = 0; i < e->book->n_lists; i++) {
		const struct book_list *l = &e->book->list[i];

		for (uint32_t j = 0; j < l->n_entries; j++) {
			const struct book_secret *s =
				l->entry[j].n_dests ? &l->entry[j].dest[0].secret : NULL;

			if (!s || !s->text || !*s->text)
				continue;
			if (s->state == SECRET_CLEAR && e->reveal_secrets)
				return NULL;
			if (s->state != SECRET_ENCRYPTED)
				continue;
			if (!s->scheme || strncmp(s->scheme, "canon_crypto_", 13) != 0 ||
				(scheme && strcmp(scheme, s->scheme) != 0))
				return NULL;
			scheme = s->scheme;
		}
	}
	return scheme;
}

static const struct format FORMAT;

static void fresh(struct encoder *e, struct buf *out)
{
	const struct book *b = e->book;
	const char *version = book_meta(b, "version"), *db = book_meta(b, "db_version");
	const char *scheme = one_scheme(e);
	const struct book_list *l = b->n_lists ? &b->list[0] : NULL;
	bool one_touch = l && l->kind == LIST_ONE_TOUCH;
	bool newer = strcmp(version, "0x0003") == 0;
	size_t n = array_len(COLUMNS) - !newer;

	buf_addf(out, SIGNATURE ": %s\r\n", newer ? version : "0x0002");
	buf_addf(out, "# CharSet: %s\r\n",
		charset_named(e->profile->charset ? e->profile->charset : "") == CHARSET_CP932
			? "SJIS"
			: "UTF-8");
	if (one_touch)
		buf_adds(out, "# dn: fixed\r\n");
	if (!one_touch || *l->name)
		buf_adds(out, "# SubAddressBookName: \r\n"); /* the hook fills it in */
	buf_addf(out, "# DB Version: %s\r\n", *db ? db : newer ? "0x010b" : "0x010a");
	if (scheme)
		buf_addf(out, "# Crypto Version: %s\r\n# Crypto Attribute: pwd\r\n", scheme + 13);
	buf_adds(out, "\r\n");
	writer_heading(e, &FORMAT, n, out);
	buf_adds(out, newer ? ",\r\n" : "\r\n");
}

static const struct book_secret *password(const struct book_entry *e)
{
	static const struct book_secret NONE = {.state = SECRET_ABSENT};

	return e->n_dests ? &e->dest[0].secret : &NONE;
}

static bool is_cipher(const struct writer *w, const struct book_secret *s)
{
	return s->state == SECRET_ENCRYPTED && s->scheme && strcmp(s->scheme, w->base.scheme) == 0;
}

static bool has_text(const struct book_secret *s)
{
	return s->text && *s->text;
}

/* Would the file hold a password that is not cipher text of its scheme, or lose one? */
static bool breaks_cipher(struct writer *w)
{
	for (uint32_t i = 0; i < w->base.n_refs; i++) {
		const struct row_ref *ref = &w->base.ref[i];
		const struct book_list *l;
		const struct target *t;

		if (ref->entry == NO_ENTRY)
			continue;
		l = &w->base_of.book->list[ref->list];
		t = writer_target(w, l, &l->entry[ref->entry]);
		if (t && has_text(password(&l->entry[ref->entry])) &&
			!is_cipher(w, password(t->entry)))
			return true;
	}
	for (uint32_t i = 0; i < w->e->book->n_entries; i++) {
		const struct book_secret *s = password(w->target[i].entry);

		if (has_text(s) && s->state == SECRET_CLEAR &&
			(w->e->reveal_secrets || w->target[i].base_rows))
			return true;
	}
	return false;
}

/* AB-15 */
static void plan(struct writer *w)
{
	if (w->base.scheme && breaks_cipher(w))
		w->scheme = NULL;
}

/* The list that the file's name line is about. */
static const char *new_name(const struct writer *w)
{
	const struct book *b = w->e->book;
	const struct book_list *l = book_find_list(b, w->base_of.book->list[0].slot);

	if (w->made.n && b->n_lists)
		l = &b->list[0];
	return l ? l->name : NULL;
}

static bool line(struct writer *w, struct span text)
{
	const char *name = new_name(w);
	size_t n;

	if (w->base.scheme && !w->scheme &&
		(comment(text, "Crypto Version", &n) || comment(text, "Crypto Attribute", &n)))
		return true;
	if (!name || !comment(text, "SubAddressBookName", &n) ||
		strcmp(name, w->base_of.book->list[0].name) == 0)
		return false;
	writer_add(w, "# SubAddressBookName: ");
	writer_add(w, name);
	buf_add(&w->out, w->base.t.file.p + w->base.t.end, w->base.t.next - w->base.t.end);
	return true;
}

static const struct format FORMAT = {
	.column = COLUMNS,
	.n_columns = array_len(COLUMNS),
	.family = "canon",
	.number = "indxid",
	.key = "uuid",
	.look = {[CLASS] = "objectclass", [LIST] = "subdbid"},
	.delimiter = ',',
	.one_dest = true,
	.yes = "on",
	.charset = declared_charset,
	.preamble = preamble,
	.row = row,
	.done = done,
	.fresh = fresh,
	.plan = plan,
	.line = line,
};

/* ---- the codec ---- */

static int detect(struct span head)
{
	size_t mark = head.n >= 3 && memcmp(head.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	const char *p = (const char *)head.p + mark;
	size_t n = head.n - mark;

	if (n >= sizeof(SIGNATURE) - 1 && memcmp(p, SIGNATURE, sizeof(SIGNATURE) - 1) == 0)
		return 100;
	return n > 16 && memcmp(p, "objectclass,cn,", 15) == 0 ? 60 : 0;
}

static int decode(struct decoder *d)
{
	struct canon state = {.one_touch = false};

	return sheet_decode(d, &FORMAT, &state);
}

extern const struct codec codec_canon_csv;

static int encode(struct encoder *e)
{
	struct canon state = {.one_touch = false};

	return sheet_encode(e, &codec_canon_csv, &FORMAT, &state);
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return sheet_holds(&FORMAT, kind, field);
}

const struct codec codec_canon_csv = {
	.name = "canon_csv",
	.family = "canon",
	.title = "Canon device CSV",
	.suffix = ".csv",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_EXACT | CODEC_SECRETS | CODEC_EXTRAS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};
