// SPDX-License-Identifier: Apache-2.0
/* The vault as a place: found or made at start, watched while we run. Until it is there, and
 * whenever it is not what it was, app.place_fault says why nothing is stored. */
#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/pruner.h"
#include "services/storage/sql.h"
#include "services/storage/vaults/placement.h"

#define TICK_MS 500
#define OWED_MS ((uint64_t)10 * 1000)
#define STALE_MS ((uint64_t)6 * 3600 * 1000)

struct storage app;

/* ---- work pool ---- */

/* What one look at the place found. */
struct look {
	struct uuid expected; /* id in the catalogue, nil = none yet */
	bool opening;
	struct vault vault; /* when opening */
	struct keys keys;
	uint64_t free_bytes;
	struct fault fault;
};

static void open_place(struct look *l)
{
	const struct storage_config *c = app.config;
	/* only a vault that the catalogue does not know yet may be made (ST-47) */
	if (uuid_is_nil(&l->expected) && vault_make(c->vault_dir, &app.tenant, &l->fault) < 0)
		return;
	if (vault_open(&l->vault, c->vault_dir, c->vault_name, &app.tenant, &l->expected,
		    &l->fault) < 0)
		return;
	l->vault.reserve_percent = (unsigned)c->reserve_percent;
	const struct key_files files = {c->kek_file, c->kek_passphrase_file, c->sign_key_file};
	if (keys_load(&l->keys, &l->vault, &files, &l->fault) < 0)
		vault_close(&l->vault);
}

static struct placement_ask place_asked(const struct storage_config *c)
{
	return (struct placement_ask){.vault_name = c->vault_name,
		.vault = c->vault_dir,
		.kek_file = c->kek_file,
		.database = c->common.database,
		.database_disk = c->database_disk,
		.system_disks = c->system_disks,
		.accept_reason = c->accept_same_disk};
}

