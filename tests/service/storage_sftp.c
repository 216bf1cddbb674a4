// SPDX-License-Identifier: Apache-2.0
/* Copies on a real SFTP server (docs/spec/storage.md ST-9, ST-11, ST-47, ST-48, security.md SE-8,
 * SE-37). Run by tests/service/storage_sftp.sh. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/service/storage_servers.h"

static const char *ssh; /* directory of the server */
static char user[64], pin[64], port[16];
static char key[4096], other_key[4096], locked_key[4096];
static char password[64]; /* "" = the server takes none */

static void slurp(const char *name, char *out, size_t size)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", ssh, name);
	FILE *f = fopen(path, "re");
	bug_if(f == NULL);
	size_t n = fread(out, 1, size - 1, f);
	(void)fclose(f);
	out[n] = 0;
	if (size < 1000)
		out[strcspn(out, "\n")] = 0;
}

static int sshd(const char *what)
{
	return shell("tests/lib/sshd %s %s", what, ssh);
}

static struct try to(const char *its_pin, const char *our_key)
{
	return (struct try){.kind = "sftp",
		.name = "away",
		.place = place,
		.account = user,
		.pin = its_pin,
		.member = "private_key",
		.secret = our_key};
}

static struct try with_password(const char *its_pin, const char *secret)
{
	struct try t = to(its_pin, secret);
	t.member = "password";
	return t;
}

static void the_key_of_the_server_is_compared_before_anything_is_said_se_8(void **state)
{
	(void)state;
	struct try t = to("", key);
	struct fault f = vault_add(&t);
	assert_string_equal(f.reason, "host_key_unknown");
	assert_non_null(strstr(f.detail, pin)); /* what to compare and repeat with */
	t.pin = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	refused(&t, "host_key_changed");
	assert_int_not_equal(shell("grep -q 'publickey for' %s/run/log", ssh), 0);
}

/* Takes connections and never says a word. */
static int mute_server(char *out, size_t size)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bug_if(fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, 8) < 0);
	bug_if(getsockname(fd, (struct sockaddr *)&a, &n) < 0);
	(void)snprintf(out, size, "sftp://127.0.0.1:%u/x", ntohs(a.sin_port));
	return fd;
}

static void each_refusal_has_a_cause_of_its_own(void **state)
{
	char mute[64], nowhere[300];
	(void)state;
	struct try t = to(pin, other_key);
	refused(&t, "login_refused");
	t.secret = locked_key;
	t.passphrase = "open barley";
	refused(&t, "login_refused");
	t = with_password(pin, "correct horse");
	refused(&t, "login_refused");
	t = to(pin, key);
	t.sealed_for = "sftp://elsewhere.example/backup";
	refused(&t, "login_sealed"); /* SE-37 */
	t.sealed_for = NULL;
	t.strict = true;
	refused(&t, "same_disk"); /* ST-63 */
	t.strict = false;
	t.place = "sftp://127.0.0.1/../etc";
	refused(&t, "place_form");
	t.place = "sftp://nowhere.invalid/backup";
	refused(&t, "vault_name_unresolved");
	t.place = "sftp://127.0.0.2/backup";
	refused(&t, "vault_network"); /* SE-9 */
	t.place = "sftp://127.0.0.1:1/backup";
	refused(&t, "vault_unreachable");
	(void)snprintf(
		nowhere, sizeof(nowhere), "sftp://127.0.0.1:%s%s/no/such/folder", port, files);
	t.place = nowhere;
	refused(&t, "no_such_folder");
	(void)snprintf(nowhere, sizeof(nowhere), "sftp://127.0.0.1:%s/carnet", port);
	refused(&t, "vault_denied");
	int fd = mute_server(mute, sizeof(mute));
	t.place = mute;
	refused(&t, "vault_no_answer");
	close(fd);
}

