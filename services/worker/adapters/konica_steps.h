// SPDX-License-Identifier: Apache-2.0
/* From what a Konica Minolta holds to what it shall hold: entries to delete and to set, and those
 * that nobody has seen written (devices.md 6.1: e-mail entries are set, every other kind only as an
 * unchanged copy of what was read). Pure. */
#pragma once

#include "common/text/xml.h"
#include "services/worker/adapters/adapter.h"

/* An entry to set, or, with abbr NULL, to delete. */
struct konica_step {
	const char *number;
	const struct xml_node *abbr;
};

/* An entry that this family does not write. */
struct konica_refusal {
	const char *number, *name, *mode; /* mode: SendMode, "" = none */
	const char *reason;               /* not_email, unknown_element */
};

struct konica_steps {
	struct konica_step *step; /* deletions first, then as the wanted book has them */
	size_t n, n_deleted;
	struct konica_refusal *refusal;
	size_t n_refused;
	struct arena arena; /* holds it all */
};

/* Item bytes decide; books only say whether an entry is a copy of the source's. wanted may hold no
 * item: then nothing differs. konica_steps_fini in any case. 0, or -1 with what is wrong with the
 * bytes. */
int konica_steps_make(
	const struct errand *e, struct konica_steps *ret, struct fault *reterr) must_check;
void konica_steps_fini(struct konica_steps *s);
/* Into the plan: entries that are not written, groups that lose members. As an adapter's foresee.
 */
int konica_foresee(
	const struct errand *e, struct m_device_plan *plan, struct fault *reterr) must_check;
/* -1 with what is said of an entry that is not written. */
int konica_refusal_fault(const struct konica_refusal *r, struct fault *reterr);
