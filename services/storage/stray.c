// SPDX-License-Identifier: Apache-2.0
/* Unknown files (docs/spec/storage.md section 13, step 6): objects in a vault that is a directory
 * and that no row of the catalogue knows. They are told at once. They go when they have been
 * unknown for stray_age_ms, were written before the newest dump of the catalogue that lies on the
 * medium, and every signed version of the medium is known: else it is the catalogue that is behind,
 * and what it does not know may be a backup. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/vault/names.h"
#include "services/storage/copy.h"
#include "services/storage/sql_stray.h"

#define SLICES 256u
#define ASK_AT_ONCE 1000u
#define DUMPS "catalogue" /* the folder of keep-dump */

static struct {
	const struct vault *vault;
	size_t nth;
	/* what the papers of the medium say */
	struct uuid *versions; /* signed ones */
	size_t n_versions, asked;
	struct removal *dumped; /* objects of dumps, which no row knows either */
	size_t n_dumped;
	uint64_t dump_ms; /* when the newest dump was signed, 0 = there is none */
	char folder[VAULT_NAME_MAX];
	/* one slice of names */
	unsigned slice;
	struct removal *lying, *due;
	size_t n_lying, n_due;
	/* all vaults */
	uint64_t files, removed, strange, unknown;
	bool behind; /* the catalogue, of this vault */
	void (*done)(const char *outcome);
	char outcome[200];
	struct fault fault;
} st;

static void *one_more(void *list, size_t n, size_t size)
{
	/* room doubles whenever n is a power of two */
	return (n & (n - 1)) == 0 ? mem_realloc(list, (n == 0 ? 1 : 2 * n) * size) : list;
}

static void forget_vault(void)
{
	free(st.versions);
	free(st.dumped);
	free(st.lying);
	free(st.due);
	st.versions = NULL;
	st.dumped = st.lying = st.due = NULL;
	st.n_versions = st.asked = st.n_dumped = st.n_lying = st.n_due = 0;
	st.dump_ms = 0;
	st.behind = false;
}

static void end(void)
{
	forget_vault();
	st.done(st.outcome);
}

static bool failed(const struct fault *f)
{
	if (f == NULL || f->code == 0)
		return false;
	(void)snprintf(st.outcome, sizeof(st.outcome), "failed: %.180s", f->detail);
	end();
	return true;
}

static void next_vault(void);

/* ---- papers, on the work pool ---- */

static int note_dump(const char *name)
{
	struct buf text = BUF_INIT;
	struct manifest m;
	char path[VAULT_NAME_MAX];
	(void)snprintf(
		path, sizeof(path), "%.100s/%.*s.json", st.folder, (int)strlen(name) - 4, name);
	int rc = vault_read_small(st.vault, path, MANIFEST_MAX, &text, &st.fault);
	if (rc == 0 && (rc = manifest_read(buf_span(&text), &m, &st.fault)) == 0) {
		for (size_t i = 0; i < m.items_n; i++) {
			st.dumped = one_more(st.dumped, st.n_dumped, sizeof(*st.dumped));
			st.dumped[st.n_dumped].incarnation = m.items[i].incarnation;
			memcpy(st.dumped[st.n_dumped++].oid, m.items[i].oid, OID_LEN);
		}
		manifest_fini(&m);
	}
	buf_fini(&text);
	(void)snprintf(path, sizeof(path), "%.100s/%.80s", st.folder, name);
	uint64_t at = vault_changed_ms(st.vault, path);
	st.dump_ms = at > st.dump_ms ? at : st.dump_ms;
	return rc;
}

static int each_paper(void *arg, const char *name)
{
	uint64_t generation;
	const char *suffix;
	struct uuid id;
	const bool *dumps = arg;
	if (!version_name(name, &generation, &id, &suffix) || strcmp(suffix, "sig") != 0)
		return 0;
	if (*dumps)
		return note_dump(name);
	st.versions = one_more(st.versions, st.n_versions, sizeof(*st.versions));
	st.versions[st.n_versions++] = id;
	return 0;
}

static int papers_of(const char *device, const char *kind)
{
	bool dumps = strcmp(kind, DUMPS) == 0;
	(void)snprintf(st.folder, sizeof(st.folder), "devices/%.36s/%.24s", device, kind);
	return vault_list(st.vault, st.folder, each_paper, &dumps, &st.fault);
}

static int each_device(void *arg, const char *device)
{
	struct uuid id;
	(void)arg;
	if (uuid_parse(device, &id) < 0) {
		st.strange++;
		return 0;
	}
	int rc = papers_of(device, DUMPS);
	for (const struct msg_enum_word *w = version_kind_words; w->word != NULL && rc == 0; w++)
		rc = papers_of(device, w->word);
	return rc;
}

static void papers_work(void *arg)
{
	(void)arg;
	if (vault_check(st.vault, &st.fault) == 0 &&
		vault_list(st.vault, "devices", each_device, NULL, &st.fault) != 0 &&
		st.fault.code == 0)
		fault_set(&st.fault, CN_STORE_UNAVAILABLE, "the medium cannot be listed");
}

/* ---- one slice of objects ---- */

static bool of_dump(const struct removal *r)
{
	for (size_t i = 0; i < st.n_dumped; i++)
		if (st.dumped[i].incarnation == r->incarnation &&
			memcmp(st.dumped[i].oid, r->oid, OID_LEN) == 0)
			return true;
	return false;
}

