// SPDX-License-Identifier: Apache-2.0
/* The OpenAPI 3.1 document, made from the same route table and message descriptors that serve the
 * requests: it cannot say anything else than what is done. Pure. */
#pragma once

#include <jansson.h>

#include "common/base/base.h"

/* NULL when memory ran out. The caller decrefs. */
json_t *openapi_document(const char *version) must_check;
