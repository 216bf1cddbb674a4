// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/book.h"

FUZZ_BOOK(konica_accurio)
