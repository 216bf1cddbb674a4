// SPDX-License-Identifier: Apache-2.0
/* From path, query and JSON body to the fields of a message, by name (schemas/routes.tab). Pure. */
#pragma once

#include "common/msg/msg.h"
#include "services/gateway/route.h"

/* The JSON object that msg_from_json will read. NULL with a fault; the caller decrefs. */
json_t *body_begin(const struct route *route, struct span body, struct fault *reterr) must_check;
/* A path parameter: a field of the request, or of its body field. The body may say the same again,
 * but nothing else (CN_PARSE_ERROR "given_before"). */
int body_path(json_t *root, const struct route *route, const char *name, const char *value,
	struct fault *reterr) must_check;
/* A query parameter; a list field may come several times or as a comma list, nothing else that was
 * said before (CN_PARSE_ERROR "given_before"). */
int body_query(json_t *root, const struct route *route, const char *name, const char *value,
	struct fault *reterr) must_check;
/* What the route itself says: set=FIELD:VALUE. */
int body_set(json_t *root, const struct route *route, struct fault *reterr) must_check;
/* Refuses sealed bytes (secret bytes of a message, at any depth): we seal, nobody before us. */
int body_outside(
	const json_t *object, const struct msg_desc *desc, struct fault *reterr) must_check;

/* The field of a struct by name; NULL when it has none. */
const struct msg_field *body_field(const struct msg_desc *desc, const char *name);
/* Whether a field was given, be it false, zero or null (bit i of `has` = the i-th field). */
bool body_given(const struct msg_desc *desc, const void *body, const char *name);
