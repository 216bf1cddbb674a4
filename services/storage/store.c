// SPDX-License-Identifier: Apache-2.0
/* From the last byte to the batch: names → catalogue → seals. Then batch.c takes over. */
#include "services/storage/storage.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/sql.h"

/* ---- faults ---- */

int store_refused(const char *verdict, struct fault *reterr)
{
	if (strcmp(verdict, "lease_lost") == 0 || strcmp(verdict, "superseded") == 0)
		return fault_why(reterr, CN_LEASE_LOST, verdict,
			"the lock of this job is no longer live; nothing was stored");
	if (strcmp(verdict, "conflict_op") == 0)
		return fault_why(reterr, CN_CONFLICT, verdict,
			"the lock was taken for another operation than this backup");
	if (strcmp(verdict, "conflict_items") == 0)
		return fault_why(reterr, CN_CONFLICT, verdict, "the lock does not cover all items");
	return fault_why(reterr, CN_INTERNAL_ERROR, verdict, "the catalogue answers '%s'", verdict);
}

void catalogue_fault(const struct fault *f, struct fault *ret)
{
	static const char CANCELED[] = "57014"; /* it took longer than statement_timeout */
	bool busy = db_transient(f) || strcmp(f->reason, CANCELED) == 0;
	/* lost with the question under way: asked again, it finds what was done by its run; or
	 * without room, memory or connections (class 53), as good as not there */
	bool lost = strcmp(f->reason, "unknown") == 0 || strncmp(f->reason, "53", 2) == 0;

	fault_why(ret, CN_STORE_UNAVAILABLE,
		busy   ? "busy"
		: lost ? "database"
		       : f->reason,
		"catalogue: %.200s", f->detail);
}

void catalogue_refuse(struct call *call, const struct fault *f)
{
	call_refuse(call, CN_STORE_UNAVAILABLE, "database", "catalogue: %.200s", f->detail);
}

void *catalogue_items(
	struct call *call, struct db_result **r, const struct fault *f, size_t size, size_t *ret_n)
{
	if (f != NULL) {
		catalogue_refuse(call, f);
		return NULL;
	}
	*ret_n = (size_t)db_rows(r[0]);
	void *items = arena_array(&call->arena, *ret_n + 1, size);
	bug_if(items == NULL);
	return items;
}

static void fail(struct draft *d)
{
	struct making *m;
	for (size_t i = 0; i < d->n_items; i++) {
		m = d->items[i]->making;
		if (m == NULL || d->items[i]->place != PLACE_FRESH || m->ready)
			continue;
		m->failed = m->ready = true;
		/* those who waited for it find their way without us */
		while (!list_empty(&m->waiters)) {
			struct draft *w = container_of(m->waiters.next, struct draft, node);
			list_remove(&w->node);
			list_init(&w->node);
			store_again(w);
		}
	}
	draft_done(d);
}

/* ---- contents that several drafts share ---- */

static void making_join(struct item *i)
{
	struct making *m = map_get(&app.making, i->oid, OID_LEN);
	if (m != NULL && !m->failed) {
		i->place = PLACE_SHARED;
	} else {
		i->place = PLACE_FRESH;
		m = mem_alloc(sizeof(*m));
		memcpy(m->oid, i->oid, OID_LEN);
		list_init(&m->waiters);
		(void)map_put(&app.making, m->oid, OID_LEN, m);
	}
	m->refs++;
	i->making = m;
}

/* Puts the draft into the batch when all it shares is sealed; else it waits for the first that is
 * not. Who wrote a content is in the batch before who uses it. */
static void join(struct draft *d)
{
	for (size_t n = 0; n < d->n_items; n++) {
		struct item *i = d->items[n];
		struct making *m = i->making;
		if (i->place != PLACE_SHARED)
			continue;
		if (m->failed) {
			store_again(d);
			return;
		}
		if (!m->ready) {
			list_push(&m->waiters, &d->node);
			return;
		}
		memcpy(i->key, m->key, KEY_LEN);
		i->incarnation = m->incarnation;
		i->replaces = m->replaces;
		i->sealed = m->sealed;
	}
	db_batch_put(app.batch, d);
}

static void publish_ready(struct draft *d)
{
	for (size_t n = 0; n < d->n_items; n++) {
		struct item *i = d->items[n];
		struct making *m = i->making;
		if (m == NULL || i->place != PLACE_FRESH || m->ready)
			continue;
		memcpy(m->key, i->key, KEY_LEN);
		m->incarnation = i->incarnation;
		m->replaces = i->replaces;
		m->sealed = i->sealed;
		m->ready = true;
	}
}

static void wake_waiters(struct draft *d)
{
	for (size_t n = 0; n < d->n_items; n++) {
		struct making *m = d->items[n]->making;
		if (m == NULL || d->items[n]->place != PLACE_FRESH)
			continue;
		while (!list_empty(&m->waiters)) {
			struct draft *w = container_of(m->waiters.next, struct draft, node);
			list_remove(&w->node);
			list_init(&w->node);
			join(w);
		}
	}
}

/* ---- steps ---- */

static void sealed(void *arg)
{
	struct draft *d = arg;
	if (d->fault.code != 0) {
		fail(d);
		return;
	}
	publish_ready(d);
	join(d);
	wake_waiters(d);
}

