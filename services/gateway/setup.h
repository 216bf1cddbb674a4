// SPDX-License-Identifier: Apache-2.0
/* First start (SE-55): no default account. While nobody exists, a one-time token is laid down in
 * setup_token_file, good for 30 minutes; POST /setup with it makes the first administrator. */
#pragma once

#include "services/gateway/gateway.h"

void setup_open(struct gateway *g);
