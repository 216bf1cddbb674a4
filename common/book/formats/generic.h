// SPDX-License-Identifier: Apache-2.0
/* Mapping files: which column of somebody's own CSV is which column of the generic one
 * (docs/spec/address-books.md 4.10). JSON, one object:
 *
 *     {"NAME": "name", "Email Address": "email", "Tel Number": "fax", "ABB_ID": "number",
 *      "$brackets": true, "$charset": "UTF-16LE"}
 *
 * Values are columns of the generic CSV, or fields as they are called elsewhere ("email.address",
 * "file.path"). Columns that are not named become extras. A mapping is made once and not changed.
 */
#pragma once

#include "common/base/fault.h"

#define MAPPING_MAX 256u

struct mapping;

/* 0 and *ret_mapping (mapping_free), or -1: CN_PARSE_ERROR with line and column of the JSON. */
int mapping_parse(struct span json, struct mapping **ret_mapping, struct fault *reterr) must_check;
void mapping_free(struct mapping *m);
