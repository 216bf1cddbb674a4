// SPDX-License-Identifier: Apache-2.0
/* Old and new together: the highest protocol that both understand is spoken, or none (ST-50). */
#include <stdio.h>

#include "common/msg/msg.h"
#include "gen/errors.h"

int msg_gate(const char *what, const char *us, const char *them, const struct msg_header *h,
	struct fault *reterr)
{
	char side[192];
	uint32_t they_need = h->min_protocol != 0 ? h->min_protocol : h->protocol;
	bool old = h->protocol < MSG_PROTOCOL_MIN;

	if (!old && they_need <= MSG_PROTOCOL)
		return 0;
	(void)snprintf(side, sizeof(side), "%.80s: %.80s", what, old ? us : them);
	return fault_needs(reterr, CN_PROTOCOL_ERROR, "protocol_version", side,
		old ? MSG_PROTOCOL_MIN : they_need, old ? h->protocol : MSG_PROTOCOL);
}
