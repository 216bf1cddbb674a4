// SPDX-License-Identifier: Apache-2.0
/* From answers to a candidate: who made it, which adapter may know it, what tells it from others.
 * Texts are cleaned and cut. Pure. */
#pragma once

#include "services/worker/adapters/adapter.h"
#include "services/worker/adapters/ipp_message.h"
#include "services/worker/discover/scan_message.h"

/* Texts go to e->arena. */
void found_snmp(const struct errand *e, const struct scan_answer *a, struct m_candidate *c);
/* Vendor as people write it and the family to propose, from words like "CANON iR-ADV"; NULL = not
 * known. */
const char *found_vendor(const char *text, const char **ret_family);
void found_ipp(const struct errand *e, const struct ipp_identity *said, struct m_candidate *c);
/* The family of a printer nobody here knows better: ipp where it speaks it, else snmp. */
void found_family(struct m_candidate *c);
/* Takes what b knows and a does not, when both are one printer: the same serial number, UUID or
 * MAC, or the same address and nothing that contradicts. */
bool found_join(const struct errand *e, struct m_candidate *a, const struct m_candidate *b);
/* The same for what was said where a stood: only serial number and UUID can contradict. */
bool found_add(const struct errand *e, struct m_candidate *a, const struct m_candidate *b);
