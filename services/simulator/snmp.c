// SPDX-License-Identifier: Apache-2.0
/* The SNMP agent of a printer: v1 and v2c, the objects of devices.md section 9. A wrong community
 * is silence (DV-22). */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock/clock.h"
#include "common/snmp/ber.h"
#include "services/simulator/sim.h"

enum {
	NO_ERROR = 0,
	TOO_BIG = 1,
	NO_SUCH_NAME = 2,
	BAD_VALUE = 3,
	WRONG_VALUE = 10,
	NOT_WRITABLE = 17,
	NO_ACCESS = 6,
	VARBINDS_MAX = 64,
	REPETITIONS_MAX = 10,
	DATAGRAM = 4096,
	RESET_POWER = 4,
	RESET_NVRAM = 5,
	RESET_FACTORY = 6,
};

enum object {
	OBJ_DESCR,
	OBJ_OBJECT_ID,
	OBJ_UP_TIME,
	OBJ_NAME,
	OBJ_LOCATION,
	OBJ_MAC,
	OBJ_DEVICE_DESCR,
	OBJ_DEVICE_STATUS,
	OBJ_PRINTER_STATUS,
	OBJ_ERROR_BITS,
	OBJ_CONFIG_CHANGES,
	OBJ_RESET,
	OBJ_LOCALIZATION,
	OBJ_SERIAL,
	OBJ_LANGUAGE,
	OBJ_CHARSET,
	OBJ_CONSOLE, /* + line: as many rows as there are operations in progress, at least one */
	OBJ_ALERT_SEVERITY,
	OBJ_ALERT_CODE,
	OBJ_ALERT_TEXT,
	OBJ_RICOH_FIRMWARE,
	OBJ_KYOCERA_FIRMWARE,
	OBJ_CANON_FIRMWARE,
};

#define MIB2 1, 3, 6, 1, 2, 1
#define MAKERS 1, 3, 6, 1, 4, 1
#define OID(...)                                                                                   \
	{                                                                                          \
		.n = sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), .id = { __VA_ARGS__ }   \
	}

/* In the order of their identifiers: GETNEXT walks it. */
static const struct {
	struct oid oid;
	enum object object;
} OBJECTS[] = {
	{OID(MIB2, 1, 1, 0), OBJ_DESCR},
	{OID(MIB2, 1, 2, 0), OBJ_OBJECT_ID},
	{OID(MIB2, 1, 3, 0), OBJ_UP_TIME},
	{OID(MIB2, 1, 5, 0), OBJ_NAME},
	{OID(MIB2, 1, 6, 0), OBJ_LOCATION},
	{OID(MIB2, 2, 2, 1, 6, 1), OBJ_MAC},
	{OID(MIB2, 25, 3, 2, 1, 3, 1), OBJ_DEVICE_DESCR},
	{OID(MIB2, 25, 3, 2, 1, 5, 1), OBJ_DEVICE_STATUS},
	{OID(MIB2, 25, 3, 5, 1, 1, 1), OBJ_PRINTER_STATUS},
	{OID(MIB2, 25, 3, 5, 1, 2, 1), OBJ_ERROR_BITS},
	{OID(MIB2, 43, 5, 1, 1, 1, 1), OBJ_CONFIG_CHANGES},
	{OID(MIB2, 43, 5, 1, 1, 3, 1), OBJ_RESET},
	{OID(MIB2, 43, 5, 1, 1, 10, 1), OBJ_LOCALIZATION},
	{OID(MIB2, 43, 5, 1, 1, 17, 1), OBJ_SERIAL},
	{OID(MIB2, 43, 7, 1, 1, 2, 1, 1), OBJ_LANGUAGE},
	{OID(MIB2, 43, 7, 1, 1, 4, 1, 1), OBJ_CHARSET},
	{OID(MIB2, 43, 16, 5, 1, 2, 1, 1), OBJ_CONSOLE},
	{OID(MIB2, 43, 18, 1, 1, 2, 1, 1), OBJ_ALERT_SEVERITY},
	{OID(MIB2, 43, 18, 1, 1, 7, 1, 1), OBJ_ALERT_CODE},
	{OID(MIB2, 43, 18, 1, 1, 8, 1, 1), OBJ_ALERT_TEXT},
	{OID(MAKERS, 367, 3, 2, 1, 1, 1, 2, 0), OBJ_RICOH_FIRMWARE},
	{OID(MAKERS, 1347, 43, 5, 4, 1, 5, 1, 1), OBJ_KYOCERA_FIRMWARE},
	{OID(MAKERS, 1602, 1, 1, 1, 4, 0), OBJ_CANON_FIRMWARE},
};

