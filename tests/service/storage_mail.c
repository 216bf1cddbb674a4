// SPDX-License-Identifier: Apache-2.0
/* Versions sent by mail (docs/spec/storage.md section 8.2). Run by tests/service/storage_mail.sh.
 */
#include "tests/lib/smtp_peer.h"
#include "tests/service/storage_copying.h"

static struct smtp_peer peer;
static struct uuid version;
static uint8_t key_public[32], key_private[32];

#define WORDS "we replace the printer\nthe copy is for the shop\nkeep it until Friday"

static struct fault relay_add(const char *pin, const char *recipients, const char *password)
{
	struct ask a = {.done = false};
	struct buf sealed = BUF_INIT;
	char place[64];
	(void)snprintf(place, sizeof(place), "smtp://127.0.0.1:%d", peer.port);
	const struct vault_address to = {
		.kind = "mail", .place = place, .account = "carnet", .pin = pin};
	seal_login(&to, "password", password, NULL, &sealed);
	const struct m_vault_add m = {.name = "post",
		.kind = "mail",
		.place = place,
		.account = "carnet",
		.pin = pin,
		.login = {sealed.p, sealed.n},
		.sender = "carnet@example.com",
		.recipients = recipients};
	(void)ask(&a, one.client, 0, &m_vault_add_desc, &m);
	struct fault f = a.fault;
	arena_fini(&a.arena);
	buf_fini(&sealed);
	return f;
}

static struct m_version_mail good_words(void)
{
	return (struct m_version_mail){.id = version,
		.to = "p.holvoet@agriconsult.example",
		.who = "Anna Smith, desk 4711",
		.why = "printer replaced",
		.description = WORDS,
		.recipient_key = {key_public, sizeof(key_public)}};
}

static struct fault mail(const struct m_version_mail *m)
{
	struct ask a = {.done = false};
	(void)ask(&a, one.client, 0, &m_version_mail_desc, m);
	struct fault f = a.fault;
	arena_fini(&a.arena);
	return f;
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
	const struct m_version_mail m = good_words();
	struct fault f = mail(&m);
	if (f.code != 0)
		print_error("%d %s: %s\n", f.code, f.reason, f.detail);
	assert_int_equal(f.code, 0);
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
	const struct m_version_mail m = good_words();
	refused(&m, "mail_not_set_up");
}

static void a_server_is_kept_when_it_took_a_test_mail_st_54(void **state)
{
	(void)state;
	assert_string_equal(relay_add(peer.pin, "*@example.com", "pass").reason, "mail_recipients");
	assert_string_equal(relay_add(peer.pin, "a b", "pass").reason, "mail_address");
	assert_string_equal(relay_add(peer.pin, "a@example.com", "wrong").reason, "mail_login");
	script_is(&(struct smtp_peer_script){.no_starttls = true});
	assert_string_equal(relay_add(peer.pin, "a@example.com", "pass").reason, "mail_no_tls");
	script_is(&(struct smtp_peer_script){.at = "RCPT", .answer = "550 5.1.1 who?"});
	assert_string_equal(relay_add(peer.pin, "a@example.com", "pass").reason, "mail_recipient");
	script_is(&(struct smtp_peer_script){.tls = false});
	assert_string_equal(
		relay_add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "a@example.com", "pass")
			.reason,
		"mail_certificate");
	sql("select count(*) from store.vault where role = 'mail'");
	assert_int_equal(sql_number(), 0);
	struct fault f = relay_add(peer.pin, "a@example.com, *@Agriconsult.example", "pass");
	if (f.code != 0)
		print_error("%d %s: %s\n", f.code, f.reason, f.detail);
	assert_int_equal(f.code, 0);
	assert_non_null(strstr(buf_str(&peer.mail), "Subject: Carnet: test mail\r\n"));
	assert_non_null(strstr(buf_str(&peer.talk), "RCPT TO:<a@example.com>"));
	sql("select state, durability, recipients from store.vault where role = 'mail'");
	assert_string_equal(sql_out, "ready|none|a@example.com,*@agriconsult.example");
	shown("", "");
}

static void what_is_asked_wrongly_is_refused_by_storage_st_53_54(void **state)
{
	struct m_version_mail m = good_words();
	(void)state;
	m.description = "two\nlines";
	refused(&m, "mail_description_too_short");
	m = good_words();
	m.who = "";
	refused(&m, "mail_who_missing");
	m = good_words();
	m.why = NULL;
	refused(&m, "mail_why_missing");
	m = good_words();
	m.to = "somebody@elsewhere.example";
	refused(&m, "mail_not_allowed");
	m.to = "nobody";
	refused(&m, "mail_address");
	m = good_words();
	m.recipient_key.n = 31;
	refused(&m, "mail_key");
	m = good_words();
	m.id = new_id();
	assert_int_equal(mail(&m).code, CN_NOT_FOUND);
	sql("select count(*) from store.mail");
	assert_int_equal(sql_number(), 0);
}

/* The attachment of the last mail, as a file. */
static void save_attachment(const char *path)
{
	struct buf base64 = BUF_INIT, bytes = BUF_INIT;
	const char *p = strstr(buf_str(&peer.mail), "filename=");
	assert_non_null(p);
	p = strstr(p, "\r\n\r\n") + 4;
	for (; *p != '-'; p++)
		if (*p != '\r' && *p != '\n')
			buf_addc(&base64, *p);
	assert_int_equal(base64_decode(buf_str(&base64), base64.n, &bytes), 0);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	(void)fclose(f);
	buf_fini(&base64);
	buf_fini(&bytes);
}

static void it_arrives_sealed_and_opens_with_the_key_alone_st_54_55(void **state)
{
	char path[128];
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
	save_attachment(path);
	assert_int_not_equal(shell("grep -q Dubois %s", path), 0);
	assert_int_equal(shell("%s/bin/carnet-verify open %s --key %s/mail.key --to %s/opened >&2"
			       " && grep -q 'cn: Dubois' %s/opened/list_1",
				 build_dir(), path, dir, dir, dir),
		0);
	int status =
		shell("%s/bin/carnet-verify open %s --key %s/other.key --to %s/not 2>/dev/null",
			build_dir(), path, dir, dir);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
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

static void so_many_in_a_day_and_none_too_large(void **state)
{
	const struct m_version_mail m = good_words();
	(void)state;
	sql("insert into store.quota (tenant_id, mails_per_day) select tenant_id, (select count(*)"
	    " from store.mail) from store.vault limit 1");
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
	const struct m_version_mail large = good_words();
	f = mail(&large);
	assert_string_equal(f.reason, "mail_too_large");
	assert_non_null(strstr(f.detail, "a mail may carry 1024"));
}

static int setup(void **state)
{
	char path[128];
	(void)state;
	smtp_peer_start(&peer, &(struct smtp_peer_script){.login = "AGNhcm5ldABwYXNz"});
	put_env("CARNET_MAIL_EVERY_MS", "%d", 50);
	put_env("CARNET_MAIL_RETRY_MS", "%d", 50);
	int rc = copies_setup();
	box_keypair(key_public, key_private);
	(void)snprintf(path, sizeof(path), "%s/mail.key", dir);
	struct fault f = FAULT_INIT;
	bug_if(key_file_replace(path, (struct span){key_private, 32}, &f) < 0);
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
		cmocka_unit_test(so_many_in_a_day_and_none_too_large),
	};
	return cmocka_run_group_tests_name("versions by mail", tests, setup, teardown);
}
