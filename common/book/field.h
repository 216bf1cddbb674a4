// SPDX-License-Identifier: Apache-2.0
/* Every field that an entry or a destination can have, once (docs/spec/address-books.md 1.2, 1.3).
 * The number is what is hashed and stored (section 8): numbers only rise and never change meaning.
 * Values are UTF-8 text in canonical tokens: numbers decimal, booleans "true" and "false". */
#pragma once

#include "common/base/base.h"

enum dest_kind {
	DEST_NONE = 0, /* a field of the entry itself */
	DEST_EMAIL = 1,
	DEST_FAX = 2,
	DEST_IFAX = 3,
	DEST_IPFAX = 4,
	DEST_FILE = 5, /* SMB, FTP, WebDAV …: F_PROTOCOL says which */
	DEST_BOX = 6,
	DEST_LDAP_AUTH = 7,
	DEST_SMTP_AUTH = 8,
	DEST_FOLDER_AUTH = 9,
	DEST_GROUP = 10, /* never a struct book_dest: book_entry.group says it */
};
#define DEST_KINDS 11

enum book_field {
	/* of an entry */
	F_NUMBER = 1,
	F_NAME = 2,
	F_READING = 3,
	F_SHORT_LABEL = 4,
	F_FAVOURITE = 6,
	F_PRIORITY = 7,
	F_ACCESS_NO = 8,
	F_UUID = 9,
	F_USER_CODE = 10,
	F_READING_LANG = 11,
	F_IS_SENDER = 12,
	F_IS_DESTINATION = 13,
	F_OWNER_USER = 14,
	F_OWNER_DOMAIN = 15,
	F_OWNER_GROUP = 16,
	F_PERSONAL_ID = 17,
	/* 5 tags, 20 destinations, 30 members, 40 extra: not single values */

	/* of a destination */
	F_ADDRESS = 50, /* e-mail, I-fax */
	F_PARAMETER = 51,
	F_DIRECT_SMTP = 52,
	F_SPLIT_LARGE = 53,
	F_AS = 54,
	F_FAX_NUMBER = 60,
	F_SUB = 61,
	F_FAX_PROTOCOL = 62,
	F_ECM = 63,
	F_SPEED = 64,
	F_LINE = 65,
	F_ABROAD = 66,
	F_HEADER_NO = 67,
	F_LABEL1 = 68,
	F_LABEL2 = 69,
	F_LABEL3 = 70,
	F_DIRECT = 71,
	F_MODE = 72,
	F_BW_PAPER = 73,
	F_BW_COMPRESSION = 74,
	F_BW_PIXEL = 75,
	F_BW_BITS = 76,
	F_BW_RESOLUTION = 77,
	F_COLOUR_PAPER = 78,
	F_COLOUR_COMPRESSION = 79,
	F_COLOUR_PIXEL = 80,
	F_COLOUR_BITS = 81,
	F_COLOUR_RESOLUTION = 82,
	F_RESOLUTIONS = 83, /* a sorted list, joined with one space */
	F_FILE_SIZE = 84,
	F_FILE_FORMAT = 85,
	F_URI = 86,
	F_PROTOCOL = 90, /* smb ftp ftps sftp webdav http ncp desktop */
	F_HOST = 91,
	F_PORT = 92,
	F_SHARE = 93,
	F_PATH = 94,
	F_ANONYMOUS = 95,
	F_PASSIVE = 96,
	F_PROXY = 97,
	F_SSL = 98,
	F_ACCOUNT = 99,
	F_LOGON_MODE = 100,
	F_CHAR_ENCODING = 101,
	F_ASK_PASSWORD = 102,
	F_BOX_ID = 103,
	F_SELECT = 104,
};
#define FIELD_NUMBERS 105 /* one more than the highest */

/* How a value is normalised (section 8) and what may be done to it. */
enum field_type {
	FIELD_TEXT,
	FIELD_EMAIL,
	FIELD_HOST,
	FIELD_PATH,
	FIELD_FAX,
	FIELD_PORT,
	FIELD_BOOL,
	FIELD_TOKEN, /* a code word; kept as found when it is not known */
	FIELD_UINT,
	FIELD_DIGITS, /* digits whose leading zeros count */
};

struct field_info {
	const char *name; /* "fax_number": JSON, diff, ledger, CSV */
	enum field_type type;
	uint32_t kinds; /* bits 1 << dest_kind; 1 << DEST_NONE: of the entry */
	bool address;   /* where something is sent: never cut, entry_dropped instead */
	bool local;     /* in the maker's own code: means nothing to another family */
};

/* NULL for a number that is none (5, 20, …). */
const struct field_info *field_info(unsigned field);
/* The number, or 0. kind picks among like-named ones (none today). */
enum book_field field_named(const char *name) must_check;

const char *dest_kind_name(enum dest_kind kind); /* "email", "fax", … "group" */
/* -1 when there is no such kind. */
int dest_kind_named(const char *name) must_check;
