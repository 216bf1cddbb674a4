// SPDX-License-Identifier: Apache-2.0
/* Copies in other vaults (ST-9, ST-48): what was committed waits in the catalogue until its vault
 * is there, the newest version of each device first. The sealed files are copied as they are, read
 * back from the medium, and the whole copy is checked before it counts. A damaged copy is put right
 * in the same way, from a good one (ST-73). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "services/storage/copy.h"
#include "services/storage/copy_papers.h"
#include "services/storage/sql_copies.h"

#define VAULTS 16
#define AT_ONCE 16

struct beside {
	struct uuid id;
	char name[65];
	struct remote_row at;
	struct vault vault;
	bool open, listed;
	struct fault fault; /* why it is not open, or full */
	unsigned failures;  /* in a row, of a server */
	uint64_t again_ms;  /* monotonic: it is left alone until then */
	uint64_t swept_ms;  /* monotonic: of files left behind there, by this process; 0 = never */
	struct papers papers;
};

static struct beside home; /* the primary one: only what is damaged there is put right */

static struct {
	bool at_home;
	struct beside places[VAULTS];
	size_t n, at;
	struct copying batch[AT_ONCE];
	size_t batch_n, next;
	uint64_t copied, mended, failed;
	void (*done)(const char *outcome);
	char outcome[160];
} cp;

const struct vault *vault_nth(size_t i)
{
	if (i == 0)
		return &app.vault;
	for (size_t k = 0; k < cp.n; k++)
		if (cp.places[k].open && --i == 0)
			return &cp.places[k].vault;
	return NULL;
}

static const struct vault *vault_of(const struct uuid *id)
{
	const struct vault *v;
	for (size_t i = 0; (v = vault_nth(i)) != NULL; i++)
		if (uuid_eq(&v->id, id))
			return v;
	return NULL;
}

static void next_vault(void);
static void leave_vault(struct beside *p);

static void finish(const char *why)
{
	(void)snprintf(cp.outcome, sizeof(cp.outcome), "%llu copied, %llu put right, %llu not%.90s",
		(unsigned long long)cp.copied, (unsigned long long)cp.mended,
		(unsigned long long)cp.failed, why);
	cp.done(cp.copied + cp.mended + cp.failed == 0 && *why == 0 ? "" : cp.outcome);
}

static bool database_down(const struct fault *f)
{
	if (f != NULL)
		finish("; the catalogue does not answer");
	return f != NULL;
}

static const struct vault *where(const struct beside *p)
{
	return p == &home ? &app.vault : &p->vault;
}

/* ---- a batch ---- */

static void fetch(struct beside *p);

static void told(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);

/* Tells the catalogue of each good one, then goes on with this vault. */
static void tell(struct beside *p)
{
	for (; cp.next < cp.batch_n; cp.next++) {
		struct copying *c = &cp.batch[cp.next];
		if (c->fault.code == 0) {
			const struct copy_put put = {p->id, c->copy.version, c->copy.kek, c->bytes};
			sql_copy_put(&put, told, p);
			return;
		}
		cp.failed++;
		log_error(L("version not copied"), L_STR("vault", p->name),
			L_UUID("version", &c->copy.version), L_FAULT(&c->fault));
	}
	bool some = false, all = cp.batch_n == AT_ONCE;
	for (size_t i = 0; i < cp.batch_n; i++) {
		some |= cp.batch[i].fault.code == 0;
		copied_fini(&cp.batch[i].copy);
	}
	p->papers.changed |= some;
	if (some && all)
		fetch(p);
	else
		leave_vault(p);
}

static void told(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	if (database_down(f))
		return;
	if (cp.batch[cp.next].mend)
		cp.mended++;
	else
		cp.copied++;
	cp.next++;
	tell(arg);
}

static void batch_work(void *arg)
{
	struct beside *p = arg;
	copy_files(where(p), cp.batch, cp.batch_n);
}

static void batch_done(void *arg)
{
	cp.next = 0;
	CRASHPOINT("copy.written");
	tell(arg);
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)r;
	(void)n;
	if (database_down(f))
		return;
	sql_add_get(t, &cp.batch[cp.next].version);
	db_commit(t, got, arg);
}

/* What the catalogue says of each, one after another; then the work. */
static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct copying *c = &cp.batch[cp.next];
	(void)t;
	if (database_down(f))
		return;
	bug_if(n != 2);
	if (copied_read(r[0], r[1], &c->copy)) {
		cp.next++;
	} else { /* erased meanwhile */
		cp.batch_n--;
		memmove(c, c + 1, (cp.batch_n - cp.next) * sizeof(*c));
	}
	if (cp.next < cp.batch_n)
		db_begin(app.service->db, get, arg);
	else
		loop_work(app.service->loop, batch_work, batch_done, arg);
}

static void owed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	if (database_down(f))
		return;
	cp.batch_n = cp.next = 0;
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct copy_owed o;
		sql_copy_next_read(r[0], row, &o);
		const struct vault *source = vault_of(&o.source);
		if (source == NULL)
			continue;
		cp.batch[cp.batch_n++] =
			(struct copying){.version = o.version, .source = source, .mend = !o.queued};
	}
	if (cp.batch_n == 0)
		leave_vault(arg);
	else
		db_begin(app.service->db, get, arg);
}

static void fetch(struct beside *p)
{
	sql_copy_next(&p->id, AT_ONCE, owed, p);
}

/* ---- a vault ---- */

static bool on_server(const struct beside *p)
{
	return strcmp(p->at.kind, "dir") != 0;
}

