// SPDX-License-Identifier: Apache-2.0
/* The table of families, the rule about unproven functions, and what adapters share. */
#include "services/worker/adapters/adapter.h"

#include <string.h>

#include "common/crypto/crypto.h"
#include "common/crypto/factory.h"
#include "gen/errors.h"
#include "services/worker/credential.h"

/* clang-format off */
static const struct adapter *const adapters[] = {
	&adapter_canon_rui,
	&adapter_ipp,
	&adapter_konica_openapi,
	&adapter_kyocera_wsdl,
	&adapter_ricoh_udirectory,
	&adapter_snmp,
	&adapter_jetdirect_ftp,
};
/* clang-format on */

const struct adapter *adapter_find(const char *family)
{
	for (size_t i = 0; family && i < array_len(adapters); i++)
		if (strcmp(adapters[i]->family, family) == 0)
			return adapters[i];
	return NULL;
}

const char *const *adapter_families(size_t *ret_n)
{
	static const char *names[array_len(adapters) + 1];

	for (size_t i = 0; i < array_len(adapters); i++)
		names[i] = adapters[i]->family;
	*ret_n = array_len(adapters);
	return names;
}

const struct skill *adapter_skill(const struct adapter *a, const char *kind)
{
	for (const struct skill *s = a->skills; s->kind; s++)
		if (strcmp(s->kind, kind) == 0)
			return s;
	return NULL;
}

int adapter_allows(
	const struct adapter *a, const struct m_device *d, const char *kind, struct fault *reterr)
{
	const struct skill *s = adapter_skill(a, kind);
	bool book = strncmp(kind, "ab.", 3) == 0;

	if (s == NULL && book && a->codec && !a->write && adapter_skill(a, "ab.backup"))
		return fault_why(reterr, CN_UNSUPPORTED_OPERATION, "file_by_hand",
			"nothing public says how a book is written on family %s: Carnet makes the "
			"device's own file, to be loaded by hand (AB-38)",
			a->family);
	if (s == NULL)
		return fault_set(reterr, book ? CN_UNSUPPORTED_DEVICE : CN_UNSUPPORTED_OPERATION,
			"family %s has no %s", a->family, kind);
	if (d->simulated)
		return 0;
	if (a->simulated_only && a->simulated_only(d, kind))
		return fault_why(reterr, CN_CAPABILITY_UNPROVEN, "simulated_only",
			"how %s works on this type is not public: simulated devices only", kind);
	if (s->grade >= GRADE_C && !d->allow_unproven)
		return fault_why(reterr, CN_CAPABILITY_UNPROVEN, "grade",
			"%s has evidence grade %c and allow_unproven is off", kind, (char)s->grade);
	return 0;
}

uint16_t errand_port(const struct errand *e, const char *service, uint16_t otherwise)
{
	for (size_t i = 0; i < e->device->ports_n; i++)
		if (strcmp(e->device->ports[i].service, service) == 0)
			return (uint16_t)e->device->ports[i].port;
	return otherwise;
}

const char *errand_label(const struct errand *e, const char *key)
{
	for (size_t i = 0; i < e->device->labels_n; i++)
		if (strcmp(e->device->labels[i].key, key) == 0)
			return e->device->labels[i].value;
	return NULL;
}

static bool one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static void note_factory(const struct errand *e, const struct m_sealed_credential *sealed,
	const struct credential *c)
{
	if (e->factory && !sealed->factory_default && login_kind(c->kind) &&
		login_is_factory(*c->user ? c->user : c->id, *c->password ? c->password : c->pin))
		*e->factory = sealed;
}

bool errand_credential(const struct errand *e, const char *const *kinds, struct credential *ret,
	struct fault *reterr)
{
	for (size_t i = 0; i < e->n_credentials; i++) {
		if (!one_of(e->credentials[i].kind, kinds))
			continue;
		if (credential_open(e->keys, &e->credentials[i], ret, reterr) < 0)
			return false;
		note_factory(e, &e->credentials[i], ret);
		return true;
	}
	fault_set(reterr, CN_AUTH_MISSING, "no credential of kind %s is bound to this device",
		kinds[0]);
	return false;
}

bool errand_password(const struct errand *e, struct buf *out, struct fault *reterr)
{
	const struct m_task_settings *t = e->settings;
	uint8_t any[16];

	if (e->throwaway) {
		crypto_random(any, sizeof(any));
		for (size_t i = 0; i < sizeof(any); i++)
			buf_addf(out, "%02x", any[i]);
		return true;
	}
	if (t && t->password_sealed.n)
		return credential_password(
			       e->keys, &t->password_id, t->password_sealed, out, reterr) == 0;
	fault_why(reterr, CN_AUTH_MISSING, "password_required",
		"the task has no encryption password");
	return false;
}

const char *errand_firmware(const struct errand *e)
{
	return e->seen.firmware && *e->seen.firmware ? e->seen.firmware : e->device->firmware;
}

void errand_capability(struct errand *e, const char *name, enum capability_result result,
	enum grade grade, const char *method)
{
	struct m_capability *c;

	if (e->seen.n_capabilities == array_len(e->seen.capabilities))
		return;
	c = &e->seen.capabilities[e->seen.n_capabilities++];
	*c = (struct m_capability){.name = name,
		.result = result,
		.grade = grade == GRADE_A   ? "A"
			 : grade == GRADE_B ? "B"
			 : grade == GRADE_C ? "C"
					    : "D",
		.method = method,
		.adapter = e->device->family,
		.firmware = errand_firmware(e)};
	c->checked_at = (int64_t)e->wall_ms();
}

void errand_op(struct errand *e, const char *op)
{
	for (size_t i = 0; i < e->seen.n_ops; i++)
		if (strcmp(e->seen.ops[i], op) == 0)
			return;
	if (e->seen.n_ops < array_len(e->seen.ops))
		e->seen.ops[e->seen.n_ops++] = op;
}

/* Length of the UTF-8 sequence that begins here, 0 = none. */
static size_t sequence(const uint8_t *p, size_t n)
{
	size_t len = *p < 0x80                 ? 1
		     : *p >= 0xc2 && *p < 0xe0 ? 2
		     : *p >= 0xe0 && *p < 0xf0 ? 3
		     : *p >= 0xf0 && *p < 0xf5 ? 4
					       : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((len == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))) ||
		(len == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))))
		return 0;
	return len;
}

const char *errand_text(const struct errand *e, const void *p, size_t n, size_t max)
{
	const uint8_t *in = p;
	char *text = arena_alloc(e->arena, size_min(n, max) + 1);
	size_t out = 0, len;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < n; i += size_max(len, 1)) {
		len = sequence(in + i, n - i);
		if (out + size_max(len, 1) > max)
			break;
		if (len > 1 || (len == 1 && in[i] >= 0x20 && in[i] != 0x7f)) {
			memcpy(text + out, in + i, len);
			out += len;
		} else {
			text[out++] = '?';
		}
	}
	text[out] = 0;
	return out ? text : NULL;
}
