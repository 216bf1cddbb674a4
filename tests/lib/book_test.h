// SPDX-License-Identifier: Apache-2.0
/* What the tests of codecs do: read a sample, decode it, encode it again. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/codec.h"
#include "common/book/norm.h"
#include "common/text/charset.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

static unused struct span text_span(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static unused struct buf slurp(const char *path)
{
	struct buf b = BUF_INIT;
	char piece[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		fail_msg("%s cannot be opened", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	fclose(f);
	return b;
}

static unused struct book *read_book(struct span file, const char *codec)
{
	struct fault fault = FAULT_INIT;
	struct book *b;

	if (book_decode(file, codec_named(codec), NULL, &b, &fault) < 0)
		fail_msg("%s: %s", fault.reason, fault.detail);
	return b;
}

/* base.n = 0: a new file. */
static unused struct buf write_book(const struct book *b, const char *codec, struct span base,
	bool reveal, struct ledger *ledger)
{
	const struct encode_options opts = {.base = base, .reveal_secrets = reveal};
	struct fault fault = FAULT_INIT;
	struct buf out = BUF_INIT;

	if (book_encode(b, codec_named(codec), &opts, &out, ledger, &fault) < 0)
		fail_msg("%s: %s", fault.reason, fault.detail);
	return out;
}

static unused void assert_bytes(struct span a, struct span b)
{
	size_t i = 0;

	while (i < a.n && i < b.n && a.p[i] == b.p[i])
		i++;
	if (i < a.n || i < b.n)
		fail_msg("differs at byte %zu of %zu and %zu: \"%.40s\" is not \"%.40s\"", i, a.n,
			b.n, i < a.n ? (const char *)a.p + i : "",
			i < b.n ? (const char *)b.p + i : "");
}

/* A refused text: the code, and what the fault says. */
static unused struct fault refused(const char *text, size_t n, const char *codec)
{
	struct fault fault = FAULT_INIT;
	struct book *b;

	if (book_decode((struct span){(const uint8_t *)text, n}, codec_named(codec), NULL, &b,
		    &fault) == 0)
		fail_msg("not refused: %.60s", text);
	book_free(b);
	return fault;
}

static unused struct book_entry *entry(struct book *b, const char *number)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++) {
			const char *n = fields_get(&b->list[i].entry[j].f, F_NUMBER);

			if (n && strcmp(n, number) == 0)
				return &b->list[i].entry[j];
		}
	fail_msg("no entry %s", number);
	return NULL;
}

static unused const char *dest_field(const struct book_entry *e, enum book_field f)
{
	const char *v = e->n_dests ? fields_get(&e->dest[0].f, f) : NULL;

	return v ? v : "";
}

/* In a copy of text, one place changed: what a file must look like after an edit. */
static unused struct buf replaced(struct span text, const char *from, const char *to)
{
	const uint8_t *at = memmem(text.p, text.n, from, strlen(from));
	struct buf b = BUF_INIT;
	size_t before;

	if (!at)
		fail_msg("\"%s\" is not in the text", from);
	before = (size_t)(at - text.p);
	buf_add(&b, text.p, before);
	buf_adds(&b, to);
	buf_add(&b, at + strlen(from), text.n - before - strlen(from));
	return b;
}

/* Canonically equal; else both as JSON, to be compared by whoever reads the log. */
static unused void assert_same(
	const struct book *a, const struct book *b, const struct book_profile *profile)
{
	struct book *x, *y;
	struct buf p, q;

	if (book_same(a, b, profile))
		return;
	x = book_normalise(a, profile);
	y = book_normalise(b, profile);
	p = write_book(x, "carnet_json", (struct span){NULL, 0}, true, NULL);
	q = write_book(y, "carnet_json", (struct span){NULL, 0}, true, NULL);
	fprintf(stderr, "--- one book\n%s\n--- the other\n%s\n", buf_str(&p), buf_str(&q));
	fail_msg("the books are not the same");
}
