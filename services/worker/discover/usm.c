// SPDX-License-Identifier: Apache-2.0
/* Messages of SNMPv3, and the keys of a user. */
#include "services/worker/discover/usm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gen/errors.h"

#define SNMP_V3 3
#define USM_MODEL 3
#define FLAG_AUTH 1u
#define FLAG_PRIV 2u
#define FLAG_REPORT 4u /* say why, if you do not listen */
#define SNMP_REPORT 0xa8
#define PASSWORD_OCTETS 1048576u /* RFC 3414 A.2 */
#define PASSWORD_MIN 8u
#define AUTH_MAX 48u
#define SALT 8u

/* ---- keys ---- */

static const struct method {
	const char *name;
	enum digest digest;
} methods[] = {{"SHA", DIGEST_SHA1}, {"SHA1", DIGEST_SHA1}, {"MD5", DIGEST_MD5},
	{"SHA224", DIGEST_SHA224}, {"SHA256", DIGEST_SHA256}, {"SHA384", DIGEST_SHA384},
	{"SHA512", DIGEST_SHA512}};
/* How many octets of the HMAC a message carries. */
static const uint8_t carried[] = {[DIGEST_MD5] = 12,
	[DIGEST_SHA1] = 12,
	[DIGEST_SHA224] = 16,
	[DIGEST_SHA256] = 24,
	[DIGEST_SHA384] = 32,
	[DIGEST_SHA512] = AUTH_MAX};

static int refuse(struct fault *err, const char *why)
{
	return fault_set(err, CN_AUTH_MISSING, "%s", why);
}

static int choose_methods(const struct credential *c, struct usm_user *u, struct fault *err)
{
	const char *name = *c->auth_protocol == '\0' ? "SHA" : c->auth_protocol;
	const char *priv = *c->privacy_protocol == '\0' ? "AES" : c->privacy_protocol;
	size_t i = 0;

	while (i < array_len(methods) && strcasecmp(methods[i].name, name) != 0)
		i++;
	if (i == array_len(methods) || digest_len(methods[i].digest) == 0)
		return refuse(err, "unknown authentication protocol in the SNMPv3 credential");
	u->digest = methods[i].digest;
	if (u->level == USM_PRIV && strcasecmp(priv, "AES") != 0 && strcasecmp(priv, "AES128") != 0)
		return refuse(err, "discovery asks SNMPv3 with AES, not with the credential's "
				   "privacy protocol");
	return 0;
}

static int derive(const struct usm_user *u, const char *password, uint8_t *out, struct fault *err)
{
	struct span text = {(const uint8_t *)password, strlen(password)};

	if (text.n < PASSWORD_MIN)
		return refuse(err, "an SNMPv3 password has at least 8 characters");
	digest_repeated(u->digest, text, PASSWORD_OCTETS, out);
	return 0;
}

int usm_user_make(const struct credential *c, struct usm_user *ret, struct fault *reterr)
{
	struct usm_user u = {.level = *c->auth_password == '\0'      ? USM_OPEN
				      : *c->privacy_password == '\0' ? USM_AUTH
								     : USM_PRIV};
	int r = 0;

	if (*c->user == '\0' || strlen(c->user) > USM_USER_MAX)
		return refuse(reterr, "the user of an SNMPv3 credential has 1 to 32 characters");
	(void)snprintf(u.name, sizeof(u.name), "%s", c->user);
	(void)snprintf(u.context, sizeof(u.context), "%s", c->context);
	if (u.level != USM_OPEN)
		r = choose_methods(c, &u, reterr);
	if (r == 0 && u.level != USM_OPEN)
		r = derive(&u, c->auth_password, u.auth, reterr);
	if (r == 0 && u.level == USM_PRIV)
		r = derive(&u, c->privacy_password, u.priv, reterr);
	if (r == 0)
		*ret = u;
	crypto_wipe(&u, sizeof(u));
	return r;
}

