// SPDX-License-Identifier: Apache-2.0
/* Mails as bytes, and against a server on bad days (security.md SE-29, storage.md section 8.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/crypto.h"
#include "common/mail/mailer.h"
#include "common/mail/message.h"
#include "gen/errors.h"
#include "tests/lib/smtp_peer.h"

static const char *const to_one[] = {"agence@example.com"};

static struct mail plain_mail(void)
{
	return (struct mail){.from = "carnet@example.com",
		.to = to_one,
		.to_n = 1,
		.subject = "a backup",
		.text = "one\n.two\n\nfour",
		.id = {{1}},
		.at_ms = 1799112030000};
}

static char *composed(const struct mail *m)
{
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;
	if (mail_compose(m, &out, &f) < 0)
		fail_msg("%s", f.detail);
	return buf_detach(&out);
}

static void refused(const struct mail *m, const char *reason)
{
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;
	assert_int_equal(mail_compose(m, &out, &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
	assert_string_equal(f.reason, reason);
	buf_fini(&out);
}

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("no '%s' in:\n%s", what, text);
}

/* ---- bytes ---- */

static void plain_mail_is_short_lines_of_ascii(void **state)
{
	struct mail m = plain_mail();
	char *text = composed(&m);
	(void)state;
	assert_string_equal(text,
		"From: <carnet@example.com>\r\n"
		"To: <agence@example.com>\r\n"
		"Subject: a backup\r\n"
		"Date: Tue, 05 Jan 2027 01:20:30 +0000\r\n"
		"Message-ID: <01000000-0000-0000-0000-000000000000@example.com>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"one\r\n.two\r\n\r\nfour\r\n");
	free(text);
}

/* The words of an encoded header, put together again. */
static char *unworded(const char *text, const char *header)
{
	struct buf out = BUF_INIT;
	const char *p = strstr(text, header), *end;
	assert_non_null(p);
	p += strlen(header);
	for (; strncmp(p, "=?UTF-8?B?", 10) == 0; p = end + 2 + strspn(end + 2, "\r\n ")) {
		struct buf word = BUF_INIT;
		end = strstr(p, "?=");
		assert_non_null(end);
		assert_true(end + 2 - p <= 75);
		assert_int_equal(base64_decode(p + 10, (size_t)(end - p - 10), &word), 0);
		buf_add(&out, word.p, word.n);
		buf_fini(&word);
	}
	return buf_detach(&out);
}

static void every_script_comes_through_in_short_words(void **state)
{
	static const char *const subjects[] = {"Sauvegarde réussie à l’agence de Liège",
		"複合機のアドレス帳をバックアップしました。世代は 12 番目です。確認してください。",
		"=?UTF-8?B?Zm9yZ2Vk?=",
		"long and plain but longer than a header line of a mail should ever be, really"};
	struct mail m = plain_mail();
	(void)state;
	for (size_t i = 0; i < array_len(subjects); i++) {
		m.subject = subjects[i];
		char *text = composed(&m), *back = unworded(text, "Subject: ");
		assert_string_equal(back, subjects[i]);
		for (const char *line = text, *end; (end = strstr(line, "\r\n")) != NULL;
			line = end + 2)
			assert_true(end - line <= 78);
		free(back);
		free(text);
	}
}

static void no_line_of_the_head_comes_from_outside(void **state)
{
	static const char *const bad[] = {
		"a\r\nBcc: x@example.com", "a\nb", "a\rb", "tab\there", "\x7f", "\xff\xfe"};
	struct mail m = plain_mail();
	struct mail_file file = {.name = "a", .type = "text/plain"};
	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		m = plain_mail();
		m.subject = bad[i];
		refused(&m, "mail_header");
		m = plain_mail();
		m.from_name = bad[i];
		refused(&m, "mail_header");
		m = plain_mail();
		m.files = &file;
		m.files_n = 1;
		file = (struct mail_file){.name = bad[i], .type = "text/plain"};
		refused(&m, "mail_header");
		file = (struct mail_file){.name = "a", .type = bad[i]};
		refused(&m, "mail_header");
		m = plain_mail();
		m.to = &bad[i];
		refused(&m, "mail_address");
		m = plain_mail();
		m.from = bad[i];
		refused(&m, "mail_address");
	}
}

