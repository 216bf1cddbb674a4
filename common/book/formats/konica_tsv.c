// SPDX-License-Identifier: Apache-2.0
/* Konica Minolta's file (docs/spec/address-books.md 4.7): UTF-16LE, tabs, each line ends with one.
 * Its first line holds a number that nobody can compute: it is only written over a file of the same
 * machine. AccurioPress text is recognised and kept. */
#include <stdio.h>
#include <string.h>

#include "common/book/engines/sheet.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

enum { NUMBER, MODE };

/* ---- kinds ---- */

static const struct {
	const char *mode;
	enum dest_kind kind;
	const char *protocol;
} MODES[] = {
	{"Email", DEST_EMAIL, NULL},
	{"Fax", DEST_FAX, NULL},
	{"Ifax", DEST_IFAX, NULL},
	{"Box", DEST_BOX, NULL},
	{"Ftp", DEST_FILE, "ftp"},
	{"Smb", DEST_FILE, "smb"},
	{"WebDav", DEST_FILE, "webdav"},
};

/* Sip and IP: which columns are theirs is not known; all stay extras. */
static bool get_mode(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)s;
	(void)c;
	(void)text;
	return r->entry->n_dests > 0;
}

static const char *put_mode(const struct saying *y)
{
	const struct book_dest *d = y->about->entry->n_dests ? &y->about->entry->dest[0] : NULL;
	const char *protocol = d ? fields_get(&d->f, F_PROTOCOL) : NULL;

	for (size_t i = 0; d && i < array_len(MODES); i++) {
		if (MODES[i].kind != d->kind)
			continue;
		if (!MODES[i].protocol || (protocol && strcmp(protocol, MODES[i].protocol) == 0))
			return MODES[i].mode;
	}
	return NULL;
}

/* FaxECMOff says the contrary. */
static bool get_ecm_off(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	bool off = ascii_same(text, "Yes");
	struct book_dest *d = entry_dest(r->entry, DEST_FAX);

	(void)c;
	if (!off && !ascii_same(text, "No"))
		return false;
	if (d)
		book_set(s->d->book, &d->f, F_ECM, off ? "false" : "true");
	return d || !off;
}

static const char *put_ecm_off(const struct saying *y)
{
	const char *ecm = fields_get(&y->dest->f, F_ECM);

	if (!ecm)
		return NULL;
	return strcmp(ecm, "false") == 0 ? "Yes" : "No";
}

/* ---- columns ---- */

#define SECRET COLUMN_SECRET
#define FOLDER(p) .kind = DEST_FILE, .protocol = p
/* Without kind and field: kept, but neither known nor made. */
/* clang-format off */
static const struct column COLUMNS[] = {
	{.name = "AbbrNo", .field = F_NUMBER, .flags = COLUMN_REQUIRED},
	{.name = "Name", .field = F_NAME, .flags = COLUMN_REQUIRED},
	{.name = "Pinyin"},
	{.name = "Furigana", .field = F_READING},
	{.name = "SearchKey", .tag = "search_key"},
	{.name = "WellUse", .field = F_FAVOURITE},
	{.name = "SendMode", .flags = COLUMN_REQUIRED, .get = get_mode, .put = put_mode},
	{.name = "IconID"},
	{.name = "UseReferLicence"},
	{.name = "ReferGroupNo"},
	{.name = "ReferPossibleLevel"},
	{.name = "MailAddress", .kind = DEST_EMAIL, .field = F_ADDRESS},
	{.name = "MailAddress", .kind = DEST_IFAX, .field = F_ADDRESS},
	{.name = "FTPServerAddress", FOLDER("ftp"), .field = F_HOST},
	{.name = "FTPServerFolder", FOLDER("ftp"), .field = F_PATH},
	{.name = "FTPLoginAnonymous", FOLDER("ftp"), .field = F_ANONYMOUS, .idle = "No"},
	{.name = "FTPLoginUser", FOLDER("ftp"), .field = F_ACCOUNT},
	{.name = "FTPLoginPassword", FOLDER("ftp"), .flags = SECRET},
	{.name = "FTPPassiveSend", FOLDER("ftp"), .field = F_PASSIVE, .idle = "No"},
	{.name = "FTPProxy", FOLDER("ftp"), .field = F_PROXY, .idle = "No"},
	{.name = "FTPPortNo", FOLDER("ftp"), .field = F_PORT},
	{.name = "SMBAddress", FOLDER("smb"), .field = F_HOST},
	{.name = "SMBFolder", FOLDER("smb"), .field = F_PATH},
	{.name = "SMBLoginUser", FOLDER("smb"), .field = F_ACCOUNT},
	{.name = "SMBLoginPassword", FOLDER("smb"), .flags = SECRET},
	{.name = "WebDAVServerAddress", FOLDER("webdav"), .field = F_HOST},
	{.name = "WebDAVCollection", FOLDER("webdav"), .field = F_PATH},
	{.name = "WebDAVLoginUser", FOLDER("webdav"), .field = F_ACCOUNT},
	{.name = "WebDAVLoginPassword", FOLDER("webdav"), .flags = SECRET},
	{.name = "WebDAVSSL", FOLDER("webdav"), .field = F_SSL, .idle = "No"},
	{.name = "WebDAVProxy", FOLDER("webdav"), .field = F_PROXY, .idle = "No"},
	{.name = "WebDAVPortNo", FOLDER("webdav"), .field = F_PORT},
	{.name = "BoxID", .kind = DEST_BOX, .field = F_BOX_ID},
	{.name = "Model"},
	{.name = "FaxPhoneNo", .kind = DEST_FAX, .field = F_FAX_NUMBER},
	{.name = "FaxCapability"},
	{.name = "FaxV34Off"},
	{.name = "FaxECMOff", .kind = DEST_FAX, .field = F_ECM, .idle = "No", .get = get_ecm_off, .put = put_ecm_off},
	{.name = "FaxOversea", .kind = DEST_FAX, .field = F_ABROAD, .idle = "No"},
	{.name = "FaxLine", .kind = DEST_FAX, .field = F_LINE},
	{.name = "CheckDest"},
	{.name = "Host"},
	{.name = "PortNo"},
	{.name = "IfaxResolution"},
	{.name = "IfaxSize"},
	{.name = "IfaxCompression"},
};
/* clang-format on */

