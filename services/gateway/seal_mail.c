// SPDX-License-Identifier: Apache-2.0
/* The password of a mail ends here: a key is made of it, to which storage seals the version
 * (storage.md ST-54). Nothing behind the gateway sees it. */
#include <stdlib.h>
#include <string.h>

#include "common/vault/mailed.h"
#include "services/gateway/seal.h"

struct making {
	struct rest *rest;
	char *password;
	uint8_t kdf[MAILED_KDF], key[32];
	struct fault fault;
};

static void make(void *arg)
{
	struct making *m = arg;
	const struct span password = {(const uint8_t *)m->password, strlen(m->password)};
	(void)!mailed_password_make(password, m->kdf, m->key, &m->fault);
	crypto_wipe(m->password, password.n);
}

static void put(json_t *root, const char *member, struct span bytes)
{
	struct buf text = BUF_INIT;
	base64_encode(bytes, &text);
	(void)json_object_set_new(root, member, json_string(buf_str(&text)));
	buf_fini(&text);
}

static void made(void *arg)
{
	struct making *m = arg;
	struct rest *r = m->rest;
	put(r->json, "recipient_key", (struct span){m->key, sizeof(m->key)});
	put(r->json, "password_kdf", (struct span){m->kdf, sizeof(m->kdf)});
	const struct fault f = m->fault;
	free(m->password);
	free(m);
	if (f.code != 0)
		rest_fault(r, &f);
	else
		r->then(r);
}

/* It must not travel in the same mail. */
static bool told(const json_t *root, const char *password)
{
	static const char *const texts[] = {"who", "why", "description"};
	for (size_t i = 0; i < array_len(texts); i++) {
		const char *text = json_string_value(json_object_get(root, texts[i]));
		if (text != NULL && strstr(text, password) != NULL)
			return true;
	}
	return false;
}

void seal_mail(struct rest *r, void (*then)(struct rest *r))
{
	const json_t *given = json_object_get(r->json, "password");
	const char *password = json_string_value(given);
	if (given == NULL) {
		then(r);
	} else if (json_object_get(r->json, "recipient_key") != NULL) {
		rest_refuse(r, CN_VALIDATION_FAILED, "mail_key",
			"a mail is sealed to a key or to a password, not to both");
	} else if (password == NULL || !mailed_password_good(password)) {
		rest_refuse(r, CN_VALIDATION_FAILED, "mail_password",
			"the password of a mail is %d to %d printable ASCII characters, no space "
			"at either end",
			MAILED_PASSWORD_MIN, MAILED_PASSWORD_MAX);
	} else if (told(r->json, password)) {
		rest_refuse(r, CN_VALIDATION_FAILED, "mail_password_told",
			"the password stands in the text of the mail: agree it by another way");
	} else {
		struct making *m = mem_alloc(sizeof(*m));
		*m = (struct making){.rest = r, .password = mem_strdup(password)};
		(void)json_object_del(r->json, "password");
		r->then = then;
		loop_work(r->gateway->service->loop, make, made, m);
	}
}
