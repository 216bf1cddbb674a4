// SPDX-License-Identifier: Apache-2.0
/* Carnet's own JSON (docs/spec/address-books.md 4.12). */
#include "tests/fuzz/book.h"

FUZZ_BOOK(carnet_json)
