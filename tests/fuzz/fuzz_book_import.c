// SPDX-License-Identifier: Apache-2.0
/* Two books made of the input's bytes, one of them made the book of an empty device first: replace,
 * merge and add keep their laws (address-books.md 11). */
#include <string.h>

#include "common/base/map.h"
#include "common/book/import/import.h"
#include "common/book/norm.h"
#include "tests/lib/book_random.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct book *made(const struct book *before, const struct book *source,
	const struct import_options *o, enum import_mode mode)
{
	struct import_options opts = *o;
	struct fault f = FAULT_INIT;
	struct book *b = NULL;
	struct ledger l;

	ledger_init(&l);
	opts.mode = mode;
	bug_if(book_import(before, source, &opts, &b, &l, &f) < 0);
	ledger_fini(&l);
	return b;
}

static struct book *empty_device(const struct import_options *o)
{
	struct book *b = book_new(o->codec->family);

	b->codec = book_str(b, o->codec->name);
	for (uint32_t i = 0; i < o->profile->n_lists; i++)
		(void)book_add_list(b, o->profile->list[i].slot, o->profile->list[i].kind, "");
	return b;
}

/* Numbers and keys stand once in a list. */
static void unique(const struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++) {
		struct map keys = MAP_INIT;
		for (uint32_t k = 0; k < b->list[i].n_entries; k++) {
			const char *key = b->list[i].entry[k].key;
			bug_if(map_put(&keys, key, strlen(key), &b->list[i].entry[k]) != NULL);
		}
		map_fini(&keys);
	}
}

/* What the device had is still there, in its place. */
static void kept(const struct book *before, const struct book *b)
{
	for (uint32_t i = 0; i < before->n_lists; i++) {
		const struct book_list *x = &before->list[i];
		const struct book_list *y = book_find_list(b, x->slot);
		bug_if(!y || y->n_entries < x->n_entries);
		for (uint32_t k = 0; k < x->n_entries; k++)
			bug_if(strcmp(x->entry[k].key, y->entry[k].key) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const codecs_of[] = {
		"canon_abk", "ricoh_udirectory", "konica_xml", "kyocera_xml"};
	static const uint8_t none;
	struct random r = {1};
	struct import_options o;

	random_feed(n ? data : &none, n);
	o = (struct import_options){
		.codec = codec_named(codecs_of[random_below(&r, array_len(codecs_of))])};
	o.profile = profile_named(o.codec->name);
	struct book *x = book_random(&r, &book_small_shape),
		    *y = book_random(&r, &book_small_shape);
	struct book *empty = empty_device(&o);
	struct book *device = made(empty, x, &o, IMPORT_REPLACE);
	struct book *same = made(device, device, &o, IMPORT_REPLACE);
	struct book *merged = made(device, y, &o, IMPORT_MERGE);
	struct book *added = made(device, y, &o, IMPORT_ADD);

	bug_if(!book_same(device, same, o.profile));
	unique(merged);
	unique(added);
	kept(device, merged);
	kept(device, added);
	struct book *all[] = {x, y, empty, device, same, merged, added};
	for (size_t i = 0; i < array_len(all); i++)
		book_free(all[i]);
	return 0;
}
