// SPDX-License-Identifier: Apache-2.0
/* Printer-MIB and Host-Resources-MIB, the few objects that matter here. */
#include "services/worker/adapters/snmp_device.h"

#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/profile.h"
#include "services/worker/verdict.h"

#define MIB2 1, 3, 6, 1, 2, 1
#define OID(...)                                                                                   \
	{                                                                                          \
		.n = sizeof((const uint32_t[]){MIB2, __VA_ARGS__}) / sizeof(uint32_t),             \
		.id = { MIB2,                                                                      \
			__VA_ARGS__ }                                                              \
	}

enum ask {
	SERIAL,
	CHANGES,
	MAC_1,
	MAC_2,
	WHO, /* what comes before says who it is */
	DESCRIPTION = WHO,
	DEVICE_TEXT,
	DEVICE_STATUS,
	PRINTER_STATUS,
	LOCALISATION,
	LINE_1,
	LINE_2,
	LINE_3,
	LINE_4,
	ASKED,
};

static const struct snmp_oid objects[ASKED] = {
	[SERIAL] = OID(43, 5, 1, 1, 17, 1),
	[CHANGES] = OID(43, 5, 1, 1, 1, 1),
	[MAC_1] = OID(2, 2, 1, 6, 1),
	[MAC_2] = OID(2, 2, 1, 6, 2),
	[DESCRIPTION] = OID(1, 1, 0),
	[DEVICE_TEXT] = OID(25, 3, 2, 1, 3, 1),
	[DEVICE_STATUS] = OID(25, 3, 2, 1, 5, 1),
	[PRINTER_STATUS] = OID(25, 3, 5, 1, 1, 1),
	[LOCALISATION] = OID(43, 5, 1, 1, 10, 1),
	[LINE_1] = OID(43, 16, 5, 1, 2, 1, 1),
	[LINE_2] = OID(43, 16, 5, 1, 2, 1, 2),
	[LINE_3] = OID(43, 16, 5, 1, 2, 1, 3),
	[LINE_4] = OID(43, 16, 5, 1, 2, 1, 4),
};

#define MAKER(...)                                                                                 \
	{                                                                                          \
		.n = sizeof((const uint32_t[]){1, 3, 6, 1, 4, 1, __VA_ARGS__}) / sizeof(uint32_t), \
		.id = { 1,                                                                         \
			3,                                                                         \
			6,                                                                         \
			1,                                                                         \
			4,                                                                         \
			1,                                                                         \
			__VA_ARGS__ }                                                              \
	}

/* Where makers tell the firmware (devices.md section 9); the standard has no object for it. */
static const struct {
	const char *family;
	struct snmp_oid oid;
} firmware_of[] = {
	{"canon_rui", MAKER(1602, 1, 1, 1, 4, 0)},
	{"ricoh_udirectory", MAKER(367, 3, 2, 1, 1, 1, 2, 0)},
	{"kyocera_wsdl", MAKER(1347, 43, 5, 4, 1, 5, 1, 1)},
};

static const char *text(struct errand *e, const struct snmp_value *v, size_t max)
{
	return v->kind == SNMP_BYTES ? errand_text(e, v->bytes.p, v->bytes.n, max) : NULL;
}

static void answer(struct snmp_device *d, const struct fault *f)
{
	d->fn(d->arg, f);
}

/* ---- what goes on ---- */

/* hrPrinterStatus: 1 other, 2 unknown, 3 idle, 4 printing, 5 warm-up. */
static void read_activity(struct snmp_device *d)
{
	struct errand *e = d->errand;
	bool known = e->profile && e->profile->n_lines > 0; /* else a line says nothing to us */
	bool lines = false;

	for (size_t i = LINE_1; known && i <= LINE_4; i++) {
		const char *line = text(e, &d->values[i], 128);
		const char *op = line ? profile_line_op(e->profile, line) : "";
		lines |= line != NULL;
		if (*op)
			errand_op(e, op);
	}
	if (!lines && d->values[PRINTER_STATUS].number == 4)
		errand_op(e, "other_activity");
	e->seen.busy_unknown = !lines && d->values[PRINTER_STATUS].kind == SNMP_ABSENT;
}

/* ---- language ---- */

static const char *charset_of(int64_t mib)
{
	switch (mib) { /* IANA character sets by their MIB number */
	case 3:
		return "US-ASCII";
	case 4:
		return "ISO-8859-1";
	case 17:
		return "Shift_JIS";
	case 106:
		return "UTF-8";
	case 2252:
		return "windows-1252";
	default:
		return NULL;
	}
}

