// SPDX-License-Identifier: Apache-2.0
/* Manifests: one writer, one strict reader, signature and chain. */
#include "common/vault/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/vault/canonical.h"
#include "gen/errors.h"

#define FORMAT "carnet-manifest-1"

static const char *const roles[] = {"", "native", "canonical", "meta"};

/* ---- writer: members in the order of their bytes ---- */

static void put_item(const struct manifest_item *i, struct buf *out)
{
	buf_adds(out, "{\"cipher_sha256\":");
	canonical_put_hex(out, (struct span){i->sealed.cipher, SHA256_LEN});
	buf_addf(out, ",\"incarnation\":%llu,\"key\":", (unsigned long long)i->incarnation);
	canonical_put_base64(out, (struct span){i->key, i->key_n});
	buf_addf(out, ",\"kind\":\"%s\",\"name\":", object_kind_name(i->kind));
	canonical_put_text(out, i->name);
	buf_addf(out, ",\"no\":%u,\"oid\":", i->no);
	canonical_put_hex(out, (struct span){i->oid, OID_LEN});
	buf_addf(out, ",\"plain_len\":%llu,\"role\":\"%s\",\"stored_len\":%llu}",
		(unsigned long long)i->plain_len, roles[i->role],
		(unsigned long long)i->sealed.stored_len);
}

static void put_flags(const struct manifest *m, struct buf *out)
{
	for (size_t i = 0; i < m->flags_n; i++) {
		buf_adds(out, i == 0 ? "" : ",");
		canonical_put_text(out, m->flags[i]);
	}
}

void manifest_write(const struct manifest *m, struct buf *out)
{
	char t[CLOCK_RFC3339];
	canonical_put_uuid(out, "{\"device\":", &m->device);
	buf_adds(out, ",\"flags\":[");
	put_flags(m, out);
	buf_addf(out, "],\"format\":\"" FORMAT "\",\"generation\":%llu,\"items\":[",
		(unsigned long long)m->generation);
	for (size_t i = 0; i < m->items_n; i++) {
		buf_adds(out, i == 0 ? "" : ",");
		put_item(&m->items[i], out);
	}
	buf_adds(out, "],\"kind\":");
	canonical_put_text(out, m->kind);
	buf_addf(out, ",\"made_at\":\"%s\"", clock_rfc3339(m->made_ms, t));
	buf_addf(out, ",\"min_reader\":%lld,\"prev\":{\"digest\":", (long long)m->min_reader);
	canonical_put_hex(out, (struct span){m->prev_digest, SHA256_LEN});
	buf_addf(out, ",\"generation\":%llu}", (unsigned long long)m->prev_generation);
	canonical_put_uuid(out, ",\"request\":", &m->request);
	canonical_put_uuid(out, ",\"run\":", &m->run);
	canonical_put_uuid(out, ",\"tenant\":", &m->tenant);
	buf_addf(out, ",\"token\":%llu", (unsigned long long)m->token);
	buf_addf(out, ",\"verified_at\":\"%s\"", clock_rfc3339(m->verified_ms, t));
	canonical_put_uuid(out, ",\"version\":", &m->version);
	buf_adds(out, ",\"writer\":");
	canonical_put_text(out, m->writer);
	buf_addc(out, '}');
}

/* ---- reader ---- */

static enum manifest_role get_role(struct canonical *c)
{
	char text[16];
	canonical_text(c, text, sizeof(text));
	for (unsigned i = 1; !c->err && i < array_len(roles); i++)
		if (strcmp(text, roles[i]) == 0)
			return (enum manifest_role)i;
	canonical_fail(c);
	return MANIFEST_NATIVE;
}

static enum object_kind get_kind(struct canonical *c)
{
	char text[24];
	canonical_text(c, text, sizeof(text));
	int kind = c->err ? 0 : object_kind_parse(text);
	if (kind == 0)
		canonical_fail(c);
	return kind == 0 ? OBJECT_OPAQUE : (enum object_kind)kind;
}

/* Bits of the members seen: all are needed. */
static void get_item(struct canonical *c, struct manifest_item *i)
{
	unsigned seen = 0;
	canonical_enter(c, '{');
	while (canonical_key(c)) {
		seen++;
		if (canonical_is(c, "cipher_sha256"))
			canonical_hex(c, i->sealed.cipher, SHA256_LEN);
		else if (canonical_is(c, "incarnation"))
			i->incarnation = canonical_count(c);
		else if (canonical_is(c, "key"))
			i->key_n = canonical_base64(c, i->key, sizeof(i->key));
		else if (canonical_is(c, "kind"))
			i->kind = get_kind(c);
		else if (canonical_is(c, "name"))
			canonical_text(c, i->name, sizeof(i->name));
		else if (canonical_is(c, "no"))
			i->no = (unsigned)canonical_count(c);
		else if (canonical_is(c, "oid"))
			canonical_hex(c, i->oid, OID_LEN);
		else if (canonical_is(c, "plain_len"))
			i->plain_len = canonical_count(c);
		else if (canonical_is(c, "role"))
			i->role = get_role(c);
		else if (canonical_is(c, "stored_len"))
			i->sealed.stored_len = canonical_count(c);
		else {
			seen--;
			canonical_skip(c);
		}
	}
	if (seen != 10 || i->key_n != WRAPPED_LEN)
		canonical_fail(c);
}

static void get_items(struct canonical *c, struct manifest *m)
{
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		if (m->items_n == MANIFEST_ITEMS) {
			canonical_fail(c);
			return;
		}
		if (m->items == NULL)
			m->items = mem_alloc(MANIFEST_ITEMS * sizeof(*m->items));
		struct manifest_item *i = &m->items[m->items_n];
		get_item(c, i);
		if (i->no != m->items_n++)
			canonical_fail(c);
	}
}

