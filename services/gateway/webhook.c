// SPDX-License-Identifier: Apache-2.0
/* Keys and tokens of webhooks. */
#include "services/gateway/webhook.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "services/gateway/seal.h"

static void key_of(const struct gateway *g, uint8_t key[static KEY_LEN])
{
	static const char info[] = "carnet-webhook-1";

	hkdf_sha256((struct span){g->pepper, g->pepper_n}, (struct span){NULL, 0},
		(struct span){(const uint8_t *)info, sizeof(info)}, key, KEY_LEN);
}

void webhook_seal(const struct gateway *g, const char *purpose, const struct uuid *webhook,
	struct span secret, struct buf *out)
{
	uint8_t key[KEY_LEN];
	struct buf aad = BUF_INIT;

	key_of(g, key);
	seal_aad(&aad, purpose, &g->tenant, webhook);
	seal_value(key, buf_span(&aad), secret, out);
	crypto_wipe(key, sizeof(key));
	buf_fini(&aad);
}

int webhook_open(const struct gateway *g, const char *purpose, const struct uuid *webhook,
	struct span sealed, struct buf *out)
{
	uint8_t key[KEY_LEN];
	struct buf aad = BUF_INIT;

	key_of(g, key);
	seal_aad(&aad, purpose, &g->tenant, webhook);
	int rc = open_value(key, buf_span(&aad), sealed, out);
	crypto_wipe(key, sizeof(key));
	buf_fini(&aad);
	return rc;
}

void webhook_sign(
	const struct span *keys, size_t keys_n, int64_t at_s, struct span body, struct buf *out)
{
	uint8_t mac[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1], at[32];
	int n = snprintf(at, sizeof(at), "%lld.", (long long)at_s);
	const struct span pieces[] = {{(const uint8_t *)at, (size_t)n}, body};

	for (size_t i = 0; i < keys_n; i++) {
		hmac_sha256(keys[i], pieces, array_len(pieces), mac);
		hex_encode((struct span){mac, sizeof(mac)}, hex);
		buf_addf(out, "%sv1=%s", i == 0 ? "" : ",", hex);
	}
}
