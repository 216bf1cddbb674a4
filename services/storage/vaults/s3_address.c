// SPDX-License-Identifier: Apache-2.0
/* Where a bucket is, as people write it. */
#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/storage/vaults/s3_link.h"

/* "/bucket/prefix" of the place. */
static bool split(struct s3_target *t)
{
	char *path = t->server.path;
	size_t n = path[0] == 0 ? 0 : strcspn(path + 1, "/");
	if (n < 3 || n >= sizeof(t->bucket))
		return false;
	(void)snprintf(t->bucket, sizeof(t->bucket), "%.*s", (int)n, path + 1);
	if (t->bucket[strspn(t->bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789._-")] != 0)
		return false;
	const char *rest = path + 1 + n;
	if (rest[0] != 0 && (size_t)snprintf(t->prefix, sizeof(t->prefix), "%s/", rest + 1) >=
				    sizeof(t->prefix))
		return false;
	path[0] = 0;
	return true;
}

/* "sha256//…", as curl writes it, or the same without. */
static bool take_pin(struct s3_target *t, const char *pin)
{
	struct buf digest = BUF_INIT;
	if (pin == NULL || pin[0] == 0)
		return true;
	if (strncmp(pin, "sha256//", 8) == 0)
		pin += 8;
	bool good = strlen(pin) < sizeof(t->pin) && base64_decode(pin, strlen(pin), &digest) == 0 &&
		    digest.n == SHA256_LEN;
	buf_fini(&digest);
	if (good)
		(void)snprintf(t->pin, sizeof(t->pin), "%s", pin);
	return good;
}

static bool known_scheme(const struct s3_target *t)
{
	return t->by_name || strcmp(t->server.scheme, "https") == 0 ||
	       strcmp(t->server.scheme, "http") == 0;
}

int s3_address(const struct vault_address *a, struct s3_target *t, struct fault *reterr)
{
	if (server_parse(a->place, &t->server, reterr) < 0)
		return -1;
	t->by_name = strcmp(t->server.scheme, "s3") == 0;
	if (!known_scheme(t) || !split(t))
		return fault_why(reterr, CN_VALIDATION_FAILED, "place_form",
			"'%.200s' is no address like https://host/bucket/prefix", a->place);
	if (!take_pin(t, a->pin))
		return fault_why(reterr, CN_VALIDATION_FAILED, "pin_form",
			"'%.80s' is no SHA-256 of a key in base64", a->pin);
	(void)snprintf(t->account, sizeof(t->account), "%s", a->account);
	(void)snprintf(t->region, sizeof(t->region), "%s",
		a->region == NULL || a->region[0] == 0 ? "us-east-1" : a->region);
	return 0;
}
