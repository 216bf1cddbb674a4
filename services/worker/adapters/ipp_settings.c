// SPDX-License-Identifier: Apache-2.0
/* Attributes compared and set; libcups holds the messages. */
#include "services/worker/adapters/ipp_settings.h"

#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/ipp_priv.h"

enum { TEXT_MAX = 500, NAMES_MAX = 1024, DEPTH_MAX = 8 };

/* ---- equal? ---- */

static bool same_attribute(ipp_attribute_t *a, ipp_attribute_t *b, int depth);

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Each member of a is in b, as often as it has members. */
static bool same_collection(ipp_t *a, ipp_t *b, int depth)
{
	size_t n = 0, m = 0;

	if (!a || !b || depth > DEPTH_MAX)
		return false;
	for (ipp_attribute_t *at = ippFirstAttribute(b); at; at = ippNextAttribute(b))
		m++;
	for (ipp_attribute_t *at = ippFirstAttribute(a); at; at = ippNextAttribute(a), n++) {
		ipp_attribute_t *other = ippFindAttribute(b, ippGetName(at), IPP_TAG_ZERO);
		if (!other || !same_attribute(at, other, depth + 1))
			return false;
	}
	return n == m;
}

static bool same_resolution(ipp_attribute_t *a, ipp_attribute_t *b, int i)
{
	ipp_res_t unit_a = 0, unit_b = 0;
	int ya = 0, yb = 0, xa = ippGetResolution(a, i, &ya, &unit_a),
	    xb = ippGetResolution(b, i, &yb, &unit_b);

	return xa == xb && ya == yb && unit_a == unit_b;
}

static bool same_bytes(const void *a, int a_n, const void *b, int b_n)
{
	return a_n == b_n && a_n >= 0 && (a_n == 0 || memcmp(a, b, (size_t)a_n) == 0);
}

static bool same_octets(ipp_attribute_t *a, ipp_attribute_t *b, int i)
{
	int a_n = 0, b_n = 0;
	const void *p = ippGetOctetString(a, i, &a_n), *q = ippGetOctetString(b, i, &b_n);

	return same_bytes(p, a_n, q, b_n);
}

static bool same_range(ipp_attribute_t *a, ipp_attribute_t *b, int i)
{
	int upper_a = 0, upper_b = 0;

	return ippGetRange(a, i, &upper_a) == ippGetRange(b, i, &upper_b) && upper_a == upper_b;
}

static bool is_string(ipp_tag_t tag)
{
	return (tag >= IPP_TAG_TEXT && tag <= IPP_TAG_MIMETYPE) || tag == IPP_TAG_TEXTLANG ||
	       tag == IPP_TAG_NAMELANG;
}

static bool same_value(ipp_attribute_t *a, ipp_attribute_t *b, int i, int depth)
{
	switch ((int)ippGetValueTag(a)) {
	case IPP_TAG_INTEGER:
	case IPP_TAG_ENUM:
		return ippGetInteger(a, i) == ippGetInteger(b, i);
	case IPP_TAG_BOOLEAN:
		return ippGetBoolean(a, i) == ippGetBoolean(b, i);
	case IPP_TAG_STRING:
		return same_octets(a, b, i);
	case IPP_TAG_DATE:
		return same_bytes(ippGetDate(a, i), 11, ippGetDate(b, i), 11);
	case IPP_TAG_RESOLUTION:
		return same_resolution(a, b, i);
	case IPP_TAG_RANGE:
		return same_range(a, b, i);
	case IPP_TAG_BEGIN_COLLECTION:
		return same_collection(ippGetCollection(a, i), ippGetCollection(b, i), depth);
	default:
		return is_string(ippGetValueTag(a))
			       ? same_text(ippGetString(a, i, NULL), ippGetString(b, i, NULL))
			       : true; /* out of band: the tag is all */
	}
}

static bool same_attribute(ipp_attribute_t *a, ipp_attribute_t *b, int depth)
{
	ipp_tag_t ta = ippGetValueTag(a), tb = ippGetValueTag(b);
	int n = ippGetCount(a);

	if ((ta != tb && !(is_string(ta) && is_string(tb))) || n != ippGetCount(b))
		return false;
	for (int i = 0; i < n; i++)
		if (!same_value(a, b, i, depth))
			return false;
	return true;
}

/* ---- compare ---- */

