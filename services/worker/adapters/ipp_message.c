// SPDX-License-Identifier: Apache-2.0
/* IPP encoding by libcups, on memory: ippWriteIO and ippReadIO never see a socket here. */
#include "services/worker/adapters/ipp_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gen/errors.h"

/* ---- requests ---- */

static ssize_t write_to(void *arg, ipp_uchar_t *p, size_t n)
{
	buf_add(arg, p, n);
	return (ssize_t)n;
}

ipp_t *ipp_request(int operation, unsigned version, const char *uri)
{
	ipp_t *r = ippNew();
	bool system =
		operation == IPP_OP_GET_SYSTEM_ATTRIBUTES || operation == IPP_OP_RESTART_SYSTEM;

	ippSetVersion(r, (int)(version >> 8), (int)(version & 0xff));
	ippSetOperation(r, (ipp_op_t)operation);
	ippSetRequestId(r, 1); /* always: it comes back in the bytes that are stored */
	ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_CHARSET, "attributes-charset", NULL, "utf-8");
	ippAddString(
		r, IPP_TAG_OPERATION, IPP_TAG_LANGUAGE, "attributes-natural-language", NULL, "en");
	ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_URI, system ? "system-uri" : "printer-uri", NULL,
		uri);
	ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name", NULL, "carnet");
	return r;
}

void ipp_write(ipp_t *r, struct buf *out)
{
	bug_if(ippWriteIO(out, write_to, 1, NULL, r) != IPP_STATE_DATA);
	ippDelete(r);
}

void ipp_get_attributes(
	struct buf *out, const char *uri, unsigned version, const char *const *names, size_t n)
{
	ipp_t *r = ipp_request(IPP_OP_GET_PRINTER_ATTRIBUTES, version, uri);

	if (names == NULL)
		ippAddString(
			r, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes", NULL, "all");
	else
		ippAddStrings(r, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes", (int)n,
			NULL, names);
	ipp_write(r, out);
}

void ipp_call(struct buf *out, enum ipp_operation operation, const char *uri, unsigned version)
{
	ipp_write(ipp_request((int)operation, version, uri), out);
}

const char *const *ipp_identity_names(size_t *ret_n)
{
	static const char *const names[] = {"printer-uuid", "printer-device-id",
		"printer-make-and-model", "printer-firmware-string-version",
		"printer-serial-number", "natural-language-configured", "charset-configured",
		"printer-state", "printer-state-reasons", "operations-supported",
		"printer-config-change-time", "printer-up-time"};

	*ret_n = array_len(names);
	return names;
}

/* ---- answers ---- */

static ssize_t read_from(void *arg, ipp_uchar_t *p, size_t n)
{
	struct span *s = arg;

	n = size_min(n, s->n);
	memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return (ssize_t)n;
}

ipp_t *ipp_parse(struct span answer, struct fault *reterr)
{
	ipp_t *r = ippNew();

	if (answer.n >= 9 && ippReadIO(&answer, read_from, 1, NULL, r) == IPP_STATE_DATA)
		return r;
	ippDelete(r);
	fault_set(reterr, CN_PROTOCOL_ERROR, "the answer is not an IPP message");
	return NULL;
}

static int code_of(ipp_status_t status)
{
	switch ((int)status) {
	case 0x0507:
	case 0x0505:
	case 0x0506:
	case 0x0502:
		return CN_DEVICE_BUSY;
	case 0x0501:
	case 0x0503:
		return CN_UNSUPPORTED_OPERATION;
	case 0x0401:
	case 0x0403:
		return CN_PERMISSION_DENIED;
	case 0x0402:
		return CN_AUTH_REFUSED;
	case 0x0404:
	case 0x0406: /* not-found: no such printer there */
	case 0x040b:
	case 0x0413:
	case 0x040e:
		return CN_REJECTED;
	default:
		return CN_PROTOCOL_ERROR;
	}
}

static int check_status(ipp_t *r, struct fault *reterr)
{
	ipp_status_t status = ippGetStatusCode(r);

	if ((int)status < 0x0100)
		return 0;
	return fault_set(reterr, code_of(status), "IPP status %s", ippErrorString(status));
}

int ipp_check(struct span answer, struct fault *reterr)
{
	ipp_t *r = ipp_parse(answer, reterr);
	int rc = r ? check_status(r, reterr) : -1;

	ippDelete(r);
	return rc;
}

const char *ipp_words(struct span answer, struct arena *a)
{
	struct fault f = FAULT_INIT;
	ipp_t *r = ipp_parse(answer, &f);
	ipp_attribute_t *at = r ? ippFindAttribute(r, "status-message", IPP_TAG_TEXT) : NULL;
	const char *s = at ? ippGetString(at, 0, NULL) : NULL;
	const char *copy = s && *s ? arena_strndup(a, s, size_min(strlen(s), 255)) : NULL;

	ippDelete(r);
	return copy;
}

bool ipp_is_version_refused(struct span answer)
{
	return answer.n >= 4 && answer.p[2] == 0x05 && answer.p[3] == 0x03;
}

ipp_t *ipp_parse_good(struct span answer, struct fault *reterr)
{
	ipp_t *r = ipp_parse(answer, reterr);

	if (r && check_status(r, reterr) < 0) {
		ippDelete(r);
		r = NULL;
	}
	return r;
}

/* ---- identity ---- */

static const char *text_of(ipp_t *r, const char *name, struct arena *a, size_t max)
{
	ipp_attribute_t *at = ippFindAttribute(r, name, IPP_TAG_ZERO);
	ipp_tag_t tag = at ? ippGetValueTag(at) : IPP_TAG_ZERO;
	const char *s = tag >= IPP_TAG_TEXTLANG ? ippGetString(at, 0, NULL) : NULL;

	return s && *s ? arena_strndup(a, s, size_min(strlen(s), max)) : NULL;
}

/* IEEE 1284: "MFG:Canon;MDL:X;SN:ABC123;" */
static const char *value_in(const char *device_id, const char *const *keys, struct arena *a)
{
	for (const char *part = device_id; part && *part;) {
		size_t n = strcspn(part, ";");
		for (size_t k = 0; keys[k]; k++)
			if (n > strlen(keys[k]) && strncasecmp(part, keys[k], strlen(keys[k])) == 0)
				return arena_strndup(a, part + strlen(keys[k]),
					size_min(n - strlen(keys[k]), 64));
		part += n + (part[n] == ';');
	}
	return NULL;
}

static bool has_integer(ipp_t *r, const char *name, int value)
{
	ipp_attribute_t *at = ippFindAttribute(r, name, IPP_TAG_ENUM);

	for (int i = 0; at && i < ippGetCount(at); i++)
		if (ippGetInteger(at, i) == value)
			return true;
	return false;
}

int ipp_read_identity(
	struct span answer, struct arena *a, struct ipp_identity *ret, struct fault *reterr)
{
	ipp_t *r = ipp_parse_good(answer, reterr);
	ipp_attribute_t *at;
	static const char *const serials[] = {"SN:", "SERN:", "SERIALNUMBER:", NULL};
	static const char *const makers[] = {"MFG:", "MANUFACTURER:", NULL};
	const char *uuid, *device_id;

