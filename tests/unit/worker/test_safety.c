// SPDX-License-Identifier: Apache-2.0
/* Dead-man, culprit slot and sealed credentials (locks.md 10, reliability.md RL-15, security.md 8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/credential.h"
#include "services/worker/culprit.h"
#include "services/worker/deadman.h"

/* ---- dead-man ---- */

/* Forks a process that arms and then does what fn says; returns its wait status. */
static int fate(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void arm(uint64_t in_ms)
{
	struct fault f = FAULT_INIT;

	if (deadman_init(&f) < 0)
		_exit(9);
	deadman_arm(clock_boot_ms() + in_ms);
}

static void hang(void)
{
	arm(50);
	for (;;)
		pause();
}

static void disarm_in_time(void)
{
	arm(50);
	deadman_arm(0);
	usleep(100000); /* longer than what was armed: only the kernel could end us now */
}

static void arm_in_the_past(void)
{
	struct fault f = FAULT_INIT;

	if (deadman_init(&f) < 0)
		_exit(9);
	deadman_arm(1);
	for (;;)
		pause();
}

static void the_kernel_kills_a_worker_that_does_not_move_its_deadman(void **state unused)
{
	int status = fate(hang);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_disarmed_worker_lives(void **state unused)
{
	assert_int_equal(fate(disarm_in_time), 0);
}

static void a_deadline_that_is_over_kills_at_once(void **state unused)
{
	assert_true(WIFSIGNALED(fate(arm_in_the_past)));
}

/* A stopped process cannot run, but the timer belongs to the kernel. */
static void stop(void)
{
	arm(100);
	raise(SIGSTOP);
	_exit(0); /* reached only if it was still alive after SIGCONT */
}

static void a_stopped_worker_does_not_outlive_its_deadman(void **state unused)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		stop();
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	if (WIFSTOPPED(status))
		assert_int_equal(waitpid(pid, &status, 0), pid); /* nobody continues it */
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* ---- culprit ---- */

static char dir[64];

static int make_dir(void **state unused)
{
	snprintf(dir, sizeof(dir), "/tmp/carnet-culprit-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state unused)
{
	char path[96];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/culprit.%d", dir, i);
		(void)unlink(path);
	}
	return rmdir(dir);
}

static struct uuid id(uint8_t n)
{
	return (struct uuid){.b = {n}};
}

/* A worker that dies by SIGKILL while it serves job 7 in its fourth attempt. */
static void die_serving(uint8_t worker)
{
	struct uuid me = id(worker), job = id(7);
	struct culprit dead[8];
	struct fault f = FAULT_INIT;
	size_t n;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (culprit_open(dir, &me, dead, 8, &n, &f) < 0)
			_exit(9);
		culprit_enter(&job, 4, "read");
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void the_next_start_learns_who_was_being_served_rl_15(void **state unused)
{
	struct uuid me = id(2);
	struct culprit dead[8];
	struct fault f = FAULT_INIT;
	size_t n = 0;

	die_serving(1);
	assert_int_equal(culprit_open(dir, &me, dead, 8, &n, &f), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dead[0].worker.b[0], 1);
	assert_int_equal(dead[0].job.b[0], 7);
	assert_int_equal(dead[0].attempt, 4);
	assert_string_equal(dead[0].phase, "read");
	culprit_close();
	assert_int_equal(culprit_open(dir, &me, dead, 8, &n, &f), 0);
	assert_int_equal(n, 0); /* told once, and an orderly end tells nothing */
	culprit_close();
}

static void between_callbacks_nobody_is_to_blame(void **state unused)
{
	struct uuid me = id(3), other = id(4), job = id(7);
	struct culprit dead[8];
	struct fault f = FAULT_INIT;
	size_t n = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (culprit_open(dir, &me, dead, 8, &n, &f) < 0)
			_exit(9);
		culprit_enter(&job, 4, "read");
		culprit_leave();
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(culprit_open(dir, &other, dead, 8, &n, &f), 0);
	assert_int_equal(n, 1);
	assert_true(uuid_is_nil(&dead[0].job));
	culprit_close();
}

/* A worker that lives and serves job 9 until it is killed. */
static pid_t live(uint8_t worker)
{
	struct uuid me = id(worker), job = id(9);
	struct culprit dead[8];
	struct fault f = FAULT_INIT;
	size_t n;
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (culprit_open(dir, &me, dead, 8, &n, &f) < 0)
			_exit(9);
		culprit_enter(&job, 1, "probe");
		if (write(ready[1], "x", 1) != 1)
			_exit(9);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void workers_that_live_keep_their_own_slot(void **state unused)
{
	struct uuid me = id(5);
	struct culprit dead[8];
	struct fault f = FAULT_INIT;
	size_t n = 0;
	pid_t other = live(4);

	die_serving(6); /* in the same directory */
	assert_int_equal(culprit_open(dir, &me, dead, 8, &n, &f), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dead[0].worker.b[0], 6);
	culprit_close();
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	assert_int_equal(culprit_open(dir, &me, dead, 8, &n, &f), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dead[0].worker.b[0], 4);
	culprit_close();
}

static void a_directory_that_cannot_be_used_is_said_at_start(void **state unused)
{
	struct uuid me = id(5);
	struct culprit dead[1];
	struct fault f = FAULT_INIT;
	size_t n = 0;

	assert_int_equal(culprit_open("/nonexistent/place", &me, dead, 1, &n, &f), -1);
	assert_non_null(strstr(f.detail, "/nonexistent/place"));
}

/* ---- credentials ---- */

static struct credential_keys keys(uint8_t public_key[static 32])
{
	struct credential_keys k = {.have = true, .tenant = id(1)};

	box_keypair(public_key, k.private_key);
	return k;
}

static void seal(const uint8_t public_key[static 32], const char *word, const struct uuid *tenant,
	const struct uuid *cred, const char *plain, struct buf *out)
{
	struct buf aad = BUF_INIT;

	buf_add(&aad, word, strlen(word) + 1);
	buf_add(&aad, tenant->b, 16);
	buf_add(&aad, cred->b, 16);
	box_seal(public_key, buf_span(&aad), (struct span){(const uint8_t *)plain, strlen(plain)},
		out);
	buf_fini(&aad);
}

static int open_sealed(const char *plain, const struct uuid *seal_id, const struct uuid *open_id,
	struct credential *c, struct fault *f)
{
	uint8_t pub[32];
	struct credential_keys k = keys(pub);
	struct m_sealed_credential s = {.id = *open_id, .kind = "system_manager"};
	struct buf box = BUF_INIT;
	int r;

	*f = FAULT_INIT;
	seal(pub, "carnet-credential-1", &k.tenant, seal_id, plain, &box);
	s.sealed = buf_span(&box);
	r = credential_open(&k, &s, c, f);
	buf_fini(&box);
	return r;
}

static void a_credential_opens_with_the_class_key(void **state unused)
{
	struct uuid a = id(1);
	struct credential c;
	struct fault f;

	assert_int_equal(open_sealed("{\"id\":\"77\",\"pin\":\"12\u00e9\"}", &a, &a, &c, &f), 0);
	assert_string_equal(c.kind, "system_manager");
	assert_string_equal(c.id, "77");
	assert_string_equal(c.pin, "12\xc3\xa9");
	assert_string_equal(c.user, "");
	credential_wipe(&c);
	assert_string_equal(c.pin, "");
}

static void a_credential_moved_to_another_row_does_not_open_se_37(void **state unused)
{
	struct uuid a = id(1), b = id(2);
	struct credential c;
	struct fault f;

	assert_int_equal(open_sealed("{\"id\":\"77\"}", &a, &b, &c, &f), -1);
	assert_int_equal(f.code, CN_AUTH_MISSING);
	assert_string_equal(f.reason, "sealed_otherwise");
}

static void damaged_or_oversized_contents_are_refused_without_showing_them(void **state unused)
{
	struct uuid a = id(1);
	struct credential c;
	struct fault f;
	char big[400] = "{\"pin\":\"";

	assert_int_equal(open_sealed("not json hunter2", &a, &a, &c, &f), -1);
	assert_null(strstr(f.detail, "hunter2"));
	memset(big + 8, 'x', 300);
	snprintf(big + 308, 8, "\"}");
	assert_int_equal(open_sealed(big, &a, &a, &c, &f), -1);
	assert_null(strstr(f.detail, "xxx"));
}

/* What the errand hears of it; known: the scheduler knew. */
static const struct m_sealed_credential *noted(const char *kind, const char *plain, bool known)
{
	static struct m_sealed_credential s;
	static const char *kinds[] = {NULL, NULL};
	const struct m_sealed_credential *heard = NULL;
	struct uuid a = id(1);
	uint8_t pub[32];
	struct credential_keys k = keys(pub);
	struct errand e = {.credentials = &s, .n_credentials = 1, .keys = &k, .factory = &heard};
	struct buf box = BUF_INIT;
	struct credential c;
	struct fault f = FAULT_INIT;

	seal(pub, "carnet-credential-1", &k.tenant, &a, plain, &box);
	s = (struct m_sealed_credential){
		.id = a, .kind = kind, .sealed = buf_span(&box), .factory_default = known};
	kinds[0] = kind;
	assert_true(errand_credential(&e, kinds, &c, &f));
	assert_true(!heard || heard == &s);
	credential_wipe(&c);
	buf_fini(&box);
	return heard;
}

static void a_login_that_every_new_device_has_is_used_and_noted_fl_16(void **state unused)
{
	static const char factory[] = "{\"id\":\"7654321\",\"pin\":\"7654321\"}";

	assert_non_null(noted("system_manager", factory, false));
	assert_non_null(noted("password_only", "{\"password\":\"12345678\"}", false));
	assert_null(noted("system_manager", factory, true)); /* told already */
	assert_null(noted("system_manager", "{\"id\":\"7654321\",\"pin\":\"4711\"}", false));
	assert_null(noted("snmp_v2c", "{\"community_read\":\"public\"}", false));
}

static void a_worker_without_a_class_key_says_so(void **state unused)
{
	struct credential_keys none = {.have = false};
	struct m_sealed_credential s = {.kind = "user_auth"};
	struct credential c;
	struct fault f = FAULT_INIT;

	assert_int_equal(credential_open(&none, &s, &c, &f), -1);
	assert_string_equal(f.reason, "no_class_key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_kills_a_worker_that_does_not_move_its_deadman),
		cmocka_unit_test(a_disarmed_worker_lives),
		cmocka_unit_test(a_deadline_that_is_over_kills_at_once),
		cmocka_unit_test(a_stopped_worker_does_not_outlive_its_deadman),
		cmocka_unit_test_setup_teardown(
			the_next_start_learns_who_was_being_served_rl_15, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
			between_callbacks_nobody_is_to_blame, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
			workers_that_live_keep_their_own_slot, make_dir, remove_dir),
		cmocka_unit_test(a_directory_that_cannot_be_used_is_said_at_start),
		cmocka_unit_test(a_credential_opens_with_the_class_key),
		cmocka_unit_test(a_credential_moved_to_another_row_does_not_open_se_37),
		cmocka_unit_test(damaged_or_oversized_contents_are_refused_without_showing_them),
		cmocka_unit_test(a_login_that_every_new_device_has_is_used_and_noted_fl_16),
		cmocka_unit_test(a_worker_without_a_class_key_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