/* ---- what the device shows ---- */

static const struct running *visible(const struct device *d, uint32_t line)
{
	list_each (it, &d->running) {
		const struct running *r = container_of(it, struct running, node);
		if (r->state == RUN_ACTIVE && line-- == 0)
			return r;
	}
	return NULL;
}

static bool shows_error(const struct device *d)
{
	const struct running *r;

	for (uint32_t i = 0; (r = visible(d, i)) != NULL; i++)
		if (r->op == OP_ERROR_CODE)
			return true;
	return false;
}

/* Idle, unless operations say otherwise; the gravest wins. */
static void status_of(const struct device *d, int *ret_printer, int *ret_device)
{
	const struct running *r;

	*ret_printer = 3;
	*ret_device = 2;
	for (uint32_t i = 0; (r = visible(d, i)) != NULL; i++) {
		int printer, device;
		profile_status(d->sim->profile, r->op, &printer, &device);
		if (printer != 3)
			*ret_printer = printer;
		if (device > *ret_device)
			*ret_device = device;
	}
}

/* An export of Carnet's own is in progress like anybody else's. */
static const char *console_line(const struct device *d, uint32_t line)
{
	const struct running *r = visible(d, line);
	enum op own = d->model->type == TYPE_I ? OP_INDIV_IE : OP_BATCH_IE;

	if (r)
		return profile_console(d->sim->profile, r->op, d->language);
	if (line > 0 && !visible(d, line - 1))
		return NULL;
	if (d->exporting)
		return profile_console(d->sim->profile, own, d->language);
	return line == 0 ? profile_ready(d->sim->profile, d->language) : NULL;
}

static void put_text(struct ber_writer *w, const char *s)
{
	ber_put_bytes(w, BER_OCTETS, s, strlen(s));
}

static void put_serial(struct ber_writer *w, const struct device *d)
{
	put_text(w, d->fault.mp == MP_23 ? "ZZZ99999" : d->serial);
}

static void put_descr(struct ber_writer *w, const struct device *d)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "%s %s /P, firmware %s", d->family->vendor,
		d->model->name, device_firmware(d));
	put_text(w, text);
}

/* Each maker's object is on its own machines only. */
static bool put_firmware(struct ber_writer *w, const struct device *d, const char *vendor)
{
	bool own = strcmp(d->family->vendor, vendor) == 0;

	if (own)
		put_text(w, device_firmware(d));
	return own;
}

/* A locally administered address that stays the device's own. */
static void put_mac(struct ber_writer *w, const struct device *d)
{
	uint8_t mac[6] = {0x02};
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (const char *s = d->serial; *s; s++)
		hash = (hash ^ (uint8_t)*s) * 1099511628211u;
	for (size_t i = 1; i < sizeof(mac); i++, hash >>= 8)
		mac[i] = (uint8_t)hash;
	ber_put_bytes(w, BER_OCTETS, mac, sizeof(mac));
}

/* Numbers of the IANA registry of private enterprises. */
static void put_object_id(struct ber_writer *w, const struct device *d)
{
	static const struct {
		const char *vendor;
		uint32_t enterprise;
	} makers[] = {{"Ricoh", 367}, {"Konica Minolta", 18334}, {"Kyocera", 1347}};
	struct oid id = OID(1, 3, 6, 1, 4, 1, 1602, 4, 7);

	for (size_t i = 0; i < array_len(makers); i++)
		if (strcmp(makers[i].vendor, d->family->vendor) == 0)
			id.id[6] = makers[i].enterprise;
	ber_put_oid(w, &id);
}

