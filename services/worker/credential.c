// SPDX-License-Identifier: Apache-2.0
/* Opening of sealed credentials and of the task's password. */
#include "services/worker/credential.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"

/* with their NUL */
static const struct span CREDENTIAL_AAD = {(const uint8_t *)"carnet-credential-1", 20};
static const struct span PASSWORD_AAD = {(const uint8_t *)"carnet-password-1", 18};

/* What the box is bound to: word NUL tenant id (SE-37). */
static struct span binding(
	struct buf *b, struct span word, const struct uuid *tenant, const struct uuid *id)
{
	buf_add(b, word.p, word.n);
	buf_add(b, tenant->b, sizeof(tenant->b));
	buf_add(b, id->b, sizeof(id->b));
	return buf_span(b);
}

static int open_box(const struct credential_keys *keys, struct span word, const struct uuid *id,
	struct span sealed, struct buf *out, struct fault *reterr)
{
	struct buf aad = BUF_INIT;
	int r = -1;

	if (keys->have)
		r = box_open(
			keys->private_key, binding(&aad, word, &keys->tenant, id), sealed, out);
	buf_fini(&aad);
	if (r < 0)
		return fault_why(reterr, CN_AUTH_MISSING,
			keys->have ? "sealed_otherwise" : "no_class_key",
			"the stored secret does not open with this worker's class key");
	return 0;
}

static void wipe_buf(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_fini(b);
}

static bool take(const json_t *object, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(object, name));

	if (s == NULL)
		return true;
	if (strlen(s) >= size)
		return false;
	memcpy(out, s, strlen(s) + 1);
	return true;
}

#define TAKE(member) take(o, #member, c->member, sizeof(c->member))

static bool read_members(const json_t *o, struct credential *c)
{
	return TAKE(user) && TAKE(password) && TAKE(id) && TAKE(pin) && TAKE(domain) &&
	       TAKE(community_read) && TAKE(community_write) && TAKE(auth_protocol) &&
	       TAKE(auth_password) && TAKE(privacy_protocol) && TAKE(privacy_password) &&
	       TAKE(context);
}

int credential_open(const struct credential_keys *keys, const struct m_sealed_credential *sealed,
	struct credential *ret, struct fault *reterr)
{
	struct buf plain = BUF_INIT;
	struct credential c = {.kind = ""};
	json_t *o = NULL;
	bool good = false;

	if (open_box(keys, CREDENTIAL_AAD, &sealed->id, sealed->sealed, &plain, reterr) < 0)
		goto out;
	o = json_loadb((const char *)plain.p, plain.n, JSON_REJECT_DUPLICATES, NULL);
	snprintf(c.kind, sizeof(c.kind), "%s", sealed->kind);
	good = json_is_object(o) && read_members(o, &c);
	if (good)
		*ret = c;
	else
		fault_why(
			reterr, CN_AUTH_MISSING, "malformed", "the stored secret is not readable");
out:
	json_decref(o);
	wipe_buf(&plain);
	credential_wipe(&c);
	return good ? 0 : -1;
}

void credential_wipe(struct credential *c)
{
	crypto_wipe(c, sizeof(*c));
}

int credential_password(const struct credential_keys *keys, const struct uuid *id,
	struct span sealed, struct buf *out, struct fault *reterr)
{
	return open_box(keys, PASSWORD_AAD, id, sealed, out, reterr);
}
