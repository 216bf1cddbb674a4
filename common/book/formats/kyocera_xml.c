// SPDX-License-Identifier: Apache-2.0
/* Kyocera's km-wsdl address book (docs/spec/address-books.md 4.6): answers as received, or a root
 * of our own around the same elements. */
#include <string.h>

#include "common/book/engines/tree.h"

#define NS "http://www.kyoceramita.com/ws/km-wsdl/setting/address_book"

enum { ENTRY, EMAIL, FTP, SMB, FAX, IFAX, BLOCKS };

static const struct tree_block BLOCK[BLOCKS] = {
	[EMAIL] = {DEST_EMAIL, NULL, F_ADDRESS},
	[FTP] = {DEST_FILE, "ftp", F_HOST},
	[SMB] = {DEST_FILE, "smb", F_HOST},
	[FAX] = {DEST_FAX, NULL, F_FAX_NUMBER},
	[IFAX] = {DEST_IFAX, NULL, F_ADDRESS},
};

/* clang-format off */
#define NAME_ROWS \
	{"name_information/name", ENTRY, F_NAME, TREE_VALUE, NULL}, \
	{"name_information/furigana", ENTRY, F_READING, TREE_VALUE, NULL}, \
	{"name_information/id", ENTRY, F_NUMBER, TREE_KEY, NULL}

static const struct tree_row PERSON[] = {
	NAME_ROWS,
	{"email_information/address", EMAIL, F_ADDRESS, TREE_VALUE, NULL},
	{"ftp_information/server_name", FTP, F_HOST, TREE_VALUE, NULL},
	{"ftp_information/file_path", FTP, F_PATH, TREE_VALUE, NULL},
	{"ftp_information/port_number", FTP, F_PORT, TREE_VALUE, NULL},
	{"ftp_information/login_name", FTP, F_ACCOUNT, TREE_VALUE, NULL},
	{"ftp_information/login_password", FTP, 0, TREE_SECRET, NULL},
	{"smb_information/server_name", SMB, F_HOST, TREE_VALUE, NULL},
	{"smb_information/file_path", SMB, F_PATH, TREE_VALUE, NULL},
	{"smb_information/port_number", SMB, F_PORT, TREE_VALUE, NULL},
	{"smb_information/login_name", SMB, F_ACCOUNT, TREE_VALUE, NULL},
	{"smb_information/login_password", SMB, 0, TREE_SECRET, NULL},
	{"fax_information/fax_number", FAX, F_FAX_NUMBER, TREE_VALUE, NULL},
	{"fax_information/ecm", FAX, F_ECM, TREE_BOOL, "ON"},
	{"fax_information/code_key_id", FAX, 0, TREE_PLAIN, NULL},
	{"fax_information/code_send_setting", FAX, 0, TREE_PLAIN, NULL},
	{"fax_information/code_box_number", FAX, 0, TREE_PLAIN, NULL},
	{"fax_information/code_box_setting", FAX, 0, TREE_PLAIN, NULL},
	{"fax_information/connection_begining_speed", FAX, F_SPEED, TREE_VALUE, NULL},
	{"fax_information/honorific", FAX, 0, TREE_PLAIN, NULL},
	{"ifax_information/address", IFAX, F_ADDRESS, TREE_VALUE, NULL},
	{"ifax_information/send_resolution", IFAX, F_RESOLUTIONS, TREE_LIST, NULL},
	{"ifax_information/file_size", IFAX, F_FILE_SIZE, TREE_VALUE, NULL},
	{"ifax_information/sending_mode", IFAX, 0, TREE_PLAIN, NULL},
	{"ifax_information/mode", IFAX, F_MODE, TREE_VALUE, NULL},
	{"ifax_information/file_format", IFAX, F_FILE_FORMAT, TREE_VALUE, NULL},
};

static const struct tree_row GROUP[] = {
	NAME_ROWS,
	{"address_number", ENTRY, 0, TREE_PLAIN, NULL},
	{"group_address_registration_information/type", ENTRY, 0, TREE_PLAIN, NULL},
	{"group_address_registration_information/personal_address", ENTRY, 0, TREE_MEMBER,
		"name_information/id"},
};
/* clang-format on */

static const struct tree_record RECORDS[] = {
	{"personal_address", true, false, BLOCK, BLOCKS, PERSON, array_len(PERSON)},
	{"group_address", false, true, BLOCK, 1, GROUP, array_len(GROUP)},
};

static const struct tree_record *record_of(const struct xml_node *n)
{
	for (size_t i = 0; i < array_len(RECORDS); i++)
		if (strcmp(n->name, RECORDS[i].element) == 0 && strcmp(n->ns, NS) == 0)
			return &RECORDS[i];
	return NULL;
}

static bool is_container(const struct xml_node *n)
{
	return strcmp(n->ns, NS) == 0 &&
	       (strcmp(n->name, "address_book") == 0 ||
		       strcmp(n->name, "get_personal_address_listResponse") == 0 ||
		       strcmp(n->name, "get_group_address_listResponse") == 0);
}

static void head(struct buf *out, const struct book *b)
{
	(void)b;
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<kmaddrbook:address_book xmlns:kmaddrbook=\"" NS "\">");
}

static const struct tree_format FORMAT = {
	.record = RECORDS,
	.n_records = array_len(RECORDS),
	.one_ns = true,
	.missing = SECRET_ABSENT,
	.empty = SECRET_ABSENT,
	.record_of = record_of,
	.is_container = is_container,
	.head = head,
	.tail = "\n</kmaddrbook:address_book>\n",
	.prefix = "kmaddrbook:",
};

static int detect(struct span file)
{
	return tree_detect(file, NS);
}

static int decode(struct decoder *d)
{
	return tree_decode(d, &FORMAT);
}

extern const struct codec codec_kyocera_xml;

static int encode(struct encoder *e)
{
	return tree_encode(e, &codec_kyocera_xml, &FORMAT);
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return tree_holds(&FORMAT, kind, field);
}

const struct codec codec_kyocera_xml = {
	.name = "kyocera_xml",
	.family = "kyocera",
	.title = "Kyocera XML",
	.suffix = ".xml",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_GROUPS | CODEC_MANY_DESTS | CODEC_EXACT | CODEC_SECRETS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};
