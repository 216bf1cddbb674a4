// SPDX-License-Identifier: Apache-2.0
/* What an FTP server says, and what is known of print servers (devices.md sections 3 and 10; seed
 * 004). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/worker/adapters/ftp.h"
#include "services/worker/adapters/jetdirect.h"

/* ---- replies ---- */

/* Feeds text in pieces of n bytes; the code of the first reply, 0 = none whole, -1 = refused. */
static int read_in(const char *text, size_t n, struct ftp_reply *ret, struct fault *f)
{
	struct ftp_reader r = {.n = 0};
	size_t len = strlen(text);

	for (size_t at = 0; at < len; at += n) {
		struct span piece = {(const uint8_t *)text + at, size_min(n, len - at)};
		int rc = ftp_read_reply(&r, &piece, ret, f);
		if (rc)
			return rc < 0 ? -1 : ret->code;
	}
	return 0;
}

static int code_of(const char *text)
{
	struct ftp_reply r;
	struct fault f = FAULT_INIT;
	int whole = read_in(text, 1000, &r, &f);

	for (size_t n = 1; n < 7; n++)
		assert_int_equal(read_in(text, n, &r, &f), whole);
	return whole;
}

static void a_reply_ends_with_its_code_and_a_space(void **state unused)
{
	assert_int_equal(code_of("220 ready\r\n"), 220);
	assert_int_equal(code_of("220 ready\n"), 220);
	assert_int_equal(code_of("226\r\n"), 226);
	assert_int_equal(code_of("220 ready"), 0);
	assert_int_equal(
		code_of("220-hello\r\n 220 not yet\r\n221 nor this\r\n220-\r\n220 end\r\n"), 220);
	assert_int_equal(code_of("220-hello\r\n220\r\n"), 220);
}

static void what_is_no_reply_is_refused(void **state unused)
{
	assert_int_equal(code_of("HTTP/1.1 400 Bad Request\r\n"), -1);
	assert_int_equal(code_of("\r\n"), -1);
	assert_int_equal(code_of("099 no\r\n"), -1);
	assert_int_equal(code_of("620 no\r\n"), -1);
	assert_int_equal(code_of("2266 no\r\n"), -1);
}

static void a_reply_without_end_is_too_big(void **state unused)
{
	struct ftp_reader r = {.n = 0};
	struct ftp_reply reply;
	struct fault f = FAULT_INIT;
	size_t lines = 0;
	int rc;

	do {
		struct span line = {(const uint8_t *)"220-still\r\n", 11};
		rc = ftp_read_reply(&r, &line, &reply, &f);
	} while (rc == 0 && ++lines < 100000);
	assert_int_equal(rc, -1);
	assert_int_equal(f.code, CN_RESPONSE_TOO_BIG);
	assert_true(lines < 2000);
}

static void words_of_a_server_reach_no_terminal_as_commands(void **state unused)
{
	struct ftp_reply r;
	struct fault f = FAULT_INIT;

	assert_int_equal(read_in("550 no \x1b[2J\a way\r\n", 100, &r, &f), 550);
	assert_string_equal(r.text, "no ?[2J? way");
}

static uint16_t port_in(int code, const char *text)
{
	struct ftp_reply r = {.code = code};

	snprintf(r.text, sizeof(r.text), "%s", text);
	return ftp_data_port(&r);
}

static void the_data_port_is_read_and_a_low_one_refused(void **state unused)
{
	assert_int_equal(port_in(227, "Entering Passive Mode (10,0,0,1,25,46)."), 25 * 256 + 46);
	assert_int_equal(port_in(227, "ok 10,0,0,1,25,46"), 25 * 256 + 46);
	assert_int_equal(port_in(227, "(10,0,0,1,0,22)"), 0);
	assert_int_equal(port_in(227, "(10,0,0,1,3,255)"), 0);
	assert_int_equal(port_in(227, "(10,0,0,1,4,0)"), 1024);
	assert_int_equal(port_in(227, "(10,0,0,1,256,0)"), 0);
	assert_int_equal(port_in(227, "(10,0,0,1,25)"), 0);
	assert_int_equal(port_in(227, ""), 0);
	assert_int_equal(port_in(229, "Entering Extended Passive Mode (|||6446|)"), 6446);
	assert_int_equal(port_in(229, "(!!!6446!)"), 6446);
	assert_int_equal(port_in(229, "(|||22|)"), 0);
	assert_int_equal(port_in(229, "(|||66446|)"), 0);
	assert_int_equal(port_in(229, "(|1|10.0.0.1|6446|)"), 0);
	assert_int_equal(port_in(229, "(|||6446"), 0);
	assert_int_equal(port_in(200, "(10,0,0,1,25,46)"), 0);
}

