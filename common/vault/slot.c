// SPDX-License-Identifier: Apache-2.0
/* Slots, signers, tombstones: one writer, one strict reader each. */
#include "common/vault/slot.h"

#include <string.h>

#include "common/clock/clock.h"
#include "common/vault/canonical.h"

#define SLOT_FORMAT "carnet-slot-1"
#define SIGNERS_FORMAT "carnet-signers-1"
#define ERASED_FORMAT "carnet-erased-1"

/* ---- slots ---- */

void slot_write(const struct slot *s, struct buf *out)
{
	char time[CLOCK_RFC3339];
	if (s->erased_ms != 0)
		buf_addf(out, "{\"erased_at\":\"%s\",\"format\":\"" SLOT_FORMAT "\"",
			clock_rfc3339(s->erased_ms, time));
	else
		canonical_put_uuid(out, "{\"format\":\"" SLOT_FORMAT "\",\"kek\":", &s->kek);
	canonical_put_uuid(out, ",\"tenant\":", &s->tenant);
	if (!uuid_is_nil(&s->version))
		canonical_put_uuid(out, ",\"version\":", &s->version);
	if (s->erased_ms == 0) {
		buf_adds(out, ",\"wrapped\":");
		canonical_put_base64(out, (struct span){s->wrapped, WRAPPED_LEN});
	}
	buf_addc(out, '}');
}

int slot_read(struct span text, struct slot *ret)
{
	struct canonical c;
	struct slot s = {.erased_ms = 0};
	char format[24] = "";
	size_t n = 0;
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "erased_at"))
			s.erased_ms = canonical_time(&c);
		else if (canonical_is(&c, "format"))
			canonical_text(&c, format, sizeof(format));
		else if (canonical_is(&c, "kek"))
			canonical_uuid(&c, &s.kek);
		else if (canonical_is(&c, "tenant"))
			canonical_uuid(&c, &s.tenant);
		else if (canonical_is(&c, "version"))
			canonical_uuid(&c, &s.version);
		else if (canonical_is(&c, "wrapped"))
			n = canonical_base64(&c, s.wrapped, WRAPPED_LEN);
		else
			canonical_fail(&c);
	}
	bool whole = s.erased_ms != 0 ? n == 0 && uuid_is_nil(&s.kek)
				      : n == WRAPPED_LEN && !uuid_is_nil(&s.kek);
	if (!canonical_end(&c) || strcmp(format, SLOT_FORMAT) != 0 || !whole ||
		uuid_is_nil(&s.tenant))
		return -1;
	*ret = s;
	return 0;
}

/* ---- who signs ---- */

static void signers_mac(
	const struct signers *s, const uint8_t root[static KEY_LEN], uint8_t mac[static SHA256_LEN])
{
	static const char word[] = SIGNERS_FORMAT;
	uint8_t key[KEY_LEN];
	hkdf_sha256((struct span){root, KEY_LEN}, (struct span){s->tenant.b, 16},
		(struct span){(const uint8_t *)word, sizeof(word) - 1}, key, KEY_LEN);
	struct span keys = {s->keys[0], s->n * SIGN_PUBLIC};
	hmac_sha256((struct span){key, KEY_LEN}, &keys, 1, mac);
	crypto_wipe(key, sizeof(key));
}

void signers_write(const struct signers *s, const uint8_t root[static KEY_LEN], struct buf *out)
{
	uint8_t mac[SHA256_LEN];
	signers_mac(s, root, mac);
	buf_adds(out, "{\"format\":\"" SIGNERS_FORMAT "\",\"mac\":");
	canonical_put_hex(out, (struct span){mac, SHA256_LEN});
	buf_adds(out, ",\"public\":[");
	for (size_t i = 0; i < s->n; i++) {
		buf_adds(out, i == 0 ? "" : ",");
		canonical_put_hex(out, (struct span){s->keys[i], SIGN_PUBLIC});
	}
	buf_addc(out, ']');
	canonical_put_uuid(out, ",\"tenant\":", &s->tenant);
	buf_addc(out, '}');
}

static void get_signers(struct canonical *c, struct signers *s)
{
	canonical_enter(c, '[');
	while (canonical_element(c)) {
		if (s->n == SIGNERS_MAX) {
			canonical_fail(c);
			return;
		}
		canonical_hex(c, s->keys[s->n++], SIGN_PUBLIC);
	}
}