/* The key as that engine knows it. */
static struct span localize(const struct usm_user *u, const uint8_t *key,
	const struct usm_engine *e, uint8_t out[static DIGEST_MAX])
{
	struct span k = {key, digest_len(u->digest)};

	digest_pieces(u->digest, (const struct span[]){k, {e->id, e->n}, k}, 3, out);
	return (struct span){out, k.n};
}

static void sign(const struct usm_user *u, const struct usm_engine *e, const struct span *pieces,
	size_t n, uint8_t out[static DIGEST_MAX])
{
	uint8_t key[DIGEST_MAX];

	digest_hmac(u->digest, localize(u, u->auth, e, key), pieces, n, out);
	crypto_wipe(key, sizeof(key));
}

static void put_32(uint8_t *out, uint32_t n)
{
	for (int i = 3; i >= 0; i--, n >>= 8)
		out[i] = (uint8_t)n;
}

static void cipher(bool encrypt, const struct usm_user *u, const struct usm_engine *e,
	const uint8_t salt[static SALT], struct span in, uint8_t *out)
{
	uint8_t key[DIGEST_MAX], iv[16];

	(void)localize(u, u->priv, e, key);
	put_32(iv, (uint32_t)e->boots);
	put_32(iv + 4, (uint32_t)e->time);
	memcpy(iv + 8, salt, SALT);
	aes128_cfb(encrypt, key, iv, in, out);
	crypto_wipe(key, sizeof(key));
}

/* ---- questions ---- */

static void put_scoped(struct ber_writer *w, const char *context, const struct usm_engine *e,
	int32_t id, uint32_t objects)
{
	const uint8_t *end = w->p;

	scan_put_question(w, id, objects);
	ber_put_bytes(w, BER_OCTETS, context, strlen(context));
	ber_put_bytes(w, BER_OCTETS, e->id, e->n);
	ber_wrap(w, BER_SEQUENCE, end);
}

static void put_data(struct ber_writer *w, const struct usm_user *u, const struct usm_engine *e,
	int32_t id, uint32_t objects, const uint8_t salt[static SALT])
{
	uint8_t plain[1024], closed[sizeof(plain)];
	struct ber_writer in;

	if (u->level != USM_PRIV) {
		put_scoped(w, u->context, e, id, objects);
		return;
	}
	ber_begin(&in, plain, sizeof(plain));
	put_scoped(&in, u->context, e, id, objects);
	size_t n = (size_t)(in.end - in.p);
	cipher(true, u, e, salt, (struct span){in.p, n}, closed);
	w->err |= in.err;
	ber_put_bytes(w, BER_OCTETS, closed, n);
}

/* Security parameters; where the signature goes. */
static uint8_t *put_security(struct ber_writer *w, const struct usm_user *u,
	const struct usm_engine *e, const uint8_t salt[static SALT])
{
	static const uint8_t unsigned_yet[AUTH_MAX];
	const uint8_t *end = w->p;
	uint8_t *signature;

	ber_put_bytes(w, BER_OCTETS, salt, u->level == USM_PRIV ? SALT : 0);
	ber_put_bytes(w, BER_OCTETS, unsigned_yet, u->level == USM_OPEN ? 0 : carried[u->digest]);
	signature = w->p + 2; /* after tag and length */
	ber_put_bytes(w, BER_OCTETS, u->name, strlen(u->name));
	ber_put_integer(w, BER_INTEGER, e->time);
	ber_put_integer(w, BER_INTEGER, e->boots);
	ber_put_bytes(w, BER_OCTETS, e->id, e->n);
	ber_wrap(w, BER_SEQUENCE, end);
	ber_wrap(w, BER_OCTETS, end);
	return signature;
}

static void put_header(struct ber_writer *w, int32_t id, enum usm_level level)
{
	const uint8_t *mark = w->p;
	const uint8_t flags =
		(uint8_t)(FLAG_REPORT | (level == USM_OPEN          ? 0
						: level == USM_AUTH ? FLAG_AUTH
								    : FLAG_AUTH | FLAG_PRIV));

	ber_put_integer(w, BER_INTEGER, USM_MODEL);
	ber_put_bytes(w, BER_OCTETS, &flags, 1);
	ber_put_integer(w, BER_INTEGER, SCAN_DATAGRAM);
	ber_put_integer(w, BER_INTEGER, id);
	ber_wrap(w, BER_SEQUENCE, mark);
	ber_put_integer(w, BER_INTEGER, SNMP_V3);
}

