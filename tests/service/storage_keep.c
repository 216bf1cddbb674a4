// SPDX-License-Identifier: Apache-2.0
/* Which versions stay and how the others go (docs/spec/storage.md sections 11 to 13): ST-7, ST-8,
 * ST-39, ST-69 to ST-73, ST-76. Run by tests/service/storage_keep.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/service/storage_client.h"

static struct host one, two;
static uint64_t next_token = 1000;

#define BOOK(name)                                                                                 \
	"# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n"                             \
	"dn: 200\r\ncn: " name "\r\nmailaddress: a@example.org\r\nobjectclass: email\r\n\r\n"

static struct uuid store_version(
	struct bus_client *client, const struct uuid *device, const char *text)
{
	struct store s = {.client = client,
		.device = *device,
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.parts = {{"list_1", text, 0}},
		.n = 1};
	grant(&s);
	if (store_run(&s) < 0)
		print_error("%d %s: %s\n", s.fault.code, s.fault.reason, s.fault.detail);
	assert_int_equal(s.fault.code, 0);
	struct uuid version = s.result.version;
	arena_fini(&s.ask.arena);
	return version;
}

/* A device with n versions, made 10 days after each other, the newest 10 days ago. */
static struct uuid history(unsigned n)
{
	struct uuid device = new_id();
	char id[UUID_TEXT];
	for (unsigned i = 0; i < n; i++) {
		char text[512];
		(void)snprintf(text, sizeof(text), BOOK("Entry %u of %llu"), i,
			(unsigned long long)next_token);
		(void)store_version(one.client, &device, text);
	}
	sql("update store.version set committed_at = now() - (%u - generation) * interval '10 d'"
	    " where device_id = '%s'",
		n + 1, uuid_format(&device, id));
	return device;
}

/* Versions of earlier tests are not of this one. */
static void others_stay(void)
{
	sql("update store.version set protected_until = 'infinity' where state = 'committed';"
	    " delete from store.retention; delete from store.retention_clock");
}

static long in_state(const struct uuid *device, const char *state)
{
	char id[UUID_TEXT];
	sql("select count(*) from store.version where device_id = '%s' and state = '%s'",
		uuid_format(device, id), state);
	return sql_number();
}

static struct uuid version_of(const struct uuid *device, unsigned generation)
{
	char id[UUID_TEXT];
	struct uuid v;
	sql("select id from store.version where device_id = '%s' and generation = %u",
		uuid_format(device, id), generation);
	assert_int_equal(uuid_parse(sql_out, &v), 0);
	return v;
}

/* ---- requests ---- */

static void good(struct ask *a, const struct msg_desc *desc, const void *body)
{
	if (ask(a, one.client, 0, desc, body) < 0)
		print_error("%d %s: %s\n", a->fault.code, a->fault.reason, a->fault.detail);
	assert_int_equal(a->fault.code, 0);
}

static void refused(const struct msg_desc *desc, const void *body, int code, const char *reason)
{
	struct ask a = {.done = false};
	assert_int_equal(ask(&a, one.client, 0, desc, body), -1);
	assert_int_equal(a.fault.code, code);
	assert_string_equal(a.fault.reason, reason);
	arena_fini(&a.arena);
}

static void keep_last(unsigned n)
{
	struct ask a = {.done = false};
	const struct m_retention p = {
		.kind = VERSION_KIND_ADDRESS_BOOK, .last = n, .keep_min = 1, .held_days = 7};
	const struct m_retention_put m = {.policy = &p};
	good(&a, &m_retention_put_desc, &m);
	arena_fini(&a.arena);
}

/* The sums and the hash; items only with a device. */
static const struct m_prune_plan *plan(struct ask *a, const struct uuid *device)
{
	struct m_retention_plan m = {.limit = device == NULL ? 1 : 1000};
	if (device != NULL)
		m.device = *device;
	good(a, &m_retention_plan_desc, &m);
	return a->body;
}

static uint64_t prune(const char *hash, bool clock_ok)
{
	struct ask a = {.done = false};
	const struct m_prune m = {.hash = hash, .clock_ok = clock_ok};
	good(&a, &m_prune_desc, &m);
	uint64_t n = ((const struct m_prune_plan *)a.body)->condemned;
	arena_fini(&a.arena);
	return n;
}