static void a_server_gets_what_was_there_before_and_all_of_it_is_read_back_st_9_11(void **state)
{
	struct uuid device = new_id();
	(void)state;
	struct uuid first = store_version(&device, BOOK("One"));
	(void)store_version(&device, BOOK("Two"));
	protection(&first, "under_protected");
	const struct try t = to(pin, key);
	added(&t);
	all_copied();
	protection(&first, "protected"); /* it is another machine */
	same_files(files);
	passports_know_all();
	verifies(files, 0);
	assert_int_equal(shell("[ -z \"$(ls -A %s/tmp)\" ]", files), 0);
	sql("select kind, durability, state, cause, position('PRIVATE' in encode(login, 'escape'))"
	    " from store.vault where name = 'away'");
	assert_string_equal(sql_out, "sftp|weak|ready||0");
}

static void the_list_tells_state_cause_and_the_last_good_copy(void **state)
{
	struct ask a = {.done = false};
	const struct m_vault_list m = {.has = 0};
	(void)state;
	assert_int_equal(ask(&a, one.client, 0, &m_vault_list_desc, &m), 0);
	const struct m_vault_page *p = a.body;
	assert_int_equal(p->items_n, 2);
	const struct m_vault *v = &p->items[0]; /* by name */
	assert_string_equal(v->name, "away");
	assert_string_equal(v->path, place);
	assert_string_equal(v->pin, pin);
	assert_int_equal(v->versions, 2);
	assert_int_equal(v->waiting, 0);
	assert_true(v->copied_at > 0);
	arena_fini(&a.arena);
}

static void an_outage_delays_no_backup_and_is_made_up_for_st_48(void **state)
{
	struct uuid device = new_id();
	(void)state;
	assert_int_equal(sshd("stop"), 0);
	waits("vault_unreachable");
	struct uuid v = store_version(&device, BOOK("While it was away"));
	(void)store_version(&device, BOOK("And another"));
	sql("select count(*) from store.copy where state = 'queued'");
	assert_int_equal(sql_number(), 2);
	protection(&v, "under_protected");
	assert_int_equal(sshd("start"), 0);
	back();
}

static void a_missing_disk_of_the_server_gets_nothing_st_47(void **state)
{
	struct uuid device = new_id();
	(void)state;
	assert_int_equal(shell("mv %s %s.gone && mkdir %s && chown --reference=%s.gone %s", files,
				 files, files, files, files),
		0);
	waits("vault_not_mounted");
	(void)store_version(&device, BOOK("While the disk was away"));
	struct timespec pause = {0, 300000000}; /* a few looks */
	(void)nanosleep(&pause, NULL);
	assert_int_equal(shell("[ -z \"$(ls -A %s)\" ]", files), 0);
	assert_int_equal(shell("rmdir %s && mv %s.gone %s", files, files, files), 0);
	back();
}

static void a_changed_key_of_the_server_stops_copies_before_we_sign_in_se_8(void **state)
{
	struct uuid device = new_id();
	(void)state;
	assert_int_equal(sshd("stop"), 0);
	assert_int_equal(shell("cd %s && mv host host.true && cp other host && chown"
			       " --reference=host.true host && : >run/log",
				 ssh),
		0);
	assert_int_equal(sshd("start"), 0);
	waits("host_key_changed");
	(void)store_version(&device, BOOK("While it was another"));
	assert_int_not_equal(shell("grep -q 'publickey for' %s/run/log", ssh), 0);
	assert_int_equal(sshd("stop"), 0);
	assert_int_equal(shell("mv %s/host.true %s/host", ssh, ssh), 0);
	assert_int_equal(sshd("start"), 0);
	back();
}

static void a_login_goes_nowhere_else_se_37(void **state)
{
	(void)state;
	sql("update store.vault set place = replace(place, '127.0.0.1', '127.0.0.2') where name ="
	    " 'away'");
	waits("login_sealed");
	/* given anew, it does; now with a key that wants its passphrase */
	struct try t = to(pin, locked_key);
	t.passphrase = "open sesame";
	added(&t);
	back();
}

static void a_password_opens_it_as_well(void **state)
{
	struct uuid device = new_id();
	(void)state;
	if (password[0] == 0)
		skip(); /* package libnss-wrapper is not unpacked: deploy/install unpack */
	assert_int_equal(shell(": >%s/run/log", ssh), 0);
	struct try t = with_password(pin, password);
	added(&t);
	(void)store_version(&device, BOOK("By password"));
	back();
	assert_int_equal(shell("grep -q 'Accepted password for' %s/run/log", ssh), 0);
	t = to(pin, key);
	added(&t);
}

