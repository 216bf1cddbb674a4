// SPDX-License-Identifier: Apache-2.0
/* Random books for a directory server: `ldif_books make SEED` writes one as LDIF, `ldif_books same
 * SEED` compares the LDIF on its input with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/book_law.h"
#include "tests/lib/book_random.h"

/* The server wants ASCII in mail and printable strings as fax numbers. */
static void tame(struct book *b, struct book_entry *e)
{
	static const char PRINTABLE[] = "0123456789+-,.() ";

	for (uint32_t i = 0; i < e->n_dests; i++) {
		struct book_dest *d = &e->dest[i];
		const char *mail = fields_get(&d->f, F_ADDRESS);
		const char *fax = fields_get(&d->f, F_FAX_NUMBER);

		for (const char *p = mail; p && *p; p++)
			if ((unsigned char)*p >= 0x80) {
				book_set(b, &d->f, F_ADDRESS, book_fmt(b, "a%u@example.org", i));
				break;
			}
		if (fax && (fax[strspn(fax, PRINTABLE)] || strspn(fax, " ") == strlen(fax)))
			book_set(b, &d->f, F_FAX_NUMBER, book_fmt(b, "+49 %u", i));
	}
}

/* Attributes of a directory are sets: it refuses a value that stands there already. */
static bool twice(const struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_members; i++)
		for (uint32_t j = 0; j < i; j++)
			if (e->member[i].key ? e->member[j].key && strcmp(e->member[i].key,
									   e->member[j].key) == 0
					     : strcmp(e->member[i].text, e->member[j].text) == 0)
				return true;
	return e->n_dests > 1; /* addresses that only look different */
}

static struct book *made(uint64_t seed)
{
	const struct codec *ldif = codec_named("ldif");
	const struct convert_options o = {.target = profile_named("ldif"), .codec = ldif};
	struct book_shape shape = book_any_shape;
	struct random r = {.state = seed * 0x9E3779B97F4A7C15u + 1};
	struct book *source, *b = NULL;
	struct ledger ledger;
	struct fault f = FAULT_INIT;

	ledger_init(&ledger);
	shape.entries = 40;
	source = book_random(&r, &shape);
	if (book_convert(source, &o, &b, &ledger, &f) < 0) {
		(void)fprintf(stderr, "%s\n", f.detail);
		exit(2);
	}
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = b->list[i].n_entries; j-- > 0;) {
			tame(b, &b->list[i].entry[j]);
			if (twice(&b->list[i].entry[j]))
				book_remove_entry(b, &b->list[i], &b->list[i].entry[j]);
		}
	ledger_fini(&ledger);
	book_free(source);
	return b;
}

static struct buf written(const struct book *b)
{
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	if (book_encode(b, codec_named("ldif"), NULL, &out, NULL, &f) < 0) {
		(void)fprintf(stderr, "%s\n", f.detail);
		exit(2);
	}
	return out;
}

static struct book *read_back(struct span file)
{
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	if (book_decode(file, codec_named("ldif"), NULL, &b, &f) < 0) {
		(void)fprintf(stderr, "%s\n", f.detail);
		exit(2);
	}
	return b;
}

static int same(const struct book *b)
{
	struct buf file = BUF_INIT, out = written(b);
	char piece[4096];
	size_t n;
	struct book *wanted, *got;
	bool equal;

	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		buf_add(&file, piece, n);
	wanted = read_back(buf_span(&out)); /* references lost on the way are lost in both */
	got = read_back(buf_span(&file));
	equal = law_same(wanted, got, codec_named("ldif"), profile_named("ldif"));
	printf("%u\n", got->n_entries);
	book_free(wanted);
	book_free(got);
	buf_fini(&file);
	buf_fini(&out);
	return equal ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct book *b = argc == 3 ? made(strtoull(argv[2], NULL, 10)) : NULL;
	int rc = 0;

	if (!b)
		return 64;
	if (strcmp(argv[1], "make") == 0) {
		struct buf out = written(b);

		(void)fwrite(out.p, 1, out.n, stdout);
		buf_fini(&out);
	} else {
		rc = same(b);
	}
	book_free(b);
	return rc;
}