/* As far as persons may be needed, two say so. */
static uint64_t prune_now(void)
{
	struct ask a = {.done = false};
	const struct m_prune_plan *p = plan(&a, NULL);
	uint64_t n = 0;
	static const char *const persons[] = {"ana", "ben"};
	for (size_t i = 0; i < array_len(persons) && n == 0; i++) {
		ask_actor = persons[i];
		n = prune(p->hash, false);
	}
	ask_actor = "";
	arena_fini(&a.arena);
	return n;
}

/* ---- retention ---- */

static void without_a_policy_nothing_goes(void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(5);
	struct ask a = {.done = false};
	const struct m_prune_plan *p = plan(&a, &device);
	assert_int_equal(p->going, 0);
	assert_int_equal(p->items_n, 5);
	assert_string_equal(p->items[0].keep[p->items[0].keep_n - 1], "all");
	assert_int_equal(p->items[0].generation, 5);
	assert_int_equal(prune(p->hash, false), 0);
	arena_fini(&a.arena);
	assert_int_equal(in_state(&device, "committed"), 5);
}

static void the_dry_run_names_the_rules_and_the_prune_does_the_same_st_69(void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(6);
	keep_last(4);
	struct ask a = {.done = false};
	const struct m_prune_plan *p = plan(&a, &device);
	assert_int_equal(p->going, 2);
	assert_string_equal(p->items[0].keep[0], "last");
	assert_int_equal(p->items[3].keep_n, 1);
	assert_int_equal(p->items[4].keep_n, 0);
	assert_int_equal(p->items[5].keep_n, 0);
	assert_int_equal(in_state(&device, "committed"), 6); /* a dry run */
	arena_fini(&a.arena);
	assert_int_equal(prune_now(), 2);
	assert_int_equal(in_state(&device, "condemned"), 2);
	struct uuid oldest = version_of(&device, 1);
	char id[UUID_TEXT];
	sql("select state || ' ' || condemned_by || ' ' || (held_until > now() + interval '6 d 23 "
	    "h')"
	    " from store.version where id = '%s'",
		uuid_format(&oldest, id));
	assert_true(strncmp(sql_out, "condemned ", 10) == 0 && strstr(sql_out, " true") != NULL);
}

static void a_plan_is_refused_when_its_list_has_changed_st_69(void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(4);
	keep_last(3);
	struct ask a = {.done = false};
	const struct m_prune_plan *p = plan(&a, NULL);
	assert_int_equal(p->going, 1);
	(void)store_version(one.client, &device, BOOK("One more"));
	const struct m_prune m = {.hash = p->hash};
	refused(&m_prune_desc, &m, CN_PLAN_STALE, "");
	const struct m_prune bad = {.hash = "00"};
	refused(&m_prune_desc, &bad, CN_PLAN_STALE, "");
	arena_fini(&a.arena);
	assert_int_equal(in_state(&device, "condemned"), 0);
}

static void a_condemned_version_can_be_read_and_brought_back_until_its_time_is_over_st_70(
	void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(4);
	keep_last(2);
	assert_int_equal(prune_now(), 2);
	struct uuid v1 = version_of(&device, 1), v2 = version_of(&device, 2);
	struct ask a = {.done = false};
	const struct m_version_open open = {.id = v1};
	good(&a, &m_version_open_desc, &open);
	const struct m_version_undo undo = {.id = v1}, late = {.id = v2};
	good(&a, &m_version_undo_desc, &undo);
	const struct m_version *back = ((const struct m_version_one *)a.body)->version;
	assert_int_equal(back->state, VERSION_STATE_COMMITTED);
	assert_int_equal(back->held_until, 0);
	arena_fini(&a.arena);
	char id[UUID_TEXT];
	sql("update store.version set held_until = now() where id = '%s'", uuid_format(&v2, id));
	refused(&m_version_undo_desc, &late, CN_NOT_FOUND, "no_version");
}

