// SPDX-License-Identifier: Apache-2.0
/* Konica Minolta's `Abbr` as OpenAPI answers it (docs/spec/address-books.md 4.7). Names alone
 * count, in whatever namespace (devices.md DC-3). What is not listed there, fax numbers and WebDAV
 * among it, is kept and not understood. */
#include <string.h>

#include "common/book/engines/tree.h"

#define SEND "SendConfiguration/"
#define INFO "SendConfiguration/AddressInfo/"

enum { ENTRY, EMAIL, SMB, FTP, BLOCKS };

static const struct tree_block BLOCK[BLOCKS] = {
	[EMAIL] = {DEST_EMAIL, NULL, F_ADDRESS},
	[SMB] = {DEST_FILE, "smb", F_HOST},
	[FTP] = {DEST_FILE, "ftp", F_HOST},
};

/* clang-format off */
static const struct tree_row ROWS[] = {
	{"AbbrNo", ENTRY, F_NUMBER, TREE_KEY, NULL},
	{"Name", ENTRY, F_NAME, TREE_VALUE, NULL},
	{"SearchKey", ENTRY, 0, TREE_OWN, NULL},
	{"WellUse", ENTRY, F_FAVOURITE, TREE_BOOL, "true"},
	{SEND "SendGroup", ENTRY, 0, TREE_PLAIN, "Scan"},
	{SEND "TargetAddressType", ENTRY, 0, TREE_PLAIN, "Single"},
	{INFO "SendMode", EMAIL, 0, TREE_MODE, "Email"},
	{INFO "SendMode", SMB, 0, TREE_MODE, "Smb"},
	{INFO "SendMode", FTP, 0, TREE_MODE, "Ftp"},
	{INFO "EmailMode/To", EMAIL, F_ADDRESS, TREE_VALUE, NULL},
	{INFO "SmbMode/Host", SMB, F_HOST, TREE_VALUE, NULL},
	{INFO "SmbMode/Folder", SMB, F_PATH, TREE_VALUE, NULL},
	{INFO "SmbMode/User", SMB, F_ACCOUNT, TREE_VALUE, NULL},
	{INFO "SmbMode/Password", SMB, 0, TREE_SECRET, NULL},
	{INFO "FtpServerMode/Address", FTP, F_HOST, TREE_VALUE, NULL},
	{INFO "FtpServerMode/PortNo", FTP, F_PORT, TREE_VALUE, NULL},
	{INFO "FtpServerMode/User", FTP, F_ACCOUNT, TREE_VALUE, NULL},
	{INFO "FtpServerMode/Password", FTP, 0, TREE_SECRET, NULL},
	{INFO "ImageType", ENTRY, 0, TREE_PLAIN, "Icon"},
	{INFO "IconID", ENTRY, 0, TREE_PLAIN, "1"},
	{INFO "PhotoEditFlag", ENTRY, 0, TREE_PLAIN, "NotRegistered"},
	{"FaxConfiguration", ENTRY, 0, TREE_PLAIN, ""},
	{"EditFlag", ENTRY, 0, TREE_PLAIN, "Appended"},
	{"ReferLicence/UseReferLicence", ENTRY, 0, TREE_PLAIN, "Level"},
	{"ReferLicence/ReferGroupNo", ENTRY, 0, TREE_PLAIN, "1"},
	{"ReferLicence/ReferPossibleLevel", ENTRY, 0, TREE_PLAIN, "0"},
	{"AddressKind", ENTRY, 0, TREE_PLAIN, "Public"},
};
/* clang-format on */

static const struct tree_record RECORD = {
	"Abbr", true, false, BLOCK, BLOCKS, ROWS, array_len(ROWS)};

static const struct tree_record *record_of(const struct xml_node *n)
{
	return strcmp(n->name, "Abbr") == 0 ? &RECORD : NULL;
}

static bool is_container(const struct xml_node *n)
{
	return strcmp(n->name, "AbbrList") == 0;
}

/* The letters under which the panel shows the entry. */
static void read_letters(struct book *b, struct book_entry *e, const char *path, const char *text)
{
	(void)path;
	book_add_tag(b, e, "search_key", text);
}

static bool holds_tag(const char *system, const char *value)
{
	return strcmp(system, "search_key") == 0 && value[0];
}

static void say_letters(const struct book_entry *e, const char *path, struct buf *out)
{
	(void)path;
	for (uint32_t i = 0; i < e->n_tags && out->n == 0; i++)
		if (strcmp(e->tag[i].system, "search_key") == 0)
			buf_adds(out, e->tag[i].value);
}

static void head(struct buf *out, const struct book *b)
{
	buf_addf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AbbrList>\n  "
		"<ArraySize>%u</ArraySize>",
		b->n_entries);
}

static const struct tree_format FORMAT = {
	.record = &RECORD,
	.n_records = 1,
	.missing = SECRET_UNKNOWN,
	.empty = SECRET_ABSENT,
	.count = "ArraySize",
	.record_of = record_of,
	.is_container = is_container,
	.read_own = read_letters,
	.holds_tag = holds_tag,
	.say_own = say_letters,
	.head = head,
	.tail = "\n</AbbrList>\n",
	.prefix = "",
};

static int detect(struct span file)
{
	return tree_detect(file, "AbbrList");
}

static int decode(struct decoder *d)
{
	return tree_decode(d, &FORMAT);
}

extern const struct codec codec_konica_xml;

static int encode(struct encoder *e)
{
	return tree_encode(e, &codec_konica_xml, &FORMAT);
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return tree_holds(&FORMAT, kind, field);
}

const struct codec codec_konica_xml = {
	.name = "konica_xml",
	.family = "konica",
	.title = "Konica Minolta XML",
	.suffix = ".xml",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_TAGS | CODEC_EXACT | CODEC_SECRETS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};
