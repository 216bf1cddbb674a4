/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped lock_decide, as queue.pml asks it. */
#pragma once

enum { REQUESTS = 3, DEVICES = 2 };

/* Operations of the model: one for each mode, and the pairs of section 3.1. */
enum { BATCH, SEND, DIST, SYNC, RUI, SHUTDOWN, SESSION, CONTROL };

enum { FRESH, WAITING, LIVE, OVER };
enum { GRANTED, BUSY, REFUSED };

struct picture { /* arrays of the model, one element a request */
	const unsigned char *state, *op, *devices /* bit per device */, *ticket, *late;
	unsigned char child;    /* request 1 asks under the hold that is request 0 */
	unsigned char standing; /* bit per device: native synchronisation, role client */
};

/* What is answered to this request; *ret_filtered: bit per device where synchronised items were
 * taken out. */
int decide(const struct picture *p, unsigned who, unsigned char *ret_filtered);