static void a_version_that_a_person_protects_stays_until_its_day(void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(4);
	keep_last(2);
	const struct m_version_protect m = {.id = version_of(&device, 1)};
	struct ask a = {.done = false};
	good(&a, &m_version_protect_desc, &m);
	assert_true(((const struct m_version_one *)a.body)->version->protected);
	assert_int_equal(prune_now(), 1);
	assert_int_equal(in_state(&device, "condemned"), 1);
	const struct m_version_unprotect off = {.id = m.id};
	good(&a, &m_version_unprotect_desc, &off);
	assert_false(((const struct m_version_one *)a.body)->version->protected);
	arena_fini(&a.arena);
	assert_int_equal(prune_now(), 1);
}

static void at_the_end_key_and_contents_go_and_row_and_manifest_stay_st_39(void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(3);
	keep_last(2);
	assert_int_equal(prune_now(), 1);
	struct uuid gone = version_of(&device, 1);
	char id[UUID_TEXT];
	sql("update store.version set held_until = now() where id = '%s'", uuid_format(&gone, id));
	(void)prune_now();
	sql("select v.state || ' ' || (v.manifest is not null) || ' ' || (k.wrapped_dek is null) ||"
	    " ' ' || (select count(*) from store.version_object o where o.version_id = v.id) || ' '"
	    " || c.state from store.version v join store.version_key k on k.version_id = v.id"
	    " join store.copy c on c.version_id = v.id where v.id = '%s'",
		id);
	assert_string_equal(sql_out, "erased true true 0 erase_pending");
	const struct m_version_undo undo = {.id = gone};
	refused(&m_version_undo_desc, &undo, CN_NOT_FOUND, "no_version");
	/* the next version follows the chain as if nothing had gone */
	(void)store_version(one.client, &device, BOOK("After"));
	assert_int_equal(in_state(&device, "committed"), 3);
}

static void a_large_prune_needs_two_persons_st_70(void **state)
{
	(void)state;
	sql("delete from store.retention");
	struct uuid device = history(8);
	struct ask a = {.done = false};
	sql("update store.version set protected_until = null"); /* all that is there may go */
	keep_last(1);
	const struct m_prune_plan *p = plan(&a, NULL);
	assert_true(p->large);
	const struct m_prune m = {.hash = p->hash};
	refused(&m_prune_desc, &m, CN_PERMISSION_DENIED, "second_person"); /* no person at all */
	ask_actor = "ana";
	assert_int_equal(prune(p->hash, false), 0);
	assert_int_equal(prune(p->hash, false), 0); /* once more is not a second person */
	assert_int_equal(in_state(&device, "condemned"), 0);
	ask_actor = "ben";
	assert_int_equal(prune(p->hash, false), p->going);
	ask_actor = "";
	arena_fini(&a.arena);
	assert_int_equal(in_state(&device, "condemned"), 7);
}

static void a_jump_of_the_clock_stops_pruning_until_a_person_looked_st_71(void **state)
{
	(void)state;
	others_stay();
	(void)history(4);
	keep_last(3);
	struct ask a = {.done = false};
	(void)plan(&a, NULL); /* looks at both clocks */
	sql("update store.retention_clock set db_at = db_at - interval '2 h'");
	const struct m_prune_plan *p = plan(&a, NULL);
	assert_int_equal(p->going, 1);
	const struct m_prune m = {.hash = p->hash};
	refused(&m_prune_desc, &m, CN_CONFLICT, "clock_jump");
	refused(&m_prune_desc, &m, CN_CONFLICT, "clock_jump"); /* looking again is no answer */
	assert_int_equal(prune(p->hash, true), 1);
	arena_fini(&a.arena);
}

