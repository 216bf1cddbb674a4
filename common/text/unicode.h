// SPDX-License-Identifier: Apache-2.0
/* What Unicode says about two texts being the same (UAX #15) and where a character ends (UAX #29),
 * and host names as A-labels (IDNA 2008). Over utf8proc and libidn2, whose home this is. Input is
 * valid UTF-8. Everything is added to out; 0, or -1 when the library refuses, out as before. */
#pragma once

#include "common/base/buf.h"

int unicode_nfc(const char *s, struct buf *out) must_check;
/* For search: NFKC, case folded, width folded, hiragana for katakana; strip: accents away, too. */
int unicode_fold(const char *s, bool strip, struct buf *out) must_check;
/* One character in another form; -1 also when it has none. Width: the plain form of a full- or
 * half-width one ("Ａ", "ｶ", ideographic space). Plain: without accents, case kept ("É" to "E"). */
int unicode_width(uint32_t code_point, struct buf *out) must_check;
int unicode_plain(uint32_t code_point, struct buf *out) must_check;
/* Bytes of the longest prefix of at most max characters that does not cut a grapheme. */
size_t unicode_cut(const char *s, size_t max) must_check;
size_t unicode_length(const char *s) must_check; /* in characters (code points) */
/* "Bücher.example." → "xn--bcher-kva.example"; an IP literal in canonical form (RFC 5952). */
int host_canonical(const char *host, struct buf *out) must_check;
