// SPDX-License-Identifier: Apache-2.0
/* What every decoder of address books is held to, whatever it is fed (docs/spec/address-books.md
 * section 7): it ends, strict and lenient agree, what was read is written back. A target is
 *     FUZZ_BOOK(canon_csv)
 * with its seeds in tests/golden/book/canon_csv or tests/fuzz/corpus/book_canon_csv. */
#pragma once

#include <string.h>

#include "common/book/codec.h"
#include "common/book/norm.h"
#include "common/text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void fuzz_text(const char *s)
{
	bug_if(s && !utf8_valid(s, strlen(s)));
}

static void fuzz_fields(const struct fields *f, enum dest_kind kind)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const struct field_info *info = field_info(f->v[i].id);
		bug_if(!info || !(info->kinds & 1u << kind) || !*f->v[i].value);
		bug_if(i > 0 && f->v[i - 1].id >= f->v[i].id);
		fuzz_text(f->v[i].value);
	}
}

static void fuzz_entry(const struct book_entry *e)
{
	fuzz_text(e->key);
	fuzz_fields(&e->f, DEST_NONE);
	for (uint32_t i = 0; i < e->n_tags; i++) {
		fuzz_text(e->tag[i].system);
		fuzz_text(e->tag[i].value);
	}
	for (uint32_t i = 0; i < e->n_dests; i++) {
		const struct book_secret *s = &e->dest[i].secret;
		fuzz_fields(&e->dest[i].f, e->dest[i].kind);
		bug_if((s->state == SECRET_CLEAR || s->state == SECRET_ENCRYPTED) != !!s->text);
		fuzz_text(s->text);
	}
	for (uint32_t i = 0; i < e->n_members; i++) {
		fuzz_text(e->member[i].key);
		fuzz_text(e->member[i].text);
	}
	for (uint32_t i = 0; i < e->n_extras; i++) {
		fuzz_text(e->extra[i].name);
		fuzz_text(e->extra[i].value);
	}
}

/* The model's promises (book.h). */
static void fuzz_model(const struct book *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_lists; i++) {
		fuzz_text(b->list[i].slot);
		fuzz_text(b->list[i].name);
		n += b->list[i].n_entries;
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			fuzz_entry(&b->list[i].entry[k]);
	}
	bug_if(n != b->n_entries);
	for (uint32_t i = 0; i < b->n_faults; i++)
		fuzz_text(b->fault[i].text);
}

static uint32_t fuzz_errors(const struct book *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; b && i < b->n_faults; i++)
		n += !b->fault[i].warning;
	return n;
}

/* L2: over its own file, byte for byte. */
static void fuzz_exact(const struct codec *c, const struct book *b, struct span file)
{
	const struct encode_options o = {.base = file};
	struct fault f = FAULT_INIT;
	struct buf out = BUF_INIT;

	bug_if(book_encode(b, c, &o, &out, NULL, &f) != 0);
	bug_if(out.n != file.n || (out.n > 0 && memcmp(out.p, file.p, out.n) != 0));
	buf_fini(&out);
}

/* L1: written fresh and read again, the same book; what the format cannot say is refused. */
static void fuzz_fresh(const struct codec *c, const struct book *b)
{
	const struct encode_options o = {.reveal_secrets = true};
	struct fault f = FAULT_INIT;
	struct buf out = BUF_INIT;
	struct book *back = NULL;

	if (book_encode(b, c, &o, &out, NULL, &f) == 0) {
		bug_if(book_decode(buf_span(&out), c, NULL, &back, &f) != 0);
		bug_if(!book_same(b, back, profile_named(c->name)));
		book_free(back);
	}
	buf_fini(&out);
}

static void fuzz_book(const struct codec *c, struct span file)
{
	static const struct decode_options LENIENT = {.lenient = true};
	struct fault f = FAULT_INIT, g = FAULT_INIT;
	struct book *strict = NULL, *lenient = NULL;

	(void)c->detect((struct span){file.p, size_min(file.n, 65536)});
	int r = book_decode(file, c, NULL, &strict, &f);
	int rl = book_decode(file, c, &LENIENT, &lenient, &g);
	bug_if((r == 0) != (rl == 0 && fuzz_errors(lenient) == 0));
	bug_if(r != 0 && (f.code == 0 || fuzz_errors(strict) != 1));
	if (lenient)
		fuzz_model(lenient);
	if (r == 0) {
		fuzz_model(strict);
		if (c->flags & CODEC_EXACT)
			fuzz_exact(c, strict, file);
		if ((c->flags & CODEC_ENCODE) && !(c->flags & CODEC_NEEDS_BASE))
			fuzz_fresh(c, strict);
	}
	book_free(strict);
	book_free(lenient);
}

#define FUZZ_BOOK(name)                                                                            \
	extern const struct codec codec_##name;                                                    \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)                                  \
	{                                                                                          \
		fuzz_book(&codec_##name, (struct span){data, n});                                  \
		return 0;                                                                          \
	}