static void addresses_have_one_spelling_or_are_none(void **state)
{
	static const struct {
		const char *given, *is;
	} rows[] = {{"p.holvoet@agriconsult.be", "p.holvoet@agriconsult.be"},
		{"p@B\xc3\xbc"
		 "cher.example",
			"p@xn--bcher-kva.example"},
		{"a+b=c@EXAMPLE.com", "a+b=c@example.com"}, {"root@localhost", "root@localhost"},
		{"", NULL}, {"a", NULL}, {"@b.c", NULL}, {"a@", NULL}, {"a@b@c.d", NULL},
		{"a b@c.d", NULL}, {"a@b c", NULL}, {".a@b.c", NULL}, {"a.@b.c", NULL},
		{"a..b@c.d", NULL}, {"\"a\"@b.c", NULL}, {"a@b..c", NULL}, {"a@-b.c", NULL},
		{"a@b-.c", NULL}, {"<a@b.c>", NULL}, {"a@b.c>", NULL}, {"a@b.c\n", NULL},
		{"\xc3\xa9@b.c", NULL}, {"a@[127.0.0.1]", NULL}, {"a,b@c.d", NULL}};
	(void)state;
	for (size_t i = 0; i < array_len(rows); i++) {
		char is[MAIL_ADDRESS_SIZE] = "";
		struct fault f = FAULT_INIT;
		int rc = mail_address(rows[i].given, is, &f);
		if ((rc == 0) != (rows[i].is != NULL))
			fail_msg("'%s' is %s", rows[i].given, rc == 0 ? is : "refused");
		if (rc == 0)
			assert_string_equal(is, rows[i].is);
	}
}

static void what_deceives_a_reader_is_shown(void **state)
{
	struct mail m = plain_mail();
	m.subject = "invoice\xe2\x80\xae"
		    "fdp";
	m.text = "a\x1b[31mb\xe2\x80\xae"
		 "c\r\nd\re";
	char *text = composed(&m);
	(void)state;
	has(text, "Subject: invoice\\u{202e}fdp\r\n");
	has(text, "\r\n\r\na\\u{1b}[31mb\\u{202e}c\r\nd\\u{d}e\r\n");
	free(text);
}

static void files_come_back_byte_for_byte(void **state)
{
	uint8_t bytes[1000];
	struct mail_file files[2] = {
		{"a.cnmail", "application/octet-stream", {bytes, sizeof(bytes)}},
		{"carnet d\xe2\x80\x99"
		 "adresses.bin",
			"application/octet-stream", {bytes, 1}}};
	struct mail m = plain_mail();
	struct buf text_part = BUF_INIT, back = BUF_INIT;
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	m.files = files;
	m.files_n = 2;
	m.text = "déjà";
	m.html = "<p>déjà</p>";
	m.urgent = true;
	m.from_name = "Carnet d’agence";
	char *text = composed(&m);
	has(text, "X-Priority: 1\r\n");
	has(text, "multipart/mixed");
	has(text, "multipart/alternative");
	has(text, "Content-Type: text/html; charset=utf-8\r\n");
	has(text, "filename=\"a.cnmail\"\r\n");
	has(text, "filename*=UTF-8''carnet%20d%E2%80%99adresses.bin\r\n");
	const char *p = strstr(strstr(text, "a.cnmail"), "\r\n\r\n") + 4;
	const char *end = strstr(p, "--=_");
	for (; p < end; p++)
		if (*p != '\r' && *p != '\n')
			buf_addc(&text_part, *p);
	assert_int_equal(base64_decode(buf_str(&text_part), text_part.n, &back), 0);
	assert_int_equal(back.n, sizeof(bytes));
	assert_memory_equal(back.p, bytes, sizeof(bytes));
	char *name = unworded(text, "From: ");
	assert_string_equal(name, "Carnet d’agence");
	free(name);
	buf_fini(&text_part);
	buf_fini(&back);
	free(text);
}

/* ---- on the way ---- */

