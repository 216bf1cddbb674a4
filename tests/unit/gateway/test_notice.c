// SPDX-License-Identifier: Apache-2.0
/* The rules of notices: the event's bytes, the signature, what answers mean, when things go
 * (docs/spec/fleet.md section 10). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/gateway/notice.h"
#include "services/gateway/notice_text.h"
#include "services/gateway/webhook.h"
#include "services/gateway/webhook_proxy.h"

static struct notice example(void)
{
	struct notice n = {.kind = "run.finished",
		.subject = "run/0190b5a0-0000-7000-8000-000000000002",
		.at_ms = 1799112030000,
		.data = "{\"state\":\"partial\",\"counts\":{\"failed\":2,\"succeeded\":98}}"};

	assert_int_equal(uuid_parse("0190b5a0-0000-7000-8000-000000000001", &n.id), 0);
	return n;
}

static void an_event_is_always_the_same_bytes(void **state)
{
	struct notice n = example();
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(notice_event(&n, "/carnet/x", "https://carnet.example", &out), 0);
	assert_string_equal(buf_str(&out),
		"{\"data\":{\"counts\":{\"failed\":2,\"succeeded\":98},\"state\":\"partial\","
		"\"url\":\"https://carnet.example/runs/0190b5a0-0000-7000-8000-000000000002\"},"
		"\"datacontenttype\":\"application/json\","
		"\"id\":\"0190b5a0-0000-7000-8000-000000000001\",\"source\":\"/carnet/x\","
		"\"specversion\":\"1.0\",\"subject\":\"run/0190b5a0-0000-7000-8000-000000000002\","
		"\"time\":\"2027-01-05T01:20:30.000Z\",\"type\":\"carnet.run.finished.v1\"}");
	buf_fini(&out);
	n.data = "[]";
	assert_int_equal(notice_event(&n, "/carnet/x", "", &out), -1);
	n.data = "{";
	assert_int_equal(notice_event(&n, "/carnet/x", "", &out), -1);
	buf_fini(&out);
}

/* Counted with openssl dgst -sha256 -hmac over "1799112030.{}". */
static void a_signature_is_that_of_each_valid_key_fl_65(void **state)
{
	const struct span keys[] = {
		{(const uint8_t *)"key-one", 7}, {(const uint8_t *)"key-two", 7}};
	const struct span body = {(const uint8_t *)"{}", 2};
	struct buf one = BUF_INIT, both = BUF_INIT;

	(void)state;
	webhook_sign(keys, 1, 1799112030, body, &one);
	assert_string_equal(buf_str(&one),
		"v1=a700d0284d09a5869ed87f7d2a126f794c5c10f302692e23d58e302d35bab00b");
	webhook_sign(keys, 2, 1799112030, body, &both);
	assert_string_equal(buf_str(&both),
		"v1=a700d0284d09a5869ed87f7d2a126f794c5c10f302692e23d58e302d35bab00b,"
		"v1=a80d5e39bef6b8e22058ed91fa17102d0687c186a965e3828caf176d179e18f8");
	buf_fini(&one);
	buf_fini(&both);
}

static void a_sealed_key_opens_only_where_it_was_sealed_for(void **state)
{
	struct gateway g = {.pepper = "0123456789abcdef0123456789abcde", .pepper_n = 32};
	struct uuid a = {.b = {1}}, b = {.b = {2}};
	struct buf box = BUF_INIT, out = BUF_INIT;

	(void)state;
	webhook_seal(&g, WEBHOOK_KEY_PURPOSE, &a, (struct span){(const uint8_t *)"key", 3}, &box);
	assert_int_equal(webhook_open(&g, WEBHOOK_KEY_PURPOSE, &b, buf_span(&box), &out), -1);
	assert_int_equal(webhook_open(&g, WEBHOOK_TOKEN_PURPOSE, &a, buf_span(&box), &out), -1);
	assert_int_equal(webhook_open(&g, WEBHOOK_KEY_PURPOSE, &a, buf_span(&box), &out), 0);
	assert_int_equal(out.n, 3);
	g.pepper[0] ^= 1;
	assert_int_equal(webhook_open(&g, WEBHOOK_KEY_PURPOSE, &a, buf_span(&box), &out), -1);
	buf_wipe(&box);
	buf_wipe(&out);
}

