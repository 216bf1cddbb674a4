// SPDX-License-Identifier: Apache-2.0
/* Copies in a bucket of an S3 server (docs/spec/storage.md ST-9, ST-11, ST-47..49a, ST-73). What
 * each of its refusals is, is in tests/unit/storage/test_s3.c. */
#include "tests/lib/s3_sim.h"
#include "tests/service/storage_servers.h"

static struct try to(const char *secret)
{
	return (struct try){.kind = "s3",
		.name = "away",
		.place = place,
		.account = S3_ACCOUNT,
		.region = "eu-test-1",
		.member = "password",
		.secret = secret,
		.clear = true};
}

static void what_is_not_encrypted_must_be_said(void **state)
{
	(void)state;
	struct try t = to(S3_SECRET);
	t.clear = false;
	refused(&t, "clear_text");
	assert_int_equal(s3->requests, 0);
}

static void each_refusal_has_a_cause_of_its_own(void **state)
{
	char other[100];
	(void)state;
	struct try t = to("another");
	refused(&t, "login_refused");
	t = to(S3_SECRET);
	t.region = "us-east-1";
	refused(&t, "vault_region");
	t.region = "eu-test-1";
	t.strict = true;
	refused(&t, "same_disk"); /* ST-63 */
	t.strict = false;
	t.sealed_for = "https://elsewhere.example/backups";
	refused(&t, "login_sealed"); /* SE-37 */
	t.sealed_for = NULL;
	(void)snprintf(other, sizeof(other), "http://127.0.0.1:%u/others/site", s3->port);
	t.place = other;
	refused(&t, "vault_bucket");
	t.place = "https://127.0.0.1/";
	refused(&t, "place_form");
}

static void a_bucket_gets_what_was_there_before_and_all_of_it_is_read_back_st_9_11(void **state)
{
	struct uuid device = new_id();
	(void)state;
	struct uuid first = store_version(&device, BOOK("One"));
	(void)store_version(&device, BOOK("Two"));
	protection(&first, "under_protected");
	const struct try t = to(S3_SECRET);
	added(&t);
	all_copied();
	protection(&first, "protected");
	same_files(files);
	passports_know_all();
	verifies(files, 0);
	sql("select kind, durability, state, cause, position('%s' in encode(login, 'escape'))"
	    " from store.vault where name = 'away'",
		S3_SECRET);
	assert_string_equal(sql_out, "s3|strong|ready||0");
}

static void an_outage_delays_no_backup_and_is_made_up_for_st_48(void **state)
{
	struct uuid device = new_id();
	(void)state;
	s3_stop();
	waits("vault_unreachable");
	struct uuid v = store_version(&device, BOOK("While it was away"));
	protection(&v, "under_protected");
	s3_start();
	back();
}

static void a_busy_server_is_waited_for_and_one_that_stays_so_is_told(void **state)
{
	struct uuid device = new_id();
	(void)state;
	s3_fails(S3_SLOW_DOWN, 1000000, NULL, NULL);
	(void)store_version(&device, BOOK("While it was busy"));
	waits("vault_busy");
	s3_fails(S3_SLOW_DOWN, 3, "PUT", NULL);
	back();
	assert_int_equal(s3->left, 0);
}

static void another_bucket_in_its_place_gets_nothing_st_47(void **state)
{
	struct uuid device = new_id();
	(void)state;
	s3_stop(); /* nothing is being put meanwhile */
	assert_int_equal(shell("mv %s %s.gone && mkdir %s", files, files, files), 0);
	s3_start();
	waits("vault_not_mounted");
	unsigned puts = s3->puts;
	(void)store_version(&device, BOOK("While it was another"));
	unsigned looks = s3->requests;
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	while (s3->requests < looks + 3 && clock_mono_ms() < until) {
		struct timespec pause = {0, 30000000};
		(void)nanosleep(&pause, NULL);
	}
	assert_true(s3->requests >= looks + 3);
	assert_int_equal(s3->puts, puts);
	assert_int_equal(shell("rmdir %s && mv %s.gone %s", files, files, files), 0);
	back();
}