struct end {
	struct loop *loop;
	int done;
	struct fault fault;
	char answer[256];
};

static void on_done(void *arg, const char *answer, const struct fault *f)
{
	struct end *e = arg;
	e->done++;
	e->fault = f != NULL ? *f : FAULT_INIT;
	(void)snprintf(e->answer, sizeof(e->answer), "%s", answer);
	loop_stop(e->loop);
}

static struct end sent_to(const struct mail_server *s)
{
	struct mail m = plain_mail();
	char *text = composed(&m);
	struct end e = {.loop = loop_new()};
	struct mailer *mailer = mailer_new(e.loop);
	const struct mail_parcel parcel = {m.from, to_one, 1, {(uint8_t *)text, strlen(text)}};
	mailer_send(mailer, s, &parcel, on_done, &e);
	free(text);
	loop_run(e.loop);
	mailer_free(mailer);
	loop_free(e.loop);
	assert_int_equal(e.done, 1);
	return e;
}

static char url[64];

static struct mail_server server_of(const struct smtp_peer *p)
{
	(void)snprintf(
		url, sizeof(url), "%s://127.0.0.1:%d", p->script.tls ? "smtps" : "smtp", p->port);
	return (struct mail_server){.url = url, .ca_file = p->ca_file};
}

static void it_goes_out_over_tls_and_comes_whole(void **state)
{
	(void)state;
	for (int implicit = 0; implicit < 2; implicit++) {
		struct smtp_peer p;
		smtp_peer_start(
			&p, &(struct smtp_peer_script){
				    .tls = implicit, .login = "AGNhcm5ldABwYXNz", .size = 100000});
		struct mail_server s = server_of(&p);
		s.user = "carnet";
		s.password = "pass";
		struct end e = sent_to(&s);
		if (e.fault.code != 0)
			fail_msg("%s: %s", e.fault.reason, e.fault.detail);
		assert_int_equal(p.mails, 1);
		struct mail m = plain_mail();
		char *text = composed(&m);
		assert_string_equal(buf_str(&p.mail), text);
		free(text);
		has(buf_str(&p.talk), "MAIL FROM:<carnet@example.com> SIZE=");
		has(buf_str(&p.talk), "RCPT TO:<agence@example.com>\n");
		smtp_peer_stop(&p);
	}
}

static void a_pin_alone_decides(void **state)
{
	struct smtp_peer p;
	(void)state;
	smtp_peer_start(&p, &(struct smtp_peer_script){.tls = true});
	struct mail_server s = server_of(&p);
	s.ca_file = NULL;
	s.pin_sha256 = p.pin;
	assert_int_equal(sent_to(&s).fault.code, 0);
	s.pin_sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	assert_string_equal(sent_to(&s).fault.reason, "mail_certificate");
	assert_int_equal(p.mails, 1);
	smtp_peer_stop(&p);
}