static void answers_are_done_tried_again_or_dead_fl_66(void **state)
{
	static const long done[] = {200, 202, 204, 299},
			  again[] = {0, 408, 425, 429, 500, 503, 599},
			  dead[] = {100, 301, 302, 307, 400, 401, 404, 410, 422};

	(void)state;
	for (size_t i = 0; i < array_len(done); i++)
		assert_int_equal(notice_fate(done[i]), NOTICE_DONE);
	for (size_t i = 0; i < array_len(again); i++)
		assert_int_equal(notice_fate(again[i]), NOTICE_AGAIN);
	for (size_t i = 0; i < array_len(dead); i++)
		assert_int_equal(notice_fate(dead[i]), NOTICE_DEAD);
}

static void waits_have_full_jitter_and_an_hour_at_most(void **state)
{
	(void)state;
	for (uint64_t attempts = 1; attempts < 70; attempts++) {
		uint64_t most = attempts > 9 ? 3600000 : 10000 * ((uint64_t)1 << (attempts - 1));
		most = most > 3600000 ? 3600000 : most;
		assert_int_equal(notice_wait_ms(attempts, 10000, most, 0), most);
		assert_int_equal(notice_wait_ms(attempts, 10000, most + 1, 0), 0);
		assert_int_equal(notice_wait_ms(attempts, 10000, 0, 7777), 7777);
	}
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	(void)state;
	assert_int_equal(notice_retry_after_ms("120", 0), 120000);
	assert_int_equal(notice_retry_after_ms(" 0", 0), 0);
	assert_int_equal(notice_retry_after_ms("99999999999999999999", 0), 604800000);
	assert_int_equal(notice_retry_after_ms("12 s", 0), 0);
	assert_int_equal(notice_retry_after_ms("-5", 0), 0);
	assert_int_equal(
		notice_retry_after_ms("Tue, 05 Jan 2027 01:20:30 GMT", 1799112000000), 30000);
	assert_int_equal(notice_retry_after_ms("Tue, 05 Jan 2027 01:20:30 GMT", 1799112031000), 0);
	assert_int_equal(notice_retry_after_ms("Tue, 05 Foo 2027 01:20:30 GMT", 0), 0);
	assert_int_equal(notice_retry_after_ms("soon", 0), 0);
}

static void a_digest_goes_at_the_next_hour_or_midnight(void **state)
{
	int64_t at = 1799112030123; /* 2027-01-05T01:20:30.123Z */

	(void)state;
	assert_int_equal(notice_due_ms(1, at), at);
	assert_int_equal(notice_due_ms(2, at), 1799114400000);
	assert_int_equal(notice_due_ms(3, at), 1799193600000);
	assert_int_equal(notice_due_ms(2, 1799114400000), 1799118000000);
}

static void addresses_of_receivers_are_read_strictly(void **state)
{
	static const char *const bad[] = {"", "ftp://x/", "https://", "https://u@x/",
		"https://u:p@x", "https://x:0/", "https://x:65536/", "https://x:1a/",
		"https://[::1", "https://x y/", "https://x/\xc3\xa9", "https://x/#f",
		"https://:80/", "https://x:/", "https://[]/", "https://x\\@y/", "https://[::1]x/"};
	struct notice_target t;
	struct fault f = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++)
		if (notice_target(bad[i], &t, &f) == 0)
			fail_msg("%s", bad[i]);
	assert_string_equal(f.reason, "webhook_url");
	assert_int_equal(notice_target("https://hooks.example/in?a=b", &t, &f), 0);
	assert_string_equal(t.host, "hooks.example");
	assert_int_equal(t.port, 443);
	assert_true(t.tls);
	assert_int_equal(notice_target("http://[fd00::1]:8080/x", &t, &f), 0);
	assert_string_equal(t.host, "fd00::1");
	assert_int_equal(t.port, 8080);
	assert_int_equal(notice_target("HTTP://x", &t, &f), 0);
	assert_int_equal(t.port, 80);
}

static void a_fixed_token_has_a_header_of_its_own(void **state)
{
	(void)state;
	assert_true(notice_header_name("X-Mc-Token"));
	assert_true(notice_header_name("Authorization"));
	assert_false(notice_header_name("Host"));
	assert_false(notice_header_name("content-length"));
	assert_false(notice_header_name("Carnet-Signature"));
	assert_false(notice_header_name("X: y"));
	assert_false(notice_header_name("X\r\nY"));
	assert_false(notice_header_name(""));
}

static void kinds_are_known_or_the_beginning_of_one(void **state)
{
	(void)state;
	assert_true(notice_kind("run.finished"));
	assert_true(notice_kind("device.*"));
	assert_true(notice_kind("*"));
	assert_true(notice_kind("alarm.*"));
	assert_false(notice_kind("run.ended"));
	assert_false(notice_kind("alarm.fire"));
	assert_false(notice_kind("printer.*"));
	assert_false(notice_kind("run"));
	assert_false(notice_kind(""));
}

