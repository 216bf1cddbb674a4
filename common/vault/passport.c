// SPDX-License-Identifier: Apache-2.0
/* Passports: one writer, one strict reader, signature, names. */
#include "common/vault/passport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/vault/canonical.h"
#include "gen/errors.h"

#define FORMAT "carnet-passport-1"
#define ENTRIES_MAX ((size_t)400000)

/* ---- writer: members in the order of their bytes ---- */

static int by_device(const void *a, const void *b)
{
	const struct passport_entry *x = a, *y = b;
	int d = uuid_cmp(&x->device, &y->device);
	return d != 0 ? d : strcmp(x->kind, y->kind);
}

static void put_time(struct buf *out, const char *member, uint64_t ms)
{
	char text[CLOCK_RFC3339];
	if (ms != 0)
		buf_addf(out, "\"%s\":\"%s\",", member, clock_rfc3339(ms, text));
}

static void put_entry(const struct passport_entry *e, struct buf *out)
{
	buf_addc(out, '{');
	put_time(out, "checked_at", e->checked_ms);
	buf_addf(out, "\"copies\":%u", e->copies);
	canonical_put_uuid(out, ",\"device\":", &e->device);
	buf_adds(out, ",\"digest\":");
	canonical_put_hex(out, (struct span){e->digest, SHA256_LEN});
	buf_addf(out, ",\"erased\":%llu,\"flags\":[", (unsigned long long)e->erased);
	for (size_t i = 0; i < e->flags_n; i++) {
		buf_adds(out, i == 0 ? "" : ",");
		canonical_put_text(out, e->flags[i]);
	}
	buf_addf(out, "],\"generation\":%llu,\"kind\":", (unsigned long long)e->generation);
	canonical_put_text(out, e->kind);
	buf_addc(out, ',');
	put_time(out, "made_at", e->made_ms);
	put_time(out, "proven_at", e->proven_ms);
	put_time(out, "verified_at", e->verified_ms);
	canonical_put_uuid(out, "\"version\":", &e->version);
	buf_addf(out, ",\"versions\":%llu}", (unsigned long long)e->versions);
}

static void put_vault(const struct passport_vault *v, struct buf *out)
{
	canonical_put_uuid(out, "{\"id\":", &v->id);
	buf_adds(out, ",\"kind\":");
	canonical_put_text(out, v->kind);
	buf_adds(out, ",\"name\":");
	canonical_put_text(out, v->name);
	buf_addf(out, ",\"removable\":%d,\"role\":", v->removable);
	canonical_put_text(out, v->role);
	buf_addc(out, '}');
}

void passport_write(struct passport *p, struct buf *out)
{
	if (p->entries_n > 1)
		qsort(p->entries, p->entries_n, sizeof(*p->entries), by_device);
	buf_adds(out, "{\"devices\":[");
	for (size_t i = 0; i < p->entries_n; i++) {
		buf_adds(out, i == 0 ? "" : ",");
		put_entry(&p->entries[i], out);
	}
	buf_adds(out, "],\"format\":\"" FORMAT "\",\"keks\":[");
	for (size_t i = 0; i < p->keks_n; i++)
		canonical_put_uuid(out, i == 0 ? "" : ",", &p->keks[i]);
	buf_addf(out, "],\"kept_from\":%llu,", (unsigned long long)p->kept_from);
	put_time(out, "made_at", p->made_ms);
	buf_adds(out, "\"marker\":");
	canonical_put_hex(out, (struct span){p->marker, SHA256_LEN});
	buf_addf(out, ",\"min_reader\":%lld,\"prev\":{\"digest\":", (long long)p->min_reader);
	canonical_put_hex(out, (struct span){p->prev_digest, SHA256_LEN});
	buf_addf(out, ",\"serial\":%llu},\"serial\":%llu", (unsigned long long)p->prev_serial,
		(unsigned long long)p->serial);
	canonical_put_uuid(out, ",\"tenant\":", &p->tenant);
	canonical_put_uuid(out, ",\"vault\":", &p->vault);
	buf_adds(out, ",\"vaults\":[");
	for (size_t i = 0; i < p->vaults_n; i++) {
		buf_adds(out, i == 0 ? "" : ",");
		put_vault(&p->vaults[i], out);
	}
	buf_adds(out, "],\"warning\":");
	canonical_put_text(out, p->warning);
	buf_adds(out, ",\"writer\":");
	canonical_put_text(out, p->writer);
	buf_addc(out, '}');
}

