// SPDX-License-Identifier: Apache-2.0
/* SNMPv3 of a scan (fleet.md FL-84): keys as in the RFCs, questions that only their engine's user
 * can have written, answers that are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/worker/discover/usm.h"

static const struct usm_engine engine = {
	.n = 12, .id = {[11] = 2}, .boots = 3, .time = 77}; /* the one of RFC 3414 A.3 */

static struct credential credential_of(const char *auth, const char *priv, const char *method)
{
	struct credential c = {.kind = "snmp_v3", .user = "carnet"};

	snprintf(c.auth_password, sizeof(c.auth_password), "%s", auth);
	snprintf(c.privacy_password, sizeof(c.privacy_password), "%s", priv);
	snprintf(c.auth_protocol, sizeof(c.auth_protocol), "%s", method);
	return c;
}

static struct usm_user user_of(const char *auth, const char *priv, const char *method)
{
	struct credential c = credential_of(auth, priv, method);
	struct fault f = FAULT_INIT;
	struct usm_user u;

	assert_int_equal(usm_user_make(&c, &u, &f), 0);
	return u;
}

static void assert_localized(const char *method, const char *want)
{
	struct usm_user u = user_of("maplesyrup", "", method);
	struct span key = {u.auth, digest_len(u.digest)};
	uint8_t out[DIGEST_MAX];
	char hex[2 * DIGEST_MAX + 1];

	digest_pieces(u.digest, (const struct span[]){key, {engine.id, engine.n}, key}, 3, out);
	hex_encode((struct span){out, key.n}, hex);
	assert_string_equal(hex, want);
}

static void keys_are_those_of_rfc_3414(void **state unused)
{
	if (digest_len(DIGEST_MD5) > 0)
		assert_localized("MD5", "526f5eed9fcce26f8964c2930787d82b");
	assert_localized("SHA", "6695febc9288e36282235fc7151f128497b38f3f");
}

/* ---- an agent: turns the question into what it would say ---- */

/* Answers everything asked with one text, or reports. */
static size_t agent(const struct usm_user *u, struct span question, enum usm_report report,
	uint8_t *out, size_t size)
{
	struct usm_message m;
	uint8_t plain[2048], closed[2048];
	static const struct oid stats = {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}},
				name = {9, {1, 3, 6, 1, 2, 1, 1, 1, 0}};
	struct oid counter = stats;
	struct ber_writer in, w;
	bool priv = u->level == USM_PRIV && report == USM_NO_REPORT;
	bool auth = u->level != USM_OPEN && (report == USM_NO_REPORT || report == USM_TIME);
	uint8_t flags = (uint8_t)((auth ? 1 : 0) | (priv ? 2 : 0)), key[DIGEST_MAX],
		hmac[DIGEST_MAX], salt[8] = {9}, iv[16] = {0, 0, 0, 3, 0, 0, 0, 77, 9};
	static const uint8_t mac_len[] = {12, 12, 16, 24, 32, 48};
	struct span ku = {u->auth, u->level == USM_OPEN ? 0 : digest_len(u->digest)},
		    kp = {u->priv, ku.n};

	assert_int_equal(usm_read(question, &m), 0);
	ber_begin(&in, plain, sizeof(plain));
	const uint8_t *end = in.p;
	if (report == USM_NO_REPORT) {
		ber_put_bytes(&in, BER_OCTETS, "A peer", 6);
		ber_put_oid(&in, &name);
	} else {
		counter.id[counter.n++] = report;
		counter.id[counter.n++] = 0;
		ber_put_integer(&in, SNMP_COUNTER, 1);
		ber_put_oid(&in, &counter);
	}
	ber_wrap(&in, BER_SEQUENCE, end);
	ber_wrap(&in, BER_SEQUENCE, end);
	ber_put_integer(&in, BER_INTEGER, 0);
	ber_put_integer(&in, BER_INTEGER, 0);
	ber_put_integer(&in, BER_INTEGER, m.id);
	ber_wrap(&in, report == USM_NO_REPORT ? SNMP_RESPONSE : 0xa8, end);
	ber_put_bytes(&in, BER_OCTETS, "", 0);
	ber_put_bytes(&in, BER_OCTETS, engine.id, engine.n);
	ber_wrap(&in, BER_SEQUENCE, end);
	size_t n = (size_t)(in.end - in.p);

	ber_begin(&w, out, size);
	end = w.p;
	if (priv) {
		digest_pieces(
			u->digest, (const struct span[]){kp, {engine.id, engine.n}, kp}, 3, key);
		aes128_cfb(true, key, iv, (struct span){in.p, n}, closed);
		ber_put_bytes(&w, BER_OCTETS, closed, n);
	} else {
		w.p -= n;
		memcpy(w.p, in.p, n);
	}
	const uint8_t *data = w.p;
	ber_put_bytes(&w, BER_OCTETS, salt, priv ? 8 : 0);
	ber_put_bytes(&w, BER_OCTETS, (uint8_t[48]){0}, auth ? mac_len[u->digest] : 0);
	uint8_t *sign = w.p + 2;
	ber_put_bytes(&w, BER_OCTETS, u->name, strlen(u->name));
	ber_put_integer(&w, BER_INTEGER, engine.time);
	ber_put_integer(&w, BER_INTEGER, engine.boots);
	ber_put_bytes(&w, BER_OCTETS, engine.id, engine.n);
	ber_wrap(&w, BER_SEQUENCE, data);
	ber_wrap(&w, BER_OCTETS, data);
	data = w.p;
	ber_put_integer(&w, BER_INTEGER, 3);
	ber_put_bytes(&w, BER_OCTETS, &flags, 1);
	ber_put_integer(&w, BER_INTEGER, 4096);
	ber_put_integer(&w, BER_INTEGER, m.id);
	ber_wrap(&w, BER_SEQUENCE, data);
	ber_put_integer(&w, BER_INTEGER, 3);
	ber_wrap(&w, BER_SEQUENCE, end);
	assert_false(w.err || in.err);
	n = (size_t)(end - w.p);
	if (auth) {
		digest_pieces(
			u->digest, (const struct span[]){ku, {engine.id, engine.n}, ku}, 3, key);
		digest_hmac(u->digest, (struct span){key, ku.n}, &(struct span){w.p, n}, 1, hmac);
		memcpy(sign, hmac, mac_len[u->digest]);
	}
	memmove(out, w.p, n);
	return n;
}

