// SPDX-License-Identifier: Apache-2.0
/* A vault in a bucket, against a server that checks signatures by itself and fails as it is told
 * (docs/spec/storage.md section 8, ST-11, s3_conditional). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/net/address.h"
#include "services/storage/vaults/s3.h"
#include "services/storage/vaults/s3_link.h"
#include "tests/lib/s3_sim.h"
#include "tests/lib/tls_peer.h"

#define MIB ((size_t)1024 * 1024)

static char dir[64];
static struct vault home; /* its tmp/ only */
static const struct uuid any;
static struct uuid tenant;

/* ---- a vault ---- */

static struct secret *login_of(const char *secret)
{
	struct login l = {.password = ""};
	(void)snprintf(l.password, sizeof(l.password), "%s", secret);
	return secret_new((struct span){(const uint8_t *)&l, sizeof(l)});
}

struct
try {
	const char *place, *account, *secret, *region, *pin, *ca;
	uint32_t timeout_ms;
	bool strict; /* not on this host */
};

/* Of the server's own, where nothing else is said. */
static struct vault_remote *remote(struct try t, struct fault *reterr)
{
	char place[200];
	(void)snprintf(place, sizeof(place), "http://127.0.0.1:%u/" S3_BUCKET "/site/a", s3->port);
	const struct vault_address a = {.kind = "s3",
		.place = t.place != NULL ? t.place : place,
		.account = t.account != NULL ? t.account : S3_ACCOUNT,
		.region = t.region != NULL ? t.region : "eu-test-1",
		.pin = t.pin};
	static const struct address_rules here = {.allow_loopback = true};
	static const struct address_rules nowhere;
	const struct remote_opts opts = {.timeout_ms = t.timeout_ms != 0 ? t.timeout_ms : 20000,
		.where = t.strict ? &nowhere : &here,
		.ca_file = t.ca != NULL ? t.ca : "",
		.home = &home};
	return s3_new(&a, login_of(t.secret != NULL ? t.secret : S3_SECRET), opts, reterr);
}

static void say(const struct fault *f)
{
	if (f->code != 0)
		print_error("%d %s: %s\n", f->code, f->reason, f->detail);
}

/* Makes it, if need be. */
static struct vault opened(void)
{
	struct vault v;
	struct fault f = FAULT_INIT;
	struct vault_remote *r = remote((struct try){.place = NULL}, &f);
	int rc = r == NULL ? -1 : vault_make_remote(r, &tenant, &f);
	say(&f);
	assert_int_equal(rc, 0);
	rc = vault_open_remote(&v, r, "away", &tenant, &any, &f);
	say(&f);
	assert_int_equal(rc, 0);
	return v;
}

static int write_file(const struct vault *v, const char *name, const char *text, bool replace,
	struct fault *reterr)
{
	struct vault_file file;
	*reterr = FAULT_INIT;
	if (vault_create_with(
		    v, name, (struct span){(const uint8_t *)text, strlen(text)}, &file, reterr) < 0)
		return -1;
	int rc = replace ? vault_replace(v, &file, reterr) : vault_publish(v, &file, reterr);
	if (rc < 0)
		vault_discard(v, &file);
	return rc;
}

static void holds(const struct vault *v, const char *name, const char *text)
{
	struct buf got = BUF_INIT;
	struct fault f = FAULT_INIT;
	int rc = vault_read_small(v, name, 4096, &got, &f);
	say(&f);
	assert_int_equal(rc, 0);
	assert_string_equal(buf_str(&got), text);
	buf_fini(&got);
}

static const char *file_of(const char *name)
{
	static char paths[2][300];
	static unsigned n;
	char *path = paths[n++ % 2];
	(void)snprintf(path, sizeof(paths[0]), "%s/files/site/a/%s", dir, name);
	return path;
}

/* ---- what works ---- */

