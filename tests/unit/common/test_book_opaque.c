// SPDX-License-Identifier: Apache-2.0
/* Files that are no address book (docs/spec/address-books.md 4.11, AB-14): told by their content.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/book/codec.h"
#include "common/book/formats/opaque.h"
#include "gen/errors.h"
#include "tests/lib/book_random.h"

#define BYTES(s)                                                                                   \
	(struct span)                                                                              \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

/* What the detection of formats says of it. */
static void is(struct span file, const char *reason, const char *what)
{
	struct fault f = FAULT_INIT;

	assert_null(codec_detect(file, &f));
	assert_int_equal(f.code, CN_PARSE_ERROR);
	assert_string_equal(f.reason, reason);
	if (!strstr(f.detail, what))
		fail_msg("\"%s\" lacks \"%s\"", f.detail, what);
}

static void packed_files_are_told_by_their_signature(void **state unused)
{
	is(BYTES("PK\003\004\024\0\0\0"), "opaque", "a ZIP archive");
	is(BYTES("\x1f\x8b\x08\0\0\0\0\0"), "opaque", "a GZIP archive");
	is(BYTES("7z\xbc\xaf\x27\x1c\0\4"), "opaque", "a 7-Zip archive");
	is(BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"), "opaque", "an old Office file");
	is(BYTES("Salted__\x12\x34\x56\x78"), "opaque", "encrypted by OpenSSL");
	is(BYTES("%PDF-1.7\n"), "opaque", "a PDF");
	is(BYTES("\x1b%-12345X@PJL JOB\r\n"), "opaque", "a print job");
}

static void a_web_page_is_told_from_other_xml(void **state unused)
{
	is(BYTES("<!DOCTYPE html>\r\n<html>"), "html", "a web page");
	is(BYTES("\xef\xbb\xbf\r\n  <HTML><head>"), "html", "a web page");
	is(BYTES("<script>location='/login'</script>"), "html", "a web page");
	is(BYTES("<?xml version=\"1.0\"?><settings/>"), "unknown_format", "XML of another kind");
}

static void cipher_text_without_a_signature_is_told_by_its_evenness(void **state unused)
{
	struct random r = {.state = 20261121};
	struct buf b = BUF_INIT;

	buf_addc(&b, '0');
	for (size_t i = 1; i < 512; i++)
		buf_addc(&b, (char)random_below(&r, 256));
	is(buf_span(&b), "opaque", "an encrypted or packed file");
	for (size_t i = 0; i < 65536; i++)
		buf_addc(&b, (char)random_below(&r, 256));
	is(buf_span(&b), "opaque", "an encrypted or packed file");
	buf_reset(&b);
	for (size_t i = 0; i < 4096; i++)
		buf_addc(&b, (char)(random_below(&r, 200) + 1));
	is(buf_span(&b), "opaque", "a binary file");
	buf_fini(&b);
}

static void texts_of_other_kinds_are_not_called_opaque(void **state unused)
{
	struct buf b = BUF_INIT;
	struct opaque o;

	for (int i = 0; i < 400; i++)
		buf_addf(&b, "line %d of something \xe6\x97\xa5\xe6\x9c\xac\n", i);
	is(buf_span(&b), "unknown_format", "a text of another kind");
	assert_false(opaque_recognise(buf_span(&b), &o));
	is(BYTES("\xff\xfe"
		 "a\0b\0"),
		"unknown_format", "a UTF-16 text");
	is(BYTES("\r\n\r\n"), "unknown_format", "nothing but blank lines");
	is(BYTES("\xef\xbb\xbf"), "unknown_format", "nothing but blank lines");
	is(BYTES(""), "empty", "empty");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_files_are_told_by_their_signature),
		cmocka_unit_test(a_web_page_is_told_from_other_xml),
		cmocka_unit_test(cipher_text_without_a_signature_is_told_by_its_evenness),
		cmocka_unit_test(texts_of_other_kinds_are_not_called_opaque),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
