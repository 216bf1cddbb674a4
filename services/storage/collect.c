// SPDX-License-Identifier: Apache-2.0
/* Collection (docs/spec/storage.md section 13): contents that no version names go in two steps with
 * a day between; whoever refers to one meanwhile brings it back. A file is removed only when the
 * catalogue says so under the row's lock, by exactly the name it had; so this may be killed, run
 * twice, or run on two hosts (ST-76). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "services/storage/copy.h"
#include "services/storage/sql_upkeep.h"

#define SLICES 256 /* of names, so that each look is short */
#define AT_ONCE 500

struct erased {
	struct uuid version;
	uint8_t digest[SHA256_LEN];
	char stone_name[VAULT_NAME_MAX];
	struct vault_file slot, stone;
	struct vault_file json, sig; /* of the chain, in a vault that never had this version */
	bool buried;                 /* in an earlier try */
	bool ordered;                /* by two persons; else pruned */
};

static struct {
	const struct vault *vault; /* whose files are being removed */
	size_t nth;
	unsigned slice;
	uint64_t condemned, doomed, files, slots;
	struct removal removals[AT_ONCE];
	struct erased erased[AT_ONCE];
	size_t n;
	void (*done)(const char *outcome);
	char outcome[360];
	struct fault fault; /* of the vault */
	char left[200];     /* a vault that let nothing be removed, and why; "" = none */
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
		"%llu unnamed, %llu to go, %llu files and %llu keys removed%s%s",
		(unsigned long long)co.condemned, (unsigned long long)co.doomed,
		(unsigned long long)co.files, (unsigned long long)co.slots,
		co.left[0] == 0 ? "" : "; left for later: ", co.left);
	co.done(co.outcome);
}

static void next_vault(void);

/* A vault that is not there now, or whose server lets us remove nothing, is asked again next time.
 */
static void skip_vault(void)
{
	if (co.vault == &app.vault) {
		(void)failed(&co.fault);
		return;
	}
	(void)snprintf(
		co.left, sizeof(co.left), "vault '%s': %.100s", co.vault->name, co.fault.detail);
	next_vault();
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
		next_vault();
}

static int put(const struct buf *text, const char *name, struct vault_file *f)
{
	return vault_create_with(co.vault, name, buf_span(text), f, &co.fault);
}

/* One that is damaged is no tombstone. */
static bool read_stone(const struct erased *e, struct tombstone *ret)
{
	struct buf text = BUF_INIT;
	struct fault f;
	bool good = vault_read_small(co.vault, e->stone_name, SLOT_MAX, &text, &f) == 0 &&
		    tombstone_read(buf_span(&text), &app.keys.signers, ret) == 0 &&
		    uuid_eq(&ret->version, &e->version);
	buf_fini(&text);
	if (!good)
		vault_remove(co.vault, e->stone_name);
	return good;
}

/* "<name>.erased" with another suffix. */
static void paper_name(const struct erased *e, const char *suffix, char out[static VAULT_NAME_MAX])
{
	size_t n = strlen(e->stone_name) - strlen("erased");
	(void)snprintf(out, VAULT_NAME_MAX, "%.*s%s", (int)n, e->stone_name, suffix);
}

/* A vault that was added, or away, while this version was erased: the chain has no gap there
 * (ST-39).
 */
