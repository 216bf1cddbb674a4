// SPDX-License-Identifier: Apache-2.0
/* Where a request comes from, behind proxies of our own. */
#include "services/gateway/origin.h"

#include <stdio.h>
#include <string.h>

static bool trusted(const struct address_rules *proxies, const char *text)
{
	struct address a;

	if (*text == '\0')
		return proxies->n_nets > 0;
	for (size_t i = 0; address_parse(text, &a) && i < proxies->n_nets; i++)
		if (address_in(&a, &proxies->nets[i]))
			return true;
	return false;
}

/* The last element of a comma list of n bytes, in the one spelling. What is left before it, or -1.
 */
static ssize_t last_of(const char *list, size_t n, char ret[static ADDRESS_TEXT])
{
	size_t begin = n;
	char text[ADDRESS_TEXT];
	struct address a;

	while (begin > 0 && list[begin - 1] != ',')
		begin--;
	const char *from = list + begin + strspn(list + begin, " \t");
	size_t length = strcspn(from, " \t,");
	if (length >= sizeof(text))
		return -1;
	memcpy(text, from, length);
	text[length] = '\0';
	if (!address_parse(text, &a))
		return -1;
	(void)address_text(&a, ret);
	return begin == 0 ? 0 : (ssize_t)begin - 1;
}

void origin_of(const struct address_rules *proxies, const char *peer, const char *forwarded,
	char ret[static ADDRESS_TEXT])
{
	ssize_t left = forwarded == NULL ? 0 : (ssize_t)strlen(forwarded);

	(void)snprintf(ret, ADDRESS_TEXT, "%s", peer);
	while (left > 0 && trusted(proxies, ret))
		left = last_of(forwarded, (size_t)left, ret);
}
