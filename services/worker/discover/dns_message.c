// SPDX-License-Identifier: Apache-2.0
/* DNS messages, by the resolver of the C library. Pure. */
#include "services/worker/discover/dns_message.h"

#include <arpa/nameser.h>
#include <string.h>
#include <strings.h>

#define TOP_BIT 0x8000u /* of a class: the cache may be flushed */

/* ---- names ---- */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static size_t wire_length(const uint8_t *name)
{
	size_t n = 0;

	while (name[n] != 0)
		n += name[n] + 1u;
	return n + 1;
}

bool dns_name_of(const char *text, struct dns_name *ret)
{
	*ret = (struct dns_name){.n = 0};
	if (ns_name_pton(text, ret->b, sizeof(ret->b)) < 0)
		return false;
	ret->n = (uint8_t)wire_length(ret->b);
	return ret->n > 1;
}

/* Lengths are below 64, letters are not: they may be lowered together. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
	return a->n == b->n && same_bytes(a->b, b->b, a->n);
}

struct span dns_name_first(const struct dns_name *name, const struct dns_name *rest)
{
	size_t label = name->n == 0 ? 0 : name->b[0];

	if (label == 0 || name->n != label + 1 + rest->n ||
		!same_bytes(name->b + label + 1, rest->b, rest->n))
		return (struct span){NULL, 0};
	return (struct span){name->b + 1, label};
}

/* ---- questions ---- */

static void put16(uint8_t *p, unsigned n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

void dns_query_begin(struct dns_query *q, uint16_t id)
{
	*q = (struct dns_query){.n = NS_HFIXEDSZ};
	put16(q->out, id);
}

bool dns_query_add(struct dns_query *q, const struct dns_name *name, enum dns_type type)
{
	if (q->n + name->n + NS_QFIXEDSZ > sizeof(q->out))
		return false;
	memcpy(q->out + q->n, name->b, name->n);
	put16(q->out + q->n + name->n, type);
	put16(q->out + q->n + name->n + 2, ns_c_in);
	q->n += name->n + (size_t)NS_QFIXEDSZ;
	put16(q->out + 4, ++q->questions);
	return true;
}

/* ---- answers ---- */

/* The name that data says from there on to its end. */
static bool target_of(ns_msg *m, const ns_rr *rr, size_t from, struct dns_name *ret)
{
	const uint8_t *at = ns_rr_rdata(*rr);
	size_t n = ns_rr_rdlen(*rr);

	*ret = (struct dns_name){.n = 0};
	if (n <= from || ns_name_unpack(ns_msg_base(*m), ns_msg_end(*m), at + from, ret->b,
				 sizeof(ret->b)) != (int)(n - from))
		return false;
	ret->n = (uint8_t)wire_length(ret->b);
	return true;
}

static bool txt_whole(struct span txt)
{
	size_t at = 0;

	while (at < txt.n)
		at += txt.p[at] + 1u;
	return at == txt.n;
}

/* false: bad. */
static bool data_of(ns_msg *m, const ns_rr *rr, struct dns_record *ret)
{
	ret->data = (struct span){ns_rr_rdata(*rr), ns_rr_rdlen(*rr)};
	switch (ret->type) {
	case DNS_PTR:
		return target_of(m, rr, 0, &ret->target);
	case DNS_SRV:
		if (ret->data.n < 7)
			return false;
		ret->port = (uint16_t)(ret->data.p[4] << 8 | ret->data.p[5]);
		return target_of(m, rr, 6, &ret->target);
	case DNS_TXT:
		return txt_whole(ret->data);
	case DNS_A:
		return ret->data.n == 4;
	case DNS_AAAA:
		return ret->data.n == 16;
	}
	return true;
}

static bool says_something(const struct dns_record *r, const ns_rr *rr)
{
	return (ns_rr_class(*rr) & ~TOP_BIT) == ns_c_in && ns_rr_ttl(*rr) > 0 &&
	       (r->type == DNS_PTR || r->type == DNS_SRV || r->type == DNS_TXT ||
		       r->type == DNS_A || r->type == DNS_AAAA);
}

static int read_section(ns_msg *m, ns_sect section,
	void (*fn)(void *arg, const struct dns_record *record), void *arg)
{
	for (int i = 0; i < ns_msg_count(*m, section); i++) {
		struct dns_record r = {.port = 0};
		ns_rr rr;
		if (ns_parserr(m, section, i, &rr) < 0 ||
			(*ns_rr_name(rr) != '\0' && !dns_name_of(ns_rr_name(rr), &r.name)))
			return -1;
		r.type = (enum dns_type)ns_rr_type(rr);
		if (!data_of(m, &rr, &r))
			return -1;
		if (says_something(&r, &rr))
			fn(arg, &r);
	}
	return 0;
}

int dns_read(struct span datagram, int id, void (*fn)(void *arg, const struct dns_record *record),
	void *arg)
{
	static const ns_sect sections[] = {ns_s_an, ns_s_ns, ns_s_ar};
	ns_msg m;

	/* a response to a plain query, without an error */
	if (datagram.n > DNS_DATAGRAM || ns_initparse(datagram.p, (int)datagram.n, &m) < 0 ||
		(id != DNS_ANY_ID && ns_msg_id(m) != id) || !ns_msg_getflag(m, ns_f_qr) ||
		ns_msg_getflag(m, ns_f_opcode) || ns_msg_getflag(m, ns_f_rcode))
		return -1;
	for (size_t i = 0; i < array_len(sections); i++)
		if (read_section(&m, sections[i], fn, arg) < 0)
			return -1;
	return 0;
}

struct span dns_txt(struct span txt, const char *key)
{
	size_t n = strlen(key);

	for (size_t at = 0; at < txt.n; at += txt.p[at] + 1u) {
		const char *text = (const char *)txt.p + at + 1;
		if (txt.p[at] > n && text[n] == '=' && strncasecmp(text, key, n) == 0)
			return (struct span){txt.p + at + 2 + n, txt.p[at] - n - 1};
	}
	return (struct span){NULL, 0};
}