static const char *made(const struct notice_mail *m,
	void (*make)(const struct notice_mail *m, struct buf *out), struct buf *out)
{
	buf_reset(out);
	make(m, out);
	return buf_str(out);
}

static void a_mail_says_run_state_and_counts_in_three_languages(void **state)
{
	struct notice n = example();
	struct notice_mail m = {.language = "en",
		.base = "https://carnet.example",
		.name = "night",
		.notices = &n,
		.notices_n = 1};
	struct buf out = BUF_INIT;

	(void)state;
	n.data = "{\"task_name\":\"nightly <a>\",\"state\":\"partial\","
		 "\"counts\":{\"failed\":2,\"succeeded\":98,\"odd\":1}}";
	assert_string_equal(made(&m, notice_mail_subject, &out),
		"Carnet: nightly <a>: partly done: 98 succeeded, 2 failed");
	assert_string_equal(made(&m, notice_mail_text, &out),
		"2027-01-05 01:20 UTC  nightly <a>: partly done: 98 succeeded, 2 failed  "
		"https://carnet.example/runs/0190b5a0-0000-7000-8000-000000000002\n"
		"\n--\nSent by Carnet, subscription night\n");
	assert_non_null(strstr(made(&m, notice_mail_html, &out), ">nightly &lt;a&gt;: partly"));
	assert_null(strstr(buf_str(&out), "<a>"));
	m.language = "fr";
	assert_string_equal(made(&m, notice_mail_subject, &out),
		"Carnet: nightly <a>: partiel: 98 réussi, 2 échoué");
	m.language = "ja";
	assert_string_equal(made(&m, notice_mail_subject, &out),
		"Carnet: nightly <a>: 一部完了: 98 成功, 2 失敗");
	buf_fini(&out);
}

static size_t lines_with(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* Every kind that there is has words of its own in each language. */
static void each_kind_is_told_in_three_languages(void **state)
{
	static const char *const languages[] = {"en", "fr", "ja"};
	struct notice n = example();
	struct notice_mail m = {.base = "", .name = "x", .notices = &n, .notices_n = 1};
	struct buf out = BUF_INIT;

	(void)state;
	n.data = "{\"state\":\"partial\"}";
	for (const char *const *kind = notice_kinds; *kind != NULL; kind++)
		for (size_t i = 0; i < array_len(languages); i++) {
			n.kind = *kind;
			m.language = languages[i];
			assert_null(strstr(made(&m, notice_mail_subject, &out), *kind));
		}
	buf_fini(&out);
}

static void many_alike_are_counted_and_named(void **state)
{
	struct notice n = example();
	struct notice_mail m = {
		.language = "en", .base = "", .name = "x", .notices = &n, .notices_n = 1};
	struct buf out = BUF_INIT;

	(void)state;
	n.kind = "backup.overdue";
	n.data = "{\"days\":8,\"n\":2,\"list\":[{\"device_name\":\"a\"},"
		 "{\"device_name\":\"b\",\"last\":\"2026-12-01T00:00:00Z\"}]}";
	assert_string_equal(made(&m, notice_mail_subject, &out),
		"Carnet: 2 printers without a verified backup in time");
	assert_non_null(strstr(
		made(&m, notice_mail_text, &out), "    a: never\n    b: 2026-12-01T00:00:00Z\n"));
	n.kind = "alarm.address_conflict";
	n.data = "{\"n\":2,\"list\":[{\"device_name\":\"a\",\"endpoint\":\"10.1.0.1 8000\"},"
		 "{\"device_name\":\"b\",\"endpoint\":\"10.1.0.1 8000\"}]}";
	assert_string_equal(made(&m, notice_mail_subject, &out),
		"Carnet: 2 printers share an address and port: nothing is written to them");
	assert_non_null(strstr(
		made(&m, notice_mail_text, &out), "    a: 10.1.0.1 8000\n    b: 10.1.0.1 8000\n"));
	n.kind = "vault.verify_failed";
	n.data = "{\"vault_name\":\"main\",\"n\":1,\"list\":[{\"device_name\":\"a\","
		 "\"state\":\"damaged\"}]}";
	assert_string_equal(
		made(&m, notice_mail_subject, &out), "Carnet: main: 1 copies damaged or missing");
	assert_non_null(strstr(made(&m, notice_mail_text, &out), "    a: damaged\n"));
	n.kind = "book.changed";
	n.data = "{\"device_name\":\"lobby\",\"added\":3,\"removed\":1,\"changed\":2}";
	assert_string_equal(made(&m, notice_mail_subject, &out),
		"Carnet: lobby: address book changed (+3 −1 ~2)");
	buf_fini(&out);
}

static void a_mail_has_200_lines_then_says_how_many_more(void **state)
{
	struct notice n[150];
	struct notice_mail m = {.language = "en",
		.base = "",
		.name = "x",
		.notices = n,
		.notices_n = 150,
		.more = 7};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 150; i++) {
		n[i] = example();
		n[i].kind = "job.failed";
		n[i].data = "{\"task_name\":\"t\",\"failed\":1,\"jobs\":[{\"device_name\":"
			    "\"lobby\",\"cause\":\"unreachable\"}]}";
	}
	const char *text = made(&m, notice_mail_text, &out);
	assert_int_equal(lines_with(text, "t: 1 failed\n"), 100);
	assert_int_equal(lines_with(text, "    lobby: unreachable\n"), 100);
	assert_non_null(strstr(text, "    57 more\n"));
	assert_string_equal(made(&m, notice_mail_subject, &out), "Carnet: 157 notices");
	m.notices_n = 1;
	m.more = 0;
	n[0].data = "no JSON";
	n[0].kind = "odd";
	assert_string_equal(made(&m, notice_mail_subject, &out), "Carnet: : odd");
	buf_fini(&out);
}

