// SPDX-License-Identifier: Apache-2.0
/* LDIF (docs/spec/address-books.md 4.3). */
#include "tests/fuzz/book.h"

FUZZ_BOOK(ldif)
