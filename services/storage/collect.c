// SPDX-License-Identifier: Apache-2.0
/* Collection (docs/spec/storage.md section 13): contents that no version names go in two steps with
 * a day between; whoever refers to one meanwhile brings it back. A file is removed only when the
 * catalogue says so under the row's lock, by exactly the name it had; so this may be killed, run
 * twice, or run on two hosts (ST-76). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/storage/sql_upkeep.h"

#define SLICES 256 /* of names, so that each look is short */
#define AT_ONCE 500

struct erased {
	struct uuid version;
};

static struct {
	unsigned slice;
	uint64_t condemned, doomed, files, slots;
	struct removal removals[AT_ONCE];
	struct erased erased[AT_ONCE];
	size_t n;
	void (*done)(const char *outcome);
	char outcome[160];
	struct fault fault; /* of the vault */
} co;

static bool failed(const struct fault *f)
{
	if (f == NULL)
		return false;
	(void)snprintf(co.outcome, sizeof(co.outcome), "failed: %.140s", f->detail);
	co.done(co.outcome);
	return true;
}

static void finish(void)
{
	(void)snprintf(co.outcome, sizeof(co.outcome),
		"%llu unnamed, %llu to go, %llu files and %llu keys removed",
		(unsigned long long)co.condemned, (unsigned long long)co.doomed,
		(unsigned long long)co.files, (unsigned long long)co.slots);
	co.done(co.outcome);
}

/* ---- keys of erased versions ---- */

static void slots(void);

static void slots_told(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	co.slots += co.n;
	if (co.n == AT_ONCE)
		slots();
	else
		finish();
}

static void slots_work(void *arg)
{
	(void)arg;
	if (vault_check(&app.vault, &co.fault) < 0)
		return;
	for (size_t i = 0; i < co.n; i++) {
		char name[VAULT_NAME_MAX];
		vault_slot_name(name, &co.erased[i].version);
		vault_remove(&app.vault, name);
	}
	(void)vault_sync(&app.vault, &co.fault);
}

static void slots_done(void *arg)
{
	struct uuid ids[AT_ONCE];
	(void)arg;
	if (co.fault.code != 0) {
		(void)failed(&co.fault);
		return;
	}
	for (size_t i = 0; i < co.n; i++)
		ids[i] = co.erased[i].version;
	CRASHPOINT("collect.slots");
	sql_slots_gone(&app.vault.id, ids, co.n, slots_told, NULL);
}

static void slots_owed(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	co.n = (size_t)db_rows(r[0]);
	for (size_t i = 0; i < co.n; i++)
		co.erased[i].version = db_get_uuid(r[0], (int)i, 0);
	if (co.n == 0)
		finish();
	else
		loop_work(app.service->loop, slots_work, slots_done, NULL);
}

static void slots(void)
{
	sql_slots_owed(&app.vault.id, AT_ONCE, slots_owed, NULL);
}

/* ---- files ---- */

static void files(void);

static void files_told(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	co.files += co.n;
	if (co.n == AT_ONCE)
		files();
	else
		slots();
}

static void files_work(void *arg)
{
	(void)arg;
	if (vault_check(&app.vault, &co.fault) < 0)
		return;
	for (size_t i = 0; i < co.n; i++) {
		char name[VAULT_NAME_MAX];
		vault_object_name(name, co.removals[i].oid, co.removals[i].incarnation);
		vault_remove(&app.vault, name); /* absent is as good */
		CRASHPOINT("collect.removed");
	}
	(void)vault_sync(&app.vault, &co.fault);
}

static void files_done(void *arg)
{
	(void)arg;
	if (co.fault.code != 0)
		(void)failed(&co.fault);
	else
		sql_collect_done(&app.vault.id, co.removals, co.n, files_told, NULL);
}

static void files_found(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	co.n = (size_t)db_rows(r[0]);
	for (size_t i = 0; i < co.n; i++)
		sql_removal_read(r[0], (int)i, &co.removals[i]);
	if (co.n == 0)
		slots();
	else
		loop_work(app.service->loop, files_work, files_done, NULL);
}

static void files(void)
{
	sql_removals(&app.vault.id, AT_ONCE, files_found, NULL);
}

/* ---- rows ---- */

static void doomed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	uint64_t now = (uint64_t)db_get_int(r[0], 0, 0);
	co.doomed += now;
	CRASHPOINT("collect.doomed");
	if (now == AT_ONCE)
		sql_collect_doom((uint64_t)app.config->collect_age_ms, AT_ONCE, doomed, NULL);
	else
		files();
}

static void condemned(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	co.condemned += (uint64_t)db_get_int(r[0], 0, 0);
	CRASHPOINT("collect.condemned");
	uint64_t age = (uint64_t)app.config->collect_age_ms;
	if (++co.slice < SLICES)
		sql_collect_condemn(co.slice, age, condemned, NULL);
	else
		sql_collect_doom(age, AT_ONCE, doomed, NULL);
}

void collect_chore(void (*done)(const char *outcome))
{
	co.done = done;
	co.slice = 0;
	co.condemned = co.doomed = co.files = co.slots = 0;
	co.fault = FAULT_INIT;
	sql_collect_condemn(0, (uint64_t)app.config->collect_age_ms, condemned, NULL);
}
