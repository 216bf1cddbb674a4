// SPDX-License-Identifier: Apache-2.0
/* Keys and tokens of webhooks: sealed at rest under a key made of the pepper, opened to sign. */
#pragma once

#include "common/base/buf.h"
#include "services/gateway/gateway.h"

#define WEBHOOK_KEY 32

/* What a sealed value is for; one cannot be put in the place of another. */
#define WEBHOOK_KEY_PURPOSE "carnet-webhook-key-1"
#define WEBHOOK_TOKEN_PURPOSE "carnet-webhook-token-1"

void webhook_seal(const struct gateway *g, const char *purpose, const struct uuid *webhook,
	struct span secret, struct buf *out);
/* -1: not ours, or another pepper; out is untouched. Wipe it. */
int webhook_open(const struct gateway *g, const char *purpose, const struct uuid *webhook,
	struct span sealed, struct buf *out) must_check;
/* "v1=…" or "v1=…,v1=…": HMAC-SHA-256 of "at_s.body" under each key (FL-65). */
void webhook_sign(
	const struct span *keys, size_t keys_n, int64_t at_s, struct span body, struct buf *out);
