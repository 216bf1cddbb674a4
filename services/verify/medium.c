// SPDX-License-Identifier: Apache-2.0
/* The walk as a whole: keys, passports, chains, and what becomes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/verify/seen.h"
#include "services/verify/verify.h"

void found(
	struct verify *v, enum severity severity, const struct where *where, const char *fmt, ...)
{
	char what[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	const struct finding f = {.severity = severity,
		.path = where->path,
		.offset = where->offset,
		.what = what,
		.device = where->device,
		.kind = where->kind,
		.generation = where->generation};
	v->count[severity]++;
	v->report(v->arg, &f);
}

void found_fault(struct verify *v, const struct where *where, const struct fault *f)
{
	enum severity severity = f->code == CN_VAULT_TOO_OLD ? FINDING_NEWER : FINDING_DAMAGE;
	if (f->code == CN_NOT_FOUND)
		found(v, severity, where, "missing");
	else
		found(v, severity, where, "%s", f->detail);
}

/* Without a key, or when the list of signers is not the key's: what the medium says of itself. */
static void take_public(struct verify *v)
{
	struct buf text = BUF_INIT;
	struct fault f;
	if (v->have_public)
		return;
	v->signers.n = 0;
	if (vault_read_small(&v->medium, "keys/signers.slot", SLOT_MAX, &text, &f) == 0 &&
		signers_read(buf_span(&text), NULL, &v->signers) == 0)
		found(v, FINDING_NOTE, &(struct where){.path = "keys/signers.slot", .offset = -1},
			"signatures are held against the medium's own list: without the key or the "
			"public key nobody knows whether that is ours");
	else
		found(v, FINDING_DAMAGE, &(struct where){.path = "keys/signers.slot", .offset = -1},
			"nobody's signature can be checked");
	buf_fini(&text);
}

static int open_keys(struct verify *v)
{
	struct fault f = FAULT_INIT;
	if (v->ring.n == 0) {
		take_public(v);
		return 0;
	}
	if (keys_open(&v->keys, &v->medium, &v->ring, &f) == 0) {
		v->have_key = true;
		v->signers = v->keys.signers;
		return 0;
	}
	const char *path = strcmp(f.reason, "signers") == 0 || strstr(f.detail, "signers") != NULL
				   ? "keys/signers.slot"
				   : "keys/tenant.slot";
	found_fault(v, &(struct where){.path = path, .offset = -1}, &f);
	if (strcmp(f.reason, "wrong_key") == 0)
		return -1;
	take_public(v);
	return 0;
}

int verify_medium(struct verify *v)
{
	v->seen = seen_new();
	if (open_keys(v) < 0)
		return VERIFY_CANNOT_OPEN;
	check_passports(v);
	check_chains(v);
	check_absent(v);
	if (v->count[FINDING_DAMAGE] > 0)
		return VERIFY_DAMAGED;
	if (v->count[FINDING_NEWER] > 0)
		return VERIFY_NEEDS_NEWER;
	return v->count[FINDING_INCOMPLETE] > 0 ? VERIFY_INCOMPLETE : VERIFY_GOOD;
}

void verify_fini(struct verify *v)
{
	seen_free(v->seen);
	keys_fini(&v->keys);
	keyring_wipe(&v->ring);
	passport_fini(&v->passport);
	free(v->met);
	vault_close(&v->medium);
}
