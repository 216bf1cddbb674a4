// SPDX-License-Identifier: Apache-2.0
/* The end of copying to one vault: slots follow those of the primary vault, under the row lock of
 * their versions as in rotate.c; then a passport says what is there now. */
#include "services/storage/copy_papers.h"

#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/passport.h"
#include "services/storage/sql_copies.h"

#define AT_ONCE 8 /* a slow server must not hold the rows for long */
#define SLOTS_MS ((uint64_t)60 * 1000)

static struct {
	struct papers *of;
	struct txn *txn;
	struct slot_copying slots[AT_ONCE];
	size_t n;
	struct fault fault;
} pa;

static void end(bool database_down)
{
	if (pa.fault.code != 0 && !database_down)
		log_error(L("papers of a copy not written"), L_UUID("vault", &pa.of->vault->id),
			L_FAULT(&pa.fault));
	pa.of->done(pa.of->arg, database_down);
}

/* ---- the passport ---- */

static void made(struct making_passport *m)
{
	struct papers *p = pa.of;
	bool taken = strcmp(m->fault.reason, "name_taken") == 0;
	if (m->fault.code == 0) {
		if (p->passport)
			p->due_ms = clock_mono_ms() + (uint64_t)app.config->passport_ms;
		p->passport = true;
		p->changed = false;
	} else if (!taken) {
		pa.fault = m->fault;
	}
	end(m->fault.code == CN_INTERNAL_ERROR);
}

static void make(void)
{
	struct making_passport m = {.vault = pa.of->vault, .done = made};
	if (pa.of->override[0] != 0)
		(void)snprintf(m.warning, sizeof(m.warning),
			"NOT A BACKUP: accepted on the same disk: %s", pa.of->override);
	passport_make(&m);
}

static void passport(void)
{
	const struct papers *p = pa.of;
	if (!p->passport || (p->changed && clock_mono_ms() >= p->due_ms))
		make();
	else
		end(false);
}

void papers_begin(struct papers *p)
{
	pa.of = p;
	pa.fault = FAULT_INIT;
	if (p->passport)
		end(false);
	else
		make();
}

/* ---- slots ---- */

static void next(void);

static bool failed(const struct fault *f)
{
	if (f == NULL)
		return false;
	pa.fault = *f;
	end(true);
	return true;
}

static void committed(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	pa.of->changed = true;
	if (pa.fault.code == 0 && pa.n == AT_ONCE)
		next();
	else
		passport();
}

static void worked(void *arg)
{
	struct uuid ids[AT_ONCE];
	size_t n = 0;
	(void)arg;
	for (size_t i = 0; i < pa.n; i++)
		if (pa.slots[i].good)
			ids[n++] = pa.slots[i].version;
	if (n == 0) {
		db_rollback(pa.txn);
		passport();
		return;
	}
	sql_add_copy_slots_put(pa.txn, &pa.of->vault->id, ids, n);
	db_commit(pa.txn, committed, NULL);
}

static void work(void *arg)
{
	(void)arg;
	(void)!copy_slots(pa.of->vault, pa.slots, pa.n, &pa.fault);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	pa.n = (size_t)db_rows(r[0]);
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct slot_copying *s = &pa.slots[row];
		struct uuid device = db_get_uuid(r[0], row, 2);
		*s = (struct slot_copying){
			.version = db_get_uuid(r[0], row, 0), .kek = db_get_uuid(r[0], row, 1)};
		vault_manifest_name(s->stone, &device, db_get_text(r[0], row, 3),
			(uint64_t)db_get_int(r[0], row, 4), &s->version, "erased");
	}
	if (pa.n == 0) {
		pa.of->slots_ms = clock_mono_ms() + SLOTS_MS;
		db_rollback(t);
		passport();
		return;
	}
	pa.txn = t;
	loop_work(app.service->loop, work, worked, NULL);
}

static void begun(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)r;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	sql_add_copy_slots(t, &pa.of->vault->id, AT_ONCE);
	db_step(t, found, NULL);
}

static void next(void)
{
	db_begin(app.service->db, begun, NULL);
}

void papers_write(struct papers *p)
{
	pa.of = p;
	pa.fault = FAULT_INIT;
	if (clock_mono_ms() >= p->slots_ms)
		next();
	else
		passport();
}
