// SPDX-License-Identifier: Apache-2.0
/* The work on one version that takes processor or disk: names, seals, reads back. Work pool only;
 * the draft is ours alone meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/book/formats/abk.h"
#include "common/book/items.h"
#include "common/clock/clock.h"
#include "common/vault/canonical.h"
#include "services/storage/storage.h"

#define COUNT_MAX ((uint64_t)8 * 1024 * 1024)

/* ---- names ---- */

static void blame(struct fault *f, const struct item *i)
{
	struct fault whole = *f;
	(void)fault_why(f, whole.code, whole.reason, "%s: %.200s", i->name, whole.detail);
}

/* A list that cannot be read completely is refused before anything is stored. */
static int check_abk(struct item *i, struct fault *reterr)
{
	struct abk_scan scan;
	struct abk_info info;
	struct span piece;
	abk_scan_init(&scan);
	if (spool_rewind(i->plain, reterr) < 0)
		return -1;
	for (;;) {
		if (spool_next(i->plain, &piece, reterr) < 0)
			return -1;
		if (piece.n == 0)
			break;
		if (abk_scan_feed(&scan, piece, reterr) < 0)
			return -1;
	}
	if (abk_scan_end(&scan, &info, reterr) < 0)
		return -1;
	i->entries = info.entries;
	return 0;
}

/* Of the other formats: what is wrong in them stays as the device said it (ST-84). Too large ones
 * are counted when their book is read. */
static int count_entries(struct item *i, struct fault *reterr)
{
	static const struct decode_options lenient = {.lenient = true};
	const struct codec *codec = codec_named(object_kind_name(i->kind));
	struct buf bytes = BUF_INIT;
	struct book *book = NULL;
	struct fault odd = FAULT_INIT;
	if (codec == NULL || i->entries > 0 || spool_size(i->plain) > COUNT_MAX)
		return 0;
	int rc = spool_read_all(i->plain, &bytes, reterr);
	if (rc == 0) {
		(void)!book_decode(buf_span(&bytes), codec, &lenient, &book, &odd);
		i->entries = book == NULL ? 0 : book->n_entries;
		book_wipe(book);
		book_free(book);
	}
	buf_wipe(&bytes);
	return rc;
}

static int name_item(struct item *i, struct fault *reterr)
{
	if ((i->kind == OBJECT_CANON_ABK ? check_abk(i, reterr) : count_entries(i, reterr)) < 0)
		return -1;
	return object_oid(keys_dedup(&app.keys), i->kind, i->plain, i->oid, reterr);
}

static void put_counts(const struct draft *d, struct buf *out)
{
	buf_adds(out, "\"counts\":[");
	for (size_t i = 0; i < d->n_items; i++) {
		buf_adds(out, i == 0 ? "{\"entries\":" : ",{\"entries\":");
		buf_addf(out, "%u,\"list\":", d->items[i]->entries);
		canonical_put_text(out, d->items[i]->name);
		buf_addc(out, '}');
	}
	buf_adds(out, "]");
}

/* What people need to know of the version and nobody else may read. */
static void write_meta(const struct draft *d, struct buf *out)
{
	const struct {
		const char *member, *value;
	} texts[] = {{"device_name", d->ask.device_name}, {"family", d->ask.family},
		{"firmware", d->ask.firmware}, {"format", "carnet-meta-1"},
		{"language", d->ask.language}, {"model", d->ask.model}, {"native", d->ask.format},
		{"serial", d->ask.serial}, {"site", d->ask.site}};
	buf_adds(out, "{\"charset\":");
	canonical_put_text(out, d->ask.charset);
	buf_addc(out, ',');
	put_counts(d, out);
	for (size_t i = 0; i < array_len(texts); i++) {
		if (strcmp(texts[i].member, "serial") == 0 && !uuid_is_nil(&d->ask.password_id))
			canonical_put_uuid(out, ",\"password\":", &d->ask.password_id);
		buf_addf(out, ",\"%s\":", texts[i].member);
		canonical_put_text(out, texts[i].value);
	}
	buf_addc(out, '}');
}

