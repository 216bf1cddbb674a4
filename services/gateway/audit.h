// SPDX-License-Identifier: Apache-2.0
/* The audit trail (security.md section 7): one chain over all gateways, written before the change.
 */
#pragma once

#include "services/gateway/gateway.h"

struct audit *audit_new(struct gateway *g);
/* Notes that r's person is about to do it, then r->then(r); refuses r when it cannot be noted. */
void audit_change(struct rest *r);
/* The same with a word of its own. */
void audit_wait(struct rest *r, const char *outcome);
/* Notes how it ended when it did not go well, or another event of r; nobody waits. What
 * cannot be written is logged, and tried again until it can. */
void audit_note(struct rest *r, const char *outcome);
/* Notes that what was noted before is done, with the digest of the answer. */
void audit_done(struct rest *r, const char *answer);
