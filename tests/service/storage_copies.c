// SPDX-License-Identifier: Apache-2.0
/* Copies beside the primary vault (docs/spec/storage.md ST-9, ST-47, ST-48, ST-73): made, read
 * back, late after an outage, put right from each other. Run by tests/service/storage_copies.sh. */
#include "tests/service/storage_copying.h"

static char away[128]; /* the second vault */

static int vault_add(const char *name, const char *place, struct fault *ret)
{
	struct ask a = {.done = false};
	const struct m_vault_add m = {.name = name,
		.place = place,
		.removable = true,
		.accept_same_disk = "a test on one machine"};
	int rc = ask(&a, one.client, 0, &m_vault_add_desc, &m);
	*ret = a.fault;
	arena_fini(&a.arena);
	return rc;
}

static unused void all_verified(void)
{
	becomes("select count(*) from store.copy where state <> 'verified'", "0");
}

static void a_vault_that_is_added_gets_what_was_there_before_st_9(void **state)
{
	struct uuid device = new_id();
	struct fault f;
	(void)state;
	struct uuid first = store_version(&device, BOOK("One"));
	(void)store_version(&device, BOOK("Two"));
	protection(&first, "under_protected");
	if (vault_add("away", away, &f) < 0)
		print_error("%d %s: %s\n", f.code, f.reason, f.detail);
	assert_int_equal(f.code, 0);
	all_copied();
	protection(&first, "protected");
	/* the same files, byte for byte, but the marker */
	same_files(away);
	passports_know_all();
	verifies(away, 0);
}