static int opened(struct span datagram, const struct usm_user *u, struct usm_answer *ret)
{
	static uint8_t plain[4096];
	struct usm_message m;

	*ret = (struct usm_answer){.report = USM_NO_REPORT};
	return usm_read(datagram, &m) < 0 ? -2 : usm_open(&m, u, plain, sizeof(plain), ret);
}

static void every_method_is_understood_and_no_other_key(void **state unused)
{
	static const char *const methods[] = {"SHA", "SHA224", "SHA256", "SHA384", "SHA512"};
	uint8_t q[1472], out[2048];
	struct usm_answer a;

	for (size_t i = 0; i < 2 * array_len(methods); i++) {
		const char *priv = i % 2 ? "privpass12" : "";
		struct usm_user u = user_of("authpass12", priv, methods[i / 2]);
		struct usm_user other = user_of("authpass13", priv, methods[i / 2]);
		size_t n = usm_write(&u, &engine, 77, SCAN_ALL, q, sizeof(q));
		assert_true(n > 0);
		n = agent(&u, (struct span){q, n}, USM_NO_REPORT, out, sizeof(out));
		assert_int_equal(opened((struct span){out, n}, &u, &a), 0);
		assert_int_equal(a.report, USM_NO_REPORT);
		assert_int_equal(a.said.id, 77);
		assert_memory_equal(a.said.values[SCAN_DESCRIPTION].text.p, "A peer", 6);
		assert_int_equal(opened((struct span){out, n}, &other, &a), -1);
	}
}

static void a_changed_or_cut_answer_is_none(void **state unused)
{
	struct usm_user u = user_of("authpass12", "privpass12", "SHA256");
	uint8_t q[1472], out[2048];
	struct usm_answer a;
	size_t n = usm_write(&u, &engine, 5, SCAN_ALL, q, sizeof(q));

	n = agent(&u, (struct span){q, n}, USM_NO_REPORT, out, sizeof(out));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(opened((struct span){out, i}, &u, &a), -2);
		out[i] ^= 1;
		assert_true(opened((struct span){out, n}, &u, &a) < 0);
		out[i] ^= 1;
	}
	assert_int_equal(opened((struct span){out, n}, &u, &a), 0);
}