size_t usm_write(const struct usm_user *u, const struct usm_engine *e, int32_t id, uint32_t objects,
	uint8_t *out, size_t size)
{
	uint8_t salt[SALT], hmac[DIGEST_MAX];
	struct ber_writer w;

	crypto_random(salt, sizeof(salt));
	ber_begin(&w, out, size);
	const uint8_t *end = w.p;
	put_data(&w, u, e, id, objects, salt);
	uint8_t *signature = put_security(&w, u, e, salt);
	put_header(&w, id, u->level);
	ber_wrap(&w, BER_SEQUENCE, end);
	if (w.err)
		return 0;
	size_t n = (size_t)(end - w.p);
	if (u->level != USM_OPEN) {
		sign(u, e, &(struct span){w.p, n}, 1, hmac);
		memcpy(signature, hmac, carried[u->digest]);
	}
	memmove(out, w.p, n);
	return n;
}

size_t usm_write_hello(int32_t id, uint8_t *out, size_t size)
{
	static const struct usm_user nobody;
	static const struct usm_engine unknown;

	return usm_write(&nobody, &unknown, id, 0, out, size);
}

/* ---- answers ---- */

static int read_header(struct ber_reader *at, struct usm_message *m)
{
	int64_t max, model;
	struct span flags;

	if (ber_integer(at, &m->id) < 0 || ber_integer(at, &max) < 0 ||
		ber_octets(at, &flags) < 0 || flags.n != 1 || ber_integer(at, &model) < 0 ||
		at->p != at->end || model != USM_MODEL)
		return -1;
	m->flags = flags.p[0] & (FLAG_AUTH | FLAG_PRIV);
	return m->flags == FLAG_PRIV ? -1 : 0;
}

static int read_security(struct span params, struct usm_message *m)
{
	struct ber_reader all = {params.p, params.p + params.n}, at;
	struct span engine;
	int64_t boots, seconds;
	int tag;

	if (ber_next(&all, &tag, &at) < 0 || tag != BER_SEQUENCE || all.p != all.end ||
		ber_octets(&at, &engine) < 0 || ber_integer(&at, &boots) < 0 ||
		ber_integer(&at, &seconds) < 0 || ber_octets(&at, &m->user) < 0 ||
		ber_octets(&at, &m->auth) < 0 || ber_octets(&at, &m->priv) < 0 || at.p != at.end)
		return -1;
	if (engine.n == 0 || engine.n > USM_ENGINE_MAX || boots < 0 || boots > INT32_MAX ||
		seconds < 0 || seconds > INT32_MAX)
		return -1;
	m->engine = (struct usm_engine){
		.n = (uint8_t)engine.n, .boots = (int32_t)boots, .time = (int32_t)seconds};
	memcpy(m->engine.id, engine.p, engine.n);
	return 0;
}

int usm_read(struct span datagram, struct usm_message *ret)
{
	struct ber_reader all = {datagram.p, datagram.p + datagram.n}, at, header, rest;
	struct span security;
	int64_t version;
	int tag;

	*ret = (struct usm_message){.whole = datagram};
	if (datagram.n == 0 || ber_next(&all, &tag, &at) < 0 || tag != BER_SEQUENCE ||
		all.p != all.end || ber_integer(&at, &version) < 0 || version != SNMP_V3 ||
		ber_next(&at, &tag, &header) < 0 || tag != BER_SEQUENCE ||
		read_header(&header, ret) < 0 || ber_octets(&at, &security) < 0 ||
		read_security(security, ret) < 0)
		return -1;
	ret->data = at;
	return ber_next(&at, &tag, &rest) < 0 || at.p != at.end ||
			       tag != (ret->flags & FLAG_PRIV ? BER_OCTETS : BER_SEQUENCE)
		       ? -1
		       : 0;
}