static void seal(void *arg)
{
	seal_objects(arg);
}

/* What the catalogue knows of our contents decides where each comes from. */
static void use_known(struct draft *d, struct db_result *r)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct sql_object o;
		sql_object_read(r, row, &o);
		for (size_t n = 0; n < d->n_items; n++) {
			struct item *i = d->items[n];
			if (o.oid.n != OID_LEN || memcmp(i->oid, o.oid.p, OID_LEN) != 0)
				continue;
			if (i->written && i->incarnation == o.incarnation)
				continue; /* ours, published in an earlier try */
			if (!o.has_key) {
				i->replaces = o.incarnation;
				continue;
			}
			vault_discard(&app.vault, &i->file);
			i->written = false;
			i->place = PLACE_KNOWN;
			i->incarnation = o.incarnation;
			i->sealed.stored_len = o.stored_len;
			memcpy(i->sealed.cipher, o.cipher.p, SHA256_LEN);
			i->key_version = o.version;
			i->key_kek = o.kek;
			i->key_item = o.item_no;
			memcpy(i->key_wrapped, o.wrapped_key.p, WRAPPED_LEN);
			memcpy(i->dek_wrapped, o.wrapped_dek.p, WRAPPED_LEN);
		}
	}
}

static void choose_places(struct draft *d, struct db_result *objects)
{
	for (size_t n = 0; n < d->n_items; n++) {
		item_unshare(d->items[n]);
		d->items[n]->place = PLACE_FRESH;
	}
	use_known(d, objects);
	for (size_t n = 0; n < d->n_items; n++)
		if (d->items[n]->place == PLACE_FRESH)
			making_join(d->items[n]);
}

static void answer_known(struct draft *d, const struct sql_known *k)
{
	d->result = k->stored;
	d->result.outcome = strcmp(k->verdict, "unchanged") == 0 ? STORE_OUTCOME_UNCHANGED
								 : STORE_OUTCOME_COMMITTED;
	d->result.flags_n = sql_flags(k->flags, &d->arena, &d->result.flags);
}

static void signed_before(void *arg, const struct fault *f)
{
	struct draft *d = arg;
	if (f != NULL)
		d->fault = *f;
	draft_done(d);
}

static void staged(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct draft *d = arg;
	struct sql_known k;
	(void)t;
	if (f != NULL && (db_transient(f) || strcmp(f->reason, "23505") == 0) &&
		d->tries < DRAFT_TRIES) {
		store_again(d);
		return;
	}
	if (f != NULL) {
		catalogue_fault(f, &d->fault);
		fail(d);
		return;
	}
	bug_if(n != 2);
	sql_known_read(r[0], true, &k);
	if (strcmp(k.verdict, "done") == 0) {
		answer_known(d, &k);
		recover_sign(&k.stored.version, signed_before, d);
	} else if (strcmp(k.verdict, "unchanged") == 0) {
		answer_known(d, &k);
		draft_done(d);
	} else if (d->no_room && app.place_fault.code == CN_STORE_FULL) {
		d->fault = app.place_fault;
		fail(d);
	} else if (strcmp(k.verdict, "staged") == 0 && k.prev_digest.n == SHA256_LEN) {
		d->version = k.stored.version;
		d->generation = k.stored.generation;
		d->prev_generation = k.prev_generation;
		memcpy(d->prev_digest, k.prev_digest.p, SHA256_LEN);
		d->db_ms = k.now_ms;
		d->db_mono_ms = clock_mono_ms();
		choose_places(d, r[1]);
		loop_work(app.service->loop, seal, sealed, d);
	} else {
		(void)store_refused(k.verdict, &d->fault);
		fail(d);
	}
}

static void stage(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct draft *d = arg;
	struct uuid version = uuid_v7(clock_wall_ms());
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_fault(f, &d->fault);
		fail(d);
		return;
	}
	sql_add_stage(t, d, &version);
	sql_add_find_objects(t, d);
	db_commit(t, staged, d);
}

void store_again(struct draft *d)
{
	struct vault_file *const papers[] = {&d->slot_file, &d->manifest_file, &d->sig_file};
	for (size_t i = 0; i < array_len(papers); i++)
		vault_discard(&app.vault, papers[i]);
	if (++d->tries > DRAFT_TRIES) {
		fault_why(&d->fault, CN_STORE_UNAVAILABLE, "contention",
			"others keep storing the same content");
		fail(d);
		return;
	}
	db_begin(app.service->db, stage, d);
}

static void named(void *arg)
{
	struct draft *d = arg;
	if (d->fault.code != 0)
		fail(d);
	else
		store_again(d);
}

static void name(void *arg)
{
	seal_names(arg);
}

static void checked(struct draft *d)
{
	if (d->fault.code != 0)
		fail(d);
	else if (file_refused(d))
		draft_done(d);
	else
		loop_work(app.service->loop, name, named, d);
}

void store_start(struct draft *d)
{
	d->state = DRAFT_STORING;
	d->started_ms = clock_mono_ms();
	if (d->ask.kind == VERSION_KIND_FILE && strcmp(d->ask.format, "opaque") != 0)
		file_check(d, checked);
	else
		loop_work(app.service->loop, name, named, d);
}