static void on_language(void *arg, const struct fault *f)
{
	struct snmp_device *d = arg;

	d->question = NULL;
	if (!f) {
		d->errand->seen.language = text(d->errand, &d->values[0], 35);
		d->errand->seen.charset = charset_of(d->values[1].number);
	}
	answer(d, NULL); /* few devices fill it (C) */
}

static void ask_language(struct snmp_device *d, uint32_t index)
{
	d->oids[0] = (struct snmp_oid)OID(43, 7, 1, 1, 2, 1, 0);
	d->oids[1] = (struct snmp_oid)OID(43, 7, 1, 1, 4, 1, 0);
	d->oids[0].id[d->oids[0].n - 1] = d->oids[1].id[d->oids[1].n - 1] = index;
	d->question = snmp_ask(d->errand, d->oids, d->values, 2, on_language, d);
}

/* ---- identity ---- */

static const char *mac_of(const struct errand *e, const struct snmp_value *v)
{
	static const uint8_t none[6]; /* the loopback */
	const uint8_t *p = v->bytes.p;

	if (v->kind != SNMP_BYTES || v->bytes.n != sizeof(none) ||
		memcmp(p, none, sizeof(none)) == 0)
		return NULL;
	return arena_printf(
		e->arena, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
}

/* A machine may have two: the one that its record knows, else the first. */
static const char *own_mac(const struct errand *e, const char *first, const char *second)
{
	const char *known = e->device->mac;

	return !first || (second && known && verdict_same_mac(known, second)) ? second : first;
}

static void read_identity(struct snmp_device *d)
{
	struct errand *e = d->errand;
	const struct snmp_value *changes = &d->values[CHANGES];

	e->seen.mac = own_mac(e, mac_of(e, &d->values[MAC_1]), mac_of(e, &d->values[MAC_2]));
	e->seen.serial = text(e, &d->values[SERIAL], 64);
	e->seen.change =
		changes->kind == SNMP_NUMBER && changes->number > 0 ? (uint64_t)changes->number : 0;
}

static void on_values(void *arg, const struct fault *f)
{
	struct snmp_device *d = arg;
	struct errand *e = d->errand;
	int64_t localisation = d->values[LOCALISATION].number;

	d->question = NULL;
	if (f) {
		e->seen.busy_unknown = true;
		answer(d, f);
		return;
	}
	read_identity(d);
	if (d->asked > ASKED)
		e->seen.firmware = text(e, &d->values[ASKED], 64);
	e->seen.model = text(e, &d->values[DEVICE_TEXT], 64);
	if (!e->seen.model)
		e->seen.model = text(e, &d->values[DESCRIPTION], 64);
	read_activity(d);
	if (localisation > 0 && localisation < 65536)
		ask_language(d, (uint32_t)localisation);
	else
		answer(d, NULL);
}

void snmp_device_ask(struct snmp_device *d, struct errand *e, snmp_fn fn, void *arg)
{
	*d = (struct snmp_device){.errand = e, .fn = fn, .arg = arg};
	e->seen.n_ops = 0;
	memcpy(d->oids, objects, sizeof(objects));
	d->asked = ASKED;
	for (size_t i = 0; i < array_len(firmware_of); i++)
		if (e->device->family && strcmp(firmware_of[i].family, e->device->family) == 0)
			d->oids[d->asked++] = firmware_of[i].oid;
	d->question = snmp_ask(e, d->oids, d->values, d->asked, on_values, d);
}

static void on_identity(void *arg, const struct fault *f)
{
	struct snmp_device *d = arg;

	d->question = NULL;
	if (!f)
		read_identity(d);
	answer(d, f);
}

void snmp_device_capability(struct errand *e)
{
	errand_capability(e, "identity",
		e->seen.serial ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_UNKNOWN, GRADE_A,
		e->seen.serial ? "SNMP serial" : "none");
}

void snmp_device_identify(struct snmp_device *d, struct errand *e, snmp_fn fn, void *arg)
{
	*d = (struct snmp_device){.errand = e, .fn = fn, .arg = arg};
	e->seen.serial = e->seen.mac = NULL; /* what it said before is not what it says now */
	d->question = snmp_ask(e, objects, d->values, WHO, on_identity, d);
}

void snmp_device_cancel(struct snmp_device *d)
{
	snmp_cancel(d->question);
	d->question = NULL;
}
