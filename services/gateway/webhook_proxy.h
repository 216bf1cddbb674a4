// SPDX-License-Identifier: Apache-2.0
/* Webhooks through a proxy: the proxy is what we connect to, and what networks are allowed for; the
 * receiver's name is resolved there, not here (docs/spec/security.md SE-11). Pure. */
#pragma once

#include "common/net/address.h"
#include "services/gateway/notice.h"

/* "http://HOST:PORT", nothing after it. CN_VALIDATION_FAILED "webhook_url". */
int webhook_proxy(const char *text, struct notice_target *ret, struct fault *reterr) must_check;
/* "http://IP:PORT", as the client wants it. */
#define WEBHOOK_PROXY_TEXT 80
void webhook_proxy_text(const char *ip, unsigned port, char out[static WEBHOOK_PROXY_TEXT]);
/* Whether a proxy may be asked for this host. What is an address must be one that is not refused
 * anyway (SE-10), in the plain spelling (SE-12: 0x7f.1 is one, too, for some), and nobody asks for
 * localhost, which would be the proxy's. 0, or -1 with CN_ADDRESS_REFUSED. */
int webhook_proxy_may(
	const char *host, const struct address_rules *rules, struct fault *reterr) must_check;