static void what_is_damaged_on_the_server_is_found_and_put_right_st_73(void **state)
{
	(void)state;
	assert_int_equal(
		shell("f=$(ls %s/objects/*/* | head -n 1); chmod u+w $f; printf XY | dd of=$f bs=1"
		      " seek=150 conv=notrunc status=none; rm -f $(ls %s/keys/*-*.slot | tail -n 1)"
		      " $(ls %s/devices/*/*/*.sig | head -n 1)",
			files, files, files),
		0);
	/* what writers left behind goes, what one may still write stays */
	assert_int_equal(
		shell("cd %s/tmp && touch young young.old and.old alone && touch -d '2 days ago'"
		      " alone and.old young.old",
			files),
		0);
	sql("update store.copy set verified_at = now() - interval '2 h', scrubbed_at = null");
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 100);
	put_env("CARNET_SCRUB_AGE_MS", "%d", 3600000); /* each once */
	restart();
	becomes("select count(*) from store.copy where state <> 'verified' or coalesce(scrubbed_at,"
		" verified_at) < now() - interval '1 h'",
		"0");
	back();
	assert_int_equal(
		shell("cd %s/tmp && for i in $(seq 450); do [ -e alone ] || [ -e and.old ] ||"
		      " break; sleep 0.1; done; [ ! -e alone ] && rm young young.old",
			files),
		0);
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 0);
}

static void what_is_erased_leaves_the_server_st_31_76(void **state)
{
	char id[UUID_TEXT];
	(void)state;
	one_is_erased(id);
	passports_know_all();
	verifies(files, 0);
	assert_int_equal(shell("grep -q erased_at %s/keys/%s.slot && ls %s/devices/*/*/*%s.erased"
			       " >%s/out",
				 files, id, files, id, dir),
		0);
	assert_int_equal(shell("diff -r -x carnet-vault.json -x tmp -x 'passport*' -x '*.erased' -x"
			       " %s.slot %s %s >&2",
				 id, one.vault, files),
		0);
}

static int setup(void **state)
{
	(void)state;
	ssh = getenv("SSHD_DIR");
	bug_if(ssh == NULL);
	slurp("port", port, sizeof(port));
	slurp("user", user, sizeof(user));
	slurp("pin", pin, sizeof(pin));
	slurp("key", key, sizeof(key));
	if (shell("[ -s %s/password ]", ssh) == 0)
		slurp("password", password, sizeof(password));
	slurp("other", other_key, sizeof(other_key));
	slurp("locked", locked_key, sizeof(locked_key));
	(void)snprintf(files, sizeof(files), "%s/files", ssh);
	(void)snprintf(place, sizeof(place), "sftp://127.0.0.1:%s%s", port, files);
	put_env("CARNET_VAULT_TIMEOUT_MS", "%d", 4000);
	return copies_setup();
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	client_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_of_the_server_is_compared_before_anything_is_said_se_8),
		cmocka_unit_test(each_refusal_has_a_cause_of_its_own),
		cmocka_unit_test(
			a_server_gets_what_was_there_before_and_all_of_it_is_read_back_st_9_11),
		cmocka_unit_test(the_list_tells_state_cause_and_the_last_good_copy),
		cmocka_unit_test(an_outage_delays_no_backup_and_is_made_up_for_st_48),
		cmocka_unit_test(a_missing_disk_of_the_server_gets_nothing_st_47),
		cmocka_unit_test(a_changed_key_of_the_server_stops_copies_before_we_sign_in_se_8),
		cmocka_unit_test(a_login_goes_nowhere_else_se_37),
		cmocka_unit_test(a_password_opens_it_as_well),
		cmocka_unit_test(what_is_damaged_on_the_server_is_found_and_put_right_st_73),
		cmocka_unit_test(what_is_erased_leaves_the_server_st_31_76),
	};
	return cmocka_run_group_tests_name("copies on an sftp server", tests, setup, teardown);
}
