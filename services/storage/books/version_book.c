// SPDX-License-Identifier: Apache-2.0
/* From the items of a version to one book. */
#include "services/storage/books/version_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/vault/canonical.h"

static const struct codec *codec_of(const struct stored_item *i)
{
	if (!i->native || i->ref.kind == OBJECT_OPAQUE)
		return NULL;
	return codec_named(object_kind_name(i->ref.kind));
}

uint64_t version_book_bytes(const struct stored_item *items, size_t n)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		if (codec_of(&items[i]) != NULL)
			bytes += items[i].ref.plain_len;
	return bytes;
}

static int read_item(const struct stored_item *i, struct buf *out, struct fault *reterr)
{
	struct span piece;
	struct stored_reader *r = stored_open(i, reterr);
	if (r == NULL)
		return -1;
	int rc;
	do {
		rc = stored_next(r, &piece, reterr);
		if (rc == 0)
			buf_add(out, piece.p, piece.n);
	} while (rc == 0 && piece.n > 0);
	stored_close(r);
	return rc;
}

/* ---- faults ---- */

static void keep_fault(struct version_book *v, const char *item, const struct book_fault *f)
{
	v->n_faults++;
	if (v->n_kept == VERSION_FAULTS)
		return;
	size_t at = v->n_kept++;
	if (!f->warning) /* before the warnings */
		for (; at > 0 && v->fault[at - 1].f.warning; at--)
			v->fault[at] = v->fault[at - 1];
	struct version_fault *k = &v->fault[at];
	*k = (struct version_fault){.item = item, .f = *f};
	k->f.where = arena_strdup(&v->arena, f->where == NULL ? "" : f->where);
	k->f.reason = arena_strdup(&v->arena, f->reason == NULL ? "" : f->reason);
	k->f.text = arena_strdup(&v->arena, f->text == NULL ? "" : f->text);
}

static void keep_whole(struct version_book *v, const char *item, const struct fault *f)
{
	const struct book_fault whole = {
		.code = f->code, .reason = f->reason, .text = f->detail, .where = ""};
	keep_fault(v, item, &whole);
}

static void keep_faults(
	struct version_book *v, const char *item, const struct book *b, const struct fault *f)
{
	bool said = false;
	for (uint32_t i = 0; b != NULL && i < b->n_faults; i++) {
		keep_fault(v, item, &b->fault[i]);
		said = said || !b->fault[i].warning;
	}
	if (f->code != 0 && !said)
		keep_whole(v, item, f);
}

/* ---- items ---- */

static void decode(
	struct version_book *v, const char *item, const struct codec *codec, struct span file)
{
	static const struct decode_options lenient = {.lenient = true};
	struct book *part = NULL;
	struct fault f = FAULT_INIT;
	if (book_decode(file, codec, &lenient, &part, &f) < 0)
		v->broken = true;
	keep_faults(v, item, part, &f);
	if (v->book == NULL) {
		v->book = book_new(part == NULL ? codec->family : part->family);
		v->codec = codec->name;
	}
	if (part != NULL)
		book_add_item(v->book, item, part);
	book_wipe(part);
	book_free(part);
}

/* ---- the meta item ---- */

static void read_meta(struct version_book *v, struct span text)
{
	struct canonical c;
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "device_name"))
			canonical_text(&c, v->device_name, sizeof(v->device_name));
		else if (canonical_is(&c, "site"))
			canonical_text(&c, v->site, sizeof(v->site));
		else if (canonical_is(&c, "model"))
			canonical_text(&c, v->model, sizeof(v->model));
		else
			canonical_skip(&c);
	}
	if (!canonical_end(&c))
		v->device_name[0] = v->site[0] = v->model[0] = 0;
}

/* ---- all of it ---- */

/* The vault gave other bytes than it was given: that stays so. Else it may be there again later. */
static bool lasting(const struct fault *f)
{
	return f->code == CN_STORE_VERIFY_FAILED;
}

static int take_item(struct version_book *v, const struct stored_item *i, struct fault *reterr)
{
	const struct codec *codec = codec_of(i);
	bool meta = i->ref.kind == OBJECT_META;
	struct buf file = BUF_INIT;
	if (codec == NULL && !meta)
		return 0;
	int rc = read_item(i, &file, reterr);
	if (rc < 0 && lasting(reterr)) {
		v->broken = true;
		keep_whole(v, i->name, reterr);
		rc = 0;
	} else if (rc == 0 && meta) {
		read_meta(v, buf_span(&file));
	} else if (rc == 0) {
		decode(v, i->name, codec, buf_span(&file));
	}
	buf_wipe(&file);
	return rc;
}

int version_book_read(
	const struct stored_item *items, size_t n, struct version_book *ret, struct fault *reterr)
{
	*ret = (struct version_book){.codec = ""};
	arena_init(&ret->arena, 0);
	ret->fault = arena_array(&ret->arena, VERSION_FAULTS, sizeof(*ret->fault));
	bug_if(ret->fault == NULL);
	if (version_book_bytes(items, n) > VERSION_BOOK_MAX) {
		struct fault f = FAULT_INIT;
		fault_why(&f, CN_RESPONSE_TOO_BIG, "too_big", "more than 64 MiB are not read");
		keep_whole(ret, "", &f);
		ret->broken = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (take_item(ret, &items[i], reterr) < 0)
			return -1;
	if (ret->book != NULL && ret->book->too_big) {
		struct fault f = FAULT_INIT;
		fault_why(&f, CN_RESPONSE_TOO_BIG, "too_big", "the lists together are too much");
		keep_whole(ret, "", &f);
		ret->broken = true;
	}
	return 0;
}

void version_book_fini(struct version_book *v)
{
	book_wipe(v->book);
	book_free(v->book);
	arena_fini(&v->arena);
	v->book = NULL;
}
