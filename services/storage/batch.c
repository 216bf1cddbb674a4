// SPDX-License-Identifier: Apache-2.0
/* The end of storing, for many versions at once (docs/spec/storage.md section 9): one flush for all
 * objects, read back, final names; one for all manifests; one transaction; one for all signatures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "services/storage/sql.h"
#include "services/storage/storage.h"

#define COMMIT_TRIES 40
#define COMMIT_PAUSE_MS 250

struct batch {
	struct draft **drafts; /* those with a fault set drop out after each step */
	size_t n;
	struct db_batch *queue;
	unsigned tries;
	struct timer *pause;
};

/* ---- on the work pool ---- */

static void fail_all(struct batch *b, const struct fault *f)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->drafts[i]->fault.code == 0)
			b->drafts[i]->fault = *f;
}

/* Steps 4 and 5 for one version; contents of others are looked at under their final names. */
static int place_objects(struct draft *d, struct fault *reterr)
{
	for (size_t n = 0; n < d->n_items; n++) {
		struct item *i = d->items[n];
		char name[VAULT_NAME_MAX];
		if (i->place == PLACE_KNOWN) /* was read when it was opened */
			continue;
		vault_object_name(name, i->oid, i->incarnation);
		bool mine = i->place == PLACE_FRESH && i->file.temp[0] != 0;
		if (seal_verify(i, mine ? i->file.temp : name, reterr) < 0)
			return -1;
		CRASHPOINT("readback.done");
		if (mine && vault_publish(&app.vault, &i->file, reterr) < 0)
			return -1;
		CRASHPOINT("object.renamed");
	}
	return 0;
}

static void fill_item(
	const struct draft *d, const uint8_t *dek, unsigned no, struct manifest_item *m)
{
	const struct item *i = d->items[no];
	*m = (struct manifest_item){.no = no,
		.role = i->role,
		.kind = i->kind,
		.incarnation = i->incarnation,
		.plain_len = spool_size(i->plain),
		.sealed = i->sealed,
		.key_n = WRAPPED_LEN};
	memcpy(m->name, i->name, sizeof(m->name));
	memcpy(m->oid, i->oid, OID_LEN);
	const struct item_place place = {&d->version, no, i->oid};
	keys_wrap_item(dek, &place, i->key, m->key);
}

static void sum_up(struct draft *d)
{
	struct m_stored *r = &d->result;
	*r = (struct m_stored){.outcome = STORE_OUTCOME_COMMITTED,
		.version = d->version,
		.generation = d->generation};
	d->n_flags = 0;
	if (d->torn)
		d->flags[d->n_flags++] = "torn";
	if (d->ask.read_back)
		d->flags[d->n_flags++] = "read_back";
	if (app.same_disk)
		d->flags[d->n_flags++] = "same_disk";
	r->flags = d->flags;
	r->flags_n = d->n_flags;
	for (size_t n = 0; n < d->n_items; n++) {
		const struct item *i = d->items[n];
		r->entries += i->entries;
		r->bytes_stored += i->sealed.stored_len;
		if (i->role == MANIFEST_NATIVE)
			r->bytes_plain += spool_size(i->plain);
	}
}

static void write_manifest(struct draft *d, const uint8_t *dek)
{
	struct manifest m = {.tenant = app.tenant,
		.device = d->ask.device,
		.version = d->version,
		.run = d->ask.run,
		.request = d->ask.request,
		.generation = d->generation,
		.token = d->ask.token,
		.prev_generation = d->prev_generation,
		.made_ms = d->db_ms,
		.verified_ms = d->verified_ms,
		.writer = WRITER,
		.min_reader = 1,
		.items_n = d->n_items};
	free(d->sealed_items);
	d->sealed_items = mem_alloc(d->n_items * sizeof(*d->sealed_items));
	for (unsigned n = 0; n < d->n_items; n++)
		fill_item(d, dek, n, &d->sealed_items[n]);
	m.items = d->sealed_items;
	(void)snprintf(m.kind, sizeof(m.kind), "%s", kind_word(d->ask.kind));
	memcpy(m.prev_digest, d->prev_digest, SHA256_LEN);
	for (size_t i = 0; i < d->n_flags; i++)
		(void)snprintf(m.flags[m.flags_n++], sizeof(m.flags[0]), "%s", d->flags[i]);
	buf_reset(&d->manifest);
	manifest_write(&m, &d->manifest);
	manifest_digest(buf_span(&d->manifest), d->digest);
	manifest_sign(keys_sign_seed(&app.keys), buf_span(&d->manifest), d->signature);
}

