// SPDX-License-Identifier: Apache-2.0
/* Sharp's CSV (docs/spec/address-books.md 4.9): every cell quoted, a column for each kind of
 * destination. Accounts and passwords are cipher text, of empty ones too: an account of cipher text
 * is kept as an extra, a password as encrypted, and in rows without that destination both stay in
 * the file only. */
#include <stdio.h>
#include <string.h>

#include "common/book/engines/sheet.h"

#define SCHEME "sharp_encrypted2"
#define METHOD "encrypted2"

enum { ADDRESS };

/* ---- cipher text ---- */

/* Is the cell of this column cipher text? The column after it says so. */
static bool is_cipher(struct sheet *s, const struct column *c)
{
	char name[64];
	const char *method;

	snprintf(name, sizeof(name), "%s/@encodingMethod", c->name);
	method = sheet_text(s, sheet_column(s, name));
	return method && strcmp(method, METHOD) == 0;
}

static struct book_dest *dest_named(const struct record *r, const char *protocol)
{
	for (uint32_t i = 0; i < r->entry->n_dests; i++) {
		const char *p = fields_get(&r->entry->dest[i].f, F_PROTOCOL);

		if (p && strcmp(p, protocol) == 0)
			return &r->entry->dest[i];
	}
	return NULL;
}

static bool get_account(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	struct book_dest *d = dest_named(r, c->protocol);

	if (is_cipher(s, c))
		return !d; /* an extra, where there is something to log in to */
	if (!d)
		return false;
	book_set(s->d->book, &d->f, F_ACCOUNT, text);
	return true;
}

static bool get_password(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	struct book_dest *d = dest_named(r, c->protocol);
	bool cipher = is_cipher(s, c);

	if (d)
		book_set_secret(s->d->book, d, cipher ? SECRET_ENCRYPTED : SECRET_CLEAR, text,
			cipher ? SCHEME : NULL);
	return d || cipher;
}

static const char *put_password(const struct saying *y)
{
	const struct book_secret *s = &y->dest->secret;

	if (s->state == SECRET_CLEAR && y->about->reveal)
		return s->text;
	return s->state == SECRET_ENCRYPTED && s->scheme && strcmp(s->scheme, SCHEME) == 0 ? s->text
											   : "";
}

static const char *put_account_method(const struct saying *y)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-username", y->column->protocol);
	if (fields_get(&y->dest->f, F_ACCOUNT) || !entry_extra(y->about->entry, name))
		return "";
	return METHOD;
}

static const char *put_password_method(const struct saying *y)
{
	const struct book_secret *s = &y->dest->secret;

	return s->state == SECRET_ENCRYPTED && *put_password(y) ? METHOD : "";
}

static const char *put_data(const struct saying *y)
{
	(void)y;
	return "data";
}

/* ---- columns ---- */

