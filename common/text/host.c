// SPDX-License-Identifier: Apache-2.0
/* One spelling for every host: canonical addresses, A-labels (IDNA 2008, mapped as UTS #46 says),
 * lower case, no final dot. What is no host name stays as text: nothing is lost. */
#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/text/unicode.h"

/* Longer than any name may be (253): the library is not asked. */
#define HOST_MAX 1024

/* An IPv6 literal, in brackets or not, with a zone or not. */
static bool add_ipv6(const char *s, size_t n, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (n > 1 && s[0] == '[' && s[n - 1] == ']') {
		s++;
		n -= 2;
	}
	const char *zone = memchr(s, '%', n);
	size_t digits = zone ? (size_t)(zone - s) : n;
	if (digits >= sizeof(text))
		return false;
	memcpy(text, s, digits);
	text[digits] = 0;
	if (inet_pton(AF_INET6, text, &address) != 1 ||
		inet_ntop(AF_INET6, &address, text, sizeof(text)) == NULL)
		return false;
	buf_adds(out, text);
	buf_add(out, s + digits, n - digits);
	return true;
}

static size_t without_dots(const char *s, size_t n)
{
	size_t m = n;

	while (m > 0 && s[m - 1] == '.')
		m--;
	return m > 0 ? m : n;
}

/* An IPv4 literal is its own canonical form: four decimals without leading zeros. */
static void add_ascii(const char *s, size_t n, struct buf *out)
{
	if (memchr(s, ':', n) != NULL && add_ipv6(s, n, out))
		return;
	n = without_dots(s, n);
	for (size_t i = 0; i < n; i++)
		buf_addc(out, ascii_lower(s[i]));
}

int host_canonical(const char *host, struct buf *out)
{
	size_t n = strlen(host);
	char *labels = NULL; /* A-labels of a name that IDNA takes */
	bool ascii = true;

	for (size_t i = 0; i < n; i++)
		ascii = ascii && !((uint8_t)host[i] & 0x80);
	if (!ascii && n <= HOST_MAX &&
		idn2_to_ascii_8z(host, &labels, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		labels = NULL;
	if (labels != NULL && *labels)
		host = labels;
	add_ascii(host, strlen(host), out);
	idn2_free(labels);
	return out->err ? -1 : 0;
}
