// SPDX-License-Identifier: Apache-2.0
/* The table of fields, and their names. */
#include "common/book/field.h"

#include <string.h>

#define ENTRY (1u << DEST_NONE)
#define EMAIL (1u << DEST_EMAIL)
#define FAX (1u << DEST_FAX)
#define IFAX (1u << DEST_IFAX)
#define IPFAX (1u << DEST_IPFAX)
#define FILES (1u << DEST_FILE)
#define BOX (1u << DEST_BOX)
#define AUTH (1u << DEST_LDAP_AUTH | 1u << DEST_SMTP_AUTH | 1u << DEST_FOLDER_AUTH)

/* clang-format off */
static const struct field_info FIELDS[FIELD_NUMBERS] = {
	[F_NUMBER] = {"number", FIELD_UINT, ENTRY, false, false},
	[F_NAME] = {"name", FIELD_TEXT, ENTRY, false, false},
	[F_READING] = {"reading", FIELD_TEXT, ENTRY, false, false},
	[F_SHORT_LABEL] = {"short_label", FIELD_TEXT, ENTRY, false, false},
	[F_FAVOURITE] = {"favourite", FIELD_BOOL, ENTRY, false, false},
	[F_PRIORITY] = {"priority", FIELD_UINT, ENTRY, false, false},
	[F_ACCESS_NO] = {"access_no", FIELD_DIGITS, ENTRY, false, false},
	[F_UUID] = {"uuid", FIELD_TEXT, ENTRY, false, true},
	[F_USER_CODE] = {"user_code", FIELD_DIGITS, ENTRY, false, false},
	[F_READING_LANG] = {"reading_lang", FIELD_TEXT, ENTRY, false, true},
	[F_IS_SENDER] = {"is_sender", FIELD_BOOL, ENTRY, false, false},
	[F_IS_DESTINATION] = {"is_destination", FIELD_BOOL, ENTRY, false, false},
	[F_OWNER_USER] = {"owner_user", FIELD_TEXT, ENTRY, false, false},
	[F_OWNER_DOMAIN] = {"owner_domain", FIELD_TEXT, ENTRY, false, false},
	[F_OWNER_GROUP] = {"owner_group", FIELD_TEXT, ENTRY, false, false},
	[F_PERSONAL_ID] = {"personal_id", FIELD_TEXT, ENTRY, false, false},

	[F_ADDRESS] = {"address", FIELD_EMAIL, EMAIL | IFAX, true, false},
	[F_PARAMETER] = {"parameter", FIELD_TEXT, EMAIL | IFAX, false, true},
	[F_DIRECT_SMTP] = {"direct_smtp", FIELD_BOOL, EMAIL, false, false},
	[F_SPLIT_LARGE] = {"split_large", FIELD_BOOL, EMAIL, false, false},
	[F_AS] = {"as", FIELD_TOKEN, EMAIL, false, false},
	[F_FAX_NUMBER] = {"fax_number", FIELD_FAX, FAX, true, false},
	[F_SUB] = {"sub", FIELD_TEXT, FAX, false, false},
	[F_FAX_PROTOCOL] = {"fax_protocol", FIELD_TOKEN, FAX, false, true},
	[F_ECM] = {"ecm", FIELD_BOOL, FAX, false, false},
	[F_SPEED] = {"speed", FIELD_TOKEN, FAX, false, true},
	[F_LINE] = {"line", FIELD_TOKEN, FAX, false, true},
	[F_ABROAD] = {"abroad", FIELD_BOOL, FAX, false, false},
	[F_HEADER_NO] = {"header_no", FIELD_TEXT, FAX, false, true},
	[F_LABEL1] = {"label1", FIELD_TEXT, FAX, false, true},
	[F_LABEL2] = {"label2", FIELD_TEXT, FAX, false, true},
	[F_LABEL3] = {"label3", FIELD_TEXT, FAX, false, true},
	[F_DIRECT] = {"direct", FIELD_BOOL, IFAX, false, false},
	[F_MODE] = {"mode", FIELD_TOKEN, IFAX | IPFAX, false, true},
	[F_BW_PAPER] = {"bw_paper", FIELD_TOKEN, IFAX, false, true},
	[F_BW_COMPRESSION] = {"bw_compression", FIELD_TOKEN, IFAX, false, true},
	[F_BW_PIXEL] = {"bw_pixel", FIELD_TOKEN, IFAX, false, true},
	[F_BW_BITS] = {"bw_bits", FIELD_TOKEN, IFAX, false, true},
	[F_BW_RESOLUTION] = {"bw_resolution", FIELD_TOKEN, IFAX, false, true},
	[F_COLOUR_PAPER] = {"colour_paper", FIELD_TOKEN, IFAX, false, true},
	[F_COLOUR_COMPRESSION] = {"colour_compression", FIELD_TOKEN, IFAX, false, true},
	[F_COLOUR_PIXEL] = {"colour_pixel", FIELD_TOKEN, IFAX, false, true},
	[F_COLOUR_BITS] = {"colour_bits", FIELD_TOKEN, IFAX, false, true},
	[F_COLOUR_RESOLUTION] = {"colour_resolution", FIELD_TOKEN, IFAX, false, true},
	[F_RESOLUTIONS] = {"resolutions", FIELD_TOKEN, IFAX, false, true},
	[F_FILE_SIZE] = {"file_size", FIELD_TOKEN, IFAX, false, true},
	[F_FILE_FORMAT] = {"file_format", FIELD_TOKEN, IFAX, false, true},
	[F_URI] = {"uri", FIELD_TEXT, IPFAX, true, false},
	[F_PROTOCOL] = {"protocol", FIELD_TOKEN, FILES, false, false},
	[F_HOST] = {"host", FIELD_HOST, FILES | BOX, true, false},
	[F_PORT] = {"port", FIELD_PORT, FILES, true, false},
	[F_SHARE] = {"share", FIELD_PATH, FILES, true, false},
	[F_PATH] = {"path", FIELD_PATH, FILES, true, false},
	[F_ANONYMOUS] = {"anonymous", FIELD_BOOL, FILES, false, false},
	[F_PASSIVE] = {"passive", FIELD_BOOL, FILES, false, false},
	[F_PROXY] = {"proxy", FIELD_BOOL, FILES, false, false},
	[F_SSL] = {"ssl", FIELD_BOOL, FILES, false, false},
	[F_ACCOUNT] = {"account", FIELD_TEXT, FILES | AUTH, true, false},
	[F_LOGON_MODE] = {"logon_mode", FIELD_TOKEN, FILES, false, true},
	[F_CHAR_ENCODING] = {"char_encoding", FIELD_TOKEN, FILES, false, true},
	[F_ASK_PASSWORD] = {"ask_password", FIELD_BOOL, FILES, false, false},
	[F_BOX_ID] = {"box_id", FIELD_TEXT, BOX, true, false},
	[F_SELECT] = {"select", FIELD_TOKEN, FILES | AUTH, false, true},
};
/* clang-format on */

static const char *const KINDS[DEST_KINDS] = {
	"none",
	"email",
	"fax",
	"ifax",
	"ipfax",
	"file",
	"box",
	"ldap_auth",
	"smtp_auth",
	"folder_auth",
	"group",
};

const struct field_info *field_info(unsigned field)
{
	return field < FIELD_NUMBERS && FIELDS[field].name ? &FIELDS[field] : NULL;
}

enum book_field field_named(const char *name)
{
	for (unsigned i = 0; i < FIELD_NUMBERS; i++)
		if (FIELDS[i].name && strcmp(FIELDS[i].name, name) == 0)
			return (enum book_field)i;
	return (enum book_field)0;
}

const char *dest_kind_name(enum dest_kind kind)
{
	return KINDS[kind];
}

int dest_kind_named(const char *name)
{
	for (int i = 1; i < DEST_KINDS; i++)
		if (strcmp(KINDS[i], name) == 0)
			return i;
	return -1;
}
