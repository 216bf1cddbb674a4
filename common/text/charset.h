// SPDX-License-Identifier: Apache-2.0
/* Charsets of makers' files, strict both ways (docs/spec/address-books.md section 5): what does not
 * fit is an error with its place, never a replacement character. Thread-safe; no locale. Over
 * tables and glibc's iconv, whose home this is. */
#pragma once

#include "common/base/buf.h"

enum charset {
	CHARSET_UTF8,
	CHARSET_CP1252,
	CHARSET_CP932,
	CHARSET_UTF16LE,
	CHARSET_UTF16BE,
	CHARSETS
};

/* By a label as files write it, in any case: "UTF-8", "WCP1252", "windows-1252", "SJIS",
 * "Shift_JIS", "Windows-31J", "UTF-16LE" … -1 = unknown (AB-22). */
int charset_named(const char *label) must_check;
const char *charset_name(enum charset c); /* IANA's: "UTF-8", "windows-1252", "Windows-31J", … */

/* Bytes to UTF-8, added to out. 0, or -1 and *ret_offset of the first byte that does not fit; then
 * out is as before. NUL passes: whoever refuses it looks for it. */
int charset_decode(enum charset c, struct span in, struct buf *out, size_t *ret_offset) must_check;
/* UTF-8 to bytes. *ret_offset: in the UTF-8 text, of the first character that the charset has not.
 */
int charset_encode(
	enum charset c, struct span utf8, struct buf *out, size_t *ret_offset) must_check;
/* Bytes of one character as they come in, 1 to 4: is it whole, only begun, or none? Not for UTF-16.
 */
enum charset_step { CHARSET_WHOLE, CHARSET_PART, CHARSET_WRONG };
enum charset_step charset_step(enum charset c, struct span bytes) must_check;
/* Does the charset have this character? */
bool charset_has(enum charset c, uint32_t code_point);
/* The charset of a byte order mark, and its length; -1 = none. */
int charset_bom(struct span head, size_t *ret_length) must_check;
