// SPDX-License-Identifier: Apache-2.0
/* Three books made of the input's bytes, a common one and two later selves: diff, patch and merge
 * keep their laws (address-books.md 9, L9, L10). */
#include <string.h>

#include "common/book/compare/diff.h"
#include "common/book/compare/merge.h"
#include "tests/lib/book_random.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void diff_and_back(const struct book *x, const struct book *y)
{
	struct diff d;
	struct book *patched;

	bug_if(book_diff(x, y, NULL, &d) < 0);
	patched = book_patch(x, &d);
	bug_if(!book_same(patched, y, NULL));
	bug_if((d.n == 0) != book_same(x, y, NULL));
	book_free(patched);
	diff_fini(&d);
}

static void merge_commutes(const struct book *b, const struct book *l, const struct book *r)
{
	struct merge m, back;

	bug_if(book_merge(b, l, r, NULL, &m) < 0);
	bug_if(book_merge(b, r, l, NULL, &back) < 0);
	bug_if(!book_same(m.book, back.book, NULL));
	bug_if(m.n != back.n || m.n_notes != back.n_notes);
	merge_fini(&m);
	merge_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t none;
	struct random r = {1};

	random_feed(n ? data : &none, n);
	struct book *b = book_random(&r, &book_small_shape);
	struct book *left = book_copy(b), *right = book_copy(b);

	book_mutate(&r, left, &book_small_shape, random_below(&r, 10));
	book_mutate(&r, right, &book_small_shape, random_below(&r, 10));
	diff_and_back(left, right);
	diff_and_back(right, left);
	merge_commutes(b, left, right);
	book_free(b);
	book_free(left);
	book_free(right);
	return 0;
}
