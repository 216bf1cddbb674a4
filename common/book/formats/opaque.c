// SPDX-License-Identifier: Apache-2.0
/* Signatures first; what has none is judged by its bytes. */
#include "common/book/formats/opaque.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/text/charset.h"

/* clang-format off */
static const struct {
	const char *bytes;
	size_t n;
	const char *what;
} SIGNATURES[] = {
#define SIGNATURE(s, what) {s, sizeof(s) - 1, what}
	SIGNATURE("PK\003\004", "a ZIP archive (spreadsheets of Office are one, too)"),
	SIGNATURE("PK\005\006", "an empty ZIP archive"),
	SIGNATURE("\x1f\x8b", "a GZIP archive"),
	SIGNATURE("BZh", "a bzip2 archive"),
	SIGNATURE("\xfd""7zXZ\0", "an XZ archive"),
	SIGNATURE("7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
	SIGNATURE("Rar!\x1a\x07", "a RAR archive"),
	SIGNATURE("\x28\xb5\x2f\xfd", "a Zstandard archive"),
	SIGNATURE("MSCF", "a Windows cabinet"),
	SIGNATURE("Salted__", "a file encrypted by OpenSSL"),
	SIGNATURE("-----BEGIN ", "a key, a certificate or an encrypted message (PEM)"),
	SIGNATURE("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc)"),
	SIGNATURE("SQLite format 3\0", "an SQLite database"),
	SIGNATURE("%PDF-", "a PDF"),
	SIGNATURE("%!PS", "a PostScript program"),
	SIGNATURE("\x1b%-12345X", "a print job (PJL)"),
	SIGNATURE("\x89PNG\r\n", "a PNG picture"),
	SIGNATURE("\xff\xd8\xff", "a JPEG picture"),
	SIGNATURE("GIF8", "a GIF picture"),
	SIGNATURE("\x7f""ELF", "a program"),
	SIGNATURE("MZ\x90\0", "a program"),
#undef SIGNATURE
};
/* clang-format on */

static struct span without_space(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r'))) {
		s.p++;
		s.n--;
	}
	return s;
}

static bool begins(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && ascii_same_n((const char *)s.p, word, n);
}

static bool html(struct span s)
{
	static const char *const TAGS[] = {
		"<!doctype html", "<html", "<head", "<body", "<script", "<title", "<meta"};

	for (size_t i = 0; i < array_len(TAGS); i++)
		if (begins(s, TAGS[i]))
			return true;
	return false;
}

/* Cipher text and packed data use all byte values about equally often: the sum of squares of the
 * counts is near n²/256 then, and many times that in text and tables. */
static bool even(struct span s)
{
	uint64_t count[256] = {0}, squares = 0;

	for (size_t i = 0; i < s.n; i++)
		count[s.p[i]]++;
	for (size_t i = 0; i < 256; i++)
		squares += count[i] * count[i];
	return s.n >= 512 && squares * 256 < (uint64_t)s.n * s.n + 256 * 2 * (uint64_t)s.n;
}

static bool has_controls(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 && !(s.p[i] >= '\t' && s.p[i] <= '\r') && s.p[i] != 0x1b)
			return true;
	return false;
}

static struct opaque by_content(struct span head, struct span text)
{
	if (html(text))
		return (struct opaque){"html", "a web page"};
	if (begins(text, "<?xml") || begins(text, "<"))
		return (struct opaque){"unknown_format", "XML of another kind"};
	if (even(head))
		return (struct opaque){"opaque", "an encrypted or packed file"};
	if (has_controls(text))
		return (struct opaque){"opaque", "a binary file"};
	return (struct opaque){NULL, NULL};
}

bool opaque_recognise(struct span head, struct opaque *ret_opaque)
{
	size_t bom = 0;
	int c = charset_bom(head, &bom);
	struct span text = without_space((struct span){head.p + bom, head.n - bom});

	for (size_t i = 0; i < array_len(SIGNATURES); i++) {
		if (head.n >= SIGNATURES[i].n &&
			memcmp(head.p, SIGNATURES[i].bytes, SIGNATURES[i].n) == 0) {
			*ret_opaque = (struct opaque){"opaque", SIGNATURES[i].what};
			return true;
		}
	}
	if (c == CHARSET_UTF16LE || c == CHARSET_UTF16BE)
		*ret_opaque = (struct opaque){"unknown_format", "a UTF-16 text of another kind"};
	else
		*ret_opaque = by_content(head, text);
	if (ret_opaque->reason)
		return true;
	*ret_opaque = (struct opaque){"unknown_format",
		text.n == 0 ? "nothing but blank lines" : "a text of another kind"};
	return false;
}
