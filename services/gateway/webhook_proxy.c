// SPDX-License-Identifier: Apache-2.0
/* Pure: webhooks through a proxy. */
#include "services/gateway/webhook_proxy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/ascii.h"
#include "gen/errors.h"

static int bad_proxy(struct fault *reterr)
{
	return fault_why(reterr, CN_VALIDATION_FAILED, "webhook_url",
		"proxy: http://HOST:PORT, and nothing else");
}

int webhook_proxy(const char *text, struct notice_target *ret, struct fault *reterr)
{
	struct notice_target t;
	struct fault why = FAULT_INIT;

	if (strncasecmp(text, "http://", 7) != 0 || notice_target(text, &t, &why) != 0)
		return bad_proxy(reterr);
	const char *after = strrchr(text + 7, ':'), *bracket = strchr(text, ']');
	if (after == NULL || (bracket != NULL && after < bracket) ||
		after[1 + strspn(after + 1, "0123456789")] != '\0')
		return bad_proxy(reterr);
	*ret = t;
	return 0;
}

void webhook_proxy_text(const char *ip, unsigned port, char out[static WEBHOOK_PROXY_TEXT])
{
	bool v6 = strchr(ip, ':') != NULL;

	(void)snprintf(
		out, WEBHOOK_PROXY_TEXT, v6 ? "http://[%.46s]:%u" : "http://%.46s:%u", ip, port);
}

/* Ends in a number, as the last part of an address would, decimal or hexadecimal. */
static bool ends_in_number(const char *host, size_t n)
{
	size_t from = n;

	while (from > 0 && host[from - 1] != '.')
		from--;
	return n > from && ascii_digit(host[from]);
}

static bool is_localhost(const char *host, size_t n)
{
	static const char name[] = "localhost";
	const size_t len = sizeof(name) - 1;

	return n >= len && strncasecmp(host + n - len, name, len) == 0 &&
	       (n == len || host[n - len - 1] == '.');
}

int webhook_proxy_may(const char *host, const struct address_rules *rules, struct fault *reterr)
{
	const struct address_rules anywhere = {.allow_loopback = rules->allow_loopback};
	size_t n = strlen(host);
	struct address a;

	if (address_parse(host, &a))
		return address_check(&a, &anywhere, anywhere.allow_loopback, reterr);
	if (n > 0 && host[n - 1] == '.')
		n--;
	if (n == 0 || strchr(host, ':') != NULL || ends_in_number(host, n))
		return fault_why(reterr, CN_ADDRESS_REFUSED, "address_spelling",
			"%s: an address only in its plain spelling", host);
	if (is_localhost(host, n))
		return fault_why(reterr, CN_ADDRESS_REFUSED, "loopback",
			"%s: that would be the proxy itself", host);
	return 0;
}