static void no_order_condemns_what_the_floors_keep_st_7_8(void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(5);
	char id[UUID_TEXT], v[5][UUID_TEXT];
	(void)uuid_format(&device, id);
	for (unsigned g = 1; g <= 5; g++) {
		struct uuid version = version_of(&device, g);
		(void)uuid_format(&version, v[g - 1]);
	}
	sql("update store.version set state = 'condemned' where id = '%s'", v[4]);
	assert_non_null(strstr(sql_out, "last_verified_protected"));
	/* another vault has generation 2 as its newest */
	sql("with x as (insert into store.vault (id, tenant_id, name, kind, role, min_protocol,"
	    " durability) select gen_random_uuid(), tenant_id, 'away-%s', 'dir', 'copy', 1, "
	    "'strong'"
	    " from store.vault limit 1 returning id) insert into store.copy (version_id, vault_id,"
	    " state) select unnest(array['%s', '%s']::uuid[]), id, 'verified' from x",
		id, v[0], v[1]);
	sql("update store.version set state = 'condemned' where id = '%s'", v[1]);
	assert_non_null(strstr(sql_out, "last_verified_protected"));
	struct ask a = {.done = false};
	keep_last(1);
	const struct m_prune_plan *p = plan(&a, &device);
	assert_string_equal(p->items[3].keep[0], "successor");
	arena_fini(&a.arena);
	/* at least three stay when no policy says less */
	sql("delete from store.retention; update store.version set state = 'condemned' where id ="
	    " any(array['%s','%s','%s']::uuid[])",
		v[0], v[2], v[3]);
	assert_non_null(strstr(sql_out, "keep_min"));
	assert_int_equal(in_state(&device, "condemned"), 0); /* none of the three */
	sql("update store.version set state = 'condemned' where id = any(array['%s','%s']::uuid[])",
		v[0], v[2]);
	assert_int_equal(in_state(&device, "condemned"), 2);
	sql("delete from store.copy where version_id = '%s' and vault_id in (select id from"
	    " store.vault where name = 'away-%s'); update store.vault set state = 'retired' where"
	    " role = 'copy'",
		v[1], id);
}

/* ---- quotas (section 14) ---- */

static int try_store(const struct uuid *device, const char *text, struct fault *ret)
{
	struct store s = {.client = one.client,
		.device = *device,
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.parts = {{"list_1", text, 0}},
		.n = 1};
	grant(&s);
	int rc = store_run(&s);
	*ret = s.fault;
	arena_fini(&s.ask.arena);
	return rc;
}

static void a_used_up_quota_refuses_a_stream_with_limit_and_use(void **state)
{
	(void)state;
	struct uuid device = history(1), other = new_id();
	struct ask a = {.done = false};
	const struct m_quota_get get = {.has = 0};
	good(&a, &m_quota_get_desc, &get);
	struct m_quota q = *((const struct m_quota_one *)a.body)->quota;
	sql("select count(*) || ' ' || sum(bytes_stored) || ' ' || count(distinct device_id) from"
	    " store.version where state in ('committed','condemned')");
	char used[96];
	(void)snprintf(used, sizeof(used), "%llu %llu %llu", (unsigned long long)q.versions_used,
		(unsigned long long)q.bytes_used, (unsigned long long)q.devices_used);
	assert_string_equal(used, sql_out);

	q.versions = q.versions_used + 1;
	const struct m_quota_put put = {.quota = &q};
	good(&a, &m_quota_put_desc, &put);
	struct fault f;
	assert_int_equal(try_store(&device, BOOK("Room for one"), &f), 0);
	assert_int_equal(try_store(&device, BOOK("No room"), &f), -1);
	assert_int_equal(f.code, CN_QUOTA_EXCEEDED);
	assert_non_null(strstr(f.detail, "versions"));

	q.versions = 0;
	q.devices = q.devices_used;
	good(&a, &m_quota_put_desc, &put);
	assert_int_equal(try_store(&other, BOOK("A new device"), &f), -1);
	assert_non_null(strstr(f.detail, "devices"));
	q.devices = 0;
	q.bytes = q.bytes_used + 1000;
	good(&a, &m_quota_put_desc, &put);
	assert_int_equal(try_store(&other, BOOK("Too many bytes"), &f), -1);
	assert_non_null(strstr(f.detail, "bytes"));
	arena_fini(&a.arena);
}