/* false: this device has no such instance. */
static bool put_value(struct ber_writer *w, const struct device *d, enum object o, uint32_t row)
{
	int printer, device;

	status_of(d, &printer, &device);
	switch (o) {
	case OBJ_DESCR:
		put_descr(w, d);
		break;
	case OBJ_OBJECT_ID:
		put_object_id(w, d);
		break;
	case OBJ_UP_TIME:
		ber_put_integer(
			w, SNMP_TICKS, (int64_t)((clock_mono_ms() - d->boot_ms) / 10 & 0xffffffff));
		break;
	case OBJ_NAME:
		put_text(w, d->name);
		break;
	case OBJ_LOCATION:
		put_text(w, d->site->name);
		break;
	case OBJ_MAC:
		put_mac(w, d);
		break;
	case OBJ_DEVICE_DESCR:
		put_text(w, d->model->name);
		break;
	case OBJ_DEVICE_STATUS:
		ber_put_integer(w, BER_INTEGER, device);
		break;
	case OBJ_PRINTER_STATUS:
		ber_put_integer(w, BER_INTEGER, printer);
		break;
	case OBJ_ERROR_BITS:
		ber_put_bytes(w, BER_OCTETS, shows_error(d) ? "\x01" : "\0", 1);
		break;
	case OBJ_CONFIG_CHANGES:
		ber_put_integer(w, SNMP_COUNTER, d->config_changes);
		break;
	case OBJ_RESET:
		ber_put_integer(w, BER_INTEGER, 3);
		break;
	case OBJ_LOCALIZATION:
		ber_put_integer(w, BER_INTEGER, 1);
		break;
	case OBJ_SERIAL:
		put_serial(w, d);
		break;
	case OBJ_LANGUAGE:
		put_text(w, device_language(d));
		break;
	case OBJ_CHARSET:
		ber_put_integer(w, BER_INTEGER, 106); /* UTF-8 */
		break;
	case OBJ_CONSOLE:
		if (!console_line(d, row))
			return false;
		put_text(w, console_line(d, row));
		break;
	case OBJ_ALERT_SEVERITY:
		if (shows_error(d))
			ber_put_integer(w, BER_INTEGER, 3);
		return shows_error(d);
	case OBJ_ALERT_CODE:
		if (shows_error(d))
			ber_put_integer(w, BER_INTEGER, 13);
		return shows_error(d);
	case OBJ_ALERT_TEXT:
		if (shows_error(d))
			put_text(w, "E602-0001");
		return shows_error(d);
	case OBJ_RICOH_FIRMWARE:
		return put_firmware(w, d, "Ricoh");
	case OBJ_KYOCERA_FIRMWARE:
		return put_firmware(w, d, "Kyocera");
	case OBJ_CANON_FIRMWARE:
		return put_firmware(w, d, "Canon");
	}
	return true;
}

/* ---- finding ---- */

/* Row of the console table that an identifier names, 0 for everything else. */
static bool matches(const struct oid *o, size_t i, uint32_t *ret_row)
{
	struct oid want = *o;

	*ret_row = 0;
	if (OBJECTS[i].object == OBJ_CONSOLE && o->n == OBJECTS[i].oid.n && o->id[o->n - 1] > 0) {
		*ret_row = o->id[o->n - 1] - 1;
		want.id[o->n - 1] = 1;
	}
	return oid_cmp(&want, &OBJECTS[i].oid) == 0;
}

static bool get(struct ber_writer *w, const struct device *d, const struct oid *o)
{
	uint32_t row;

	for (size_t i = 0; i < array_len(OBJECTS); i++)
		if (matches(o, i, &row))
			return put_value(w, d, OBJECTS[i].object, row);
	return false;
}

/* The next instance after *o; its value is written, *o set. */
static bool get_next(struct ber_writer *w, const struct device *d, struct oid *o)
{
	for (size_t i = 0; i < array_len(OBJECTS); i++) {
		uint32_t rows = OBJECTS[i].object == OBJ_CONSOLE ? MATRIX_ROWS + 1 : 1;
		for (uint32_t row = 0; row < rows; row++) {
			struct oid at = OBJECTS[i].oid;
			at.id[at.n - 1] += row;
			if (oid_cmp(&at, o) > 0 && put_value(w, d, OBJECTS[i].object, row)) {
				*o = at;
				return true;
			}
		}
	}
	return false;
}

/* ---- a request ---- */

