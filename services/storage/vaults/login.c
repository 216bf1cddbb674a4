// SPDX-License-Identifier: Apache-2.0
/* Opening the login of a vault. */
#include "services/storage/vaults/login.h"

#include "common/vault/canonical.h"

static bool read_members(struct span text, struct login *l)
{
	struct canonical c;
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "passphrase"))
			canonical_text(&c, l->passphrase, sizeof(l->passphrase));
		else if (canonical_is(&c, "password"))
			canonical_text(&c, l->password, sizeof(l->password));
		else if (canonical_is(&c, "private_key"))
			canonical_text(&c, l->key, sizeof(l->key));
		else
			canonical_skip(&c);
	}
	return canonical_end(&c);
}

struct secret *login_open(const struct keys *k, const struct vault_address *a, struct span sealed,
	struct fault *reterr)
{
	uint8_t private_key[32];
	struct buf aad = BUF_INIT, text = BUF_INIT;
	struct login l = {.password = ""};
	struct secret *secret = NULL;
	vault_login_aad(&aad, &k->tenant, a);
	keys_login(k, private_key);
	if (box_open(private_key, buf_span(&aad), sealed, &text) == 0 &&
		read_members(buf_span(&text), &l))
		secret = secret_new((struct span){(const uint8_t *)&l, sizeof(l)});
	else
		(void)fault_why(reterr, CN_VALIDATION_FAILED, "login_sealed",
			"the login does not open for %s", a->place);
	crypto_wipe(private_key, sizeof(private_key));
	crypto_wipe(&l, sizeof(l));
	buf_wipe(&text);
	buf_fini(&aad);
	return secret;
}
