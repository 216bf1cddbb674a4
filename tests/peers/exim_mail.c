// SPDX-License-Identifier: Apache-2.0
/* Versions sent by mail through a real Exim (docs/spec/storage.md section 8.2). Run by
 * tests/peers/exim.sh. What a server does on bad days is in tests/service/storage_mail.c. */
#include "common/vault/mailed.h"
#include "tests/service/storage_mailing.h"

#define ANNA "anna@example.com"

static char starttls[64], tls[64], pin[64];
static struct buf box;

static void slurp(const char *name, struct buf *out)
{
	char path[128], piece[4096];
	size_t n;
	buf_reset(out);
	(void)snprintf(path, sizeof(path), "%s/%s", getenv("EXIM_DIR"), name);
	FILE *f = fopen(path, "re");
	while (f != NULL && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	if (f != NULL)
		(void)fclose(f);
}

static void line(const char *name, const char *before, char *out, size_t size)
{
	slurp(name, &box);
	(void)snprintf(
		out, size, "%s%.*s", before, (int)strcspn(buf_str(&box), "\n"), buf_str(&box));
}

/* The box, when so many mails have come since the start: Exim answers first and delivers then. */
static const char *delivered(int mails)
{
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	int n;
	do {
		const struct timespec pause = {0, 30000000};
		(void)nanosleep(&pause, NULL);
		slurp("log-main", &box);
		n = 0;
		for (const char *p = buf_str(&box); (p = strstr(p, " Completed\n")) != NULL; p++)
			n++;
		bug_if(clock_mono_ms() > until);
	} while (n < mails);
	slurp("box", &box);
	return buf_str(&box);
}

static void a_server_is_told_what_is_wrong_in_its_own_words_st_54(void **state)
{
	(void)state;
	struct fault f = relay_add(starttls, "", ANNA, "wrong");
	assert_string_equal(f.reason, "mail_login");
	assert_non_null(strstr(f.detail, "535"));
	f = relay_add(starttls, "", "somebody@elsewhere.example", "pass");
	assert_string_equal(f.reason, "mail_recipient");
	assert_non_null(strstr(f.detail, "550 relay not permitted"));
	f = relay_add(starttls, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ANNA, "pass");
	assert_string_equal(f.reason, "mail_certificate");
	f = relay_add(tls, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ANNA, "pass");
	assert_string_equal(f.reason, "mail_certificate");
	sql("select count(*) from store.vault where role = 'mail'");
	assert_int_equal(sql_number(), 0);
}

static void a_pin_or_an_authority_of_ours_is_enough_with_either_form_of_tls(void **state)
{
	(void)state;
	good(relay_add(tls, pin, ANNA, "pass"));
	good(relay_add(tls, "", ANNA, "pass"));
	good(relay_add(starttls, pin, ANNA, "pass"));
	good(relay_add(starttls, "", ANNA ", *@example.com", "pass"));
	assert_non_null(strstr(delivered(4), "Subject: Carnet: test mail"));
	slurp("log-main", &box);
	assert_non_null(strstr(buf_str(&box), "P=esmtpsa")); /* TLS, and signed in */
	assert_null(strstr(buf_str(&box), "P=esmtp "));
}

static void what_comes_out_of_the_box_opens_with_the_key_of_who_got_it_st_54(void **state)
{
	char path[128], key[128];
	struct uuid device = new_id();
	(void)state;
	version = store_version(&device, BOOK("Dubois"));
	const struct m_version_mail m = good_words(ANNA);
	good(mail(&m));
	becomes(LAST, "sent1 ");
	const char *text = delivered(5);
	assert_non_null(strstr(text, "\nAnna Smith, desk 4711\n"));
	assert_non_null(strstr(text, "\nthe copy is for the shop\n"));
	assert_null(strstr(text, "Dubois"));
	(void)snprintf(path, sizeof(path), "%s/a.cnmail", dir);
	save_attachment(text, path);
	(void)snprintf(key, sizeof(key), "--key %s/mail.key", dir);
	assert_int_equal(opened(path, key, "opened"), 0);
	assert_int_equal(shell("grep -q 'cn: Dubois' %s/opened/list_1", dir), 0);
}

static void or_with_the_password_that_was_agreed_apart_st_54(void **state)
{
	static const char password[] = "agreed by telephone";
	char path[128], option[160];
	uint8_t kdf[MAILED_KDF], key[32];
	struct fault f = FAULT_INIT;
	struct m_version_mail m = good_words(ANNA);
	(void)state;
	const struct span word = {(const uint8_t *)password, sizeof(password) - 1};
	assert_int_equal(mailed_password_make(word, kdf, key, &f), 0); /* as the gateway does */
	m.recipient_key = (struct span){key, sizeof(key)};
	m.password_kdf = (struct span){kdf, sizeof(kdf) - 1};
	assert_string_equal(mail(&m).reason, "mail_key");
	m.password_kdf.n++;
	good(mail(&m));
	becomes(LAST, "sent1 ");
	(void)snprintf(path, sizeof(path), "%s/b.cnmail", dir);
	save_attachment(delivered(6), path);
	(void)snprintf(option, sizeof(option), "--key %s/mail.key", dir);
	assert_int_equal(opened(path, option, "not"), 2);
	assert_int_equal(shell("umask 077; echo '%s' >%s/word; echo 'another one' >%s/wrong",
				 password, dir, dir),
		0);
	(void)snprintf(option, sizeof(option), "--passphrase-file %s/wrong", dir);
	assert_int_equal(opened(path, option, "not"), 2);
	(void)snprintf(option, sizeof(option), "--passphrase-file %s/word", dir);
	assert_int_equal(opened(path, option, "by_word"), 0);
	assert_int_equal(shell("grep -q 'cn: Dubois' %s/by_word/list_1", dir), 0);
}

static void who_is_unknown_there_is_told_at_once_and_not_tried_again(void **state)
{
	const struct m_version_mail m = good_words("nobody@example.com");
	(void)state;
	good(mail(&m));
	becomes(LAST, "failed1 mail_recipient");
	sql("select detail from store.mail order by asked_at desc limit 1");
	assert_non_null(strstr(sql_out, "550"));
	sql("select state from store.vault where role = 'mail'"); /* the server is not to blame */
	assert_string_equal(sql_out, "ready");
}

static void greylisting_is_waited_for(void **state)
{
	const struct m_version_mail m = good_words("grey@example.com");
	(void)state;
	good(mail(&m));
	becomes("select state || ' ' || cause || ' ' || (attempts > 1) from store.mail order by"
		" asked_at desc limit 1",
		"queued mail_busy true");
	sql("select detail from store.mail order by asked_at desc limit 1");
	assert_non_null(strstr(sql_out, "451 greylisted"));
	assert_int_equal(shell("touch %s/grey_is_over", getenv("EXIM_DIR")), 0);
	becomes("select state || cause from store.mail order by asked_at desc limit 1", "sent");
	assert_non_null(strstr(delivered(7), "To: <grey@example.com>"));
}

static void what_is_larger_than_the_server_takes_is_not_tried_again(void **state)
{
	struct buf book = BUF_INIT;
	struct uuid device = new_id();
	(void)state;
	buf_adds(&book, "# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n");
	for (int i = 0; i < 3000; i++)
		buf_addf(&book,
			"dn: %d\r\ncn: Nr. %d\r\nmailaddress: a@example.org\r\n"
			"objectclass: email\r\n\r\n",
			i + 1, i);
	version = store_version(&device, buf_str(&book));
	buf_fini(&book);
	const struct m_version_mail m = good_words(ANNA);
	good(mail(&m));
	becomes(LAST, "failed1 mail_too_large");
}

static int setup(void **state)
{
	(void)state;
	bug_if(getenv("EXIM_DIR") == NULL);
	line("smtp", "smtp://127.0.0.1:", starttls, sizeof(starttls));
	line("smtps", "smtps://127.0.0.1:", tls, sizeof(tls));
	line("pin", "", pin, sizeof(pin));
	put_env("CARNET_VAULT_CA_FILE", "%s/cert", getenv("EXIM_DIR"));
	put_env("CARNET_MAIL_EVERY_MS", "%d", 50);
	put_env("CARNET_MAIL_RETRY_MS", "%d", 50);
	int rc = copies_setup();
	mail_key_made();
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	client_end();
	buf_fini(&box);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_told_what_is_wrong_in_its_own_words_st_54),
		cmocka_unit_test(a_pin_or_an_authority_of_ours_is_enough_with_either_form_of_tls),
		cmocka_unit_test(what_comes_out_of_the_box_opens_with_the_key_of_who_got_it_st_54),
		cmocka_unit_test(or_with_the_password_that_was_agreed_apart_st_54),
		cmocka_unit_test(who_is_unknown_there_is_told_at_once_and_not_tried_again),
		cmocka_unit_test(greylisting_is_waited_for),
		cmocka_unit_test(what_is_larger_than_the_server_takes_is_not_tried_again),
	};
	return cmocka_run_group_tests_name("versions through Exim", tests, setup, teardown);
}
