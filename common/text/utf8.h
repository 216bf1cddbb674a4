// SPDX-License-Identifier: Apache-2.0
/* UTF-8 of the strict kind (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include "common/base/base.h"

/* n may be 0. NUL is a valid character here. */
bool utf8_valid(const void *p, size_t n) must_check;
/* Bytes of its longest valid prefix; n = all of it is valid. */
size_t utf8_prefix(const void *p, size_t n) must_check;
/* The character at s, n of at least 1: its bytes, or 0 when there is no valid one. */
size_t utf8_read(const uint8_t *s, size_t n, uint32_t *ret) must_check;
/* The bytes of a character, how many; the code point is one (no surrogate, at most U+10FFFF). */
size_t utf8_write(uint32_t code_point, uint8_t out[static 4]) must_check;
/* Foreign text that must travel: each byte that is not UTF-8 becomes '?'. */
void utf8_scrub(char *s);
/* Bytes of the longest prefix of at most max bytes that does not cut a character of valid text. */
size_t utf8_cut(const char *s, size_t max) must_check;
/* Controls, line separators, bidi and invisible marks: what could forge a line or fool a reader. */
bool utf8_deceives(uint32_t code_point) must_check;
