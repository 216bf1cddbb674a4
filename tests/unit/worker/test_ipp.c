// SPDX-License-Identifier: Apache-2.0
/* IPP messages byte for byte (RFC 8010), and what an answer means (devices.md section 8). The
 * answers here are written by hand, not by the library that reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/worker/adapters/ipp_message.h"
#include "tests/unit/worker/ipp_bytes.h"

/* ---- requests ---- */

static void the_request_is_exactly_this(void **state unused)
{
	static const char *const names[] = {"printer-info", "media-default"};
	static const char wanted[] =
		"\x02\x00\x00\x0b\x00\x00\x00\x01\x01"
		"\x47\x00\x12"
		"attributes-charset\x00\x05utf-8"
		"\x48\x00\x1b"
		"attributes-natural-language\x00\x02"
		"en"
		"\x45\x00\x0bprinter-uri\x00\x17ipp://10.0.0.1/ipp/prin" /* 23 bytes */
		"\x42\x00\x14requesting-user-name\x00\x06"
		"carnet"
		"\x44\x00\x14requested-attributes\x00\x0cprinter-info"
		"\x44\x00\x00\x00\x0dmedia-default"
		"\x03";
	struct buf b = BUF_INIT;

	ipp_get_attributes(&b, "ipp://10.0.0.1/ipp/prin", 0x0200, names, 2);
	assert_int_equal(b.n, sizeof(wanted) - 1);
	assert_memory_equal(b.p, wanted, b.n);
	buf_fini(&b);
}

static void without_names_everything_is_asked_for(void **state unused)
{
	struct buf b = BUF_INIT;

	ipp_get_attributes(&b, "ipp://h/p", 0x0101, NULL, 0);
	assert_memory_equal(b.p, "\x01\x01\x00\x0b", 4);
	assert_memory_equal(b.p + b.n - 26,
		"requested-attributes\x00\x03"
		"all\x03",
		26);
	buf_fini(&b);
}

static void two_requests_are_equal_bytes(void **state unused)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	ipp_get_attributes(&a, "ipp://h/p", 0x0200, NULL, 0);
	ipp_get_attributes(&b, "ipp://h/p", 0x0200, NULL, 0);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	buf_fini(&a);
	buf_fini(&b);
}

/* ---- statuses ---- */

static int code_for(unsigned status)
{
	struct buf b;
	struct fault f = FAULT_INIT;

	begin(&b, status);
	operation(&b);
	end(&b);
	(void)!ipp_check(buf_span(&b), &f);
	buf_fini(&b);
	return f.code;
}

static void http_200_is_not_success_the_ipp_status_decides(void **state unused)
{
	assert_int_equal(code_for(0x0000), 0);
	assert_int_equal(code_for(0x0001), 0);
	assert_int_equal(code_for(0x0507), CN_DEVICE_BUSY);
	assert_int_equal(code_for(0x0505), CN_DEVICE_BUSY);
	assert_int_equal(code_for(0x0506), CN_DEVICE_BUSY);
	assert_int_equal(code_for(0x0502), CN_DEVICE_BUSY);
	assert_int_equal(code_for(0x0501), CN_UNSUPPORTED_OPERATION);
	assert_int_equal(code_for(0x0401), CN_PERMISSION_DENIED);
	assert_int_equal(code_for(0x0403), CN_PERMISSION_DENIED);
	assert_int_equal(code_for(0x0402), CN_AUTH_REFUSED);
	assert_int_equal(code_for(0x0404), CN_REJECTED);
	assert_int_equal(code_for(0x040b), CN_REJECTED);
	assert_int_equal(code_for(0x0500), CN_PROTOCOL_ERROR);
}

static void a_refused_version_is_seen(void **state unused)
{
	struct buf b;

	begin(&b, 0x0503);
	assert_true(ipp_is_version_refused(buf_span(&b)));
	buf_fini(&b);
	begin(&b, 0x0500);
	assert_false(ipp_is_version_refused(buf_span(&b)));
	buf_fini(&b);
}

static void cut_or_foreign_bytes_are_a_protocol_error(void **state unused)
{
	struct buf b;
	struct fault f = FAULT_INIT;

	begin(&b, 0);
	operation(&b);
	string(&b, TEXT, "printer-info", "x");
	end(&b);
	for (size_t n = 0; n < b.n; n++) {
		f = FAULT_INIT;
		assert_int_equal(ipp_check((struct span){b.p, n}, &f), -1);
		assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	}
	assert_int_equal(ipp_check((struct span){(const uint8_t *)"<html>no</html>", 15}, &f), -1);
	buf_fini(&b);
}

/* ---- identity ---- */

