// SPDX-License-Identifier: Apache-2.0
/* Carnet's own JSON of a book (docs/spec/address-books.md 4.12): the reading half, and what both
 * halves share. The codec itself is codec_carnet_json. */
#pragma once

#include "common/book/codec.h"

#define BOOK_JSON_MARK "book.v1"
#define BOOK_JSON_LISTS_MAX 10000u

/* struct codec's decode. */
int book_json_decode(struct decoder *d);
/* A number that JSON can say without changing it: digits, no leading zero, at most ten. */
bool book_json_plain(const char *digits);
