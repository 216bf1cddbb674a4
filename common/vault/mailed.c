// SPDX-License-Identifier: Apache-2.0
/* Sealing and opening what goes by mail. */
#include "common/vault/mailed.h"

#include <string.h>

#include "common/base/ascii.h"
#include "gen/errors.h"

#define MAGIC "CNMAIL1\n"
#define HEAD (sizeof(MAGIC) - 1 + sizeof(struct uuid))

/* Whoever knows the key may seal: the folder it is opened into is the reader's. */
static bool plain_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ascii_alpha(s[i]) && !ascii_digit(s[i]) && s[i] != '_' &&
			(i == 0 || (s[i] != '.' && s[i] != '-')))
			return false;
	return n > 0 && n < MAILED_NAME;
}

void mailed_add(struct buf *files, const char *name, struct span bytes)
{
	size_t n = strlen(name);
	bug_if(!plain_name(name, n));
	buf_addc(files, (char)n);
	buf_add(files, name, n);
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_addc(files, (char)((uint64_t)bytes.n >> shift & 0xff));
	buf_add(files, bytes.p, bytes.n);
}

void mailed_seal(const uint8_t public_key[static 32], const struct uuid *version, struct span files,
	struct buf *out)
{
	uint8_t head[HEAD];
	memcpy(head, MAGIC, sizeof(MAGIC) - 1);
	memcpy(head + sizeof(MAGIC) - 1, version->b, sizeof(version->b));
	buf_add(out, head, sizeof(head));
	box_seal(public_key, (struct span){head, sizeof(head)}, files, out);
}

int mailed_open(const uint8_t private_key[static 32], struct span sealed, struct uuid *ret_version,
	struct buf *ret_files, struct fault *reterr)
{
	if (sealed.n <= HEAD || memcmp(sealed.p, MAGIC, sizeof(MAGIC) - 1) != 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "header",
			"this is no version that came by mail");
	if (box_open(private_key, (struct span){sealed.p, HEAD},
		    (struct span){sealed.p + HEAD, sealed.n - HEAD}, ret_files) < 0)
		return fault_why(reterr, CN_STORE_VERIFY_FAILED, "seal",
			"it does not open: sealed to another key, or damaged");
	memcpy(ret_version->b, sealed.p + sizeof(MAGIC) - 1, sizeof(ret_version->b));
	return 0;
}

bool mailed_next(struct span *rest, char name[static MAILED_NAME], struct span *ret_bytes)
{
	uint64_t length = 0;
	if (rest->n == 0)
		return false;
	size_t n = rest->p[0];
	if (rest->n < 1 + n + 8 || !plain_name((const char *)rest->p + 1, n))
		return false;
	for (size_t i = 0; i < 8; i++)
		length = length << 8 | rest->p[1 + n + i];
	if (length > rest->n - (1 + n + 8))
		return false;
	memcpy(name, rest->p + 1, n);
	name[n] = 0;
	*ret_bytes = (struct span){rest->p + 1 + n + 8, (size_t)length};
	*rest = (struct span){ret_bytes->p + length, rest->n - (1 + n + 8) - (size_t)length};
	return true;
}