static int add_meta(struct draft *d, struct fault *reterr)
{
	struct buf text = BUF_INIT;
	struct item *i = mem_alloc(sizeof(*i));
	memcpy(i->name, "meta", 5);
	i->role = MANIFEST_META;
	i->kind = OBJECT_META;
	i->complete = true;
	i->plain = spool_new(app.vault.tmp, SPOOL_MEMORY);
	i->file.fd = -1;
	write_meta(d, &text);
	d->items[d->n_items++] = i;
	int rc = spool_add(i->plain, buf_span(&text), reterr);
	buf_fini(&text);
	return rc < 0 ? -1 : name_item(i, reterr);
}

void seal_names(struct draft *d)
{
	for (size_t i = 0; i < d->n_items; i++)
		if (name_item(d->items[i], &d->fault) < 0) {
			blame(&d->fault, d->items[i]);
			return;
		}
	(void)add_meta(d, &d->fault);
}

/* ---- reading back ---- */

static struct object_ref ref_of(const struct item *i)
{
	struct object_ref ref = {.tenant = app.tenant,
		.kind = i->kind,
		.incarnation = i->incarnation,
		.plain_len = spool_size(i->plain)};
	memcpy(ref.oid, i->oid, OID_LEN);
	return ref;
}

static int read_all(struct object_reader *r, const struct item *i, struct fault *reterr)
{
	struct span piece;
	do {
		if (object_next(r, &piece, reterr) < 0)
			return -1;
	} while (piece.n > 0);
	const struct object_sealed *got = object_reader_sealed(r);
	if (got->stored_len != i->sealed.stored_len ||
		memcmp(got->cipher, i->sealed.cipher, SHA256_LEN) != 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "cipher",
			"the file is not the one that was written");
	return 0;
}

int seal_verify(const struct item *i, const char *name, struct fault *reterr)
{
	struct object_ref ref = ref_of(i);
	struct vault_reader *file = vault_reader_new(&app.vault, name, reterr);
	if (file == NULL)
		return -1;
	struct object_reader *r =
		object_reader_new(&ref, i->key, keys_dedup(&app.keys), vault_reader_read, file);
	int rc = read_all(r, i, reterr);
	object_reader_free(r);
	vault_reader_free(file);
	return rc;
}

/* ---- sealing ---- */

static int write_file(void *arg, struct span bytes, struct fault *reterr)
{
	struct vault_file *f = arg;
	size_t half = bytes.n / 2;
	/* two writes, so that a crash between them leaves a torn frame to be met in tests */
	if (vault_write(f, (struct span){bytes.p, half}, reterr) < 0)
		return -1;
	CRASHPOINT("temp.half");
	return vault_write(f, (struct span){bytes.p + half, bytes.n - half}, reterr);
}

static int seal_fresh(struct item *i, struct fault *reterr)
{
	char name[VAULT_NAME_MAX];
	uint64_t random;
	crypto_random(i->key, KEY_LEN);
	crypto_random(&random, sizeof(random));
	i->incarnation = (random >> 12) | 1;
	struct object_ref ref = ref_of(i);
	const struct object_sink sink = {write_file, &i->file, app.vault.tmp};
	vault_object_name(name, i->oid, i->incarnation);
	if (vault_create(&app.vault, name, &i->file, reterr) < 0)
		return -1;
	int rc = object_seal(&ref, i->key, i->plain, &sink, &i->sealed, reterr);
	if (rc == 0)
		rc = vault_finish(&i->file, reterr);
	if (rc < 0)
		vault_discard(&app.vault, &i->file);
	i->written = rc == 0;
	return rc;
}

static int open_known(struct item *i, struct fault *reterr)
{
	uint8_t dek[KEY_LEN];
	char name[VAULT_NAME_MAX];
	const struct item_place place = {&i->key_version, i->key_item, i->oid};
	struct span wrapped = {i->dek_wrapped, WRAPPED_LEN}, key = {i->key_wrapped, WRAPPED_LEN};
	if (keys_open_dek(&app.keys, &i->key_version, &i->key_kek, wrapped, dek, reterr) < 0)
		return -1;
	int rc = keys_open_item(dek, &place, key, i->key, reterr);
	crypto_wipe(dek, sizeof(dek));
	vault_object_name(name, i->oid, i->incarnation);
	return rc < 0 ? -1 : seal_verify(i, name, reterr);
}