static void what_does_not_read_back_as_it_was_written_is_no_copy_st_11(void **state)
{
	struct uuid device = new_id();
	(void)state;
	s3_fails(S3_FLIP, 1000000, "GET", "objects/");
	(void)store_version(&device, BOOK("Flipped on its way back"));
	becomes("select count(*) from store.copy where state <> 'verified'", "1");
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	while (s3->left == 1000000 && clock_mono_ms() < until) { /* it was read */
		struct timespec pause = {0, 30000000};
		(void)nanosleep(&pause, NULL);
	}
	assert_true(s3->left < 1000000);
	sql("select count(*) from store.copy where state <> 'verified'");
	assert_int_equal(sql_number(), 1);
	s3_fails(S3_NONE, 0, NULL, NULL);
	back();
}

static void what_is_damaged_in_the_bucket_is_found_and_put_right_st_73(void **state)
{
	(void)state;
	assert_int_equal(
		shell("f=$(ls %s/objects/*/* | head -n 1); chmod u+w $f; printf XY | dd of=$f bs=1"
		      " seek=150 conv=notrunc status=none; rm -f $(ls %s/keys/*-*.slot | tail -n 1)"
		      " $(ls %s/devices/*/*/*.sig | head -n 1)",
			files, files, files),
		0);
	sql("update store.copy set verified_at = now() - interval '2 h', scrubbed_at = null");
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 100);
	put_env("CARNET_SCRUB_AGE_MS", "%d", 3600000); /* each once */
	restart();
	becomes("select count(*) from store.copy where state <> 'verified' or coalesce(scrubbed_at,"
		" verified_at) < now() - interval '1 h'",
		"0");
	back();
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 0);
}

static void where_names_are_given_twice_copies_are_as_good_s3_conditional(void **state)
{
	struct uuid device = new_id();
	(void)state;
	s3->once = S3_IGNORED;
	assert_int_equal(shell("rm %s/tmp/probe", files), 0);
	const struct try t = to(S3_SECRET); /* added again it is asked again */
	added(&t);
	sql("select durability from store.vault where name = 'away'");
	assert_string_equal(sql_out, "weak");
	(void)store_version(&device, BOOK("No condition"));
	back();
}

static int setup(void **state)
{
	char sim[100];
	(void)state;
	(void)snprintf(sim, sizeof(sim), "/tmp/carnet-s3.XXXXXX");
	bug_if(mkdtemp(sim) == NULL);
	s3_make(sim);
	(void)snprintf(files, sizeof(files), "%s/files/site/a", sim);
	(void)snprintf(place, sizeof(place), "http://127.0.0.1:%u/" S3_BUCKET "/site/a", s3->port);
	put_env("CARNET_VAULT_TIMEOUT_MS", "%d", 1500);
	return copies_setup();
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	client_end();
	s3_stop();
	return shell("rm -rf %s", s3->dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_encrypted_must_be_said),
		cmocka_unit_test(each_refusal_has_a_cause_of_its_own),
		cmocka_unit_test(
			a_bucket_gets_what_was_there_before_and_all_of_it_is_read_back_st_9_11),
		cmocka_unit_test(an_outage_delays_no_backup_and_is_made_up_for_st_48),
		cmocka_unit_test(a_busy_server_is_waited_for_and_one_that_stays_so_is_told),
		cmocka_unit_test(another_bucket_in_its_place_gets_nothing_st_47),
		cmocka_unit_test(what_does_not_read_back_as_it_was_written_is_no_copy_st_11),
		cmocka_unit_test(what_is_damaged_in_the_bucket_is_found_and_put_right_st_73),
		cmocka_unit_test(where_names_are_given_twice_copies_are_as_good_s3_conditional),
	};
	return cmocka_run_group_tests_name("copies in a bucket", tests, setup, teardown);
}
