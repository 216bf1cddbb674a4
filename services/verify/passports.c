// SPDX-License-Identifier: Apache-2.0
/* The passports of the medium: the newest says what must be there, the others must lead to it. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/verify/verify.h"

struct chain {
	uint64_t newest; /* serial of the newest signed one */
	uint64_t highest;
};

static const struct where nowhere = {.path = "", .offset = -1};

static struct where at(const char *path)
{
	struct where w = nowhere;
	w.path = path;
	return w;
}

static bool read_part(
	struct verify *v, uint64_t serial, const char *suffix, struct buf *out, struct fault *f)
{
	char name[PASSPORT_NAME];
	passport_name(name, serial, suffix);
	size_t max = strcmp(suffix, "sig") == 0 ? SIGNATURE : PASSPORT_MAX;
	return vault_read_small(&v->medium, name, max, out, f) == 0;
}

/* Reads one; 1 good, 0 not there, -1 wrong and said so. digest: of the text. */
static int read_one(
	struct verify *v, uint64_t serial, struct passport *ret, uint8_t digest[static SHA256_LEN])
{
	char name[PASSPORT_NAME];
	struct buf text = BUF_INIT, sig = BUF_INIT;
	struct fault f = FAULT_INIT;
	int rc = 1;
	passport_name(name, serial, "json");
	const struct where where = at(name);
	if (!read_part(v, serial, "json", &text, &f) || !read_part(v, serial, "sig", &sig, &f)) {
		rc = f.code == CN_NOT_FOUND ? 0 : -1;
		if (rc < 0)
			found_fault(v, &where, &f);
	} else if (v->signers.n > 0 &&
		   (sig.n != SIGNATURE || !passport_signed(&v->signers, buf_span(&text), sig.p))) {
		rc = -1;
		found(v, FINDING_DAMAGE, &where, "its signature does not belong to it");
	} else if (passport_read(buf_span(&text), ret, &f) < 0) {
		rc = -1;
		found_fault(v, &where, &f);
	} else if (ret->serial != serial) {
		rc = -1;
		found(v, FINDING_DAMAGE, &where, "this is passport %llu under another name",
			(unsigned long long)ret->serial);
		passport_fini(ret);
	}
	if (rc == 1)
		sha256(buf_span(&text), digest);
	buf_fini(&text);
	buf_fini(&sig);
	return rc;
}

/* From the newest back to the oldest that is kept, each as the one behind it says. */
static void follow(struct verify *v, const struct passport *newest)
{
	uint64_t serial = newest->prev_serial, from = newest->kept_from;
	uint8_t want[SHA256_LEN], digest[SHA256_LEN];
	memcpy(want, newest->prev_digest, SHA256_LEN);
	while (serial >= from && serial > 0) {
		struct passport p;
		char name[PASSPORT_NAME];
		passport_name(name, serial, "json");
		const struct where where = at(name);
		int rc = read_one(v, serial, &p, digest);
		if (rc == 0)
			found(v, FINDING_DAMAGE, &where, "missing, or its signature is");
		if (rc != 1)
			return; /* nobody knows which came before */
		if (memcmp(digest, want, SHA256_LEN) != 0)
			found(v, FINDING_DAMAGE, &where,
				"not the one that the next passport follows");
		memcpy(want, p.prev_digest, SHA256_LEN);
		uint64_t prev = p.prev_serial;
		passport_fini(&p);
		if (prev >= serial)
			return;
		serial = prev;
	}
}

static void check_marker(struct verify *v)
{
	uint8_t digest[SHA256_LEN];
	struct buf marker = BUF_INIT;
	struct fault f = FAULT_INIT;
	const struct where where = at(VAULT_MARKER);
	if (vault_read_small(&v->medium, VAULT_MARKER, 4096, &marker, &f) < 0) {
		found_fault(v, &where, &f);
		return;
	}
	sha256(buf_span(&marker), digest);
	if (memcmp(digest, v->passport.marker, SHA256_LEN) != 0 ||
		!uuid_eq(&v->passport.vault, &v->medium.id) ||
		!uuid_eq(&v->passport.tenant, &v->medium.tenant))
		found(v, FINDING_DAMAGE, &where, "not the medium that the passport is of");
	buf_fini(&marker);
}

static void take(struct verify *v, const struct passport *newest)
{
	char time[CLOCK_RFC3339], name[PASSPORT_NAME];
	v->passport = *newest;
	v->met = mem_alloc(newest->entries_n + 1);
	passport_name(name, newest->serial, "json");
	const struct where where = at(name);
	check_marker(v);
	if (v->have_key && !kek_in_use(v, &v->keys.root_kek))
		found(v, FINDING_DAMAGE, &(struct where){.path = "keys/tenant.slot", .offset = -1},
			"an older copy: it lies under a key that is no longer in use");
	follow(v, newest);
	if (newest->serial < v->serial)
		found(v, FINDING_INCOMPLETE, &where,
			"the newest passport is %llu of %s, %llu was expected: the medium is older",
			(unsigned long long)newest->serial, clock_rfc3339(newest->made_ms, time),
			(unsigned long long)v->serial);
	if (newest->warning[0] != 0)
		found(v, FINDING_NOTE, &where, "%s", newest->warning);
}

/* Half a passport above the newest: the other half was removed, or never came. */
static void check_halves(struct verify *v, uint64_t newest, const struct names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		uint64_t serial = passport_serial(names->names[i], "json");
		if (serial == 0)
			serial = passport_serial(names->names[i], "sig");
		const struct where where = at(names->names[i]);
		if (serial > newest)
			found(v, FINDING_INCOMPLETE, &where,
				"half a passport: the other half is missing");
	}
}

void check_passports(struct verify *v)
{
	struct names names;
	struct fault f = FAULT_INIT;
	uint64_t highest = 0;
	uint8_t digest[SHA256_LEN];
	if (names_read(&v->medium, ".", &names, &f) < 0) {
		found_fault(v, &nowhere, &f);
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		uint64_t serial = passport_serial(names.names[i], "json");
		highest = serial > highest ? serial : highest;
	}
	struct passport newest = {.serial = 0};
	int rc = 0;
	uint64_t serial = highest;
	for (; serial > 0 && serial + PASSPORTS_KEPT > highest; serial--) {
		rc = read_one(v, serial, &newest, digest);
		if (rc != 0)
			break;
	}
	if (rc == 1)
		take(v, &newest);
	else if (rc == 0)
		found(v, FINDING_INCOMPLETE, &nowhere,
			"no passport: versions missing at the end of a chain are not missed");
	check_halves(v, rc == 0 ? 0 : serial, &names);
	names_fini(&names);
}

void check_absent(struct verify *v)
{
	for (size_t i = 0; i < v->passport.entries_n; i++) {
		const struct passport_entry *e = &v->passport.entries[i];
		if (v->met[i] || (!uuid_is_nil(&v->device) && !uuid_eq(&v->device, &e->device)))
			continue;
		const struct where where = {"devices", -1, &e->device, e->kind, e->generation};
		found(v, FINDING_INCOMPLETE, &where,
			"missing: passport %llu knows this device, the medium has nothing of it",
			(unsigned long long)v->passport.serial);
	}
}
