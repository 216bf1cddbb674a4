// SPDX-License-Identifier: Apache-2.0
/* Passports of our vault (docs/spec/storage.md section 6): one is made after a batch, at most each
 * passport_ms, when it would say something new. Instances that share a vault take turns by the
 * serial number: whose file has it first made it. */
#include "services/storage/passport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"

struct making_passport {
	struct passport now;
	struct buf text;
	uint64_t serial, at_ms; /* of the newest on the medium, afterwards */
	bool made;
	struct fault fault;
	/* on the medium before */
	uint64_t highest; /* serial of any file */
	struct passport before;
	struct buf before_text;
};

/* ---- on the work pool ---- */

static int note_serial(void *arg, const char *name)
{
	struct making_passport *m = arg;
	uint64_t serial = passport_serial(name, "json");
	if (serial == 0)
		serial = passport_serial(name, "sig");
	m->highest = serial > m->highest ? serial : m->highest;
	return 0;
}

/* A passport whose signature is good. */
static int read_signed(
	uint64_t serial, struct buf *text, struct passport *ret, struct fault *reterr)
{
	char name[PASSPORT_NAME];
	struct buf signature = BUF_INIT;
	passport_name(name, serial, "sig");
	int rc = vault_read_small(&app.vault, name, SIGNATURE, &signature, reterr);
	passport_name(name, serial, "json");
	buf_reset(text);
	if (rc == 0)
		rc = vault_read_small(&app.vault, name, PASSPORT_MAX, text, reterr);
	if (rc == 0 && (signature.n != SIGNATURE ||
			       !passport_signed(&app.keys.signers, buf_span(text), signature.p)))
		rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "passport", "%s is damaged", name);
	if (rc == 0)
		rc = passport_read(buf_span(text), ret, reterr);
	buf_fini(&signature);
	return rc;
}

/* The newest that can be relied on; of those a crash left without a signature, none. */
static void find_before(struct making_passport *m)
{
	struct fault f = FAULT_INIT;
	for (uint64_t back = 0; back < PASSPORTS_KEPT && back < m->highest; back++)
		if (read_signed(m->highest - back, &m->before_text, &m->before, &f) == 0)
			return;
	buf_reset(&m->before_text);
}

/* Would it say nothing but another time? */
static bool says_the_same(struct making_passport *m)
{
	struct passport a = m->before, b = m->now;
	struct buf x = BUF_INIT, y = BUF_INIT;
	if (a.serial == 0)
		return false;
	a.serial = a.kept_from = a.prev_serial = a.made_ms = 0;
	b.serial = b.kept_from = b.prev_serial = b.made_ms = 0;
	memset(a.prev_digest, 0, SHA256_LEN);
	memset(b.prev_digest, 0, SHA256_LEN);
	passport_write(&a, &x);
	passport_write(&b, &y);
	bool same = x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
	buf_fini(&x);
	buf_fini(&y);
	return same;
}

static int read_marker_digest(struct making_passport *m)
{
	struct buf marker = BUF_INIT;
	int rc = vault_read_small(&app.vault, VAULT_MARKER, 4096, &marker, &m->fault);
	if (rc == 0)
		sha256(buf_span(&marker), m->now.marker);
	buf_fini(&marker);
	return rc;
}

static int write_files(struct making_passport *m)
{
	char name[PASSPORT_NAME];
	uint8_t signature[SIGNATURE];
	struct vault_file json = {.fd = -1}, sig = {.fd = -1};
	passport_sign(keys_sign_seed(&app.keys), buf_span(&m->text), signature);
	passport_name(name, m->now.serial, "json");
	int rc = vault_create_with(&app.vault, name, buf_span(&m->text), &json, &m->fault);
	passport_name(name, m->now.serial, "sig");
	if (rc == 0)
		rc = vault_create_with(
			&app.vault, name, (struct span){signature, SIGNATURE}, &sig, &m->fault);
	if (rc == 0)
		rc = vault_sync(&app.vault, &m->fault);
	if (rc == 0)
		rc = vault_publish(&app.vault, &json, &m->fault);
	CRASHPOINT("passport.renamed");
	if (rc == 0)
		rc = vault_publish(&app.vault, &sig, &m->fault);
	if (rc == 0)
		rc = vault_sync(&app.vault, &m->fault);
	vault_discard(&app.vault, &json);
	vault_discard(&app.vault, &sig);
	return rc;
}

