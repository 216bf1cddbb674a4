// SPDX-License-Identifier: Apache-2.0
/* What of an entry can be searched for, in the form in which it is compared
 * (docs/spec/address-books.md section 12). A typed word goes through search_word of the same kind
 * and then matches by equality, prefix or substring. Secrets give no key. Pure. */
#pragma once

#include "common/base/buf.h"
#include "common/book/book.h"

/* The numbers are stored: they only rise. */
enum search_kind {
	SEARCH_NAME = 1,       /* name and short label: NFKC, case and width folded */
	SEARCH_NAME_PLAIN = 2, /* the same without accents, where that differs */
	SEARCH_READING = 3,    /* folded, hiragana for katakana, without accents */
	SEARCH_EMAIL = 4,      /* e-mail and I-fax addresses: domain as A-labels, case folded */
	SEARCH_FAX = 5,        /* digits only */
	SEARCH_FAX_END = 6,    /* the same digits reversed: a suffix is a prefix of it */
	SEARCH_HOST = 7,       /* canonical host of folders and boxes */
	SEARCH_PATH = 8,       /* "share/path", folded, with slashes */
	SEARCH_ACCOUNT = 9,    /* of folders and logins, user codes; folded */
	SEARCH_TAG = 10,       /* "system=value", folded */
	SEARCH_URI = 11,       /* of IP-fax, folded */
};
#define SEARCH_KINDS 12

const char *search_kind_name(enum search_kind kind); /* "name", "fax" … */
int search_kind_named(const char *name) must_check;  /* -1 = none */

/* Calls each for every key of e once, kinds ascending; text holds only during the call. e need not
 * be normal. 0, or -1 when memory ran out. */
int search_keys(const struct book_entry *e,
	void (*each)(enum search_kind kind, const char *text, void *arg), void *arg) must_check;

/* What somebody typed, made comparable with the keys of that kind; added to out. "" when nothing
 * of it can match (letters in a fax number). 0 or -1. */
int search_word(enum search_kind kind, const char *typed, struct buf *out) must_check;