#define FOLDER(p) .kind = DEST_FILE, .protocol = p
/* clang-format off */
static const struct column COLUMNS[] = {
	{.name = "address", .flags = COLUMN_OWN, .put = put_data},
	{.name = "search-id", .field = F_NUMBER, .flags = COLUMN_REQUIRED},
	{.name = "name", .field = F_NAME, .flags = COLUMN_REQUIRED},
	{.name = "search-string", .field = F_READING},
	{.name = "category-id", .tag = "category"},
	{.name = "frequently-used", .field = F_FAVOURITE},
	{.name = "mail-address", .kind = DEST_EMAIL, .field = F_ADDRESS, .flags = COLUMN_DEFINES},
	{.name = "fax-number", .kind = DEST_FAX, .field = F_FAX_NUMBER, .flags = COLUMN_DEFINES},
	{.name = "ifax-address", .kind = DEST_IFAX, .field = F_ADDRESS, .flags = COLUMN_DEFINES},
	{.name = "ftp-host", FOLDER("ftp"), .field = F_HOST, .flags = COLUMN_DEFINES},
	{.name = "ftp-directory", FOLDER("ftp"), .field = F_PATH, .flags = COLUMN_DEFINES},
	{.name = "ftp-username", FOLDER("ftp"), .field = F_ACCOUNT, .get = get_account},
	{.name = "ftp-username/@encodingMethod", FOLDER("ftp"), .flags = COLUMN_OWN, .put = put_account_method},
	{.name = "ftp-password", FOLDER("ftp"), .flags = COLUMN_SECRET, .get = get_password, .put = put_password},
	{.name = "ftp-password/@encodingMethod", FOLDER("ftp"), .flags = COLUMN_OWN, .put = put_password_method},
	{.name = "smb-directory", FOLDER("smb"), .field = F_PATH, .flags = COLUMN_DEFINES},
	{.name = "smb-username", FOLDER("smb"), .field = F_ACCOUNT, .get = get_account},
	{.name = "smb-username/@encodingMethod", FOLDER("smb"), .flags = COLUMN_OWN, .put = put_account_method},
	{.name = "smb-password", FOLDER("smb"), .flags = COLUMN_SECRET, .get = get_password, .put = put_password},
	{.name = "smb-password/@encodingMethod", FOLDER("smb"), .flags = COLUMN_OWN, .put = put_password_method},
	{.name = "desktop-host", FOLDER("desktop"), .field = F_HOST, .flags = COLUMN_DEFINES},
	{.name = "desktop-port", FOLDER("desktop"), .field = F_PORT},
	{.name = "desktop-directory", FOLDER("desktop"), .field = F_PATH, .flags = COLUMN_DEFINES},
	{.name = "desktop-username", FOLDER("desktop"), .field = F_ACCOUNT, .get = get_account},
	{.name = "desktop-username/@encodingMethod", FOLDER("desktop"), .flags = COLUMN_OWN, .put = put_account_method},
	{.name = "desktop-password", FOLDER("desktop"), .flags = COLUMN_SECRET, .get = get_password, .put = put_password},
	{.name = "desktop-password/@encodingMethod", FOLDER("desktop"), .flags = COLUMN_OWN, .put = put_password_method},
};
/* clang-format on */

/* ---- rows ---- */

/* Rows that are not data are kept and not understood. */
static bool skip(struct sheet *s)
{
	const char *mark = sheet_text(s, s->look[ADDRESS]);

	return s->look[ADDRESS] >= 0 && mark && strcmp(mark, "data") != 0;
}

static int row(struct sheet *s, struct record *r)
{
	return sheet_add(s, r, sheet_list(s, "1", LIST_FLAT, "")) == 0;
}

static void done(struct sheet *s)
{
	if (s->d->book->n_lists == 0)
		sheet_list(s, "1", LIST_FLAT, "");
}

static void fresh(struct encoder *e, struct buf *out);

static const struct format FORMAT = {
	.column = COLUMNS,
	.n_columns = array_len(COLUMNS),
	.family = "sharp",
	.number = "search-id",
	.look = {[ADDRESS] = "address"},
	.delimiter = ',',
	.quote_all = true,
	.tags = true,
	.yes = "TRUE",
	.skip = skip,
	.row = row,
	.done = done,
	.fresh = fresh,
};

static void fresh(struct encoder *e, struct buf *out)
{
	writer_heading(e, &FORMAT, FORMAT.n_columns, out);
	buf_adds(out, "\r\n");
}

/* ---- the codec ---- */

static int detect(struct span head)
{
	static const char *const BEGINS[] = {"\"address\",\"search-id\"", "address,search-id"};

	if (head.n > 3 && memcmp(head.p, "\xef\xbb\xbf", 3) == 0)
		head = (struct span){head.p + 3, head.n - 3};
	for (size_t i = 0; i < array_len(BEGINS); i++)
		if (head.n > strlen(BEGINS[i]) && memcmp(head.p, BEGINS[i], strlen(BEGINS[i])) == 0)
			return 90;
	return 0;
}

static int decode(struct decoder *d)
{
	return sheet_decode(d, &FORMAT, NULL);
}

extern const struct codec codec_sharp_csv;

static int encode(struct encoder *e)
{
	return sheet_encode(e, &codec_sharp_csv, &FORMAT, NULL);
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return (kind == DEST_FILE && field == F_PROTOCOL) || sheet_holds(&FORMAT, kind, field);
}

const struct codec codec_sharp_csv = {
	.name = "sharp_csv",
	.family = "sharp",
	.title = "Sharp CSV",
	.suffix = ".csv",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_MANY_DESTS | CODEC_TAGS | CODEC_EXACT | CODEC_SECRETS |
		 CODEC_EXTRAS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};