static int cause(int code)
{
	struct ftp_reply r = {.code = code};
	struct fault f = FAULT_INIT;

	assert_int_equal(ftp_cause(&r, &f), -1);
	return f.code;
}

static void each_refusal_has_its_cause_dv_25(void **state unused)
{
	assert_int_equal(cause(421), CN_SESSION_LIMIT);
	assert_int_equal(cause(425), CN_DEVICE_BUSY);
	assert_int_equal(cause(530), CN_AUTH_REFUSED);
	assert_int_equal(cause(550), CN_REJECTED);
	assert_int_equal(cause(553), CN_REJECTED);
	assert_int_equal(cause(426), CN_CONNECTION_LOST);
	assert_int_equal(cause(451), CN_CONNECTION_LOST);
	assert_int_equal(cause(452), CN_STORE_FULL);
	assert_int_equal(cause(502), CN_REJECTED);
	assert_int_equal(cause(299), CN_PROTOCOL_ERROR);
}

/* ---- print servers ---- */

static const struct profile *profile;

static int load(void **state unused)
{
	struct fault f = FAULT_INIT;

	return profile_load("schemas/profiles", "jetdirect_ftp", &profile, &f);
}

static void is(const char *model, const char *firmware, unsigned max, uint32_t idle_s)
{
	struct jetdirect_sessions s = jetdirect_sessions(profile, model, firmware);

	assert_int_equal(s.max, max);
	assert_int_equal(s.idle_ms, idle_s * 1000);
}

static void jetdirect_profiles(void **state unused)
{
	is("HP JetDirect 600N", NULL, 3, 900);
	is("JetDirect 300X", NULL, 3, 900);
	is("JetDirect 620n", NULL, 4, 270);
	is("HP 175x", NULL, 4, 270);
	is("HP JetDirect 600N", "G.08.49", 3, 900);
	is("HP JetDirect 600N", "L.20.07", 4, 270);
	is("HP ETHERNET MULTI-ENVIRONMENT,ROM A.05.05,JETDIRECT,JD95,EEPROM R.22.01", NULL, 4, 270);
	is("HP ETHERNET MULTI-ENVIRONMENT,ROM G.05.34,JETDIRECT,JD33,EEPROM G.05.35", NULL, 3, 900);
	is(NULL, NULL, 3, 900); /* of which nothing is known */
	is("somebody else's", "", 3, 900);
}

static void never_the_last_session(void **state unused)
{
	for (unsigned max = 0; max < 9; max++) {
		struct jetdirect_sessions s = {.max = max};
		unsigned ours = jetdirect_ours(&s);
		assert_true(ours <= 1);
		assert_true(ours == 0 || ours < max);
	}
	assert_int_equal(jetdirect_ours(&(struct jetdirect_sessions){.max = 3}), 1);
}

static const char *language(const char *bytes, size_t n)
{
	return jetdirect_language(profile, (struct span){(const uint8_t *)bytes, n});
}
#define LANGUAGE(s) language(s, sizeof(s) - 1)

static void only_what_printers_know_is_sent_dv_26(void **state unused)
{
	assert_string_equal(LANGUAGE("%!PS-Adobe-3.0\n"), "PostScript");
	assert_string_equal(LANGUAGE("\x04%!PS\n"), "PostScript");
	assert_string_equal(LANGUAGE("\x1b%-12345X@PJL\r\n"), "PJL");
	assert_string_equal(LANGUAGE("\x1b"
				     "E\x1b&l0O"),
		"PCL");
	assert_string_equal(LANGUAGE("Bonjour,\r\nle papier est bon.\f"), "plain text");
	assert_string_equal(LANGUAGE("r\xe9sum\xe9\n"), "plain text");
	assert_null(LANGUAGE(""));
	assert_null(LANGUAGE("%PDF-1.4\n"));
	assert_null(LANGUAGE("PK\x03\x04"));
	assert_null(LANGUAGE("<html>\n"));
	assert_null(LANGUAGE("a\0b"));
	assert_null(LANGUAGE("\x1b[2J"));
	assert_null(LANGUAGE("\xff\xfe"
			     "a\0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_ends_with_its_code_and_a_space),
		cmocka_unit_test(what_is_no_reply_is_refused),
		cmocka_unit_test(a_reply_without_end_is_too_big),
		cmocka_unit_test(words_of_a_server_reach_no_terminal_as_commands),
		cmocka_unit_test(the_data_port_is_read_and_a_low_one_refused),
		cmocka_unit_test(each_refusal_has_its_cause_dv_25),
		cmocka_unit_test(jetdirect_profiles),
		cmocka_unit_test(never_the_last_session),
		cmocka_unit_test(only_what_printers_know_is_sent_dv_26),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
