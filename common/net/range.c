// SPDX-License-Identifier: Apache-2.0
/* Ranges of addresses: reading, joining, taking out, cutting. */
#include "common/net/range.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

#define TEXT_MAX 96u

static int refuse(struct fault *err, const char *text, size_t at, const char *what)
{
	return fault_why(err, CN_VALIDATION_FAILED, "address", "'%.96s', column %zu: %s", text,
		at + 1, what);
}

static uint32_t last_four(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* One address; v4 has no prefix. */
static bool read_address(const char *text, struct ip_range *ret)
{
	uint8_t raw[16];

	*ret = (struct ip_range){.v6 = strchr(text, ':') != NULL};
	if (inet_pton(ret->v6 ? AF_INET6 : AF_INET, text, raw) != 1)
		return false;
	if (ret->v6)
		memcpy(ret->prefix, raw, sizeof(ret->prefix));
	ret->from = ret->to = last_four(raw + (ret->v6 ? sizeof(ret->prefix) : 0));
	return true;
}

static int read_number(const char *text, uint32_t max, uint32_t *ret)
{
	char *end = NULL;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n > max)
		return -1;
	*ret = (uint32_t)n;
	return 0;
}

/* IPv6 networks that are larger than a task may scan cannot be written at all. */
static int read_network(const char *text, size_t slash, struct ip_range *r, struct fault *err)
{
	unsigned whole = r->v6 ? 128 : 32;
	uint32_t bits;

	if (read_number(text + slash + 1, whole, &bits) < 0)
		return refuse(err, text, slash + 1, "no length of a network");
	if (r->v6 && bits < 96)
		return refuse(err, text, slash + 1, "an IPv6 network of /96 at least is wanted");
	uint32_t mask = whole - bits >= 32 ? UINT32_MAX : (1u << (whole - bits)) - 1;
	if ((r->from & mask) != 0)
		return refuse(err, text, 0, "the network's own address is wanted before the '/'");
	r->to = r->from | mask;
	if (!r->v6 && bits < 31) { /* its own address, and everybody's */
		r->from++;
		r->to--;
	}
	return 0;
}

static int read_end(const char *text, size_t dash, struct ip_range *r, struct fault *err)
{
	struct ip_range end;
	uint32_t last;

	if (!r->v6 && read_number(text + dash + 1, 255, &last) == 0)
		r->to = (r->from & ~0xffu) | last;
	else if (!read_address(text + dash + 1, &end))
		return refuse(err, text, dash + 1, "no address");
	else if (end.v6 != r->v6 || memcmp(end.prefix, r->prefix, sizeof(end.prefix)) != 0)
		return refuse(err, text, dash + 1, "too far from the first address");
	else
		r->to = end.from;
	if (r->to < r->from)
		return refuse(err, text, dash + 1, "the range ends before it begins");
	return 0;
}

int range_parse(const char *text, struct ip_range *ret, struct fault *reterr)
{
	size_t first = strcspn(text, "/-");
	char head[TEXT_MAX];

	if (strlen(text) >= TEXT_MAX)
		return refuse(reterr, text, TEXT_MAX, "too long");
	memcpy(head, text, first);
	head[first] = '\0';
	if (!read_address(head, ret))
		return refuse(reterr, text, 0, "no address");
	if (text[first] == '/')
		return read_network(text, first, ret, reterr);
	return text[first] == '-' ? read_end(text, first, ret, reterr) : 0;
}

void range_address(const struct ip_range *r, uint32_t n, uint8_t ret[static 16])
{
	uint32_t last = htonl(r->from + n);

	memset(ret, 0, 16);
	memcpy(ret, r->prefix, r->v6 ? sizeof(r->prefix) : 0);
	memcpy(ret + (r->v6 ? sizeof(r->prefix) : 0), &last, sizeof(last));
}

uint64_t range_size(const struct ip_range *r)
{
	return (uint64_t)r->to - r->from + 1;
}

bool range_has(const struct ip_range *r, bool v6, const uint8_t *address)
{
	if (r->v6 != v6 || (v6 && memcmp(address, r->prefix, sizeof(r->prefix)) != 0))
		return false;
	uint32_t n = last_four(address + (v6 ? sizeof(r->prefix) : 0));
	return n >= r->from && n <= r->to;
}

static void put_address(const struct ip_range *r, uint32_t n, struct buf *out)
{
	uint8_t raw[16];
	char text[INET6_ADDRSTRLEN];

	range_address(r, n, raw);
	buf_adds(out, inet_ntop(r->v6 ? AF_INET6 : AF_INET, raw, text, sizeof(text)));
}

void range_text(const struct ip_range *r, struct buf *out)
{
	put_address(r, 0, out);
	if (r->to == r->from)
		return;
	buf_addc(out, '-');
	put_address(r, r->to - r->from, out);
}

/* ---- many ---- */

static int by_place(const void *left, const void *right)
{
	const struct ip_range *a = left, *b = right;
	int prefix = memcmp(a->prefix, b->prefix, sizeof(a->prefix));

	if (a->v6 != b->v6)
		return a->v6 ? 1 : -1;
	if (prefix != 0)
		return prefix;
	return a->from < b->from ? -1 : a->from > b->from;
}

static bool same_place(const struct ip_range *a, const struct ip_range *b)
{
	return a->v6 == b->v6 && memcmp(a->prefix, b->prefix, sizeof(a->prefix)) == 0;
}

