// SPDX-License-Identifier: Apache-2.0
/* Names of directory entries (RFC 4514): "cn=Smith\, John+uid=7,ou=Sales,o=Example". Strings are
 * UTF-8 without NUL. Pure. */
#pragma once

#include "common/base/buf.h"

/* Well-formed? "" is the root's name and is. */
bool dn_valid(const char *dn) must_check;
/* Bytes of the first part, up to its comma; the name above it begins one byte later. */
size_t dn_first(const char *dn) must_check;
/* The name above, "" at the top. */
const char *dn_parent(const char *dn);
/* The value of an attribute in the first part, without escapes. false = it is not there. */
bool dn_value(const char *dn, const char *attribute, struct buf *out) must_check;
/* A form in which equal names are equal: types in lower case, one way of escaping, parts of a part
 * in order. Letters of values count. */
void dn_normal(const char *dn, struct buf *out);
/* As servers compare names (RFC 4518): letters of any case and width, spaces between words once. */
void dn_fold(const char *dn, struct buf *out);
/* A value with what must be escaped. */
void dn_add_value(const char *value, struct buf *out);