static void mounts_digest(uint8_t out[static SHA256_LEN])
{
	uint8_t piece[8192];
	struct sha256 *h = sha256_new();
	FILE *f = fopen("/proc/self/mountinfo", "re");
	size_t n;
	while (f != NULL && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		sha256_add(h, (struct span){piece, n});
	if (f != NULL)
		(void)fclose(f);
	sha256_end(h, out);
}

/* ST-64: when anything was mounted or unmounted, and while it is refused, the place is judged anew.
 * Work pool, one look at a time. */
static int check_mounts(struct fault *reterr)
{
	static uint8_t seen[SHA256_LEN];
	static struct fault verdict;
	static bool any; /* the start judged what is mounted first */
	uint8_t now[SHA256_LEN];
	struct placement p;
	mounts_digest(now);
	if (any && (verdict.code != 0 || memcmp(now, seen, sizeof(now)) != 0)) {
		const struct placement_ask ask = place_asked(app.config);
		verdict = FAULT_INIT;
		(void)!placement_check(&ask, &p, &verdict);
	}
	any = true;
	memcpy(seen, now, sizeof(seen));
	*reterr = verdict.code != 0 ? verdict : *reterr;
	return verdict.code != 0 ? -1 : 0;
}

static void look_work(void *arg)
{
	struct look *l = arg;
	if (l->opening) {
		open_place(l);
		return;
	}
	l->free_bytes = vault_free_bytes(&app.vault);
	if (vault_check(&app.vault, &l->fault) < 0 || check_mounts(&l->fault) < 0 ||
		vault_room(&app.vault, &l->fault) < 0)
		return;
}

/* ---- loop ---- */

static void set_fault(const struct fault *f)
{
	if (f->code != 0 && strcmp(f->detail, app.place_fault.detail) != 0)
		log_error(L("vault cannot be used"), L_FAULT(f));
	if (f->code == 0 && app.place_fault.code != 0)
		log_info(L("vault ready"), L_STR("path", app.config->vault_dir),
			L_UUID("vault", &app.vault.id), L_STR("placement", app.placement));
	app.place_fault = *f;
}

static void put_done(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	app.registered = f == NULL;
}

static struct look look;

static void opened(void)
{
	if (look.fault.code == 0) {
		app.vault = look.vault;
		app.keys = look.keys;
		app.opened = true;
	}
}

static void look_done(void *arg)
{
	(void)arg;
	app.keeping = false;
	app.free_bytes = look.free_bytes;
	metric_set(app.free, (int64_t)look.free_bytes);
	if (look.opening)
		opened();
	if (look.fault.code == 0 && !app.registered) {
		sql_vault_put(put_done);
		fault_why(&look.fault, CN_STORE_UNAVAILABLE, "starting", "the catalogue is asked");
	}
	set_fault(&look.fault);
}

static void look_start(const struct uuid *expected)
{
	look = (struct look){.opening = !app.opened, .vault = {.fd = -1, .tmp = -1}};
	if (expected != NULL)
		look.expected = *expected;
	loop_work(app.service->loop, look_work, look_done, &look);
}

/* The catalogue knows which vault belongs here; without it nothing is made and nothing opened. */
static void vault_found(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct uuid id = {{0}};
	(void)t;
	(void)n;
	(void)arg;
	if (f != NULL) {
		app.keeping = false;
		return;
	}
	if (db_rows(r[0]) > 0)
		id = db_get_uuid(r[0], 0, 0);
	look_start(&id);
}

static void recover(uint64_t now)
{
	if (app.place_fault.code != 0)
		return;
	passport_tick(now);
	if (now >= app.owed_ms) {
		app.owed_ms = now + OWED_MS;
		recover_owed();
	}
	if (now >= app.stale_ms) {
		app.stale_ms = now + STALE_MS;
		recover_stale();
	}
}

static void tick(void *arg)
{
	(void)arg;
	pruner_tick();
	drafts_sweep();
	readings_sweep();
	recover(clock_mono_ms());
	index_tick(clock_mono_ms());
	if (app.place_fault.code == 0) {
		chore_tick(clock_mono_ms());
		task_job_tick(clock_mono_ms());
	}
	if (app.keeping)
		return;
	app.keeping = true;
	if (app.opened)
		look_start(NULL);
	else
		sql_vault_find(vault_found);
}

bool keeper_ready(struct service *s)
{
	return db_up(s->db) && app.place_fault.code == 0;
}

/* ---- start ---- */

static void make_metrics(void)
{
	static const double bounds[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};
	app.committed = metric_counter("carnet_versions_committed_total", "", "versions committed");
	app.unchanged = metric_counter(
		"carnet_versions_unchanged_total", "", "stores that found nothing changed");
	app.failed = metric_counter("carnet_versions_failed_total", "", "stores that failed");
	app.bytes_in = metric_counter(
		"carnet_store_bytes_total", "", "native bytes stored or found unchanged");
	app.bytes_out =
		metric_counter("carnet_store_sealed_bytes_total", "", "sealed bytes of versions");
	app.seconds = metric_histogram("carnet_store_seconds", "",
		"from the last chunk to the answer", bounds, array_len(bounds));
	app.free = metric_gauge("carnet_vault_free_bytes", "", "free space of the primary vault");
	app.same_disk_metric = metric_gauge("carnet_vault_same_disk", "",
		"1: the vault shares a disk with system or database: not a backup");
	app.rollbacks = metric_counter("carnet_token_rollback_total", "",
		"alarm: lock tokens older than the vault has seen, the database lost commits");
	app.strays = metric_gauge("carnet_vault_unknown_files", "",
		"files in vaults that no row of the catalogue knows, when they were last looked "
		"at");
	app.open_streams = metric_gauge("carnet_store_streams", "", "streams open");
}

/* SE-56: a wrong key file ends the start with one line. */
static int check_key_files(const struct storage_config *c, struct fault *reterr)
{
	uint8_t key[32];
	struct keyring ring;
	struct buf passphrase = BUF_INIT;
	int rc = passphrase_read(c->kek_passphrase_file, &passphrase, reterr);
	if (rc == 0)
		rc = keyring_read(c->kek_file, buf_span(&passphrase), &ring, reterr);
	if (rc == 0)
		rc = key_file_read(c->sign_key_file, key, sizeof(key), reterr);
	crypto_wipe(key, sizeof(key));
	keyring_wipe(&ring);
	buf_wipe(&passphrase);
	return rc;
}

static int check_place(const struct storage_config *c, struct fault *reterr)
{
	struct placement p;
	const struct placement_ask ask = place_asked(c);
	if (placement_check(&ask, &p, reterr) < 0)
		return -1;
	(void)snprintf(app.placement, sizeof(app.placement), "%s", placement_word(p.verdict));
	app.same_disk = p.overridden;
	if (p.overridden)
		(void)snprintf(app.warning, sizeof(app.warning), "NOT A BACKUP: %.400s", p.why);
	metric_set(app.same_disk_metric, p.overridden);
	if (p.overridden)
		log_warn(L("vault accepted for a demonstration only"), L_STR("why", p.why));
	return 0;
}

int keeper_start(struct service *s, struct fault *reterr)
{
	app.service = s;
	app.config = s->def->settings;
	if (uuid_parse(app.config->tenant, &app.tenant) < 0)
		return fault_set(reterr, CN_VALIDATION_FAILED, "tenant is not a UUID");
	make_metrics();
	if (pruner_start(reterr) < 0)
		return -1;
	index_start();
	app.where.only = true;
	if (address_nets("vault_networks", app.config->vault_networks, &app.where, reterr) < 0)
		return -1;
	if (check_key_files(app.config, reterr) < 0 || check_place(app.config, reterr) < 0)
		return -1;
	app.vault.fd = app.vault.tmp = -1;
	app.passport.wanted = true; /* what happened while nobody of us was there */
	list_init(&app.queue);
	app.batch = db_batch_new(64, batch_run, NULL);
	fault_why(&app.place_fault, CN_STORE_UNAVAILABLE, "starting", "the vault is being opened");
	app.tick = timer_new(s->loop, tick, NULL);
	timer_set(app.tick, 1, TICK_MS);
	return 0;
}