int signers_read(struct span text, const uint8_t *root, struct signers *ret)
{
	struct canonical c;
	struct signers s = {.n = 0};
	uint8_t mac[SHA256_LEN] = {0}, want[SHA256_LEN];
	char format[24] = "";
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "format"))
			canonical_text(&c, format, sizeof(format));
		else if (canonical_is(&c, "mac"))
			canonical_hex(&c, mac, SHA256_LEN);
		else if (canonical_is(&c, "public"))
			get_signers(&c, &s);
		else if (canonical_is(&c, "tenant"))
			canonical_uuid(&c, &s.tenant);
		else
			canonical_fail(&c);
	}
	if (!canonical_end(&c) || strcmp(format, SIGNERS_FORMAT) != 0 || s.n == 0)
		return -1;
	if (root != NULL) {
		signers_mac(&s, root, want);
		if (!crypto_equal(mac, want, SHA256_LEN))
			return -1;
	}
	*ret = s;
	return 0;
}

bool signers_signed(
	const struct signers *s, struct span text, const uint8_t signature[static SIGNATURE])
{
	for (size_t i = 0; i < s->n; i++)
		if (sign_good(s->keys[i], text, signature))
			return true;
	return false;
}

/* ---- tombstones ---- */

/* Everything but the signature, which stands at its place in the order of names. */
static void tombstone_text(const struct tombstone *t, const char *signature, struct buf *out)
{
	char time[CLOCK_RFC3339];
	buf_addf(out, "{\"at\":\"%s\",\"digest\":", clock_rfc3339(t->at_ms, time));
	canonical_put_hex(out, (struct span){t->digest, SHA256_LEN});
	buf_adds(out, ",\"format\":\"" ERASED_FORMAT "\",\"reason\":");
	canonical_put_text(out, t->reason);
	if (signature != NULL)
		buf_addf(out, ",\"signature\":\"%s\"", signature);
	canonical_put_uuid(out, ",\"tenant\":", &t->tenant);
	canonical_put_uuid(out, ",\"version\":", &t->version);
	buf_addc(out, '}');
}

void tombstone_write(const struct tombstone *t, const uint8_t seed[static 32], struct buf *out)
{
	uint8_t signature[SIGNATURE];
	char hex[2 * SIGNATURE + 1];
	struct buf text = BUF_INIT;
	tombstone_text(t, NULL, &text);
	sign_make(seed, buf_span(&text), signature);
	buf_fini(&text);
	hex_encode((struct span){signature, SIGNATURE}, hex);
	tombstone_text(t, hex, out);
}

static bool tombstone_parse(
	struct span text, struct tombstone *t, uint8_t signature[static SIGNATURE])
{
	struct canonical c;
	char format[24] = "";
	unsigned seen = 0;
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		seen++;
		if (canonical_is(&c, "at"))
			t->at_ms = canonical_time(&c);
		else if (canonical_is(&c, "digest"))
			canonical_hex(&c, t->digest, SHA256_LEN);
		else if (canonical_is(&c, "format"))
			canonical_text(&c, format, sizeof(format));
		else if (canonical_is(&c, "reason"))
			canonical_text(&c, t->reason, sizeof(t->reason));
		else if (canonical_is(&c, "signature"))
			canonical_hex(&c, signature, SIGNATURE);
		else if (canonical_is(&c, "tenant"))
			canonical_uuid(&c, &t->tenant);
		else if (canonical_is(&c, "version"))
			canonical_uuid(&c, &t->version);
		else
			canonical_fail(&c);
	}
	return canonical_end(&c) && seen == 7 && strcmp(format, ERASED_FORMAT) == 0;
}

int tombstone_read(struct span text, const struct signers *s, struct tombstone *ret)
{
	struct tombstone t = {.at_ms = 0};
	uint8_t signature[SIGNATURE];
	struct buf unsigned_text = BUF_INIT;
	if (!tombstone_parse(text, &t, signature))
		return -1;
	tombstone_text(&t, NULL, &unsigned_text);
	bool good = signers_signed(s, buf_span(&unsigned_text), signature);
	buf_fini(&unsigned_text);
	if (!good)
		return -1;
	*ret = t;
	return 0;
}