static void what_a_stream_reserved_is_free_again_when_it_made_no_version(void **state)
{
	(void)state;
	struct uuid device = new_id();
	struct ask a = {.done = false};
	struct m_quota q = {.versions = 1000000};
	const struct m_quota_put put = {.quota = &q};
	struct fault f;
	good(&a, &m_quota_put_desc, &put);
	assert_int_equal(try_store(&device, BOOK("Once"), &f), 0);
	assert_int_equal(try_store(&device, BOOK("Once"), &f), 0); /* unchanged */
	assert_int_equal(try_store(&device, "no list", &f), -1);
	uint64_t until = clock_mono_ms() + DEADLINE_MS;
	do
		sql("select count(*) from store.reservation");
	while (sql_number() > 0 && clock_mono_ms() < until);
	assert_int_equal(sql_number(), 0);
	q.versions = 0;
	good(&a, &m_quota_put_desc, &put);
	arena_fini(&a.arena);
}

/* ---- scrub ---- */

static void spoil(const char *pattern, const char *how)
{
	char command[400];
	(void)snprintf(
		command, sizeof(command), "for f in %s/%s; do %s; done", one.vault, pattern, how);
	assert_int_equal(system(command), 0);
}

static void copy_becomes(const char *version, const char *state)
{
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	do
		sql("select state from store.copy where version_id = '%s'", version);
	while (strcmp(sql_out, state) != 0 && clock_mono_ms() < until);
	assert_string_equal(sql_out, state);
}

static void scrub_finds_the_damaged_and_the_missing_and_reads_the_others_st_72_73(void **state)
{
	(void)state;
	struct uuid a = new_id(), b = new_id(), c = new_id();
	char v[3][UUID_TEXT], hex[128];
	struct uuid versions[3] = {store_version(one.client, &a, BOOK("Damaged")),
		store_version(one.client, &b, BOOK("Without signature")),
		store_version(one.client, &c, BOOK("Whole"))};
	for (unsigned i = 0; i < 3; i++)
		(void)uuid_format(&versions[i], v[i]);
	sql("select 'objects/' || left(encode(o.oid, 'hex'), 2) || '/' || encode(o.oid, 'hex') || "
	    "'.*'"
	    " from store.version_object o where version_id = '%s' and item = 'list_1'",
		v[0]);
	(void)snprintf(hex, sizeof(hex), "%.120s", sql_out);
	spoil(hex, "printf X | dd of=$f bs=1 seek=200 conv=notrunc status=none");
	(void)snprintf(hex, sizeof(hex), "devices/*/*/*%s.sig", v[1]);
	spoil(hex, "rm $f");
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 100);
	put_env("CARNET_SCRUB_AGE_MS", "%d", 0);
	sql("update store.copy set scrubbed_at = now() - interval '31 days' where version_id = "
	    "'%s'",
		v[2]);
	host_start(&two, 2, "main", NULL, 0);
	copy_becomes(v[0], "damaged");
	copy_becomes(v[1], "missing");
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	do
		sql("select count(*) from store.copy c join store.version v on v.id = c.version_id"
		    " where c.state = 'verified' and c.scrubbed_at is null and v.state <> 'erased'"
		    " and c.vault_id = (select id from store.vault where name = 'main')");
	while (sql_number() > 0 && clock_mono_ms() < until);
	assert_int_equal(sql_number(), 0);
	sql("select count(*) from store.copy where state in ('damaged', 'missing')");
	assert_int_equal(sql_number(), 2);
	sql("select string_agg(kind || ' ' || (data ->> 'vault_name') || ' ' || (data ->> 'n') || "
	    "' '"
	    " || (data -> 'list' -> 1 ->> 'good_copies'), ', ' order by kind) from sched.outbox"
	    " where kind in ('vault.verify_failed', 'alarm.data_loss')");
	assert_string_equal(sql_out, "alarm.data_loss main 2 0, vault.verify_failed main 2 0");
	sql("select count(*) from sched.outbox where kind = 'alarm.scrub_late'");
	assert_int_equal(sql_number(), 1);
	host_kill(&two, SIGTERM);
	(void)unsetenv("CARNET_SCRUB_EVERY_MS");
	(void)unsetenv("CARNET_SCRUB_AGE_MS");
	char command[200];
	(void)snprintf(command, sizeof(command), "grep -c data_loss %s/storage-2.log", dir);
	FILE *p = popen(command, "re");
	assert_non_null(p);
	assert_non_null(fgets(sql_out, sizeof(sql_out), p));
	(void)pclose(p);
	assert_int_equal(sql_number(), 2);
}

