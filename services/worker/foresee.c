// SPDX-License-Identifier: Apache-2.0
/* From what the device holds and what the source says to what it shall hold. */
#include "services/worker/foresee.h"

#include <string.h>
#include <strings.h>

#include "common/book/compare/diff.h"
#include "common/book/import/import.h"
#include "common/book/items.h"
#include "common/crypto/crypto.h"
#include "common/exchange/exchange.h"
#include "gen/errors.h"
#include "services/worker/foresee_notes.h"

void foresight_init(struct foresight *f, struct image_budget *budget)
{
	*f = (struct foresight){.changes = false};
	arena_init(&f->arena, NOTES_ARENA);
	ledger_init(&f->ledger);
	picture_init(&f->wanted, budget);
}

void foresight_fini(struct foresight *f)
{
	book_wipe(f->before_book);
	book_free(f->before_book);
	book_wipe(f->source_book);
	book_free(f->source_book);
	f->before_book = f->source_book = NULL;
	picture_fini(&f->wanted);
	ledger_fini(&f->ledger);
	arena_fini(&f->arena);
}

/* ---- books ---- */

const struct codec *device_codec(const struct adapter *a)
{
	return a->codec ? codec_named(a->codec) : NULL;
}

bool job_has_book(const struct adapter *a, const struct m_job_work *job)
{
	bool values = job->device->type == DEVICE_TYPE_II || job->device->type == DEVICE_TYPE_III;

	return strncmp(job->kind, "ab.", 3) == 0 && device_codec(a) != NULL && !values;
}

/* The model's own where that is written in this format. */
const struct book_profile *device_profile(const struct adapter *a, const struct errand *e)
{
	const struct codec *c = device_codec(a);
	const char *model = e->seen.model ? e->seen.model : e->device->model;
	const struct book_profile *p = c && model ? profile_for(c->family, model) : NULL;

	return p && strcmp(p->codec, c->name) == 0 ? p : c ? profile_named(c->name) : NULL;
}

static int book_of(
	const struct picture *p, const struct codec *codec, struct book **ret, struct fault *reterr)
{
	struct book_item items[PICTURE_ITEMS];

	for (size_t i = 0; i < p->n_items; i++)
		items[i] = (struct book_item){p->item[i].name, p->item[i].bytes};
	return book_of_items(items, p->n_items, codec, ret, reterr);
}

int picture_read_book(struct picture *p, const struct codec *codec, struct fault *reterr)
{
	return book_of(p, codec, &p->book, reterr);
}

int foresight_before(struct foresight *f, struct fault *reterr)
{
	return book_of(f->before, device_codec(f->adapter), &f->before_book, reterr);
}

/* An uploaded file says itself what it is; else the version knows (D3). */
static const struct codec *source_codec(const struct source *s, struct fault *reterr)
{
	const struct codec *c = s->about.format ? codec_named(s->about.format) : NULL;

	if (s->picture.n_items == 0) {
		fault_why(reterr, CN_PARSE_ERROR, "empty", "the source has no item");
		return NULL;
	}
	return c ? c : codec_detect(s->picture.item[0].bytes, reterr);
}

static const char *slot_of(const char *name)
{
	return item_slot(name) ? item_slot(name) : name;
}

/* A family without lists has one, whatever it is called. */
static const char *slot_in(const struct book *b, const char *name)
{
	const char *slot = slot_of(name);

	return b->n_lists == 1 && !book_find_list(b, slot) && strcmp(name, "address_book") == 0
		       ? b->list[0].slot
		       : slot;
}

struct places {
	struct import_slot map[64];
	size_t n;
	bool all; /* list for list */
};

static void add_place(struct places *p, const char *slot, const char *from)
{
	if (p->n < array_len(p->map))
		p->map[p->n++] = (struct import_slot){slot, from};
}

