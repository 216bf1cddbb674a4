// SPDX-License-Identifier: Apache-2.0
/* The spreadsheet-safe view of a book (docs/spec/address-books.md section 6): a CSV for people, in
 * which no cell is a formula and no telephone number becomes one, and from which the book comes
 * back exactly, without passwords (AB-23). It never goes to a machine (AB-24): the codecs refuse
 * it. */
#pragma once

#include "common/base/buf.h"
#include "common/book/book.h"

#define VIEW_MARK "carnet" /* the name of its first column */

/* Any bytes as the text of a cell, without the quotes of CSV, and back. */
void view_guard(struct span text, struct buf *out);
/* 0, or -1 when a b64: cell is not one. */
int view_unguard(struct span cell, struct buf *out) must_check;

void view_export(const struct book *b, struct buf *out);
/* Does a file begin like a view? */
bool view_is(struct span file);
/* 0 and *ret_book (book_free), or -1: CN_PARSE_ERROR, CN_CHARSET_ERROR, CN_RESPONSE_TOO_BIG. */
int view_import(struct span file, struct book **ret_book, struct fault *reterr) must_check;
