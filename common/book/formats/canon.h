// SPDX-License-Identifier: Apache-2.0
/* What Canon's two formats say alike (docs/spec/address-books.md 4.1,
 * 4.2): kinds are objectclasses. */
#pragma once

#include "common/book/book.h"

/* "email", "g3fax" …; NULL = Canon has no word for it, or it is of no kind. */
const char *canon_class(const struct book_entry *e);
/* DEST_NONE = of a kind that is not known. In any case. */
enum dest_kind canon_kind(const char *class, size_t n);