static void a_place_is_taken_once_and_never_the_primary_one(void **state)
{
	struct fault f;
	char other[160];
	(void)state;
	assert_int_equal(vault_add("again", one.vault, &f), -1);
	assert_string_equal(f.reason, "primary");
	assert_int_equal(vault_add("again", away, &f), -1);
	assert_string_equal(f.reason, "name_taken");
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(vault_add("away", other, &f), -1);
	assert_string_equal(f.reason, "name_taken");
	assert_int_equal(vault_add("rel", "relative", &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
	(void)shell("mkdir %s/full && touch %s/full/x", dir, dir);
	(void)snprintf(other, sizeof(other), "%s/full", dir);
	assert_int_equal(vault_add("full", other, &f), -1);
	assert_string_equal(f.reason, "not_empty");
}

static void the_media_of_the_machine_are_listed_with_a_verdict_st_82(void **state)
{
	struct ask a = {.done = false};
	const struct m_vault_candidates m = {.has = 0};
	(void)state;
	assert_int_equal(ask(&a, one.client, 0, &m_vault_candidates_desc, &m), 0);
	const struct m_vault_candidate_page *p = a.body;
	for (size_t i = 0; i < p->items_n; i++) {
		assert_int_equal(p->items[i].path[0], '/');
		assert_true(p->items[i].size >= p->items[i].free);
		assert_true(
			strcmp(p->items[i].verdict, "separate") == 0 || p->items[i].why[0] != 0);
	}
	arena_fini(&a.arena);
}

static void what_is_committed_goes_to_the_other_vault_by_itself(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct uuid device = new_id();
		(void)store_version(&device, BOOK("The same for all"));
	}
	all_copied();
}

static void an_absent_vault_gets_nothing_and_catches_up_when_it_is_back_st_48(void **state)
{
	struct uuid device = new_id();
	(void)state;
	/* taken away; below its mount point an empty directory shows */
	assert_int_equal(shell("mv %s %s.gone && mkdir %s", away, away, away), 0);
	becomes("select state from store.vault where name = 'away'", "absent");
	struct uuid v = store_version(&device, BOOK("While it was away"));
	(void)store_version(&device, BOOK("And another"));
	sql("select count(*) from store.copy where state = 'queued'");
	assert_int_equal(sql_number(), 2);
	protection(&v, "under_protected");
	assert_int_equal(shell("[ -z \"$(ls -A %s)\" ]", away), 0); /* ST-47 */
	assert_int_equal(shell("rmdir %s && mv %s.gone %s", away, away, away), 0);
	all_copied();
	becomes("select state from store.vault where name = 'away'", "ready");
}

static void a_damaged_copy_is_put_right_from_the_good_one_in_either_vault_st_73(void **state)
{
	struct uuid device = new_id();
	char id[UUID_TEXT];
	(void)state;
	struct uuid v = store_version(&device, BOOK("To be damaged"));
	all_copied();
	const char *const vaults[] = {one.vault, away};
	static const char *const names[] = {"main", "away"};
	for (size_t i = 0; i < 2; i++) {
		sql("select 'objects/' || left(encode(o.oid, 'hex'), 2) || '/' ||"
		    " encode(o.oid, 'hex') || '.*' from store.version_object o"
		    " where version_id = '%s' and item = 'list_1'",
			uuid_format(&v, id));
		assert_int_equal(
			shell("for f in %s/%s; do printf X | dd of=$f bs=1 seek=300"
			      " conv=notrunc status=none; done; rm %s/devices/*/*/*%s.json",
				vaults[i], sql_out, vaults[i], id),
			0);
		/* as the scrub says it */
		sql("update store.copy set state = 'damaged' where version_id = '%s' and vault_id ="
		    " (select id from store.vault where name = '%s')",
			id, names[i]);
		all_copied();
		same_files(away);
		struct ask a = {.done = false};
		const struct m_version_verify m = {.id = v};
		assert_int_equal(ask(&a, one.client, 0, &m_version_verify_desc, &m), 0);
		assert_true(((const struct m_verify_result *)a.body)->good);
		arena_fini(&a.arena);
	}
}

static void without_a_good_copy_an_unchanged_book_is_stored_anew_st_73(void **state)
{
	struct uuid device = new_id();
	char id[UUID_TEXT];
	(void)state;
	struct uuid first = store_version(&device, BOOK("Lost"));
	all_copied();
	struct uuid same = store_version(&device, BOOK("Lost"));
	assert_true(uuid_eq(&first, &same));
	sql("update store.copy set state = 'damaged' where version_id = '%s'",
		uuid_format(&first, id));
	struct uuid next = store_version(&device, BOOK("Lost"));
	assert_false(uuid_eq(&first, &next));
	sql("update store.copy set state = 'verified' where version_id = '%s'", id);
	all_copied();
}

/* Whoever keeps the second medium proves it as the first, whatever happens to either (ST-41). */
static void a_version_that_is_gone_from_a_copy_is_missed_by_its_passport_st_38(void **state)
{
	struct uuid device = new_id();
	char d[UUID_TEXT], path[200];
	(void)state;
	(void)store_version(&device, BOOK("First"));
	(void)store_version(&device, BOOK("Second"));
	all_copied();
	passports_know_all();
	verifies(away, 0);
	(void)snprintf(
		path, sizeof(path), "%s/devices/%s/address_book", away, uuid_format(&device, d));
	assert_int_equal(shell("mkdir %s/aside && mv %s/2-* %s/aside", dir, path, dir), 0);
	assert_int_equal(verify_now(away), 3);
	assert_non_null(strstr(verify_out, "knows generation 2, the newest here is 1"));
	assert_int_equal(shell("mv %s/aside/* %s && mv %s/1-* %s/aside", dir, path, path, dir), 0);
	assert_int_equal(verify_now(away), 1);
	assert_int_equal(shell("mv %s/aside/* %s && rmdir %s/aside", dir, path, dir), 0);
	assert_int_equal(verify_now(away), 0);
}

static void slots_of_copies_follow_a_rotation_and_the_old_key_may_go_st_29(void **state)
{
	(void)state;
	assert_int_equal(shell("%s/bin/carnet-storage new-key %s/kek", build_dir(), dir), 0);
	put_env("CARNET_ROTATE_EVERY_MS", "%d", 100);
	sql("update store.chore set next_at = '-infinity' where name = 'rotate'");
	/* meanwhile the disk was at a newer Carnet: it gets nothing, and says why (ST-50) */
	assert_int_equal(
		shell("cp -p %s/carnet-vault.json %s/marker && chmod u+w"
		      " %s/carnet-vault.json && sed -i s/min_protocol.:1/min_protocol\\\":3/"
		      " %s/carnet-vault.json",
			away, dir, away, away),
		0);
	restart();
	becomes("select cause || ' ' || detail || ' ' || needs || has from store.vault"
		" where name = 'away'",
		"vault_too_old vault 'away' needs >= 3, has 1 31");
	assert_int_equal(shell("rm -f %s/carnet-vault.json && cp -p %s/marker"
			       " %s/carnet-vault.json",
				 away, dir, away),
		0);
	becomes("select count(*) from store.version_key k join store.copy c using (version_id)"
		" join store.vault v on v.id = c.vault_id where v.role = 'copy' and"
		" k.wrapped_dek is not null and (k.rewrapped_at is null or c.kek_id <> k.kek_id)",
		"0");
	put_env("CARNET_ROTATE_EVERY_MS", "%d", 0);
	same_files(away);
	passports_know_all();
	verifies(away, 0);
	assert_int_equal(
		shell("%s/bin/carnet-storage retire-keys %s/kek %s", build_dir(), dir, away), 0);
	restart();
	verifies(away, 0);
}

static void what_is_erased_leaves_every_vault_st_31_76(void **state)
{
	char id[UUID_TEXT];
	(void)state;
	one_is_erased(id);
	passports_know_all();
	verifies(away, 0);
	assert_int_equal(shell("grep -q erased_at %s/keys/%s.slot && grep -q erased_at"
			       " %s/keys/%s.slot && ls %s/devices/*/*/*%s.erased >%s/out",
				 one.vault, id, away, id, away, id, dir),
		0);
	assert_int_equal(shell("diff -r -x carnet-vault.json -x tmp -x 'passport*' -x '*.erased' -x"
			       " %s.slot %s %s",
				 id, one.vault, away),
		0);
}

#ifdef CARNET_CRASHPOINTS
static void dies_at(const char *crash)
{
	struct timespec pause = {0, 50000000};
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	int status = 0;
	host_kill(&one, SIGTERM);
	/* who died with a chore in hand keeps it for minutes: here it is free at once */
	sql("update store.chore set claimed_until = '-infinity'");
	host_start(&one, 1, "main", crash, 0);
	while (waitpid(one.pid, &status, WNOHANG) == 0 && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	one.pid = 0;
	sql("update store.chore set claimed_until = '-infinity'");
}

static void the_bad_file_lies_aside_until_the_good_one_was_read_in_its_place_st_73(void **state)
{
	struct uuid device = new_id();
	char id[UUID_TEXT];
	(void)state;
	struct uuid v = store_version(&device, BOOK("Bad for a while"));
	all_verified();
	uuid_format(&v, id);
	host_kill(&one, SIGTERM); /* else it is put right before anybody dies */
	assert_int_equal(shell("chmod u+w %s/keys/%s.slot && printf bad >"
			       " %s/keys/%s.slot && cp %s/keys/%s.slot %s/bad",
				 away, id, away, id, away, id, dir),
		0);
	sql("update store.copy c set state = 'damaged' from store.vault v where v.id = c.vault_id"
	    " and v.name = 'away' and c.version_id = '%s'",
		id);
	dies_at("copy.aside:1");
	assert_int_equal(shell("cmp %s/keys/%s.slot %s/keys/%s.slot && for f in %s/tmp/*; do cmp -s"
			       " $f %s/bad && exit 0; done; exit 1",
				 one.vault, id, away, id, away, dir),
		0);
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	all_verified();
	assert_int_equal(shell("rm -f %s/tmp/*", away), 0); /* else after a day */
}

static void killed_at_each_step_of_copying_and_collecting_both_end_as_if_never_st_76(void **state)
{
	static const char *const places[] = {
		"collect.condemned:1", "collect.doomed:1", "collect.removed:1", "collect.slots:1"};
	struct uuid device = new_id();
	char id[UUID_TEXT];
	(void)state;
	struct uuid old = store_version(&device, BOOK("Gone"));
	(void)store_version(&device, BOOK("Stays"));
	all_verified();
	sql("update store.version set state = 'condemned', held_until = now() - interval '1 s'"
	    " where id = '%s'; select store.erase_due(tenant_id, 9) from store.version"
	    " where id = '%s'",
		uuid_format(&old, id), id);
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 100);
	for (size_t i = 0; i < array_len(places); i++)
		dies_at(places[i]);
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	becomes("select count(*) from store.copy where state = 'erase_pending'", "0");
	becomes("select count(*) from store.object where state <> 'live'", "0");
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 0);
	(void)store_version(&device, BOOK("Copied twice"));
	all_verified();
	passports_know_all();
	sql("update store.copy c set state = 'queued' from store.vault v where v.id = c.vault_id"
	    " and v.name = 'away'");
	dies_at("copy.written:1");
	verifies(away, 0); /* what it holds now is what the passport before promised */
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	all_verified();
	passports_know_all();
	verifies(away, 0);
	assert_int_equal(shell("diff -r -x carnet-vault.json -x tmp -x 'passport*' -x '*.erased' -x"
			       " '*.slot' %s %s",
				 one.vault, away),
		0);
}

