// SPDX-License-Identifier: Apache-2.0
/* A command runs while a lock is held: renewals each sixth of the lease, signals passed on, and
 * when the lock is lost the command is told to stop while the lease still has a third to go
 * (docs/spec/locks.md section 10). */
#include "services/cli/lock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int endings[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

/* The command and its lock. */
struct holding {
	struct cli *cli;
	struct lock *lock;
	pid_t pid;
	enum lock_lost lost_mode;
	uint64_t renew_ms, until_ms; /* next renewal; 0 or the end of --for */
	bool live;                   /* the lock, as far as is known */
	bool told, killed;           /* what was done to the command */
	int status;
};

/* ---- signals, one at a time and only when asked for ---- */

static sigset_t waited_for(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < array_len(endings); i++)
		(void)sigaddset(&set, endings[i]);
	return set;
}

void lock_block_signals(void)
{
	sigset_t set = waited_for();

	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

int lock_next_signal(uint64_t ms, bool *ret_from_terminal)
{
	sigset_t set = waited_for();
	const struct timespec most = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
	siginfo_t info;
	int signal = sigtimedwait(&set, &info, &most);

	*ret_from_terminal = signal > 0 && info.si_code == SI_KERNEL;
	return signal > 0 ? signal : 0;
}

/* ---- the command ---- */

static void be_the_command(const struct lock *lock, char *const *command)
{
	sigset_t set = waited_for();
	char token[32];

	(void)snprintf(token, sizeof(token), "%lld", (long long)lock->token);
	(void)setenv("CARNET_LOCK_REQUEST", lock->request, 1);
	(void)setenv("CARNET_LOCK_TOKEN", token, 1);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)execvp(command[0], command);
	(void)cli_fail(0, "%s: %s", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int start(struct holding *h, char *const *command)
{
	pid_t us = getpid();

	(void)fflush(NULL);
	h->pid = fork();
	if (h->pid < 0)
		return cli_fail(EXIT_ERROR, "%s: %s", command[0], strerror(errno));
	if (h->pid > 0)
		return 0;
	/* nobody renews when we are killed: the command must not go on alone */
	if (h->lost_mode != LOST_WARN)
		(void)prctl(PR_SET_PDEATHSIG, h->lost_mode == LOST_KILL ? SIGKILL : SIGTERM);
	if (getppid() != us)
		_exit(EXIT_LATER);
	be_the_command(h->lock, command);
	return 0;
}

static bool has_ended(struct holding *h)
{
	return waitpid(h->pid, &h->status, WNOHANG) == h->pid;
}

/* ---- the lock ---- */

static long call_lock(const struct holding *h, const char *verb, bool unsure, struct answer *a)
{
	char path[80];
	json_t *body = json_pack("{s:I}", "token", h->lock->token);

	if (unsure)
		(void)json_object_set_new(body, "unsure", json_true());
	(void)snprintf(path, sizeof(path), "/locks/%s:%s", h->lock->request, verb);
	long status = lock_post(h->cli, path, body, a);
	json_decref(body);
	return status;
}

static void stop_command(struct holding *h, const char *why)
{
	h->told = true;
	(void)cli_fail(0, "%s", why);
	if (h->lost_mode == LOST_WARN)
		return;
	h->killed = h->lost_mode == LOST_KILL;
	(void)kill(h->pid, h->killed ? SIGKILL : SIGTERM);
}

static void renew(struct holding *h)
{
	uint64_t asked_ms = clock_boot_ms();
	struct answer a;
	long status = call_lock(h, "renew", false, &a);

	if (status == 200) {
		json_int_t left = json_integer_value(json_object_get(a.json, "remaining_ms"));
		h->lock->end_ms = asked_ms + (left > 0 ? (uint64_t)left : 0);
	} else if (status == 409) {
		h->live = false;
		stop_command(h, "the lock is lost");
	}
	answer_fini(&a);
	h->renew_ms = asked_ms + h->lock->lease_ms / 6;
}

/* A command that was told to stop gets no more time than the lease still has. */
static bool renews(const struct holding *h)
{
	return h->live && (!h->told || h->lost_mode == LOST_WARN);
}

/* What the clock asks for now. */
static void keep_time(struct holding *h)
{
	uint64_t now = clock_boot_ms();
	uint64_t soft_ms = h->lock->end_ms - h->lock->lease_ms / 3;

	if (renews(h) && now >= h->renew_ms) {
		renew(h);
		now = clock_boot_ms();
		soft_ms = h->lock->end_ms - h->lock->lease_ms / 3;
	}
	if (!h->told && now >= soft_ms)
		stop_command(h, "the lock could not be renewed in time");
	if (!h->told && h->until_ms != 0 && now >= h->until_ms)
		stop_command(h, "the time given by --for is over");
	if (h->told && !h->killed && h->lost_mode == LOST_TERM && now >= h->lock->end_ms) {
		h->killed = true;
		(void)kill(h->pid, SIGKILL);
	}
}

static uint64_t next_ms(const struct holding *h)
{
	uint64_t now = clock_boot_ms();
	uint64_t next = renews(h) ? h->renew_ms : now + 1000;

	if (h->told && !h->killed && h->lock->end_ms > now && h->lock->end_ms < next)
		next = h->lock->end_ms;
	if (!h->told && h->until_ms != 0 && h->until_ms < next)
		next = h->until_ms;
	return next > now ? next - now : 0;
}

static void wait_for_end(struct holding *h)
{
	bool from_terminal;

	while (!has_ended(h)) {
		int signal = lock_next_signal(next_ms(h), &from_terminal);
		/* what the terminal sends, the command has got already */
		if (signal > 0 && signal != SIGCHLD && !from_terminal)
			(void)kill(h->pid, signal);
		keep_time(h);
	}
}

/* A command that ended by itself says how the device is; one that was killed does not. */
static void give_back(struct holding *h)
{
	struct answer a;
	long status = 0;

	for (int tries = 0; h->live && tries < 3; tries++) {
		status = call_lock(h, "release", WIFSIGNALED(h->status), &a);
		answer_fini(&a);
		if (status != 0 && status < 500)
			break;
	}
	if (h->live && status != 200)
		(void)cli_fail(0, "the lock could not be given back: it ends with its lease");
}

static int exit_code(const struct holding *h)
{
	if (h->told && h->lost_mode != LOST_WARN)
		return EXIT_LATER;
	return WIFSIGNALED(h->status) ? 128 + WTERMSIG(h->status) : WEXITSTATUS(h->status);
}

int lock_hold(struct cli *c, struct lock *lock, char *const *command, uint64_t for_ms,
	enum lock_lost lost)
{
	uint64_t now = clock_boot_ms();
	struct holding h = {.cli = c,
		.lock = lock,
		.lost_mode = lost,
		.renew_ms = lock->end_ms - lock->lease_ms + lock->lease_ms / 6,
		.until_ms = for_ms > 0 ? now + for_ms : 0,
		.live = true};
	uint64_t sixth = lock->lease_ms / 6;

	if (c->timeout_ms > sixth)
		c->timeout_ms = (uint32_t)sixth;
	int rc = start(&h, command);
	if (rc != 0) {
		h.status = 0;
		give_back(&h);
		return rc;
	}
	wait_for_end(&h);
	give_back(&h);
	return exit_code(&h);
}