static void a_vault_is_made_and_found_again(void **state)
{
	(void)state;
	struct vault v = opened();
	struct uuid id = v.id;
	assert_false(uuid_is_nil(&id));
	vault_close(&v);
	v = opened();
	assert_true(uuid_eq(&v.id, &id));
	struct fault f = FAULT_INIT;
	assert_int_equal(vault_check(&v, &f), 0);
	assert_int_equal(rename(file_of("carnet-vault.json"), file_of("gone")), 0);
	assert_int_equal(vault_check(&v, &f), -1);
	assert_string_equal(f.reason, "vault_not_mounted"); /* ST-47 */
	assert_int_equal(rename(file_of("gone"), file_of("carnet-vault.json")), 0);
	vault_close(&v);
	assert_int_equal(s3->refused, 0);
}

static void a_bucket_with_other_things_becomes_no_vault(void **state)
{
	char place[200];
	struct fault f = FAULT_INIT;
	(void)state;
	s3_write_file(file_of("../other/holiday.jpg"), "x", 1);
	(void)snprintf(
		place, sizeof(place), "http://127.0.0.1:%u/" S3_BUCKET "/site/other", s3->port);
	struct vault_remote *r = remote((struct try){.place = place}, &f);
	assert_int_equal(vault_make_remote(r, &tenant, &f), -1);
	assert_string_equal(f.reason, "not_empty");
	r->ops->close(r);
}

/* The same whether the server refuses a name that is taken (412) or gives it again. */
static void names_given_once(enum s3_once once, bool refused, const char *name)
{
	struct fault f = FAULT_INIT;
	s3->once = (int)once;
	(void)unlink(file_of("tmp/probe"));
	struct vault v = opened();
	assert_int_equal(v.remote->ops->probe(v.remote, &f), 0);
	assert_int_equal(v.remote->never_twice, refused);
	assert_int_equal(v.remote->ops->probe(v.remote, &f), 0); /* the name is taken now */
	assert_int_equal(v.remote->never_twice, refused);
	assert_int_equal(write_file(&v, name, "first", false, &f), 0);
	assert_int_equal(write_file(&v, name, "first", false, &f), 0); /* the same bytes */
	assert_int_equal(write_file(&v, name, "other", false, &f), -1);
	assert_string_equal(f.reason, "name_taken");
	holds(&v, name, "first");
	assert_int_equal(write_file(&v, name, "other", true, &f), 0); /* slots: ST-30 */
	holds(&v, name, "other");
	vault_close(&v);
	s3->once = S3_HONOURED;
}

static void no_name_is_given_twice_where_the_server_sees_to_it_s3_conditional(void **state)
{
	(void)state;
	names_given_once(S3_HONOURED, true, "objects/aa/one");
}

static void nor_where_it_ignores_the_condition_s3_conditional(void **state)
{
	(void)state;
	names_given_once(S3_IGNORED, false, "objects/aa/two");
	names_given_once(S3_NOT_IMPLEMENTED, false, "objects/aa/three");
}

static int count(void *arg, const char *name)
{
	(void)name;
	(*(unsigned *)arg)++;
	return 0;
}

static void lists_go_on_over_pages(void **state)
{
	struct fault f = FAULT_INIT;
	char name[64];
	unsigned n = 0, root = 0;
	(void)state;
	struct vault v = opened();
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "devices/x/%d.json", i);
		assert_int_equal(write_file(&v, name, "{}", false, &f), 0);
	}
	s3->page = 3;
	assert_int_equal(vault_list(&v, "devices/x", count, &n, &f), 0);
	assert_int_equal(n, 8);
	assert_int_equal(vault_list(&v, "devices", count, &root, &f), 0);
	assert_int_equal(root, 1); /* x */
	assert_int_equal(vault_list(&v, "nothing", count, &root, &f), 0);
	assert_int_equal(root, 1);
	s3->page = 1000;
	vault_remove(&v, "devices/x/0.json");
	vault_remove(&v, "devices/x/0.json"); /* absent is as good */
	assert_int_equal(vault_sync(&v, &f), 0);
	assert_int_equal(vault_size(&v, "devices/x/0.json"), -1);
	assert_int_equal(vault_size(&v, "devices/x/1.json"), 2);
	assert_true(vault_changed_ms(&v, "devices/x/1.json") + 3600000 > clock_wall_ms());
	vault_close(&v);
}

