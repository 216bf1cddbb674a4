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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "CARNET-SIM-DSV1\n";

enum { HEAD = sizeof(MAGIC) - 1 + 8 };

static struct span text_span(const char *s)
{
	return (struct span){.p = (const uint8_t *)s, .n = strlen(s)};
}

void dsv_plain(const struct device *d, uint32_t items, struct buf *out)
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

static void key_of(const struct device *d, const char *password, uint8_t key[static KEY_LEN])
{
	hkdf_sha256(text_span(*password ? password : "none"), text_span(d->serial),
		text_span("carnet-sim-dsv"), key, KEY_LEN);
}

void dsv_export(const struct device *d, uint32_t items, const char *password, struct buf *out)
{
	struct buf plain = BUF_INIT;
	uint8_t key[KEY_LEN], mac[SHA256_LEN], head[HEAD];

	dsv_plain(d, items, &plain);
	size_t total = HEAD + GCM_NONCE + plain.n + GCM_TAG;
	put_head(head, total);
	key_of(d, password, key);
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

bool dsv_open(const struct device *d, struct span file, const char *password, struct buf *out)
{
	uint8_t key[KEY_LEN], head[HEAD];
	bool good = false;

	if (file.n < HEAD + GCM_NONCE + GCM_TAG)
		return false;
	put_head(head, file.n);
	if (memcmp(file.p, head, HEAD) != 0)
		return false;
	size_t n = file.n - HEAD - GCM_NONCE - GCM_TAG;
	uint8_t *plain = mem_alloc(n + 1);
	key_of(d, password, key);
	good = gcm_open(key, file.p + HEAD, (struct span){.p = head, .n = HEAD},
		       (struct span){.p = file.p + HEAD + GCM_NONCE, .n = n + GCM_TAG}, plain) == 0;
	if (good)
		buf_add(out, plain, n);
	crypto_wipe(key, sizeof(key));
	free(plain);
	return good;
}

bool dsv_next(struct span plain, size_t *at, enum item *ret_item, struct span *ret_text)
{
	char name[32];
	const char *p = (const char *)plain.p + *at;
	const char *end = *at < plain.n ? memchr(p, '\n', plain.n - *at) : NULL;
	unsigned long n = 0;

	if (!end || (size_t)(end - p) >= 64 || sscanf(p, "ITEM %31s %lu", name, &n) != 2)
		return false;
	size_t from = (size_t)(end + 1 - (const char *)plain.p);
	int item = item_find(name);
	if (item < 0 || n > plain.n - from)
		return false;
	*ret_item = (enum item)item;
	*ret_text = (struct span){.p = plain.p + from, .n = n};
	*at = from + n;
	return true;
}
