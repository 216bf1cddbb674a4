// SPDX-License-Identifier: Apache-2.0
/* Views of spreadsheets: any bytes; what is read is written and read again, the same book. Any
 * bytes are also a cell, which comes back exactly. */
#include "common/book/formats/view.h"
#include "tests/fuzz/book.h"

/* Passwords apart: a view only says that there is one. */
static bool same(const struct book *a, const struct book *b)
{
	struct book *x = book_normal_view(a, NULL), *y = book_normal_view(b, NULL);
	struct book_hashes p, q;

	book_hash(x, NULL, &p);
	book_hash(y, NULL, &q);
	book_free(x);
	book_free(y);
	return memcmp(p.pub, q.pub, sizeof(p.pub)) == 0;
}

static void cell(struct span text)
{
	struct buf guarded = BUF_INIT, back = BUF_INIT;

	view_guard(text, &guarded);
	bug_if(view_unguard(buf_span(&guarded), &back) != 0);
	bug_if(back.n != text.n || (text.n > 0 && memcmp(back.p, text.p, text.n) != 0));
	buf_fini(&guarded);
	buf_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fault f = FAULT_INIT;
	struct buf out = BUF_INIT;
	struct book *a, *b;

	cell((struct span){data, n});
	if (view_import((struct span){data, n}, &a, &f) != 0) {
		bug_if(f.code == 0);
		return 0;
	}
	fuzz_model(a);
	view_export(a, &out);
	bug_if(view_import(buf_span(&out), &b, &f) != 0);
	bug_if(!same(a, b));
	book_free(a);
	book_free(b);
	buf_fini(&out);
	return 0;
}