static void one_of_the_instances_prunes_by_itself(void **state)
{
	(void)state;
	others_stay();
	struct uuid small = history(3); /* a small prune: more than half of the devices lose one */
	keep_last(2);
	put_env("CARNET_PRUNE_EVERY_MS", "%d", 200);
	host_start(&two, 2, "main", NULL, 0);
	host_ready(&two);
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	while (in_state(&small, "condemned") < 1 && clock_mono_ms() < until)
		;
	assert_int_equal(in_state(&small, "condemned"), 1);
	do
		sql("select outcome from store.chore where name = 'prune'");
	while (strstr(sql_out, "condemned") == NULL && clock_mono_ms() < until);
	assert_non_null(strstr(sql_out, "condemned"));
	host_kill(&two, SIGTERM);
	(void)unsetenv("CARNET_PRUNE_EVERY_MS");
}

#ifdef CARNET_CRASHPOINTS
/* Some are condemned, the others are not: the next prune goes on, nothing is condemned twice. */
static void a_prune_that_is_killed_is_gone_on_with_st_70(void **state)
{
	(void)state;
	others_stay();
	struct uuid device = history(3);
	struct timespec pause = {0, 50000000};
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	int status = 0;
	keep_last(2);
	put_env("CARNET_PRUNE_EVERY_MS", "%d", 200);
	sql("update store.chore set claimed_until = '-infinity', next_at = '-infinity'");
	host_start(&two, 2, "main", "prune.condemned:1", 0);
	while (waitpid(two.pid, &status, WNOHANG) == 0 && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	two.pid = 0;
	assert_int_equal(in_state(&device, "condemned"), 1);
	sql("update store.chore set claimed_until = '-infinity', next_at = '-infinity'");
	host_start(&two, 2, "main", NULL, 0);
	do {
		(void)nanosleep(&pause, NULL);
		sql("select count(*) from store.chore where name = 'prune' and ended_at >"
		    " clock_timestamp() - interval '1 min' and outcome like '0 of %%'");
	} while (sql_number() == 0 && clock_mono_ms() < until);
	assert_int_equal(sql_number(), 1);
	assert_int_equal(in_state(&device, "condemned"), 1);
	assert_int_equal(in_state(&device, "committed"), 2);
	host_kill(&two, SIGTERM);
	(void)unsetenv("CARNET_PRUNE_EVERY_MS");
}
#endif

static int setup(void **state)
{
	(void)state;
	client_setup();
	put_env("CARNET_PRUNE_EVERY_MS", "%d", 0);
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 0);
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 0);
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&two, SIGKILL);
	host_kill(&one, SIGTERM);
	client_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_policy_nothing_goes),
		cmocka_unit_test(the_dry_run_names_the_rules_and_the_prune_does_the_same_st_69),
		cmocka_unit_test(a_plan_is_refused_when_its_list_has_changed_st_69),
		cmocka_unit_test(
			a_condemned_version_can_be_read_and_brought_back_until_its_time_is_over_st_70),
		cmocka_unit_test(a_version_that_a_person_protects_stays_until_its_day),
		cmocka_unit_test(at_the_end_key_and_contents_go_and_row_and_manifest_stay_st_39),
		cmocka_unit_test(a_large_prune_needs_two_persons_st_70),
		cmocka_unit_test(a_jump_of_the_clock_stops_pruning_until_a_person_looked_st_71),
		cmocka_unit_test(no_order_condemns_what_the_floors_keep_st_7_8),
		cmocka_unit_test(a_used_up_quota_refuses_a_stream_with_limit_and_use),
		cmocka_unit_test(what_a_stream_reserved_is_free_again_when_it_made_no_version),
		cmocka_unit_test(one_of_the_instances_prunes_by_itself),
#ifdef CARNET_CRASHPOINTS
		cmocka_unit_test(a_prune_that_is_killed_is_gone_on_with_st_70),
#endif
		cmocka_unit_test(
			scrub_finds_the_damaged_and_the_missing_and_reads_the_others_st_72_73),
	};
	return cmocka_run_group_tests_name("storage keeps", tests, setup, teardown);
}
