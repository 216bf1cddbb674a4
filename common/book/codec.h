// SPDX-License-Identifier: Apache-2.0
/* Files of address books: what a format is, and how a file is recognised, read and written
 * (docs/spec/address-books.md sections 3, 4 and 7).
 *
 * Each format is one struct codec in a file of its own, listed in codec.c. Laws that tests hold
 * every codec to: decode(encode(x)) equals x for every x inside its domain (L1); encode(decode(f),
 * base f) is f byte for byte (L2); a changed field changes its own bytes only (L3); what the model
 * does not know survives (L4). Pure, not thread-safe per book; any number of books at once. */
#pragma once

#include "common/base/buf.h"
#include "common/book/book.h"
#include "common/book/ledger.h"
#include "common/book/profile.h"

struct mapping; /* generic.h: columns of a customer's own CSV */

enum codec_flags {
	CODEC_ENCODE = 1,      /* can be written */
	CODEC_NEEDS_BASE = 2,  /* only over a file of the same device (encode_needs_template) */
	CODEC_GROUPS = 4,      /* can hold groups */
	CODEC_LISTS = 8,       /* one file may hold several lists */
	CODEC_MANY_DESTS = 16, /* several destinations in an entry */
	CODEC_TAGS = 32,
	CODEC_EXACT = 64,    /* promises L2 */
	CODEC_SECRETS = 128, /* can carry a clear password */
	CODEC_EXTRAS = 256,  /* can carry columns or attributes of any name */
	CODEC_IDS = 512,     /* the device gives each entry an identity, which stays with it */
};

struct decode_options {
	bool lenient; /* list every fault and go on, instead of ending at the first */
	const struct mapping *mapping; /* NULL = the format's own columns */
};

/* What a codec's decode is given. */
struct decoder {
	struct span file;
	const struct decode_options *opts;
	struct book *book; /* empty; family and codec are set */
	struct fault *fault;
};

struct encode_options {
	const struct book_profile *profile; /* NULL = the codec's own */
	struct span base;                   /* the file the book came from, or n = 0 */
	bool reveal_secrets;                /* write clear passwords; else they stay empty */
	const struct mapping *mapping;      /* by which the base was read; NULL = none */
};

/* What a codec's encode is given. */
struct encoder {
	const struct book *book;
	const struct book_profile *profile; /* never NULL */
	struct span base;
	bool reveal_secrets;
	const struct mapping *mapping;
	struct buf *out;
	struct ledger *ledger; /* secrets that the format's rules force out (AB-15) */
	struct fault *fault;
};

struct codec {
	const char *name;    /* what people type: "canon_csv" */
	const char *family;  /* "canon" */
	const char *title;   /* "Canon device CSV" */
	const char *suffix;  /* ".csv" */
	const char *charset; /* when there is nothing to say otherwise: "UTF-8" */
	unsigned flags;      /* enum codec_flags */

	/* How sure it is from the first bytes (up to 64 KiB, raw, BOM included): 0 = not mine,
	 * 1–100, a signature more than a guess (AB-14). */
	int (*detect)(struct span head);
	/* 0, or -1 and the fault with its place, also noted in book->fault. Strict: at the first.
	 * Lenient: goes on where it can and returns -1 only where it cannot. */
	int (*decode)(struct decoder *d);
	/* 0, or -1 and the fault. NULL without CODEC_ENCODE. */
	int (*encode)(struct encoder *e);
	/* Is this text what the format writes for nothing ("(null)")? Then no field can say it.
	 * NULL = no text is. */
	bool (*placeholder)(const char *text);
	/* Can the format hold this field of this kind (DEST_NONE: of the entry)? Asking with field
	 * 0: this kind at all. */
	bool (*holds)(enum dest_kind kind, enum book_field field);
};

/* Every codec, in the order of its name; NULL ends. */
const struct codec *const *codecs(void);
const struct codec *codec_named(const char *name);
/* By content only. NULL: not a file we know, *reterr says what it looks like (CN_PARSE_ERROR reason
 * "unknown_format", "opaque" for an encrypted or packed file, "html", "empty"). */
const struct codec *codec_detect(struct span file, struct fault *reterr) must_check;

/* codec NULL = detect. 0 and *ret_book (book_free), whose fault list may hold warnings, in lenient
 * mode errors, too; or -1 and the first fault; then *ret_book, where not NULL, holds the list of
 * faults. */
int book_decode(struct span file, const struct codec *codec, const struct decode_options *opts,
	struct book **ret_book, struct fault *reterr) must_check;
/* Adds to *out. 0, or -1: CN_UNSUPPORTED_OPERATION (read-only, encode_needs_template),
 * CN_CHARSET_ERROR with the entry's name, …; then *out is as before. ledger may be NULL. */
int book_encode(const struct book *book, const struct codec *codec,
	const struct encode_options *opts, struct buf *out, struct ledger *ledger,
	struct fault *reterr) must_check;

/* For codecs: notes a fault at its place in book->fault and in d->fault (first one only). Returns
 * -1 for an error in strict mode or behind BOOK_FAULTS_MAX of them, else 0:
 * `if (decode_wrong(…) < 0) return -1;`. where may be "". */
int decode_wrong(struct decoder *d, const struct book_fault *f, const char *fmt, ...) must_check
	printf_like(3, 4);
/* The same for what is odd and kept; never an error. */
void decode_odd(struct decoder *d, const struct book_fault *f, const char *fmt, ...)
	printf_like(3, 4);
