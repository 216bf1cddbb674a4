// SPDX-License-Identifier: Apache-2.0
/* Locks for other systems (docs/spec/locks.md): what lock.c, lock_acquire.c and lock_hold.c share.
 */
#pragma once

#include "services/cli/cli.h"

/* A lock that was granted. Times are of the boot-time clock. */
struct lock {
	char request[40];
	json_int_t token;
	uint64_t lease_ms;
	uint64_t end_ms; /* of the lease, counted from before the question was sent */
};

/* What happens to the command when the lock is gone. */
enum lock_lost { LOST_TERM, LOST_KILL, LOST_WARN };

/* POST; the status, 0 = no answer. */
long lock_post(struct cli *c, const char *path, const json_t *body, struct answer *ret);
/* Runs the command, renews meanwhile, releases at its end; the exit code is the command's. for_ms:
 * the longest it may take, 0 = no limit of ours. */
int lock_hold(struct cli *c, struct lock *lock, char *const *command, uint64_t for_ms,
	enum lock_lost lost) must_check;
/* Signals that end us wait until asked for, so that no lock and no place in a queue is left. */
void lock_block_signals(void);
/* The next of them within ms; 0 = none came. *ret_from_terminal: the command got it as well. */
int lock_next_signal(uint64_t ms, bool *ret_from_terminal);
