// SPDX-License-Identifier: Apache-2.0
/* Random bytes, wiping, and the text forms hex and base64. */
/* before base.h, whose word "unused" OpenSSL uses inside an attribute */
#include <openssl/crypto.h>

#include "common/crypto/crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

void crypto_random(void *out, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = getrandom((uint8_t *)out + done, n - done, 0);
		bug_if(got < 0 && errno != EINTR);
		if (got > 0)
			done += (size_t)got;
	}
}

void crypto_wipe(void *p, size_t n)
{
	if (n > 0)
		OPENSSL_cleanse(p, n);
}

void buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		crypto_wipe(b->p, b->cap);
	buf_fini(b);
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

static const char hex_digits[] = "0123456789abcdef";

void hex_encode(struct span in, char *out)
{
	for (size_t i = 0; i < in.n; i++) {
		out[2 * i] = hex_digits[in.p[i] >> 4];
		out[2 * i + 1] = hex_digits[in.p[i] & 15];
	}
	out[2 * in.n] = 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *s, uint8_t *out, size_t n)
{
	if (s == NULL || strlen(s) != 2 * n)
		return -1;
	for (size_t i = 0; i < 2 * n; i++)
		if (hex_value(s[i]) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(hex_value(s[2 * i]) * 16 + hex_value(s[2 * i + 1]));
	return 0;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i += 3) {
		size_t left = in.n - i;
		uint32_t v = (uint32_t)in.p[i] << 16;
		if (left > 1)
			v |= (uint32_t)in.p[i + 1] << 8;
		if (left > 2)
			v |= in.p[i + 2];
		char quad[4] = {base64_digits[v >> 18], base64_digits[v >> 12 & 63],
			left > 1 ? base64_digits[v >> 6 & 63] : '=',
			left > 2 ? base64_digits[v & 63] : '='};
		buf_add(out, quad, 4);
	}
}

static int base64_value(char c)
{
	const char *p = c == 0 ? NULL : strchr(base64_digits, c);
	return p == NULL ? -1 : (int)(p - base64_digits);
}

/* One group of four characters: bytes written (1 to 3), or -1. pad: '=' is allowed. */
static int quad_decode(const char *s, bool pad, uint8_t out[static 3])
{
	int n = 3;
	uint32_t v = 0;
	if (pad && s[3] == '=')
		n = s[2] == '=' ? 1 : 2;
	for (int i = 0; i < 4; i++) {
		int d = i <= n ? base64_value(s[i]) : 0;
		if (d < 0)
			return -1;
		v = v << 6 | (uint32_t)d;
	}
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	/* one text for one value: unused bits are zero */
	if ((n == 1 && (v & 0xffff) != 0) || (n == 2 && (v & 0xff) != 0))
		return -1;
	return n;
}

int base64_decode(const char *s, size_t n, struct buf *out)
{
	size_t before = out->n;
	if (n % 4 != 0)
		return -1;
	for (size_t i = 0; i < n; i += 4) {
		uint8_t bytes[3];
		int got = quad_decode(s + i, i + 4 == n, bytes);
		if (got < 0) {
			out->n = before;
			return -1;
		}
		buf_add(out, bytes, (size_t)got);
	}
	return out->err ? -1 : 0;
}
