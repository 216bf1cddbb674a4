// SPDX-License-Identifier: Apache-2.0
/* Whose certificate is this? */
#pragma once

#include "common/crypto/crypto.h"

#define SPKI_PIN 48 /* base64 of a SHA-256, and a NUL */

/* Of the first certificate in a PEM text: base64 of the SHA-256 over its public key
 * (SubjectPublicKeyInfo), as curl and browsers pin it. -1: no certificate. */
int spki_pin(const char *pem, char ret[static SPKI_PIN]) must_check;
