// SPDX-License-Identifier: Apache-2.0
/* Secrets typed by a person are sealed here, at the door, to the worker class. */
#include "services/gateway/seal.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/crypto/factory.h"

/* Members of a credential that never go further in clear (fleet.md 1.5). */
static const char *const secret_members[] = {"user", "password", "id_number", "pin", "domain",
	"community_read", "community_write", "auth_protocol", "auth_password", "privacy_protocol",
	"privacy_password", "context", "token", "bytes"};

void seal_aad(
	struct buf *out, const char *purpose, const struct uuid *tenant, const struct uuid *id)
{
	buf_add(out, purpose, strlen(purpose) + 1);
	buf_add(out, tenant->b, sizeof(tenant->b));
	buf_add(out, id->b, sizeof(id->b));
}

/* Where a sealed text stands, and what it is for. */
struct slot {
	const char *member;
	const char *purpose;
};
static const struct slot CREDENTIAL = {"sealed", "carnet-credential-1"};
static const struct slot PASSWORD = {"password_sealed", "carnet-password-1"};

/* Seals text and puts it, base64, into the object. */
static int seal_into(const struct gateway *g, json_t *object, const struct slot *slot,
	const struct uuid *id, const char *text, struct fault *reterr)
{
	struct buf aad = BUF_INIT;
	struct buf box = BUF_INIT;
	struct buf base64 = BUF_INIT;

	if (!g->class_known)
		return fault_why(reterr, CN_VALIDATION_FAILED, "no_class_key",
			"no worker class key is configured: secrets cannot be sealed");
	seal_aad(&aad, slot->purpose, &g->tenant, id);
	box_seal(g->class_public, buf_span(&aad),
		(struct span){(const uint8_t *)text, strlen(text)}, &box);
	base64_encode(buf_span(&box), &base64);
	int rc = json_object_set_new(object, slot->member, json_string(buf_str(&base64)));
	buf_fini(&aad);
	buf_fini(&box);
	buf_fini(&base64);
	return rc == 0 ? 0 : fault_set(reterr, CN_INTERNAL_ERROR, "out of memory");
}

/* The object's id: that of the request where none is given. */
static int id_of(const struct rest *r, json_t *object, struct uuid *ret_id, struct fault *reterr)
{
	const char *text = json_string_value(json_object_get(object, "id"));
	char made[UUID_TEXT];

	if (text != NULL)
		return uuid_parse(text, ret_id) == 0
			       ? 0
			       : fault_set(reterr, CN_VALIDATION_FAILED, "id: not a UUID");
	*ret_id = r->request;
	return json_object_set_new(object, "id", json_string(uuid_format(ret_id, made)));
}

/* Moves the secret members into one document; NULL when there is none. */
static json_t *take_secrets(json_t *credential)
{
	json_t *secrets = NULL;

	for (size_t i = 0; i < array_len(secret_members); i++) {
		json_t *v = json_object_get(credential, secret_members[i]);
		if (v == NULL)
			continue;
		if (secrets == NULL)
			secrets = json_object();
		/* a department id is "id" on the device, but the resource has an id of its own */
		const char *name =
			strcmp(secret_members[i], "id_number") == 0 ? "id" : secret_members[i];
		(void)json_object_set(secrets, name, v);
		(void)json_object_del(credential, secret_members[i]);
	}
	return secrets;
}

static const char *member(const json_t *object, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : json_string_value(json_object_get(object, otherwise));
}

/* Here alone it is seen in clear before it is used: whether every new device has this login goes
 * on as a yes or no, and nothing else (FL-16). */
static bool everybody_knows(const json_t *credential, const json_t *secrets)
{
	return login_kind(json_string_value(json_object_get(credential, "kind"))) &&
	       login_is_factory(member(secrets, "user", "id"), member(secrets, "password", "pin"));
}

static int seal_credential(const struct rest *r, json_t *credential, struct fault *reterr)
{
	struct uuid id;
	json_t *secrets = take_secrets(credential);

	(void)json_object_del(credential, "factory_default"); /* nobody says so but us */
	if (secrets == NULL)
		return 0;
	if (everybody_knows(credential, secrets))
		(void)json_object_set_new(credential, "factory_default", json_true());
	char *text = json_dumps(secrets, JSON_COMPACT);
	json_decref(secrets);
	int rc = id_of(r, credential, &id, reterr);
	if (rc == 0)
		rc = seal_into(r->gateway, credential, &CREDENTIAL, &id, text, reterr);
	crypto_wipe(text, strlen(text));
	free(text);
	return rc;
}

/* 4 to 32 printable ASCII characters without a space at either end (storage.md ST-33). */
static bool good_password(const char *p)
{
	size_t n = strlen(p);

	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return n >= 4 && n <= 32 && p[0] != ' ' && p[n - 1] != ' ';
}

static int seal_task(const struct rest *r, json_t *task, struct fault *reterr)
{
	char id[UUID_TEXT];
	json_t *settings = json_object_get(task, "settings");
	const char *password = json_string_value(json_object_get(settings, "encryption_password"));

	/* shown, and ours alone to say */
	(void)json_object_del(settings, "password_id");
	(void)json_object_del(settings, "password_set");
	if (password == NULL)
		return 0;
	if (!good_password(password))
		return fault_why(reterr, CN_VALIDATION_FAILED, "password_form",
			"settings.encryption_password: 4 to 32 printable ASCII characters, "
			"no space at either end");
	/* a new password is a new id: versions made with the old one name the old id (FL-42) */
	(void)json_object_set_new(
		settings, "password_id", json_string(uuid_format(&r->request, id)));
	int rc = seal_into(r->gateway, settings, &PASSWORD, &r->request, password, reterr);
	(void)json_object_del(settings, "encryption_password");
	return rc;
}

int seal_request(struct rest *r, struct fault *reterr)
{
	const struct route *route = r->match.route;

	if (route->seal == NULL || route->body_field == NULL)
		return 0;
	json_t *body = json_object_get(r->json, route->body_field);
	if (!json_is_object(body))
		return 0;
	return strcmp(route->seal, "task") == 0 ? seal_task(r, body, reterr)
						: seal_credential(r, body, reterr);
}