/* Those that are too old; one that a crash left half; never one that the chain of those kept names.
 */
static int remove_old(void *arg, const char *name)
{
	const struct making_passport *m = arg;
	uint64_t serial = passport_serial(name, "json");
	if (serial == 0)
		serial = passport_serial(name, "sig");
	bool old = serial != 0 && serial < m->now.kept_from;
	bool half = serial > m->now.prev_serial && serial < m->now.serial;
	if (old || half)
		vault_remove(&app.vault, name);
	return 0;
}

static void number(struct making_passport *m)
{
	struct passport *p = &m->now;
	p->serial = m->highest + 1;
	p->kept_from = p->serial > PASSPORTS_KEPT ? p->serial - PASSPORTS_KEPT + 1 : 1;
	p->prev_serial = m->before.serial;
	if (m->before.serial != 0)
		sha256(buf_span(&m->before_text), p->prev_digest);
}

static void make(void *arg)
{
	struct making_passport *m = arg;
	struct fault ignored = FAULT_INIT;
	if (vault_check(&app.vault, &m->fault) < 0 ||
		vault_list(&app.vault, ".", note_serial, m, &m->fault) < 0 ||
		read_marker_digest(m) < 0)
		return;
	find_before(m);
	m->serial = m->before.serial;
	m->at_ms = m->before.made_ms;
	if (says_the_same(m))
		return;
	number(m);
	passport_write(&m->now, &m->text);
	if (write_files(m) < 0)
		return;
	m->made = true;
	m->serial = m->now.serial;
	m->at_ms = m->now.made_ms;
	if (vault_list(&app.vault, ".", remove_old, m, &ignored) < 0)
		return; /* the next one removes them */
}

/* ---- on the loop ---- */

static void end(struct making_passport *m)
{
	passport_fini(&m->now);
	passport_fini(&m->before);
	buf_fini(&m->text);
	buf_fini(&m->before_text);
	free(m);
	app.passport.making = false;
}

static void made(void *arg)
{
	struct making_passport *m = arg;
	bool taken = strcmp(m->fault.reason, "name_taken") == 0; /* another instance was first */
	if (m->fault.code != 0) {
		app.passport.wanted = true;
		if (!taken)
			log_error(L("passport not made"), L_FAULT(&m->fault));
	}
	if (m->serial > app.passport.serial) {
		app.passport.serial = m->serial;
		app.passport.at_ms = m->at_ms;
	}
	if (m->made)
		log_info(L("passport made"), L_UUID("vault", &app.vault.id),
			L_INT("serial", m->now.serial), L_INT("devices", m->now.entries_n));
	end(m);
}

static void read_catalogue(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct making_passport *m = arg;
	(void)t;
	if (f != NULL) {
		app.passport.wanted = true;
		end(m);
		return;
	}
	bug_if(n != 3);
	sql_passport_read(r, &m->now);
	if (m->now.entries_n == 0) { /* a vault without a backup needs none */
		end(m);
		return;
	}
	m->now.tenant = app.tenant;
	m->now.vault = app.vault.id;
	m->now.min_reader = 1;
	(void)snprintf(m->now.writer, sizeof(m->now.writer), "%s", WRITER);
	(void)snprintf(m->now.warning, sizeof(m->now.warning), "%s", app.warning);
	loop_work(app.service->loop, make, made, m);
}

static void begun(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)r;
	(void)n;
	if (f != NULL) {
		app.passport.wanted = true;
		end(arg);
		return;
	}
	sql_add_passport(t);
	db_commit(t, read_catalogue, arg);
}

void passport_tick(uint64_t now_ms)
{
	if (!app.passport.wanted || app.passport.making || now_ms < app.passport.due_ms)
		return;
	app.passport.due_ms = now_ms + (uint64_t)app.config->passport_ms;
	app.passport.wanted = false;
	app.passport.making = true;
	db_begin(app.service->db, begun, mem_alloc(sizeof(struct making_passport)));
}
