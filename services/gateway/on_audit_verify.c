// SPDX-License-Identifier: Apache-2.0
/* The whole audit trail walked again: what was changed, removed, put in, moved or cut off. */
#include <string.h>

#include "common/crypto/crypto.h"
#include "services/gateway/gateway.h"
#include "services/gateway/trail.h"

static const uint8_t zeros[AUDIT_HASH];

static void walked(struct trail *t, const struct fault *f)
{
	struct rest *r = t->arg;
	const struct audit_walk *w = &t->walk;

	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	struct m_audit_finding *found = arena_array(r->arena, AUDIT_FAULTS, sizeof(*found));
	for (size_t i = 0; i < w->faults_n; i++) {
		char text[160];
		audit_fault_text(&w->faults[i], text, sizeof(text));
		found[i] = (struct m_audit_finding){.fault = (int)w->faults[i].kind,
			.seq = w->faults[i].seq,
			.to = w->faults[i].to,
			.text = arena_strdup(r->arena, text)};
	}
	char hash[2 * AUDIT_HASH + 1];
	hex_encode((struct span){w->hash, sizeof(w->hash)}, hash);
	const struct m_audit_report report = {.whole = w->faults_n == 0,
		.entries = w->entries,
		.head_seq = w->seq,
		.head_hash = hash,
		.checkpoints = w->marks,
		.checkpoint_seq = w->signed_seq,
		.faults = found,
		.faults_n = w->faults_n,
		.more = w->more};
	rest_reply(r, &m_audit_report_desc, &report);
}

void on_audit_verify(struct rest *r, const void *body)
{
	const struct m_audit_verify *m = body;
	struct trail *t = arena_alloc(r->arena, sizeof(*t));

	if (t == NULL) {
		rest_refuse(r, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	*t = (struct trail){
		.gateway = r->gateway, .known_seq = m->head_seq, .then = walked, .arg = r};
	if (m->head_seq != 0 && (m->head_hash == NULL || strlen(m->head_hash) != 64 ||
					hex_decode(m->head_hash, t->known_hash, AUDIT_HASH) != 0)) {
		rest_refuse(r, CN_VALIDATION_FAILED, "head_hash",
			"head_seq needs head_hash, 64 hex digits");
		return;
	}
	audit_walk_begin(&t->walk, 0, zeros);
	trail_walk(t);
}
