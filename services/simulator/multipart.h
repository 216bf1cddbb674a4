// SPDX-License-Identifier: Apache-2.0
/* Parts of a multipart/form-data body (RFC 7578). Pure. */
#pragma once

#include "common/base/base.h"

/* The part of this name; false when there is none or the body is not well formed. type is the
 * request's Content-Type with its boundary. */
bool multipart_part(struct span body, const char *type, const char *name, struct span *ret);