/* Half a medium says that it is half: nothing on it is called damaged. */
static void copying_that_is_interrupted_leaves_a_true_passport_st_38(void **state)
{
	static const char *const places[] = {"copy.named:4", "copy.named:29"};
	struct uuid device = new_id();
	char third[160];
	struct fault f;
	(void)state;
	(void)snprintf(third, sizeof(third), "%s/third", dir);
	for (unsigned i = 0; i < 3; i++)
		(void)store_version(&device, i == 0 ? BOOK("A") : i == 1 ? BOOK("B") : BOOK("C"));
	all_verified();
	put_env("CARNET_COPY_EVERY_MS", "%d", 0);
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 100);
	restart();
	assert_int_equal(vault_add("third", third, &f), 0);
	put_env("CARNET_COPY_EVERY_MS", "%d", 50);
	for (size_t i = 0; i < array_len(places); i++) {
		dies_at(places[i]);
		assert_int_equal(verify_now(third), 3);
	}
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	all_verified();
	passports_know_all();
	verifies(third, 0);
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 0);
	struct ask a = {.done = false};
	const struct m_vault_retire m = {.name = "third"};
	assert_int_equal(ask(&a, one.client, 0, &m_vault_retire_desc, &m), 0);
	arena_fini(&a.arena);
	sql("delete from store.copy where vault_id = (select id from store.vault where name ="
	    " 'third')");
}
#endif