static int open_vault(struct beside *p)
{
	if (!on_server(p))
		return vault_open(&p->vault, p->at.place, p->name, &app.tenant, &p->id, &p->fault);
	struct vault_remote *r = remote_of_row(&p->at, &p->fault);
	return r == NULL ? -1
			 : vault_open_remote(&p->vault, r, p->name, &app.tenant, &p->id, &p->fault);
}

#define SWEEP_MS ((uint64_t)24 * 3600 * 1000)

/* What writers left behind, once a day; that it cannot be done is no reason to copy nothing. */
static void sweep(struct beside *p)
{
	struct fault ignored;
	uint64_t now = clock_mono_ms();
	if (p->swept_ms != 0 && now - p->swept_ms < SWEEP_MS)
		return;
	p->swept_ms = now;
	(void)!vault_sweep(&p->vault, SWEEP_MS, &ignored);
}

static void open_work(void *arg)
{
	struct beside *p = arg;
	p->fault = FAULT_INIT;
	if (p->open && vault_check(&p->vault, &p->fault) < 0) {
		vault_close(&p->vault);
		p->open = false;
		if (on_server(p)) /* it was asked over a new connection */
			return;
		p->fault = FAULT_INIT; /* it may have come back with another descriptor */
	}
	if (!p->open && open_vault(p) == 0) {
		p->papers.due_ms = p->papers.slots_ms = 0;
		p->vault.reserve_percent = (unsigned)app.config->reserve_percent;
		p->open = copy_shared(&p->vault, &p->fault) == 0;
		if (!p->open)
			vault_close(&p->vault);
	}
	if (p->open) {
		sweep(p);
		(void)!vault_room(&p->vault, &p->fault);
	}
}

/* A server that is down is asked less and less often, so that it does not hold up the others. */
static void leave_alone(struct beside *p)
{
	p->failures = p->open || !on_server(p) ? 0 : p->failures + 1;
	p->again_ms = 0;
	if (p->failures > 0)
		p->again_ms = clock_mono_ms() + ((uint64_t)app.config->copy_every_ms
							<< (p->failures < 6 ? p->failures : 6));
}

static void papers_done(void *arg, bool down)
{
	(void)arg;
	if (down)
		finish("; the catalogue does not answer");
	else
		next_vault();
}

static void papers_begun(void *arg, bool down)
{
	if (down)
		finish("; the catalogue does not answer");
	else
		fetch(arg);
}

/* Nothing waits for it any more. */
static void leave_vault(struct beside *p)
{
	if (p == &home) {
		next_vault();
		return;
	}
	p->papers.done = papers_done;
	papers_write(&p->papers);
}

static void enter_vault(struct beside *p)
{
	p->papers.vault = &p->vault;
	p->papers.arg = p;
	p->papers.done = papers_begun;
	papers_begin(&p->papers);
}

static void open_done(void *arg)
{
	struct beside *p = arg;
	sql_vault_seen(&p->id, p->open, &p->fault);
	leave_alone(p);
	if (p->open && p->fault.code == 0)
		enter_vault(p);
	else
		next_vault();
}

static void next_vault(void)
{
	while (cp.at < cp.n &&
		(!cp.places[cp.at].listed || clock_mono_ms() < cp.places[cp.at].again_ms))
		cp.at++;
	if (cp.at < cp.n) {
		loop_work(app.service->loop, open_work, open_done, &cp.places[cp.at++]);
	} else if (!cp.at_home) {
		cp.at_home = true;
		home.id = app.vault.id;
		(void)snprintf(home.name, sizeof(home.name), "%s", app.vault.name);
		fetch(&home);
	} else {
		finish("");
	}
}

/* ---- which there are ---- */

static void close_place(struct beside *p)
{
	if (p->open)
		vault_close(&p->vault);
	p->open = false;
}

/* The address or the login was changed: what was known of it counts no more. */
static struct beside *refresh(struct beside *p, const struct copy_vault_row *row)
{
	if (remote_row_same(&p->at, &row->at))
		return p;
	close_place(p);
	p->at = row->at;
	p->failures = 0;
	p->again_ms = 0;
	return p;
}

static struct beside *place_of(const struct copy_vault_row *row)
{
	for (size_t i = 0; i < cp.n; i++)
		if (uuid_eq(&cp.places[i].id, &row->id))
			return refresh(&cp.places[i], row);
	if (cp.n == VAULTS)
		return NULL;
	struct beside *p = &cp.places[cp.n++];
	*p = (struct beside){.id = row->id, .vault = {.fd = -1, .tmp = -1}};
	(void)snprintf(p->name, sizeof(p->name), "%s", row->name);
	p->at = row->at;
	return p;
}

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (database_down(f))
		return;
	for (size_t i = 0; i < cp.n; i++)
		cp.places[i].listed = false;
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct copy_vault_row v;
		sql_copy_vault_read(r[0], row, &v);
		struct beside *p = place_of(&v);
		if (p == NULL)
			continue;
		p->listed = true;
		p->papers.passport = v.passport;
		p->papers.changed = v.changed;
		(void)snprintf(p->papers.override, sizeof(p->papers.override), "%s", v.override);
	}
	for (size_t i = 0; i < cp.n; i++)
		if (!cp.places[i].listed)
			close_place(&cp.places[i]);
	cp.at = 0;
	next_vault();
}

void copy_chore(void (*done)(const char *outcome))
{
	cp.done = done;
	cp.at_home = false;
	cp.copied = cp.mended = cp.failed = 0;
	sql_copy_vaults(listed, NULL);
}
