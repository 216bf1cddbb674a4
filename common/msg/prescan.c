// SPDX-License-Identifier: Apache-2.0
/* What must be true of untrusted bytes before msgpack-c sees them (SE-50): it reserves memory for
 * whatever count a peer declares. One pass, no allocation, a stack of 16. */
#include <string.h>

#include "common/msg/msg.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define DEPTH 16
#define COUNT_MAX 131072u /* elements and pairs in all: a renewal of 16,384 locks has 81,920 */

struct level {
	uint64_t left; /* objects still to come; a pair is two */
	bool map;
	uint64_t seen[4]; /* keys so far, one bit each */
};

struct scan {
	const uint8_t *p;
	size_t n;
	size_t at;
	uint64_t count;
	size_t depth;
	struct level stack[DEPTH];
	const char *wrong;
};

static int wrong(struct scan *s, const char *what)
{
	s->wrong = what;
	return -1;
}

static int skip(struct scan *s, uint64_t n)
{
	if (n > s->n - s->at)
		return wrong(s, "ends in the middle");
	s->at += n;
	return 0;
}

/* Big-endian number of `bytes` bytes. */
static int length(struct scan *s, unsigned bytes, uint64_t *ret)
{
	uint64_t v = 0;

	if (bytes > s->n - s->at)
		return wrong(s, "ends in the middle");
	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | s->p[s->at++];
	*ret = v;
	return 0;
}

static int text(struct scan *s, uint64_t n)
{
	const uint8_t *p = s->p + s->at;

	if (skip(s, n) != 0)
		return -1;
	if (n > 0 && memchr(p, 0, n) != NULL)
		return wrong(s, "text holds a NUL");
	return utf8_valid(p, n) ? 0 : wrong(s, "text is not UTF-8");
}

static int open_level(struct scan *s, uint64_t count, bool map)
{
	uint64_t objects = map ? count * 2 : count;

	if (objects > s->n - s->at)
		return wrong(s, "count is larger than the bytes left");
	s->count += count;
	if (s->count > COUNT_MAX)
		return wrong(s, "too many elements in all");
	if (s->depth == DEPTH)
		return wrong(s, "nested too deep");
	s->stack[s->depth++] = (struct level){.left = objects, .map = map};
	return 0;
}

static int key(struct scan *s, struct level *l, uint8_t b)
{
	uint64_t k = b;

	if (b == 0xcc) {
		if (length(s, 1, &k) != 0)
			return -1;
	} else if (b > 0x7f) {
		return wrong(s, "key is not an integer from 0 to 255");
	}
	uint64_t bit = (uint64_t)1 << (k % 64);
	if ((l->seen[k / 64] & bit) != 0)
		return wrong(s, "key is given twice");
	l->seen[k / 64] |= bit;
	return 0;
}

/* str8 str16 str32, bin…, array16, map16 …: a length, then what it counts. */
static int counted(struct scan *s, uint8_t b)
{
	uint64_t n;

	switch (b) {
	case 0xc4:
	case 0xc5:
	case 0xc6:
		return length(s, 1u << (b - 0xc4), &n) != 0 ? -1 : skip(s, n);
	case 0xd9:
	case 0xda:
	case 0xdb:
		return length(s, 1u << (b - 0xd9), &n) != 0 ? -1 : text(s, n);
	case 0xdc:
	case 0xdd:
		return length(s, 2u << (b - 0xdc), &n) != 0 ? -1 : open_level(s, n, false);
	default: /* 0xde 0xdf */
		return length(s, 2u << (b - 0xde), &n) != 0 ? -1 : open_level(s, n, true);
	}
}

static int value(struct scan *s, uint8_t b)
{
	/* payload bytes of 0xc0 … 0xdf; -1 = refused, -2 = counted */
	static const int payload[32] = {0, -1, 0, 0, -2, -2, -2, -1, -1, -1, 4, 8, 1, 2, 4, 8, 1, 2,
		4, 8, -1, -1, -1, -1, -1, -2, -2, -2, -2, -2, -2, -2};

	if (b <= 0x7f || b >= 0xe0)
		return 0;
	if (b <= 0x8f)
		return open_level(s, b & 0x0f, true);
	if (b <= 0x9f)
		return open_level(s, b & 0x0f, false);
	if (b <= 0xbf)
		return text(s, b & 0x1f);
	int n = payload[b - 0xc0];
	if (n == -1)
		return wrong(s, b == 0xc1 ? "reserved byte 0xc1" : "extension type");
	return n == -2 ? counted(s, b) : skip(s, (uint64_t)n);
}

static int object(struct scan *s)
{
	struct level *l = s->depth > 0 ? &s->stack[s->depth - 1] : NULL;

	if (s->at == s->n)
		return wrong(s, "ends in the middle");
	uint8_t b = s->p[s->at++];
	if (l == NULL)
		return value(s, b);
	bool is_key = l->map && l->left % 2 == 0;
	l->left--;
	return is_key ? key(s, l, b) : value(s, b);
}

static int scan(struct scan *s)
{
	do {
		if (object(s) != 0)
			return -1;
		while (s->depth > 0 && s->stack[s->depth - 1].left == 0)
			s->depth--;
	} while (s->depth > 0);
	return s->at == s->n ? 0 : wrong(s, "bytes after the end");
}

int msg_prescan(struct span frame, struct fault *reterr)
{
	struct scan s;

	/* member by member: the stack is filled as it grows */
	s.p = frame.p;
	s.n = frame.n;
	s.at = 0;
	s.count = 0;
	s.depth = 0;
	s.wrong = "";
	if (frame.n > MSG_MAX)
		return fault_why(reterr, CN_PROTOCOL_ERROR, "message_too_big",
			"message of %zu bytes, at most %zu", frame.n, MSG_MAX);
	if (scan(&s) != 0)
		return fault_why(reterr, CN_PROTOCOL_ERROR, "message_malformed",
			"message refused at byte %zu: %s", s.at, s.wrong);
	return 0;
}
