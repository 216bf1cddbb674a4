// SPDX-License-Identifier: Apache-2.0
/* BER for SNMP. */
#include "common/snmp/ber.h"

#include <string.h>

int ber_next(struct ber_reader *r, int *ret_tag, struct ber_reader *ret_contents)
{
	if (r->end - r->p < 2)
		return -1;
	int tag = *r->p++;
	size_t n = *r->p++;
	if (n & 0x80) {
		size_t bytes = n & 0x7f;
		if (bytes == 0 || bytes > 3 || (size_t)(r->end - r->p) < bytes)
			return -1;
		for (n = 0; bytes > 0; bytes--)
			n = n << 8 | *r->p++;
	}
	if ((size_t)(r->end - r->p) < n)
		return -1;
	*ret_tag = tag;
	*ret_contents = (struct ber_reader){.p = r->p, .end = r->p + n};
	r->p += n;
	return 0;
}

int ber_integer(struct ber_reader *r, int64_t *ret_n)
{
	struct ber_reader c;
	int tag;

	if (ber_next(r, &tag, &c) < 0 || tag != BER_INTEGER || c.p == c.end || c.end - c.p > 8)
		return -1;
	uint64_t n = *c.p & 0x80 ? UINT64_MAX : 0;
	while (c.p < c.end)
		n = n << 8 | *c.p++;
	*ret_n = (int64_t)n;
	return 0;
}

int ber_octets(struct ber_reader *r, struct span *ret_bytes)
{
	struct ber_reader c;
	int tag;

	if (ber_next(r, &tag, &c) < 0 || tag != BER_OCTETS)
		return -1;
	*ret_bytes = (struct span){.p = c.p, .n = (size_t)(c.end - c.p)};
	return 0;
}

int ber_oid(struct ber_reader *r, struct oid *ret_oid)
{
	struct ber_reader c;
	struct oid o = {.n = 0};
	int tag;

	if (ber_next(r, &tag, &c) < 0 || tag != BER_OID || c.p == c.end)
		return -1;
	while (c.p < c.end) {
		uint32_t id = 0;
		for (;;) {
			if (c.p == c.end || id >> 25)
				return -1;
			id = id << 7 | (*c.p & 0x7f);
			if (!(*c.p++ & 0x80))
				break;
		}
		if (o.n == 0) {
			o.id[o.n++] = id < 80 ? id / 40 : 2;
			id -= o.id[0] * 40;
		}
		if (o.n == OID_MAX)
			return -1;
		o.id[o.n++] = id;
	}
	*ret_oid = o;
	return 0;
}

int oid_cmp(const struct oid *a, const struct oid *b)
{
	for (uint32_t i = 0; i < a->n && i < b->n; i++)
		if (a->id[i] != b->id[i])
			return a->id[i] < b->id[i] ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

void ber_begin(struct ber_writer *w, uint8_t *out, size_t size)
{
	*w = (struct ber_writer){.start = out, .p = out + size, .end = out + size};
}

static void put_byte(struct ber_writer *w, size_t byte)
{
	if (w->p == w->start)
		w->err = true;
	else
		*--w->p = (uint8_t)byte;
}

static void put_head(struct ber_writer *w, int tag, size_t n)
{
	if (n < 0x80) {
		put_byte(w, n);
	} else {
		put_byte(w, n & 0xff);
		put_byte(w, n >> 8);
		put_byte(w, 0x82);
	}
	put_byte(w, (size_t)tag);
}

void ber_wrap(struct ber_writer *w, int tag, const uint8_t *mark)
{
	put_head(w, tag, (size_t)(mark - w->p));
}

void ber_put_integer(struct ber_writer *w, int tag, int64_t n)
{
	const uint8_t *mark = w->p;
	uint8_t last;

	do {
		last = (uint8_t)n;
		put_byte(w, last);
		n >>= 8;
	} while (!((n == 0 && !(last & 0x80)) || (n == -1 && last & 0x80)));
	ber_wrap(w, tag, mark);
}

void ber_put_bytes(struct ber_writer *w, int tag, const void *bytes, size_t n)
{
	if ((size_t)(w->p - w->start) < n) {
		w->err = true;
		return;
	}
	w->p -= n;
	if (n)
		memcpy(w->p, bytes, n);
	put_head(w, tag, n);
}

void ber_put_oid(struct ber_writer *w, const struct oid *oid)
{
	const uint8_t *mark = w->p;

	for (uint32_t i = oid->n; i-- > 1;) {
		uint32_t id = i == 1 ? oid->id[0] * 40 + oid->id[1] : oid->id[i];
		put_byte(w, id & 0x7f);
		while (id >>= 7)
			put_byte(w, (id & 0x7f) | 0x80);
	}
	ber_wrap(w, BER_OID, mark);
}
