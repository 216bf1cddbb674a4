// SPDX-License-Identifier: Apache-2.0
/* Signed checkpoints of the audit trail (security.md SE-31): each gateway looks, one of them signs.
 */
#pragma once

#include "services/gateway/gateway.h"

/* NULL with a fault when the key cannot be read. Without a key there are none. */
struct checkpoints *checkpoints_new(struct gateway *g, struct fault *reterr) must_check;
/* Whether a public key is one that signs, or signed, for us. */
bool checkpoints_ours(const struct gateway *g, const uint8_t key[static 32]);
/* What an administrator has to know, "" = nothing. */
const char *checkpoints_warning(const struct gateway *g);
