// SPDX-License-Identifier: Apache-2.0
/* Canon's address list text, `.abk`, which is also the Remote UI's `abook.ldif`
 * (docs/spec/address-books.md 4.2). Here: is this a whole, sound list? Nothing is changed or kept;
 * the codec that reads entries stands beside it.
 *
 *     # Canon AddressBook version: 1
 *     # CharSet: WCP1252
 *     # SubAddressBookName: Sales
 *     # DB Version: 0x0108
 *                                     blank line
 *     subdbid: 1
 *     dn: 200
 *     cn: Ana
 *     …
 *     objectclass: email
 *                                     blank line after every record, the last one too
 *
 * Memory is bounded by the struct, whatever arrives. Not thread-safe, pure. */
#pragma once

#include "common/book/book.h"
#include "common/text/charset.h"

/* Bounds of docs/spec/reliability.md section 5. */
#define ABK_LINE_MAX BOOK_LINE_MAX
#define ABK_FIELD_MAX BOOK_FIELD_MAX
#define ABK_FIELDS_MAX BOOK_COLUMNS_MAX
#define ABK_ENTRIES_MAX BOOK_ENTRIES_MAX
#define ABK_NAME_MAX 64u

struct abk_info {
	uint32_t entries;
	uint64_t bytes;
	enum charset charset; /* of the last declaration; Windows-1252 where there is none */
	char declared[40];    /* what stands behind "# CharSet:", "" = nothing */
	/* what a device does not write (AB-16), kept and flagged */
	bool base64;   /* `attr:: value` lines */
	bool folded;   /* continuation lines */
	bool bare_lf;  /* lines that end with LF alone */
	bool preamble; /* begins with `# Canon AddressBook` */
};

/* Reads a list piece by piece, of any sizes. */
struct abk_scan {
	struct abk_info info;
	struct fault fault; /* sticky: the first thing that was wrong */
	char what[160];     /* the same without its place */

	/* the place, counted from 1; columns restart on each line */
	uint64_t line;
	uint32_t column;    /* bytes of this line so far */
	uint32_t character; /* characters of this line so far */

	int state;       /* enum in abk.c: where in a line we are */
	bool pending_cr; /* a CR was seen, only LF may follow */
	bool blank_end;  /* the last line was blank */
	bool in_record;
	bool kind_seen;              /* this record has an objectclass */
	uint32_t fields;             /* of this record */
	size_t field_bytes;          /* of this value with its continuation lines */
	char name[ABK_NAME_MAX + 1]; /* attribute, or the begin of a comment */
	size_t name_n;
	char comment[80]; /* begin of a preamble line */
	size_t comment_n;

	/* a character of several bytes that is not whole yet */
	uint8_t part[4];
	uint32_t part_n;
};

void abk_scan_init(struct abk_scan *s);
/* 0, or -1 with the place: CN_PARSE_ERROR (reason html, nul, …), CN_CHARSET_ERROR or
 * CN_RESPONSE_TOO_BIG. After a fault every call gives the same fault. */
int abk_scan_feed(struct abk_scan *s, struct span bytes, struct fault *reterr) must_check;
/* For readers that list every fault: forgets this one and stands at the begin of the next line, to
 * be fed from there. */
void abk_scan_skip_line(struct abk_scan *s);
/* The text is over. CN_INCOMPLETE when it stops inside a record or without its last blank line. */
int abk_scan_end(struct abk_scan *s, struct abk_info *ret_info, struct fault *reterr) must_check;

/* All of it at once. */
int abk_check(struct span text, struct abk_info *ret_info, struct fault *reterr) must_check;

/* Is a line, without its end, "# key: value", key in any case? Then *ret_value is what stands
 * behind the colon and one space. */
bool abk_comment(struct span line, const char *key, struct span *ret_value);

/* Does an answer begin like a web page instead of a list? A few bytes are enough. */
bool abk_looks_html(struct span head);