/* Key slot, manifest and, still without a name, its signature: written, not yet flushed. */
static int write_papers(struct draft *d, struct fault *reterr)
{
	char name[VAULT_NAME_MAX];
	uint8_t dek[KEY_LEN];
	struct buf slot = BUF_INIT;
	crypto_random(dek, sizeof(dek));
	keys_wrap_dek(&app.keys, &d->version, dek, d->wrapped_dek);
	d->verified_ms = d->db_ms + (clock_mono_ms() - d->db_mono_ms);
	sum_up(d);
	write_manifest(d, dek);
	crypto_wipe(dek, sizeof(dek));
	keys_slot_write(&app.keys, &d->version, d->wrapped_dek, &slot);
	vault_slot_name(name, &d->version);
	int rc = vault_create_with(&app.vault, name, buf_span(&slot), &d->slot_file, reterr);
	buf_fini(&slot);
	const char *kind = kind_word(d->ask.kind);
	vault_manifest_name(name, &d->ask.device, kind, d->generation, &d->version, "json");
	if (rc == 0)
		rc = vault_create_with(
			&app.vault, name, buf_span(&d->manifest), &d->manifest_file, reterr);
	vault_manifest_name(name, &d->ask.device, kind, d->generation, &d->version, "sig");
	if (rc == 0)
		rc = vault_create_with(
			&app.vault, name, (struct span){d->signature, 64}, &d->sig_file, reterr);
	return rc;
}

static int same(const struct vault_file *f, struct span want, struct fault *reterr)
{
	struct buf got = BUF_INIT;
	int rc = vault_read_small(&app.vault, f->temp, MANIFEST_MAX, &got, reterr);
	if (rc == 0 && (got.n != want.n || memcmp(got.p, want.p, want.n) != 0))
		rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "readback",
			"%s does not read back as written", f->name);
	buf_fini(&got);
	return rc;
}

static int same_slot(const struct draft *d, struct fault *reterr)
{
	struct buf slot = BUF_INIT;
	keys_slot_write(&app.keys, &d->version, d->wrapped_dek, &slot);
	int rc = same(&d->slot_file, buf_span(&slot), reterr);
	buf_fini(&slot);
	return rc;
}

static int place_papers(struct draft *d, struct fault *reterr)
{
	if (same_slot(d, reterr) < 0 ||
		same(&d->manifest_file, buf_span(&d->manifest), reterr) < 0 ||
		same(&d->sig_file, (struct span){d->signature, 64}, reterr) < 0 ||
		vault_publish(&app.vault, &d->slot_file, reterr) < 0 ||
		vault_publish(&app.vault, &d->manifest_file, reterr) < 0)
		return -1;
	CRASHPOINT("manifest.renamed");
	return 0;
}

static void each(struct batch *b, int (*step)(struct draft *d, struct fault *reterr))
{
	for (size_t i = 0; i < b->n; i++) {
		struct draft *d = b->drafts[i];
		if (d->fault.code == 0 && step(d, &d->fault) < 0 &&
			d->fault.code == CN_NOT_FOUND) /* a shared content whose writer failed */
			d->fault.code = CN_STORE_UNAVAILABLE;
	}
}

static bool flush(struct batch *b)
{
	struct fault f = FAULT_INIT;
	if (vault_sync(&app.vault, &f) == 0)
		return true;
	fail_all(b, &f);
	return false;
}

static void write_all(void *arg)
{
	struct batch *b = arg;
	struct fault f = FAULT_INIT;
	if (vault_check(&app.vault, &f) < 0) {
		fail_all(b, &f);
		return;
	}
	if (!flush(b))
		return;
	CRASHPOINT("temp.fsynced");
	each(b, place_objects);
	each(b, write_papers);
	if (!flush(b)) /* also the objects' names: they are durable before any manifest has one */
		return;
	CRASHPOINT("papers.fsynced");
	each(b, place_papers);
	(void)flush(b);
}

static int sign(struct draft *d, struct fault *reterr)
{
	return vault_publish(&app.vault, &d->sig_file, reterr);
}

static void sign_all(void *arg)
{
	struct batch *b = arg;
	CRASHPOINT("commit.after");
	each(b, sign);
	(void)flush(b);
	CRASHPOINT("sig.renamed");
}

/* ---- on the loop ---- */

