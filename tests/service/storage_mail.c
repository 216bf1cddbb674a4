// SPDX-License-Identifier: Apache-2.0
/* Versions sent by mail (docs/spec/storage.md section 8.2). Run by tests/service/storage_mail.sh.
 */
#include "tests/lib/smtp_peer.h"
#include "tests/service/storage_mailing.h"

#define TO "p.holvoet@agriconsult.example"

static struct smtp_peer peer;

static struct fault server_add(const char *pin, const char *recipients, const char *password)
{
	char place[64];
	(void)snprintf(place, sizeof(place), "smtp://127.0.0.1:%d", peer.port);
	return relay_add(place, pin, recipients, password);
}

static void refused(const struct m_version_mail *m, const char *reason)
{
	struct fault f = mail(m);
	if (strcmp(f.reason, reason) != 0)
		print_error("%d %s: %s\n", f.code, f.reason, f.detail);
	assert_string_equal(f.reason, reason);
}

static void asked(void)
{
	const struct m_version_mail m = good_words(TO);
	good(mail(&m));
}

static void script_is(const struct smtp_peer_script *s)
{
	peer.script = *s;
	peer.script.login = "AGNhcm5ldABwYXNz"; /* carnet, pass */
	atomic_store(&peer.played, 0);
}

static void shown(const char *no_mail, const char *state)
{
	struct ask a = {.done = false};
	const struct m_version_copies m = {.id = version};
	assert_int_equal(ask(&a, one.client, 0, &m_version_copies_desc, &m), 0);
	const struct m_version_copy_page *p = a.body;
	assert_string_equal(p->no_mail == NULL ? "" : p->no_mail, no_mail);
	assert_int_equal(p->verified, 1); /* a mail is no verified copy */
	assert_string_equal(p->protection, "under_protected");
	bool found = state[0] == 0;
	for (size_t i = 0; i < p->items_n; i++)
		found |= strcmp(p->items[i].role, "mail") == 0 &&
			 strcmp(p->items[i].state, state) == 0;
	assert_true(found);
	arena_fini(&a.arena);
}

static void without_a_server_it_is_shown_as_not_available_with_the_reason_st_54(void **state)
{
	struct uuid device = new_id();
	(void)state;
	version = store_version(&device, BOOK("Dubois"));
	shown("mail_not_set_up", "");
	const struct m_version_mail m = good_words(TO);
	refused(&m, "mail_not_set_up");
}

static void a_server_is_kept_when_it_took_a_test_mail_st_54(void **state)
{
	(void)state;
	assert_string_equal(
		server_add(peer.pin, "*@example.com", "pass").reason, "mail_recipients");
	assert_string_equal(server_add(peer.pin, "a b", "pass").reason, "mail_address");
	assert_string_equal(server_add(peer.pin, "a@example.com", "wrong").reason, "mail_login");
	script_is(&(struct smtp_peer_script){.no_starttls = true});
	assert_string_equal(server_add(peer.pin, "a@example.com", "pass").reason, "mail_no_tls");
	script_is(&(struct smtp_peer_script){.at = "RCPT", .answer = "550 5.1.1 who?"});
	assert_string_equal(server_add(peer.pin, "a@example.com", "pass").reason, "mail_recipient");
	script_is(&(struct smtp_peer_script){.tls = false});
	assert_string_equal(
		server_add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "a@example.com", "pass")
			.reason,
		"mail_certificate");
	assert_string_equal(relay_add("smtp://127.0.0.2:25", "", "a@example.com", "pass").reason,
		"mail_network");
	sql("select count(*) from store.vault where role = 'mail'");
	assert_int_equal(sql_number(), 0);
	good(server_add(peer.pin, "a@example.com, *@Agriconsult.example", "pass"));
	assert_non_null(strstr(buf_str(&peer.mail), "Subject: Carnet: test mail\r\n"));
	assert_non_null(strstr(buf_str(&peer.talk), "RCPT TO:<a@example.com>"));
	sql("select state, durability, recipients from store.vault where role = 'mail'");
	assert_string_equal(sql_out, "ready|none|a@example.com,*@agriconsult.example");
	shown("", "");
}