static const char *proxy_refused(const char *text)
{
	static struct fault f;
	struct notice_target t;

	f = FAULT_INIT;
	return webhook_proxy(text, &t, &f) == 0 ? "" : f.reason;
}

static void a_proxy_is_a_host_and_a_port(void **state)
{
	struct notice_target t;
	struct fault f = FAULT_INIT;
	char text[WEBHOOK_PROXY_TEXT];

	(void)state;
	assert_int_equal(webhook_proxy("http://proxy.example:3128", &t, &f), 0);
	assert_string_equal(t.host, "proxy.example");
	assert_int_equal(t.port, 3128);
	assert_string_equal(proxy_refused("http://[fd00::1]:3128"), "");
	static const char *const bad[] = {"", "proxy:3128", "https://proxy:3128", "http://proxy",
		"http://proxy:", "http://proxy:3128/", "http://proxy:3128?x", "http://u:p@proxy:1",
		"http://[fd00::1]", "socks5://proxy:1080"};
	for (size_t i = 0; i < array_len(bad); i++)
		assert_string_equal(proxy_refused(bad[i]), "webhook_url");
	webhook_proxy_text("10.0.0.1", 3128, text);
	assert_string_equal(text, "http://10.0.0.1:3128");
	webhook_proxy_text("fd00::1", 3128, text);
	assert_string_equal(text, "http://[fd00::1]:3128");
}

static void no_proxy_is_asked_for_an_address_that_is_refused_se_10(void **state)
{
	static const char *const good[] = {"hooks.example", "hooks.example.", "a1.example",
		"93.184.216.34", "10.1.2.3", "xn--bcher-kva.example"};
	static const char *const bad[] = {"169.254.169.254", "127.0.0.1", "::1", "0.0.0.0",
		"::ffff:127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "1.2.3.4.",
		"a.0x7f000001", "localhost", "LOCALHOST.", "x.localhost", "fe80::1%eth0", ".", ""};
	const struct address_rules rules = {.only = true};
	struct fault f = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < array_len(good); i++)
		assert_int_equal(webhook_proxy_may(good[i], &rules, &f), 0);
	for (size_t i = 0; i < array_len(bad); i++) {
		f = FAULT_INIT;
		assert_int_equal(webhook_proxy_may(bad[i], &rules, &f), -1);
		assert_int_equal(f.code, CN_ADDRESS_REFUSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_always_the_same_bytes),
		cmocka_unit_test(a_signature_is_that_of_each_valid_key_fl_65),
		cmocka_unit_test(a_sealed_key_opens_only_where_it_was_sealed_for),
		cmocka_unit_test(answers_are_done_tried_again_or_dead_fl_66),
		cmocka_unit_test(waits_have_full_jitter_and_an_hour_at_most),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(a_digest_goes_at_the_next_hour_or_midnight),
		cmocka_unit_test(addresses_of_receivers_are_read_strictly),
		cmocka_unit_test(a_fixed_token_has_a_header_of_its_own),
		cmocka_unit_test(kinds_are_known_or_the_beginning_of_one),
		cmocka_unit_test(a_mail_says_run_state_and_counts_in_three_languages),
		cmocka_unit_test(a_proxy_is_a_host_and_a_port),
		cmocka_unit_test(no_proxy_is_asked_for_an_address_that_is_refused_se_10),
		cmocka_unit_test(each_kind_is_told_in_three_languages),
		cmocka_unit_test(many_alike_are_counted_and_named),
		cmocka_unit_test(a_mail_has_200_lines_then_says_how_many_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