	if (!r)
		return -1;
	*ret = (struct ipp_identity){.state = 0};
	device_id = text_of(r, "printer-device-id", a, 1023);
	ret->maker = value_in(device_id, makers, a);
	ret->location = text_of(r, "printer-location", a, 128);
	ret->serial = text_of(r, "printer-serial-number", a, 64);
	if (!ret->serial)
		ret->serial = value_in(device_id, serials, a);
	uuid = text_of(r, "printer-uuid", a, 64);
	ret->uuid = uuid && strncasecmp(uuid, "urn:uuid:", 9) == 0 ? uuid + 9 : uuid;
	ret->model = text_of(r, "printer-make-and-model", a, 64);
	ret->firmware = text_of(r, "printer-firmware-string-version", a, 64);
	ret->language = text_of(r, "natural-language-configured", a, 35);
	ret->charset = text_of(r, "charset-configured", a, 40);
	ret->state_text = text_of(r, "printer-state-reasons", a, 64);
	ret->can_set = has_integer(r, "operations-supported", IPP_OP_SET_PRINTER_ATTRIBUTES);
	ret->can_restart = has_integer(r, "operations-supported", IPP_OP_RESTART_PRINTER);
	ret->can_restart_system = has_integer(r, "operations-supported", IPP_OP_RESTART_SYSTEM);
	at = ippFindAttribute(r, "printer-state", IPP_TAG_ENUM);
	ret->state = at ? ippGetInteger(at, 0) : 0;
	at = ippFindAttribute(r, "printer-config-change-time", IPP_TAG_INTEGER);
	ret->change = at && ippGetInteger(at, 0) > 0 ? (uint64_t)ippGetInteger(at, 0) : 0;
	at = ippFindAttribute(r, "printer-up-time", IPP_TAG_INTEGER);
	ret->up = at && ippGetInteger(at, 0) > 0 ? ippGetInteger(at, 0) : 0;
	ret->stopped_for_reason =
		ret->state == 5 && ret->state_text && strcmp(ret->state_text, "none") != 0;
	ippDelete(r);
	return 0;
}

/* ---- settings ---- */

enum { NAMES_MAX = 1024 };

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

static bool listed(ipp_t *r, const char *list_name, const char *name)
{
	ipp_attribute_t *list = ippFindAttribute(r, list_name, IPP_TAG_KEYWORD);

	for (int i = 0; list && i < ippGetCount(list); i++) {
		const char *s = ippGetString(list, i, NULL);
		if (s && strcmp(s, name) == 0)
			return true;
	}
	return false;
}

/* the standard's spelling, and PAPPL's */
static const char *const settable_lists[] = {
	"printer-settable-attributes-supported", "printer-settable-attributes"};

bool ipp_is_settable(ipp_t *r, const char *name)
{
	for (size_t i = 0; i < array_len(settable_lists); i++)
		if (listed(r, settable_lists[i], name))
			return true;
	return false;
}

bool ipp_is_about(const char *name)
{
	for (size_t i = 0; i < array_len(settable_lists); i++)
		if (strcmp(name, settable_lists[i]) == 0)
			return true;
	return strcmp(name, "printer-uuid") == 0;
}

/* Moves by itself, whatever the settings say. */
bool ipp_is_volatile(const char *name)
{
	return ends_with(name, "-time") || ends_with(name, "-date-time") ||
	       ends_with(name, "-count") || ends_with(name, "-ready") ||
	       strncmp(name, "printer-state", 13) == 0 ||
	       strncmp(name, "printer-supply", 14) == 0 || strcmp(name, "printer-alert") == 0 ||
	       ends_with(name, "-alert-description");
}

static bool is_setting(ipp_t *r, const char *name)
{
	static const char *const plain[] = {"printer-name", "printer-info", "printer-location",
		"printer-geo-location", "printer-organization", "printer-organizational-unit",
		"printer-dns-sd-name", "printer-is-shared", "printer-op-policy",
		"printer-error-policy"};

	if (ipp_is_volatile(name))
		return false;
	for (size_t i = 0; i < array_len(plain); i++)
		if (strcmp(name, plain[i]) == 0)
			return true;
	return ends_with(name, "-default") || ends_with(name, "-configured") ||
	       ipp_is_about(name) || ipp_is_settable(r, name);
}

static bool named(const struct ipp_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->name[i] && strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

/* Some printers (PAPPL) leave settable ones out of "all": they are asked for by name. */
static void add_listed(ipp_t *r, const char *list_name, struct arena *a, struct ipp_names *names)
{
	ipp_attribute_t *list = ippFindAttribute(r, list_name, IPP_TAG_KEYWORD);

	for (int i = 0; list && i < ippGetCount(list) && names->n < NAMES_MAX; i++) {
		const char *s = ippGetString(list, i, NULL);
		if (s && *s && !ipp_is_volatile(s) && !named(names, s))
			names->name[names->n++] = arena_strdup(a, s);
	}
}

int ipp_setting_names(struct span all, struct arena *a, struct ipp_names *ret, struct fault *reterr)
{
	ipp_t *r = ipp_parse_good(all, reterr);
	struct ipp_names names = {.name = r ? arena_array(a, NAMES_MAX, sizeof(char *)) : NULL};

	if (!names.name) {
		ippDelete(r);
		return reterr->code
			       ? -1
			       : fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	}
	for (ipp_attribute_t *at = ippFirstAttribute(r); at; at = ippNextAttribute(r)) {
		const char *name = ippGetName(at);
		if (ippGetGroupTag(at) != IPP_TAG_PRINTER || !name || names.n == NAMES_MAX)
			continue;
		/* looking up the lists moves libcups' own cursor: ask by name afterwards */
		names.name[names.n++] = name;
	}
	size_t kept = 0;
	for (size_t i = 0; i < names.n; i++)
		if (is_setting(r, names.name[i]))
			names.name[kept++] = arena_strdup(a, names.name[i]);
	names.n = kept;
	for (size_t i = 0; i < array_len(settable_lists); i++)
		add_listed(r, settable_lists[i], a, &names);
	ippDelete(r);
	if (names.n == 0)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "the printer names no setting");
	*ret = names;
	return 0;
}

int ipp_count(struct span answer, uint64_t *ret_n, struct fault *reterr)
{
	ipp_t *r = ipp_parse_good(answer, reterr);
	uint64_t n = 0;

	if (!r)
		return -1;
	for (ipp_attribute_t *at = ippFirstAttribute(r); at; at = ippNextAttribute(r))
		n += ippGetGroupTag(at) == IPP_TAG_PRINTER && ippGetName(at) != NULL;
	ippDelete(r);
	*ret_n = n;
	return 0;
}