static void what_is_asked_wrongly_is_refused_by_storage_st_53_54(void **state)
{
	struct m_version_mail m = good_words(TO);
	(void)state;
	m.description = "two\nlines";
	refused(&m, "mail_description_too_short");
	m = good_words(TO);
	m.who = "";
	refused(&m, "mail_who_missing");
	m = good_words(TO);
	m.why = NULL;
	refused(&m, "mail_why_missing");
	m = good_words(TO);
	m.to = "somebody@elsewhere.example";
	refused(&m, "mail_not_allowed");
	m.to = "nobody";
	refused(&m, "mail_address");
	m = good_words(TO);
	m.recipient_key.n = 31;
	refused(&m, "mail_key");
	m = good_words(TO);
	m.id = new_id();
	assert_int_equal(mail(&m).code, CN_NOT_FOUND);
	sql("select count(*) from store.mail");
	assert_int_equal(sql_number(), 0);
}

static void it_arrives_sealed_and_opens_with_the_key_alone_st_54_55(void **state)
{
	char path[128], key[128];
	(void)state;
	asked();
	becomes("select state || attempts || (description is null) from store.mail", "sent1true");
	shown("", "sent");
	const char *text = buf_str(&peer.mail);
	assert_non_null(strstr(text, "\r\nAnna Smith, desk 4711\r\n"));
	assert_non_null(strstr(text, "\r\nprinter replaced\r\n"));
	assert_non_null(strstr(text, "\r\nthe copy is for the shop\r\n"));
	assert_null(strstr(text, "Dubois")); /* no entry of the book */
	(void)snprintf(path, sizeof(path), "%s/a.cnmail", dir);
	save_attachment(text, path);
	assert_int_not_equal(shell("grep -q Dubois %s", path), 0);
	(void)snprintf(key, sizeof(key), "--key %s/mail.key", dir);
	assert_int_equal(opened(path, key, "opened"), 0);
	assert_int_equal(shell("grep -q 'cn: Dubois' %s/opened/list_1", dir), 0);
	(void)snprintf(key, sizeof(key), "--key %s/other.key", dir);
	assert_int_equal(opened(path, key, "not"), 2);
}

static void an_outage_is_waited_for_and_a_refusal_is_told_at_once(void **state)
{
	int before = peer.mails;
	(void)state;
	script_is(&(struct smtp_peer_script){
		.at = "CONNECT", .answer = "421 4.3.2 busy", .times = 2});
	asked();
	becomes("select state || attempts || cause from store.mail order by asked_at desc limit 1",
		"sent3");
	assert_int_equal(peer.mails, before + 1);
	script_is(&(struct smtp_peer_script){.at = "END", .answer = "", .times = 1});
	asked(); /* lost after the last byte */
	becomes("select state || attempts from store.mail order by asked_at desc limit 1", "sent2");
	script_is(&(struct smtp_peer_script){.at = "RCPT", .answer = "550 5.1.1 who?"});
	asked();
	becomes("select state || attempts || ' ' || cause from store.mail order by asked_at desc"
		" limit 1",
		"failed1 mail_recipient");
	script_is(&(struct smtp_peer_script){.at = "MAIL", .answer = "552 5.3.4 too big"});
	asked();
	becomes("select state || attempts || ' ' || cause from store.mail order by asked_at desc"
		" limit 1",
		"failed1 mail_too_large");
	shown("", "failed");
	script_is(&(struct smtp_peer_script){.tls = false});
}

/* docs/spec/fleet.md section 10: the gateway composes, storage has the mail server */
static struct fault notice(const char *to)
{
	struct ask a = {.done = false};
	const char *const list[] = {to};
	const struct m_notice_mail m = {.id = version,
		.to = list,
		.to_n = 1,
		.subject = "Carnet: nightly: échoué",
		.text = "one line\n",
		.html = "<p>one line</p>\n",
		.urgent = true,
		.at = 1799112030000};
	(void)ask(&a, one.client, 0, &m_notice_mail_desc, &m);
	struct fault f = a.fault;
	arena_fini(&a.arena);
	return f;
}

