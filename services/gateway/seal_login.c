// SPDX-License-Identifier: Apache-2.0
/* The login of a vault on a server is sealed to storage before it goes on, and bound to where it is
 * for (security.md section 8). */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/vault/address.h"
#include "services/gateway/seal.h"

static const char *const secrets[] = {"passphrase", "password", "private_key"};

/* Canonical JSON of the secret members, which leave the request; NULL when there are none. */
static char *take(json_t *root)
{
	json_t *taken = json_object();

	for (size_t i = 0; i < array_len(secrets); i++) {
		json_t *v = json_object_get(root, secrets[i]);
		if (json_is_string(v))
			(void)json_object_set(taken, secrets[i], v);
		(void)json_object_del(root, secrets[i]);
	}
	char *text = json_object_size(taken) == 0
			     ? NULL
			     : json_dumps(taken, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(taken);
	return text;
}

static const char *member(const json_t *root, const char *name)
{
	return json_string_value(json_object_get(root, name));
}

static int seal(struct rest *r, const uint8_t public_key[static 32])
{
	struct buf aad = BUF_INIT, box = BUF_INIT, base64 = BUF_INIT;
	const struct vault_address to = {.kind = member(r->json, "kind"),
		.place = member(r->json, "place"),
		.account = member(r->json, "account"),
		.pin = member(r->json, "pin"),
		.region = member(r->json, "region")};
	char *text = take(r->json);

	vault_login_aad(&aad, &r->gateway->tenant, &to);
	box_seal(public_key, buf_span(&aad), (struct span){(uint8_t *)text, strlen(text)}, &box);
	crypto_wipe(text, strlen(text));
	free(text);
	base64_encode(buf_span(&box), &base64);
	int rc = json_object_set_new(r->json, "login", json_string(buf_str(&base64)));
	buf_fini(&aad);
	buf_fini(&box);
	buf_fini(&base64);
	return rc;
}

static void got(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct rest *r = arg;
	const struct m_vault_key_is *is = body;

	(void)instance;
	if (f != NULL)
		rest_fault(r, f);
	else if (is->public_key.n != 32 || seal(r, is->public_key.p) != 0)
		rest_refuse(r, CN_INTERNAL_ERROR, "", "the login could not be sealed");
	else
		r->then(r);
}

void seal_login(struct rest *r, void (*then)(struct rest *r))
{
	const struct route *route = r->match.route;
	struct peer_opts opts = rest_opts(r);
	const struct m_vault_key ask = {.has = 0};
	bool any = false;

	for (size_t i = 0; i < array_len(secrets); i++)
		any |= json_is_string(json_object_get(r->json, secrets[i]));
	if (route->seal == NULL || strcmp(route->seal, "login") != 0 || !any) {
		then(r);
		return;
	}
	r->then = then;
	opts.request = (struct uuid){.b = {0}};
	peer_call(r->gateway->storage, &m_vault_key_desc, &ask, &opts, got, r);
}
