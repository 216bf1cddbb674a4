// SPDX-License-Identifier: Apache-2.0
/* Problem documents (RFC 9457) and languages. Pure. */
#pragma once

#include <jansson.h>

#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "common/msg/msg.h"

/* en, fr or ja: the first one an Accept-Language header names; en for everything else. */
const char *problem_lang(const char *accept_language);
/* HTTP status of a fault: that of its code, or of its reason where one is finer (412 for version).
 */
unsigned problem_status(const struct fault *f);
/* {type, title, status, detail, code, name, reason, hint, who, trace}. The caller decrefs. */
json_t *problem_json(const struct fault *f, const char *lang, const struct uuid *trace) must_check;
/* Adds "field" where the detail begins with the path of one: "ports[0].port: …". body: what the
 * request's body is, whose name the path begins with when it is the whole of it; NULL = none. */
void problem_field(
	json_t *doc, const struct fault *f, const struct msg_desc *request, const char *body);