/* ---- long files ---- */

#define LONG (9 * MIB + 12345)

static int write_long(const struct vault *v, const char *name, struct fault *reterr)
{
	static uint8_t piece[65536];
	struct vault_file file;
	*reterr = FAULT_INIT;
	assert_int_equal(vault_create(v, name, &file, reterr), 0);
	for (size_t at = 0; at < LONG; at += sizeof(piece)) {
		memset(piece, (int)(at >> 16), sizeof(piece));
		struct span s = {piece, size_min(sizeof(piece), LONG - at)};
		assert_int_equal(vault_write(&file, s, reterr), 0);
	}
	assert_int_equal(vault_finish(&file, reterr), 0);
	int rc = vault_publish(v, &file, reterr);
	if (rc < 0)
		vault_discard(v, &file);
	return rc;
}

static bool no_upload_left(void)
{
	char command[160];
	(void)snprintf(command, sizeof(command), "[ -z \"$(ls -A %s/uploads)\" ]", dir);
	return system(command) == 0;
}

static void a_long_file_goes_in_parts_and_comes_in_pieces(void **state)
{
	static uint8_t piece[65536];
	struct fault f = FAULT_INIT;
	size_t at = 0;
	ssize_t n;
	(void)state;
	struct vault v = opened();
	assert_int_equal(write_long(&v, "objects/aa/long", &f), 0);
	assert_int_equal(s3->uploads, 1);
	assert_true(no_upload_left());
	struct vault_reader *r = vault_reader_new(&v, "objects/aa/long", &f);
	assert_non_null(r);
	s3_fails(S3_CUT, 1, "GET", "long"); /* in the middle: that piece is asked for again */
	while ((n = vault_reader_read(r, piece, sizeof(piece), &f)) > 0) {
		assert_int_equal(piece[0], (uint8_t)(at >> 16));
		assert_int_equal(piece[n - 1], (uint8_t)((at + (size_t)n - 1) >> 16));
		at += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(at, LONG);
	assert_int_equal(s3->left, 0);
	vault_reader_free(r);
	/* once more: the name is taken, by the same bytes */
	assert_int_equal(write_long(&v, "objects/aa/long", &f), 0);
	assert_true(no_upload_left());
	vault_close(&v);
}

static void what_ends_before_the_last_part_leaves_nothing(void **state)
{
	struct fault f;
	unsigned aborted = s3->aborted;
	(void)state;
	struct vault v = opened();
	s3_fails(S3_FULL, 1, "PUT", "long2");
	assert_int_equal(write_long(&v, "objects/aa/long2", &f), -1);
	assert_int_equal(f.code, CN_STORE_FULL);
	assert_int_equal(s3->aborted, aborted + 1);
	assert_true(no_upload_left());
	assert_int_equal(vault_size(&v, "objects/aa/long2"), -1);
	vault_close(&v);
}

static void an_error_after_200_is_one_and_a_lost_answer_is_none(void **state)
{
	struct fault f;
	(void)state;
	struct vault v = opened();
	/* the second POST joins the parts */
	s3_fails(S3_LATE_ERROR, 2, "POST", "long3");
	assert_int_equal(write_long(&v, "objects/aa/long3", &f), -1);
	assert_string_equal(f.reason, "vault_failure");
	assert_true(no_upload_left());
	s3_fails(S3_LOST, 2, "POST", "long3");
	assert_int_equal(write_long(&v, "objects/aa/long3", &f), 0);
	assert_int_equal(s3->left, 0);
	assert_int_equal(vault_size(&v, "objects/aa/long3"), LONG);
	vault_close(&v);
}

static void parts_that_were_left_lying_go_after_a_day(void **state)
{
	struct fault f;
	char path[200];
	unsigned aborted = s3->aborted;
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/uploads/old/key", dir);
	s3_write_file(path, "site/a/objects/aa/lost", 22);
	s3->stale_h = 23;
	struct vault v = opened();
	assert_int_equal(write_long(&v, "objects/aa/long4", &f), 0);
	assert_int_equal(s3->aborted, aborted);
	vault_close(&v);
	s3->stale_h = 25;
	v = opened();
	assert_int_equal(write_long(&v, "objects/aa/long5", &f), 0);
	assert_int_equal(s3->aborted, aborted + 1);
	assert_true(no_upload_left());
	s3->stale_h = 0;
	vault_close(&v);
}

/* ---- faults ---- */

static void what_passes_is_waited_for(void **state)
{
	struct fault f;
	(void)state;
	struct vault v = opened();
	s3_fails(S3_SLOW_DOWN, 3, NULL, NULL);
	assert_int_equal(write_file(&v, "keys/a.slot", "a", false, &f), 0);
	assert_int_equal(s3->left, 0);
	s3_fails(S3_INTERNAL, 2, "GET", NULL);
	holds(&v, "keys/a.slot", "a");
	assert_int_equal(s3->left, 0);
	s3_fails(S3_CUT, 2, "GET", NULL);
	holds(&v, "keys/a.slot", "a");
	assert_int_equal(s3->left, 0);
	/* done, but we are not told: the second time the name is taken, by us */
	s3_fails(S3_LOST, 1, "PUT", "b.slot");
	assert_int_equal(write_file(&v, "keys/b.slot", "b", false, &f), 0);
	assert_int_equal(s3->left, 0);
	holds(&v, "keys/b.slot", "b");
	vault_close(&v);
}

struct wrong {
	enum s3_fault fault;
	const char *only, *reason;
};

static void each_refusal_has_a_cause_of_its_own(void **state)
{
	static const struct wrong all[] = {
		{S3_SLOW_DOWN, NULL, "vault_busy"},
		{S3_INTERNAL, NULL, "vault_busy"},
		{S3_CUT, "GET", "vault_lost"},
		{S3_DENIED, NULL, "vault_denied"},
		{S3_SKEWED, NULL, "vault_clock"},
		{S3_REDIRECT, NULL, "vault_region"},
		{S3_MUTE, NULL, "vault_no_answer"},
		{S3_SHORT, "GET", "vault_protocol"},
	};
	(void)state;
	struct fault f = FAULT_INIT;
	struct vault v;
	struct vault_remote *r = remote((struct try){.timeout_ms = 900}, &f);
	assert_int_equal(vault_open_remote(&v, r, "away", &tenant, &any, &f), 0);
	for (size_t i = 0; i < array_len(all); i++) {
		struct buf got = BUF_INIT;
		s3_fails(all[i].fault, 1000, all[i].only, NULL);
		f = FAULT_INIT;
		assert_int_equal(vault_read_small(&v, "keys/a.slot", 4096, &got, &f), -1);
		if (strcmp(f.reason, all[i].reason) != 0)
			say(&f);
		assert_string_equal(f.reason, all[i].reason);
		assert_int_equal(f.code, CN_STORE_UNAVAILABLE);
		if (all[i].fault == S3_REDIRECT)
			assert_non_null(strstr(f.detail, "is in region eu-test-1"));
		buf_fini(&got);
	}
	s3_fails(S3_NONE, 0, NULL, NULL);
	holds(&v, "keys/a.slot", "a");
	vault_close(&v);
}

static void hostile_lists_are_refused_within_bounds_se_24(void **state)
{
	static const enum s3_fault all[] = {S3_DOCTYPE, S3_DEEP, S3_SHORT, S3_ENDLESS};
	unsigned n = 0;
	(void)state;
	struct vault v = opened();
	for (size_t i = 0; i < array_len(all); i++) {
		struct fault f = FAULT_INIT;
		s3_fails(all[i], 1, "GET", NULL);
		assert_int_equal(vault_list(&v, "devices/x", count, &n, &f), -1);
		assert_string_equal(f.reason, "vault_protocol");
		assert_int_equal(n, 0);
	}
	vault_close(&v);
}

static void refused_as(struct try t, const char *reason)
{
	struct fault f = FAULT_INIT;
	t.timeout_ms = t.timeout_ms != 0 ? t.timeout_ms : 5000;
	struct vault_remote *r = remote(t, &f);
	if (r != NULL) {
		assert_int_equal(vault_make_remote(r, &tenant, &f), -1);
		r->ops->close(r);
	}
	if (strcmp(f.reason, reason) != 0)
		say(&f);
	assert_string_equal(f.reason, reason);
}

static void a_wrong_login_region_bucket_or_address_is_told(void **state)
{
	char other[200];
	(void)state;
	refused_as((struct try){.secret = "another"}, "login_refused");
	refused_as((struct try){.account = "AKIDOTHER"}, "login_refused");
	refused_as((struct try){.region = "us-east-1"}, "vault_region");
	(void)snprintf(other, sizeof(other), "http://127.0.0.1:%u/elsewhere", s3->port);
	refused_as((struct try){.place = other}, "vault_bucket");
	refused_as((struct try){.place = "http://127.0.0.1:1/backups"}, "vault_unreachable");
	refused_as(
		(struct try){.place = "http://nowhere.invalid/backups"}, "vault_name_unresolved");
	refused_as((struct try){.strict = true}, "vault_network"); /* SE-10, SE-12 */
	refused_as((struct try){.place = "http://0177.1/backups", .strict = true}, "vault_network");
	refused_as((struct try){.place = "ftp://127.0.0.1/backups"}, "place_form");
	refused_as((struct try){.place = "https://127.0.0.1/"}, "place_form");
	refused_as((struct try){.place = "https://127.0.0.1/b"}, "place_form");
	refused_as((struct try){.place = "https://127.0.0.1/backups/../x"}, "place_form");
	refused_as((struct try){.place = "https://127.0.0.1/back=ups/x"}, "place_form");
	refused_as((struct try){.pin = "SHA256:nothing"}, "pin_form");
}

/* Another program's signatures are good here, too: it is not only ourselves that we agree with. */
static void the_server_agrees_with_curl(void **state)
{
	char command[600];
	(void)state;
	(void)snprintf(command, sizeof(command),
		"[ \"$(curl -sf --aws-sigv4 aws:amz:eu-test-1:s3 --user " S3_ACCOUNT ":" S3_SECRET
		" -H 'x-amz-content-sha256: "
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'"
		" http://127.0.0.1:%u/" S3_BUCKET "/site/a/keys/a.slot)\" = a ]",
		s3->port);
	if (system("command -v curl >/dev/null") != 0)
		skip();
	assert_int_equal(system(command), 0);
}

/* ---- TLS, and the bucket in the host's name ---- */

static void over_tls_only_a_known_certificate_or_the_pinned_key_will_do(void **state)
{
	static struct tls_front front;
	char at[200];
	struct vault v;
	struct fault f = FAULT_INIT;
	(void)state;
	tls_front_start(&front, "IP:127.0.0.1", (int)s3->port);
	(void)snprintf(at, sizeof(at), "https://127.0.0.1:%d/" S3_BUCKET "/site/tls", front.port);
	refused_as((struct try){.place = at}, "vault_certificate");
	refused_as((struct try){.place = at, .pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		"host_key_changed");
	struct vault_remote *r = remote((struct try){.place = at, .ca = front.peer.ca_file}, &f);
	assert_int_equal(r == NULL ? -1 : vault_make_remote(r, &tenant, &f), 0);
	assert_int_equal(vault_open_remote(&v, r, "away", &tenant, &any, &f), 0);
	assert_int_equal(write_file(&v, "keys/a.slot", "over TLS", false, &f), 0);
	vault_close(&v);
	r = remote((struct try){.place = at, .pin = front.peer.pin}, &f);
	assert_non_null(r);
	assert_int_equal(vault_open_remote(&v, r, "away", &tenant, &any, &f), 0);
	holds(&v, "keys/a.slot", "over TLS");
	vault_close(&v);
	assert_true(atomic_load(&front.served) > 0);
	tls_front_stop(&front);
}

/* The name is looked up nowhere: where it is, is said. */
static struct s3_link by_name(const struct tls_front *front, const char *ca_file)
{
	char at[200];
	struct s3_link l = {.at = {.n = 1}};
	struct fault f = FAULT_INIT;
	(void)snprintf(at, sizeof(at), "s3://s3.test:%d/" S3_BUCKET "/site/named", front->port);
	const struct vault_address a = {
		.kind = "s3", .place = at, .account = S3_ACCOUNT, .region = "eu-test-1"};
	assert_int_equal(s3_address(&a, &l.target, &f), 0);
	assert_true(l.target.by_name);
	assert_true(address_parse("127.0.0.1", &l.at.at[0]));
	l.target.login = login_of(S3_SECRET);
	l.target.timeout_ms = 20000;
	(void)snprintf(l.target.ca_file, sizeof(l.target.ca_file), "%s", ca_file);
	return l;
}

static void the_bucket_may_be_in_the_name_of_the_host_as_its_certificate_says(void **state)
{
	static struct tls_front good, other;
	struct s3_answer a;
	struct fault f = FAULT_INIT;
	const struct s3_call put = {
		.method = "PUT", .name = "x", .body = {(const uint8_t *)"by name", 7}};
	const struct s3_call get = {.method = "GET", .name = "x"};
	(void)state;
	tls_front_start(&good, "DNS:" S3_BUCKET ".s3.test", (int)s3->port);
	tls_front_start(&other, "DNS:s3.test", (int)s3->port);
	struct s3_link l = by_name(&good, good.peer.ca_file);
	assert_int_equal(s3_do(&l, &put, &a, &f), 0);
	s3_answer_fini(&a);
	assert_int_equal(s3_do(&l, &get, &a, &f), 0);
	assert_string_equal(buf_str(&a.body), "by name");
	s3_answer_fini(&a);
	s3_link_close(&l);
	secret_free(l.target.login);
	assert_int_equal(access(file_of("../named/x"), F_OK), 0);
	l = by_name(&other, other.peer.ca_file);
	assert_int_equal(s3_do(&l, &get, &a, &f), -1);
	assert_string_equal(f.reason, "vault_certificate");
	s3_answer_fini(&a);
	s3_link_close(&l);
	secret_free(l.target.login);
	tls_front_stop(&good);
	tls_front_stop(&other);
}

static int setup(void **state)
{
	char tmp[80];
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/carnet-s3.XXXXXX");
	bug_if(mkdtemp(dir) == NULL);
	(void)snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	bug_if(mkdir(tmp, 0700) < 0);
	home.tmp = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bug_if(home.tmp < 0);
	tenant = uuid_v7(clock_wall_ms());
	s3_make(dir);
	return 0;
}

static int teardown(void **state)
{
	char command[100];
	(void)state;
	s3_stop();
	close(home.tmp);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vault_is_made_and_found_again),
		cmocka_unit_test(a_bucket_with_other_things_becomes_no_vault),
		cmocka_unit_test(no_name_is_given_twice_where_the_server_sees_to_it_s3_conditional),
		cmocka_unit_test(nor_where_it_ignores_the_condition_s3_conditional),
		cmocka_unit_test(lists_go_on_over_pages),
		cmocka_unit_test(a_long_file_goes_in_parts_and_comes_in_pieces),
		cmocka_unit_test(what_ends_before_the_last_part_leaves_nothing),
		cmocka_unit_test(an_error_after_200_is_one_and_a_lost_answer_is_none),
		cmocka_unit_test(parts_that_were_left_lying_go_after_a_day),
		cmocka_unit_test(what_passes_is_waited_for),
		cmocka_unit_test(each_refusal_has_a_cause_of_its_own),
		cmocka_unit_test(hostile_lists_are_refused_within_bounds_se_24),
		cmocka_unit_test(a_wrong_login_region_bucket_or_address_is_told),
		cmocka_unit_test(the_server_agrees_with_curl),
		cmocka_unit_test(over_tls_only_a_known_certificate_or_the_pinned_key_will_do),
		cmocka_unit_test(the_bucket_may_be_in_the_name_of_the_host_as_its_certificate_says),
	};
	return cmocka_run_group_tests_name("vaults on S3", tests, setup, teardown);
}