/* The datagram, with nothing where the signature stands. */
static bool is_signed(const struct usm_message *m, const struct usm_user *u)
{
	static const uint8_t nothing[AUTH_MAX];
	uint8_t hmac[DIGEST_MAX];
	size_t before = (size_t)(m->auth.p - m->whole.p);

	if (u->level == USM_OPEN || !(m->flags & FLAG_AUTH) || m->auth.n != carried[u->digest])
		return false;
	sign(u, &m->engine,
		(const struct span[]){{m->whole.p, before}, {nothing, m->auth.n},
			{m->auth.p + m->auth.n, m->whole.n - before - m->auth.n}},
		3, hmac);
	return crypto_equal(hmac, m->auth.p, m->auth.n);
}

static int read_report(struct ber_reader pdu, struct usm_answer *ret)
{
	static const struct oid stats = {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}};
	struct ber_reader list, bind;
	struct oid name;
	int64_t n;
	int tag;

	for (int i = 0; i < 3; i++)
		if (ber_integer(&pdu, &n) < 0)
			return -1;
	if (ber_next(&pdu, &tag, &list) < 0 || tag != BER_SEQUENCE ||
		ber_next(&list, &tag, &bind) < 0 || tag != BER_SEQUENCE ||
		ber_oid(&bind, &name) < 0 || name.n != stats.n + 2)
		return -1;
	ret->report = (enum usm_report)name.id[stats.n];
	name.n = stats.n;
	return oid_cmp(&name, &stats) != 0 || ret->report < USM_LEVEL ||
			       ret->report > USM_UNDECIPHERED
		       ? -1
		       : 0;
}

static int read_scoped(struct ber_reader at, struct usm_answer *ret)
{
	struct ber_reader scoped, pdu, after;
	struct span engine, context;
	int tag;

	if (ber_next(&at, &tag, &scoped) < 0 || tag != BER_SEQUENCE ||
		ber_octets(&scoped, &engine) < 0 || ber_octets(&scoped, &context) < 0)
		return -1;
	after = scoped;
	if (ber_next(&after, &tag, &pdu) < 0 || after.p != after.end)
		return -1;
	return tag == SNMP_REPORT ? read_report(pdu, ret) : scan_take_response(&scoped, &ret->said);
}

static int decipher(const struct usm_message *m, const struct usm_user *u, uint8_t *plain,
	size_t size, struct ber_reader *ret)
{
	struct ber_reader at = m->data;
	struct span closed;

	if (u->level != USM_PRIV || m->priv.n != SALT || ber_octets(&at, &closed) < 0 ||
		closed.n == 0 || closed.n > size)
		return -1;
	cipher(false, u, &m->engine, m->priv.p, closed, plain);
	*ret = (struct ber_reader){plain, plain + closed.n};
	return 0;
}

int usm_open(const struct usm_message *m, const struct usm_user *u, uint8_t *plain, size_t size,
	struct usm_answer *ret)
{
	bool good = is_signed(m, u);
	struct ber_reader at = m->data;

	*ret = (struct usm_answer){.report = USM_NO_REPORT};
	if ((m->flags & FLAG_AUTH) && !good)
		return -1;
	if (m->flags & FLAG_PRIV && decipher(m, u, plain, size, &at) < 0)
		return -1;
	if (read_scoped(at, ret) < 0)
		return -1;
	if (ret->report != USM_NO_REPORT)
		return ret->report == USM_TIME && !good ? -1 : 0;
	/* a response is at least as safe as the question was */
	return (u->level >= USM_AUTH && !good) ||
			       (u->level == USM_PRIV && !(m->flags & FLAG_PRIV)) ||
			       m->user.n != strlen(u->name) ||
			       memcmp(m->user.p, u->name, m->user.n) != 0
		       ? -1
		       : 0;
}

bool usm_is_hello(const struct usm_message *m)
{
	struct usm_answer a = {.report = USM_NO_REPORT};

	return m->flags == 0 && read_scoped(m->data, &a) == 0 && a.report == USM_UNKNOWN_ENGINE;
}
