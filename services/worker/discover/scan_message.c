// SPDX-License-Identifier: Apache-2.0
/* SNMP questions and answers of a scan. Pure. */
#include "services/worker/discover/scan_message.h"

#include <string.h>

#define NO_SUCH_NAME 2
#define MIB2 1, 3, 6, 1, 2, 1
#define OID(...)                                                                                   \
	{                                                                                          \
		.n = sizeof((uint32_t[]){MIB2, __VA_ARGS__}) / sizeof(uint32_t),                   \
		.id = { MIB2,                                                                      \
			__VA_ARGS__ }                                                              \
	}

static const struct oid objects[SCAN_OBJECTS] = {
	[SCAN_DESCRIPTION] = OID(1, 1, 0),
	[SCAN_OBJECT_ID] = OID(1, 2, 0),
	[SCAN_NAME] = OID(1, 5, 0),
	[SCAN_LOCATION] = OID(1, 6, 0),
	[SCAN_MAC_1] = OID(2, 2, 1, 6, 1),
	[SCAN_MAC_2] = OID(2, 2, 1, 6, 2),
	[SCAN_DEVICE] = OID(25, 3, 2, 1, 3, 1),
	[SCAN_PRINTER_STATUS] = OID(25, 3, 5, 1, 1, 1),
	[SCAN_PRINTER_NAME] = OID(43, 5, 1, 1, 16, 1),
	[SCAN_SERIAL] = OID(43, 5, 1, 1, 17, 1),
};

void scan_put_question(struct ber_writer *w, int32_t id, uint32_t asked)
{
	const uint8_t *end = w->p;

	for (size_t i = SCAN_OBJECTS; i-- > 0;) {
		const uint8_t *mark = w->p;
		if (!(asked & 1u << i))
			continue;
		ber_put_bytes(w, BER_NULL, "", 0);
		ber_put_oid(w, &objects[i]);
		ber_wrap(w, BER_SEQUENCE, mark);
	}
	ber_wrap(w, BER_SEQUENCE, end);
	ber_put_integer(w, BER_INTEGER, 0);
	ber_put_integer(w, BER_INTEGER, 0);
	ber_put_integer(w, BER_INTEGER, id);
	ber_wrap(w, SNMP_GET, end);
}

size_t scan_write(const struct scan_question *q, uint8_t *out, size_t size)
{
	struct ber_writer w;

	ber_begin(&w, out, size);
	const uint8_t *end = w.p;
	scan_put_question(&w, q->id, q->objects);
	ber_put_bytes(&w, BER_OCTETS, q->community, strlen(q->community));
	ber_put_integer(&w, BER_INTEGER, q->v1 ? 0 : 1);
	ber_wrap(&w, BER_SEQUENCE, end);
	if (w.err)
		return 0;
	memmove(out, w.p, (size_t)(end - w.p));
	return (size_t)(end - w.p);
}

static int read_value(struct ber_reader *bind, struct scan_value *v)
{
	struct ber_reader at = *bind, contents;
	int tag;

	if (ber_next(bind, &tag, &contents) < 0 || bind->p != bind->end)
		return -1;
	switch (tag) {
	case BER_OCTETS:
		v->there = true;
		return ber_octets(&at, &v->text);
	case BER_OID:
		v->there = true;
		return ber_oid(&at, &v->oid);
	case BER_NULL: /* of a refused question */
	case SNMP_NO_OBJECT:
	case SNMP_NO_INSTANCE:
	case SNMP_END_OF_VIEW:
		return contents.p == contents.end ? 0 : -1;
	default: /* numbers, and what we do not ask for: it is there */
		v->there = true;
		return 0;
	}
}

static int read_bind(struct ber_reader *list, struct scan_answer *ret)
{
	struct ber_reader bind;
	struct oid name;
	int tag;

	if (ber_next(list, &tag, &bind) < 0 || tag != BER_SEQUENCE || ber_oid(&bind, &name) < 0)
		return -1;
	for (size_t i = 0; i < SCAN_OBJECTS; i++) {
		if (oid_cmp(&name, &objects[i]) == 0)
			return ret->values[i].there ? -1 : read_value(&bind, &ret->values[i]);
	}
	return -1;
}

int scan_take_response(struct ber_reader *at, struct scan_answer *ret)
{
	struct ber_reader pdu, list;
	int tag;

	if (ber_next(at, &tag, &pdu) < 0 || tag != SNMP_RESPONSE || at->p != at->end ||
		ber_integer(&pdu, &ret->id) < 0 || ber_integer(&pdu, &ret->error) < 0 ||
		ber_integer(&pdu, &ret->index) < 0 || ber_next(&pdu, &tag, &list) < 0 ||
		tag != BER_SEQUENCE || pdu.p != pdu.end)
		return -1;
	while (list.p < list.end)
		if (read_bind(&list, ret) < 0)
			return -1;
	return 0;
}

int scan_read(struct span datagram, struct scan_answer *ret)
{
	struct ber_reader all = {.p = datagram.p, .end = datagram.p + datagram.n}, message;
	int64_t version;
	int tag;

	*ret = (struct scan_answer){.id = 0};
	if (datagram.n == 0 || ber_next(&all, &tag, &message) < 0 || tag != BER_SEQUENCE ||
		all.p != all.end || ber_integer(&message, &version) < 0 || version < 0 ||
		version > 1 || ber_octets(&message, &ret->community) < 0)
		return -1;
	ret->v1 = version == 0;
	return scan_take_response(&message, ret);
}

bool scan_is_v3(struct span datagram)
{
	struct ber_reader all = {.p = datagram.p, .end = datagram.p + datagram.n}, message;
	int64_t version;
	int tag;

	return datagram.n > 0 && ber_next(&all, &tag, &message) == 0 &&
	       ber_integer(&message, &version) == 0 && version == 3;
}

uint32_t scan_less(uint32_t asked, const struct scan_answer *a)
{
	int64_t at = 0;

	if (a->error != NO_SUCH_NAME || a->index < 1)
		return asked == SCAN_LEAST || (asked & SCAN_LEAST) == 0 ? 0 : asked & SCAN_LEAST;
	for (size_t i = 0; i < SCAN_OBJECTS; i++) {
		if ((asked & 1u << i) && ++at == a->index)
			return asked & ~(1u << i);
	}
	return 0;
}