static int copy_chain(struct erased *e)
{
	struct vault_file *const files[] = {&e->json, &e->sig};
	static const char *const suffixes[] = {"json", "sig"};
	char name[VAULT_NAME_MAX];
	paper_name(e, "sig", name);
	if (co.vault == &app.vault || vault_changed_ms(co.vault, name) != 0)
		return 0;
	for (size_t i = 0; i < array_len(files); i++) {
		struct buf text = BUF_INIT;
		paper_name(e, suffixes[i], name);
		int rc = vault_read_small(&app.vault, name, MANIFEST_MAX, &text, &co.fault);
		if (rc == 0 && vault_changed_ms(co.vault, name) == 0)
			rc = put(&text, name, files[i]);
		buf_fini(&text);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* Written, not yet under their names: an erased slot, and a signed word that this was meant. */
static int write_papers(struct erased *e, uint64_t now_ms)
{
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct tombstone stone = {.tenant = app.tenant, .version = e->version, .at_ms = now_ms};
	struct slot slot = {.tenant = app.tenant, .version = e->version, .erased_ms = now_ms};
	struct tombstone before;
	memcpy(stone.digest, e->digest, SHA256_LEN);
	(void)snprintf(stone.reason, sizeof(stone.reason), "%s", e->ordered ? "ordered" : "pruned");
	e->buried = read_stone(e, &before);
	if (e->buried) /* a crash came between the two: both say the same time */
		slot.erased_ms = before.at_ms;
	slot_write(&slot, &text);
	vault_slot_name(name, &e->version);
	int rc = put(&text, name, &e->slot);
	buf_reset(&text);
	tombstone_write(&stone, keys_sign_seed(&app.keys), &text);
	if (rc == 0 && !e->buried)
		rc = put(&text, e->stone_name, &e->stone);
	buf_fini(&text);
	return rc == 0 ? copy_chain(e) : rc;
}

static int place_papers(struct erased *e)
{
	struct vault_file *const chain[] = {&e->json, &e->sig};
	for (size_t i = 0; i < array_len(chain); i++)
		if (chain[i]->temp[0] != 0 && vault_publish(co.vault, chain[i], &co.fault) < 0)
			return -1;
	if (!e->buried && vault_publish(co.vault, &e->stone, &co.fault) < 0)
		return -1;
	return vault_replace(co.vault, &e->slot, &co.fault);
}

static void slots_work(void *arg)
{
	(void)arg;
	uint64_t now = clock_wall_ms();
	int rc = vault_check(co.vault, &co.fault);
	for (size_t i = 0; i < co.n && rc == 0; i++)
		rc = write_papers(&co.erased[i], now);
	if (rc == 0)
		rc = vault_sync(co.vault, &co.fault);
	for (size_t i = 0; i < co.n && rc == 0; i++)
		rc = place_papers(&co.erased[i]);
	if (rc == 0)
		rc = vault_sync(co.vault, &co.fault);
	for (size_t i = 0; i < co.n; i++) {
		vault_discard(co.vault, &co.erased[i].slot);
		vault_discard(co.vault, &co.erased[i].stone);
		vault_discard(co.vault, &co.erased[i].json);
		vault_discard(co.vault, &co.erased[i].sig);
	}
	bug_if(rc != 0 && co.fault.code == 0);
}

static void slots_done(void *arg)
{
	struct uuid ids[AT_ONCE];
	(void)arg;
	if (co.fault.code != 0) {
		skip_vault();
		return;
	}
	for (size_t i = 0; i < co.n; i++)
		ids[i] = co.erased[i].version;
	CRASHPOINT("collect.slots");
	sql_slots_gone(&co.vault->id, ids, co.n, slots_told, NULL);
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
	for (size_t i = 0; i < co.n; i++) {
		struct erased *e = &co.erased[i];
		struct uuid device = db_get_uuid(r[0], (int)i, 1);
		struct span digest = db_get_bytes(r[0], (int)i, 4);
		e->version = db_get_uuid(r[0], (int)i, 0);
		e->slot.fd = e->stone.fd = e->json.fd = e->sig.fd = -1;
		e->slot.temp[0] = e->stone.temp[0] = e->json.temp[0] = e->sig.temp[0] = 0;
		bug_if(digest.n != SHA256_LEN);
		memcpy(e->digest, digest.p, SHA256_LEN);
		e->ordered = db_get_bool(r[0], (int)i, 5);
		vault_manifest_name(e->stone_name, &device, db_get_text(r[0], (int)i, 2),
			(uint64_t)db_get_int(r[0], (int)i, 3), &e->version, "erased");
	}
	if (co.n == 0)
		next_vault();
	else
		loop_work(app.service->loop, slots_work, slots_done, NULL);
}

static void slots(void)
{
	sql_slots_owed(&co.vault->id, AT_ONCE, slots_owed, NULL);
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
	int rc = vault_check(co.vault, &co.fault);
	for (size_t i = 0; i < co.n && rc == 0; i++) {
		char name[VAULT_NAME_MAX];
		vault_object_name(name, co.removals[i].oid, co.removals[i].incarnation);
		vault_remove(co.vault, name); /* absent is as good */
		CRASHPOINT("collect.removed");
	}
	if (rc == 0)
		rc = vault_sync(co.vault, &co.fault);
	bug_if(rc != 0 && co.fault.code == 0);
}

static void files_done(void *arg)
{
	(void)arg;
	if (co.fault.code != 0)
		skip_vault();
	else
		sql_collect_done(&co.vault->id, co.removals, co.n, files_told, NULL);
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
	sql_removals(&co.vault->id, AT_ONCE, files_found, NULL);
}

static void next_vault(void)
{
	co.vault = vault_nth(co.nth++);
	co.fault = FAULT_INIT;
	if (co.vault == NULL)
		finish();
	else
		files();
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
		next_vault();
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
	co.nth = 0;
	co.condemned = co.doomed = co.files = co.slots = 0;
	co.left[0] = 0;
	co.fault = FAULT_INIT;
	sql_collect_condemn(0, (uint64_t)app.config->collect_age_ms, condemned, NULL);
}