/* ---- rows ---- */

static int preamble(struct sheet *s, struct span line)
{
	(void)s;
	return line.n && line.p[0] != '@' && line.p[0] != '#';
}

/* The row of allowed values, and the trailer. */
static bool skip(struct sheet *s)
{
	const char *first = sheet_text(s, 0);

	return first && (strcmp(first, "alternative") == 0 || first[0] == '@');
}

static int row(struct sheet *s, struct record *r)
{
	const char *mode = sheet_text(s, s->look[MODE]);

	if (!mode || sheet_add(s, r, sheet_list(s, "1", LIST_FLAT, "")) < 0)
		return 0;
	for (size_t i = 0; i < array_len(MODES); i++) {
		struct book_dest *d;

		if (!ascii_same(mode, MODES[i].mode))
			continue;
		d = book_add_dest(s->d->book, r->entry, MODES[i].kind);
		book_set(s->d->book, &d->f, F_PROTOCOL, MODES[i].protocol);
	}
	return 1;
}

static void done(struct sheet *s)
{
	if (s->d->book->n_lists == 0)
		sheet_list(s, "1", LIST_FLAT, "");
}

static const struct format FORMAT = {
	.column = COLUMNS,
	.n_columns = array_len(COLUMNS),
	.family = "konica",
	.number = "AbbrNo",
	.look = {[NUMBER] = "AbbrNo", [MODE] = "SendMode"},
	.delimiter = '\t',
	.one_dest = true,
	.tags = true,
	.yes = "Yes",
	.preamble = preamble,
	.skip = skip,
	.row = row,
	.done = done,
};

/* ---- the codec ---- */

/* The first line in ASCII: its other bytes do not matter here. */
static size_t first_line(struct span head, char *out, size_t size)
{
	bool wide = head.n >= 2 && head.p[0] == 0xff && head.p[1] == 0xfe;
	size_t n = 0;

	for (size_t i = wide ? 2 : 0; i < head.n && n + 1 < size; i += wide ? 2 : 1) {
		if (head.p[i] == '\n')
			break;
		out[n++] = head.p[i] ? (char)head.p[i] : ' ';
	}
	out[n] = 0;
	return n;
}

static int detect(struct span head)
{
	char line[256];

	if (first_line(head, line, sizeof(line)) < 5 || strncmp(line, "@Ver", 4) != 0)
		return 0;
	return strstr(line, "\tabbr\t") ? 95 : 0;
}

static int decode(struct decoder *d)
{
	return sheet_decode(d, &FORMAT, NULL);
}

extern const struct codec codec_konica_tsv;

static int encode(struct encoder *e)
{
	return sheet_encode(e, &codec_konica_tsv, &FORMAT, NULL);
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return (kind == DEST_FILE && field == F_PROTOCOL) || sheet_holds(&FORMAT, kind, field);
}

const struct codec codec_konica_tsv = {
	.name = "konica_tsv",
	.family = "konica",
	.title = "Konica Minolta file",
	.suffix = ".txt",
	.charset = "UTF-16LE",
	.flags = CODEC_ENCODE | CODEC_NEEDS_BASE | CODEC_TAGS | CODEC_EXACT | CODEC_SECRETS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};

/* ---- AccurioPress ---- */

static int detect_accurio(struct span head)
{
	char line[64];

	first_line(head, line, sizeof(line));
	return strncmp(line, "#EKC_TAB", 8) == 0 ? 95 : 0;
}

/* Kept, not understood: the book has no entries. */
static int check_lines(struct decoder *d, struct table *t)
{
	int rc;

	while ((rc = table_next_line(t)) > 0) {
		const struct book_fault f = {
			.code = CN_PARSE_ERROR, .line = t->line, .reason = "line_too_long"};

		if (table_line(t).n > 300 &&
			decode_wrong(d, &f, "a line of more than 300 bytes") < 0)
			return -1;
	}
	return rc;
}

static int decode_accurio(struct decoder *d)
{
	const struct book_fault odd = {.code = CN_UNSUPPORTED_OPERATION, .reason = "not_read"};
	struct book_fault f = {.line = 0};
	struct table t;
	int rc = table_init(&t, d->file, CHARSET_UTF8, '\t');

	if (rc == 0)
		rc = check_lines(d, &t);
	if (rc < 0 && t.wrong.code) {
		table_place(&t, t.wrong.offset, &f);
		f.code = t.wrong.code;
		f.reason = t.wrong.reason;
		rc = decode_wrong(d, &f, "%s", t.wrong.text);
	}
	decode_odd(d, &odd, "AccurioPress lists are kept; their entries are not read");
	table_fini(&t);
	return rc;
}

static bool holds_nothing(enum dest_kind kind, enum book_field field)
{
	(void)kind;
	(void)field;
	return false;
}

const struct codec codec_konica_accurio = {
	.name = "konica_accurio",
	.family = "konica",
	.title = "Konica Minolta AccurioPress list",
	.suffix = ".txt",
	.charset = "UTF-8",
	.detect = detect_accurio,
	.decode = decode_accurio,
	.holds = holds_nothing,
};