static void get_flags(struct canonical *c, struct manifest *m)
{
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		if (m->flags_n == MANIFEST_FLAGS) {
			canonical_fail(c);
			return;
		}
		canonical_text(c, m->flags[m->flags_n++], sizeof(m->flags[0]));
	}
}

static void get_prev(struct canonical *c, struct manifest *m)
{
	unsigned seen = 0;
	canonical_enter(c, '{');
	while (canonical_key(c)) {
		seen++;
		if (canonical_is(c, "digest"))
			canonical_hex(c, m->prev_digest, SHA256_LEN);
		else if (canonical_is(c, "generation"))
			m->prev_generation = canonical_count(c);
		else {
			seen--;
			canonical_skip(c);
		}
	}
	if (seen != 2)
		canonical_fail(c);
}

static void get_format(struct canonical *c)
{
	char text[32];
	canonical_text(c, text, sizeof(text));
	if (strcmp(text, FORMAT) != 0)
		canonical_fail(c);
}

/* One member; false when it is unknown. */
static bool get_member(struct canonical *c, struct manifest *m)
{
	const struct {
		const char *key;
		struct uuid *id;
	} ids[] = {{"device", &m->device}, {"request", &m->request}, {"run", &m->run},
		{"tenant", &m->tenant}, {"version", &m->version}};
	for (size_t i = 0; i < array_len(ids); i++)
		if (canonical_is(c, ids[i].key)) {
			canonical_uuid(c, ids[i].id);
			return true;
		}
	if (canonical_is(c, "flags"))
		get_flags(c, m);
	else if (canonical_is(c, "format"))
		get_format(c);
	else if (canonical_is(c, "generation"))
		m->generation = canonical_count(c);
	else if (canonical_is(c, "items"))
		get_items(c, m);
	else if (canonical_is(c, "kind"))
		canonical_text(c, m->kind, sizeof(m->kind));
	else if (canonical_is(c, "made_at"))
		m->made_ms = canonical_time(c);
	else if (canonical_is(c, "min_reader"))
		m->min_reader = canonical_int(c);
	else if (canonical_is(c, "prev"))
		get_prev(c, m);
	else if (canonical_is(c, "token"))
		m->token = canonical_count(c);
	else if (canonical_is(c, "verified_at"))
		m->verified_ms = canonical_time(c);
	else if (canonical_is(c, "writer"))
		canonical_text(c, m->writer, sizeof(m->writer));
	else
		return false;
	return true;
}

/* What the writer says a reader must be able to do; read first, the rest may be of a later shape.
 */
static int64_t needed_reader(struct span text)
{
	struct canonical c;
	int64_t needed = 0;
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "min_reader"))
			needed = canonical_int(&c);
		else
			canonical_skip(&c);
	}
	return canonical_end(&c) ? needed : 0;
}

int manifest_read(struct span text, struct manifest *ret, struct fault *reterr)
{
	struct canonical c;
	struct manifest m = {.generation = 0};
	unsigned seen = 0;
	if (text.n > MANIFEST_MAX)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "manifest", "manifest too big");
	int64_t needed = needed_reader(text);
	if (needed > MANIFEST_READER)
		return fault_needs(reterr, CN_VAULT_TOO_OLD, "", "manifest", (unsigned)needed,
			MANIFEST_READER);
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (get_member(&c, &m))
			seen++;
		else
			canonical_skip(&c);
	}
	if (!canonical_end(&c) || seen != 16 || m.generation == 0) {
		manifest_fini(&m);
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "manifest",
			"manifest is damaged at byte %zu", c.err_at);
	}
	*ret = m;
	return 0;
}

void manifest_fini(struct manifest *m)
{
	free(m->items);
	m->items = NULL;
	m->items_n = 0;
}

/* ---- chain and signature ---- */

void manifest_digest(struct span text, uint8_t out[static SHA256_LEN])
{
	sha256(text, out);
}

static void signed_text(struct span text, struct buf *out)
{
	buf_adds(out, FORMAT "\n");
	buf_add(out, text.p, text.n);
}

void manifest_sign(const uint8_t seed[static 32], struct span text, uint8_t signature[static 64])
{
	struct buf b = BUF_INIT;
	signed_text(text, &b);
	bug_if(b.err);
	sign_make(seed, buf_span(&b), signature);
	buf_fini(&b);
}

bool manifest_signed(
	const struct signers *signers, struct span text, const uint8_t signature[static 64])
{
	struct buf b = BUF_INIT;
	signed_text(text, &b);
	bool good = !b.err && signers_signed(signers, buf_span(&b), signature);
	buf_fini(&b);
	return good;
}

bool manifest_follows(
	const struct manifest *next, const struct manifest *prev, struct span prev_text)
{
	static const uint8_t zeros[SHA256_LEN];
	uint8_t digest[SHA256_LEN];
	if (prev == NULL)
		return next->generation == 1 && next->prev_generation == 0 &&
		       memcmp(next->prev_digest, zeros, SHA256_LEN) == 0;
	manifest_digest(prev_text, digest);
	return uuid_eq(&next->device, &prev->device) && strcmp(next->kind, prev->kind) == 0 &&
	       next->generation == prev->generation + 1 &&
	       next->prev_generation == prev->generation &&
	       memcmp(next->prev_digest, digest, SHA256_LEN) == 0;
}

void mark_raise(struct mark *mark, const struct manifest *m)
{
	if (mark->any && mark->token >= m->token)
		return;
	*mark = (struct mark){.token = m->token, .request = m->request, .any = true};
}

bool mark_allows(const struct mark *mark, uint64_t token, const struct uuid *request)
{
	if (!mark->any || token > mark->token)
		return true;
	return token == mark->token && uuid_eq(request, &mark->request);
}
