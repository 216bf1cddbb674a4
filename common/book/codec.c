// SPDX-License-Identifier: Apache-2.0
/* Which codec, and what all of them have in common: bounds, duplicates, faults with their place. */
#include "common/book/codec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/formats/codecs_list.h"
#include "common/book/formats/opaque.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define DETECT_HEAD ((size_t)64 * 1024)

#define CODEC(name) extern const struct codec codec_##name;
CODECS(CODEC)
#undef CODEC

#define CODEC(name) &codec_##name,
static const struct codec *const ALL[] = {CODECS(CODEC) NULL};
#undef CODEC

const struct codec *const *codecs(void)
{
	return ALL;
}

const struct codec *codec_named(const char *name)
{
	for (const struct codec *const *c = ALL; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

const struct codec *codec_detect(struct span file, struct fault *reterr)
{
	struct span head = {file.p, size_min(file.n, DETECT_HEAD)};
	const struct codec *best = NULL;
	struct opaque opaque;
	int best_score = 0;

	if (file.n == 0) {
		fault_why(reterr, CN_PARSE_ERROR, "empty", "the file is empty");
		return NULL;
	}
	for (const struct codec *const *c = ALL; *c; c++) {
		int score = (*c)->detect(head);

		if (score > best_score) {
			best = *c;
			best_score = score;
		}
	}
	if (!best) {
		opaque_recognise(head, &opaque);
		fault_why(reterr, CN_PARSE_ERROR, opaque.reason,
			"this is %s, no address book in a format that is known here", opaque.what);
	}
	return best;
}

/* ---- faults ---- */

static void note(struct book *b, const struct book_fault *f, const char *text, bool warning)
{
	struct book_fault *grown = b->fault;

	if (b->n_faults >= BOOK_FAULTS_MAX)
		return;
	if (b->n_faults == b->cap_faults) {
		b->cap_faults = b->cap_faults ? b->cap_faults * 2 : 4;
		grown = arena_array(&b->arena, b->cap_faults, sizeof(*grown));
		if (!grown) {
			b->cap_faults = b->n_faults;
			return;
		}
		if (b->n_faults)
			memcpy(grown, b->fault, b->n_faults * sizeof(*grown));
		b->fault = grown;
	}
	grown[b->n_faults] = *f;
	grown[b->n_faults].warning = warning;
	grown[b->n_faults].where = book_str(b, f->where ? f->where : "");
	grown[b->n_faults].reason = book_str(b, f->reason ? f->reason : "");
	grown[b->n_faults++].text = book_str(b, text);
}

int decode_wrong(struct decoder *d, const struct book_fault *f, const char *fmt, ...)
{
	char text[200];
	char place[64] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	utf8_scrub(text); /* what %.40s cut through */
	note(d->book, f, text, false);
	if (f->line && f->column)
		snprintf(place, sizeof(place), "line %u, column %u: ", f->line, f->column);
	else if (f->line)
		snprintf(place, sizeof(place), "line %u: ", f->line);
	if (!d->fault->code)
		fault_why(d->fault, f->code, f->reason ? f->reason : "", "%s%s", place, text);
	return d->opts->lenient && d->book->n_faults < BOOK_FAULTS_MAX ? 0 : -1;
}

void decode_odd(struct decoder *d, const struct book_fault *f, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (d->book->n_faults >= BOOK_FAULTS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	utf8_scrub(text);
	note(d->book, f, text, true);
}

/* ---- decode ---- */

/* A key names one entry of its list: everything that compares books stands on it. */
static int check_keys(struct decoder *d, const struct book_list *l)
{
	struct map seen = MAP_INIT;
	int r = 0;

	for (uint32_t i = 0; i < l->n_entries && r == 0; i++) {
		struct book_entry *e = &l->entry[i];
		struct book_fault f = {
			.code = CN_PARSE_ERROR, .line = e->at.line, .reason = "duplicate_number"};
		const struct book_entry *first = map_put(&seen, e->key, strlen(e->key), e);

		if (first)
			r = decode_wrong(d, &f,
				"entry %.60s stands twice in list %.40s, first in line %u", e->key,
				l->slot, first->at.line);
	}
	map_fini(&seen);
	return r;
}

/* The bound is what matters, whatever was seen before it; lenient or not. */
static int too_big(struct decoder *d, const char *text)
{
	const struct book_fault f = {.code = CN_RESPONSE_TOO_BIG, .reason = "too_big"};

	note(d->book, &f, text, false);
	return fault_why(d->fault, f.code, f.reason, "%s", text);
}

static int decode(struct decoder *d, const struct codec *codec)
{
	int r;

	if (d->file.n > BOOK_FILE_MAX)
		return too_big(d, "the file is larger than 64 MiB");
	r = codec->decode(d);
	if (d->book->too_big)
		return too_big(
			d, d->book->n_entries >= BOOK_ENTRIES_MAX
				   ? "the file holds more than 200,000 entries"
				   : "the file holds more than fits into the memory for a book");
	for (uint32_t i = 0; i < d->book->n_lists && r == 0; i++)
		r = check_keys(d, &d->book->list[i]);
	return r;
}

int book_decode(struct span file, const struct codec *codec, const struct decode_options *opts,
	struct book **ret_book, struct fault *reterr)
{
	static const struct decode_options STRICT = {.lenient = false};
	struct fault fault = FAULT_INIT;
	struct decoder d = {.file = file, .opts = opts ? opts : &STRICT, .fault = &fault};
	int r;

	*ret_book = NULL;
	if (!codec)
		codec = codec_detect(file, reterr);
	if (!codec)
		return -1;
	d.book = book_new(codec->family);
	d.book->codec = codec->name;
	r = decode(&d, codec);
	*ret_book = d.book;
	if (r < 0)
		*reterr = fault;
	return r;
}

/* ---- encode ---- */

/* A format without a profile of its own: everything that it can write, without limits. */
static struct book_profile plain_profile(const struct codec *c)
{
	return (struct book_profile){.name = c->name,
		.title = c->title,
		.family = c->family,
		.codec = c->name,
		.charset = c->charset};
}

static int can_encode(const struct codec *c, bool based, struct fault *reterr)
{
	if (!(c->flags & CODEC_ENCODE))
		return fault_why(reterr, CN_UNSUPPORTED_OPERATION, "read_only",
			"%s can be read, not written", c->title);
	if ((c->flags & CODEC_NEEDS_BASE) && !based)
		return fault_why(reterr, CN_UNSUPPORTED_OPERATION, "encode_needs_template",
			"%s can only be written over a file of the same device", c->title);
	return 0;
}

int book_encode(const struct book *book, const struct codec *codec,
	const struct encode_options *opts, struct buf *out, struct ledger *ledger,
	struct fault *reterr)
{
	static const struct encode_options NONE = {.profile = NULL};
	const struct book_profile plain = plain_profile(codec);
	const struct encode_options *o = opts ? opts : &NONE;
	struct ledger unseen = {.n = 0};
	struct encoder e = {.book = book,
		.profile = o->profile ? o->profile : profile_named(codec->name),
		.base = o->base,
		.reveal_secrets = o->reveal_secrets,
		.mapping = o->mapping,
		.out = out,
		.ledger = ledger ? ledger : &unseen,
		.fault = reterr};
	size_t before = out->n;
	int r;

	if (!e.profile)
		e.profile = &plain;
	r = can_encode(codec, o->base.n > 0, reterr) < 0 ? -1 : codec->encode(&e);
	if (r == 0 && out->err)
		r = fault_set(reterr, CN_RESPONSE_TOO_BIG, "the file would be too large");
	if (r < 0)
		out->n = size_min(out->n, before);
	arena_fini(&unseen.arena);
	return r;
}
