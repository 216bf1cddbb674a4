// SPDX-License-Identifier: Apache-2.0
/* What ipp_message.c and ipp_settings.c share, in the words of libcups. */
#pragma once

#include <cups/ipp.h>

#include "services/worker/adapters/ipp_message.h"

/* A request that says its target and who asks. */
ipp_t *ipp_request(int operation, unsigned version, const char *uri);
/* Encodes, appends and frees it. */
void ipp_write(ipp_t *r, struct buf *out);
/* NULL and CN_PROTOCOL_ERROR. */
ipp_t *ipp_parse(struct span answer, struct fault *reterr);
/* NULL and the cause of its status, too. */
ipp_t *ipp_parse_good(struct span answer, struct fault *reterr);

/* Moves by itself, whatever the settings say. */
bool ipp_is_volatile(const char *name);
/* Said with the settings, not one of them: the lists of what can be set, the uuid. */
bool ipp_is_about(const char *name);
/* Is it in a list of what can be set? */
bool ipp_is_settable(ipp_t *r, const char *name);