/* ---- reader ---- */

static void get_flags(struct canonical *c, struct passport_entry *e)
{
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		if (e->flags_n == MANIFEST_FLAGS) {
			canonical_fail(c);
			return;
		}
		canonical_text(c, e->flags[e->flags_n++], sizeof(e->flags[0]));
	}
}

static void get_entry(struct canonical *c, struct passport_entry *e)
{
	canonical_enter(c, '{');
	while (canonical_key(c)) {
		if (canonical_is(c, "checked_at"))
			e->checked_ms = canonical_time(c);
		else if (canonical_is(c, "copies"))
			e->copies = (uint32_t)canonical_count(c);
		else if (canonical_is(c, "device"))
			canonical_uuid(c, &e->device);
		else if (canonical_is(c, "digest"))
			canonical_hex(c, e->digest, SHA256_LEN);
		else if (canonical_is(c, "erased"))
			e->erased = canonical_count(c);
		else if (canonical_is(c, "flags"))
			get_flags(c, e);
		else if (canonical_is(c, "generation"))
			e->generation = canonical_count(c);
		else if (canonical_is(c, "kind"))
			canonical_text(c, e->kind, sizeof(e->kind));
		else if (canonical_is(c, "made_at"))
			e->made_ms = canonical_time(c);
		else if (canonical_is(c, "proven_at"))
			e->proven_ms = canonical_time(c);
		else if (canonical_is(c, "verified_at"))
			e->verified_ms = canonical_time(c);
		else if (canonical_is(c, "version"))
			canonical_uuid(c, &e->version);
		else if (canonical_is(c, "versions"))
			e->versions = canonical_count(c);
		else
			canonical_skip(c);
	}
	if (e->generation == 0 || e->kind[0] == 0)
		canonical_fail(c);
}

static void get_entries(struct canonical *c, struct passport *p)
{
	size_t room = 0;
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		if (p->entries_n == room) {
			room = room == 0 ? 64 : 2 * room;
			p->entries = mem_realloc(p->entries, room * sizeof(*p->entries));
		}
		struct passport_entry *e = &p->entries[p->entries_n++];
		memset(e, 0, sizeof(*e));
		get_entry(c, e);
		if (p->entries_n > ENTRIES_MAX || (p->entries_n > 1 && by_device(e - 1, e) >= 0))
			canonical_fail(c);
	}
}

static void get_keks(struct canonical *c, struct passport *p)
{
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		if (p->keks_n == PASSPORT_KEKS) {
			canonical_fail(c);
			return;
		}
		canonical_uuid(c, &p->keks[p->keks_n++]);
	}
}

static void get_vault(struct canonical *c, struct passport_vault *v)
{
	canonical_enter(c, '{');
	while (canonical_key(c)) {
		if (canonical_is(c, "id"))
			canonical_uuid(c, &v->id);
		else if (canonical_is(c, "kind"))
			canonical_text(c, v->kind, sizeof(v->kind));
		else if (canonical_is(c, "name"))
			canonical_text(c, v->name, sizeof(v->name));
		else if (canonical_is(c, "removable"))
			v->removable = canonical_count(c) != 0;
		else if (canonical_is(c, "role"))
			canonical_text(c, v->role, sizeof(v->role));
		else
			canonical_skip(c);
	}
}

static void get_vaults(struct canonical *c, struct passport *p)
{
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		if (p->vaults_n == PASSPORT_VAULTS) {
			canonical_fail(c);
			return;
		}
		get_vault(c, &p->vaults[p->vaults_n++]);
	}
}

static void get_prev(struct canonical *c, struct passport *p)
{
	canonical_enter(c, '{');
	while (canonical_key(c)) {
		if (canonical_is(c, "digest"))
			canonical_hex(c, p->prev_digest, SHA256_LEN);
		else if (canonical_is(c, "serial"))
			p->prev_serial = canonical_count(c);
		else
			canonical_skip(c);
	}
}

static void get_format(struct canonical *c)
{
	char text[24];
	canonical_text(c, text, sizeof(text));
	if (strcmp(text, FORMAT) != 0)
		canonical_fail(c);
}

