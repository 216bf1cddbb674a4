// SPDX-License-Identifier: Apache-2.0
/* Start of the scheduler: its timers. It keeps nothing that a restart would miss. */
#include "services/scheduler/scheduler.h"

struct scheduler scheduler;

int scheduler_start(struct service *s, unused struct fault *reterr)
{
	scheduler.service = s;
	events_start();
	sweep_start();
	return 0;
}
