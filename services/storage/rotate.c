// SPDX-License-Identifier: Apache-2.0
/* Rotation (docs/spec/storage.md ST-29): versions' keys that lie under an older key of the key file
 * are wrapped anew under the first one; no object is touched. Slot on the medium first, row of the
 * catalogue second, under the version's row lock: whoever dies between leaves both readable, and
 * the next walk does it again. */
#include <stdio.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/storage/sql_keys.h"

#define AT_ONCE 64

static struct {
	struct txn *txn;
	struct rewrap batch[AT_ONCE];
	size_t n;
	struct uuid after; /* the last version looked at */
	uint64_t done, unknown;
	struct fault fault;
	void (*end)(const char *outcome);
	char outcome[160];
} ro;

/* ---- on the work pool ---- */

/* The row may be behind the medium, when the key it names has been retired too early. */
static int open_from_slot(const struct rewrap *r, uint8_t dek[static KEY_LEN], struct fault *f)
{
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct slot slot;
	vault_slot_name(name, &r->version);
	int rc = vault_read_small(&app.vault, name, SLOT_MAX, &text, f);
	if (rc == 0 && (slot_read(buf_span(&text), &slot) < 0 || slot.erased_ms != 0))
		rc = fault_set(f, CN_STORE_VERIFY_FAILED, "%s is damaged", name);
	if (rc == 0)
		rc = keys_open_dek(&app.keys, &r->version, &slot.kek,
			(struct span){slot.wrapped, WRAPPED_LEN}, dek, f);
	buf_fini(&text);
	return rc;
}

static int rewrap(struct rewrap *r)
{
	char name[VAULT_NAME_MAX];
	uint8_t dek[KEY_LEN];
	struct buf text = BUF_INIT;
	struct fault why = FAULT_INIT;
	if (keys_open_dek(&app.keys, &r->version, &r->kek, (struct span){r->wrapped, WRAPPED_LEN},
		    dek, &why) < 0 &&
		open_from_slot(r, dek, &why) < 0) {
		r->unknown = true;
		return 0;
	}
	keys_wrap_dek(&app.keys, &r->version, dek, r->wrapped);
	crypto_wipe(dek, sizeof(dek));
	keys_slot_write(&app.keys, &r->version, r->wrapped, &text);
	vault_slot_name(name, &r->version);
	int rc = vault_create_with(&app.vault, name, buf_span(&text), &r->slot, &ro.fault);
	buf_fini(&text);
	return rc;
}

/* A tombstone means that its key must not come back, whatever became of our transaction. */
static int place(struct rewrap *r)
{
	if (r->unknown || vault_changed_ms(&app.vault, r->stone) != 0)
		return 0;
	return vault_replace(&app.vault, &r->slot, &ro.fault);
}

static void work(void *arg)
{
	(void)arg;
	int rc = vault_check(&app.vault, &ro.fault);
	for (size_t i = 0; i < ro.n && rc == 0; i++)
		rc = rewrap(&ro.batch[i]);
	if (rc == 0)
		rc = vault_sync(&app.vault, &ro.fault);
	CRASHPOINT("rotate.written");
	for (size_t i = 0; i < ro.n && rc == 0; i++)
		rc = place(&ro.batch[i]);
	if (rc == 0)
		(void)!vault_sync(&app.vault, &ro.fault);
	for (size_t i = 0; i < ro.n; i++)
		vault_discard(&app.vault, &ro.batch[i].slot);
	CRASHPOINT("rotate.slots");
}

static void root_work(void *arg)
{
	(void)arg;
	if (vault_check(&app.vault, &ro.fault) == 0)
		(void)!keys_rewrap_root(&app.keys, &app.vault, &ro.fault);
}

/* ---- on the loop ---- */

static void finish(void)
{
	if (ro.fault.code != 0)
		(void)snprintf(ro.outcome, sizeof(ro.outcome), "failed: %.140s", ro.fault.detail);
	else if (ro.done > 0 || ro.unknown > 0)
		(void)snprintf(ro.outcome, sizeof(ro.outcome),
			"%llu keys wrapped anew, %llu lie under a key we do not have",
			(unsigned long long)ro.done, (unsigned long long)ro.unknown);
	app.passport.wanted |= ro.done > 0;
	ro.end(ro.outcome);
}

static void next(void);

static void committed(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	if (f != NULL) {
		ro.fault = *f;
		finish();
		return;
	}
	for (size_t i = 0; i < ro.n; i++) {
		ro.done += !ro.batch[i].unknown;
		ro.unknown += ro.batch[i].unknown;
	}
	next();
}

static void worked(void *arg)
{
	(void)arg;
	if (ro.fault.code != 0) {
		db_rollback(ro.txn);
		finish();
		return;
	}
	sql_add_rewrapped(ro.txn, ro.batch, ro.n);
	db_commit(ro.txn, committed, NULL);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)n;
	(void)arg;
	if (f != NULL) {
		ro.fault = *f;
		finish();
		return;
	}
	ro.n = (size_t)db_rows(r[0]);
	if (ro.n == 0) {
		db_rollback(t);
		finish();
		return;
	}
	for (size_t i = 0; i < ro.n; i++)
		sql_rewrap_read(r[0], (int)i, &ro.batch[i]);
	ro.after = ro.batch[ro.n - 1].version;
	ro.txn = t;
	loop_work(app.service->loop, work, worked, NULL);
}

static void begun(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)r;
	(void)n;
	(void)arg;
	if (f != NULL) {
		ro.fault = *f;
		finish();
		return;
	}
	sql_add_rewrap_next(t, &ro.after, AT_ONCE);
	db_step(t, found, NULL);
}

static void next(void)
{
	db_begin(app.service->db, begun, NULL);
}

static void root_done(void *arg)
{
	(void)arg;
	if (ro.fault.code != 0)
		finish();
	else
		next();
}

void rotate_chore(void (*done)(const char *outcome))
{
	memset(&ro, 0, sizeof(ro));
	ro.end = done;
	loop_work(app.service->loop, root_work, root_done, NULL);
}