struct request {
	int64_t version, id, non_repeaters, repetitions;
	int pdu;
	bool may_write;
	struct oid oids[VARBINDS_MAX];
	struct ber_reader values[VARBINDS_MAX];
	int tags[VARBINDS_MAX];
	size_t n;
	int error;
	size_t error_index;
};

static int read_varbinds(struct ber_reader *r, struct request *q)
{
	struct ber_reader list, bind;
	int tag;

	if (ber_next(r, &tag, &list) < 0 || tag != BER_SEQUENCE)
		return -1;
	while (list.p < list.end) {
		if (q->n == VARBINDS_MAX || ber_next(&list, &tag, &bind) < 0 ||
			tag != BER_SEQUENCE || ber_oid(&bind, &q->oids[q->n]) < 0 ||
			ber_next(&bind, &q->tags[q->n], &q->values[q->n]) < 0)
			return -1;
		q->n++;
	}
	return 0;
}

static bool same(struct span a, const char *b)
{
	return a.n == strlen(b) && memcmp(a.p, b, a.n) == 0;
}

static int read_request(const struct device *d, const uint8_t *in, size_t n, struct request *q,
	struct span *community)
{
	struct ber_reader all = {.p = in, .end = in + n}, message, pdu;
	const struct fleet *f = &d->sim->fleet;
	int tag;

	if (ber_next(&all, &tag, &message) < 0 || tag != BER_SEQUENCE ||
		ber_integer(&message, &q->version) < 0 || ber_octets(&message, community) < 0 ||
		ber_next(&message, &q->pdu, &pdu) < 0)
		return -1;
	q->may_write = same(*community, f->community_write);
	if (q->version < 0 || q->version > 1 ||
		(!q->may_write && !same(*community, f->community_read)))
		return -1;
	if (ber_integer(&pdu, &q->id) < 0 || ber_integer(&pdu, &q->non_repeaters) < 0 ||
		ber_integer(&pdu, &q->repetitions) < 0)
		return -1;
	return read_varbinds(&pdu, q);
}

static void refuse(struct request *q, size_t i, int v2, int v1)
{
	if (!q->error) {
		q->error = q->version == 0 ? v1 : v2;
		q->error_index = i + 1;
	}
}

static void reset_device(struct device *d, int64_t value)
{
	bool factory = value == RESET_FACTORY;

	d->sim->stats.factory_resets += factory;
	truth_add(d->sim->truth, &(struct truth_entry){.device = d,
					 .what = "snmp_reset",
					 .item = factory ? "factory" : "power",
					 .result = factory ? "wrongValue" : "ok",
					 .violation = factory});
	d->reset_asked = !factory;
}

/* Only the reset object can be set: 4 and 5 restart, 6 is refused and remembered (DV-20). */
static void set(struct device *d, struct request *q)
{
	static const struct oid RESET = OID(MIB2, 43, 5, 1, 1, 3, 1);
	int64_t value = 0;

	for (size_t i = 0; i < q->n; i++) {
		struct ber_reader c = q->values[i];
		value = c.p < c.end ? *c.p : 0;
		if (!q->may_write)
			refuse(q, i, NO_ACCESS, NO_SUCH_NAME);
		else if (oid_cmp(&q->oids[i], &RESET) != 0)
			refuse(q, i, NOT_WRITABLE, NO_SUCH_NAME);
		else if (q->tags[i] != BER_INTEGER || c.end - c.p != 1 ||
			 (value != RESET_POWER && value != RESET_NVRAM))
			refuse(q, i, WRONG_VALUE, BAD_VALUE);
		if (oid_cmp(&q->oids[i], &RESET) == 0 && value == RESET_FACTORY)
			reset_device(d, value);
	}
	if (!q->error && q->n)
		reset_device(d, value);
}

/* ---- the answer, written backwards ---- */

static void put_bind(struct ber_writer *w, const struct oid *o, const uint8_t *mark)
{
	ber_put_oid(w, o);
	ber_wrap(w, BER_SEQUENCE, mark);
}

