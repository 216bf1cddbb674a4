// SPDX-License-Identifier: Apache-2.0
/* Device setting values of types II and III. SIMULATED ONLY: the real format is not public; this is
 * an opaque container of our own.
 *
 *     "CARNET-SIM-DSV1\n"   16 bytes
 *     length                8 bytes big-endian, of the whole file
 *     nonce                 12 bytes, from key and content: equal content gives equal bytes
 *     AES-256-GCM           of: for each item a line "ITEM <name> <bytes>\n" and its .abk text
 */
#include "common/crypto/crypto.h"
#include "services/simulator/book.h"

#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "CARNET-SIM-DSV1\n";

enum { HEAD = sizeof(MAGIC) - 1 + 8 };

static struct span text_span(const char *s)
{
	return (struct span){.p = (const uint8_t *)s, .n = strlen(s)};
}

static void plain_of(const struct device *d, uint32_t items, struct buf *out)
{
	for (int i = 0; i < ITEMS; i++) {
		struct buf text = BUF_INIT;
		if (!(items & 1u << i))
			continue;
		book_text(d, (enum item)i, true, &text);
		buf_addf(out, "ITEM %s %zu\n", item_name((enum item)i), text.n);
		buf_add(out, text.p, text.n);
		buf_fini(&text);
	}
}

static void put_head(uint8_t *head, size_t total)
{
	memcpy(head, MAGIC, sizeof(MAGIC) - 1);
	for (size_t i = 0; i < 8; i++)
		head[sizeof(MAGIC) - 1 + i] = (uint8_t)((uint64_t)total >> (56 - 8 * i));
}

void dsv_export(const struct device *d, uint32_t items, const char *password, struct buf *out)
{
	struct buf plain = BUF_INIT;
	uint8_t key[KEY_LEN], mac[SHA256_LEN], head[HEAD];

	plain_of(d, items, &plain);
	size_t total = HEAD + GCM_NONCE + plain.n + GCM_TAG;
	put_head(head, total);
	hkdf_sha256(text_span(password), text_span(d->serial), text_span("carnet-sim-dsv"), key,
		sizeof(key));
	hmac_sha256((struct span){.p = key, .n = sizeof(key)},
		&(struct span){.p = plain.p, .n = plain.n}, 1, mac);
	uint8_t *sealed = mem_alloc(plain.n + GCM_TAG);
	gcm_seal(key, mac, (struct span){.p = head, .n = HEAD}, buf_span(&plain), sealed);
	buf_add(out, head, HEAD);
	buf_add(out, mac, GCM_NONCE);
	buf_add(out, sealed, plain.n + GCM_TAG);
	crypto_wipe(key, sizeof(key));
	buf_fini(&plain);
	free(sealed);
}