static void less_than_was_asked_for_is_not_believed(void **state unused)
{
	struct usm_user u = user_of("authpass12", "privpass12", "SHA256"), weak = u, open = u;
	uint8_t q[1472], out[2048];
	struct usm_answer a;
	size_t n = usm_write(&u, &engine, 5, SCAN_ALL, q, sizeof(q));

	weak.level = USM_AUTH;
	open.level = USM_OPEN;
	size_t m = agent(&weak, (struct span){q, n}, USM_NO_REPORT, out, sizeof(out));
	assert_int_equal(opened((struct span){out, m}, &u, &a), -1); /* signed, not encrypted */
	m = agent(&open, (struct span){q, n}, USM_NO_REPORT, out, sizeof(out));
	assert_int_equal(opened((struct span){out, m}, &u, &a), -1); /* neither */
	m = agent(&open, (struct span){q, n}, USM_TIME, out, sizeof(out));
	assert_int_equal(opened((struct span){out, m}, &u, &a), -1); /* anybody's clock */
	m = agent(&u, (struct span){q, n}, USM_TIME, out, sizeof(out));
	assert_int_equal(opened((struct span){out, m}, &u, &a), 0);
	assert_int_equal(a.report, USM_TIME);
	m = agent(&u, (struct span){q, n}, USM_WRONG_DIGEST, out, sizeof(out));
	assert_int_equal(opened((struct span){out, m}, &u, &a), 0);
	assert_int_equal(a.report, USM_WRONG_DIGEST);
}

static void an_engine_is_asked_in_nobodys_name(void **state unused)
{
	uint8_t q[256], out[512];
	struct usm_user nobody = {.level = USM_OPEN};
	struct usm_message m;
	size_t n = usm_write_hello(9, q, sizeof(q));

	assert_true(n > 0);
	assert_int_equal(usm_write_hello(9, q, 40), 0);
	n = usm_write_hello(9, q, sizeof(q));
	assert_true(scan_is_v3((struct span){q, n}));
	assert_int_equal(usm_read((struct span){q, n}, &m), -1); /* nobody's engine is no answer */
	n = usm_write(&nobody, &engine, 9, 0, q, sizeof(q));
	n = agent(&nobody, (struct span){q, n}, USM_UNKNOWN_ENGINE, out, sizeof(out));
	assert_int_equal(usm_read((struct span){out, n}, &m), 0);
	assert_true(usm_is_hello(&m));
	assert_int_equal(m.engine.boots, 3);
	assert_int_equal(m.engine.time, 77);
	assert_memory_equal(m.engine.id, engine.id, engine.n);
}

static void a_user_that_no_agent_could_have_is_refused(void **state unused)
{
	struct credential c = credential_of("authpass12", "privpass12", "SHA");
	struct fault f = FAULT_INIT;
	struct usm_user u;

	assert_int_equal(usm_user_make(&c, &u, &f), 0);
	assert_int_equal(u.level, USM_PRIV);
	snprintf(c.privacy_protocol, sizeof(c.privacy_protocol), "DES");
	assert_int_equal(usm_user_make(&c, &u, &f), -1);
	*c.privacy_protocol = '\0';
	snprintf(c.auth_password, sizeof(c.auth_password), "short");
	assert_int_equal(usm_user_make(&c, &u, &f), -1);
	snprintf(c.auth_password, sizeof(c.auth_password), "long enough");
	snprintf(c.auth_protocol, sizeof(c.auth_protocol), "ROT13");
	assert_int_equal(usm_user_make(&c, &u, &f), -1);
	*c.auth_protocol = *c.user = '\0';
	assert_int_equal(usm_user_make(&c, &u, &f), -1);
	memset(c.user, 'u', 33);
	assert_int_equal(usm_user_make(&c, &u, &f), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_rfc_3414),
		cmocka_unit_test(every_method_is_understood_and_no_other_key),
		cmocka_unit_test(a_changed_or_cut_answer_is_none),
		cmocka_unit_test(less_than_was_asked_for_is_not_believed),
		cmocka_unit_test(an_engine_is_asked_in_nobodys_name),
		cmocka_unit_test(a_user_that_no_agent_could_have_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
