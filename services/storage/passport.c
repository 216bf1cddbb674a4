// SPDX-License-Identifier: Apache-2.0
/* Passports (docs/spec/storage.md section 6): of our vault one is made after a batch, of a vault
 * for copies after copying, at most each passport_ms, when it would say something new. Instances
 * that share a vault take turns by the serial number: whose file has it first made it. */
#include "services/storage/passport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"

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
static int read_signed(const struct vault *v, uint64_t serial, struct buf *text,
	struct passport *ret, struct fault *reterr)
{
	char name[PASSPORT_NAME];
	struct buf signature = BUF_INIT;
	passport_name(name, serial, "sig");
	int rc = vault_read_small(v, name, SIGNATURE, &signature, reterr);
	passport_name(name, serial, "json");
	buf_reset(text);
	if (rc == 0)
		rc = vault_read_small(v, name, PASSPORT_MAX, text, reterr);
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
		if (read_signed(m->vault, m->highest - back, &m->before_text, &m->before, &f) == 0)
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
	int rc = vault_read_small(m->vault, VAULT_MARKER, 4096, &marker, &m->fault);
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
	int rc = vault_create_with(m->vault, name, buf_span(&m->text), &json, &m->fault);
	passport_name(name, m->now.serial, "sig");
	if (rc == 0)
		rc = vault_create_with(
			m->vault, name, (struct span){signature, SIGNATURE}, &sig, &m->fault);
	if (rc == 0)
		rc = vault_sync(m->vault, &m->fault);
	if (rc == 0)
		rc = vault_publish(m->vault, &json, &m->fault);
	CRASHPOINT("passport.renamed");
	if (rc == 0)
		rc = vault_publish(m->vault, &sig, &m->fault);
	if (rc == 0)
		rc = vault_sync(m->vault, &m->fault);
	vault_discard(m->vault, &json);
	vault_discard(m->vault, &sig);
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
		vault_remove(m->vault, name);
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
	if (vault_check(m->vault, &m->fault) < 0 ||
		vault_list(m->vault, ".", note_serial, m, &m->fault) < 0 ||
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
	if (vault_list(m->vault, ".", remove_old, m, &ignored) < 0)
		return; /* the next one removes them */
}

/* ---- on the loop ---- */

static void end(struct making_passport *m)
{
	if (m->made)
		log_info(L("passport made"), L_UUID("vault", &m->vault->id),
			L_INT("serial", m->now.serial), L_INT("devices", m->now.entries_n));
	if (m->fault.code == 0 && m->serial != 0)
		sql_passport_put(m);
	m->done(m);
	passport_fini(&m->now);
	passport_fini(&m->before);
	buf_fini(&m->text);
	buf_fini(&m->before_text);
	free(m);
}

static void made(void *arg)
{
	end(arg);
}

static void read_catalogue(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct making_passport *m = arg;
	(void)t;
	if (f != NULL) {
		m->fault = *f;
		end(m);
		return;
	}
	bug_if(n != 3);
	sql_passport_read(r, m);
	if (m->now.entries_n == 0 && m->primary) { /* a vault without a backup needs none */
		end(m);
		return;
	}
	m->now.tenant = app.tenant;
	m->now.vault = m->vault->id;
	m->now.min_reader = 1;
	(void)snprintf(m->now.writer, sizeof(m->now.writer), "%s", WRITER);
	(void)snprintf(m->now.warning, sizeof(m->now.warning), "%s", m->warning);
	loop_work(app.service->loop, make, made, m);
}

static void begun(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct making_passport *m = arg;
	(void)r;
	(void)n;
	if (f != NULL) {
		m->fault = *f;
		end(m);
		return;
	}
	sql_add_passport(t, m);
	db_commit(t, read_catalogue, m);
}

void passport_make(const struct making_passport *m)
{
	struct making_passport *copy = mem_alloc(sizeof(*copy));
	*copy = *m;
	db_begin(app.service->db, begun, copy);
}

/* ---- of our vault ---- */

static void made_ours(struct making_passport *m)
{
	bool taken = strcmp(m->fault.reason, "name_taken") == 0; /* another instance was first */
	bool database = m->fault.code == CN_INTERNAL_ERROR;
	app.passport.making = false;
	app.passport.wanted |= m->fault.code != 0;
	if (m->fault.code != 0 && !taken && !database)
		log_error(L("passport not made"), L_FAULT(&m->fault));
	if (m->fault.code == 0 && m->serial == 0)
		app.passport.due_ms = 0; /* nothing to say yet: the first backup does not wait */
	if (m->serial > app.passport.serial) {
		app.passport.serial = m->serial;
		app.passport.at_ms = m->at_ms;
	}
}

void passport_tick(uint64_t now_ms)
{
	struct making_passport m = {.vault = &app.vault, .primary = true, .done = made_ours};
	if (!app.passport.wanted || app.passport.making || now_ms < app.passport.due_ms)
		return;
	app.passport.due_ms = now_ms + (uint64_t)app.config->passport_ms;
	app.passport.wanted = false;
	app.passport.making = true;
	(void)snprintf(m.warning, sizeof(m.warning), "%s", app.warning);
	passport_make(&m);
}
