// SPDX-License-Identifier: Apache-2.0
/* Any book in any format, made into one of each family: the ledger is complete and what is written
 * is read again (docs/spec/address-books.md section 10; laws L1, L6). The length of the input says
 * for whom. */
#include "tests/lib/book_law.c"
#include "tests/lib/book_random.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct decode_options STRICT = {.lenient = false};

static const struct codec *target_of(size_t n)
{
	const struct codec *v[64];
	size_t writers = 0;

	for (size_t i = 0; codecs()[i]; i++)
		if ((codecs()[i]->flags & (CODEC_ENCODE | CODEC_NEEDS_BASE)) == CODEC_ENCODE)
			v[writers++] = codecs()[i];
	return v[n % writers];
}

/* What the input says, or what can be made of its bytes. */
static struct book *book_of(const uint8_t *data, size_t n)
{
	static const uint8_t none;
	struct fault fault = FAULT_INIT;
	struct random r = {1};
	struct book *b = NULL;

	if (book_decode((struct span){data, n}, NULL, &STRICT, &b, &fault) == 0)
		return b;
	book_free(b);
	random_feed(n ? data : &none, n);
	return book_random(&r, &book_small_shape);
}

static void written(const struct book *x, const struct codec *codec, const struct book *source)
{
	const struct encode_options opts = {.reveal_secrets = true};
	struct fault fault = FAULT_INIT;
	struct buf file = BUF_INIT;
	struct book *y = NULL;

	/* elements of a maker's own may lean on the file they came from */
	if (book_encode(x, codec, &opts, &file, NULL, &fault) < 0)
		bug_if(strcmp(source->codec, codec->name) != 0);
	else {
		bug_if(book_decode(buf_span(&file), codec, &STRICT, &y, &fault) < 0);
		bug_if(strcmp(source->codec, codec->name) != 0 &&
			!law_same(x, y, codec, profile_named(codec->name)));
	}
	buf_fini(&file);
	book_free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct codec *codec = target_of(n);
	const struct convert_options opts = {
		.target = profile_named(codec->name), .codec = codec, .transliterate = n % 2};
	struct book *source = book_of(data, n);
	struct fault fault = FAULT_INIT;
	struct book *x = NULL;
	struct ledger ledger;

	ledger_init(&ledger);
	if (book_convert(source, &opts, &x, &ledger, &fault) == 0) {
		bug_if(!law_complete(source, x, &ledger, law_profile(source), opts.target));
		written(x, codec, source);
	}
	ledger_fini(&ledger);
	book_free(source);
	book_free(x);
	return 0;
}