static int each_object(void *arg, const char *name)
{
	struct removal r = {.incarnation = 0};
	char again[VAULT_NAME_MAX], hex[2 * OID_LEN + 1];
	(void)arg;
	(void)snprintf(hex, sizeof(hex), "%.64s", name);
	if (strlen(name) < 66 || name[64] != '.' || hex_decode(hex, r.oid, OID_LEN) < 0) {
		st.strange++;
		return 0;
	}
	r.incarnation = strtoull(name + 65, NULL, 10);
	vault_object_name(again, r.oid, r.incarnation);
	if (strcmp(strrchr(again, '/') + 1, name) != 0 || r.oid[0] != st.slice) {
		st.strange++;
		return 0;
	}
	if (of_dump(&r))
		return 0;
	st.lying = one_more(st.lying, st.n_lying, sizeof(*st.lying));
	st.lying[st.n_lying++] = r;
	return 0;
}

static void slice_work(void *arg)
{
	char folder[16];
	(void)arg;
	(void)snprintf(folder, sizeof(folder), "objects/%02x", st.slice);
	st.n_lying = 0;
	if (vault_list(st.vault, folder, each_object, NULL, &st.fault) != 0 && st.fault.code == 0)
		fault_set(&st.fault, CN_STORE_UNAVAILABLE, "the medium cannot be listed");
}

/* Written before the newest dump, and long ago by the clock of the files, too. */
static bool may_go(const char *name, uint64_t now_ms)
{
	uint64_t at = vault_changed_ms(st.vault, name);
	return at != 0 && at < st.dump_ms && at + (uint64_t)app.config->stray_age_ms <= now_ms;
}

static void remove_work(void *arg)
{
	uint64_t now = clock_wall_ms();
	(void)arg;
	if (vault_check(st.vault, &st.fault) < 0)
		return;
	for (size_t i = 0; i < st.n_due; i++) {
		char name[VAULT_NAME_MAX];
		vault_object_name(name, st.due[i].oid, st.due[i].incarnation);
		if (!may_go(name, now))
			continue;
		vault_remove(st.vault, name);
		st.removed++;
	}
}

static void next_slice(void);

static void removed(void *arg)
{
	(void)arg;
	if (!failed(&st.fault))
		next_slice();
}

static void looked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	size_t rows = (size_t)db_rows(r[0]);
	st.files += rows;
	st.n_due = 0;
	st.due = mem_realloc(st.due, (rows + 1) * sizeof(*st.due));
	for (size_t i = 0; i < rows; i++)
		if (db_get_bool(r[0], (int)i, 2))
			sql_removal_read(r[0], (int)i, &st.due[st.n_due++]);
	if (st.n_due > 0 && st.dump_ms != 0 && !st.behind)
		loop_work(app.service->loop, remove_work, removed, NULL);
	else
		next_slice();
}

static void listed(void *arg)
{
	(void)arg;
	if (!failed(&st.fault))
		sql_stray_look(&st.vault->id, st.slice, (uint64_t)app.config->stray_age_ms,
			st.lying, st.n_lying, looked);
}

static void next_slice(void)
{
	if (++st.slice < SLICES)
		loop_work(app.service->loop, slice_work, listed, NULL);
	else
		next_vault();
}

/* ---- does the catalogue know every version of the medium? ---- */

static void ask_versions(void);

static void versions_asked(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (failed(f))
		return;
	st.unknown += (uint64_t)db_get_int(r[0], 0, 0);
	st.behind |= db_get_int(r[0], 0, 0) > 0;
	ask_versions();
}

static void ask_versions(void)
{
	size_t n = size_min(st.n_versions - st.asked, ASK_AT_ONCE);
	const struct uuid *from = st.versions == NULL ? NULL : &st.versions[st.asked];
	st.asked += n;
	if (n > 0) {
		sql_unknown_versions(from, n, versions_asked);
		return;
	}
	if (st.behind)
		log_error(L("alarm: the medium holds versions that the catalogue does not know"),
			L_STR("vault", st.vault->name), L_INT("versions", st.unknown));
	st.slice = 0;
	loop_work(app.service->loop, slice_work, listed, NULL);
}

static void papers_read(void *arg)
{
	(void)arg;
	if (!failed(&st.fault))
		ask_versions();
}

/* ---- all of them ---- */

static void finish(void)
{
	int n = snprintf(st.outcome, sizeof(st.outcome), "%llu unknown files, %llu removed",
		(unsigned long long)st.files, (unsigned long long)st.removed);
	if (st.strange > 0)
		n += snprintf(st.outcome + n, sizeof(st.outcome) - (size_t)n,
			", %llu that are not ours", (unsigned long long)st.strange);
	if (st.unknown > 0)
		(void)snprintf(st.outcome + n, sizeof(st.outcome) - (size_t)n,
			"; %llu versions are not in the catalogue: nothing is removed",
			(unsigned long long)st.unknown);
	metric_set(app.strays, (int64_t)(st.files - st.removed));
	end();
}

/* Servers are not listed: each name would be a request. */
static void next_vault(void)
{
	forget_vault();
	do
		st.vault = vault_nth(st.nth++);
	while (st.vault != NULL && st.vault->remote != NULL);
	st.fault = FAULT_INIT;
	if (st.vault == NULL)
		finish();
	else
		loop_work(app.service->loop, papers_work, papers_read, NULL);
}

void stray_chore(void (*done)(const char *outcome))
{
	st.done = done;
	st.nth = 0;
	st.files = st.removed = st.strange = st.unknown = 0;
	next_vault();
}