static void each_refusal_says_whether_to_try_again(void **state)
{
	static const struct {
		struct smtp_peer_script script;
		int code;
		const char *reason, *says;
	} rows[] = {
		{{.at = "CONNECT", .answer = "421 4.3.2 too busy"}, CN_MAIL_DEFERRED, "mail_busy",
			"421 4.3.2 too busy"},
		{{.at = "CONNECT", .answer = "554 5.7.1 go away"}, CN_MAIL_REFUSED, "mail_relay",
			"554"},
		{{.at = "CONNECT", .answer = ""}, CN_MAIL_DEFERRED, "mail_dropped", ""},
		{{.at = "EHLO", .answer = ""}, CN_MAIL_DEFERRED, "mail_dropped", ""},
		{{.at = "STARTTLS", .answer = "454 4.7.0 no TLS now"}, CN_MAIL_DEFERRED,
			"mail_busy", "454"},
		{{.at = "MAIL", .answer = "421 4.3.2 closing"}, CN_MAIL_DEFERRED, "mail_busy",
			"421"},
		{{.at = "MAIL", .answer = "452 4.3.1 disk full"}, CN_MAIL_DEFERRED, "mail_busy",
			"452"},
		{{.at = "MAIL", .answer = "552 5.3.4 too big"}, CN_MAIL_REFUSED, "mail_too_large",
			"552"},
		{{.at = "MAIL", .answer = "530 5.7.0 log in first"}, CN_MAIL_REFUSED, "mail_login",
			"530"},
		{{.at = "MAIL", .answer = "553 5.7.1 not yours"}, CN_MAIL_REFUSED, "mail_sender",
			"553"},
		{{.at = "RCPT", .answer = "450 4.2.0 greylisted"}, CN_MAIL_DEFERRED, "mail_busy",
			"450"},
		{{.at = "RCPT", .answer = "550 5.1.1 no such box"}, CN_MAIL_REFUSED,
			"mail_recipient", "550 5.1.1 no such box"},
		{{.at = "RCPT", .answer = "552 5.2.2 box full"}, CN_MAIL_REFUSED, "mail_recipient",
			"552"},
		{{.at = "DATA", .answer = "554 5.5.1 no"}, CN_MAIL_REFUSED, "mail_relay", "554"},
		{{.cut_in_data = true}, CN_MAIL_DEFERRED, "mail_dropped", ""},
		{{.at = "END", .answer = ""}, CN_MAIL_DEFERRED, "mail_dropped", ""},
		{{.at = "END", .answer = "451 4.3.0 try later"}, CN_MAIL_DEFERRED, "mail_busy",
			"451"},
		{{.at = "END", .answer = "552 5.3.4 too big"}, CN_MAIL_REFUSED, "mail_too_large",
			"552"},
		{{.at = "END", .answer = "554 5.7.1 spam"}, CN_MAIL_REFUSED, "mail_relay", "554"},
		{{.no_starttls = true}, CN_MAIL_REFUSED, "mail_no_tls", ""},
	};
	(void)state;
	for (size_t i = 0; i < array_len(rows); i++) {
		struct smtp_peer p;
		smtp_peer_start(&p, &rows[i].script);
		struct mail_server s = server_of(&p);
		struct end e = sent_to(&s);
		if (e.fault.code != rows[i].code || strcmp(e.fault.reason, rows[i].reason) != 0)
			fail_msg("row %zu: CN-%d %s: %s", i, e.fault.code, e.fault.reason,
				e.fault.detail);
		has(e.fault.detail, rows[i].says);
		assert_int_equal(p.mails, 0);
		assert_int_equal(
			error_info(e.fault.code)->retryable, e.fault.code == CN_MAIL_DEFERRED);
		smtp_peer_stop(&p);
	}
}

static void no_password_goes_where_it_must_not(void **state)
{
	static const struct smtp_peer_script scripts[] = {
		{.no_starttls = true, .login = "AGNhcm5ldABwYXNz"},
		{.login = "AGNhcm5ldABvdGhlcg=="}};
	static const char *const reasons[] = {"mail_no_tls", "mail_login"};
	struct smtp_peer p, other;
	(void)state;
	for (size_t i = 0; i < array_len(scripts); i++) {
		smtp_peer_start(&p, &scripts[i]);
		struct mail_server s = server_of(&p);
		s.user = "carnet";
		s.password = "pass";
		assert_string_equal(sent_to(&s).fault.reason, reasons[i]);
		assert_int_equal(strstr(buf_str(&p.talk), "AUTH") != NULL, i == 1);
		smtp_peer_stop(&p);
	}
	smtp_peer_start(&p, &scripts[0]);
	smtp_peer_start(&other, &scripts[0]);
	for (int implicit = 0; implicit < 2; implicit++) { /* a certificate of somebody else */
		p.script = (struct smtp_peer_script){.tls = implicit, .login = "AGNhcm5ldABwYXNz"};
		struct mail_server s = server_of(&p);
		s.ca_file = other.ca_file;
		s.user = "carnet";
		s.password = "pass";
		struct end e = sent_to(&s);
		assert_int_equal(e.fault.code, CN_MAIL_REFUSED);
		assert_string_equal(e.fault.reason, "mail_certificate");
		assert_null(strstr(buf_str(&p.talk), "AUTH"));
	}
	smtp_peer_stop(&p);
	smtp_peer_stop(&other);
}