/* An object that the catalogue has and the medium has not is written anew. */
static int seal_known(struct item *i, struct fault *reterr)
{
	struct fault why = FAULT_INIT;
	if (open_known(i, &why) == 0)
		return 0;
	if (why.code != CN_STORE_VERIFY_FAILED && why.code != CN_NOT_FOUND) {
		*reterr = why;
		return -1;
	}
	i->replaces = i->incarnation;
	i->place = PLACE_FRESH;
	return seal_fresh(i, reterr);
}

/* ---- mark ---- */

struct newest {
	const char *folder;
	uint64_t generation; /* highest in the folder */
	struct mark *mark;
	struct fault *reterr;
};

/* Generation of a manifest's name, 0 = another file. */
static uint64_t manifest_generation(const char *name)
{
	size_t n = strlen(name);
	return n > 5 && n < 64 && strcmp(name + n - 5, ".json") == 0 ? strtoull(name, NULL, 10) : 0;
}

static int note_newest(void *arg, const char *name)
{
	struct newest *n = arg;
	uint64_t generation = manifest_generation(name);
	n->generation = generation > n->generation ? generation : n->generation;
	return 0;
}

/* Crashes may have left several of the newest generation. */
static int read_newest(void *arg, const char *entry)
{
	struct newest *n = arg;
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct manifest m;
	if (n->generation == 0 || manifest_generation(entry) != n->generation)
		return 0;
	(void)snprintf(name, sizeof(name), "%.100s/%.63s", n->folder, entry);
	int rc = vault_read_small(&app.vault, name, MANIFEST_MAX, &text, n->reterr);
	if (rc == 0)
		rc = manifest_read(buf_span(&text), &m, n->reterr);
	if (rc == 0) {
		mark_raise(n->mark, &m);
		manifest_fini(&m);
	}
	buf_fini(&text);
	return rc;
}

static int mark_of_folder(const char *folder, struct mark *mark, struct fault *reterr)
{
	struct newest newest = {.folder = folder, .mark = mark, .reterr = reterr};
	if (vault_list(&app.vault, folder, note_newest, &newest, reterr) < 0)
		return -1;
	return vault_list(&app.vault, folder, read_newest, &newest, reterr);
}

int seal_mark(const struct uuid *device, struct mark *ret_mark, struct fault *reterr)
{
	char folder[VAULT_NAME_MAX], id[UUID_TEXT];
	struct mark mark = {.any = false};
	for (const struct msg_enum_word *w = version_kind_words; w->word != NULL; w++) {
		(void)snprintf(
			folder, sizeof(folder), "devices/%s/%s", uuid_format(device, id), w->word);
		if (mark_of_folder(folder, &mark, reterr) < 0)
			return -1;
	}
	*ret_mark = mark;
	return 0;
}

static int check_mark(const struct draft *d, struct fault *reterr)
{
	struct mark mark;
	if (!kind_of_device(d->ask.kind))
		return 0;
	if (seal_mark(&d->ask.device, &mark, reterr) < 0)
		return -1;
	if (mark_allows(&mark, d->ask.token, &d->ask.request))
		return 0;
	return fault_why(reterr, CN_CONFLICT, "token_rollback",
		"token %llu is older than %llu, which the vault has seen: the database lost "
		"commits",
		(unsigned long long)d->ask.token, (unsigned long long)mark.token);
}

void seal_objects(struct draft *d)
{
	if (check_mark(d, &d->fault) < 0)
		return;
	for (size_t n = 0; n < d->n_items; n++) {
		struct item *i = d->items[n];
		int rc = 0;
		if (i->place == PLACE_FRESH && !i->written)
			rc = seal_fresh(i, &d->fault);
		else if (i->place == PLACE_KNOWN)
			rc = seal_known(i, &d->fault);
		if (rc < 0)
			return;
	}
}