static void damage_in_any_vault_is_found_and_put_right_by_itself_st_72_73(void **state)
{
	(void)state;
	assert_int_equal(shell("f=$(ls %s/objects/*/* | head -n 1); printf XY | dd of=$f bs=1"
			       " seek=150 conv=notrunc status=none; rm $(ls %s/keys/*-*.slot |"
			       " tail -n 1)",
				 away, one.vault),
		0);
	sql("update store.copy set verified_at = now() - interval '2 h', scrubbed_at = null");
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 100);
	put_env("CARNET_SCRUB_AGE_MS", "%d", 3600000); /* each once */
	restart();
	becomes("select count(*) from store.copy where state <> 'verified' or coalesce(scrubbed_at,"
		" verified_at) < now() - interval '1 h'",
		"0");
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 0);
	assert_int_equal(shell("diff -r -x carnet-vault.json -x tmp -x 'passport*' -x '*.erased' -x"
			       " '*.slot' %s %s >&2 && [ $(ls %s/keys | wc -l) = $(ls %s/keys | wc"
			       " -l) ]",
				 one.vault, away, one.vault, away),
		0);
}

static void a_retired_vault_gets_nothing_more(void **state)
{
	struct uuid device = new_id();
	struct ask a = {.done = false};
	const struct m_vault_retire m = {.name = "away"};
	(void)state;
	assert_int_equal(ask(&a, one.client, 0, &m_vault_retire_desc, &m), 0);
	arena_fini(&a.arena);
	char id[UUID_TEXT];
	struct uuid v = store_version(&device, BOOK("After"));
	sql("select count(*) from store.copy where version_id = '%s'", uuid_format(&v, id));
	assert_int_equal(sql_number(), 1);
}

static int setup(void **state)
{
	(void)state;
	(void)copies_setup();
	(void)snprintf(away, sizeof(away), "%s/away", dir);
	return 0;
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
		cmocka_unit_test(a_vault_that_is_added_gets_what_was_there_before_st_9),
		cmocka_unit_test(a_place_is_taken_once_and_never_the_primary_one),
		cmocka_unit_test(the_media_of_the_machine_are_listed_with_a_verdict_st_82),
		cmocka_unit_test(what_is_committed_goes_to_the_other_vault_by_itself),
		cmocka_unit_test(an_absent_vault_gets_nothing_and_catches_up_when_it_is_back_st_48),
		cmocka_unit_test(
			a_damaged_copy_is_put_right_from_the_good_one_in_either_vault_st_73),
		cmocka_unit_test(without_a_good_copy_an_unchanged_book_is_stored_anew_st_73),
		cmocka_unit_test(
			a_version_that_is_gone_from_a_copy_is_missed_by_its_passport_st_38),
		cmocka_unit_test(slots_of_copies_follow_a_rotation_and_the_old_key_may_go_st_29),
		cmocka_unit_test(what_is_erased_leaves_every_vault_st_31_76),
#ifdef CARNET_CRASHPOINTS
		cmocka_unit_test(
			the_bad_file_lies_aside_until_the_good_one_was_read_in_its_place_st_73),
		cmocka_unit_test(
			killed_at_each_step_of_copying_and_collecting_both_end_as_if_never_st_76),
		cmocka_unit_test(copying_that_is_interrupted_leaves_a_true_passport_st_38),
#endif
		cmocka_unit_test(damage_in_any_vault_is_found_and_put_right_by_itself_st_72_73),
		cmocka_unit_test(a_retired_vault_gets_nothing_more),
	};
	return cmocka_run_group_tests_name("storage copies", tests, setup, teardown);
}
