// SPDX-License-Identifier: Apache-2.0
/* Addresses of servers. Pure. */
#include "services/storage/vaults/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

static bool take(char *out, size_t size, const char *from, size_t n)
{
	if (n >= size)
		return false;
	memcpy(out, from, n);
	out[n] = 0;
	return true;
}

static bool plain(const char *s)
{
	for (; *s != 0; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f || strchr("%?#\\\"@", *s) != NULL)
			return false;
	return true;
}

/* Folders only go down. */
static bool path_good(const char *path)
{
	for (const char *slash = path; *slash == '/';) {
		size_t n = strcspn(slash + 1, "/");
		if (n == 0 || (n == 1 && slash[1] == '.') ||
			(n == 2 && slash[1] == '.' && slash[2] == '.'))
			return false;
		slash += n + 1;
	}
	return true;
}

static bool port_of(const char *text, size_t n, unsigned *ret)
{
	char *end;
	if (n == 0) {
		*ret = 0;
		return true;
	}
	unsigned long port = strtoul(text + 1, &end, 10);
	*ret = (unsigned)port;
	return text[0] == ':' && text[1] >= '0' && text[1] <= '9' && end == text + n && port > 0 &&
	       port < 65536;
}

static bool parse(const char *text, struct server *p)
{
	const char *host = strstr(text, "://");
	if (host == NULL || !plain(text) ||
		!take(p->scheme, sizeof(p->scheme), text, (size_t)(host - text)))
		return false;
	host += 3;
	size_t n = strcspn(host, "/"), length;
	const char *path = host + n;
	const char *end;
	if (host[0] == '[') {
		end = memchr(host, ']', n);
		if (end == NULL ||
			!take(p->host, sizeof(p->host), host + 1, (size_t)(end - host) - 1))
			return false;
		end++;
	} else {
		end = host + strcspn(host, ":/");
		if (!take(p->host, sizeof(p->host), host, (size_t)(end - host)))
			return false;
	}
	if (p->host[0] == 0 || p->host[0] == '-' || !port_of(end, (size_t)(path - end), &p->port))
		return false;
	length = strlen(path);
	while (length > 0 && path[length - 1] == '/')
		length--;
	return take(p->path, sizeof(p->path), path, length) && path_good(p->path);
}

int server_parse(const char *text, struct server *ret, struct fault *reterr)
{
	struct server p = {.port = 0};
	if (!parse(text, &p))
		return fault_why(reterr, CN_VALIDATION_FAILED, "place_form",
			"'%.200s' is no address like sftp://host:22/path", text);
	*ret = p;
	return 0;
}