static void answer_get(struct ber_writer *w, const struct device *d, struct request *q, size_t i)
{
	const uint8_t *mark = w->p;
	struct oid o = q->oids[i];
	bool next = q->pdu == SNMP_GETNEXT;
	bool found = next ? get_next(w, d, &o) : get(w, d, &o);

	if (!found) {
		refuse(q, i, NO_ERROR, NO_SUCH_NAME);
		ber_put_bytes(w,
			q->version == 0 ? BER_NULL
			: next          ? SNMP_END_OF_VIEW
					: SNMP_NO_INSTANCE,
			"", 0);
	}
	put_bind(w, &o, mark);
}

/* Backwards writing wants the last row first: the rows are found before they are written. */
static void answer_bulk(
	struct ber_writer *w, const struct device *d, const struct oid *from, int64_t repetitions)
{
	struct oid rows[REPETITIONS_MAX + 1];
	uint8_t scratch[512];
	size_t n = 0;

	rows[0] = *from;
	while (n < (size_t)repetitions && n < REPETITIONS_MAX) {
		struct ber_writer nowhere;
		ber_begin(&nowhere, scratch, sizeof(scratch));
		rows[n + 1] = rows[n];
		if (!get_next(&nowhere, d, &rows[n + 1]))
			break;
		n++;
	}
	if (n < (size_t)repetitions && n < REPETITIONS_MAX) {
		const uint8_t *mark = w->p;
		ber_put_bytes(w, SNMP_END_OF_VIEW, "", 0);
		put_bind(w, &rows[n], mark);
	}
	for (size_t i = n; i > 0; i--) {
		const uint8_t *mark = w->p;
		(void)get(w, d, &rows[i]);
		put_bind(w, &rows[i], mark);
	}
}

static void echo(struct ber_writer *w, const struct request *q, size_t i)
{
	const uint8_t *mark = w->p;

	ber_put_bytes(w, q->tags[i], q->values[i].p, (size_t)(q->values[i].end - q->values[i].p));
	put_bind(w, &q->oids[i], mark);
}

static void put_varbinds(struct ber_writer *w, const struct device *d, struct request *q)
{
	for (size_t i = q->n; i-- > 0;) {
		if (q->pdu == SNMP_GETBULK)
			answer_bulk(w, d, &q->oids[i],
				(int64_t)i < q->non_repeaters ? 1 : q->repetitions);
		else if (q->pdu == SNMP_SET)
			echo(w, q, i);
		else
			answer_get(w, d, q, i);
	}
}

size_t snmp_answer(struct device *d, const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	struct request q = {.n = 0};
	struct span community;
	struct ber_writer w;

	if (read_request(d, in, n, &q, &community) < 0)
		return 0;
	d->sim->stats.snmp++;
	if (q.pdu == SNMP_SET)
		set(d, &q);
	else if (q.pdu != SNMP_GET && q.pdu != SNMP_GETNEXT && q.pdu != SNMP_GETBULK)
		return 0;
	ber_begin(&w, out, size);
	const uint8_t *end = w.p;
	put_varbinds(&w, d, &q);
	ber_wrap(&w, BER_SEQUENCE, end);
	ber_put_integer(&w, BER_INTEGER, (int64_t)q.error_index);
	ber_put_integer(&w, BER_INTEGER, q.error);
	ber_put_integer(&w, BER_INTEGER, q.id);
	ber_wrap(&w, SNMP_RESPONSE, end);
	ber_put_bytes(&w, BER_OCTETS, community.p, community.n);
	ber_put_integer(&w, BER_INTEGER, q.version);
	ber_wrap(&w, BER_SEQUENCE, end);
	if (w.err)
		return 0;
	memmove(out, w.p, (size_t)(end - w.p));
	return (size_t)(end - w.p);
}

void snmp_serve(struct device *d)
{
	uint8_t in[DATAGRAM], out[DATAGRAM];
	struct sockaddr_in from;

	for (int i = 0; i < 16 && d->snmp_fd >= 0; i++) {
		int fd = d->snmp_fd;
		socklen_t len = sizeof(from);
		ssize_t n =
			recvfrom(fd, in, sizeof(in), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		size_t answer = snmp_answer(d, in, (size_t)n, out, sizeof(out));
		if (answer)
			(void)sendto(fd, out, answer, MSG_DONTWAIT, (struct sockaddr *)&from, len);
		if (d->reset_asked)
			device_restart(d, d->sim->fleet.restart_ms);
		d->reset_asked = false;
	}
}
