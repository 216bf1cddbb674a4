// SPDX-License-Identifier: Apache-2.0
/* Canon address list text: any bytes, and the checker says what the reader says. */
#include "common/book/formats/abk.h"
#include "tests/fuzz/book.h"

extern const struct codec codec_canon_abk;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct span file = {data, n};
	struct abk_info info;
	struct fault a = FAULT_INIT, b = FAULT_INIT;
	struct book *book = NULL;
	int checked = abk_check(file, &info, &a);

	bug_if(book_decode(file, &codec_canon_abk, NULL, &book, &b) != checked &&
		strcmp(b.reason, "duplicate_number") != 0);
	book_free(book);
	fuzz_book(&codec_canon_abk, file);
	return 0;
}
