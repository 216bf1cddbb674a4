// SPDX-License-Identifier: Apache-2.0
/* What answers say. Pure. */
#include "services/worker/discover/found.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PORTS_MAX 8

static const struct vendor {
	uint32_t enterprise; /* IANA private enterprise number */
	const char *word;    /* in a description */
	const char *name, *family;
} vendors[] = {
	{1602, "canon", "Canon", "canon_rui"},
	{367, "ricoh", "Ricoh", "ricoh_udirectory"},
	{18334, "konica minolta", "Konica Minolta", "konica_openapi"},
	{1347, "kyocera", "Kyocera", "kyocera_wsdl"},
	{11, "hewlett", "HP", NULL},
	{0, "hp ", "HP", NULL},
	{253, "xerox", "Xerox", NULL},
	{297, "fujifilm", "Fujifilm", NULL},
	{641, "lexmark", "Lexmark", NULL},
	{2435, "brother", "Brother", NULL},
	{1248, "epson", "Epson", NULL},
	{2385, "sharp", "Sharp", NULL},
	{1129, "toshiba", "Toshiba", NULL},
	{2001, "oki", "OKI", NULL},
	{236, "samsung", "Samsung", NULL},
};

const char *found_vendor(const char *text, const char **ret_family)
{
	for (size_t i = 0; text != NULL && i < array_len(vendors); i++) {
		const char *at = strcasestr(text, vendors[i].word);
		if (at != NULL && (at == text || at[-1] == ' ')) {
			*ret_family = vendors[i].family;
			return vendors[i].name;
		}
	}
	return NULL;
}

static const char *vendor_numbered(const struct oid *o, const char **ret_family)
{
	static const struct oid enterprises = {6, {1, 3, 6, 1, 4, 1}};
	struct oid head = *o;

	head.n = head.n < 6 ? head.n : 6;
	if (o->n < 7 || oid_cmp(&head, &enterprises) != 0)
		return NULL;
	for (size_t i = 0; i < array_len(vendors); i++) {
		if (vendors[i].enterprise == o->id[6] && o->id[6] != 0) {
			*ret_family = vendors[i].family;
			return vendors[i].name;
		}
	}
	return NULL;
}

static const char *text_of(const struct errand *e, const struct scan_value *v, size_t max)
{
	return v->there && v->text.n > 0 ? errand_text(e, v->text.p, v->text.n, max) : NULL;
}

static const char *mac_of(const struct errand *e, const struct scan_value *v)
{
	static const uint8_t none[6];
	const uint8_t *p = v->text.p;
	char text[18];

	if (!v->there || v->text.n != sizeof(none) || memcmp(p, none, sizeof(none)) == 0)
		return NULL;
	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3],
		p[4], p[5]);
	return arena_strdup(e->arena, text);
}

static const char *oid_text(const struct errand *e, const struct oid *o)
{
	struct buf text = {.max = 128};
	const char *copy;

	for (uint32_t i = 0; i < o->n; i++)
		buf_addf(&text, i == 0 ? "%u" : ".%u", o->id[i]);
	copy = o->n == 0 || text.err ? NULL : arena_strdup(e->arena, buf_str(&text));
	buf_fini(&text);
	return copy;
}

static bool has(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i], word) == 0)
			return true;
	return false;
}

void found_family(struct m_candidate *c)
{
	bool ipp = has(c->found_by, c->found_by_n, "ipp") ||
		   has(c->services, c->services_n, "_ipp._tcp") ||
		   has(c->services, c->services_n, "_ipps._tcp");

	if (c->family == NULL && c->printer)
		c->family = ipp ? "ipp" : "snmp";
}

/* A serial number that says nothing: blanks, zeros, dashes. */
static const char *serial_of(const char *text)
{
	return text == NULL || strspn(text, " 0-.?X") == strlen(text) ? NULL : text;
}

void found_snmp(const struct errand *e, const struct scan_answer *a, struct m_candidate *c)
{
	const struct scan_value *v = a->values;

	c->description = text_of(e, &v[SCAN_DESCRIPTION], 256);
	c->object_id = oid_text(e, &v[SCAN_OBJECT_ID].oid);
	c->name = text_of(e, &v[SCAN_NAME], 128);
	c->location = text_of(e, &v[SCAN_LOCATION], 128);
	c->serial = serial_of(text_of(e, &v[SCAN_SERIAL], 64));
	c->mac = mac_of(e, &v[SCAN_MAC_1]);
	if (c->mac == NULL)
		c->mac = mac_of(e, &v[SCAN_MAC_2]);
	c->printer =
		v[SCAN_PRINTER_STATUS].there || v[SCAN_SERIAL].there || v[SCAN_PRINTER_NAME].there;
	if (c->name == NULL)
		c->name = text_of(e, &v[SCAN_PRINTER_NAME], 128);
	c->vendor = vendor_numbered(&v[SCAN_OBJECT_ID].oid, &c->family);
	if (c->vendor == NULL)
		c->vendor = found_vendor(c->description, &c->family);
	if (!c->printer) {
		c->family = NULL; /* nobody knows how to speak with it */
		return;
	}
	c->model = text_of(e, &v[SCAN_DEVICE], 64);
}