/* Lists that the task names go to themselves. */
static void chosen_lists(struct foresight *f, const struct book *source, struct places *p)
{
	const struct m_task_settings *s = f->job->settings;

	p->all = !s || s->lists_n == 0;
	for (size_t i = 0; !p->all && i < s->lists_n; i++)
		p->all |= strcmp(s->lists[i], "all") == 0;
	for (size_t i = 0; !p->all && i < s->lists_n; i++) {
		const char *slot = slot_in(f->before_book, s->lists[i]);
		const char *from = slot_in(source, s->lists[i]);
		bool here = book_find_list(f->before_book, slot) != NULL;
		if (here && book_find_list(source, from))
			add_place(p, slot, from);
		else
			note_no_list(f, s->lists[i], here);
	}
}

static void make_places(struct foresight *f, const struct book *source, struct places *p)
{
	const struct m_job_work *j = f->job;
	const struct m_slot_map *map = j->map_n ? j->map : j->settings ? j->settings->map : NULL;
	size_t n = j->map_n ? j->map_n : j->settings ? j->settings->map_n : 0;

	if (n == 0 || j->phase == RUN_PHASE_REVERT) {
		chosen_lists(f, source, p);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_place(p, slot_in(f->before_book, map[i].slot),
			map[i].from && *map[i].from ? slot_in(source, map[i].from) : NULL);
}

static enum import_mode mode_of(const struct m_job_work *j)
{
	enum write_mode m = j->settings ? j->settings->mode : 0;

	if (j->phase == RUN_PHASE_REVERT)
		return IMPORT_REPLACE;
	return m == WRITE_MODE_MERGE ? IMPORT_MERGE
	       : m == WRITE_MODE_ADD ? IMPORT_ADD
				     : IMPORT_REPLACE;
}

static int want_book(struct foresight *f, const struct book *source, struct fault *reterr)
{
	struct places places = {.n = 0};
	struct import_options o = {.codec = device_codec(f->adapter),
		.profile = device_profile(f->adapter, f->errand),
		.mode = mode_of(f->job),
		.transliterate = f->job->settings && f->job->settings->transliterate,
		.written = foresight_of_device(f),
		.own = foresight_of_device(f) &&
		       uuid_eq(&f->source->about.device, &f->job->device->id)};

	if (!o.profile)
		return fault_set(reterr, CN_UNSUPPORTED_OPERATION,
			"nothing says what a device of this family can hold");
	make_places(f, source, &places);
	if (!places.all && places.n == 0)
		return fault_set(
			reterr, CN_NO_MATCHING_LIST, "neither side has a list that the task names");
	if (!places.all) {
		o.map = places.map;
		o.n_map = places.n;
	}
	return book_import(f->before_book, source, &o, &f->wanted.book, &f->ledger, reterr);
}

/* ---- bytes of the wanted lists ---- */

static struct book *book_with(const struct book *b, const struct book_list *only)
{
	struct book *one = book_new(b->family);

	one->codec = book_str(one, b->codec);
	one->charset = book_str(one, b->charset);
	for (uint32_t i = 0; i < b->n_meta; i++)
		book_add_meta(one, b->meta[i].name, b->meta[i].value);
	for (uint32_t i = 0; i < b->n_lists; i++) {
		struct book_list *l;
		if (only && only != &b->list[i])
			continue;
		l = book_add_list(one, b->list[i].slot, b->list[i].kind, b->list[i].name);
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			(void)book_copy_entry(one, l, &b->list[i].entry[k]);
	}
	return one;
}

/* The source's own bytes say exactly this list: then the device gets those (a backup goes back as
 * it came). */
static struct span source_bytes(const struct foresight *f, const struct codec *codec,
	const char *item, const struct book *want)
{
	const struct image_item *i = picture_find(&f->source->picture, item);
	const struct image_item *is = picture_find(f->before, item);
	const struct book_item one = {item, i ? i->bytes : (struct span){.p = NULL}};
	struct fault ignored = FAULT_INIT;
	struct book *b = NULL;
	bool same;

	if (!i || !is || !f->source->about.format ||
		strcmp(f->source->about.format, codec->name) != 0 ||
		book_of_items(&one, 1, codec, &b, &ignored) < 0)
		return (struct span){.p = NULL};
	same = book_same(b, want, NULL);
	book_wipe(b);
	book_free(b);
	return same ? i->bytes : (struct span){.p = NULL};
}

static int add_item(struct foresight *f, const char *item, struct span bytes, struct fault *reterr)
{
	if (!picture_item(&f->wanted, item) || !picture_bytes(&f->wanted, bytes))
		return fault_why(reterr, CN_SESSION_LIMIT, "worker_memory",
			"this worker holds as much as it may just now");
	return 0;
}

static int encode_item(struct foresight *f, const struct codec *codec, const char *item,
	const struct book *want, struct fault *reterr)
{
	const struct image_item *is = picture_find(f->before, item);
	const struct encode_options o = {.profile = device_profile(f->adapter, f->errand),
		.base = is ? is->bytes : (struct span){.p = NULL},
		.reveal_secrets = true};
	struct span own = source_bytes(f, codec, item, want);
	struct buf out = BUF_INIT;
	int rc = 0;

	if (own.n)
		return add_item(f, item, own, reterr);
	/* entry by entry the adapter says itself what a file of this kind cannot say */
	if (book_encode(want, codec, &o, &out, NULL, reterr) < 0 &&
		!(codec->flags & CODEC_NEEDS_BASE))
		rc = -1;
	else
		rc = add_item(f, item, buf_span(&out), reterr);
	if (out.p)
		crypto_wipe(out.p, out.cap);
	buf_fini(&out);
	return rc;
}

static bool list_differs(const struct book *before, const struct book_list *want)
{
	const struct book_list *was = book_find_list(before, want->slot);
	struct book *a, *b = NULL;
	bool same;

	if (!was)
		return true;
	a = book_with(before, was);
	b = book_new(before->family);
	struct book_list *l = book_add_list(b, want->slot, want->kind, want->name);
	for (uint32_t i = 0; i < want->n_entries; i++)
		(void)book_copy_entry(b, l, &want->entry[i]);
	same = book_same(a, b, NULL);
	book_free(a);
	book_free(b);
	return !same;
}

/* Each list that has an item of its own goes alone, else all of them as the one item. */
static int encode_lists(struct foresight *f, struct fault *reterr)
{
	const struct codec *codec = device_codec(f->adapter);
	const struct book *want = f->wanted.book;
	bool split = f->before->n_items > 0 && item_slot(f->before->item[0].name) != NULL;
	int rc = 0;

	if (!split)
		return encode_item(f, codec, f->before->item[0].name, want, reterr);
	for (uint32_t i = 0; rc == 0 && i < want->n_lists; i++) {
		const char *item = item_of_slot(want->list[i].slot);
		struct book *one;
		if (!item || !list_differs(f->before_book, &want->list[i]))
			continue;
		one = book_with(want, &want->list[i]);
		rc = encode_item(f, codec, item, one, reterr);
		book_wipe(one);
		book_free(one);
	}
	return rc;
}

/* ---- hashes ---- */

static void book_digest(
	const struct book *b, const struct book_profile *profile, uint8_t out[static 32])
{
	struct book *normal = book_normal_view(b, profile);
	struct book_hashes h;

	book_hash(normal, NULL, &h);
	memcpy(out, h.pub, 32);
	book_free(normal);
}

static void add_items(struct sha256 *h, const struct picture *p)
{
	for (size_t i = 0; i < p->n_items; i++) {
		uint8_t one[32];
		sha256(p->item[i].bytes, one);
		sha256_add(h, (struct span){(const uint8_t *)p->item[i].name,
				      strlen(p->item[i].name) + 1});
		sha256_add(h, (struct span){one, sizeof(one)});
	}
}

static void items_digest(const struct picture *p, uint8_t out[static 32])
{
	struct sha256 *h = sha256_new();

	add_items(h, p);
	sha256_end(h, out);
}

/* Device, its state, the source and what shall become of it: the apply run writes this or nothing
 * (FL-27). */
static void pin(struct foresight *f)
{
	static const char word[] = "carnet-plan-1";
	struct sha256 *h = sha256_new();

	sha256_add(h, (struct span){(const uint8_t *)word, sizeof(word)});
	sha256_add(h, (struct span){f->job->device->id.b, 16});
	sha256_add(h, (struct span){f->source->about.id.b, 16});
	sha256_add(h, (struct span){f->before_hash, 32});
	sha256_add(h, (struct span){f->after_hash, 32});
	sha256_end(h, f->hash);
	f->plan.hash = (struct span){f->hash, 32};
	f->plan.before = (struct span){f->before_hash, 32};
	f->plan.after = (struct span){f->after_hash, 32};
	f->plan.source = f->source->about.id;
}

/* ---- both ways ---- */

static int foresee_book(struct foresight *f, struct fault *reterr)
{
	const struct codec *codec = device_codec(f->adapter);
	const struct book_profile *profile = device_profile(f->adapter, f->errand);
	const struct codec *from = source_codec(f->source, reterr);

	if (!from || book_of(f->before, codec, &f->before_book, reterr) < 0 ||
		book_of(&f->source->picture, from, &f->source_book, reterr) < 0 ||
		want_book(f, f->source_book, reterr) < 0)
		return -1;
	notes_of_ledger(f);
	book_digest(f->before_book, profile, f->before_hash);
	book_digest(f->wanted.book, profile, f->after_hash);
	if (notes_of_books(f, profile, reterr) < 0)
		return -1;
	return f->changes ? encode_lists(f, reterr) : 0;
}

static bool as_it_is(const struct foresight *f, const struct image_item *want)
{
	const struct image_item *is = picture_find(f->before, want->name);

	if (!is)
		return false;
	if (f->adapter->same)
		return f->adapter->same(f->errand, want, is);
	return is->bytes.n == want->bytes.n && memcmp(is->bytes.p, want->bytes.p, is->bytes.n) == 0;
}

/* What the source holds besides is not the task's, nor under its lock. */
static bool asked_for(const struct foresight *f, const char *item)
{
	for (size_t i = 0; i < f->errand->n_items; i++)
		if (strcmp(f->errand->items[i], item) == 0)
			return true;
	return false;
}

/* Bytes as they are: settings, opaque files. */
static int foresee_items(struct foresight *f, struct fault *reterr)
{
	const struct picture *p = &f->source->picture;

	for (size_t i = 0; i < p->n_items; i++) {
		if (!asked_for(f, p->item[i].name))
			continue;
		if (as_it_is(f, &p->item[i])) {
			f->plan.unchanged++;
			continue;
		}
		if (add_item(f, p->item[i].name, p->item[i].bytes, reterr) < 0)
			return -1;
		f->plan.change++;
	}
	f->changes = f->plan.change > 0;
	items_digest(f->before, f->before_hash);
	items_digest(&f->wanted, f->after_hash);
	return 0;
}

bool foresight_of_device(const struct foresight *f)
{
	const struct m_version *v = f->source ? &f->source->about : NULL;
	const struct codec *codec = f->adapter ? device_codec(f->adapter) : NULL;

	return v && codec && v->format && strcmp(v->format, codec->name) == 0 &&
	       (v->kind == VERSION_KIND_ADDRESS_BOOK || v->kind == VERSION_KIND_PRE_IMAGE ||
		       v->kind == VERSION_KIND_READ_BACK);
}

/* What only the adapter knows of its family. */
static int ask_adapter(struct foresight *f, struct fault *reterr)
{
	struct errand e = *f->errand;
	struct image before = {
		.item = f->before->item, .n_items = f->before->n_items, .book = f->before_book};
	struct image source = {.item = f->source->picture.item,
		.n_items = f->source->picture.n_items,
		.book = f->source_book};

	if (!f->adapter->foresee || !f->changes)
		return 0;
	e.before = &before;
	e.wanted = picture_image(&f->wanted);
	e.source = foresight_of_device(f) ? &source : NULL;
	e.arena = &f->arena;
	return f->adapter->foresee(&e, &f->plan, reterr);
}

static bool is_book(const struct foresight *f)
{
	return job_has_book(f->adapter, f->job);
}

int foresee(struct foresight *f, struct fault *reterr)
{
	int rc;

	if (notes_begin(f) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "no room for a plan");
	if (f->weak)
		note_weak(f);
	if (notes_of_gates(f, is_book(f), reterr) < 0)
		return -1;
	rc = is_book(f) ? foresee_book(f, reterr) : foresee_items(f, reterr);
	if (rc == 0)
		rc = ask_adapter(f, reterr);
	if (rc == 0)
		pin(f);
	return rc;
}
