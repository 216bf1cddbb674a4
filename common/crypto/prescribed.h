// SPDX-License-Identifier: Apache-2.0
/* What a peer's protocol prescribes (the security of SNMPv3: RFC 3414, 3826, 7860), over OpenSSL 3;
 * nothing of our own uses these. */
#pragma once

#include "common/crypto/crypto.h"

enum digest { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA224, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };
#define DIGEST_MAX 64
/* Octets; 0: this installation does not offer it. */
size_t digest_len(enum digest d);
/* Over several pieces, as one message; out gets digest_len octets, the digest must be offered. */
void digest_pieces(enum digest d, const struct span *pieces, size_t n, uint8_t *out);
/* Over the text again and again, until it is total octets. */
void digest_repeated(enum digest d, struct span text, size_t total, uint8_t *out);
void digest_hmac(enum digest d, struct span key, const struct span *pieces, size_t n, uint8_t *out);
/* AES-128 in CFB mode: out gets in.n octets. It does not tell a wrong key. */
void aes128_cfb(bool encrypt, const uint8_t key[static 16], const uint8_t iv[static 16],
	struct span in, uint8_t *out);