static const char *clean(const struct errand *e, const char *text, size_t max)
{
	return text == NULL || *text == '\0' ? NULL : errand_text(e, text, strlen(text), max);
}

void found_ipp(const struct errand *e, const struct ipp_identity *said, struct m_candidate *c)
{
	c->printer = true;
	c->serial = serial_of(clean(e, said->serial, 64));
	c->device_uuid = clean(e, said->uuid, 64);
	c->model = clean(e, said->model, 64);
	c->firmware = clean(e, said->firmware, 64);
	c->location = clean(e, said->location, 128);
	c->vendor = found_vendor(said->maker, &c->family);
	if (c->vendor == NULL)
		c->vendor = found_vendor(said->model, &c->family);
	if (c->vendor == NULL)
		c->vendor = clean(e, said->maker, 64);
}

/* ---- two answers of one printer ---- */

static bool says(const char *s)
{
	return s != NULL && *s != '\0';
}

/* 1 equal, -1 different, 0 = one of them does not say. */
static int compare(const char *a, const char *b)
{
	return !says(a) || !says(b) ? 0 : strcasecmp(a, b) == 0 ? 1 : -1;
}

/* A server announces each of its queues by a name of its own. */
static bool two_queues(const struct m_candidate *a, const struct m_candidate *b)
{
	return has(a->found_by, a->found_by_n, "dns_sd") &&
	       has(b->found_by, b->found_by_n, "dns_sd") && compare(a->name, b->name) < 0;
}

static bool same(const struct m_candidate *a, const struct m_candidate *b)
{
	int serial = compare(a->serial, b->serial), uuid = compare(a->device_uuid, b->device_uuid),
	    mac = compare(a->mac, b->mac), address = compare(a->address, b->address);

	if (serial != 0)
		return serial > 0 && compare(a->vendor, b->vendor) >= 0;
	if (uuid != 0)
		return uuid > 0;
	return mac > 0 || (mac == 0 && address > 0 && !two_queues(a, b));
}

static void join_texts(const struct errand *e, const char *const **list, size_t *n,
	const char *const *more, size_t more_n, size_t max)
{
	const char **all = arena_array(e->arena, max, sizeof(*all));
	size_t kept = 0;

	for (size_t i = 0; all != NULL && i < *n + more_n; i++) {
		const char *text = i < *n ? (*list)[i] : more[i - *n];
		bool there = false;
		for (size_t k = 0; k < kept; k++)
			there |= strcmp(all[k], text) == 0;
		if (!there && kept < max)
			all[kept++] = text;
	}
	if (all != NULL) {
		*list = all;
		*n = kept;
	}
}

static void join_ports(const struct errand *e, struct m_candidate *a, const struct m_candidate *b)
{
	struct m_port *all = arena_array(e->arena, PORTS_MAX, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; all != NULL && i < a->ports_n + b->ports_n && n < PORTS_MAX; i++) {
		const struct m_port *p = i < a->ports_n ? &a->ports[i] : &b->ports[i - a->ports_n];
		bool there = false;
		for (size_t k = 0; k < n; k++)
			there |= strcmp(all[k].service, p->service) == 0;
		if (!there)
			all[n++] = *p;
	}
	if (n > 0) {
		a->ports = all;
		a->ports_n = n;
	}
}

/* What b knows and a does not. */
static void put(const struct errand *e, struct m_candidate *a, const struct m_candidate *b)
{
	const char **to[] = {&a->name, &a->vendor, &a->family, &a->model, &a->serial, &a->mac,
		&a->device_uuid, &a->location, &a->description, &a->object_id, &a->firmware,
		&a->ipp_path, &a->tls_pin};
	const char *const from[] = {b->name, b->vendor, b->family, b->model, b->serial, b->mac,
		b->device_uuid, b->location, b->description, b->object_id, b->firmware, b->ipp_path,
		b->tls_pin};

	for (size_t i = 0; i < array_len(to); i++) {
		if (!says(*to[i]))
			*to[i] = from[i];
	}
	a->printer |= b->printer;
	if (compare(a->address, b->address) >= 0)
		join_ports(e, a, b);
	if (uuid_is_nil(&a->credential))
		a->credential = b->credential;
	join_texts(e, &a->found_by, &a->found_by_n, b->found_by, b->found_by_n, 4);
	join_texts(e, &a->services, &a->services_n, b->services, b->services_n, 16);
}

bool found_join(const struct errand *e, struct m_candidate *a, const struct m_candidate *b)
{
	if (!same(a, b))
		return false;
	put(e, a, b);
	return true;
}

bool found_add(const struct errand *e, struct m_candidate *a, const struct m_candidate *b)
{
	int serial = compare(a->serial, b->serial);

	if (serial < 0 || (serial == 0 && compare(a->device_uuid, b->device_uuid) < 0))
		return false;
	put(e, a, b);
	return true;
}