static void a_plain_server_is_used_when_said_so(void **state)
{
	struct smtp_peer p;
	(void)state;
	smtp_peer_start(&p, &(struct smtp_peer_script){.no_starttls = true});
	struct mail_server s = server_of(&p);
	s.plain = true;
	assert_int_equal(sent_to(&s).fault.code, 0);
	assert_int_equal(p.mails, 1);
	smtp_peer_stop(&p);
}

static void a_silent_server_is_not_waited_for(void **state)
{
	static const char *const where[] = {"CONNECT", "END"};
	(void)state;
	for (size_t i = 0; i < array_len(where); i++) {
		struct smtp_peer p;
		smtp_peer_start(&p, &(struct smtp_peer_script){.at = where[i]});
		struct mail_server s = server_of(&p);
		s.connect_ms = s.total_ms = i == 0 ? 300 : 600;
		struct end e = sent_to(&s);
		assert_int_equal(e.fault.code, CN_MAIL_DEFERRED);
		assert_string_equal(e.fault.reason, "mail_no_answer");
		smtp_peer_stop(&p);
	}
}

static void what_is_no_server_is_named(void **state)
{
	static const char *const bad[] = {"", "mail.example.com", "http://a", "smtp://u:p@a",
		"smtp://u@a", "smtps://a/path", "smtp://a?x", "smtp://", "smtp://a:99999"};
	static const char *const good[] = {
		"smtp://a", "smtps://a", "smtps://a:465/", "smtp://[::1]:25"};
	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct fault f = FAULT_INIT;
		if (mail_server_check(&(struct mail_server){.url = bad[i]}, &f) == 0)
			fail_msg("'%s' is a server", bad[i]);
		assert_string_equal(f.reason, "mail_server");
	}
	for (size_t i = 0; i < array_len(good); i++) {
		struct fault f = FAULT_INIT;
		assert_int_equal(mail_server_check(&(struct mail_server){.url = good[i]}, &f), 0);
	}
	struct end e = sent_to(&(struct mail_server){.url = "smtp://127.0.0.1:1"});
	assert_int_equal(e.fault.code, CN_MAIL_DEFERRED);
	assert_string_equal(e.fault.reason, "mail_unreachable");
}

static void several_go_in_order_and_the_rest_with_the_mailer(void **state)
{
	struct smtp_peer p;
	struct mail m = plain_mail();
	char *text = composed(&m);
	const struct mail_parcel parcel = {m.from, to_one, 1, {(uint8_t *)text, strlen(text)}};
	struct end e = {.loop = loop_new()};
	(void)state;
	smtp_peer_start(&p, &(struct smtp_peer_script){.tls = true});
	struct mail_server s = server_of(&p);
	struct mailer *mailer = mailer_new(e.loop);
	for (int i = 0; i < 3; i++)
		mailer_send(mailer, &s, &parcel, on_done, &e);
	loop_run(e.loop);
	loop_run(e.loop);
	assert_int_equal(e.done, 2);
	assert_int_equal(p.mails, 2);
	mailer_free(mailer);
	loop_free(e.loop);
	free(text);
	assert_int_equal(e.done, 2);
	smtp_peer_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_mail_is_short_lines_of_ascii),
		cmocka_unit_test(every_script_comes_through_in_short_words),
		cmocka_unit_test(no_line_of_the_head_comes_from_outside),
		cmocka_unit_test(addresses_have_one_spelling_or_are_none),
		cmocka_unit_test(what_deceives_a_reader_is_shown),
		cmocka_unit_test(files_come_back_byte_for_byte),
		cmocka_unit_test(it_goes_out_over_tls_and_comes_whole),
		cmocka_unit_test(a_pin_alone_decides),
		cmocka_unit_test(each_refusal_says_whether_to_try_again),
		cmocka_unit_test(no_password_goes_where_it_must_not),
		cmocka_unit_test(a_plain_server_is_used_when_said_so),
		cmocka_unit_test(a_silent_server_is_not_waited_for),
		cmocka_unit_test(what_is_no_server_is_named),
		cmocka_unit_test(several_go_in_order_and_the_rest_with_the_mailer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