/* What says which printer this is, and where it stands, does not belong to another one. */
static bool is_of_the_printer(const char *name)
{
	static const char *const names[] = {"printer-name", "printer-dns-sd-name", "printer-info",
		"printer-location", "printer-geo-location", "printer-contact-col",
		"printer-static-resource-directory-uri", "printer-xri-requested"};

	for (size_t i = 0; i < array_len(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static ipp_attribute_t *setting(ipp_t *r, const char *name)
{
	ipp_attribute_t *at = ippFindAttribute(r, name, IPP_TAG_ZERO);

	while (at && ippGetGroupTag(at) != IPP_TAG_PRINTER)
		at = ippFindNextAttribute(r, name, IPP_TAG_ZERO);
	return at;
}

/* Without a uuid on either side the record of the device decides, elsewhere. */
static bool same_printer(ipp_t *a, ipp_t *b)
{
	ipp_attribute_t *at = setting(a, "printer-uuid"), *bt = setting(b, "printer-uuid");

	return at && bt ? same_attribute(at, bt, 0) : at == bt;
}

/* Names of the printer group, in order. The library's cursor is not safe from lookups: names first.
 */
static struct ipp_names names_of(ipp_t *r, struct arena *a)
{
	struct ipp_names names = {.name = arena_array(a, NAMES_MAX, sizeof(char *))};

	if (!names.name)
		return names;
	for (ipp_attribute_t *at = ippFirstAttribute(r); at; at = ippNextAttribute(r)) {
		const char *name = ippGetName(at);
		if (ippGetGroupTag(at) == IPP_TAG_PRINTER && name && names.n < NAMES_MAX &&
			!ipp_is_volatile(name) && !ipp_is_about(name))
			names.name[names.n++] = name;
	}
	return names;
}

static const char *as_text(ipp_attribute_t *at, struct arena *a)
{
	char text[TEXT_MAX + 1];

	if (!at)
		return NULL;
	(void)ippAttributeString(at, text, sizeof(text));
	return arena_strdup(a, text);
}

/* One comparison under way. */
struct comparison {
	ipp_t *present, *wanted;
	bool same_printer;
	struct arena *arena;
	struct ipp_changes *ret;
};

static void compare_one(const struct comparison *c, const char *name)
{
	ipp_attribute_t *has = setting(c->present, name), *shall = setting(c->wanted, name);
	struct ipp_change *change = &c->ret->change[c->ret->n];

	if (!has && !shall)
		return; /* a name with a slash: libcups takes it for a path, and no printer has one
			 */
	if (has && shall && same_attribute(has, shall, 0)) {
		c->ret->unchanged++;
		return;
	}
	*change = (struct ipp_change){.name = arena_strdup(c->arena, name),
		.before = as_text(has, c->arena),
		.after = as_text(shall, c->arena)};
	if (!ipp_is_settable(c->present, name))
		change->hindrance = IPP_NOT_SETTABLE;
	else if (!c->same_printer && is_of_the_printer(name))
		change->hindrance = IPP_OF_ANOTHER;
	c->ret->n += change->name != NULL;
}

static int compare(struct comparison *c, struct fault *reterr)
{
	struct ipp_names wanted = names_of(c->wanted, c->arena),
			 present = names_of(c->present, c->arena);

	c->ret->change = arena_array(c->arena, wanted.n + present.n + 1, sizeof(*c->ret->change));
	if (!wanted.name || !present.name || !c->ret->change)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	for (size_t i = 0; i < wanted.n; i++)
		compare_one(c, wanted.name[i]);
	for (size_t i = 0; i < present.n; i++)
		if (!setting(c->wanted, present.name[i]))
			compare_one(c, present.name[i]);
	return 0;
}

int ipp_compare(struct span present, struct span wanted, struct arena *a, struct ipp_changes *ret,
	struct fault *reterr)
{
	struct fault why = FAULT_INIT;
	struct ipp_changes found = {.n = 0};
	struct comparison c = {.arena = a, .ret = &found};
	int r = -1;

	c.present = ipp_parse_good(present, reterr);
	c.wanted = c.present ? ipp_parse_good(wanted, &why) : NULL;
	if (c.present && !c.wanted)
		fault_set(reterr, CN_PARSE_ERROR, "these are no settings of an IPP printer: %s",
			why.detail);
	if (c.wanted) {
		c.same_printer = same_printer(c.present, c.wanted);
		r = compare(&c, reterr);
	}
	ippDelete(c.present);
	ippDelete(c.wanted);
	if (r == 0)
		*ret = found;
	return r;
}

/* ---- set ---- */

void ipp_set_attributes(struct buf *out, const char *uri, unsigned version, struct span wanted,
	const struct ipp_names *names)
{
	struct fault f = FAULT_INIT;
	ipp_t *r = ipp_request(IPP_OP_SET_PRINTER_ATTRIBUTES, version, uri);
	ipp_t *from = ipp_parse_good(wanted, &f);

	for (size_t i = 0; from && i < names->n; i++) {
		ipp_attribute_t *at = setting(from, names->name[i]);
		if (!at)
			(void)ippAddOutOfBand(
				r, IPP_TAG_PRINTER, IPP_TAG_DELETEATTR, names->name[i]);
		else if ((at = ippCopyAttribute(r, at, 0)) != NULL)
			(void)ippSetGroupTag(r, &at, IPP_TAG_PRINTER);
	}
	ippDelete(from);
	ipp_write(r, out);
}

int ipp_read_set_answer(
	struct span answer, struct arena *a, struct ipp_set_answer *ret, struct fault *reterr)
{
	ipp_t *r = ipp_parse(answer, reterr);
	struct ipp_set_answer found = {.refused.name = arena_array(a, NAMES_MAX, sizeof(char *))};

	if (!r || !found.refused.name) {
		ippDelete(r);
		return r ? fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up") : -1;
	}
	found.status = (unsigned)ippGetStatusCode(r);
	for (ipp_attribute_t *at = ippFirstAttribute(r); at; at = ippNextAttribute(r)) {
		const char *name = ippGetName(at);
		if (ippGetGroupTag(at) != IPP_TAG_UNSUPPORTED_GROUP || !name ||
			found.refused.n == NAMES_MAX)
			continue;
		found.refused.name[found.refused.n] = arena_strdup(a, name);
		found.refused.n += found.refused.name[found.refused.n] != NULL;
	}
	ippDelete(r);
	*ret = found;
	return 0;
}

bool ipp_set_again(unsigned status)
{
	return status == 0x040b || status == 0x0413;
}