static int read_list(const struct range_list *l, struct ip_range *out, struct fault *err)
{
	for (size_t i = 0; i < l->n; i++) {
		struct fault f = FAULT_INIT;
		if (range_parse(l->text[i], &out[i], &f) < 0)
			return fault_why(
				err, f.code, f.reason, "%s[%zu]: %s", l->member, i, f.detail);
	}
	return 0;
}

/* Sorted; what overlaps or touches becomes one. */
static size_t join(struct ip_range *list, size_t n)
{
	size_t kept = 0;

	qsort(list, n, sizeof(*list), by_place);
	for (size_t i = 0; i < n; i++) {
		struct ip_range *last = kept == 0 ? NULL : &list[kept - 1];
		if (last != NULL && same_place(last, &list[i]) &&
			(last->to == UINT32_MAX || list[i].from <= last->to + 1)) {
			if (list[i].to > last->to)
				last->to = list[i].to;
		} else {
			list[kept++] = list[i];
		}
	}
	return kept;
}

/* Both joined; out has room for n + n_gone. */
static size_t take_out(const struct ip_range *list, size_t n, const struct ip_range *gone,
	size_t n_gone, struct ip_range *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct ip_range left = list[i];
		bool any = true;
		for (size_t k = 0; any && k < n_gone; k++) {
			const struct ip_range *g = &gone[k];
			if (!same_place(&left, g) || g->to < left.from || g->from > left.to)
				continue;
			if (g->from > left.from) {
				out[kept] = left;
				out[kept++].to = g->from - 1;
			}
			any = g->to < left.to;
			left.from = any ? g->to + 1 : left.from;
		}
		if (any)
			out[kept++] = left;
	}
	return kept;
}

int ranges_make(const struct range_list *ranges, const struct range_list *exclude,
	struct arena *arena, struct ip_range **ret_list, size_t *ret_n, struct fault *reterr)
{
	size_t most = ranges->n + exclude->n + 1;
	struct ip_range *in = arena_array(arena, most, sizeof(*in));
	struct ip_range *gone = arena_array(arena, most, sizeof(*gone));
	struct ip_range *out = arena_array(arena, most, sizeof(*out));
	uint64_t total = 0;

	if (in == NULL || gone == NULL || out == NULL)
		return fault_set(reterr, CN_QUOTA_EXCEEDED, "too many ranges");
	if (read_list(ranges, in, reterr) < 0 || read_list(exclude, gone, reterr) < 0)
		return -1;
	*ret_n = take_out(in, join(in, ranges->n), gone, join(gone, exclude->n), out);
	*ret_list = out;
	for (size_t i = 0; i < *ret_n; i++)
		total += range_size(&out[i]);
	if (total > RANGE_ADDRESSES_MAX)
		return fault_why(reterr, CN_VALIDATION_FAILED, "too_many",
			"%s: %llu addresses, a task may look at %u", ranges->member,
			(unsigned long long)total, RANGE_ADDRESSES_MAX);
	return 0;
}

/* ---- pieces ---- */

struct slicer {
	struct arena *arena;
	const char **list;
	size_t n, room;
	struct buf text; /* of the piece that is being filled */
	uint64_t size;
	bool full; /* the arena is */
};

static void close_piece(struct slicer *s)
{
	if (s->size == 0)
		return;
	s->list[s->n] = arena_strdup(s->arena, buf_str(&s->text));
	s->full |= s->list[s->n++] == NULL || s->text.err;
	buf_reset(&s->text);
	s->size = 0;
}

static void add_piece(struct slicer *s, const char *text, uint64_t size)
{
	if (s->size + size > RANGE_SLICE ||
		(s->size > 0 && s->text.n + 2 + strlen(text) > RANGE_SLICE_TEXT))
		close_piece(s);
	buf_adds(&s->text, s->size > 0 ? ", " : "");
	buf_adds(&s->text, text);
	s->size += size;
}

/* Long ranges are cut where the last byte begins anew, so that the pieces stay the same when a
 * range grows. */
static void add_range(struct slicer *s, struct ip_range left)
{
	struct buf text = BUF_INIT;

	for (bool more = true; more;) {
		struct ip_range piece = left;
		uint32_t end = left.from | (RANGE_SLICE - 1);
		more = left.to > end;
		if (more) {
			piece.to = end;
			left.from = end + 1;
		}
		buf_reset(&text);
		range_text(&piece, &text);
		add_piece(s, buf_str(&text), range_size(&piece));
	}
	buf_fini(&text);
}

const char **ranges_slice(const struct ip_range *list, size_t n, const char *const *names,
	size_t names_n, struct arena *arena, size_t *ret_n)
{
	struct slicer s = {.arena = arena, .text = BUF_INIT, .room = names_n + n + 1};

	for (size_t i = 0; i < n; i++)
		s.room += (size_t)(range_size(&list[i]) / RANGE_SLICE) + 2;
	s.list = arena_array(arena, s.room, sizeof(*s.list));
	if (s.list == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		add_range(&s, list[i]);
	for (size_t i = 0; i < names_n; i++)
		add_piece(&s, names[i], 1);
	close_piece(&s);
	buf_fini(&s.text);
	*ret_n = s.n;
	return s.full ? NULL : s.list;
}