/* Ends the drafts that have a fault; the others stay. */
static void drop_failed(struct batch *b)
{
	size_t kept = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (b->drafts[i]->fault.code == 0)
			b->drafts[kept++] = b->drafts[i];
		else
			draft_done(b->drafts[i]);
	}
	b->n = kept;
}

static void batch_free(struct batch *b)
{
	if (b->pause != NULL)
		timer_free(b->pause);
	free(b->drafts);
	free(b);
}

static void announce(const struct draft *d)
{
	const struct m_version_committed event = {.version = d->version,
		.device = d->ask.device,
		.kind = d->ask.kind,
		.generation = d->generation};
	service_publish(app.service, &m_version_committed_desc, &event);
	log_info(L("version committed"), L_UUID("version", &d->version),
		L_UUID("device", &d->ask.device), L_UUID("run", &d->ask.run),
		L_INT("generation", d->generation), L_INT("bytes", d->result.bytes_plain),
		L_INT("stored", d->result.bytes_stored));
}

static void signed_all(void *arg)
{
	struct batch *b = arg;
	drop_failed(b); /* committed, but not answered as such: recovery signs, a repeat finds it */
	struct uuid *ids = mem_alloc((b->n + 1) * sizeof(*ids));
	for (size_t i = 0; i < b->n; i++)
		ids[i] = b->drafts[i]->version;
	if (b->n > 0)
		sql_signed(ids, b->n);
	free(ids);
	for (size_t i = 0; i < b->n; i++) {
		announce(b->drafts[i]);
		draft_done(b->drafts[i]);
	}
	batch_free(b);
	index_kick();
}

static void begin(struct batch *b);

static void repeat(void *arg)
{
	begin(arg);
}

/* The transaction did not happen, or nobody knows: the same once more is harmless, because a
 * version that is committed already says so. */
static void commit_failed(struct batch *b, const struct fault *f)
{
	if (++b->tries > COMMIT_TRIES) {
		struct fault out = FAULT_INIT;
		catalogue_fault(f, &out);
		fail_all(b, &out);
		drop_failed(b);
		batch_free(b);
		return;
	}
	if (b->pause == NULL)
		b->pause = timer_new(app.service->loop, repeat, b);
	timer_set(b->pause, db_transient(f) ? 10 : COMMIT_PAUSE_MS, 0);
}

static void committed(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	(void)t;
	if (f != NULL) {
		commit_failed(b, f);
		return;
	}
	bug_if(n != b->n + 1);
	size_t kept = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct draft *d = b->drafts[i];
		const char *verdict = db_get_text(r[i + 1], 0, 0);
		if (strcmp(verdict, "committed") == 0)
			b->drafts[kept++] = d;
		else if (strcmp(verdict, "object_taken") == 0 || strcmp(verdict, "not_staged") == 0)
			store_again(
				d); /* others stored the same content first; or the row is lost */
		else if (store_refused(verdict, &d->fault) < 0)
			draft_done(d);
	}
	b->n = kept;
	if (kept > 0)
		loop_work(app.service->loop, sign_all, signed_all, b);
	else
		batch_free(b);
}

static void send(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	(void)r;
	(void)n;
	if (f != NULL) {
		commit_failed(b, f);
		return;
	}
	sql_add_put_objects(t, b->drafts, b->n);
	for (size_t i = 0; i < b->n; i++)
		sql_add_commit(t, b->drafts[i]);
	CRASHPOINT("commit.before");
	db_commit(t, committed, b);
}

static void begin(struct batch *b)
{
	db_begin(app.service->db, send, b);
}

static int by_device(const void *a, const void *b)
{
	struct draft *const *x = a, *const *y = b;
	return uuid_cmp(&(*x)->ask.device, &(*y)->ask.device);
}

static void written(void *arg)
{
	struct batch *b = arg;
	drop_failed(b);
	db_batch_done(b->queue); /* the next batch flushes while this one commits */
	if (b->n == 0) {
		batch_free(b);
		return;
	}
	/* lock rows are taken in the order of devices, as the lock service takes them */
	qsort(b->drafts, b->n, sizeof(struct draft *), by_device);
	begin(b);
}

void batch_run(struct db_batch *queue, void **items, size_t n, void *arg)
{
	struct batch *b = mem_alloc(sizeof(*b));
	(void)arg;
	b->drafts = mem_alloc(n * sizeof(struct draft *));
	memcpy(b->drafts, items, n * sizeof(struct draft *));
	b->n = n;
	b->queue = queue;
	loop_work(app.service->loop, write_all, written, b);
}