static void a_notice_goes_to_whom_the_server_may_send_and_is_answered_when_it_went(void **state)
{
	int before = peer.mails;
	(void)state;
	good(notice(TO));
	assert_int_equal(peer.mails, before + 1);
	const char *text = buf_str(&peer.mail);
	assert_non_null(strstr(text, "text/html"));
	assert_non_null(strstr(text, "Importance: high"));
	assert_string_equal(notice("eve@elsewhere.example").reason, "mail_not_allowed");
	script_is(&(struct smtp_peer_script){
		.at = "CONNECT", .answer = "421 4.3.2 busy", .times = 1});
	assert_int_equal(notice(TO).code, CN_MAIL_DEFERRED);
	good(notice(TO));
	script_is(&(struct smtp_peer_script){.at = "RCPT", .answer = "550 5.1.1 who?", .times = 1});
	assert_int_equal(notice(TO).code, CN_MAIL_REFUSED);
	assert_int_equal(peer.mails, before + 2);
	script_is(&(struct smtp_peer_script){.tls = false});
}

static void so_many_in_a_day_and_none_too_large(void **state)
{
	const struct m_version_mail m = good_words(TO);
	(void)state;
	struct ask a = {.done = false};
	const struct m_quota_get get = {.has = 0};
	assert_int_equal(ask(&a, one.client, 0, &m_quota_get_desc, &get), 0);
	struct m_quota q = *((const struct m_quota_one *)a.body)->quota;
	assert_int_equal(q.mails_used, 5);
	assert_int_equal(q.mails, 0); /* as it is by itself */
	q.mails = 5;
	const struct m_quota_put put = {.quota = &q};
	assert_int_equal(ask(&a, one.client, 0, &m_quota_put_desc, &put), 0);
	assert_int_equal(((const struct m_quota_one *)a.body)->quota->mails, 5);
	arena_fini(&a.arena);
	struct fault f = mail(&m);
	assert_int_equal(f.code, CN_QUOTA_EXCEEDED);
	assert_string_equal(f.detail, "mails 5 of 5 in a day");
	put_env("CARNET_MAIL_MAX_BYTES", "%d", 1024);
	restart();
	struct buf big = BUF_INIT;
	struct uuid device = new_id();
	buf_adds(&big, "# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n");
	for (int i = 0; i < 20; i++)
		buf_addf(&big,
			"dn: %d\r\ncn: Nr. %d\r\nmailaddress: a@example.org\r\n"
			"objectclass: email\r\n\r\n",
			200 + i, i);
	version = store_version(&device, buf_str(&big));
	buf_fini(&big);
	const struct m_version_mail large = good_words(TO);
	f = mail(&large);
	assert_string_equal(f.reason, "mail_too_large");
	assert_non_null(strstr(f.detail, "a mail may carry 1024"));
}

static int setup(void **state)
{
	(void)state;
	smtp_peer_start(&peer, &(struct smtp_peer_script){.login = "AGNhcm5ldABwYXNz"});
	put_env("CARNET_MAIL_EVERY_MS", "%d", 50);
	put_env("CARNET_MAIL_RETRY_MS", "%d", 50);
	int rc = copies_setup();
	mail_key_made();
	return rc != 0 ? rc
		       : shell("%s/bin/carnet-verify mail-key %s/other.key >/dev/null", build_dir(),
				 dir);
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	client_end();
	smtp_peer_stop(&peer);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			without_a_server_it_is_shown_as_not_available_with_the_reason_st_54),
		cmocka_unit_test(a_server_is_kept_when_it_took_a_test_mail_st_54),
		cmocka_unit_test(what_is_asked_wrongly_is_refused_by_storage_st_53_54),
		cmocka_unit_test(it_arrives_sealed_and_opens_with_the_key_alone_st_54_55),
		cmocka_unit_test(an_outage_is_waited_for_and_a_refusal_is_told_at_once),
		cmocka_unit_test(
			a_notice_goes_to_whom_the_server_may_send_and_is_answered_when_it_went),
		cmocka_unit_test(so_many_in_a_day_and_none_too_large),
	};
	return cmocka_run_group_tests_name("versions by mail", tests, setup, teardown);
}
