// SPDX-License-Identifier: Apache-2.0
/* One absolute kernel timer. */
#include "services/worker/deadman.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "gen/errors.h"

static timer_t timer;
static bool made;
static uint64_t armed;

static int set(uint64_t boot_ms)
{
	struct itimerspec at = {.it_value = {.tv_sec = (time_t)(boot_ms / 1000),
					.tv_nsec = (long)(boot_ms % 1000) * 1000000}};

	return timer_settime(timer, TIMER_ABSTIME, &at, NULL);
}

int deadman_init(struct fault *reterr)
{
	struct sigevent kill_us = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec far = {.it_value = {.tv_sec = 3600}}, left = {.it_value = {.tv_sec = 0}};

	if (!made && timer_create(CLOCK_BOOTTIME, &kill_us, &timer) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR,
			"the kernel timer that guards locks: %s", strerror(errno));
	made = true;
	if (timer_settime(timer, 0, &far, NULL) < 0 || timer_gettime(timer, &left) < 0 ||
		left.it_value.tv_sec < 3000 || set(0) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR,
			"the kernel timer that guards locks cannot be armed");
	armed = 0;
	return 0;
}

void deadman_arm(uint64_t boot_ms)
{
	if (boot_ms == armed)
		return;
	bug_if(!made || set(boot_ms) < 0);
	armed = boot_ms;
}

uint64_t deadman_armed(void)
{
	return armed;
}
