// SPDX-License-Identifier: Apache-2.0
/* Xerox's CSV (docs/spec/address-books.md 4.8): two sets of columns, matched by name; placeholders
 * that mean absent; groups that stand on their members. */
#include <string.h>

#include "common/book/engines/member_of.h"

enum { IS_LIST };

static const char *id_of(const struct book_entry *e)
{
	const char *number = fields_get(&e->f, F_NUMBER);
	const char *plain = number ? plain_number(number) : NULL;

	return plain ? plain : e->key;
}

static bool get_is_list(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)s;
	(void)c;
	return r->entry->group || strcmp(text, "0") == 0;
}

static const char *put_is_list(const struct saying *y)
{
	if (y->about->entry->group)
		return "1";
	return entry_extra(y->about->entry, "IsDL") ? NULL : "0";
}

/* Without kind and field: kept, but neither known nor made. The number of ScanTransferProtocol is
 * not public. */
/* clang-format off */
static const struct column COLUMNS[] = {
	{.name = "XrxAddressBookId", .field = F_NUMBER, .flags = COLUMN_REQUIRED},
	{.name = "DisplayName", .field = F_NAME, .flags = COLUMN_REQUIRED},
	{.name = "FirstName"},
	{.name = "LastName"},
	{.name = "Company"},
	{.name = "XrxAllFavoritesOrder"},
	{.name = "MemberOf", .get = member_of_get, .put = member_of_put},
	{.name = "IsDL", .get = get_is_list, .put = put_is_list},
	{.name = "XrxApplicableWorkflows"},
	{.name = "FaxNumber", .kind = DEST_FAX, .field = F_FAX_NUMBER, .flags = COLUMN_DEFINES},
	{.name = "XrxIsFaxFavorite"},
	{.name = "E-mailAddress", .kind = DEST_EMAIL, .field = F_ADDRESS, .flags = COLUMN_DEFINES},
	{.name = "XrxIsEmailFavorite"},
	{.name = "InternetFaxAddress", .kind = DEST_IFAX, .field = F_ADDRESS, .flags = COLUMN_DEFINES},
	{.name = "XrxIsScanFavorite"},
	{.name = "ScanNickName"},
	{.name = "ScanTransferProtocol"},
	{.name = "ScanServerAddress", .kind = DEST_FILE, .field = F_HOST, .flags = COLUMN_DEFINES},
	{.name = "ScanServerPort", .kind = DEST_FILE, .field = F_PORT, .idle = "0"},
	{.name = "ScanDocumentPath", .kind = DEST_FILE, .field = F_PATH, .flags = COLUMN_DEFINES},
	{.name = "ScanLoginName", .kind = DEST_FILE, .field = F_ACCOUNT},
	{.name = "ScanLoginPassword", .kind = DEST_FILE, .flags = COLUMN_SECRET},
	{.name = "ScanSMBShare", .kind = DEST_FILE, .field = F_SHARE, .flags = COLUMN_DEFINES},
	{.name = "ScanNDSTree"},
	{.name = "ScanNDSContext"},
	{.name = "ScanNDSVolume"},
};
/* clang-format on */

/* `(null)`, and """""" which says two quotes. */
static bool blank(const char *text)
{
	return strcmp(text, "(null)") == 0 || strcmp(text, "\"\"") == 0;
}

static int row(struct sheet *s, struct record *r)
{
	const char *is_list = sheet_text(s, s->look[IS_LIST]);

	if (!is_list || sheet_add(s, r, sheet_list(s, "1", LIST_FLAT, "")) < 0)
		return 0;
	r->entry->group = strcmp(is_list, "1") == 0;
	return 1;
}

static void done(struct sheet *s)
{
	if (s->d->book->n_lists == 0)
		sheet_list(s, "1", LIST_FLAT, "");
	member_of_join(s, s->state);
}

static void plan(struct writer *w)
{
	member_of_plan(w, w->state);
}

static void fresh(struct encoder *e, struct buf *out);

static const struct format FORMAT = {
	.column = COLUMNS,
	.n_columns = array_len(COLUMNS),
	.family = "xerox",
	.number = "XrxAddressBookId",
	.look = {[IS_LIST] = "IsDL"},
	.members = true,
	.yes = "1",
	.row = row,
	.done = done,
	.blank = blank,
	.plan = plan,
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
	const uint8_t *nl = head.n ? memchr(head.p, '\n', head.n) : NULL;
	size_t n = nl ? (size_t)(nl - head.p) : head.n;

	return n && memmem(head.p, n, "XrxAddressBookId", 16) ? 90 : 0;
}

#define MEMBER_OF                                                                                  \
	{                                                                                          \
		.column = "MemberOf", .id = id_of, .names_too = true                               \
	}

static int decode(struct decoder *d)
{
	struct member_of m = MEMBER_OF;
	int r = sheet_decode(d, &FORMAT, &m);

	member_of_fini(&m);
	return r;
}

extern const struct codec codec_xerox_csv;

static int encode(struct encoder *e)
{
	struct member_of m = MEMBER_OF;
	int r = sheet_encode(e, &codec_xerox_csv, &FORMAT, &m);

	member_of_fini(&m);
	return r;
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return (kind == DEST_GROUP && field == 0) || sheet_holds(&FORMAT, kind, field);
}

const struct codec codec_xerox_csv = {
	.name = "xerox_csv",
	.family = "xerox",
	.title = "Xerox CSV",
	.suffix = ".csv",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_GROUPS | CODEC_MANY_DESTS | CODEC_EXACT | CODEC_SECRETS |
		 CODEC_EXTRAS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.placeholder = blank,
	.holds = holds,
};