/* One member; false when it is unknown. */
static bool get_member(struct canonical *c, struct passport *p)
{
	if (canonical_is(c, "devices"))
		get_entries(c, p);
	else if (canonical_is(c, "format"))
		get_format(c);
	else if (canonical_is(c, "keks"))
		get_keks(c, p);
	else if (canonical_is(c, "kept_from"))
		p->kept_from = canonical_count(c);
	else if (canonical_is(c, "made_at"))
		p->made_ms = canonical_time(c);
	else if (canonical_is(c, "marker"))
		canonical_hex(c, p->marker, SHA256_LEN);
	else if (canonical_is(c, "min_reader"))
		p->min_reader = canonical_int(c);
	else if (canonical_is(c, "prev"))
		get_prev(c, p);
	else if (canonical_is(c, "serial"))
		p->serial = canonical_count(c);
	else if (canonical_is(c, "tenant"))
		canonical_uuid(c, &p->tenant);
	else if (canonical_is(c, "vault"))
		canonical_uuid(c, &p->vault);
	else if (canonical_is(c, "vaults"))
		get_vaults(c, p);
	else if (canonical_is(c, "warning"))
		canonical_text(c, p->warning, sizeof(p->warning));
	else if (canonical_is(c, "writer"))
		canonical_text(c, p->writer, sizeof(p->writer));
	else
		return false;
	return true;
}

int passport_read(struct span text, struct passport *ret, struct fault *reterr)
{
	struct canonical c;
	struct passport *p = mem_alloc(sizeof(*p));
	unsigned seen = 0;
	int rc = 0;
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (get_member(&c, p))
			seen++;
		else
			canonical_skip(&c);
	}
	if (p->min_reader > PASSPORT_READER)
		rc = fault_needs(reterr, CN_VAULT_TOO_OLD, "", "passport", (unsigned)p->min_reader,
			PASSPORT_READER);
	else if (!canonical_end(&c) || seen != 14 || p->serial == 0)
		rc = fault_why(reterr, CN_STORE_VERIFY_FAILED, "passport",
			"passport is damaged at byte %zu", c.err_at);
	if (rc == 0)
		*ret = *p;
	else
		passport_fini(p);
	free(p);
	return rc;
}

void passport_fini(struct passport *p)
{
	free(p->entries);
	p->entries = NULL;
	p->entries_n = 0;
}

const struct passport_entry *passport_find(
	const struct passport *p, const struct uuid *device, const char *kind)
{
	struct passport_entry key = {.device = *device};
	(void)snprintf(key.kind, sizeof(key.kind), "%s", kind);
	return p->entries_n == 0 ? NULL
				 : bsearch(&key, p->entries, p->entries_n, sizeof(key), by_device);
}

/* ---- signature, names ---- */

static void signed_text(struct span text, struct buf *out)
{
	buf_adds(out, FORMAT "\n");
	buf_add(out, text.p, text.n);
	bug_if(out->err);
}

void passport_sign(const uint8_t seed[static 32], struct span text, uint8_t signature[static 64])
{
	struct buf b = BUF_INIT;
	signed_text(text, &b);
	sign_make(seed, buf_span(&b), signature);
	buf_fini(&b);
}

bool passport_signed(
	const struct signers *s, struct span text, const uint8_t signature[static SIGNATURE])
{
	struct buf b = BUF_INIT;
	signed_text(text, &b);
	bool good = signers_signed(s, buf_span(&b), signature);
	buf_fini(&b);
	return good;
}

void passport_name(char out[static PASSPORT_NAME], uint64_t serial, const char *suffix)
{
	(void)snprintf(
		out, PASSPORT_NAME, "passport-%08llu.%.4s", (unsigned long long)serial, suffix);
}

uint64_t passport_serial(const char *name, const char *suffix)
{
	char again[PASSPORT_NAME];
	uint64_t serial = strncmp(name, "passport-", 9) == 0 ? strtoull(name + 9, NULL, 10) : 0;
	passport_name(again, serial, suffix);
	return strcmp(again, name) == 0 ? serial : 0;
}

/* ---- verdict ---- */

bool passport_safe(const struct passport *p, const struct passport_entry *e)
{
	unsigned copies = 1, elsewhere = 0;
	const char *kind = NULL;
	bool two = false;
	for (size_t i = 0; i < p->vaults_n; i++) {
		const struct passport_vault *v = &p->vaults[i];
		if ((e->copies >> i & 1) == 0)
			continue;
		copies++;
		elsewhere += v->removable || strcmp(v->kind, "dir") != 0;
		two |= v->removable || (kind != NULL && strcmp(kind, v->kind) != 0);
		kind = v->kind;
	}
	return copies >= 3 && two && elsewhere >= 1;
}