static void identity_comes_from_device_id_and_uuid(void **state unused)
{
	struct ipp_identity id;
	struct fault f = FAULT_INIT;
	struct arena a = {.blocks = NULL};
	struct buf b;

	begin(&b, 0);
	operation(&b);
	string(&b, TEXT, "printer-device-id", "MFG:Canon;MDL:X 1;SN:ABC123;CMD:PS;");
	string(&b, URI, "printer-uuid", "urn:uuid:01a1fc32-a4cc-79a2-b853-3904e2302a71");
	string(&b, TEXT, "printer-make-and-model", "Canon X 1");
	string(&b, LANGUAGE, "natural-language-configured", "fr");
	number(&b, ENUM, "printer-state", 5);
	string(&b, KEYWORD, "printer-state-reasons", "media-jam");
	number(&b, ENUM, "operations-supported", 0x0b);
	number(&b, ENUM, "", 0x13);
	number(&b, INTEGER, "printer-config-change-time", 12);
	end(&b);
	assert_int_equal(ipp_read_identity(buf_span(&b), &a, &id, &f), 0);
	assert_string_equal(id.serial, "ABC123");
	assert_string_equal(id.uuid, "01a1fc32-a4cc-79a2-b853-3904e2302a71");
	assert_string_equal(id.model, "Canon X 1");
	assert_string_equal(id.language, "fr");
	assert_true(id.can_set && id.stopped_for_reason);
	assert_int_equal(id.change, 12);
	buf_fini(&b);
	arena_fini(&a);
}

static void a_printer_that_says_nothing_has_no_identity(void **state unused)
{
	struct ipp_identity id;
	struct fault f = FAULT_INIT;
	struct arena a = {.blocks = NULL};
	struct buf b;

	begin(&b, 0);
	operation(&b);
	number(&b, 0x13, "printer-uuid", 0); /* out of band: no value */
	end(&b);
	assert_int_equal(ipp_read_identity(buf_span(&b), &a, &id, &f), 0);
	assert_null(id.serial);
	assert_null(id.uuid);
	buf_fini(&b);
	arena_fini(&a);
}

/* ---- settings ---- */

static bool has(const struct ipp_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

static void settings_for(const char *list, struct ipp_names *names, struct arena *a)
{
	struct fault f = FAULT_INIT;
	struct buf b;

	begin(&b, 0);
	operation(&b);
	string(&b, KEYWORD, list, "printer-resolution-ready-x");
	string(&b, KEYWORD, "", "printer-state-message");
	string(&b, KEYWORD, "", "copies-mode");
	string(&b, TEXT, "printer-location", "Lyon");
	string(&b, KEYWORD, "media-default", "iso_a4");
	string(&b, KEYWORD, "media-ready", "iso_a4");
	string(&b, KEYWORD, "copies-mode", "x");
	string(&b, CHARSET, "charset-configured", "utf-8");
	number(&b, INTEGER, "printer-up-time", 99);
	number(&b, INTEGER, "queued-job-count", 1);
	number(&b, INTEGER, "printer-config-change-date-time", 1);
	string(&b, TEXT, "printer-state-message", "hi");
	number(&b, ENUM, "printer-state", 3);
	end(&b);
	assert_int_equal(ipp_setting_names(buf_span(&b), a, names, &f), 0);
	buf_fini(&b);
}

static void settings_are_what_can_be_set_and_does_not_move_by_itself(void **state unused)
{
	struct arena a = {.blocks = NULL};
	struct ipp_names n;

	settings_for("printer-settable-attributes-supported", &n, &a);
	assert_true(has(&n, "printer-location") && has(&n, "media-default") &&
		    has(&n, "charset-configured") && has(&n, "copies-mode"));
	assert_false(has(&n, "printer-up-time") || has(&n, "queued-job-count") ||
		     has(&n, "media-ready") || has(&n, "printer-config-change-date-time") ||
		     has(&n, "printer-state-message") || has(&n, "printer-state"));
	assert_true(has(&n, "printer-resolution-ready-x")); /* settable, though "all" has it not */
	assert_true(has(&n, "printer-settable-attributes-supported"));
	settings_for("printer-settable-attributes", &n, &a); /* PAPPL's spelling */
	assert_true(has(&n, "copies-mode"));
	settings_for("something-else", &n, &a);
	assert_false(has(&n, "copies-mode"));
	arena_fini(&a);
}

static void attributes_are_counted_in_the_printer_group(void **state unused)
{
	struct fault f = FAULT_INIT;
	struct buf b;
	uint64_t n = 0;

	begin(&b, 0);
	operation(&b);
	string(&b, TEXT, "printer-location", "Lyon");
	string(&b, KEYWORD, "media-default", "iso_a4");
	end(&b);
	assert_int_equal(ipp_count(buf_span(&b), &n, &f), 0);
	assert_int_equal(n, 2);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_exactly_this),
		cmocka_unit_test(without_names_everything_is_asked_for),
		cmocka_unit_test(two_requests_are_equal_bytes),
		cmocka_unit_test(http_200_is_not_success_the_ipp_status_decides),
		cmocka_unit_test(a_refused_version_is_seen),
		cmocka_unit_test(cut_or_foreign_bytes_are_a_protocol_error),
		cmocka_unit_test(identity_comes_from_device_id_and_uuid),
		cmocka_unit_test(a_printer_that_says_nothing_has_no_identity),
		cmocka_unit_test(settings_are_what_can_be_set_and_does_not_move_by_itself),
		cmocka_unit_test(attributes_are_counted_in_the_printer_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
